"""What Tap answers, in our words. A charge does not say what was refunded of it: its refunds are asked for.

An authorization and the charges that capture it are separate things with separate ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.errors import BusinessFailed
from integrations.reading import Answer, read
from integrations.types.base import Currency, Exact, Money, UtcDatetime
from integrations.types.payments import NextAction, Payment, PaymentStatus, Transaction
from integrations.vendors.tap.declaration import NAME, REFUND_DONE, REFUND_REFUSED, STATUSES

_WHY = {
    "ABANDONED": "The buyer left Tap's page without paying.",
    "CANCELLED": "The payment was cancelled.",
    "TIMEDOUT": "The time to pay has run out.",
    "VOID": "The money was released again.",
    "UNKNOWN": "Tap does not know what became of it; look at it there before charging again.",
    "FAILED": "Tap could not take the payment.",
}
_DECLINED = "A new try needs a new reference: under the same key Tap repeats this answer for 24 hours."


class _Transaction(Answer):
    created: UtcDatetime | None = None  # epoch milliseconds in a string
    url: str | None = None


class _Reference(Answer):
    transaction: str | None = None
    order: str | None = None
    merchant: str | None = None


class _Response(Answer):
    code: str | None = None


class _Id(Answer):
    id: str | None = None


class Made(Answer):
    """A charge or an authorization."""

    id: str
    status: str
    amount: Exact
    currency: Currency
    transaction: _Transaction | None = None
    reference: _Reference | None = None
    response: _Response | None = None
    source: _Id | None = None
    customer: _Id | None = None

    @property
    def ours(self) -> str:
        """Our reference of the payment, "" when Tap does not repeat it."""
        found = self.reference
        return (found.order or found.transaction or "") if found else ""

    @property
    def money(self) -> Money:
        return Money(amount=self.amount, currency=self.currency)

    @property
    def source_id(self) -> str:
        return (self.source.id if self.source else "") or ""

    @property
    def page(self) -> str:
        """Where the buyer pays."""
        return (self.transaction.url if self.transaction else "") or ""


class Refund(Answer):
    """One refund of a charge."""

    id: str
    status: str
    amount: Exact
    currency: Currency
    charge_id: str
    created: UtcDatetime | None = None
    reference: _Reference | None = None

    @property
    def ours(self) -> str:
        return (self.reference.merchant if self.reference else "") or ""

    @property
    def is_refused(self) -> bool:
        return self.status in REFUND_REFUSED


class _Charges(Answer):
    charges: tuple[Made, ...]
    has_more: bool = False


class _Refunds(Answer):
    refunds: tuple[Refund, ...]
    has_more: bool = False


class _Dated(Answer):
    created: UtcDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A payment: the charge or authorization it goes by, the charges that took money, and what went back."""

    head: Made
    taken: Sequence[Made] = ()
    refunds: Sequence[Refund] = ()

    @property
    def captured(self) -> Decimal:
        if self.taken:
            return sum((one.amount for one in self.taken), Decimal(0))
        return self.head.amount if self.head.status == "CAPTURED" else Decimal(0)

    @property
    def refunded(self) -> Decimal:
        return sum((one.amount for one in self._counted if one.status == REFUND_DONE), Decimal(0))

    @property
    def left(self) -> Decimal:
        """What can still be refunded; a refund that is under way is not left any more."""
        return self.captured - sum((one.amount for one in self._counted if not one.is_refused), Decimal(0))

    @property
    def elsewhere(self) -> Refund | None:
        """A refund made in the currency of the settlement, which cannot be counted against the charge."""
        return next((one for one in self.refunds if not one.is_refused and one.currency != self.head.currency), None)

    @property
    def _counted(self) -> Sequence[Refund]:
        return [one for one in self.refunds if one.currency == self.head.currency]


def made(body: Any) -> Made:
    """Return the charge or authorization of an answer. Raise SchemaDrift."""
    return read(Made, body)


def refund(body: Any) -> Refund:
    """Return the refund of an answer. Raise SchemaDrift."""
    return read(Refund, body)


def charges(body: Any) -> tuple[tuple[Made, ...], bool]:
    """Return a page of charges and whether there are more. Raise SchemaDrift."""
    page = read(_Charges, body)
    return page.charges, page.has_more


def refunds(body: Any) -> tuple[tuple[Refund, ...], bool]:
    """Return a page of refunds and whether there are more. Raise SchemaDrift."""
    page = read(_Refunds, body)
    return page.refunds, page.has_more


def refuse_replay_of_another(asked: Money, reference: str, found: Made | Refund) -> None:
    """Raise BusinessFailed when Tap answered with what an earlier request under the same key made.

    It does not compare what is sent under a key it knows: it repeats its first answer, whatever that was about.
    """
    same = found.amount == asked.amount and found.currency == asked.currency
    if not same or found.ours not in ("", reference):
        raise BusinessFailed(
            "Tap knows this idempotency key from another request and repeated that answer; nothing was done. "
            "Use a new key for a new payment.",
            error_type="idempotency_error",
            fault="ours",
        )


def payment(found: Found, message: str = "") -> Payment:
    """Return a payment in our words, under the id that refunds go by where there is one such."""
    head = found.taken[0] if len(found.taken) == 1 else found.head
    currency = head.currency
    told = _status(found)
    page = head.page if told in ("pending", "requires_action") else ""
    code = (head.response.code if head.response else "") or ""
    return Payment(
        vendor=NAME,
        payment_id=head.id,
        reference=found.head.ours,
        status=told,
        amount=found.head.money,
        captured=Money(amount=found.captured, currency=currency),
        refunded=Money(amount=found.refunded, currency=currency),
        next_action=NextAction(type="redirect", url=page) if page else None,
        decline_code=code if told == "declined" else "",
        message=message or _message(found, told),
    )


def _status(found: Found) -> PaymentStatus:
    if found.captured:
        if found.refunded:
            return "refunded" if found.refunded >= found.captured else "partially_refunded"
        return "captured"
    if found.head.status == "INITIATED" and found.head.page:
        return "requires_action"
    return STATUSES.get(found.head.status, "pending")


def _message(found: Found, told: PaymentStatus) -> str:
    waiting = [one for one in found.refunds if not one.is_refused and one.status != REFUND_DONE]
    if waiting:
        # It stays so while the balance does not cover it.
        return f"Refund {waiting[0].id} is {waiting[0].status}: the money has not gone back yet."
    if found.captured and not found.taken:
        return "Tap does not list the charge that took this money; refunds need its id."
    if found.elsewhere:
        return f"Refund {found.elsewhere.id} is in {found.elsewhere.currency} and is not counted here."
    return _DECLINED if told == "declined" else _WHY.get(found.head.status, "") if told == "failed" else ""


def of_charge(row: Made) -> Transaction:
    """Return a captured charge as a movement. Tap's lists tell no fees. Raise SchemaDrift when it has no time."""
    return Transaction(
        vendor=NAME,
        transaction_id=row.id,
        type="charge",
        payment_id=row.id,
        reference=row.ours,
        amount=row.money,
        fee=Money(amount=Decimal(0), currency=row.currency),
        net=row.money,
        created_at=moment(row),
        status=row.status.lower(),
    )


def of_refund(row: Refund) -> Transaction:
    """Return a refund as a movement; one under way is among them, for its time will not change any more."""
    moved = Money(amount=-row.amount, currency=row.currency)
    return Transaction(
        vendor=NAME,
        transaction_id=row.id,
        type="refund",
        payment_id=row.charge_id,
        reference=row.ours,
        amount=moved,
        fee=Money(amount=Decimal(0), currency=row.currency),
        net=moved,
        created_at=moment(row),
        status=row.status.lower(),
    )


def moment(row: Made | Refund) -> UtcDatetime:
    """Return when a row was made. Raise SchemaDrift when it does not say."""
    created = row.created if isinstance(row, Refund) else row.transaction.created if row.transaction else None
    return read(_Dated, {"created": created}).created
