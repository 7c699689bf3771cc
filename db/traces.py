"""What a trace began with: the order, the sync's run or the replay its calls belong to; and how far the trace is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.placements import OPEN
from db.schema import attempts, calls, placements, replays, sync_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a trace began with. ``id`` is the order's reference, the run's or the replay's id; ``name`` the sync's.

    ``until`` is None while it goes on. ``state`` is as its table has it, ``by`` who asked; ``steps`` are an order's with
    the state of each, and hold nothing personal.
    """

    kind: Literal["order", "run", "replay"]
    id: str
    at: datetime
    until: datetime | None
    state: str
    name: str = ""
    by: str | None = None
    why: str | None = None
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is recorded under a correlation id. Equal extents mean that nothing came since."""

    calls: int
    attempts: int


async def extent(db: Database, correlation_id: str) -> Extent:
    """Return how much is recorded under a correlation id; counted in its index, so cheap to ask again and again."""
    c, a = calls.c, attempts.c
    number = select(func.count()).select_from(calls).where(c.correlation_id == correlation_id)
    made = select(func.count()).select_from(attempts).where(a.correlation_id == correlation_id)
    async with db.read() as connection:
        ended = await connection.scalar(number) or 0
        sent = await connection.scalar(made) or 0
    return Extent(calls=ended, attempts=sent)


async def beginnings(db: Database, correlation_id: str, run_ids: Collection[str] = ()) -> list[Beginning]:
    """Return what a trace began with, the first first; ``run_ids`` are those its calls name. Often there is nothing: a
    request to the API leaves only its calls."""
    async with db.read() as connection:
        found = [
            *await _orders(connection, correlation_id),
            *await _runs(connection, correlation_id, run_ids),
            *await _replays(connection, {correlation_id, *run_ids}),
        ]
    return sorted(found, key=lambda one: one.at)


async def traces_of(db: Database, text: str) -> list[Beginning]:
    """Return what carries a text as its own name, an order's reference or a run's id, and so has a trace elsewhere.

    ``name`` is then the correlation id of that trace.
    """
    p, r = placements.c, sync_runs.c
    found: list[Beginning] = []
    async with db.read() as connection:
        query = select(p.reference, p.created_at, p.state, p.correlation_id).where(p.reference == text)
        for row in await connection.execute(query):
            at, state = row.created_at, row.state
            found.append(
                Beginning(kind="order", id=row.reference, at=at, until=None, state=state, name=row.correlation_id)
            )
        runs = select(r.id, r.scheduled_at, r.state, r.correlation_id).where(r.id == text)
        for row in await connection.execute(runs):
            at, state = row.scheduled_at, row.state
            found.append(Beginning(kind="run", id=row.id, at=at, until=None, state=state, name=row.correlation_id))
    return found


async def _orders(connection: AsyncConnection, correlation_id: str) -> list[Beginning]:
    p = placements.c
    columns = (p.reference, p.created_at, p.changed_at, p.state, p.asked_by, p.message, p.steps)
    rows = await connection.execute(select(*columns).where(p.correlation_id == correlation_id).limit(20))
    return [
        Beginning(
            kind="order",
            id=row.reference,
            at=row.created_at,
            until=None if row.state in OPEN else row.changed_at,
            state=row.state,
            by=row.asked_by,
            why=row.message,
            steps=row.steps,
        )
        for row in rows
    ]


async def _runs(connection: AsyncConnection, correlation_id: str, run_ids: Collection[str]) -> list[Beginning]:
    r = sync_runs.c
    columns = (r.id, r.sync, r.state, r.outcome, r.trigger, r.requested_by, r.started_at, r.scheduled_at)
    mine = or_(r.correlation_id == correlation_id, r.id.in_(sorted(run_ids)[:20]))
    rows = await connection.execute(select(*columns, r.finished_at, r.message).where(mine).limit(20))
    return [
        Beginning(
            kind="run",
            id=row.id,
            name=row.sync,
            at=row.started_at or row.scheduled_at,
            until=row.finished_at,
            state=row.outcome or row.state,
            by=row.requested_by or row.trigger,
            why=row.message,
        )
        for row in rows
    ]


async def _replays(connection: AsyncConnection, ids: Collection[str]) -> list[Beginning]:
    r = replays.c
    rows = await connection.execute(select(replays).where(r.id.in_(sorted(ids)[:20])))
    return [
        Beginning(
            kind="replay",
            id=row.id,
            at=row.created_at,
            until=row.finished_at,
            state=row.state,
            by=row.created_by,
            why=row.reason,
        )
        for row in rows
    ]
