"""Mollie's two kinds of webhook.

Classic: a form ``id=tr_…``, unsigned and without a status. It proves nothing, so it is only a hint to ask Mollie, and
what Mollie answers is the event. Since 2025 also signed events made in the dashboard: ``X-Mollie-Signature:
sha256=<hex>``, HMAC-SHA256 of the raw body; several secrets may hold while one is rotated.
Source: the official client 1.10.20 (signature_validator.py), docs.mollie.com/reference/webhooks.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qs

import orjson

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused, InvalidInput
from integrations.reading import CamelAnswer, read
from integrations.signatures import hmac_sha256, refuse_unless_signed
from integrations.types.payments import Payment
from integrations.vendors.mollie.declaration import LABEL, STATUSES

HEADER = "x-mollie-signature"


class _Event(CamelAnswer):
    id: str
    type: str
    entity_id: str = ""
    created_at: datetime | None = None


def is_signed(delivery: Delivery) -> bool:
    """Whether a delivery is of the signed kind."""
    return HEADER in delivery.headers


def signed(delivery: Delivery, secrets: str) -> VendorEvent:
    """Return a signed event; ``secrets`` are separated by blanks. Raise DeliveryRefused when none of them signed it."""
    if not secrets:
        raise DeliveryRefused(
            f"{LABEL} signs this webhook; set QUAYSIDE_MOLLIE_WEBHOOK_SECRET to its secret.", field=HEADER
        )
    expected = [f"sha256={hmac_sha256(secret, delivery.body).hex()}" for secret in secrets.split()]
    refuse_unless_signed(LABEL, delivery, HEADER, expected)
    found = read(_Event, orjson.loads(delivery.body))
    status = STATUSES.get(found.type.rpartition(".")[2])
    return VendorEvent(
        id=found.id,
        type=found.type,
        occurred_at=found.created_at,
        resource=found.entity_id,
        data={"status": status} if status else {},
    )


def hinted_id(delivery: Delivery) -> str:
    """Return the payment an unsigned delivery hints at. Raise InvalidInput when it names none."""
    found = parse_qs(delivery.body.decode("utf-8", "replace")).get("id", [""])[0]
    if not found.startswith("tr_") or not found[3:].isalnum():
        raise InvalidInput(f"The delivery names no payment of {LABEL}'s; it is a form with id=tr_….", field="id")
    return found


def of_payment(status: str, paid: Payment) -> VendorEvent:
    """Return the event that a payment has this status of Mollie's now; the same state told again is the same event."""
    return VendorEvent(
        id=f"{paid.payment_id}:{status}:{paid.captured.amount}:{paid.refunded.amount}",
        type=f"payment.{status}",
        resource=paid.payment_id,
        reference=paid.reference,
        data={"status": paid.status},
    )
