"""Events as PayPal delivers them, signed with its own key, and the endpoint that says whether one is genuine.

Signed is ``transmission id|transmission time|webhook id|crc32 of the body`` (decimal) with SHA256withRSA; the certificate
stands at ``PAYPAL-CERT-URL``. There is no secret between us: what is given as one is the id of the webhook. The endpoint
takes the event's text as it stands in the request: one that was written anew with other blanks does not verify.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.paypal.account import Account, Event, time_text
from integrations.sandbox.paypal.checks import Reader
from integrations.sandbox.paypal.errors import malformed

ALGORITHM = "SHA256withRSA"
CERTIFICATE_PATH = "/v1/notifications/certs/CERT-360caa42-fca2a594-5a9b1c3e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """PayPal's key pair and the certificate that carries its public half, both as PEM."""

    private: rsa.RSAPrivateKey
    public_pem: str
    certificate: str


class Webhooks:
    """The events of one account, as deliveries."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def deliveries(self, webhook_id: str) -> Sequence[Delivery]:
        """Return what would have been delivered so far to the webhook of this id, oldest first."""
        found = []
        for event in self._account.events.oldest_first():
            body = event_text(event)
            sent = str(uuid5(NAMESPACE_URL, event.id))
            at = time_text(self._account.now())
            signature = key().private.sign(
                _signed(sent, at, webhook_id, body.encode()), padding.PKCS1v15(), hashes.SHA256()
            )
            headers = {
                "Content-Type": "application/json",
                "PAYPAL-AUTH-ALGO": ALGORITHM,
                "PAYPAL-CERT-URL": f"{event.base_url}{CERTIFICATE_PATH}",
                "PAYPAL-TRANSMISSION-ID": sent,
                "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
                "PAYPAL-TRANSMISSION-TIME": at,
                "User-Agent": "PayPal/AUHD-214.0-58157440",
            }
            found.append(Delivery(type=event.type, headers=headers, body=body))
        return found


def verify(body: Reader, text: str) -> dict[str, Any]:
    """Answer whether an event is genuine; raises ``Refused`` 400 for a request that lacks something."""
    names = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time", "webhook_id")
    given = {name: body.required_text(name, high=500) for name in names}
    body.required_object("webhook_event")
    event = _member(text, "webhook_event")
    try:
        signature = base64.b64decode(given["transmission_sig"], validate=True)
        key().private.public_key().verify(
            signature,
            _signed(given["transmission_id"], given["transmission_time"], given["webhook_id"], event.encode()),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except (binascii.Error, InvalidSignature):
        return {"verification_status": "FAILURE"}
    genuine = given["auth_algo"] == ALGORITHM and given["cert_url"].endswith(CERTIFICATE_PATH)
    return {"verification_status": "SUCCESS" if genuine else "FAILURE"}


def event_text(event: Event) -> str:
    """Return the text of an event as it is delivered."""
    own = f"{event.base_url}/v1/notifications/webhooks-events/{event.id}"
    shown = {
        "id": event.id,
        "event_version": "1.0",
        "create_time": time_text(event.at),
        "resource_type": event.resource_type,
        "resource_version": "2.0",
        "event_type": event.type,
        "summary": event.summary,
        "resource": event.resource,
        "links": [
            {"href": own, "rel": "self", "method": "GET"},
            {"href": f"{own}/resend", "rel": "resend", "method": "POST"},
        ],
    }
    return orjson.dumps(shown).decode()


@lru_cache(maxsize=1)
def key() -> Key:
    """Return the key pair, made when first needed."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "messageverificationcerts.sandbox.paypal.test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(private, hashes.SHA256())
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Key(
        private=private,
        public_pem=public.decode(),
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )


def _signed(transmission_id: str, at: str, webhook_id: str, body: bytes) -> bytes:
    return f"{transmission_id}|{at}|{webhook_id}|{zlib.crc32(body)}".encode()


def _member(text: str, name: str) -> str:
    """Return the text of one member of a JSON object as it was written; raises ``Refused`` 400 when it is not there."""
    decoder, position = json.JSONDecoder(), text.index("{") + 1
    while True:
        while text[position] in " \t\r\n,":
            position += 1
        if text[position] == "}":
            raise malformed("MISSING_REQUIRED_PARAMETER", f"/{name}")
        found, position = decoder.raw_decode(text, position)
        while text[position] in " \t\r\n:":
            position += 1
        start = position
        _, position = decoder.raw_decode(text, position)
        if found == name:
            return text[start:position]
