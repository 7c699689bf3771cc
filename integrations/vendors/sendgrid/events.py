"""SendGrid's Event Webhook: a JSON array, signed over its time stamp and the raw body with a key of the account.

ECDSA over P-256 with SHA-256; the settings show the public key. Events come more than once and are told apart by
``sg_event_id``. Failed deliveries are repeated for a day, so a stamp may be as old as that.
Source: the official client 6.12.5 (helpers/eventwebhook).
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused, InvalidInput
from integrations.reading import Answer, read
from integrations.signatures import refuse_unless_fresh, refuse_unless_signed_with
from integrations.vendors.sendgrid.declaration import LABEL

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
TOLERANCE = 25 * 3600.0  # seconds


class _Event(Answer):
    event: str
    timestamp: int
    sg_event_id: str = ""
    sg_message_id: str = ""
    message_key: str = ""  # our reference
    type: str = ""  # of a bounce: bounce or blocked


def events(delivery: Delivery, public_key: str) -> list[VendorEvent]:
    """Return the events of a delivery. Raise DeliveryRefused when it is not signed, InvalidInput when it is no JSON,
    SchemaDrift when it holds something else than events."""
    if not public_key:
        raise DeliveryRefused(
            f"{LABEL} can sign this webhook; switch it on and set QUAYSIDE_SENDGRID_WEBHOOK_KEY to the key it shows.",
            field=SIGNATURE,
        )
    stamp, signature = delivery.headers.get(TIMESTAMP, ""), delivery.headers.get(SIGNATURE, "")
    if not signature or not stamp.isdecimal():
        raise DeliveryRefused(
            f"The delivery carries no {SIGNATURE}; it is not {LABEL}'s, or signing is not switched on there.",
            field=SIGNATURE,
        )
    refuse_unless_signed_with(LABEL, SIGNATURE, public_key, signature, stamp.encode() + delivery.body)
    refuse_unless_fresh(LABEL, delivery, datetime.fromtimestamp(int(stamp), UTC), TOLERANCE)
    items = delivery.json()
    if not isinstance(items, list):
        raise InvalidInput("The delivery is no list of events.", field="body")
    return [_event(item) for item in items]


def _event(item: Any) -> VendorEvent:
    found = read(_Event, item)
    data = {"status": found.event}
    if found.type:
        data["bounce"] = found.type[:20]
    return VendorEvent(
        id=found.sg_event_id or sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        type=found.event,
        occurred_at=datetime.fromtimestamp(found.timestamp, UTC),
        resource=found.sg_message_id,
        reference=found.message_key,
        data=data,
    )
