"""Payments asked for at the checkout: which processor each went to, decided once for each idempotency key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import checkout_payments


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPayment:
    """One payment. ``status`` is asked, unknown, or what the processor last said."""

    key: str
    vendor: str
    reference: str
    currency: str
    amount: Decimal
    status: str
    asked_by: str
    created_at: datetime
    changed_at: datetime
    payment_id: str | None = None


async def ask(db: Database, payment: CheckoutPayment) -> CheckoutPayment:
    """Store a payment that is about to be asked for; return the one the key belongs to, which may be an earlier one."""
    c = checkout_payments.c
    insert = (sqlite if db.is_sqlite else postgresql).insert(checkout_payments)
    async with db.write() as connection:
        await connection.execute(insert.values(**asdict(payment)).on_conflict_do_nothing(index_elements=["key"]))
        row = (await connection.execute(select(checkout_payments).where(c.key == payment.key))).one()
    return CheckoutPayment(**row._mapping)


async def note(db: Database, key: str, *, status: str, now: datetime, payment_id: str | None = None) -> None:
    """Note how a payment stands."""
    c = checkout_payments.c
    values = {"status": status, "changed_at": now, **({"payment_id": payment_id} if payment_id else {})}
    async with db.write() as connection:
        await connection.execute(update(checkout_payments).values(**values).where(c.key == key))


async def note_unmade(db: Database, key: str, *, status: str, now: datetime) -> None:
    """Note why a payment is not made, unless another request with the key has made it meanwhile."""
    c = checkout_payments.c
    unmade = update(checkout_payments).where(c.key == key, c.payment_id.is_(None))
    async with db.write() as connection:
        await connection.execute(unmade.values(status=status, changed_at=now))


async def of_payment(db: Database, payment_id: str) -> CheckoutPayment | None:
    """Return the payment a processor's id belongs to, None when it was not asked for here; the newest of several."""
    c = checkout_payments.c
    query = select(checkout_payments).where(c.payment_id == payment_id).order_by(c.created_at.desc()).limit(1)
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return CheckoutPayment(**row._mapping) if row else None
