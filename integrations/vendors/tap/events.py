"""Tap's webhook deliveries: the whole charge, authorization or refund, proven by the header ``hashstring``.

It is hex HMAC-SHA256 under the secret key, over some fields and not the body: our reference is not among them, and
neither is a time of signing. So a proven delivery names what has changed, and Tap is asked how it stands now.
``amount`` is signed with its currency's decimals (KWD 1.000), whatever the JSON number looks like; what is missing is
signed as "". Source: developers.tap.company/docs/webhook.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused, InvalidInput, SchemaDrift
from integrations.reading import Answer, read
from integrations.signatures import hmac_sha256, refuse_unless_signed
from integrations.types.base import Currency, Exact, minor_units
from integrations.types.payments import Payment
from integrations.vendors.tap.declaration import LABEL

HEADER = "hashstring"


class _Transaction(Answer):
    created: str | int | None = None


class _Reference(Answer):
    gateway: str | None = None
    payment: str | None = None


class Told(Answer):
    """What a delivery is about; only the fields under its signature."""

    id: str = Field(pattern=r"^(chg|auth|re)_\w{1,120}$")
    status: str
    amount: Exact
    currency: Currency
    created: str | int | None = None  # of a refund
    transaction: _Transaction | None = None
    reference: _Reference | None = None

    @property
    def kind(self) -> str:
        return {"chg": "charge", "auth": "authorize", "re": "refund"}[self.id.partition("_")[0]]


def proven(delivery: Delivery, secret: str) -> Told:
    """Return what a delivery tells. Raise DeliveryRefused when Tap did not sign it, InvalidInput when it is no event."""
    try:
        told = read(Told, json.loads(delivery.body, parse_float=Decimal))
    except (ValueError, RecursionError, SchemaDrift) as error:
        raise InvalidInput(f"The delivery is no charge, authorization or refund of {LABEL}'s.", field="body") from error
    if not secret:
        raise DeliveryRefused(f"{LABEL} signs with the secret key; set QUAYSIDE_TAP_SECRET_KEY.", field=HEADER)
    expected = hmac_sha256(secret, signed_text(told).encode()).hex()
    refuse_unless_signed(LABEL, delivery, HEADER, [expected])
    return told


def signed_text(told: Told) -> str:
    """Return the text under a signature."""
    reference = told.reference or _Reference()
    created = told.created if told.kind == "refund" else told.transaction.created if told.transaction else None
    fields: dict[str, Any] = {
        "id": told.id,
        "amount": f"{told.amount:.{minor_units(told.currency)}f}",
        "currency": told.currency,
        "gateway_reference": reference.gateway or "",
        "payment_reference": reference.payment or "",
        "status": told.status,
        "created": "" if created is None else created,
    }
    return "".join(f"x_{name}{value}" for name, value in fields.items())


def event(kind: str, id: str, status: str, paid: Payment, at: datetime) -> VendorEvent:
    """Return the event that something of Tap's has this status now; the same state told again is the same event."""
    return VendorEvent(
        id=f"{id}:{status}",
        type=f"{kind}.{status.lower()}",
        occurred_at=at,
        resource=paid.payment_id,
        reference=paid.reference,
        data={"status": paid.status},
    )
