"""Runs of the syncs: from queued to finished, one running per sync over all processes.

A run is started, continued and finished only under the lease of its sync; every step is one transaction that first
touches the lease and then the run, so that a holder that lost the lease writes nothing. ``scheduled_at`` makes a run
unique: several schedulers claim the same slot and one gets it. The questions the pages ask are in ``run_history.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, exists, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db import leases
from db.audit import note_act
from db.engine import Database
from db.owner import is_dead
from db.schedules import may_fire
from db.schema import leases as lease_table
from db.schema import plans, sync_runs

Connection = AsyncConnection  # what a step of a run writes through; outside db nobody names SQLAlchemy


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run as stored. ``outcome`` is None until it is finished; ``cursor`` is where it resumes."""

    id: str
    sync: str
    state: str
    trigger: str
    scheduled_at: datetime
    correlation_id: str
    outcome: str | None = None
    requested_by: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    owner: str | None = None
    cursor: Mapping[str, Any] | None = None
    pages: int = 0
    read: int = 0
    written: int = 0
    unchanged: int = 0
    conflicted: int = 0
    failed: int = 0
    total: int | None = None
    cancel_requested_by: str | None = None
    takeovers: int = 0
    dry_run: bool = False
    plan: str | None = None  # sealed
    error_type: str | None = None
    message: str | None = None
    passing: bool | None = None  # of an error: its cause passes by itself, such as a vendor's outage
    options: Mapping[str, Any] | None = None
    backfill_id: str | None = None
    waiting_for: str | None = None  # a sentence, as of the last heartbeat

    @property
    def progress(self) -> float | None:
        """Return the part done, 0 to 1; None while nobody knows how much there is."""
        if self.state == "finished" and self.outcome == "success":
            return 1.0
        return min(1.0, (self.written + self.unchanged + self.failed) / self.total) if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one step of a run did, to be added up."""

    pages: int = 0
    read: int = 0
    written: int = 0
    unchanged: int = 0
    conflicted: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grip:
    """A running run's hold on its sync: the run, who holds it."""

    run_id: str
    sync: str
    holder: str


def lease_name(sync: str) -> str:
    """Return the name of a sync's lease."""
    return f"sync:{sync}"


def run_row(row: Row[Any]) -> RunRow:
    """Return the run of a database row."""
    return RunRow(**row._mapping)


async def queue(
    db: Database,
    sync: str,
    *,
    trigger: str,
    requested_by: str | None,
    now: datetime,
    dry_run: bool = False,
    options: Mapping[str, Any] | None = None,
) -> RunRow:
    """Ask for a run, and note the act where it is a person's or a program's; a scheduler picks it up within 2 s.

    One that is queued already with the same ``options`` is returned instead of a second.
    """
    async with db.write() as connection:
        run = await _queued_alike(connection, sync, dry_run=dry_run, options=options)
        if run is None:
            run = new_run(sync, trigger, now, requested_by=requested_by, dry_run=dry_run, options=options)
            await insert_run(connection, run)
        if requested_by is not None:
            facts = {"run_id": run.id, "dry_run": dry_run}
            await note_act(
                connection, at=now, user_name=requested_by, act="sync.run_requested", subject=sync, facts=facts
            )
    return run


async def _queued_alike(
    connection: AsyncConnection, sync: str, *, dry_run: bool, options: Mapping[str, Any] | None
) -> RunRow | None:
    c = sync_runs.c
    same = (c.sync == sync, c.state == "queued", c.dry_run.is_(dry_run), c.backfill_id.is_(None))
    acting = exists().where(plans.c.acting_run_id == c.id)  # those do something else
    for waiting in await connection.execute(select(sync_runs).where(*same, ~acting).order_by(c.scheduled_at)):
        if dict(waiting.options or {}) == dict(options or {}):
            return run_row(waiting)
    return None


async def insert_run(connection: AsyncConnection, run: RunRow) -> None:
    """Store a new run inside the caller's transaction."""
    await connection.execute(insert(sync_runs).values(_values(run)))


async def queue_slice(
    connection: AsyncConnection,
    sync: str,
    *,
    backfill_id: str,
    options: Mapping[str, Any],
    requested_by: str,
    now: datetime,
) -> RunRow:
    """Ask for the run of a slice of a backfill, within the caller's transaction."""
    run = new_run(sync, "backfill", now, requested_by=requested_by, options=options, backfill_id=backfill_id)
    await insert_run(connection, run)
    return run


async def queue_first(db: Database, sync: str, *, now: datetime) -> RunRow | None:
    """Ask for the first run a sync ever has (trigger ``start``); return None when there was one before."""
    run = new_run(sync, "start", now)
    never = ~exists().where(sync_runs.c.sync == sync)
    values = _values(run)
    columns = [literal(value, sync_runs.c[name].type).label(name) for name, value in values.items()]
    async with db.write() as connection:
        new = insert(sync_runs).from_select(list(values), select(*columns).where(never))
        made = (await connection.execute(new.returning(sync_runs.c.id))).one_or_none()
    return run if made else None


async def claim_slot(
    db: Database, sync: str, *, scheduled_at: datetime, now: datetime, schedule: str | None
) -> RunRow | None:
    """Claim a slot of the schedule as a queued run; return None when another scheduler has it.

    ``schedule`` is the edit the slot belongs to, None for the file's. A claim under another schedule than holds, or
    while the sync is paused, gets nothing: a scheduler that has not seen an edit yet must not act against it.
    """
    run = new_run(sync, "schedule", scheduled_at)
    async with db.write() as connection:
        if not await may_fire(connection, sync, schedule=schedule, now=now):
            return None
        return run if await _insert_once(connection, run) else None


async def note_missed(db: Database, sync: str, *, scheduled_at: datetime, now: datetime, reason: str) -> bool:
    """Note a slot at which nothing ran, with the reason; return False when that slot has a run already."""
    run = new_run(sync, "schedule", scheduled_at)
    values = {"state": "finished", "outcome": "missed", "finished_at": now, "message": reason}
    async with db.write() as connection:
        return await _insert_once(connection, run, **values)


async def begin(db: Database, run: RunRow, *, holder: str, now: datetime, until: datetime) -> Grip | None:
    """Start a queued run under the lease of its sync.

    Return None when it may not run: another run of the sync holds the lease, or waits to be taken over. The run is
    then finished as ``missed`` with that reason; where a backfill is on either side it stays queued, since a slice is
    short and a backfill must not cost a slot of the schedule.
    """
    async with db.write() as connection:
        return await _begin(connection, run, holder=holder, now=now, until=until, patient=True)


async def begin_new(
    db: Database, sync: str, *, requested_by: str, dry_run: bool, holder: str, now: datetime, until: datetime
) -> tuple[RunRow, Grip | None]:
    """Queue a run and start it at once, so that no scheduler gets in between; the grip as from ``begin``."""
    run = new_run(sync, "user", now, requested_by=requested_by, dry_run=dry_run)
    async with db.write() as connection:
        await insert_run(connection, run)
        return run, await _begin(connection, run, holder=holder, now=now, until=until, patient=False)


async def dead(db: Database, *, now: datetime) -> list[RunRow]:
    """Return the running runs whose holder let go of the lease: killed, cut off, or stopped in the middle."""
    c, held = sync_runs.c, lease_table.c
    query = (
        select(sync_runs, held.acquired_by, held.acquired_until)
        .select_from(
            sync_runs.outerjoin(lease_table, (held.name == literal("sync:") + c.sync) & (held.acquired_by == c.owner))
        )
        .where(c.state == "running")
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    found = []
    for row in rows:
        facts = dict(row)
        holder, until = facts.pop("acquired_by"), facts.pop("acquired_until")
        if holder is None or until <= now or is_dead(holder):
            found.append(RunRow(**facts))
    return found


async def take_over(db: Database, run: RunRow, *, holder: str, now: datetime, until: datetime) -> Grip | None:
    """Continue a dead holder's run from its checkpoint, counts kept; return None when somebody else was faster."""
    c = sync_runs.c
    async with db.write() as connection:
        if not await leases.acquire(connection, lease_name(run.sync), holder, now=now, until=until):
            return None
        taken = await connection.execute(
            update(sync_runs)
            .values(owner=holder, heartbeat_at=now, takeovers=c.takeovers + 1)
            .where(c.id == run.id, c.state == "running", c.owner == run.owner)
        )
        if taken.rowcount == 0:
            await leases.release(connection, lease_name(run.sync), holder)
            return None
    return Grip(run_id=run.id, sync=run.sync, holder=holder)


async def checkpoint(
    connection: AsyncConnection,
    grip: Grip,
    *,
    now: datetime,
    until: datetime,
    cursor: Mapping[str, Any] | None = None,
    counts: Counts | None = None,
    total: int | None = None,
    waiting_for: str | None = None,
) -> str | None:
    """Store in one go: the lease held longer, heartbeat, what it waits for, and what is given of cursor, counts and total.

    Return who asked to cancel the run, None when nobody did. Raise GripLost when the run is not ours any more; the
    caller's transaction must then be rolled back.
    """
    c = sync_runs.c
    changes: dict[str, Any] = {"heartbeat_at": now, "waiting_for": waiting_for}
    if cursor is not None:
        changes["cursor"] = cursor
    if total is not None:
        changes["total"] = total
    if counts is not None:
        for name in ("pages", "read", "written", "unchanged", "conflicted", "failed"):
            changes[name] = c[name] + getattr(counts, name)
    held = await leases.extend(connection, lease_name(grip.sync), grip.holder, until=until)
    kept = await connection.execute(
        update(sync_runs).values(changes).where(c.id == grip.run_id, c.state == "running", c.owner == grip.holder)
    )
    if not held or kept.rowcount == 0:
        raise GripLost(f"Run {grip.run_id} of {grip.sync} was taken over by another process.")
    return await connection.scalar(select(c.cancel_requested_by).where(c.id == grip.run_id))


class GripLost(Exception):
    """The run is not ours any more: its lease ran out and another process has taken it over."""


async def finish(
    connection: AsyncConnection,
    grip: Grip,
    *,
    outcome: str,
    now: datetime,
    message: str | None = None,
    error_type: str | None = None,
    plan: str | None = None,
    passing: bool | None = None,
) -> bool:
    """End our run and free its sync; return False when it was not ours any more."""
    c = sync_runs.c
    await leases.release(connection, lease_name(grip.sync), grip.holder)
    done = await connection.execute(
        update(sync_runs)
        .values(
            state="finished",
            outcome=outcome,
            finished_at=now,
            heartbeat_at=now,
            message=message,
            error_type=error_type,
            plan=plan,
            passing=passing,
            waiting_for=None,
        )
        .where(c.id == grip.run_id, c.state == "running", c.owner == grip.holder)
    )
    return bool(done.rowcount)


async def let_go(db: Database, grip: Grip) -> None:
    """Free the sync but leave the run running, for whoever takes it over from its checkpoint."""
    async with db.write() as connection:
        await leases.release(connection, lease_name(grip.sync), grip.holder)


async def request_cancel(db: Database, run_id: str, *, by: str, now: datetime, reason: str | None = None) -> bool:
    """Ask a run to stop, and note the act: a queued one is cancelled at once, a running one at its next checkpoint.

    Return False, and note nothing, when there is no such run or it is finished.
    """
    c = sync_runs.c
    async with db.write() as connection:
        sync = await connection.scalar(
            update(sync_runs)
            .values(
                state="finished",
                outcome="cancelled",
                finished_at=now,
                cancel_requested_by=by,
                message=f"Cancelled by {by} before it started.",
            )
            .where(c.id == run_id, c.state == "queued")
            .returning(c.sync)
        )
        if sync is None:
            running = update(sync_runs).values(cancel_requested_by=by).where(c.id == run_id, c.state == "running")
            sync = await connection.scalar(running.returning(c.sync))
        if sync is None:
            return False
        facts = {"run_id": run_id}
        await note_act(
            connection, at=now, user_name=by, act="sync.cancel_requested", subject=sync, reason=reason, facts=facts
        )
    return True


async def _begin(
    connection: AsyncConnection, run: RunRow, *, holder: str, now: datetime, until: datetime, patient: bool
) -> Grip | None:
    c = sync_runs.c
    free = await leases.acquire(connection, lease_name(run.sync), holder, now=now, until=until)
    other = (
        await connection.execute(select(sync_runs).where(c.sync == run.sync, c.state == "running").limit(1))
    ).one_or_none()
    if free and other is None:
        started = await connection.execute(
            update(sync_runs)
            .values(state="running", owner=holder, started_at=now, heartbeat_at=now)
            .where(c.id == run.id, c.state == "queued")
        )
        if started.rowcount:
            return Grip(run_id=run.id, sync=run.sync, holder=holder)
    if free:
        await leases.release(connection, lease_name(run.sync), holder)
    if patient and (run.backfill_id is not None or (other is not None and other.backfill_id is not None)):
        return None
    await connection.execute(
        update(sync_runs)
        .values(state="finished", outcome="missed", finished_at=now, message=_overlap(other))
        .where(c.id == run.id, c.state == "queued")
    )
    return None


async def _insert_once(connection: AsyncConnection, run: RunRow, **more: Any) -> bool:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(sync_runs).values({**_values(run), **more})
    new = statement.on_conflict_do_nothing(index_elements=["sync", "trigger", "scheduled_at"])
    return (await connection.execute(new.returning(sync_runs.c.id))).one_or_none() is not None


def new_run(
    sync: str,
    trigger: str,
    at: datetime,
    *,
    requested_by: str | None = None,
    dry_run: bool = False,
    options: Mapping[str, Any] | None = None,
    backfill_id: str | None = None,
) -> RunRow:
    """Return a run that is not stored yet."""
    return RunRow(
        id=uuid4().hex,
        sync=sync,
        state="queued",
        trigger=trigger,
        scheduled_at=at,
        correlation_id=uuid4().hex,
        requested_by=requested_by,
        dry_run=dry_run,
        options=dict(options) if options else None,
        backfill_id=backfill_id,
    )


def _values(run: RunRow) -> dict[str, Any]:
    asked = ("requested_by", "dry_run", "options", "backfill_id")
    names = ("id", "sync", "state", "trigger", "scheduled_at", "correlation_id", *asked)
    zeros = dict.fromkeys(("pages", "read", "written", "unchanged", "conflicted", "failed", "takeovers"), 0)
    return {name: getattr(run, name) for name in names} | zeros


def _overlap(other: Row[Any] | None) -> str:
    if other is None:
        return "Another run of this sync holds its lease."
    if other.started_at is None:
        return f"Run {other.id} was still running."
    return f"Run {other.id} was still running; it started at {other.started_at:%Y-%m-%d %H:%M:%S} UTC."
