"""Stripe's webhook deliveries: ``Stripe-Signature: t=<unix>,v1=<hex>``, HMAC-SHA256 over ``t.body``.

Several ``v1`` come while a secret is being rotated. Delivered at least once and in any order: told apart by ``id``.
Source: the official client 16.1.0 (_webhook.py). Deliveries have the endpoint's API version, not ours, so only fields
that all versions have are read.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

import orjson
from pydantic import Field

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused
from integrations.reading import Answer, read
from integrations.signatures import hmac_sha256, refuse_unless_equal, refuse_unless_fresh
from integrations.vendors.stripe.declaration import EVENT_STATUSES

LABEL = "Stripe"
HEADER = "stripe-signature"
TOLERANCE = 300.0


class _Object(Answer):
    id: str = ""
    object: str = ""
    payment_intent: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    amount_refunded: int = 0
    amount_captured: int = 0


class _Data(Answer):
    object: _Object


class _Event(Answer):
    id: str
    type: str
    created: int
    data: _Data


def event(delivery: Delivery, secret: str) -> VendorEvent:
    """Return the event of a delivery. Raise DeliveryRefused when it is not signed, SchemaDrift when it is no event."""
    stamp, signatures = _parts(delivery.headers.get(HEADER, ""))
    if not stamp.isdecimal() or not signatures:
        raise DeliveryRefused(f"The delivery carries no {HEADER} of {LABEL}'s form.", field=HEADER)
    expected = hmac_sha256(secret, f"{stamp}.".encode() + delivery.body).hex()
    given = expected if any(hmac.compare_digest(expected, one) for one in signatures) else signatures[0]
    refuse_unless_equal(LABEL, HEADER, given, [expected])
    refuse_unless_fresh(LABEL, delivery, datetime.fromtimestamp(int(stamp), UTC), TOLERANCE)
    found = read(_Event, orjson.loads(delivery.body))
    thing = found.data.object
    status = EVENT_STATUSES.get(found.type)
    if found.type == "charge.refunded":
        status = "refunded" if thing.amount_refunded >= thing.amount_captured else "partially_refunded"
    return VendorEvent(
        id=found.id,
        type=found.type,
        occurred_at=datetime.fromtimestamp(found.created, UTC),
        resource=thing.payment_intent or thing.id,
        reference=thing.metadata.get("reference", ""),
        data={"status": status} if status else {},
    )


def _parts(header: str) -> tuple[str, list[str]]:
    stamp, signatures = "", []
    for part in header.encode("ascii", "ignore").decode().split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            stamp = value
        elif name == "v1":
            signatures.append(value)
    return stamp, signatures
