"""What a backfill would do, before it does anything: which slices, how many calls and records as far as that is known,
what it costs of the quotas batch may use, and how long it takes. Nothing is written and no vendor is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil

from db import backfills, permits, rollups
from db.backfill_progress import Measured, measured, stored
from db.backfills import Backfill
from db.engine import Database
from monitoring.facts import SyncFacts, VendorFacts
from monitoring.replay_plan import USUAL, Cost, Line, cost_of

LONGEST_PAUSE = 3600  # seconds between two slices
LARGEST_SLICE = 31.0  # days
BETWEEN = 1.0  # seconds until the scheduler begins the next slice, about


class Unfit(ValueError):
    """A backfill that cannot be made as it is asked for; ``field`` is what has to change: sync, since, until, slice."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillPlan:
    """A backfill before it begins. ``records`` None: nobody knows; ``at_least``: the calls may be more. ``basis`` says
    what the numbers rest on. ``running`` is an open backfill of the sync, which has to end first."""

    sync: str
    since: datetime
    until: datetime
    slice_seconds: int
    pause_seconds: int
    slices: int
    records: int | None
    at_least: bool
    basis: str
    costs: Sequence[Cost]
    running: Backfill | None = None

    @property
    def calls(self) -> int:
        return sum(cost.requests for cost in self.costs)

    @property
    def seconds(self) -> float:
        """How long it takes about: a slice asks one vendor after the other."""
        return sum(cost.seconds for cost in self.costs) + self.slices * (self.pause_seconds + BETWEEN)


def slices_of(
    facts: SyncFacts, since: datetime, until: datetime, *, slice_days: float | None, pause_seconds: int, now: datetime
) -> tuple[datetime, datetime, int, int]:
    """Return (since, until, seconds of a slice, number of slices) of what is asked for. Raise Unfit naming the field."""
    if facts.backfill_days is None:
        raise Unfit("sync", facts.no_backfill or "A range of the past makes no sense for it.")
    days = facts.backfill_days if slice_days is None else slice_days
    if not 0 < days <= LARGEST_SLICE or (facts.backfill_whole_days and days != int(days)):
        whole = "whole days, " if facts.backfill_whole_days else ""
        raise Unfit("slice", f"Give {whole}up to {LARGEST_SLICE:g} days.")
    if not 0 <= pause_seconds <= LONGEST_PAUSE:
        raise Unfit("pause", f"Give 0 to {LONGEST_PAUSE} seconds.")
    if until > now:
        raise Unfit("until", "It must not lie ahead: what is to come is the schedule's.")
    if facts.backfill_whole_days:
        since, until = _day(since), min(_day(until + timedelta(days=1, microseconds=-1)), _day(now))
    if since >= until:
        whole = " It works off whole days (UTC), and today is not over." if facts.backfill_whole_days else ""
        raise Unfit("since", f"The range ends before it starts; give an earlier start.{whole}")
    seconds = max(60, round(days * 86_400))
    try:
        return since, until, seconds, len(backfills.sliced(since, until, seconds))
    except ValueError as error:
        raise Unfit("slice", f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


async def plan(
    db: Database,
    facts: SyncFacts,
    vendors: Mapping[str, VendorFacts],
    since: datetime,
    until: datetime,
    *,
    slice_days: float | None = None,
    pause_seconds: int = 0,
    now: datetime,
) -> BackfillPlan:
    """Return what a backfill of a range would do. Raise Unfit naming the field."""
    since, until, seconds, number = slices_of(
        facts, since, until, slice_days=slice_days, pause_seconds=pause_seconds, now=now
    )
    open_ones = [one for one in await backfills.listed(db, facts.name) if one.state == "open"]
    known = await stored(db, facts.name, since=since, until=until)
    calls, records, at_least, basis = expected(
        facts, since, until, number, known=known, earlier=await measured(db, facts.name)
    )
    costs = []
    for vendor in facts.backfill_vendors:
        if vendor not in vendors or not calls.get(vendor):
            continue
        lately = await rollups.totals(db, since=now - timedelta(hours=24), until=now, vendor=vendor)
        line = Line(vendor=vendor, operation=facts.backfill_operation, calls=calls[vendor], refused={})
        usual = lately.p50 or USUAL
        cost = cost_of(vendors[vendor], [line], await permits.headroom(db, vendor), usual, now)
        costs.append(replace(cost, seconds=max(cost.seconds, cost.requests * usual)))  # one call after the other
    return BackfillPlan(
        sync=facts.name,
        since=since,
        until=until,
        slice_seconds=seconds,
        pause_seconds=pause_seconds,
        slices=number,
        records=records,
        at_least=at_least,
        basis=basis,
        costs=costs,
        running=open_ones[0] if open_ones else None,
    )


def expected(
    facts: SyncFacts,
    since: datetime,
    until: datetime,
    slices: int,
    *,
    known: Mapping[str, int] | None,
    earlier: Measured | None,
) -> tuple[Mapping[str, int], int | None, bool, str]:
    """Return (calls by vendor, records, whether the calls may be more, what that rests on)."""
    days, vendors = (until - since).total_seconds() / 86_400, facts.backfill_vendors
    if facts.backfill_operation == "historical_rates":
        return dict.fromkeys(vendors, ceil(days)), ceil(days), False, "One call a day."
    if facts.backfill_operation == "track_shipment" and known is not None:
        words = "One call for each shipment of that time that is still under way."
        return {name: known.get(name, 0) for name in vendors}, sum(known.values()), False, words
    if earlier is not None and earlier.days > 0:
        share = days / earlier.days
        made = {name: max(slices, ceil(number * share)) for name, number in earlier.calls.items() if name in vendors}
        words = f"As the last {earlier.slices} slices of earlier backfills took."
        return {name: made.get(name, slices) for name in vendors}, round(earlier.read * share), False, words
    least = {name: max(slices, ceil((known or {}).get(name, 0) / facts.backfill_page)) for name in vendors}
    words = "No backfill of it has run yet: at least a call for each slice"
    words += " and for each page of what is stored of that time." if known else "."
    return least, sum(known.values()) if known else None, True, words


def _day(at: datetime) -> datetime:
    """Return the beginning of a moment's day in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
