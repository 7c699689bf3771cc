"""Exchange rates: the latest of the first source that answers, stored as a snapshot with its source and its moment."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from db import rates as store
from db.plan_rows import PlanRow
from db.rates import RateSnapshot
from db.runs import Counts
from integrations.outcome import CallResult
from integrations.types.currency import HistoricalRatesQuery, Rates, RatesQuery
from scheduler.calls import Calls
from scheduler.options import CurrencyOptions
from scheduler.syncs.planning import PLATFORM, Planner
from scheduler.syncs.run import Run, RunFailed

SOURCE = "open_exchange_rates"  # its declared fallback answers when it cannot


async def sync_currency(run: Run, *, calls: Calls, options: CurrencyOptions) -> None:
    """Do one run of the rates sync. Raise RunFailed for rates nobody can convert with."""
    if run.span:
        await _past(run, calls, options)
        return
    result = await run.patiently(lambda: calls.call(SOURCE, "latest_rates", RatesQuery(base=options.base)))
    rates = _believable(result)
    snapshot = RateSnapshot(
        base=rates.base, as_of=rates.as_of, fetched_at=run.now(), source=result.vendor, rates=rates.rates
    )
    number = len(rates.rates)
    run.message = f"{number} rates of {rates.as_of:%Y-%m-%d %H:%M} UTC from {result.vendor}."
    if run.row.dry_run:
        await _plan(run, snapshot)
        run.plan |= {"source": result.vendor, "as_of": rates.as_of.isoformat(), "base": rates.base, "rates": number}
        return
    async with run.step() as step:
        new = await store.save(step.connection, snapshot)
        step.counts = Counts(pages=1, read=number, written=number if new else 0, unchanged=0 if new else number)
        step.total = number
        step.cursor |= {"as_of": rates.as_of.isoformat(), "source": result.vendor}


async def _past(run: Run, calls: Calls, options: CurrencyOptions) -> None:
    """Store the rates of each day of a backfill's slice. They are as old as they say, so nothing converts with them now."""
    assert run.span is not None  # noqa: S101 - the caller has looked
    since, until = run.span
    days = max(1, -(-(until - since) // timedelta(days=1)))
    for number in range(int(run.cursor.get("days", 0)), days):
        day = (since + timedelta(days=number)).date()
        result = await run.patiently(
            lambda day=day: calls.call(SOURCE, "historical_rates", HistoricalRatesQuery(base=options.base, date=day))  # type: ignore[misc]
        )
        rates = _believable(result)
        snapshot = RateSnapshot(
            base=rates.base, as_of=rates.as_of, fetched_at=rates.as_of, source=result.vendor, rates=rates.rates
        )
        async with run.step() as step:
            new = await store.save_past(step.connection, snapshot)
            step.counts = Counts(pages=1, read=1, written=int(new), unchanged=int(not new))
            step.total = days
            step.cursor["days"] = number + 1
    run.message = f"Rates of {days} days."


def _believable(result: CallResult) -> Rates:
    """Return the rates of an answer. Raise RunFailed for rates nobody can convert with."""
    rates: Rates = result.value
    bad = sorted(code for code, rate in rates.rates.items() if rate <= 0)
    if bad or not rates.rates:
        what = f"a rate for {', '.join(bad[:5])} that is not above 0" if bad else "no rates"
        raise RunFailed(f"{result.vendor} gave {what}; the last snapshot stays in use.", error_type="bad_rates")
    return rates


async def _plan(run: Run, snapshot: RateSnapshot) -> None:
    before = await store.latest(run.db, snapshot.base)
    known = dict(before.rates) if before is not None else {}
    planner = Planner(run)
    await planner.note(
        [
            PlanRow(
                target=PLATFORM,
                kind="rate",
                entity=f"{snapshot.base}/{code}",
                field="rate",
                before=format(known[code], "f") if code in known else None,
                after=format(rate, "f"),
                rule=f"the latest of {snapshot.source}",
                observed_at=snapshot.as_of,
            )
            for code, rate in sorted(snapshot.rates.items())
            if known.get(code) != rate
        ]
    )
    await planner.close()


def work(calls: Calls, options: CurrencyOptions) -> partial[Any]:
    """Return the work of a run of this sync."""
    return partial(sync_currency, calls=calls, options=options)
