"""What a run could not write (dead letters), and what both sides had changed (conflicts)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db import placements, store_levels, store_orders
from db.engine import Database
from db.schema import conflicts, dead_letters, outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One item a sync gave up on, with the reason; unresolved while ``resolved_at`` is None."""

    id: str
    run_id: str
    sync: str
    item: str
    error_type: str
    reason: str
    created_at: datetime
    retries: int = 0
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    verdict: str | None = None  # retried | given_up
    verdict_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One field both sides changed: both values, both times, the rule and who won (``erp`` or ``platform``)."""

    run_id: str
    sync: str
    item: str
    field: str
    erp_value: str
    erp_at: datetime | None
    platform_value: str
    platform_at: datetime | None
    rule: str
    winner: str
    at: datetime


async def bury(
    connection: AsyncConnection, *, run_id: str, sync: str, item: str, error_type: str, reason: str, now: datetime
) -> None:
    """Store a dead letter; an unresolved one of the same item is brought up to date instead of doubled."""
    c = dead_letters.c
    again = await connection.execute(
        update(dead_letters)
        .values(run_id=run_id, error_type=error_type, reason=reason)
        .where(c.sync == sync, c.item == item, c.resolved_at.is_(None))
    )
    if again.rowcount == 0:
        await connection.execute(
            insert(dead_letters).values(
                id=uuid4().hex,
                run_id=run_id,
                sync=sync,
                item=item,
                error_type=error_type,
                reason=reason,
                created_at=now,
                retries=0,
            )
        )


async def unresolved(db: Database, sync: str | None = None, *, limit: int = 200) -> list[DeadLetter]:
    """Return the dead letters that wait for somebody, newest first."""
    c = dead_letters.c
    query = select(dead_letters).where(c.resolved_at.is_(None)).order_by(c.created_at.desc()).limit(limit)
    if sync is not None:
        query = query.where(c.sync == sync)
    async with db.read() as connection:
        return [DeadLetter(**row._mapping) for row in await connection.execute(query)]


async def of_run(db: Database, run_id: str, *, limit: int = 200) -> list[DeadLetter]:
    """Return the dead letters of a run, oldest first."""
    c = dead_letters.c
    query = select(dead_letters).where(c.run_id == run_id).order_by(c.created_at, c.item).limit(limit)
    async with db.read() as connection:
        return [DeadLetter(**row._mapping) for row in await connection.execute(query)]


async def retry(db: Database, id: str, *, by: str, now: datetime) -> bool:
    """Let the next run try the item again; return False when the letter is unknown or resolved already.

    An order goes back to the outbox, or is asked for at its store once more; a SKU is taken up by the next inventory run
    because nothing holds it back; a step of an order that was placed at the checkout is due again.
    """
    async with db.write() as connection:
        return await retry_one(connection, id, by=by, now=now)


async def retry_one(connection: AsyncConnection, id: str, *, by: str, now: datetime, reason: str | None = None) -> bool:
    """Do what ``retry`` does within the caller's transaction."""
    letter = await _resolve(connection, id, by=by, now=now, verdict="retried", reason=reason)
    if letter is None:
        return False
    if letter.sync == "orders":
        o = outbox.c
        await connection.execute(
            update(outbox)
            .values(state="waiting", due_at=now, tries=0)
            .where(o.kind == "erp_order", o.reference == letter.item, o.state == "dead")
        )
        await store_orders.retry(connection, letter.item)
    elif letter.sync == "inventory":
        await store_levels.retry(connection, letter.item)
    elif letter.sync == "checkout":
        await placements.retry(connection, letter.item, now=now)
    return True


async def give_up_one(connection: AsyncConnection, id: str, *, by: str, now: datetime, reason: str) -> bool:
    """Close a letter without another try, within the caller's transaction; return False when it is unknown or resolved
    already. The item stays as it is on both sides."""
    return await _resolve(connection, id, by=by, now=now, verdict="given_up", reason=reason) is not None


async def _resolve(
    connection: AsyncConnection, id: str, *, by: str, now: datetime, verdict: str, reason: str | None
) -> DeadLetter | None:
    c = dead_letters.c
    closed = await connection.execute(
        update(dead_letters)
        .values(
            resolved_at=now,
            resolved_by=by[:64],
            retries=c.retries + int(verdict == "retried"),
            verdict=verdict,
            verdict_reason=reason,
        )
        .where(c.id == id, c.resolved_at.is_(None))
    )
    if closed.rowcount == 0:
        return None
    row = (await connection.execute(select(dead_letters).where(c.id == id))).one()
    return DeadLetter(**row._mapping)


async def note_conflicts(connection: AsyncConnection, found: Sequence[Conflict]) -> None:
    """Store conflicts."""
    if found:
        await connection.execute(insert(conflicts), [{"id": uuid4().hex, **asdict(one)} for one in found])


async def recent_conflicts(
    db: Database, sync: str | None = None, *, run_id: str | None = None, limit: int = 200
) -> list[Conflict]:
    """Return conflicts, newest first."""
    c = conflicts.c
    query = select(*[c[one.name] for one in fields(Conflict)]).order_by(c.at.desc(), c.item).limit(limit)
    if sync is not None:
        query = query.where(c.sync == sync)
    if run_id is not None:
        query = query.where(c.run_id == run_id)
    async with db.read() as connection:
        return [Conflict(**row._mapping) for row in await connection.execute(query)]
