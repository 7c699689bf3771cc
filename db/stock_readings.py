"""What the inventory sync reads and writes: the ERP's levels of a run, our rows beside them, and what both agree on.

The ERP's levels are kept in ``stock_readings`` until all of them are there, so that a run can judge the whole answer
before it changes a single row, and so that memory does not grow with the number of SKUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import dead_letters, plan_rows, stock, stock_readings
from db.stock import Key, StockRow, beyond

_r, _s = stock_readings.c, stock.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The ERP's level of a key and when it last changed there, with our row beside it (None: we have none)."""

    sku: str
    warehouse: str
    quantity: Decimal
    modified_at: datetime
    ours: StockRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A row as it is to be. ``base`` None means not agreed yet; ``seen_version`` None makes a new row."""

    sku: str
    warehouse: str
    quantity: Decimal
    base: Decimal | None
    changed_at: datetime
    changed_by: str
    version: int
    synced_version: int | None
    seen_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many rows we have and how many of them have stock; the same of what was agreed on with the ERP."""

    rows: int
    stock: int
    agreed_rows: int
    agreed_stock: int


def item_of(sku: str, warehouse: str) -> str:
    """Return how dead letters and conflicts name a key."""
    return f"{sku}@{warehouse}"


async def keep(connection: AsyncConnection, run_id: str, levels: Sequence[tuple[str, str, Decimal, datetime]]) -> None:
    """Keep a page of the ERP's levels (sku, warehouse, quantity, modified_at); one read again replaces the earlier."""
    if not levels:
        return
    statement = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(stock_readings)
    new = statement.excluded
    latest = {(sku, warehouse): (quantity, at) for sku, warehouse, quantity, at in levels}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["run_id", "sku", "warehouse"],
            set_={"quantity": new.quantity, "modified_at": new.modified_at},
        ),
        [
            {"run_id": run_id, "sku": sku, "warehouse": warehouse, "quantity": quantity, "modified_at": at}
            for (sku, warehouse), (quantity, at) in latest.items()
        ],
    )


async def kept(db: Database, run_id: str) -> int:
    """Return how many levels of the ERP a run holds."""
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).where(_r.run_id == run_id)) or 0


async def standing(db: Database) -> Standing:
    """Return how much there is on either side, as far as we know."""
    counts = [
        func.count(),
        func.count().filter(_s.quantity > 0),
        func.count(_s.base_quantity),
        func.count().filter(_s.base_quantity > 0),
    ]
    async with db.read() as connection:
        row = (await connection.execute(select(*counts).select_from(stock))).one()
    return Standing(rows=row[0], stock=row[1], agreed_rows=row[2], agreed_stock=row[3])


async def missing(db: Database, run_id: str) -> int:
    """Return how many rows the ERP has stock of, by what was agreed on, and did not name in a run."""
    query = select(func.count()).select_from(stock).where(_s.base_quantity > 0, ~_read_by(run_id))
    async with db.read() as connection:
        return await connection.scalar(query) or 0


async def readings(
    connection: AsyncConnection, run_id: str, *, after: Key, limit: int, lock: bool = False
) -> list[Reading]:
    """Return the kept levels that follow a key with our rows beside them; ``lock`` holds our rows until the end of the
    transaction, so that nobody changes them between the decision and the write."""
    theirs = (
        select(stock_readings)
        .where(_r.run_id == run_id, tuple_(_r.sku, _r.warehouse) > after)
        .order_by(_r.sku, _r.warehouse)
        .limit(limit)
    )
    found = (await connection.execute(theirs)).all()
    if not found:
        return []
    # A range instead of a list of keys: one short statement, the same for every page.
    first, last = found[0], found[-1]
    ours = select(stock).where(
        tuple_(_s.sku, _s.warehouse) >= (first.sku, first.warehouse),
        tuple_(_s.sku, _s.warehouse) <= (last.sku, last.warehouse),
        exists().where(_r.run_id == run_id, _r.sku == _s.sku, _r.warehouse == _s.warehouse),
    )
    if lock:
        ours = ours.order_by(_s.sku, _s.warehouse).with_for_update()
    rows = {(row.sku, row.warehouse): StockRow(**row._mapping) for row in await connection.execute(ours)}
    return [
        Reading(
            sku=row.sku,
            warehouse=row.warehouse,
            quantity=row.quantity,
            modified_at=row.modified_at,
            ours=rows.get((row.sku, row.warehouse)),
        )
        for row in found
    ]


async def write_levels(connection: AsyncConnection, levels: Sequence[Level]) -> None:
    """Write rows as decided; a row is touched only at the version it was seen at."""
    made = [_values(level) for level in levels if level.seen_version is None]
    changed = [
        {f"new_{name}": value for name, value in _values(level).items() if name not in ("sku", "warehouse")}
        | {"at_sku": level.sku, "at_warehouse": level.warehouse, "at_version": level.seen_version}
        for level in levels
        if level.seen_version is not None
    ]
    if made:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        await connection.execute(dialect.insert(stock).on_conflict_do_nothing(), made)
    if changed:
        names = ("quantity", "base_quantity", "changed_at", "changed_by", "version", "synced_version")
        await connection.execute(
            update(stock)
            .where(
                _s.sku == bindparam("at_sku"),
                _s.warehouse == bindparam("at_warehouse"),
                _s.version == bindparam("at_version"),
            )
            .values({name: bindparam(f"new_{name}") for name in names}),
            changed,
        )


async def unread(db: Database, run_id: str, *, after: str, limit: int) -> list[str]:
    """Return SKUs of ours, after one, that were never agreed on and of which this run has no reading."""
    query = (
        select(_s.sku)
        .where(_s.base_quantity.is_(None), _s.sku > after, ~_read_by(run_id), ~_held_back())
        .group_by(_s.sku)
        .order_by(_s.sku)
        .limit(limit)
    )
    async with db.read() as connection:
        return [row.sku for row in await connection.execute(query)]


async def to_post(
    db: Database, *, after: Key, limit: int, unread_by: str | None = None, plan: str | None = None
) -> list[StockRow]:
    """Return our rows, after a key, that differ from what was agreed on; those in dead letters are left out.

    ``unread_by``: only those of which that run has no reading. ``plan``: only those that stand in a plan as unmoved, at
    the version the plan has seen.
    """
    query = select(stock).where(_differs(), beyond(after), ~_held_back()).order_by(_s.sku, _s.warehouse).limit(limit)
    if unread_by is not None:
        query = query.where(~_read_by(unread_by))
    if plan is not None:
        p = plan_rows.c
        query = query.where(
            exists().where(
                p.run_id == plan,
                p.entity == _s.sku + "@" + _s.warehouse,
                p.target == "erp",
                p.state == "unmoved",
                p.version == _s.version,
            )
        )
    async with db.read() as connection:
        return [StockRow(**row._mapping) for row in await connection.execute(query)]


async def rows_at(connection: AsyncConnection, keys: Sequence[Key]) -> dict[Key, StockRow]:
    """Return our rows at keys."""
    query = select(stock).where(tuple_(_s.sku, _s.warehouse).in_(keys))
    return {(row.sku, row.warehouse): StockRow(**row._mapping) for row in await connection.execute(query)}


async def count_to_post(db: Database) -> int:
    """Return how many of our rows differ from what was agreed on."""
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).select_from(stock).where(_differs(), ~_held_back())) or 0


async def agree(connection: AsyncConnection, levels: Sequence[tuple[str, str, Decimal, int]]) -> None:
    """Note (sku, warehouse, quantity, version) that the ERP has now taken."""
    if levels:
        await connection.execute(
            update(stock)
            .where(_s.sku == bindparam("at_sku"), _s.warehouse == bindparam("at_warehouse"))
            .values(base_quantity=bindparam("new_base"), synced_version=bindparam("new_version")),
            [{"at_sku": s, "at_warehouse": w, "new_base": q, "new_version": v} for s, w, q, v in levels],
        )


async def drop_unchanged(connection: AsyncConnection, run_id: str) -> int:
    """Forget the levels at which both sides stand as agreed, return how many: nothing is to be decided about them."""
    same = exists().where(
        _s.sku == _r.sku, _s.warehouse == _r.warehouse, _s.quantity == _r.quantity, _s.base_quantity == _r.quantity
    )
    return (await connection.execute(delete(stock_readings).where(_r.run_id == run_id, same))).rowcount


async def drop(connection: AsyncConnection, run_id: str) -> None:
    """Forget the levels a run holds."""
    await connection.execute(delete(stock_readings).where(_r.run_id == run_id))


async def drop_all(connection: AsyncConnection) -> None:
    """Forget the levels of every run."""
    await connection.execute(delete(stock_readings))


def _read_by(run_id: str) -> ColumnElement[bool]:
    return exists().where(_r.run_id == run_id, _r.sku == _s.sku, _r.warehouse == _s.warehouse)


def _differs() -> ColumnElement[bool]:
    return _s.quantity != func.coalesce(_s.base_quantity, 0)


def _held_back() -> ColumnElement[bool]:
    d = dead_letters.c
    return exists().where(d.sync == "inventory", d.item == _s.sku + "@" + _s.warehouse, d.resolved_at.is_(None))


def _values(level: Level) -> dict[str, Any]:
    return {
        "sku": level.sku,
        "warehouse": level.warehouse,
        "quantity": level.quantity,
        "base_quantity": level.base,
        "changed_at": level.changed_at,
        "changed_by": level.changed_by,
        "version": level.version,
        "synced_version": level.synced_version,
    }
