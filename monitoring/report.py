"""One vendor over a month or any time, held against what is agreed: what the page, the CSV and the API show.

Availability is over calls that reached the vendor: those that did not fail by the vendor's fault or the network's, as a
share of all. What failed by ours, and what we refused to send, is told apart and does not count against the vendor.
Time in which maintenance was announced, or in which somebody held the circuit open by hand, is set apart with its calls,
bucket by bucket. Latency is over attempts, of the whole time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db import rollups
from db.agreed import Agreed, agreed_with
from db.by_hand import first_recorded, held_open
from db.engine import Database
from db.incidents import Incident, list_incidents
from db.rollups import ErrorCount, Series

THEIRS = frozenset({"theirs", "network"})
_FIVE_MINUTES, _HOUR = 300, 3600
_LONGEST_IN_FIVE_MINUTES = timedelta(days=35)
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day in UTC. ``calls`` reached the vendor; ``failed`` by its fault or the network's, ``failed_ours`` otherwise.

    ``apart`` are calls of the time set apart, which are in none of the others. ``worst_p95`` is that of its worst bucket.
    """

    start: datetime
    calls: int
    failed: int
    failed_ours: int
    refused: int
    apart: int
    worst_p95: float | None

    @property
    def availability(self) -> float | None:
        return 1 - self.failed / self.calls if self.calls else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a vendor did between ``since`` and ``until``. ``partial`` says in sentences what the figures lack."""

    vendor: str
    since: datetime
    until: datetime
    made_at: datetime
    width: int
    agreed: Agreed
    days: Sequence[Day]
    attempts: int
    retries: int
    p50: float | None
    p95: float | None
    p99: float | None
    errors: Sequence[ErrorCount]
    incidents: Sequence[Incident]
    apart: Sequence[Stretch]
    partial: Sequence[str]

    @property
    def calls(self) -> int:
        return sum(day.calls for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

    @property
    def failed_ours(self) -> int:
        return sum(day.failed_ours for day in self.days)

    @property
    def refused(self) -> int:
        return sum(day.refused for day in self.days)

    @property
    def availability(self) -> float | None:
        return 1 - self.failed / self.calls if self.calls else None

    @property
    def budget_used(self) -> float | None:
        """Failed calls as a share of those that may fail as agreed, over 1 when too many; None where none may or nothing is
        agreed."""
        if self.agreed.availability is None or not self.calls or self.agreed.availability >= 1:
            return None
        return self.failed / (self.calls * (1 - self.agreed.availability))

    @property
    def rate_limited(self) -> int:
        """Attempts the vendor refused for too many requests."""
        return sum(error.attempts for error in self.errors if error.error_type == "rate_limited")

    @property
    def apart_seconds(self) -> float:
        return sum((end - start).total_seconds() for start, end in self.apart)

    @property
    def incident_seconds(self) -> float:
        """Time with at least one incident that paged somebody."""
        pages = [self.lasted(one) for one in self.incidents if one.severity == "page"]
        return sum((end - start).total_seconds() for start, end in merged(pages))

    def lasted(self, incident: Incident) -> Stretch:
        """Return the part of an incident that lies in the report."""
        end = min(incident.resolved_at or self.made_at, self.until)
        return max(incident.started_at, self.since), max(end, self.since)

    def met(self) -> dict[str, bool | None]:
        """Return whether each target was met; None where none is agreed or nothing was called."""
        found: dict[str, bool | None] = {"availability": None, "p95": None}
        if self.agreed.availability is not None and self.availability is not None:
            found["availability"] = self.availability >= self.agreed.availability
        if self.agreed.p95 is not None and self.p95 is not None:
            found["p95"] = self.p95 <= self.agreed.p95
        return found


async def report_of(
    db: Database, vendor: str, *, since: datetime, until: datetime, now: datetime, five_minutes_kept: float
) -> Report:
    """Make the report of a vendor from the sums. ``five_minutes_kept`` is their age in days; older is by the hour."""
    ends = min(until, now)
    oldest = now - timedelta(days=five_minutes_kept) + timedelta(hours=1)
    fine = since >= oldest and ends - since <= _LONGEST_IN_FIVE_MINUTES
    width = _FIVE_MINUTES if fine else _HOUR
    agreed = await agreed_with(db, vendor)
    apart = merged([*cut(agreed.maintenance, since, ends), *await held_open(db, vendor, since=since, until=ends)])
    drawn = await rollups.series(db, vendor, since=since, until=ends, width=width)
    totals = await rollups.totals(db, since=since, until=ends, vendor=vendor, narrowest=width)
    return Report(
        vendor=vendor,
        since=since,
        until=until,
        made_at=now,
        width=width,
        agreed=agreed,
        days=days_of(drawn, apart),
        attempts=totals.attempts,
        retries=totals.retries,
        p50=totals.p50,
        p95=totals.p95,
        p99=totals.p99,
        errors=await rollups.errors(db, vendor, since=since, until=ends, narrowest=width),
        incidents=await incidents_of(db, vendor, since, ends),
        apart=apart,
        partial=partial(since, until, now, await first_recorded(db), drawn),
    )


async def incidents_of(db: Database, vendor: str, since: datetime, until: datetime) -> list[Incident]:
    """Return the incidents of a vendor or of a part of it that touch a stretch of time, oldest first."""
    found = await list_incidents(db, since=since - timedelta(days=30), before=(until, ""), limit=2000)
    mine = [one for one in found if one.subject.partition("/")[0] == vendor]
    return [one for one in reversed(mine) if one.resolved_at is None or one.resolved_at > since]


def days_of(drawn: Series, apart: Sequence[Stretch]) -> list[Day]:
    """Return the days of a series, those without any call too, with what was set apart taken out."""
    step = timedelta(seconds=drawn.width)
    days: dict[datetime, dict[str, int]] = {}
    worst: dict[datetime, float | None] = {}
    for place in range(len(drawn.calls)):
        start = drawn.start + place * step
        day = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        sums = days.setdefault(day, dict.fromkeys(("calls", "failed", "failed_ours", "refused", "apart"), 0))
        worst.setdefault(day, None)
        reached = drawn.calls[place] - drawn.refused[place]
        if any(begin < start + step and end > start for begin, end in apart):
            sums["apart"] += reached
            continue
        theirs = sum(counts[place] for (_type, fault), counts in drawn.errors.items() if fault in THEIRS)
        sums["calls"] += reached
        sums["failed"] += theirs
        sums["failed_ours"] += max(0, drawn.failed[place] - theirs)
        sums["refused"] += drawn.refused[place]
        p95 = drawn.p95[place]
        known = worst[day]
        if p95 is not None and (known is None or p95 > known):
            worst[day] = p95
    return [Day(start=day, worst_p95=worst[day], **sums) for day, sums in days.items()]


def partial(since: datetime, until: datetime, now: datetime, first: datetime | None, drawn: Series) -> list[str]:
    """Return sentences on what the figures lack; none for a whole time in which everything was recorded."""
    found = []
    if until > now:
        found.append("This time is not over: the figures end now.")
    if first is None or first >= min(until, now):
        found.append("Nothing is recorded of this time.")
    elif first > since:
        found.append(f"Recording began on {first:%-d %B %Y at %H:%M} UTC: what was before is not in the figures.")
    if not any(drawn.calls) and not any(drawn.attempts):
        found.append("The vendor was not called in this time.")
    return found


def cut(stretches: Sequence[Stretch], since: datetime, until: datetime) -> list[Stretch]:
    """Return what of some stretches lies within a time."""
    return [(max(start, since), min(end, until)) for start, end in stretches if start < until and end > since]


def merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return the same time without overlaps, in order."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def month_of(text: str) -> Stretch:
    """Return the month ``2026-10`` in UTC. Raise ValueError with an example for anything else."""
    try:
        start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        return start, (start + timedelta(days=32)).replace(day=1)
    except (ValueError, OverflowError):
        raise ValueError(f"“{text[:20]}” is no month; write it as 2026-10.") from None
