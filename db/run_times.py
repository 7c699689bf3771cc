"""Runs over a stretch of time: the list of them, how many each sync had, and, where there are too many to be drawn one by
one, what became of those of each slice.

A run belongs to a stretch in which its slot lies or in which it was still going on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, func, or_, select, tuple_, type_coerce

from db.columns import to_micros
from db.engine import Database
from db.runs import RunRow, run_row
from db.schema import sync_runs

LONGEST = timedelta(days=3)  # that a run may have been going on before the stretch begins
_c = sync_runs.c


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs of a stretch; None is any. ``outcome`` may be ``running`` or ``queued`` for those without one."""

    since: datetime
    until: datetime
    sync: str | None = None
    outcome: str | None = None

    def clause(self) -> ColumnElement[bool]:
        parts = [_within(self.since, self.until)]
        if self.sync is not None:
            parts.append(_c.sync == self.sync)
        if self.outcome in ("running", "queued"):
            parts.append(_c.state == self.outcome)
        elif self.outcome is not None:
            parts.append(_c.outcome == self.outcome)
        return and_(*parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSlice:
    """What became of the runs whose slot lies in one slice of a stretch, by outcome (or state); ``place`` is from 0."""

    place: int
    became: Mapping[str, int]

    @property
    def runs(self) -> int:
        return sum(self.became.values())


async def listed(
    db: Database,
    which: RunFilter,
    *,
    before: tuple[datetime, str] | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[RunRow]:
    """Return runs, newest slot first; the next page starts ``before`` the last one's (scheduled_at, id)."""
    query = select(sync_runs).where(which.clause())
    if before is not None:
        at = to_micros(before[0])
        query = query.where(_c.scheduled_at <= at, tuple_(_c.scheduled_at, _c.id) < tuple_(at, before[1]))
    query = query.order_by(_c.scheduled_at.desc(), _c.id.desc()).offset(offset).limit(limit)
    async with db.read() as connection:
        return [run_row(row) for row in await connection.execute(query)]


async def counts(db: Database, which: RunFilter) -> dict[tuple[str, str], int]:
    """Return how many runs there are by (sync, outcome or state)."""
    query = select(_c.sync, _became, func.count()).where(which.clause()).group_by(_c.sync, _became)
    async with db.read() as connection:
        return {(sync, word): number for sync, word, number in await connection.execute(query)}


async def of_syncs(
    db: Database, syncs: Collection[str], *, since: datetime, until: datetime, limit: int
) -> dict[str, list[RunRow]]:
    """Return the runs of each sync, oldest slot first, the latest ``limit`` of each."""
    found: dict[str, list[RunRow]] = {}
    for sync in syncs:
        rows = await listed(db, RunFilter(since=since, until=until, sync=sync), limit=limit)
        found[sync] = rows[::-1]
    return found


async def sliced(db: Database, sync: str, *, since: datetime, until: datetime, number: int) -> Sequence[RunSlice]:
    """Return the slices of a stretch, cut into this number, in which slots of a sync lie."""
    size = max(1, (to_micros(until) - to_micros(since)) // number)
    place = ((type_coerce(_c.scheduled_at, BigInteger) - to_micros(since)) // size).label("place")
    query = (
        select(place, _became, func.count())
        .where(_c.sync == sync, _c.scheduled_at >= since, _c.scheduled_at < until)
        .group_by(place, _became)
        .order_by(place)
    )
    became: dict[int, dict[str, int]] = {}
    async with db.read() as connection:
        for at, word, count in await connection.execute(query):
            became.setdefault(min(int(at), number - 1), {})[word] = count
    return [RunSlice(place=at, became=words) for at, words in sorted(became.items())]


_became: ColumnElement[Any] = func.coalesce(_c.outcome, _c.state).label("became")


def _within(since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(
        _c.scheduled_at < until,
        _c.scheduled_at >= since - LONGEST,  # so that it is a range of the index
        or_(_c.scheduled_at >= since, _c.finished_at >= since, _c.state == "running"),
    )
