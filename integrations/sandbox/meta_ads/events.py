"""The Conversions API: events of a shop's server, counted once.

One event that is not valid refuses all of them. The same ``event_id`` and ``event_name`` within 48 hours are one event,
whose second copy is answered as if it counted; after that it counts again. That personal values which are not hashed are
refused, and the titles of the refusals, are unconfirmed; the subcodes for what is too old and for what finds nobody are
Meta's.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import orjson

from integrations.sandbox.meta_ads.access import VENDOR
from integrations.sandbox.meta_ads.errors import GraphError, bad_parameter
from integrations.sandbox.meta_ads.parameters import Parameters
from integrations.sandbox.twin import World

MOST_EVENTS = 1000
COUNTED_ONCE = 48 * 3600.0
_DAY = 86_400
ACTION_SOURCES = frozenset(
    {
        *("app", "business_messaging", "chat", "email", "other", "phone_call", "physical_store"),
        *("system_generated", "website"),
    }
)
HASHED = frozenset(
    {
        *("em", "ph", "fn", "ln", "ct", "st", "zp", "country", "ge", "db"),
        *("f5first", "f5last", "fi", "dobd", "dobm", "doby"),
    }
)
PLAIN = frozenset(
    {
        *("client_ip_address", "client_user_agent", "fbc", "fbp", "subscription_id", "lead_id", "fb_login_id"),
        *("madid", "external_id", "anon_id", "page_id", "page_scoped_user_id", "ctwa_clid", "ig_account_id"),
        "ig_sid",
    }
)
# Together they are shared by too many people to find one of them.
_TOO_BROAD = frozenset(("client_user_agent", "country", "ct", "st", "zp", "ge", "db"))
_MEMBERS = frozenset(
    {
        *("event_name", "event_time", "event_id", "event_source_url", "action_source", "user_data", "custom_data"),
        *("opt_out", "data_processing_options", "data_processing_options_country"),
        *("data_processing_options_state", "referrer_url", "customer_segmentation", "app_data", "original_event_data"),
        *("attribution_data", "messaging_channel", "extended_device_info", "advanced_measurement_table"),
        *("delivery_category", "user_consent", "conversion_value"),
    }
)
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


class Events:
    """What was counted in the last two days, by pixel, name and id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._counted: dict[tuple[str, str, str], float] = {}

    def __repr__(self) -> str:
        return f"<Events {len(self._counted)} counted>"

    def receive(self, pixel: str, parameters: Parameters) -> int:
        """Take the events of one request and return how many they were; raises ``GraphError`` for any that is wrong."""
        events = _read(parameters.value("data"))
        for number, event in enumerate(events):
            self._check(event, f"$['data'][{number}]")
        for event in events:
            self._count(pixel, event)
        return len(events)

    def _count(self, pixel: str, event: dict[str, Any]) -> None:
        now, id = self._world.now(), str(event.get("event_id") or "")
        key = (pixel, event["event_name"], id)
        if id and now < self._counted.get(key, float("-inf")) + COUNTED_ONCE:
            return
        self._counted[key] = now
        custom = event.get("custom_data") or {}
        value = custom.get("value")
        self._world.ledger.effect(
            vendor=VENDOR,
            kind="conversion",
            reference=id or str(custom.get("order_id") or ""),
            id=f"{pixel}:{event['event_name']}:{id}",
            amount=None
            if value is None
            else f"{Decimal(str(value))} {str(custom.get('currency', '')).upper()}".strip(),
        )

    def _check(self, event: dict[str, Any], at: str) -> None:
        unknown = sorted(set(event) - _MEMBERS)
        if unknown:
            raise GraphError(100, f'Server Side Api Parameter Error: Unexpected key "{unknown[0]}" on param "{at}".')
        name = event.get("event_name")
        if not isinstance(name, str) or not name:
            raise _wrong("Missing Event Name", f"Send an event_name with {at}.")
        source = event.get("action_source")
        if source not in ACTION_SOURCES:
            raise _wrong("Invalid Action Source", f"Send an action_source of the list with {at}.")
        if source == "website" and not event.get("event_source_url"):
            raise _wrong("Missing Event Source URL", f"Send an event_source_url with the website event {at}.")
        self._check_time(event.get("event_time"), 62 if source == "physical_store" else 7)
        _check_person(event.get("user_data"))
        custom = event.get("custom_data")
        if custom is not None and not isinstance(custom, dict):
            raise _wrong("Invalid Custom Data", f"The custom_data of {at} must be an object.")
        _check_value(custom or {}, name)

    def _check_time(self, moment: Any, days: int) -> None:
        if isinstance(moment, str) and moment.isdigit():
            moment = int(moment)
        if isinstance(moment, bool) or not isinstance(moment, int):
            raise _wrong("Invalid Event Time", "The event_time must be Unix seconds.")
        now = self._world.now()
        if moment > now + 60:
            raise _wrong("Event Timestamp in the Future", "The event_time must not lie in the future.")
        if moment < now - days * _DAY:
            raise _wrong("Event Timestamp Too Old", f"An event must be sent within {days} days.", 2804003)


def _read(data: Any) -> list[dict[str, Any]]:
    """Return the events; each may be an object or, as the official client sends it, the text of one."""
    if not isinstance(data, list) or not data:
        raise bad_parameter("param data must be non-empty.")
    if len(data) > MOST_EVENTS:
        raise bad_parameter(f"param data must hold at most {MOST_EVENTS} events.")
    events = []
    for item in data:
        try:
            event = orjson.loads(item) if isinstance(item, str) else item
        except orjson.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            raise bad_parameter("param data must be an array of objects.")
        events.append(event)
    return events


def _check_person(person: Any) -> None:
    known = {name: value for name, value in person.items() if value} if isinstance(person, dict) else {}
    if not set(known) - _TOO_BROAD:
        raise _wrong(
            "Customer Information Parameters Missing",
            "The user_data must hold something a person can be found by.",
            2804050,
        )
    strange = sorted(set(known) - HASHED - PLAIN)
    if strange:
        raise GraphError(100, f'Server Side Api Parameter Error: Unexpected key "{strange[0]}" on param "user_data".')
    for name in sorted(HASHED & set(known)):
        values = known[name] if isinstance(known[name], list) else [known[name]]
        if not all(isinstance(value, str) and _SHA256.fullmatch(value) for value in values):
            raise _wrong("User Parameter Not Hashed", f"Hash the {name} parameter with SHA-256.")


def _check_value(custom: dict[str, Any], name: str) -> None:
    """Check value and currency, which only a purchase must have."""
    needed, value, currency = name == "Purchase", custom.get("value"), custom.get("currency")
    try:
        right = not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except ArithmeticError:
        right = False
    if not right and (needed or value is not None):
        raise _wrong("Invalid Value", f"The value of the {name} event must be a number.")
    if not re.fullmatch("[A-Za-z]{3}", str(currency or "")) and (needed or currency is not None):
        raise _wrong("Invalid Currency", f"The currency of the {name} event must be an ISO 4217 code.")


def _wrong(title: str, advice: str, subcode: int | None = None) -> GraphError:
    return GraphError(100, "Invalid parameter", subcode=subcode, transient=False, title=title, advice=advice)
