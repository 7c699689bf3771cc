"""How fast quotas are being spent lately, and what past runs of a sync have spent. Over attempts: each takes a permit.

Short stretches are counted from the attempts themselves, to the microsecond; longer ones from the sums of minutes, the
longest from those of hours, so that none costs more than a few thousand rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from db.columns import from_micros
from db.engine import Database
from db.schema import attempts, rollups
from db.stretches import floor
from db.sums import HOUR, MINUTE

EXACT_UP_TO = timedelta(minutes=10)
MINUTES_UP_TO = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Requests sent in a stretch, and when the first of them was: exactly, or the start of its bucket."""

    requests: int
    first_at: datetime


async def spent(
    db: Database, *, since: datetime, until: datetime, vendor: str | None = None
) -> Mapping[tuple[str, str], Spent]:
    """Return what was sent by (vendor, operation or step); stretches over 3 h begin with the hour of their start."""
    if until - since <= EXACT_UP_TO:
        a = attempts.c
        query = select(a.vendor, a.operation, func.count(), func.min(a.started_at)).where(
            a.started_at >= since, a.started_at < until
        )
        if vendor is not None:
            query = query.where(a.vendor == vendor)
        query = query.group_by(a.vendor, a.operation)
    else:
        r = rollups.c
        width = MINUTE if until - since <= MINUTES_UP_TO else HOUR
        begin = from_micros(floor(since, width))
        query = select(r.vendor, r.operation, func.sum(r.attempts), func.min(r.started_at)).where(
            r.width == width, r.started_at >= begin, r.started_at < until, r.operation != "", r.attempts > 0
        )
        if vendor is not None:
            query = query.where(r.vendor == vendor)
        query = query.group_by(r.vendor, r.operation)
    async with db.read() as connection:
        return {
            (name, operation): Spent(requests=int(count), first_at=first)
            for name, operation, count, first in await connection.execute(query)
        }


async def requests_of_run(
    db: Database, run_id: str, vendors: Sequence[str], *, since: datetime, until: datetime
) -> Mapping[str, int]:
    """Return how many requests a run sent to each of these vendors; it ran between ``since`` and ``until``."""
    a = attempts.c
    counts = {}
    async with db.read() as connection:
        for vendor in vendors:
            query = select(func.count()).where(
                a.vendor == vendor, a.started_at >= since, a.started_at <= until, a.run_id == run_id
            )
            counts[vendor] = await connection.scalar(query) or 0
    return counts
