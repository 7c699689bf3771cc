"""Payments that are there when somebody asks for them by name, so that an example works on a fresh sandbox.

They are made at the first question, not at the start: lists of an account nobody touched stay empty, and the ledger has no
effect without a request.
"""

from __future__ import annotations

from decimal import Decimal

from integrations.sandbox.mollie.account import Account
from integrations.sandbox.mollie.lifecycle import Lifecycle
from integrations.sandbox.mollie.money import Money
from integrations.sandbox.mollie.records import Payment

OPEN = "tr_sandboxopen"
AUTHORIZED = "tr_sandboxauthorized"  # can be captured or released
PAID = "tr_sandboxpaid"  # can be refunded
_AMOUNT = Money(Decimal("109.90"), "EUR")
_WEEK = 7 * 86_400.0


def make_for(account: Account, lifecycle: Lifecycle, id: str) -> None:
    """Make the sample of this id, unless it is there."""
    if id not in (OPEN, AUTHORIZED, PAID) or account.payments.get(id) is not None:
        return
    now, status = account.now(), {OPEN: "open", AUTHORIZED: "authorized"}.get(id, "paid")
    payment = Payment(
        id=id,
        amount=_AMOUNT,
        description="Sample payment",
        redirect_url="https://shop.example/return",
        cancel_url=None,
        webhook_url=None,
        metadata={"order_id": f"SAMPLE-{status.upper()}"},
        method=None if id == OPEN else "creditcard",
        methods=(),
        locale=None,
        country=None,
        capture_mode="manual" if id == AUTHORIZED else None,
        capture_delay=None,
        lines=None,
        at=now,
        expires_at=now + _WEEK,
        status=status,
        moments={} if id == OPEN else {status: now},
        capture_before=now + _WEEK if id == AUTHORIZED else None,
    )
    lifecycle.add(payment)
