"""Twilio's status callbacks: a form, signed over the address it was posted to and its fields in order of their names.

``X-Twilio-Signature`` is base64 of HMAC-SHA1 with the Auth Token, or of HMAC-SHA256 with a key of its own where the
header ``X-Twilio-Webhooks-Signature-Settings`` says so (since 2026). The address may have been signed with its port or
without; both are tried, as the official client does. There is no time stamp in it, so a replay is told by the message
and the status it repeats: callbacks are not ordered and come more than once anyway.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused
from integrations.signatures import refuse_unless_signed
from integrations.vendors.twilio.declaration import LABEL, STATUSES

HEADER = "x-twilio-signature"
SETTINGS = "x-twilio-webhooks-signature-settings"
_PORTS = {"https": 443, "http": 80}


def event(delivery: Delivery, auth_token: str, signing_key: str) -> VendorEvent:
    """Return the change of status. Raise DeliveryRefused when it is not signed, ValueError when it is no callback."""
    form = dict(parse_qsl(delivery.body.decode("utf-8"), keep_blank_values=True))
    secret, algorithm = auth_token, hashlib.sha1
    if "hmac_sha256" in delivery.headers.get(SETTINGS, "").lower():
        if not signing_key:
            raise DeliveryRefused(
                f"{LABEL} signs with a key of its own; set QUAYSIDE_TWILIO_SIGNING_KEY to it.", field=SETTINGS
            )
        secret, algorithm = signing_key, hashlib.sha256
    fields = "".join(f"{name}{form[name]}" for name in sorted(form))
    expected = [
        base64.b64encode(hmac.new(secret.encode(), f"{url}{fields}".encode(), algorithm).digest()).decode()
        for url in _addresses(delivery.url)
    ]
    refuse_unless_signed(LABEL, delivery, HEADER, expected)
    sid, status = form["MessageSid"], form["MessageStatus"]
    data = {"status": STATUSES.get(status, "sent")}
    if form.get("ErrorCode"):
        data["error_code"] = form["ErrorCode"][:10]
    asked = dict(parse_qsl(urlsplit(delivery.url).query))
    return VendorEvent(
        id=f"{sid}:{status}",
        type=f"message.{status}",
        resource=sid,
        reference=asked.get("reference", ""),
        data=data,
    )


def _addresses(url: str) -> list[str]:
    """Return the address with its port and without."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return [urlunsplit(parts._replace(netloc=netloc, fragment="")) for netloc in (host, f"{host}:{port}")]
