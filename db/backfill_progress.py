"""How far backfills are, and what their slices took: what pages and API tell of them, and what a new one may expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, func, select, type_coerce

from db import backfills
from db.backfills import Backfill
from db.engine import Database
from db.runs import RunRow, run_row
from db.schema import backfill_slices, calls, campaign_spend, processor_transactions, shipments, sync_runs
from db.schema import backfills as table
from db.shipments import ENDED

_LOOKED_AT = 50  # slices of earlier backfills, the latest
_SUMMED = ("pages", "read", "written", "unchanged", "conflicted", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one backfill is. ``slices`` counts them by state; the sums are over all its runs; ``worked`` are the seconds
    of the ``ended`` runs."""

    slices: Mapping[str, int] = field(default_factory=dict)
    pages: int = 0
    read: int = 0
    written: int = 0
    unchanged: int = 0
    conflicted: int = 0
    failed: int = 0
    worked: float = 0.0
    ended: int = 0
    running: RunRow | None = None

    @property
    def total(self) -> int:
        return sum(self.slices.values())

    @property
    def done(self) -> int:
        """How many slices ended well."""
        return self.slices.get("done", 0)

    def seconds_left(self, backfill: Backfill) -> float | None:
        """Return how long it will still take if the rest is like what was; None while nobody can tell, or it is over."""
        left = self.slices.get("waiting", 0) + self.slices.get("running", 0)
        if backfill.state != "open" or not self.ended or not left:
            return None
        return left * (self.worked / self.ended + backfill.pause_seconds)


async def progress(db: Database, ids: Sequence[str]) -> dict[str, Progress]:
    """Return how far each of these backfills is."""
    counted = await backfills.counts(db, ids)
    r = sync_runs.c
    worked = func.sum(type_coerce(r.finished_at, BigInteger) - type_coerce(r.started_at, BigInteger))
    sums = (
        select(r.backfill_id, worked.label("worked"), func.count(r.finished_at).label("ended"))
        .add_columns(*(func.sum(r[name]).label(name) for name in _SUMMED))
        .where(r.backfill_id.in_(ids), r.started_at.is_not(None))
        .group_by(r.backfill_id)
    )
    running = select(sync_runs).where(r.backfill_id.in_(ids), r.state == "running")
    async with db.read() as connection:
        summed = {row.backfill_id: row for row in await connection.execute(sums)}
        at_work = {row.backfill_id: run_row(row) for row in await connection.execute(running)}
    return {id: _progress(counted[id], summed.get(id), at_work.get(id)) for id in ids}


def _progress(counted: Mapping[str, int], row: Any, running: RunRow | None) -> Progress:
    if row is None:
        return Progress(slices=counted, running=running)
    sums = {name: int(getattr(row, name) or 0) for name in _SUMMED}
    worked = float(row.worked or 0) / 1_000_000
    return Progress(slices=counted, running=running, worked=worked, ended=row.ended, **sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What slices of earlier backfills of a sync took in sum: ``days`` of the past, and calls by vendor."""

    slices: int
    days: float
    pages: int
    read: int
    seconds: float
    calls: Mapping[str, int]


async def measured(db: Database, sync: str) -> Measured | None:
    """Return what the latest slices that ended well took; None when there are none."""
    s, r, b, c = backfill_slices.c, sync_runs.c, table.c, calls.c
    query = (
        select(s.since, s.until, r.id, r.pages, r.read, r.started_at, r.finished_at)
        .join(table, b.id == s.backfill_id)
        .join(sync_runs, r.id == s.run_id)
        .where(b.sync == sync, s.state == "done", r.started_at.is_not(None), r.finished_at.is_not(None))
        .order_by(r.finished_at.desc())
        .limit(_LOOKED_AT)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).all()
        if not rows:
            return None
        made = select(c.vendor, func.count()).where(c.run_id.in_([row.id for row in rows])).group_by(c.vendor)
        if not db.is_sqlite:
            made = made.where(c.started_at >= min(row.started_at for row in rows))
        by_vendor = {row[0]: row[1] for row in await connection.execute(made)}
    return Measured(
        slices=len(rows),
        days=sum((row.until - row.since).total_seconds() for row in rows) / 86_400,
        pages=sum(row.pages for row in rows),
        read=sum(row.read for row in rows),
        seconds=sum((row.finished_at - row.started_at).total_seconds() for row in rows),
        calls=by_vendor,
    )


async def stored(db: Database, sync: str, *, since: datetime, until: datetime) -> Mapping[str, int] | None:
    """Return what is stored by vendor of a stretch that a sync would work off; None where nobody can tell.

    Of shipments those that are still under way: the ones that would be asked about.
    """
    t, s, p = processor_transactions.c, shipments.c, campaign_spend.c
    queries: dict[str, Any] = {
        "payments": select(t.vendor, func.count()).where(t.created_at >= since, t.created_at < until),
        "shipments": select(s.vendor, func.count()).where(
            s.created_at >= since, s.created_at < until, s.status.not_in(ENDED)
        ),
        "spend": select(p.vendor, func.count()).where(
            p.day >= since.date().isoformat(), p.day < until.date().isoformat()
        ),
    }
    if sync not in queries:
        return None
    async with db.read() as connection:
        query = queries[sync].group_by(queries[sync].selected_columns[0])
        return {row[0]: row[1] for row in await connection.execute(query)}
