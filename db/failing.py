"""Since when a vendor fails and with which words: what is asked only of the vendors that hurt right now.

A failure that is our own fault (a bad input, a declined card) says nothing about the vendor and is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from db.engine import Database
from db.schema import calls, rollup_errors, rollups
from db.sums import MINUTE, REFUSED

_FAILED = ("error", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingMinute:
    """One minute of a vendor, over calls: those that reached it, and those of them that failed."""

    at: datetime
    calls: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWord:
    """The latest failed call of a vendor: what it ended with, in the sentence for people."""

    error_type: str
    fault: str | None
    message: str


async def failing_minutes(
    db: Database, vendors: Sequence[str], *, since: datetime
) -> Mapping[str, Sequence[FailingMinute]]:
    """Return the minutes of each vendor in which it was called, oldest first."""
    r, e = rollups.c, rollup_errors.c
    reached = (
        select(r.vendor, r.started_at, func.sum(r.calls - r.calls_refused))
        .where(r.width == MINUTE, r.started_at >= since, r.vendor.in_(vendors))
        .group_by(r.vendor, r.started_at)
        .order_by(r.started_at)
    )
    failed = (
        select(e.vendor, e.started_at, func.sum(e.calls))
        .where(e.width == MINUTE, e.started_at >= since, e.vendor.in_(vendors), e.fault.not_in(("ours", REFUSED)))
        .group_by(e.vendor, e.started_at)
    )
    async with db.read() as connection:
        bad = {(vendor, at): int(count) for vendor, at, count in await connection.execute(failed)}
        rows = (await connection.execute(reached)).all()
    found: dict[str, list[FailingMinute]] = {}
    for vendor, at, count in rows:
        found.setdefault(vendor, []).append(FailingMinute(at=at, calls=int(count), failed=bad.get((vendor, at), 0)))
    return found


async def first_failure(db: Database, vendor: str, *, since: datetime) -> datetime | None:
    """Return when the first call since then that failed was made; None when none failed."""
    c = calls.c
    query = select(func.min(c.started_at)).where(
        c.vendor == vendor, c.started_at >= since, c.outcome.in_(_FAILED), or_(c.fault.is_(None), c.fault != "ours")
    )
    async with db.read() as connection:
        at: datetime | None = await connection.scalar(query)
    return at


async def last_word(db: Database, vendor: str, *, since: datetime) -> LastWord | None:
    """Return the latest failed call since then; None when none failed."""
    c = calls.c
    query = (
        select(c.error_type, c.fault, c.message)
        .where(
            c.vendor == vendor,
            c.started_at >= since,
            c.outcome.in_(_FAILED),
            or_(c.fault.is_(None), c.fault != "ours"),
        )
        .order_by(c.started_at.desc())
        .limit(1)
    )
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else LastWord(error_type=row[0] or "", fault=row[1], message=row[2] or "")
