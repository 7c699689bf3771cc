"""What Mollie answers, in our words. There is no status "refunded": the amounts tell."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, field_validator

from integrations.reading import Answer, CamelAnswer, read
from integrations.types.base import Currency, Money
from integrations.types.payments import NextAction, Payment, PaymentStatus, Transaction
from integrations.vendors.mollie.declaration import NAME, STATUSES


class _Amount(Answer):
    currency: Currency
    value: Decimal

    def money(self) -> Money:
        return Money(amount=self.value, currency=self.currency)


class _Link(Answer):
    href: str


class _Links(Answer):
    checkout: _Link | None = None
    next: _Link | None = None


class _Details(CamelAnswer):
    failure_reason: str | None = None


class _WithReference(CamelAnswer):
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("metadata", mode="before")
    @classmethod
    def _as_object(cls, value: object) -> object:
        """Read metadata that comes back as text; whatever is no object of ours has no reference."""
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = {}
        return value if isinstance(value, dict) else {}

    @property
    def reference(self) -> str:
        return str(self.metadata.get("reference") or "")


class Found(_WithReference):
    """A payment as Mollie has it."""

    id: str
    status: str
    amount: _Amount
    amount_refunded: _Amount | None = None
    amount_remaining: _Amount | None = None
    amount_captured: _Amount | None = None
    details: _Details | None = None
    links: _Links = Field(default_factory=_Links, alias="_links")


class RefundPart(_WithReference):
    """One refund of a payment."""

    id: str
    status: str
    amount: _Amount


class _Refunds(Answer):
    refunds: tuple[RefundPart, ...] = ()


class _RefundPage(Answer):
    embedded: _Refunds = Field(alias="_embedded")
    links: _Links = Field(default_factory=_Links, alias="_links")


class _Movement(CamelAnswer):
    id: str
    type: str
    result_amount: _Amount
    initial_amount: _Amount
    created_at: datetime
    context: Any = None


class _Movements(Answer):
    balance_transactions: tuple[_Movement, ...] = ()


class _MovementPage(Answer):
    embedded: _Movements = Field(alias="_embedded")
    links: _Links = Field(default_factory=_Links, alias="_links")


def found(body: Any) -> Found:
    """Return the payment of an answer. Raise SchemaDrift."""
    return read(Found, body)


def refunds(body: Any) -> tuple[tuple[RefundPart, ...], str]:
    """Return a page of refunds and the id the next begins with, "" at the end. Raise SchemaDrift."""
    page = read(_RefundPage, body)
    return page.embedded.refunds, _following(page.links)


def movements(body: Any) -> tuple[tuple[Transaction, ...], str]:
    """Return a page of the balance's movements and the id the next begins with, "" at the end. Raise SchemaDrift."""
    page = read(_MovementPage, body)
    return tuple(_transaction(row) for row in page.embedded.balance_transactions), _following(page.links)


def payment(paid: Found, *, message: str = "", status: PaymentStatus | None = None) -> Payment:
    """Return a payment in our words; ``status`` where more is known than its own says."""
    nothing = Money(amount=Decimal(0), currency=paid.amount.currency)
    refunded = paid.amount_refunded.money() if paid.amount_refunded else nothing
    captured = nothing
    if paid.status == "paid":
        captured = (paid.amount_captured or paid.amount).money()
    elif paid.amount_captured is not None:
        captured = paid.amount_captured.money()
    reason = (paid.details.failure_reason if paid.details else None) or ""
    told = status or STATUSES.get(paid.status, "pending")
    if told == "captured" and refunded.amount > 0:
        told = "refunded" if refunded.amount >= captured.amount else "partially_refunded"
    elif told == "failed" and reason:
        told = "declined"
    checkout = paid.links.checkout
    return Payment(
        vendor=NAME,
        payment_id=paid.id,
        reference=paid.reference,
        status=told,
        amount=paid.amount.money(),
        captured=captured,
        refunded=refunded,
        next_action=NextAction(type="redirect", url=checkout.href) if told == "requires_action" and checkout else None,
        decline_code=reason if told == "declined" else "",
        message=message,
    )


def _transaction(row: _Movement) -> Transaction:
    # Outgoing values are negative, and so is what Mollie keeps: what was moved less what arrived.
    fee = row.initial_amount.value - row.result_amount.value
    currency = row.initial_amount.currency
    return Transaction(
        vendor=NAME,
        transaction_id=row.id,
        type=row.type,
        payment_id=_payment_of(row.context),
        amount=row.initial_amount.money(),
        fee=Money(amount=fee, currency=currency),
        net=row.result_amount.money(),
        created_at=row.created_at,
    )


def _payment_of(context: Any) -> str:
    """Return the payment a movement belongs to: the contract nests it by the kind of movement, its examples do not."""
    if not isinstance(context, dict):
        return ""
    if isinstance(context.get("paymentId"), str):
        return str(context["paymentId"])
    return next((found for part in context.values() if (found := _payment_of(part))), "")


def _following(links: _Links) -> str:
    """Return where the next page begins. Its address is absolute and may name another host: only its query is taken."""
    if links.next is None:
        return ""
    return parse_qs(urlsplit(links.next.href).query).get("from", [""])[0]
