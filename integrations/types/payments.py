"""Payments: one charge from request to refund, and what a processor settled."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from integrations.types.base import Model, Money, PositiveMoney, Reference, UtcDatetime

PaymentStatus = Literal[
    "pending", "requires_action", "authorized", "captured", "declined", "partially_refunded", "refunded", "failed"
]


_HELD: JsonDict = {
    "vendor": "stripe",
    "payment_id": "pi_3PquaysideHeld",
    "reference": "S-10042",
    "status": "authorized",
    "amount": {"amount": "44.75", "currency": "USD"},
    "captured": {"amount": "0.00", "currency": "USD"},
    "refunded": {"amount": "0.00", "currency": "USD"},
}
_LET_GO: JsonDict = {**_HELD, "status": "failed"}


class Customer(Model):
    """Who pays."""

    name: str = ""
    email: str = ""
    phone: str = ""


class PaymentRequest(Model):
    """A payment to make. ``payment_method`` is the processor's token for the card or wallet, never a card number."""

    reference: Reference
    amount: PositiveMoney
    payment_method: str = ""
    capture: bool = True
    description: str = ""
    return_url: str = ""
    customer: Customer | None = None


class NextAction(Model):
    """What the shopper must do next."""

    type: str
    url: str = ""


class Payment(Model):
    """A payment as the processor has it. A decline is a result, not an error; what was let go of is failed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HELD, _LET_GO]})

    vendor: str
    payment_id: str
    reference: str
    status: PaymentStatus
    amount: Money
    captured: Money
    refunded: Money
    next_action: NextAction | None = None
    decline_code: str = ""
    message: str = ""


class PaymentQuery(Model):
    """Which payment."""

    payment_id: str = Field(min_length=1, max_length=128)


class CaptureRequest(Model):
    """Capture an authorized payment; ``amount`` None is all of it."""

    reference: Reference
    payment_id: str = Field(min_length=1, max_length=128)
    amount: PositiveMoney | None = None


class RefundRequest(Model):
    """Refund a captured payment; ``amount`` None is the rest. ``reference`` tells one refund from another."""

    reference: Reference
    payment_id: str = Field(min_length=1, max_length=128)
    amount: PositiveMoney | None = None
    reason: str = ""


class TransactionQuery(Model):
    """A stretch of the processor's ledger, newest first."""

    since: UtcDatetime | None = None
    until: UtcDatetime | None = None
    cursor: str = ""
    limit: int = Field(default=100, ge=1, le=100)


class Transaction(Model):
    """One movement in the processor's ledger, in the settlement currency; a refund is negative."""

    vendor: str
    transaction_id: str
    type: str
    payment_id: str = ""
    reference: str = ""
    amount: Money
    fee: Money
    net: Money
    created_at: UtcDatetime
    status: str = ""


class TransactionPage(Model):
    """A page of transactions; ``next_cursor`` '' at the end."""

    transactions: tuple[Transaction, ...]
    next_cursor: str = ""
