"""The rows of a plan: one field of one thing each, with what it is, what it would become, and what was observed.

A row is ``planned`` until somebody applies the plan; then it is found ``unmoved`` or ``moved``, and what is unmoved ends
as ``applied``, or ``refused`` by whoever was to take it. Nothing personal stands in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import plan_rows

_c = plan_rows.c
LONGEST = 128  # characters of a value; a longer one is cut


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One change. ``before`` None: there is nothing yet. ``version`` is our row's as it was seen, ``observed`` what the
    other side had, ``observed_at`` when that had last changed there."""

    target: str
    kind: str
    entity: str
    field: str
    before: str | None
    after: str | None
    rule: str
    version: int | None = None
    observed: str | None = None
    observed_at: datetime | None = None
    number: int = 0
    state: str = "planned"
    found: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilters:
    """Which rows; ``text`` is the beginning of an entity. None and "" narrow nothing."""

    target: str | None = None
    kind: str | None = None
    state: str | None = None
    text: str | None = None


async def note(connection: AsyncConnection, run_id: str, rows: Sequence[PlanRow], *, first: int, now: datetime) -> None:
    """Store rows of a run's plan, numbered from ``first``."""
    if rows:
        await connection.execute(
            insert(plan_rows),
            [
                asdict(row) | {"run_id": run_id, "number": number, "at": now}
                for number, row in enumerate(rows, start=first)
            ],
        )


async def page(
    db: Database,
    run_id: str,
    *,
    filters: RowFilters | None = None,
    after: int = 0,
    limit: int = 100,
    offset: int = 0,
) -> list[PlanRow]:
    """Return rows numbered above ``after``, in the order of the plan."""
    query = _filtered(select(plan_rows), run_id, filters or RowFilters())
    query = query.where(_c.number > after).order_by(_c.number).limit(limit).offset(offset)
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def count(db: Database, run_id: str, filters: RowFilters | None = None) -> int:
    """Return how many rows there are of that kind."""
    query = _filtered(select(func.count()).select_from(plan_rows), run_id, filters or RowFilters())
    async with db.read() as connection:
        return await connection.scalar(query) or 0


async def states(db: Database, run_id: str) -> dict[str, int]:
    """Return how many rows are in each state."""
    query = select(_c.state, func.count()).where(_c.run_id == run_id).group_by(_c.state)
    async with db.read() as connection:
        return {row[0]: row[1] for row in await connection.execute(query)}


async def of_entities(
    connection: AsyncConnection, run_id: str, entities: Sequence[str], *, target: str | None = None
) -> list[PlanRow]:
    """Return the rows about these entities that are found unmoved."""
    query = select(plan_rows).where(_c.run_id == run_id, _c.entity.in_(entities), _c.state == "unmoved")
    if target is not None:
        query = query.where(_c.target == target)
    return [_row(row) for row in await connection.execute(query.order_by(_c.number))]


async def shifts(connection: AsyncConnection, run_id: str, skus: Sequence[str]) -> dict[str, Decimal]:
    """Return by how much what is not applied yet of a plan would move what is on hand here of SKUs, over all warehouses."""
    found: dict[str, Decimal] = {}
    for sku in skus:
        query = select(_c.before, _c.after).where(
            _c.run_id == run_id, _c.entity > f"{sku}@", _c.entity < f"{sku}A", _c.target == "platform"
        )
        for before, after in await connection.execute(query.where(_c.kind != "count", _c.state != "applied")):
            found[sku] = found.get(sku, Decimal(0)) + Decimal(after or 0) - Decimal(before or 0)
    return found


async def drop(connection: AsyncConnection, run_id: str) -> None:
    """Forget the rows of a run's plan."""
    await connection.execute(delete(plan_rows).where(_c.run_id == run_id))


async def settle_rest(connection: AsyncConnection, run_id: str) -> None:
    """Note what was unmoved and is not applied at the end as moved: it changed while the plan was being applied."""
    await connection.execute(
        update(plan_rows)
        .values(state="moved", found="it moved while the plan was applied")
        .where(_c.run_id == run_id, _c.state == "unmoved")
    )


async def mark(
    connection: AsyncConnection, run_id: str, numbers: Sequence[int], state: str, *, found: str | None = None
) -> None:
    """Move rows to a state; what is applied already stays."""
    if numbers:
        await connection.execute(
            update(plan_rows)
            .values(state=state, found=found[:LONGEST] if found else found)
            .where(_c.run_id == run_id, _c.number.in_(numbers), _c.state != "applied")
        )


async def mark_entities(
    connection: AsyncConnection, run_id: str, entities: Sequence[str], state: str, *, target: str
) -> None:
    """Move the unmoved rows of entities at a target to a state."""
    if entities:
        await connection.execute(
            update(plan_rows)
            .values(state=state)
            .where(_c.run_id == run_id, _c.entity.in_(entities), _c.target == target, _c.state == "unmoved")
        )


def _filtered(query: Select[Any], run_id: str, filters: RowFilters) -> Select[Any]:
    query = query.where(_c.run_id == run_id)
    for column, value in ((_c.target, filters.target), (_c.kind, filters.kind), (_c.state, filters.state)):
        if value:
            query = query.where(column == value)
    # A comparison of texts instead of LIKE: an index answers it, and no character of the text is a pattern.
    text = filters.text
    return query.where(_c.entity >= text, _c.entity < text + "\U0010ffff") if text else query


def _row(row: Any) -> PlanRow:
    values = dict(row._mapping)
    values.pop("run_id")
    values.pop("at")
    return PlanRow(**values)
