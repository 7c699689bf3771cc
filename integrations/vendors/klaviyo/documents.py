"""What we send to Klaviyo: JSON:API documents of a profile and of an event, checked first.

A field left out is kept there, one sent as null is cleared: so '' is left out, and only a property may be null.
Sources: the published contract; developers.klaviyo.com/en/reference/profiles_api_overview (100 characters of address).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from integrations.errors import InvalidInput
from integrations.types.marketing import EventValue, Profile, TrackedEvent
from integrations.vendors.klaviyo.declaration import LABEL

LARGEST_PROFILE, LARGEST_EVENT, LONGEST_TEXT = 100_000, 5_000_000, 100_000  # bytes
LONGEST_EMAIL = 100
MOST_PROPERTIES = 400
EARLIEST = datetime(1991, 1, 1, tzinfo=UTC)
FURTHEST = timedelta(days=365)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def profile(value: Profile) -> dict[str, Any]:
    """Return the document of profile-import. Raise InvalidInput naming the field."""
    document = {"data": {"type": "profile", "attributes": _attributes(value, "")}}
    _refuse_larger(document, LARGEST_PROFILE, "A profile", "properties")
    return document


def event(value: TrackedEvent, now: datetime) -> dict[str, Any]:
    """Return the document of an event. Raise InvalidInput naming the field.

    The time is always said: one that is left to Klaviyo would be that of the last attempt.
    """
    at = value.at or now
    if at < EARLIEST or at > now + FURTHEST:
        raise InvalidInput(f"{LABEL} takes events after 1990 and at most a year ahead.", field="at")
    if len(value.properties) > MOST_PROPERTIES:
        raise InvalidInput(f"{LABEL} takes {MOST_PROPERTIES} properties of an event at most.", field="properties")
    attributes: dict[str, Any] = {
        "time": at.replace(microsecond=0).isoformat(),
        "unique_id": value.reference,
        "properties": _properties(value.properties, "properties"),
        "metric": {"data": {"type": "metric", "attributes": {"name": value.name}}},
        "profile": {"data": {"type": "profile", "attributes": _attributes(value.profile, "profile.")}},
    }
    if value.value is not None:
        attributes |= {"value": value.value.amount, "value_currency": value.value.currency}
    document = {"data": {"type": "event", "attributes": attributes}}
    _refuse_larger(document, LARGEST_EVENT, "An event", "properties")
    return document


def _attributes(value: Profile, at: str) -> dict[str, Any]:
    """Return who somebody is. The country goes as its code, where the contract asks for a name (unconfirmed)."""
    if value.email and (len(value.email) > LONGEST_EMAIL or not _EMAIL.fullmatch(value.email)):
        raise InvalidInput(
            f"This is no e-mail address, or one longer than {LONGEST_EMAIL} characters.", field=f"{at}email"
        )
    if value.phone and not _E164.fullmatch(value.phone):
        raise InvalidInput(
            f"{LABEL} takes a telephone number as +14155550123: country code first, digits alone.", field=f"{at}phone"
        )
    plain = {
        "email": value.email,
        "phone_number": value.phone,
        "external_id": value.external_id,
        "first_name": value.first_name,
        "last_name": value.last_name,
    }
    place = {"city": value.city, "region": value.region, "country": value.country, "zip": value.postal_code}
    found: dict[str, Any] = {name: text for name, text in plain.items() if text}
    location = {name: text for name, text in place.items() if text}
    if location:
        found["location"] = location
    if value.properties:
        found["properties"] = _properties(value.properties, f"{at}properties")
    return found


def _properties(values: Mapping[str, EventValue], at: str) -> dict[str, EventValue]:
    for name, one in values.items():
        if isinstance(one, str) and len(one.encode()) > LONGEST_TEXT:
            raise InvalidInput(
                f"{LABEL} takes {LONGEST_TEXT // 1000} KB of text in a property at most.", field=f"{at}.{name}"
            )
    return dict(values)


def _refuse_larger(document: Mapping[str, Any], largest: int, what: str, field: str) -> None:
    if len(orjson.dumps(document, default=str)) > largest:
        raise InvalidInput(f"{what} may have {largest // 1000:,} KB at most; send fewer properties.", field=field)
