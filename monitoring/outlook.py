"""The forecasts of vendors as the pages and the API show them: reads what is stored, and hands it to ``forecast.py``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from db import pace as pace_rows
from db import permits, run_history, schedules
from db.engine import Database
from db.pace import Spent
from db.permits import PermitRow
from db.runs import RunRow
from monitoring.facts import QuotaFacts, SyncFacts, VendorFacts
from monitoring.forecast import LONG_WINDOW, Forecast, Pace, Shortfall, forecast, look, pace_of, shortfalls
from monitoring.headroom import window
from monitoring.schedule import next_run

RUNS_LOOKED_AT = 5
AHEAD = timedelta(hours=24)  # how far planned runs are looked at
_REMEMBERED = 2000  # runs whose spend is known; a finished run spends no more


async def forecasts(
    db: Database, vendors: Sequence[VendorFacts], now: datetime, rows: Sequence[PermitRow] | None = None
) -> dict[str, list[Forecast]]:
    """Return the forecast of each window by vendor, as declared. ``rows`` are the permits where they are known."""
    if rows is None:
        rows = await permits.headroom(db, vendors[0].name if len(vendors) == 1 else None)
    by_quota = {(row.vendor, row.quota): row for row in rows}
    one = vendors[0].name if len(vendors) == 1 else None
    spans = sorted({look(quota.seconds) for facts in vendors for quota in facts.quotas})
    sent = {span: await pace_rows.spent(db, since=now - span, until=now, vendor=one) for span in spans}
    found: dict[str, list[Forecast]] = {}
    for facts in vendors:
        found[facts.name] = [
            forecast(
                window(by_quota.get((facts.name, quota.name)), quota, now),
                _pace(facts.name, quota, sent[look(quota.seconds)], now),
                now,
            )
            for quota in facts.quotas
        ]
    return found


def _pace(vendor: str, quota: QuotaFacts, sent: Mapping[tuple[str, str], Spent], now: datetime) -> Pace:
    mine = [
        one
        for (name, operation), one in sent.items()
        if name == vendor and (not quota.operations or operation in quota.operations)
    ]
    first = min((one.first_at for one in mine), default=None)
    return pace_of(sum(one.requests for one in mine), first, since=now - look(quota.seconds), now=now)


def next_to_run_out(found: Iterable[Forecast]) -> Forecast | None:
    """Return the forecast of the long window that runs out first, or is empty; None when none does."""
    short = [one for one in found if one.empty_at is not None and one.window.seconds >= LONG_WINDOW]
    return min(short, key=lambda one: one.empty_at or one.window.as_of, default=None)


_plans: WeakKeyDictionary[Database, Plans] = WeakKeyDictionary()


def plans_of(db: Database, syncs: Sequence[SyncFacts]) -> Plans:
    """Return what is known of the runs of a database, shared by all pages of this process."""
    known = _plans.get(db)
    if known is None or known.syncs is not syncs:
        known = _plans[db] = Plans(db, syncs)
    return known


class Plans:
    """What the planned runs will need, from what their last runs spent; finished runs are counted once.

    ``_spent`` (run id -> vendor -> requests) is touched on the event loop only.
    """

    def __init__(self, db: Database, syncs: Sequence[SyncFacts]) -> None:
        self._db = db
        self.syncs = syncs
        self._spent: OrderedDict[str, Mapping[str, int]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Plans of {len(self.syncs)} syncs, {len(self._spent)} runs known>"

    async def shortfalls(
        self, known: Mapping[str, Sequence[Forecast]], now: datetime, *, vendor: str | None = None
    ) -> list[Shortfall]:
        """Return the runs planned within a day that will not fit, of one vendor or of all."""
        tight = {
            name
            for name, found in known.items()
            if (vendor is None or name == vendor)
            and any(one.window.seconds >= LONG_WINDOW and not one.window.paced for one in found)
        }
        if not any(tight & set(sync.vendors) for sync in self.syncs):
            return []
        edits = await schedules.edits(self._db)
        plans = []
        for sync in self.syncs:
            asked = [name for name in sync.vendors if name in tight]
            edit = edits.get(sync.name)
            if not asked or (edit is not None and edit.is_paused(now)):
                continue
            starts_at = next_run((edit.schedule if edit else None) or sync.schedule, now)
            if starts_at is None or starts_at > now + AHEAD:
                continue
            needs = await self.needs(sync, now)
            plans += [(sync.name, name, starts_at, needs[name]) for name in asked if needs.get(name)]
        return shortfalls(plans, ((name, one) for name, found in known.items() for one in found))

    async def needs(self, sync: SyncFacts, now: datetime) -> dict[str, int]:
        """Return the most requests one of the last runs of a sync has sent to each of its vendors."""
        runs = await run_history.recent(self._db, sync.name, limit=4 * RUNS_LOOKED_AT)
        done = [run for run in runs if run.started_at and run.finished_at and not run.dry_run][:RUNS_LOOKED_AT]
        most: dict[str, int] = {}
        for run in done:
            for name, count in (await self._of(run, sync.vendors, now)).items():
                most[name] = max(most.get(name, 0), count)
        return most

    async def _of(self, run: RunRow, vendors: Sequence[str], now: datetime) -> Mapping[str, int]:
        kept = self._spent.get(run.id)
        if kept is not None:
            return kept
        if run.started_at is None or run.finished_at is None:
            return {}
        counted = await pace_rows.requests_of_run(
            self._db, run.id, vendors, since=run.started_at, until=run.finished_at
        )
        if now - run.finished_at > timedelta(minutes=1):  # its last requests are stored by then
            self._spent[run.id] = counted
            while len(self._spent) > _REMEMBERED:
                self._spent.popitem(last=False)
        return counted
