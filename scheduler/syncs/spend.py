"""What advertising cost, by campaign and day. The last days are restated by the vendors, so they are read anew."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from db import campaign_spend as store
from db.campaign_spend import SpendRow
from db.plan_rows import PlanRow
from db.runs import Counts
from integrations.types.marketing import CampaignSpend, SpendPage, SpendQuery
from scheduler.calls import Calls
from scheduler.options import SpendOptions
from scheduler.syncs.over_vendors import over_vendors
from scheduler.syncs.planning import PLATFORM, Planner, text
from scheduler.syncs.run import Run


async def sync_spend(run: Run, *, calls: Calls, options: SpendOptions) -> None:
    """Do one run: the trailing window, or the first time the longer one. Raise RunFailed for vendors that failed."""
    today = run.now().date()
    rows_read = 0
    planner = Planner(run)

    async def ask(vendor: str) -> None:
        nonlocal rows_read
        known = run.cursor.get("known", [])
        days = options.window if vendor in known else options.first
        query = SpendQuery(since=today - timedelta(days=days), until=today)
        if run.span:  # days are whole: the last one is the day its last moment lies in
            query = SpendQuery(since=run.span[0].date(), until=(run.span[1] - timedelta(microseconds=1)).date())
        while True:
            page = await _ask(run, calls, vendor, query)
            rows = [_row(run, row) for row in page.rows]
            rows_read += len(rows)
            if run.row.dry_run:
                run.plan[vendor] = run.plan.get(vendor, 0) + len(rows)
                await planner.note(await _changes(run, rows))
            else:
                async with run.step() as step:
                    changed = await store.keep(step.connection, rows)
                    step.counts = Counts(pages=1, read=len(rows), written=changed, unchanged=len(rows) - changed)
            if not page.next_cursor:
                break
            query = query.model_copy(update={"cursor": page.next_cursor})
        if not run.row.dry_run and not run.span:
            async with run.step() as step:
                step.cursor["known"] = sorted({*step.cursor.get("known", []), vendor})

    left_out = await over_vendors(run, options.vendors, ask)
    if run.row.dry_run:
        await planner.close()
    run.message = f"{rows_read} campaign days of {len(options.vendors)} vendors.{left_out}"


async def _ask(run: Run, calls: Calls, vendor: str, query: SpendQuery) -> SpendPage:
    result = await run.patiently(lambda: calls.call(vendor, "daily_spend", query))
    page: SpendPage = result.value
    return page


async def _changes(run: Run, rows: list[SpendRow]) -> list[PlanRow]:
    if not rows:
        return []
    days = sorted(row.day for row in rows)
    known = {_key(row): row for row in await store.between(run.db, days[0], days[-1])}
    changes = []
    for row in rows:
        before = known.get(_key(row))
        if before is None or before.spend != row.spend:
            changes.append(
                PlanRow(
                    target=PLATFORM,
                    kind="spend",
                    entity=text(f"{row.vendor} {row.campaign_id} {row.day}") or "",
                    field="spend",
                    before=f"{before.spend.normalize():f} {before.currency}" if before else None,
                    after=f"{row.spend.normalize():f} {row.currency}",
                    rule="restated by the vendor" if before else "new",
                )
            )
    return changes


def _key(row: SpendRow) -> tuple[str, str, str, str]:
    return row.vendor, row.account_id, row.campaign_id, row.day


def _row(run: Run, row: CampaignSpend) -> SpendRow:
    return SpendRow(
        vendor=row.vendor,
        account_id=row.account_id,
        campaign_id=row.campaign_id,
        day=row.date.isoformat(),
        campaign_name=row.campaign_name[:255],
        currency=row.spend.currency,
        spend=row.spend.amount,
        impressions=row.impressions,
        clicks=row.clicks,
        conversions=row.conversions,
        fetched_at=run.now(),
    )


def work(calls: Calls, options: SpendOptions) -> partial[Any]:
    """Return the work of a run of this sync."""
    return partial(sync_spend, calls=calls, options=options)
