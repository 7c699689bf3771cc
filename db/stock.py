"""Our stock, one row per SKU and warehouse: set by the API, promised to orders, kept equal to the ERP by the sync.

``quantity`` is what is on hand, the ERP's QtyOnHand. An order leaves it alone, because the goods leave when the ERP ships
them; until then the order stands in ``committed``. ``version`` rises with every change of the quantity;
``base_quantity`` is what both sides agreed on at the last sync, None until then. Quantities have four decimals. Whoever
changes several rows does so in the order of their key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import stock

Key = tuple[str, str]  # sku, warehouse
_STEP = Decimal("0.0001")


class StockChanged(Exception):
    """The stock was changed by somebody else meanwhile; read it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """One SKU in one warehouse."""

    sku: str
    warehouse: str
    quantity: Decimal
    changed_at: datetime
    changed_by: str
    version: int
    committed: Decimal = Decimal(0)
    base_quantity: Decimal | None = None
    synced_version: int | None = None

    @property
    def available(self) -> Decimal:
        """Return what can still be sold; below 0 when more is promised than there is."""
        return self.quantity - self.committed


def exact(quantity: Decimal) -> Decimal:
    """Return the quantity with four decimals. Raise ValueError when it has more or is out of range."""
    rounded = quantity.quantize(_STEP)
    if rounded != quantity or abs(rounded) >= 10**11:
        raise ValueError(f"a quantity has at most 4 decimals and is below 10^11, not {quantity}")
    return rounded


async def levels_of(db: Database, sku: str) -> list[StockRow]:
    """Return the rows of a SKU, by warehouse."""
    query = select(stock).where(stock.c.sku == sku).order_by(stock.c.warehouse)
    async with db.read() as connection:
        return [StockRow(**row._mapping) for row in await connection.execute(query)]


async def page(db: Database, *, after: Key = ("", ""), limit: int = 100) -> list[StockRow]:
    """Return the rows that follow a key (sku, warehouse), in the order of the key."""
    query = select(stock).where(beyond(after)).order_by(stock.c.sku, stock.c.warehouse).limit(limit)
    async with db.read() as connection:
        return [StockRow(**row._mapping) for row in await connection.execute(query)]


async def count(db: Database) -> int:
    """Return how many rows there are."""
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).select_from(stock)) or 0


async def put(
    db: Database,
    sku: str,
    warehouse: str,
    quantity: Decimal,
    *,
    by: str,
    now: datetime,
    expected_version: int | None = None,
) -> StockRow:
    """Set a level; a row that is not there yet is made.

    Raise StockChanged when ``expected_version`` is given and no longer right, ValueError for a quantity we cannot keep
    or below 0.
    """
    level = _counted(quantity)
    async with db.write() as connection:
        row = await _locked(connection, sku, warehouse)
        if expected_version is not None and (row.version if row else 0) != expected_version:
            raise StockChanged(StockChanged.__doc__)
        return await _write(connection, row, sku, warehouse, level, by=by, now=now)


async def adjust(
    db: Database, sku: str, warehouse: str, difference: Decimal, *, by: str, now: datetime
) -> StockRow | None:
    """Add a difference to a level; return None when there is no such row. Raise ValueError as ``put`` does."""
    async with db.write() as connection:
        row = await _locked(connection, sku, warehouse)
        if row is None:
            return None
        return await _write(connection, row, sku, warehouse, _counted(row.quantity + difference), by=by, now=now)


async def shift(connection: AsyncConnection, sku: str, difference: Decimal, *, by: str, now: datetime) -> None:
    """Add a difference to what is on hand of a SKU, inside the caller's transaction: to the warehouse with the most
    available, and what that one has not to the next. Below 0 nothing goes."""
    c = stock.c
    query = select(stock).where(c.sku == sku).order_by(c.warehouse).with_for_update()
    rows = [StockRow(**row._mapping) for row in await connection.execute(query)]
    for row in sorted(rows, key=lambda row: row.available, reverse=True):
        moved = max(difference, -row.quantity)
        await _write(connection, row, sku, row.warehouse, exact(row.quantity + moved), by=by, now=now)
        difference -= moved


async def commit(connection: AsyncConnection, promised: Mapping[Key, Decimal]) -> dict[Key, str]:
    """Promise quantities to an order, inside the caller's transaction; return which warehouse each key's comes from.

    With warehouse "" it is the one with the most available, which may fall below 0: the order is taken already, and
    the shortage must be seen. A key we keep no stock of is left out. The version stays: nothing has moved.
    """
    given: dict[Key, str] = {}
    for (sku, warehouse), quantity in sorted(promised.items()):
        row = await _locked(connection, sku, warehouse) if warehouse else await _fullest(connection, sku)
        if row is not None:
            await _set_committed(connection, row, row.committed + quantity)
            given[sku, warehouse] = row.warehouse
    return given


async def release(connection: AsyncConnection, promised: Mapping[Key, Decimal]) -> None:
    """Take promises back, inside the caller's transaction: the goods have left, or never will."""
    for (sku, warehouse), quantity in sorted(promised.items()):
        row = await _locked(connection, sku, warehouse)
        if row is not None:
            await _set_committed(connection, row, row.committed - quantity)


async def seed(db: Database, levels: Sequence[tuple[str, str, Decimal]], *, by: str, now: datetime) -> int:
    """Make rows (sku, warehouse, quantity) where there are none; return how many were made."""
    statement = (sqlite if db.is_sqlite else postgresql).insert(stock).on_conflict_do_nothing()
    made = 0
    for start in range(0, len(levels), 500):
        rows = [
            {"sku": s, "warehouse": w, "quantity": exact(q), "changed_at": now, "changed_by": by, "version": 1}
            for s, w, q in levels[start : start + 500]
        ]
        async with db.write() as connection:
            before = await connection.scalar(select(func.count()).select_from(stock)) or 0
            await connection.execute(statement, rows)
            made += (await connection.scalar(select(func.count()).select_from(stock)) or 0) - before
    return made


async def set_at(connection: AsyncConnection, row: StockRow, quantity: Decimal, *, by: str, now: datetime) -> bool:
    """Set a level inside the caller's transaction, while the row is still at the version it was seen at; return False
    when it is not. Below 0 is allowed: the ERP counts so."""
    c = stock.c
    done = await connection.execute(
        update(stock)
        .values(quantity=exact(quantity), changed_at=now, changed_by=by, version=row.version + 1)
        .where(c.sku == row.sku, c.warehouse == row.warehouse, c.version == row.version)
    )
    return bool(done.rowcount)


async def changed_after(connection: AsyncConnection, sku: str, at: datetime) -> bool:
    """Tell whether what is on hand of a SKU was changed after a moment, in any warehouse."""
    c = stock.c
    query = select(func.count()).select_from(stock).where(c.sku == sku, c.changed_at > at)
    return bool(await connection.scalar(query))


def plain(quantity: Decimal) -> str:
    """Return a quantity as text without idle noughts."""
    return format(quantity.normalize(), "f")


def beyond(key: Key) -> ColumnElement[bool]:
    """Return the condition "follows this key", for paging by key: a comparison of rows, which an index answers."""
    return tuple_(stock.c.sku, stock.c.warehouse) > key


def _counted(quantity: Decimal) -> Decimal:
    level = exact(quantity)
    if level < 0:
        raise ValueError(f"what is on hand is 0 or more, not {quantity}")
    return level


async def _locked(connection: AsyncConnection, sku: str, warehouse: str) -> StockRow | None:
    c = stock.c
    query = select(stock).where(c.sku == sku, c.warehouse == warehouse).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return StockRow(**row._mapping) if row else None


async def _fullest(connection: AsyncConnection, sku: str) -> StockRow | None:
    c = stock.c
    query = select(stock).where(c.sku == sku).order_by(c.warehouse).with_for_update()
    rows = [StockRow(**row._mapping) for row in await connection.execute(query)]
    return max(rows, key=lambda row: row.available, default=None)


async def _set_committed(connection: AsyncConnection, row: StockRow, committed: Decimal) -> None:
    c = stock.c
    await connection.execute(
        update(stock).values(committed=exact(committed)).where(c.sku == row.sku, c.warehouse == row.warehouse)
    )


async def _write(
    connection: AsyncConnection,
    row: StockRow | None,
    sku: str,
    warehouse: str,
    level: Decimal,
    *,
    by: str,
    now: datetime,
) -> StockRow:
    c = stock.c
    if row is None:
        new = StockRow(sku=sku, warehouse=warehouse, quantity=level, changed_at=now, changed_by=by, version=1)
        await connection.execute(
            insert(stock).values(sku=sku, warehouse=warehouse, quantity=level, changed_at=now, changed_by=by, version=1)
        )
        return new
    if level == row.quantity:
        return row
    await connection.execute(
        update(stock)
        .values(quantity=level, changed_at=now, changed_by=by, version=row.version + 1)
        .where(c.sku == sku, c.warehouse == warehouse)
    )
    return replace(row, quantity=level, changed_at=now, changed_by=by, version=row.version + 1)
