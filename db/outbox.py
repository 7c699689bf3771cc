"""What still has to reach a vendor: written with the thing itself, taken out when the vendor has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import outbox

UNDER_WAY = "under_way"  # the error type of an errand whose end is not known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One thing to bring to a vendor: its kind, our reference, and what came of it so far."""

    id: str
    kind: str
    reference: str
    state: str
    created_at: datetime
    due_at: datetime
    tries: int
    done_at: datetime | None = None
    error_type: str | None = None
    message: str | None = None


async def due(db: Database, kind: str, *, now: datetime, limit: int, offset: int = 0) -> list[Errand]:
    """Return what waits and is due, longest due first."""
    c = outbox.c
    query = (
        select(outbox)
        .where(c.kind == kind, c.state == "waiting", c.due_at <= now)
        .order_by(c.due_at, c.created_at, c.reference)
        .limit(limit)
        .offset(offset)
    )
    async with db.read() as connection:
        return [Errand(**row._mapping) for row in await connection.execute(query)]


async def count_waiting(db: Database, kind: str, *, due_by: datetime | None = None) -> int:
    """Return how many of a kind wait, all of them or those due by then."""
    c = outbox.c
    query = select(func.count()).select_from(outbox).where(c.kind == kind, c.state == "waiting")
    if due_by is not None:
        query = query.where(c.due_at <= due_by)
    async with db.read() as connection:
        return await connection.scalar(query) or 0


async def get(db: Database, kind: str, reference: str) -> Errand | None:
    """Return one errand, None when there is none."""
    c = outbox.c
    async with db.read() as connection:
        row = (await connection.execute(select(outbox).where(c.kind == kind, c.reference == reference))).one_or_none()
    return Errand(**row._mapping) if row else None


async def begin(db: Database, id: str) -> bool:
    """Note that an errand is about to be done, before it is; return False when it does not wait any more.

    From here on the vendor may have it: ``orders.cancel_unsent`` leaves it alone.
    """
    c = outbox.c
    async with db.write() as connection:
        begun = await connection.execute(
            update(outbox).values(error_type=UNDER_WAY).where(c.id == id, c.state == "waiting")
        )
    return bool(begun.rowcount)


async def not_begun(db: Database, id: str) -> None:
    """Take back that an errand is about to be done: what kept it from the vendor is nothing of its own."""
    c = outbox.c
    async with db.write() as connection:
        await connection.execute(
            update(outbox).values(error_type=None).where(c.id == id, c.state == "waiting", c.error_type == UNDER_WAY)
        )


async def note_done(connection: AsyncConnection, id: str, *, now: datetime) -> bool:
    """Take it out: the vendor has it. Return False when it was out already."""
    c = outbox.c
    done = await connection.execute(
        update(outbox)
        .values(state="done", done_at=now, error_type=None, message=None)
        .where(c.id == id, c.state == "waiting")
    )
    return bool(done.rowcount)


async def put_off(connection: AsyncConnection, id: str, *, due_at: datetime, error_type: str, message: str) -> None:
    """Try it again later, with what went wrong."""
    c = outbox.c
    await connection.execute(
        update(outbox)
        .values(due_at=due_at, tries=c.tries + 1, error_type=error_type, message=message)
        .where(c.id == id, c.state == "waiting")
    )


async def give_up(connection: AsyncConnection, id: str, *, error_type: str, message: str) -> None:
    """Stop trying, with the reason, until somebody retries the dead letter."""
    c = outbox.c
    await connection.execute(
        update(outbox)
        .values(state="dead", tries=c.tries + 1, error_type=error_type, message=message)
        .where(c.id == id, c.state == "waiting")
    )
