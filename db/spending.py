"""Who spent a vendor's quota, and how long each lane waited for it. Over attempts: a permit is taken for each.

Read from sums of minutes and hours, so that it costs the same however many calls there were. More than 36 hours are
summed by whole hours, those of both ends among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from db.engine import Database
from db.histogram import quantiles
from db.schema import spend as spend_table
from db.schema import wait_bins
from db.stretches import FIVE_MINUTES_UP_TO, bounds, within_hours
from db.sums import HOUR, MINUTE

LANES = ("interactive", "batch")
_SHARES = (0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What a trigger spent of a vendor's quota in a lane; ``retries`` are those of the attempts that were not the first."""

    trigger: str
    priority: str
    attempts: int
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWaits:
    """How long the attempts of a lane waited for a permit, in seconds; those that did not wait are among them.

    Within 1 % (``histogram.py``); None without an attempt, and below 0.000001 for no wait.
    """

    priority: str
    attempts: int
    p50: float | None
    p95: float | None


async def spend(db: Database, vendor: str, *, since: datetime, until: datetime) -> list[Spend]:
    """Return who spent a vendor's quota, the greatest first."""
    async with db.read() as connection:
        rows = (await connection.execute(spend_query(vendor, since, until))).all()
    found = [Spend(trigger=who, priority=how, attempts=int(a), retries=int(again)) for who, how, a, again in rows]
    return sorted(found, key=lambda one: (-one.attempts, one.trigger, one.priority))


async def lane_waits(db: Database, vendor: str, *, since: datetime, until: datetime) -> list[LaneWaits]:
    """Return the waits of both lanes, the interactive one first."""
    bins: dict[str, dict[int, int]] = {}
    async with db.read() as connection:
        for priority, index, count in await connection.execute(waits_query(vendor, since, until)):
            bins.setdefault(priority, {})[index] = int(count)
    found = []
    for priority in LANES:
        counts = bins.get(priority, {})
        p50, p95 = quantiles(counts, _SHARES)
        found.append(LaneWaits(priority=priority, attempts=sum(counts.values()), p50=p50, p95=p95))
    return found


def spend_query(vendor: str, since: datetime, until: datetime) -> Select[str, str, int, int]:
    """Return the statement of ``spend``."""
    s = spend_table.c
    return (
        select(s.trigger, s.priority, func.sum(s.attempts), func.sum(s.retries))
        .where(within_hours(spend_table, *_stretch(since, until), vendor))
        .group_by(s.trigger, s.priority)
    )


def waits_query(vendor: str, since: datetime, until: datetime) -> Select[str, int, int]:
    """Return the statement of ``lane_waits``."""
    w = wait_bins.c
    return (
        select(w.priority, w.bin, func.sum(w.count))
        .where(within_hours(wait_bins, *_stretch(since, until), vendor))
        .group_by(w.priority, w.bin)
    )


def _stretch(since: datetime, until: datetime) -> tuple[int, int]:
    return bounds(since, until, HOUR if until - since > FIVE_MINUTES_UP_TO else MINUTE)
