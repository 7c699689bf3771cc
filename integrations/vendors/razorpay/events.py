"""Razorpay's webhook deliveries: ``X-Razorpay-Signature``, hex HMAC-SHA256 of the raw body with the webhook's own secret.

Delivered at least once and in any order: told apart by ``X-Razorpay-Event-Id``, which is not under the signature.
Source: the official client 2.0.1 (utility.py), razorpay.com/docs/webhooks.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import Field

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused
from integrations.reading import Answer, read
from integrations.signatures import hmac_sha256, refuse_unless_signed
from integrations.types.payments import PaymentStatus
from integrations.vendors.razorpay.declaration import LABEL

HEADER, ID_HEADER = "x-razorpay-signature", "x-razorpay-event-id"
_STATUSES: dict[str, PaymentStatus] = {
    "payment.authorized": "authorized",
    "payment.captured": "captured",
    "payment.failed": "declined",
    "order.paid": "captured",
}


class _Entity(Answer):
    id: str = ""
    order_id: str | None = None
    receipt: str | None = None
    notes: Any = None  # [] when there are none
    refund_status: str | None = None


class _Holder(Answer):
    entity: _Entity = Field(default_factory=_Entity)


class _Payload(Answer):
    payment: _Holder | None = None
    order: _Holder | None = None


class _Event(Answer):
    event: str
    created_at: int
    payload: _Payload


def event(delivery: Delivery, secret: str) -> VendorEvent:
    """Return the event of a delivery. Raise DeliveryRefused when it is not signed, SchemaDrift when it is no event."""
    if not secret:
        raise DeliveryRefused(
            f"{LABEL} signs this webhook; set QUAYSIDE_RAZORPAY_WEBHOOK_SECRET to its secret.", field=HEADER
        )
    expected = hmac_sha256(secret, delivery.body).hex()
    refuse_unless_signed(LABEL, delivery, HEADER, [expected])
    found = read(_Event, orjson.loads(delivery.body))
    paid = found.payload.payment.entity if found.payload.payment else None
    order = found.payload.order.entity if found.payload.order else None
    status = _STATUSES.get(found.event)
    if found.event == "refund.processed" and paid is not None and paid.refund_status:
        status = "refunded" if paid.refund_status == "full" else "partially_refunded"
    return VendorEvent(
        id=delivery.headers.get(ID_HEADER) or hashlib.sha256(delivery.body).hexdigest(),
        type=found.event,
        occurred_at=datetime.fromtimestamp(found.created_at, UTC),
        resource=(order.id if order else "") or (paid.order_id or paid.id if paid else ""),
        reference=_reference(order) or _reference(paid),
        data={"status": status} if status else {},
    )


def _reference(entity: _Entity | None) -> str:
    if entity is None:
        return ""
    noted = entity.notes.get("reference") if isinstance(entity.notes, dict) else None
    return entity.receipt or str(noted or "")
