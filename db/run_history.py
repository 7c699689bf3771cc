"""What pages, API and syncs ask about runs that were or are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select

from db.engine import Database
from db.runs import RunRow, run_row
from db.schema import calls, sync_runs

GUARD_STOP = "blast_guard"  # the error_type of a run the blast guard stopped: it asks a person, it has not failed


async def get(db: Database, run_id: str) -> RunRow | None:
    """Return one run, None when there is none of that id."""
    async with db.read() as connection:
        row = (await connection.execute(select(sync_runs).where(sync_runs.c.id == run_id))).one_or_none()
    return run_row(row) if row else None


async def recent(db: Database, sync: str | None = None, *, limit: int = 50) -> list[RunRow]:
    """Return runs, newest slot first, of one sync or of all."""
    c = sync_runs.c
    query = select(sync_runs).order_by(c.scheduled_at.desc(), c.id).limit(limit)
    return await _rows(db, query.where(c.sync == sync) if sync is not None else query)


async def latest_ended(db: Database, syncs: Sequence[str]) -> dict[str, RunRow]:
    """Return the latest run of each of these syncs that was begun and has ended."""
    c = sync_runs.c
    found = {}
    async with db.read() as connection:
        for sync in syncs:
            query = (
                select(sync_runs)
                .where(c.sync == sync, c.started_at.is_not(None), c.finished_at.is_not(None))
                .order_by(c.scheduled_at.desc())
                .limit(1)
            )
            row = (await connection.execute(query)).one_or_none()
            if row is not None:
                found[sync] = run_row(row)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsOfRun:
    """The calls a run made to one vendor; ``failed`` of them failed or were refused by us."""

    vendor: str
    calls: int
    failed: int


async def calls_of(db: Database, run: RunRow) -> list[CallsOfRun]:
    """Return the calls of a run by vendor, the most first. Over calls, retries are no further ones."""
    c = calls.c
    query = (
        select(c.vendor, func.count(), func.sum(case((c.outcome != "success", 1), else_=0)))
        .where(c.run_id == run.id)
        .group_by(c.vendor)
    )
    if not db.is_sqlite and run.started_at is not None:
        query = query.where(c.started_at >= run.started_at)  # leaves out the partitions of before
    async with db.read() as connection:
        rows = await connection.execute(query)
        found = [CallsOfRun(vendor=vendor, calls=number, failed=int(failed)) for vendor, number, failed in rows]
    return sorted(found, key=lambda one: (-one.calls, one.vendor))


async def running(db: Database) -> list[RunRow]:
    """Return the runs that are running now."""
    return await _rows(db, select(sync_runs).where(sync_runs.c.state == "running").order_by(sync_runs.c.sync))


async def queued(db: Database) -> list[RunRow]:
    """Return the runs that wait to be started, oldest first."""
    c = sync_runs.c
    return await _rows(db, select(sync_runs).where(c.state == "queued").order_by(c.scheduled_at))


async def last(db: Database, sync: str) -> RunRow | None:
    """Return the latest run that did something (not missed, not a dry run), None when there was none."""
    c = sync_runs.c
    query = (
        select(sync_runs)
        .where(c.sync == sync, c.started_at.is_not(None), c.dry_run.is_(False), c.backfill_id.is_(None))
        .order_by(c.started_at.desc())
        .limit(1)
    )
    rows = await _rows(db, query)
    return rows[0] if rows else None


async def ended_lately(db: Database, sync: str, *, limit: int) -> list[RunRow]:
    """Return the latest runs whose end says something about the sync, newest first: success, error or abandoned, neither
    dry nor of a backfill, no error that passes by itself, and no stop by the blast guard."""
    c = sync_runs.c
    query = (
        select(sync_runs)
        .where(c.sync == sync, c.outcome.in_(("success", "error", "abandoned")), c.dry_run.is_(False))
        .where(c.backfill_id.is_(None), c.passing.is_not(True))
        .where(or_(c.error_type.is_(None), c.error_type != GUARD_STOP))
        .order_by(c.scheduled_at.desc())
        .limit(limit)
    )
    return await _rows(db, query)


async def last_slot(db: Database, sync: str) -> datetime | None:
    """Return the latest slot of the schedule that has a run, missed ones included."""
    c = sync_runs.c
    query = (
        select(c.scheduled_at).where(c.sync == sync, c.trigger == "schedule").order_by(c.scheduled_at.desc()).limit(1)
    )
    async with db.read() as connection:
        at: datetime | None = await connection.scalar(query)
    return at


async def last_cursor(db: Database, sync: str, *, before: datetime) -> Mapping[str, Any]:
    """Return where the latest run started before then left off, {} when there was none. A backfill moves no cursor."""
    c = sync_runs.c
    query = (
        select(c.cursor)
        .where(c.sync == sync, c.started_at < before, c.dry_run.is_(False), c.cursor.is_not(None))
        .where(c.backfill_id.is_(None))
        .order_by(c.started_at.desc())
        .limit(10)
    )
    async with db.read() as connection:
        for row in await connection.execute(query):
            if row.cursor:  # JSON null is not SQL NULL
                cursor: Mapping[str, Any] = row.cursor
                return cursor
    return {}


def facts(run: RunRow) -> dict[str, Any]:
    """Return a run as the API and ``sync --json`` give it; the plan stays sealed and is added by who may open it."""

    def when(at: datetime | None) -> str | None:
        return at.isoformat().replace("+00:00", "Z") if at else None

    return {
        "id": run.id,
        "sync": run.sync,
        "state": run.state,
        "outcome": run.outcome,
        "trigger": run.trigger,
        "requested_by": run.requested_by,
        "scheduled_at": when(run.scheduled_at),
        "started_at": when(run.started_at),
        "finished_at": when(run.finished_at),
        "heartbeat_at": when(run.heartbeat_at),
        "owner": run.owner,
        "correlation_id": run.correlation_id,
        "cursor": run.cursor,
        "pages": run.pages,
        "counts": {
            "read": run.read,
            "written": run.written,
            "unchanged": run.unchanged,
            "conflicted": run.conflicted,
            "failed": run.failed,
        },
        "total": run.total,
        "progress": run.progress,
        "cancel_requested_by": run.cancel_requested_by,
        "takeovers": run.takeovers,
        "dry_run": run.dry_run,
        "options": dict(run.options or {}),
        "backfill_id": run.backfill_id,
        "waiting_for": run.waiting_for,
        "error_type": run.error_type,
        "message": run.message,
    }


async def _rows(db: Database, query: Any) -> list[RunRow]:
    async with db.read() as connection:
        rows: Sequence[Any] = (await connection.execute(query)).all()
    return [run_row(row) for row in rows]
