"""What PayPal answers, in our words. A payment is the order; its captures, authorizations and refunds are its state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from integrations.reading import Answer, read
from integrations.types.base import Currency, Money
from integrations.types.payments import NextAction, Payment, PaymentStatus, Transaction, TransactionPage
from integrations.vendors.paypal.declaration import NAME

_APPROVE = ("payer-action", "approve")  # the link the buyer is sent to; the first is the newer word
_CAPTURES: dict[str, PaymentStatus] = {
    "COMPLETED": "captured",
    "PENDING": "pending",
    "DECLINED": "declined",
    "FAILED": "failed",
    "REFUNDED": "refunded",
    "PARTIALLY_REFUNDED": "partially_refunded",
}
_AUTHORIZATIONS: dict[str, PaymentStatus] = {
    "CREATED": "authorized",
    "PENDING": "pending",
    "DENIED": "declined",
    "VOIDED": "failed",
    "CAPTURED": "captured",
    "PARTIALLY_CAPTURED": "captured",
}
_PAID = frozenset({"COMPLETED", "REFUNDED", "PARTIALLY_REFUNDED"})
_PAID_BACK = frozenset({"COMPLETED", "PENDING"})


class _Amount(Answer):
    currency_code: Currency
    value: Decimal

    def money(self) -> Money:
        return Money(amount=self.value, currency=self.currency_code)


class _Link(Answer):
    href: str
    rel: str


class _Processor(Answer):
    response_code: str = ""


class Part(Answer):
    """A capture, an authorization or a refund of an order."""

    id: str
    status: str
    amount: _Amount | None = None
    processor_response: _Processor | None = None


class _Payments(Answer):
    captures: tuple[Part, ...] = ()
    authorizations: tuple[Part, ...] = ()
    refunds: tuple[Part, ...] = ()


class _Unit(Answer):
    amount: _Amount
    invoice_id: str = ""
    custom_id: str = ""
    payments: _Payments = Field(default_factory=_Payments)


class Order(Answer):
    """An order of one purchase unit; we never make one of several."""

    id: str
    status: str
    intent: str = "CAPTURE"
    purchase_units: tuple[_Unit, ...] = Field(min_length=1)
    links: tuple[_Link, ...] = ()

    @property
    def unit(self) -> _Unit:
        return self.purchase_units[0]

    @property
    def authorization(self) -> Part | None:
        """Return the newest authorization, None before there is one."""
        found = self.unit.payments.authorizations
        return found[-1] if found else None

    @property
    def capture(self) -> Part | None:
        """Return the capture a refund is made of: one that was paid, None when there is none."""
        paid = [part for part in self.unit.payments.captures if part.status in _PAID]
        return paid[0] if paid else None

    @property
    def has_capture(self) -> bool:
        return bool(self.unit.payments.captures)


class _Info(Answer):
    transaction_id: str
    paypal_reference_id: str = ""
    transaction_event_code: str = ""
    transaction_initiation_date: datetime
    transaction_amount: _Amount
    fee_amount: _Amount | None = None
    transaction_status: str = ""
    invoice_id: str = ""
    custom_field: str = ""


class _Detail(Answer):
    transaction_info: _Info


class Report(Answer):
    """A page of the report; ``total_pages`` of its window."""

    transaction_details: tuple[_Detail, ...] = ()
    page: int = 1
    total_pages: int = 1


def order(body: Any) -> Order:
    """Return the order of an answer. Raise SchemaDrift."""
    return read(Order, body)


def report(body: Any) -> Report:
    """Return the page of a report. Raise SchemaDrift."""
    return read(Report, body)


def payment(found: Order) -> Payment:
    """Return an order as a payment. An order that is COMPLETED says nothing yet: its captures do."""
    unit = found.unit
    nothing = Decimal(0)
    captured = sum(
        (part.amount.value for part in unit.payments.captures if part.amount and part.status in _PAID), nothing
    )
    refunded = sum(
        (part.amount.value for part in unit.payments.refunds if part.amount and part.status in _PAID_BACK), nothing
    )
    status = _status(found, captured, refunded)
    link = next((link.href for rel in _APPROVE for link in found.links if link.rel == rel), "")
    currency = unit.amount.currency_code
    newest = (*unit.payments.authorizations, *unit.payments.captures)[-1:]
    code = newest[0].processor_response.response_code if newest and newest[0].processor_response else ""
    return Payment(
        vendor=NAME,
        payment_id=found.id,
        reference=unit.invoice_id or unit.custom_id,
        status=status,
        amount=unit.amount.money(),
        captured=Money(amount=captured, currency=currency),
        refunded=Money(amount=refunded, currency=currency),
        next_action=NextAction(type="redirect", url=link) if status == "requires_action" else None,
        decline_code=code if status == "declined" else "",
    )


def _status(found: Order, captured: Decimal, refunded: Decimal) -> PaymentStatus:
    captures = found.unit.payments.captures
    if captures:
        if captured and refunded:
            return "refunded" if refunded >= captured else "partially_refunded"
        return _CAPTURES.get(captures[-1].status, "pending")
    if found.authorization is not None:
        return _AUTHORIZATIONS.get(found.authorization.status, "pending")
    if found.status in ("CREATED", "PAYER_ACTION_REQUIRED"):
        return "requires_action"
    return "failed" if found.status == "VOIDED" else "pending"  # APPROVED and SAVED wait for us


def declined(reference: str, amount: Money, issue: str, payment_id: str = "") -> Payment:
    """Return the payment of an instrument that was refused; an order that failed at once has no id."""
    nothing = Money(amount=Decimal(0), currency=amount.currency)
    return Payment(
        vendor=NAME,
        payment_id=payment_id,
        reference=reference,
        status="declined",
        amount=amount,
        captured=nothing,
        refunded=nothing,
        decline_code=issue.lower(),
    )


def transactions(found: Sequence[_Detail], next_cursor: str) -> TransactionPage:
    """Return a page of the report. PayPal's ids are not unique in it: the kind of movement belongs to ours."""
    return TransactionPage(
        transactions=tuple(_transaction(detail.transaction_info) for detail in found), next_cursor=next_cursor
    )


def _transaction(info: _Info) -> Transaction:
    amount = info.transaction_amount
    fee = abs(info.fee_amount.value) if info.fee_amount else Decimal(0)  # what PayPal keeps comes negative
    return Transaction(
        vendor=NAME,
        transaction_id=f"{info.transaction_id}:{info.transaction_event_code}",
        type=info.transaction_event_code,
        payment_id=info.paypal_reference_id,
        reference=info.invoice_id or info.custom_field,
        amount=amount.money(),
        fee=Money(amount=fee, currency=amount.currency_code),
        net=Money(amount=amount.value - fee, currency=amount.currency_code),
        created_at=info.transaction_initiation_date,
        status=info.transaction_status,
    )
