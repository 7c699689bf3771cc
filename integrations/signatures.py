"""Whether a webhook delivery is the vendor's: signatures compared in constant time, time stamps held to a window."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from integrations.adapter import Delivery
from integrations.errors import DeliveryRefused


def hmac_sha256(secret: str, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message; vendors write it in hex or base64."""
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def refuse_unless_signed(label: str, delivery: Delivery, header: str, expected: Iterable[str]) -> None:
    """Raise DeliveryRefused unless the header holds one of the signatures we expect.

    ``header`` is in lower case; several are expected while a secret is being rotated, and all of them are compared.
    """
    given = delivery.headers.get(header, "")
    if not given:
        raise DeliveryRefused(
            f"The delivery carries no {header}; it is not {label}'s, or signing is not switched on there.",
            field=header,
        )
    refuse_unless_equal(label, header, given, expected)


def refuse_unless_equal(label: str, field: str, given: str, expected: Iterable[str]) -> None:
    """Raise DeliveryRefused unless a signature is one of those expected, compared in constant time."""
    found = False
    for one in expected:
        found |= hmac.compare_digest(one.encode(), given.encode("utf-8", "replace"))
    if not found:
        raise DeliveryRefused(
            f"The signature is not {label}'s; check the webhook secret set here against the one set there.",
            field=field,
        )


def refuse_unless_fresh(label: str, delivery: Delivery, signed_at: datetime, tolerance: float) -> None:
    """Raise DeliveryRefused when a signed time stamp is further from now than ``tolerance`` seconds, either way."""
    age = (delivery.received_at - signed_at).total_seconds()
    if abs(age) > tolerance:
        raise DeliveryRefused(
            f"The delivery was signed {age:.0f} s ago, {label} may be {tolerance:.0f} s off; it is a replay, "
            "or a clock is wrong.",
            field="timestamp",
        )


def refuse_unless_signed_with(label: str, field: str, public_key: str, signature: str, message: bytes) -> None:
    """Raise DeliveryRefused unless an ECDSA/SHA-256 signature (base64 of DER) over the message is that of the key.

    ``public_key`` is base64 of the key's DER, as vendors show it. Raise DeliveryRefused as well for a key that is none:
    the setting is wrong then, and its message says so.
    """
    try:
        key = load_der_public_key(b64decode(public_key, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise DeliveryRefused(f"The key set here for {label}'s webhook is no public key; copy it anew.", field=field)
    try:
        key.verify(b64decode(signature, validate=True), message, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        raise DeliveryRefused(
            f"The signature is not {label}'s; check the webhook key set here against the one set there.", field=field
        ) from None
