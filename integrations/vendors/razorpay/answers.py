"""What Razorpay answers, in our words: an order is the payment, and the tries to pay it tell how it fares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from integrations.errors import SchemaDrift
from integrations.reading import Answer, read
from integrations.types.base import Currency, Money
from integrations.types.payments import NextAction, Payment, PaymentStatus, Transaction
from integrations.vendors.razorpay.declaration import NAME

CHECKOUT = "razorpay_checkout"  # the shop's page opens it with the order's id
# Which of several tries counts: the buyer may fail twice before he pays.
_FURTHEST = {"failed": 0, "created": 1, "authorized": 2, "refunded": 3, "captured": 4}


class Order(Answer):
    """An order as Razorpay has it."""

    id: str
    amount: int = Field(strict=True)
    currency: Currency
    receipt: str | None = None
    status: str
    created_at: int = 0


class Try(Answer):
    """One try to pay an order; Razorpay calls it a payment."""

    id: str
    amount: int = Field(strict=True)
    currency: Currency
    status: str
    captured: bool = False
    order_id: str | None = None
    amount_refunded: int = 0
    error_code: str | None = None
    error_reason: str | None = None


class RefundPart(Answer):
    """One refund of a payment."""

    id: str
    receipt: str | None = None
    status: str = ""


class _Orders(Answer):
    items: tuple[Order, ...]


class _Tries(Answer):
    items: tuple[Try, ...]


class _Refunds(Answer):
    items: tuple[RefundPart, ...]


class _Movement(Answer):
    entity_id: str
    type: str
    debit: int = 0
    credit: int = 0
    amount: int = Field(strict=True)
    currency: Currency
    created_at: int
    settled_at: int | None = None
    order_id: str | None = None
    payment_id: str | None = None
    order_receipt: str | None = None


class _Movements(Answer):
    items: tuple[_Movement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An order and the tries to pay it, newest first. ``order`` is None for a payment without one."""

    order: Order | None
    tries: Sequence[Try]

    @property
    def best(self) -> Try | None:
        """The try that came furthest, the newest of several."""
        return max(self.tries, key=lambda one: _FURTHEST.get(one.status, 1), default=None)


def order(body: Any) -> Order:
    """Return the order of an answer. Raise SchemaDrift."""
    return read(Order, body)


def orders(body: Any) -> tuple[Order, ...]:
    """Return a list of orders. Raise SchemaDrift."""
    return read(_Orders, body).items


def a_try(body: Any) -> Try:
    """Return one try. Raise SchemaDrift."""
    return read(Try, body)


def tries(body: Any) -> tuple[Try, ...]:
    """Return the tries to pay an order. Raise SchemaDrift."""
    return read(_Tries, body).items


def refunds(body: Any) -> tuple[RefundPart, ...]:
    """Return a page of refunds. Raise SchemaDrift."""
    return read(_Refunds, body).items


def movements(body: Any) -> tuple[Transaction, ...]:
    """Return what was settled. Raise SchemaDrift."""
    return tuple(_transaction(row) for row in read(_Movements, body).items)


def payment(found: Found) -> Payment:
    """Return a payment in our words."""
    best, order = found.best, found.order
    whole = order or best
    if whole is None:
        raise SchemaDrift("Razorpay answered neither an order nor a payment.", field="id")
    refunded = best.amount_refunded if best and best.captured else 0
    status, message = _status(best)
    return Payment(
        vendor=NAME,
        payment_id=whole.id,
        reference=(order.receipt if order else "") or "",
        status=status,
        amount=_money(whole.amount, whole.currency),
        captured=_money(best.amount if best and best.captured else 0, whole.currency),
        refunded=_money(refunded, whole.currency),
        next_action=NextAction(type=CHECKOUT) if order and status in ("requires_action", "declined") else None,
        decline_code=(best.error_reason or best.error_code or "") if best and status == "declined" else "",
        message=message,
    )


def _status(best: Try | None) -> tuple[PaymentStatus, str]:
    if best is None:
        return "requires_action", ""
    if best.captured:
        if best.amount_refunded >= best.amount:
            return "refunded", ""
        return ("partially_refunded" if best.amount_refunded else "captured"), ""
    if best.status == "refunded":
        return "failed", "Nobody captured the payment in time, so Razorpay gave the buyer the money back."
    if best.status == "authorized":
        return "authorized", ""
    if best.status == "failed":
        return "declined", "The buyer may try again with the same order."
    return "pending", ""


def _transaction(row: _Movement) -> Transaction:
    net = row.credit - row.debit
    moved = row.amount if net >= 0 else -row.amount
    return Transaction(
        vendor=NAME,
        transaction_id=row.entity_id,
        type=row.type,
        payment_id=row.order_id or row.payment_id or (row.entity_id if row.type == "payment" else ""),
        reference=row.order_receipt or "",
        amount=_money(moved, row.currency),
        fee=_money(moved - net, row.currency),
        net=_money(net, row.currency),
        # The moment it came into the account: what was captured days before is reported no earlier.
        created_at=datetime.fromtimestamp(row.settled_at or row.created_at, UTC),
    )


def _money(units: int, currency: str) -> Money:
    return Money.from_minor_units(units, currency) if units else Money(amount=Decimal(0), currency=currency)
