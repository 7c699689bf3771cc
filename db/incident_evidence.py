"""What stands around an incident in other tables: calls that failed, runs that failed, acts of people, orders that wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, and_, func, or_, select, type_coerce

from db.audit import Act
from db.engine import Database
from db.runs import RunRow, run_row
from db.schema import audit, calls, outbox, sync_runs

_FAILED = ("error", "unknown")
_RUN_FAILED = ("error", "abandoned", "missed")
USUAL = timedelta(minutes=5)  # what an item of the outbox may take without anybody wondering


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall:
    """A call that failed, with the sentence for people."""

    id: str
    at: datetime
    correlation_id: str
    operation: str
    error_type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUp:
    """Orders (or other items of the outbox) that waited in a stretch: how many, how many still do, and some of them by
    our reference, oldest first."""

    total: int
    waiting: int
    references: Sequence[str]


async def failed_calls(
    db: Database, vendor: str, since: datetime, until: datetime
) -> tuple[FailedCall, FailedCall] | None:
    """Return the first and the last call to a vendor in a stretch that failed; None when none did.

    What was our own fault says nothing of the vendor and is left out, unless nothing else failed.
    """
    async with db.read() as connection:
        for any_fault in (False, True):
            ends = []
            for newest in (False, True):
                row = (await connection.execute(_one_failed(vendor, since, until, newest, any_fault))).one_or_none()
                if row is not None:
                    ends.append(
                        FailedCall(
                            id=row.id,
                            at=row.started_at,
                            correlation_id=row.correlation_id,
                            operation=row.operation,
                            error_type=row.error_type or "",
                            message=row.message or "",
                        )
                    )
            if len(ends) == 2:
                return ends[0], ends[1]
    return None


def _one_failed(vendor: str, since: datetime, until: datetime, newest: bool, any_fault: bool) -> Select[Any]:
    c = calls.c
    query = (
        select(c.id, c.started_at, c.correlation_id, c.operation, c.error_type, c.message)
        .where(c.vendor == vendor, c.started_at >= since, c.started_at < until, c.outcome.in_(_FAILED))
        .order_by(c.started_at.desc() if newest else c.started_at)
        .limit(1)
    )
    return query if any_fault else query.where(or_(c.fault.is_(None), c.fault != "ours"))


async def failed_runs(
    db: Database, syncs: Sequence[str], since: datetime, until: datetime, *, limit: int
) -> tuple[list[RunRow], int]:
    """Return the runs of these syncs that ended badly in a stretch, oldest first, and how many there were in all."""
    r = sync_runs.c
    there = (
        r.sync.in_(list(syncs)),
        r.scheduled_at >= since,
        r.scheduled_at < until,
        r.outcome.in_(_RUN_FAILED),
        r.dry_run.is_(False),
    )
    async with db.read() as connection:
        rows = (
            await connection.execute(select(sync_runs).where(*there).order_by(r.scheduled_at, r.id).limit(limit))
        ).all()
        total = await connection.scalar(select(func.count()).select_from(sync_runs).where(*there)) or 0
    return [run_row(row) for row in rows], total


async def acts_on(
    db: Database, subjects: Sequence[str], kinds: Sequence[str], since: datetime, until: datetime, *, limit: int
) -> list[Act]:
    """Return what people did to any of these in a stretch, oldest first. ``kinds`` are beginnings: ``limits.``."""
    a = audit.c
    query = (
        select(audit)
        .where(a.subject.in_(list(subjects)), a.at >= since, a.at < until)
        .where(or_(*(a.act.startswith(kind, autoescape=True) for kind in kinds)))
        .order_by(a.at, a.id)
        .limit(limit)
    )
    async with db.read() as connection:
        return [Act(**row) for row in (await connection.execute(query)).mappings()]


async def held_up(db: Database, kinds: Sequence[str], since: datetime, until: datetime, *, limit: int = 50) -> HeldUp:
    """Return what of these kinds of the outbox was held up in a stretch: it still waits, was tried in vain before it
    was done, or took longer than ``USUAL``."""
    o = outbox.c
    took = type_coerce(o.done_at, BigInteger) - type_coerce(o.created_at, BigInteger)
    late = and_(
        o.state == "done",
        o.due_at >= since - timedelta(days=1),  # by the index; what is put off is due anew
        o.due_at < until + timedelta(hours=1),
        o.done_at >= since,
        or_(o.tries > 0, took > USUAL // timedelta(microseconds=1)),
    )
    held = (o.kind.in_(list(kinds)), o.created_at < until, or_(o.state == "waiting", late))
    async with db.read() as connection:
        counts = await connection.execute(select(o.state, func.count()).where(*held).group_by(o.state))
        states = {str(state): int(number) for state, number in counts}
        rows = await connection.scalars(
            select(o.reference).where(*held).order_by(o.created_at, o.reference).limit(limit)
        )
        return HeldUp(total=sum(states.values()), waiting=states.get("waiting", 0), references=list(rows))
