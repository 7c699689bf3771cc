"""Backfills: a range of the past worked off slice by slice beside the schedule, each slice a run of its own.

open        slices wait or run
done        every slice ended well
failed      some slice failed; they are tried again on request
cancelled   somebody stopped the whole; what is done stays, the rest may be taken up again

A slice goes waiting -> running -> done | failed | cancelled, and back to waiting when the whole is taken up again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db import runs
from db.audit import note_act
from db.engine import Database
from db.runs import RunRow
from db.schema import backfill_slices, backfills, sync_runs

State = Literal["open", "done", "failed", "cancelled"]
SliceState = Literal["waiting", "running", "done", "failed", "cancelled"]
MOST_SLICES = 400
FAILED_IN_A_ROW = 3  # slices, then the rest waits for a person: the cause is not the slice's
_ENDED = {"success": "done", "error": "failed", "abandoned": "failed", "cancelled": "cancelled", "missed": "waiting"}
_LEFT_OVER = timedelta(seconds=1)  # makes no slice of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One backfill as stored, from ``since`` up to, not including, ``until``."""

    id: str
    sync: str
    since: datetime
    until: datetime
    slice_seconds: int
    pause_seconds: int
    state: State
    by: str
    reason: str
    created_at: datetime
    finished_at: datetime | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One slice of a backfill. ``message`` is what its last run said."""

    backfill_id: str
    number: int
    since: datetime
    until: datetime
    state: SliceState
    run_id: str | None
    tries: int
    message: str | None


def sliced(since: datetime, until: datetime, seconds: int) -> list[tuple[datetime, datetime]]:
    """Return the slices of a range, oldest first; less than a second that is over belongs to the last.

    Raise ValueError, with the remedy, for an empty range or too many slices.
    """
    if since >= until:
        raise ValueError("the range ends before it starts; give an earlier start")
    step = timedelta(seconds=seconds)
    number = max(1, -(-(until - since - _LEFT_OVER) // step))
    if number > MOST_SLICES:
        raise ValueError(f"that is {number} slices, at most {MOST_SLICES} are allowed; choose larger slices")
    starts = [since + step * place for place in range(number)]
    return list(zip(starts, [*starts[1:], until], strict=True))


async def create(
    db: Database,
    sync: str,
    since: datetime,
    until: datetime,
    *,
    slice_seconds: int,
    pause_seconds: int,
    reason: str,
    by: str,
    now: datetime,
    id: str | None = None,
) -> Backfill | None:
    """Store a backfill with its slices; return None when one of the sync is open. Raise ValueError as ``sliced`` does.

    With an ``id`` of the caller's it is begun once, however often it is asked for: the one that is there is returned.
    """
    parts = sliced(since, until, slice_seconds)
    c = backfills.c
    new = Backfill(
        id=id or uuid4().hex,
        sync=sync,
        since=since,
        until=until,
        slice_seconds=slice_seconds,
        pause_seconds=pause_seconds,
        state="open",
        by=by[:64],
        reason=reason,
        created_at=now,
    )
    values = {name: getattr(new, name) for name in backfills.c.keys()}  # noqa: SIM118 - columns, not a mapping
    async with db.write() as connection:
        insert_new = (
            (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(backfills).values(values)
        )
        if (await connection.execute(insert_new.on_conflict_do_nothing().returning(c.id))).one_or_none() is None:
            known = (await connection.execute(select(backfills).where(c.id == new.id, c.sync == sync))).one_or_none()
            return Backfill(**known._mapping) if known else None
        await connection.execute(
            insert(backfill_slices),
            [
                {"backfill_id": new.id, "number": number, "since": start, "until": end, "state": "waiting", "tries": 0}
                for number, (start, end) in enumerate(parts, start=1)
            ],
        )
        facts = {"backfill_id": new.id, "since": since.isoformat(), "until": until.isoformat(), "slices": len(parts)}
        await note_act(
            connection, at=now, user_name=by, act="backfill.started", subject=sync, reason=reason, facts=facts
        )
    return new


async def get(db: Database, id: str) -> Backfill | None:
    """Return one backfill, None when there is none of that id."""
    async with db.read() as connection:
        row = (await connection.execute(select(backfills).where(backfills.c.id == id))).one_or_none()
    return Backfill(**row._mapping) if row else None


async def listed(db: Database, sync: str | None = None, *, limit: int = 20) -> list[Backfill]:
    """Return backfills, newest first, of one sync or of all."""
    c = backfills.c
    query = select(backfills).order_by(c.created_at.desc(), c.id).limit(limit)
    if sync is not None:
        query = query.where(c.sync == sync)
    async with db.read() as connection:
        return [Backfill(**row._mapping) for row in await connection.execute(query)]


async def counts(db: Database, ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Return how many slices of each backfill are in each state."""
    c = backfill_slices.c
    query = select(c.backfill_id, c.state, func.count()).where(c.backfill_id.in_(ids)).group_by(c.backfill_id, c.state)
    found: dict[str, dict[str, int]] = {id: {} for id in ids}
    async with db.read() as connection:
        for id, state, number in await connection.execute(query):
            found[id][state] = number
    return found


async def slices(db: Database, id: str) -> list[Slice]:
    """Return the slices of a backfill, oldest first."""
    c = backfill_slices.c
    query = select(backfill_slices).where(c.backfill_id == id).order_by(c.number)
    async with db.read() as connection:
        return [Slice(**row._mapping) for row in await connection.execute(query)]


async def cancel(db: Database, id: str, *, reason: str | None, by: str, now: datetime) -> bool:
    """Stop the whole: what waits will not run, what runs stops at its next checkpoint. Return False when it is not open."""
    c, s, r = backfills.c, backfill_slices.c, sync_runs.c
    async with db.write() as connection:
        stopped = await connection.execute(
            update(backfills)
            .values(state="cancelled", finished_at=now, ended_by=by[:64])
            .where(c.id == id, c.state == "open")
            .returning(c.sync)
        )
        sync = stopped.scalar_one_or_none()
        if sync is None:
            return False
        await connection.execute(
            update(backfill_slices)
            .values(state="cancelled")
            .where(s.backfill_id == id, s.state.in_(("waiting", "running")))
        )
        queued = update(sync_runs).where(r.backfill_id == id, r.state == "queued")
        message = f"Cancelled by {by} before it started."
        await connection.execute(
            queued.values(
                state="finished", outcome="cancelled", finished_at=now, cancel_requested_by=by[:64], message=message
            )
        )
        await connection.execute(
            update(sync_runs)
            .values(cancel_requested_by=by[:64])
            .where(r.sync == sync, r.state == "running", r.backfill_id == id)
        )
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="backfill.cancelled",
            subject=sync,
            reason=reason,
            facts={"backfill_id": id},
        )
    return True


async def take_up(db: Database, id: str, *, by: str, now: datetime) -> bool:
    """Go on with what failed, was cancelled or still waits; return False when it is open or done, or another is open."""
    try:
        async with db.write() as connection:
            return await _take_up(connection, id, by=by, now=now)
    except IntegrityError:  # another one of the sync is open
        return False


async def _take_up(connection: AsyncConnection, id: str, *, by: str, now: datetime) -> bool:
    c, s = backfills.c, backfill_slices.c
    opened = await connection.execute(
        update(backfills)
        .values(state="open", finished_at=None, ended_by=None)
        .where(c.id == id, c.state.in_(("failed", "cancelled")))
        .returning(c.sync)
    )
    sync = opened.scalar_one_or_none()
    if sync is None:
        return False
    await connection.execute(
        update(backfill_slices).values(state="waiting").where(s.backfill_id == id, s.state.in_(("failed", "cancelled")))
    )
    await note_act(connection, at=now, user_name=by, act="backfill.resumed", subject=sync, facts={"backfill_id": id})
    return True


async def advance(db: Database, *, now: datetime) -> int:
    """Settle slices whose run ended, and ask for the next one of each open backfill whose sync is idle; return how many
    were asked for. A duty of every scheduler; the database arbitrates."""
    started = 0
    c = backfills.c
    async with db.read() as connection:
        opened = [
            Backfill(**row._mapping) for row in await connection.execute(select(backfills).where(c.state == "open"))
        ]
    for backfill in opened:
        started += await _advance(db, backfill, now=now)
    return started


async def _advance(db: Database, backfill: Backfill, *, now: datetime) -> bool:
    parts = await slices(db, backfill.id)
    r, s = sync_runs.c, backfill_slices.c
    mine = s.backfill_id == backfill.id
    async with db.write() as connection:
        for part in parts:
            if part.state != "running":
                continue
            run = (
                await connection.execute(select(r.state, r.outcome, r.message).where(r.id == part.run_id))
            ).one_or_none()
            if run is not None and run.state != "finished":
                return False
            state = _ENDED[run.outcome] if run is not None else "waiting"
            await connection.execute(
                update(backfill_slices)
                .values(state=state, message=run.message if run is not None else None)
                .where(mine, s.number == part.number, s.state == "running", s.run_id == part.run_id)
            )
        rows = await connection.execute(select(s.number, s.state).where(mine).order_by(s.number))
        states = [(row.number, row.state) for row in rows]
        upcoming = next((number for number, state in states if state == "waiting"), None)
        if upcoming is None or _hopeless(states):
            done = all(state == "done" for _, state in states)
            await connection.execute(
                update(backfills)
                .values(state="done" if done else "failed", finished_at=now)
                .where(backfills.c.id == backfill.id, backfills.c.state == "open")
            )
            return False
        busy = select(r.id).where(r.sync == backfill.sync, r.state.in_(("queued", "running"))).limit(1)
        if await connection.scalar(busy) is not None:
            return False
        latest = await connection.scalar(select(func.max(r.finished_at)).where(r.backfill_id == backfill.id))
        if latest is not None and now < latest + timedelta(seconds=backfill.pause_seconds):
            return False
        part = next(one for one in parts if one.number == upcoming)
        claimed = await connection.execute(
            update(backfill_slices)
            .values(state="running", tries=s.tries + 1, run_id=None)
            .where(mine, s.number == upcoming, s.state == "waiting")
        )
        if claimed.rowcount == 0:
            return False
        run_row: RunRow = await runs.queue_slice(
            connection,
            backfill.sync,
            backfill_id=backfill.id,
            options={"since": part.since.isoformat(), "until": part.until.isoformat(), "slice": upcoming},
            requested_by=backfill.by,
            now=now,
        )
        await connection.execute(update(backfill_slices).values(run_id=run_row.id).where(mine, s.number == upcoming))
    return True


def _hopeless(states: Sequence[tuple[int, str]]) -> bool:
    """Whether the latest slices that ended all failed."""
    ended = [state for _, state in states if state in ("done", "failed", "cancelled")]
    return len(ended) >= FAILED_IN_A_ROW and all(state == "failed" for state in ended[-FAILED_IN_A_ROW:])
