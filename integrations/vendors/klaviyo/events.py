"""Klaviyo's system webhooks: up to 1,000 events in a delivery, signed over the raw body followed by its time stamp.

HMAC-SHA256 in hexadecimal with the secret the webhook was made with; that the stamp follows the body is from third-party
implementations (unconfirmed). ``Klaviyo-Webhook-Id`` is not signed, so it has to be the one the body names. A failed
delivery is repeated with pauses of up to an hour, and after 48 hours the webhook is switched off: a stamp may be as old
as that, and a repeated event is known by its ``external_id``. How the stamp is written is not documented: a date of HTTP
and ISO 8601 have both been seen, and Unix seconds are read too.
Source: developers.klaviyo.com/en/docs/working_with_system_webhooks.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any

import orjson

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused
from integrations.reading import Answer, read
from integrations.signatures import hmac_sha256, refuse_unless_equal, refuse_unless_fresh, refuse_unless_signed
from integrations.vendors.klaviyo.declaration import LABEL

SIGNATURE, TIMESTAMP, WEBHOOK_ID = "klaviyo-signature", "klaviyo-timestamp", "klaviyo-webhook-id"
TOLERANCE = 49 * 3600.0  # seconds


class _Meta(Answer):
    klaviyo_webhook_id: str


class _Envelope(Answer):
    data: tuple[dict[str, Any], ...]
    meta: _Meta


class _Event(Answer):
    topic: str
    external_id: str = ""
    payload: Any = None


def events(delivery: Delivery, secret: str) -> list[VendorEvent]:
    """Return the events of a delivery. Raise DeliveryRefused when it is not proven to be Klaviyo's, InvalidInput when it
    is no JSON, SchemaDrift when it holds something else than events."""
    if not secret:
        raise DeliveryRefused(
            f"{LABEL} signs this webhook; set QUAYSIDE_KLAVIYO_WEBHOOK_SECRET to the secret it was made with.",
            field=SIGNATURE,
        )
    stamp = delivery.headers.get(TIMESTAMP, "")
    expected = hmac_sha256(secret, delivery.body + stamp.encode()).hex()
    refuse_unless_signed(LABEL, delivery, SIGNATURE, [expected])
    refuse_unless_fresh(LABEL, delivery, _time(stamp), TOLERANCE)
    body = delivery.json()
    envelope = read(_Envelope, body)
    refuse_unless_equal(LABEL, WEBHOOK_ID, delivery.headers.get(WEBHOOK_ID, ""), [envelope.meta.klaviyo_webhook_id])
    return [_event(item) for item in envelope.data]


def _event(item: dict[str, Any]) -> VendorEvent:
    """Return the event; its resource is Klaviyo's id of the profile it happened to."""
    found = read(_Event, item)
    event = _part(found.payload, "data")
    who = _part(_part(_part(event, "relationships"), "profile"), "data").get("id")
    return VendorEvent(
        id=found.external_id or sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        type=found.topic,
        occurred_at=_happened(_part(event, "attributes")),
        resource=who if isinstance(who, str) else "",
    )


def _happened(attributes: dict[str, Any]) -> datetime | None:
    at, seconds = attributes.get("datetime"), attributes.get("timestamp")
    try:
        if isinstance(at, str):
            return _aware(datetime.fromisoformat(at))
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (ValueError, OverflowError, OSError):
        return None


def _time(stamp: str) -> datetime:
    for parsed in (_seconds, datetime.fromisoformat, parsedate_to_datetime):
        try:
            return _aware(parsed(stamp))
        except (ValueError, OverflowError, OSError):
            continue
    raise DeliveryRefused(f"The delivery's time stamp is none that {LABEL} writes.", field="timestamp")


def _seconds(stamp: str) -> datetime:
    return datetime.fromtimestamp(int(stamp), UTC)


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _part(whole: Any, name: str) -> dict[str, Any]:
    part = whole.get(name) if isinstance(whole, dict) else None
    return part if isinstance(part, dict) else {}
