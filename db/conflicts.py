"""Conflicts a sync has decided, and giving the loser its value back.

An undo is a write as any other: the stock is set here, and the next run brings it to the other side. It is done only
while what won still stands as it was decided, in one transaction with its note and the audit, so that it happens once
however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db import stock, store_levels
from db.audit import note_act
from db.dead_letters import Conflict
from db.engine import Database
from db.schema import conflicts
from db.stock_readings import rows_at

Which = Literal["open", "undone"]
AT_ONCE = 200  # undone in one transaction
_c = conflicts.c


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConflict(Conflict):
    """A conflict as stored; ``undone_at`` None: it stands as it was decided."""

    id: str
    undone_at: datetime | None = None
    undone_by: str | None = None
    undone_reason: str | None = None

    @property
    def winning(self) -> tuple[str, datetime | None]:
        """Return what won, and from when it was."""
        return (self.erp_value, self.erp_at) if self.winner == "erp" else (self.platform_value, self.platform_at)

    @property
    def losing(self) -> str:
        """Return what lost."""
        return self.platform_value if self.winner == "erp" else self.erp_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which conflicts; ``item`` is the beginning of one, ``which`` open or undone. None and "" narrow nothing."""

    sync: str | None = None
    run_id: str | None = None
    winner: str | None = None
    item: str | None = None
    which: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What came of an undo: what was undone, and why the others were not (item -> sentence)."""

    done: int = 0
    refused: dict[str, str] = field(default_factory=dict)


async def get(db: Database, id: str) -> StoredConflict | None:
    """Return a conflict, None when there is none of that id."""
    async with db.read() as connection:
        row = (await connection.execute(select(conflicts).where(_c.id == id))).one_or_none()
    return StoredConflict(**row._mapping) if row else None


async def page(
    db: Database,
    filters: Filters | None = None,
    *,
    before: tuple[datetime, str] | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[StoredConflict]:
    """Return conflicts, newest first; the next page starts ``before`` the last one's (at, id)."""
    query = _filtered(select(conflicts), filters or Filters())
    if before is not None:
        query = query.where(or_(_c.at < before[0], and_(_c.at == before[0], _c.id < before[1])))
    query = query.order_by(_c.at.desc(), _c.id.desc()).offset(offset).limit(limit)
    async with db.read() as connection:
        return [StoredConflict(**row._mapping) for row in await connection.execute(query)]


async def count(db: Database, filters: Filters | None = None) -> int:
    """Return how many conflicts there are of that kind."""
    query = _filtered(select(func.count()).select_from(conflicts), filters or Filters())
    async with db.read() as connection:
        return await connection.scalar(query) or 0


async def undo(db: Database, id: str, *, by: str, reason: str, now: datetime) -> str | None:
    """Give the loser of one conflict its value back. Return None when that is done, else the sentence that says why not;
    nothing is changed then."""
    async with db.write() as connection:
        row = (await connection.execute(select(conflicts).where(_c.id == id))).one_or_none()
        if row is None:
            return "There is no such conflict any more."
        return await _undo(connection, StoredConflict(**row._mapping), by=by, reason=reason, now=now)


async def undo_run(db: Database, run_id: str, *, by: str, reason: str, now: datetime) -> Undone:
    """Undo all that a run decided and that still stands so. Asked for again after a death it does the rest."""
    done, refused, before = 0, {}, None
    while found := await page(db, Filters(run_id=run_id, which="open"), before=before, limit=AT_ONCE):
        before = (found[-1].at, found[-1].id)
        async with db.write() as connection:
            for conflict in sorted(found, key=lambda one: one.item):  # rows of stock in the order of their key
                why_not = await _undo(connection, conflict, by=by, reason=reason, now=now)
                if why_not is None:
                    done += 1
                else:
                    refused[conflict.item] = why_not
    return Undone(done=done, refused=refused)


async def _undo(
    connection: AsyncConnection, conflict: StoredConflict, *, by: str, reason: str, now: datetime
) -> str | None:
    claimed = await connection.execute(
        update(conflicts)
        .values(undone_at=now, undone_by=by[:64], undone_reason=reason)
        .where(_c.id == conflict.id, _c.undone_at.is_(None))
    )
    if claimed.rowcount == 0:
        return (
            f"It was undone before, by {conflict.undone_by}." if conflict.undone_by else "It was undone a moment ago."
        )
    why_not = await (_restore_level if conflict.field == "quantity" else _restore_shown)(connection, conflict, by, now)
    if why_not is not None:
        await connection.execute(
            update(conflicts).values(undone_at=None, undone_by=None, undone_reason=None).where(_c.id == conflict.id)
        )
        return why_not
    won, _ = conflict.winning
    facts = {"field": conflict.field, "from": won, "to": conflict.losing, "run_id": conflict.run_id, "id": conflict.id}
    await note_act(
        connection, at=now, user_name=by, act="conflict.undone", subject=conflict.item, reason=reason, facts=facts
    )
    return None


async def _restore_level(connection: AsyncConnection, conflict: StoredConflict, by: str, now: datetime) -> str | None:
    """Set our row to what lost, while it is what won."""
    sku, _, warehouse = conflict.item.rpartition("@")
    row = (await rows_at(connection, [(sku, warehouse)])).get((sku, warehouse))
    won, at = conflict.winning
    if row is None:
        return f"There is no stock of {conflict.item} any more."
    if row.quantity != Decimal(won) or row.changed_at != at:
        return (
            f"{conflict.item} has changed since: it was {won}, and is {stock.plain(row.quantity)} now, by "
            f"{row.changed_by}. Set it by hand if that is wrong."
        )
    quantity = Decimal(conflict.losing)
    done = await stock.set_at(connection, row, quantity, by=by, now=now)
    return None if done else f"{conflict.item} is being changed by somebody else; try again."


async def _restore_shown(connection: AsyncConnection, conflict: StoredConflict, by: str, now: datetime) -> str | None:
    """Move our stock by what a store had more or less, while what we had still can be sold."""
    sku, _, vendor = conflict.item.rpartition("@")
    won, _ = conflict.winning
    here = (await store_levels.ours(connection, [sku])).get(sku)
    if here is None:
        return f"There is no stock of {sku} any more."
    if here != Decimal(won) or await stock.changed_after(connection, sku, conflict.at):
        return f"{sku} has changed since: {won} could be sold, and {stock.plain(here)} can be now. Set it by hand."
    await stock.shift(connection, sku, Decimal(conflict.losing) - here, by=f"{by} ({vendor})"[:64], now=now)
    return None


def _filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    wanted: Sequence[tuple[ColumnElement[Any], str | None]] = (
        (_c.sync, filters.sync),
        (_c.run_id, filters.run_id),
        (_c.winner, filters.winner),
    )
    for column, value in wanted:
        if value:
            query = query.where(column == value)
    if filters.item:
        query = query.where(_c.item >= filters.item, _c.item < filters.item + "\U0010ffff")
    if filters.which == "open":
        return query.where(_c.undone_at.is_(None))
    return query.where(_c.undone_at.is_not(None)) if filters.which == "undone" else query
