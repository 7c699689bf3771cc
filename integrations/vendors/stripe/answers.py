"""What Stripe answers, in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from integrations.reading import Answer, read
from integrations.types.payments import NextAction, Payment, PaymentStatus, Transaction, TransactionPage
from integrations.vendors.stripe.minor_units import from_units

VENDOR_NAME = "stripe"
_DECLINED_BEFORE = "requires_payment_method"
_STATUSES: dict[str, PaymentStatus] = {
    "requires_payment_method": "pending",
    "requires_confirmation": "pending",
    "requires_action": "requires_action",
    "processing": "pending",
    "requires_capture": "authorized",
    "canceled": "failed",
    "succeeded": "captured",
}


class _Redirect(Answer):
    url: str = ""


class _NextAction(Answer):
    type: str
    redirect_to_url: _Redirect | None = None


class _Charge(Answer):
    id: str
    amount_refunded: int = 0


class _Failure(Answer):
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None


class Intent(Answer):
    """A payment intent; ``latest_charge`` is an object where we asked for it, else an id."""

    id: str
    amount: int
    amount_received: int = 0
    currency: str = Field(min_length=3, max_length=3)
    status: str
    metadata: dict[str, str] = Field(default_factory=dict)
    next_action: _NextAction | None = None
    latest_charge: _Charge | str | None = None
    last_payment_error: _Failure | None = None

    @property
    def reference(self) -> str:
        return self.metadata.get("reference", "")


class _Intents(Answer):
    data: tuple[Intent, ...]
    has_more: bool = False


class Refund(Answer):
    """A refund; ``payment_intent`` is an object where we asked for it, else an id."""

    id: str
    amount: int
    status: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    payment_intent: Intent | str | None = None


class _Refunds(Answer):
    data: tuple[Refund, ...]
    has_more: bool = False


class _Decline(Answer):
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    payment_intent: Intent


class _Source(Answer):
    id: str
    payment_intent: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class _BalanceTransaction(Answer):
    id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str = Field(min_length=3, max_length=3)
    created: int
    status: str = ""
    source: _Source | str | None = None


class _BalanceTransactions(Answer):
    data: tuple[_BalanceTransaction, ...]
    has_more: bool


def intent(body: Any) -> Intent:
    """Return the payment intent of an answer."""
    return read(Intent, body)


def intents(body: Any) -> tuple[tuple[Intent, ...], bool]:
    """Return a page of payment intents and whether there are more."""
    page = read(_Intents, body)
    return page.data, page.has_more


def refund(body: Any) -> Refund:
    """Return the refund of an answer."""
    return read(Refund, body)


def refunds(body: Any) -> tuple[tuple[Refund, ...], bool]:
    """Return a page of refunds and whether there are more."""
    page = read(_Refunds, body)
    return page.data, page.has_more


def declined(error: Any) -> Payment:
    """Return the payment of a declined card; the code is the bank's where Stripe has it."""
    decline = read(_Decline, error)
    found = payment(decline.payment_intent)
    return found.model_copy(
        update={
            "status": "declined",
            "decline_code": decline.decline_code or decline.code or "",
            "message": decline.message or "",
        }
    )


def payment(found: Intent, *, message: str = "") -> Payment:
    """Return a payment intent as a payment."""
    charge = found.latest_charge
    refunded = charge.amount_refunded if isinstance(charge, _Charge) else 0
    failure = found.last_payment_error
    status: PaymentStatus = _STATUSES.get(found.status, "pending")
    if found.status == _DECLINED_BEFORE and failure is not None:
        status = "declined"
    elif status == "captured" and refunded:
        status = "refunded" if refunded >= found.amount_received else "partially_refunded"
    action = found.next_action
    return Payment(
        vendor=VENDOR_NAME,
        payment_id=found.id,
        reference=found.reference,
        status=status,
        amount=from_units(found.amount, found.currency),
        captured=from_units(found.amount_received, found.currency),
        refunded=from_units(refunded, found.currency),
        next_action=(
            NextAction(type=action.type, url=action.redirect_to_url.url if action.redirect_to_url else "")
            if action is not None
            else None
        ),
        decline_code=(failure.decline_code or failure.code or "") if failure and status == "declined" else "",
        message=message or ((failure.message or "") if failure and status == "declined" else ""),
    )


def transactions(body: Any) -> TransactionPage:
    """Return a page of the ledger, in the settlement currency."""
    page = read(_BalanceTransactions, body)
    return TransactionPage(
        transactions=tuple(_transaction(row) for row in page.data),
        next_cursor=page.data[-1].id if page.has_more and page.data else "",
    )


def _transaction(row: _BalanceTransaction) -> Transaction:
    source = row.source if isinstance(row.source, _Source) else None
    return Transaction(
        vendor=VENDOR_NAME,
        transaction_id=row.id,
        type=row.type,
        payment_id=(source.payment_intent or "") if source else "",
        reference=source.metadata.get("reference", "") if source else "",
        amount=from_units(row.amount, row.currency),
        fee=from_units(row.fee, row.currency),
        net=from_units(row.net, row.currency),
        created_at=datetime.fromtimestamp(row.created, UTC),
        status=row.status,
    )
