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
HELD = "tr_sandboxheld"  # authorised too: one to capture, one to let go
PAID = "tr_sandboxpaid"  # can be refunded
_AMOUNT = Money(Decimal("109.90"), "EUR")
_WEEK = 7 * 86_400.0


def make_for(account: Account, lifecycle: Lifecycle, id: str) -> None:
    """Make the sample of this id, unless it is there."""
    if id not in (OPEN, AUTHORIZED, HELD, PAID) or account.payments.get(id) is not None:
        return
    now, status = account.now(), {OPEN: "open", AUTHORIZED: "authorized", HELD: "authorized"}.get(id, "paid")
    payment = Payment(
        id=id,
        amount=_AMOUNT,
        description="Sample payment",
        redirect_url="https://shop.example/return",
        cancel_url=None,
        webhook_url=None,
        metadata={"order_id": f"SAMPLE-{id.removeprefix('tr_sandbox').upper()}"},
        method=None if id == OPEN else "creditcard",
        methods=(),
        locale=None,
        country=None,
        capture_mode="manual" if status == "authorized" else None,
        capture_delay=None,
        lines=None,
        at=now,
        expires_at=now + _WEEK,
        status=status,
        moments={} if id == OPEN else {status: now},
        capture_before=now + _WEEK if status == "authorized" else None,
    )
    lifecycle.add(payment)
