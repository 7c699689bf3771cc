"""What we tell Meta of a sale: one server event, personal data hashed, checked before anything goes out.

One event a request, always: Meta throws a whole batch away for one bad event in it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from integrations.errors import InvalidInput
from integrations.hashed_identity import email, hashed, phone_digits
from integrations.types.marketing import Conversion
from integrations.vendors.meta_ads.declaration import LABEL

OLDEST = timedelta(days=7)  # an event that is older fails the request
SKEW = timedelta(minutes=1)  # how far clocks may differ
_COOKIE = re.compile(r"fb\.\d\.\d+\..+")  # fbc and fbp: fb, the domain's level, milliseconds, the id


def server_event(value: Conversion, now: datetime) -> dict[str, Any]:
    """Return the event. Raise InvalidInput naming what Meta would refuse or could do nothing with.

    What the shopper did in the shop's pages is a website's event and needs both ``source_url`` and ``user_agent``;
    anything else is said to have happened elsewhere. A Refund is an event of our own naming: nothing is subtracted.
    """
    at = value.at or now
    if at < now - OLDEST:
        raise InvalidInput(f"{LABEL} takes no event that is older than 7 days.", field="at")
    if at > now + SKEW:
        raise InvalidInput(f"{LABEL} takes no event that has yet to happen.", field="at")
    if value.value.amount < 0:
        raise InvalidInput("A conversion is not worth less than nothing; send a Refund.", field="value.amount")
    event: dict[str, Any] = {
        "event_name": value.name,
        "event_time": int(at.timestamp()),
        "event_id": value.reference,
        "action_source": "website" if value.source_url else "other",
        "user_data": _shopper(value),
        "custom_data": {
            "currency": value.value.currency.lower(),
            "value": value.value.amount,
            "order_id": value.reference,
        },
    }
    if value.source_url:
        if not value.user_agent:
            raise InvalidInput(f"{LABEL} wants the user_agent beside the source_url of a website.", field="user_agent")
        event["event_source_url"] = value.source_url
    if value.quantity is not None:
        event["custom_data"]["num_items"] = int(value.quantity)
    return event


def _shopper(value: Conversion) -> dict[str, Any]:
    found: dict[str, Any] = {}
    plain = {
        "em": email(value.email),
        "ph": phone_digits(value.phone),
        "fn": value.first_name.strip().lower(),
        "ln": value.last_name.strip().lower(),
        "country": (value.country or "").lower(),
        "zp": re.sub(r"\s", "", value.postal_code.lower()).split("-")[0],
    }
    found |= {name: [hashed(one)] for name, one in plain.items() if one}
    open_ones = {
        "fbc": _cookie(value.click_id, "click_id"),
        "fbp": _cookie(value.browser_id, "browser_id"),
        "client_ip_address": value.ip_address,
        "client_user_agent": value.user_agent,
    }
    found |= {name: one for name, one in open_ones.items() if one}
    if not ({"em", "ph", "fbc", "fbp", "client_ip_address"} & found.keys() or {"fn", "ln"} <= found.keys()):
        raise InvalidInput(
            f"{LABEL} cannot tell who this was; give email, phone, click_id, browser_id, ip_address or both names.",
            field="email",
        )
    return found


def _cookie(text: str, field: str) -> str:
    if text and not _COOKIE.fullmatch(text):
        raise InvalidInput(f"{LABEL} takes what its cookie holds, such as fb.1.1767312000000.AbC.", field=field)
    return text
