"""What payment processors say moved, held against our orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import orders, processor_transactions

VERDICTS = ("matches", "no_order", "amount_differs", "other_currency", "unrelated")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRow:
    """One movement in a processor's ledger, with what we make of it."""

    vendor: str
    transaction_id: str
    type: str
    payment_id: str
    reference: str
    currency: str
    amount: Decimal
    fee: Decimal
    net: Decimal
    status: str
    created_at: datetime
    seen_at: datetime
    verdict: str
    order_reference: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoney:
    """What of an order a payment is held against."""

    reference: str
    currency: str
    total: Decimal
    payment_id: str | None
    payment_status: str | None


async def order_money(
    connection: AsyncConnection, references: Sequence[str], payment_ids: Sequence[str]
) -> list[OrderMoney]:
    """Return the orders with one of these references or payments."""
    c = orders.c
    query = select(c.reference, c.currency, c.total, c.payment_id, c.payment_status).where(
        or_(c.reference.in_(references), c.payment_id.in_(payment_ids))
    )
    return [OrderMoney(**row._mapping) for row in await connection.execute(query)]


async def keep(connection: AsyncConnection, rows: Sequence[TransactionRow]) -> int:
    """Store movements, or bring them up to date; return how many are new."""
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(processor_transactions)
    c = processor_transactions.c
    known = {
        (row.vendor, row.transaction_id)
        for row in await connection.execute(
            select(c.vendor, c.transaction_id).where(c.transaction_id.in_([row.transaction_id for row in rows]))
        )
    }
    changing = [name for name in c.keys() if name not in ("vendor", "transaction_id", "seen_at")]  # noqa: SIM118
    statement = insert.on_conflict_do_update(
        index_elements=["vendor", "transaction_id"], set_={name: insert.excluded[name] for name in changing}
    )
    if rows:
        await connection.execute(statement, [asdict(row) for row in rows])
    return sum((row.vendor, row.transaction_id) not in known for row in rows)


async def known(connection: AsyncConnection, transaction_ids: Sequence[str]) -> dict[tuple[str, str], TransactionRow]:
    """Return movements that were seen before, by vendor and id."""
    c = processor_transactions.c
    query = select(processor_transactions).where(c.transaction_id.in_(transaction_ids))
    return {(row.vendor, row.transaction_id): _row(row) for row in await connection.execute(query)}


async def findings(db: Database, *, verdict: str | None = None, limit: int = 200) -> list[TransactionRow]:
    """Return movements that do not match (or those of one verdict), newest first."""
    c = processor_transactions.c
    query = select(processor_transactions).order_by(c.created_at.desc(), c.vendor, c.transaction_id).limit(limit)
    query = query.where(c.verdict == verdict if verdict else c.verdict.not_in(("matches", "unrelated")))
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def of_order(connection: AsyncConnection, reference: str) -> list[TransactionRow]:
    """Return the movements of one order, oldest first."""
    c = processor_transactions.c
    query = select(processor_transactions).where(c.order_reference == reference).order_by(c.created_at)
    return [_row(row) for row in await connection.execute(query)]


async def counts(db: Database) -> dict[tuple[str, str], int]:
    """Return how many movements there are by vendor and verdict."""
    c = processor_transactions.c
    query = select(c.vendor, c.verdict, func.count()).group_by(c.vendor, c.verdict)
    async with db.read() as connection:
        return {(row[0], row[1]): row[2] for row in await connection.execute(query)}


def _row(row: Row[Any]) -> TransactionRow:
    return TransactionRow(**row._mapping)
