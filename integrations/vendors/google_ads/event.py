"""What we tell Google of a sale: one event of the Data Manager API, personal data hashed, checked before it goes out.

One event a request: a request with a bad one in it is refused whole.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from integrations.errors import InvalidInput
from integrations.hashed_identity import email, hashed, is_hash, phone_digits
from integrations.types.marketing import Conversion
from integrations.vendors.google_ads.declaration import LABEL

_GMAIL = ("gmail.com", "googlemail.com")


def event(value: Conversion, now: datetime) -> dict[str, Any]:
    """Return the event. Raise InvalidInput naming what Google would refuse or could do nothing with."""
    if value.value.amount < 0:
        raise InvalidInput("A conversion is not worth less than nothing.", field="value.amount")
    told: dict[str, Any] = {
        "eventTimestamp": f"{value.at or now:%Y-%m-%dT%H:%M:%SZ}",
        "transactionId": value.reference,
        "eventSource": "WEB" if value.click_id or value.source_url else "OTHER",
        "conversionValue": value.value.amount,
        "currency": value.value.currency,
    }
    identifiers = _identifiers(value)
    if value.click_id:
        told["adIdentifiers"] = {"gclid": _click(value.click_id)}
    if identifiers:
        told["userData"] = {"userIdentifiers": identifiers}
    if not value.click_id and not identifiers:
        raise InvalidInput(
            f"{LABEL} cannot tell whose click this was; give click_id, email, phone, or the whole name with country and "
            "postal_code.",
            field="click_id",
        )
    device = {"userAgent": value.user_agent, "ipAddress": value.ip_address}
    if any(device.values()):
        told["eventDeviceInfo"] = {name: text for name, text in device.items() if text}
    return told


def _identifiers(value: Conversion) -> list[dict[str, Any]]:
    """Return who it was, each by one thing; a name tells nobody apart without country and postal code."""
    found: list[dict[str, Any]] = []
    address = email(value.email)
    if address:
        found.append({"emailAddress": hashed(_of_gmail(address))})
    digits = phone_digits(value.phone)
    if digits:
        found.append({"phoneNumber": hashed(digits if is_hash(digits) else f"+{digits}")})
    given, family = value.first_name.strip().lower(), value.last_name.strip().lower()
    if given and family and value.country and value.postal_code.strip():
        whole = {
            "givenName": hashed(given),
            "familyName": hashed(family),
            "regionCode": value.country,
            "postalCode": value.postal_code.strip(),
        }
        found.append({"address": whole})
    return found


def _of_gmail(address: str) -> str:
    """Return an address as Google knows it: at its own domains dots and what follows a plus mean nothing."""
    name, _, domain = address.partition("@")
    return f"{name.partition('+')[0].replace('.', '')}@{domain}" if domain in _GMAIL else address


def _click(text: str) -> str:
    if not re.fullmatch(r"[\w.-]{5,512}", text) or text.startswith("fb."):
        raise InvalidInput(f"{LABEL} takes the gclid of the page the shopper came to.", field="click_id")
    return text
