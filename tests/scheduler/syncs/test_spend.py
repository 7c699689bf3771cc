"""Advertising spend: by campaign and day, the last days read anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from db import campaign_spend
from integrations.errors import HttpFailed
from integrations.types.base import Money
from integrations.types.marketing import CampaignSpend, SpendPage, SpendQuery
from scheduler.options import SchedulerOptions, SpendOptions
from tests.conftest import NOON
from tests.scheduler.fakes import FakeVendors
from tests.scheduler.stage import Stage

TODAY = NOON.date()


def vendors(stage: Stage, **answers: Any) -> FakeVendors:
    stage.vendors = FakeVendors(answers=answers)
    stage.options = replace(SchedulerOptions(patience=()), spend=SpendOptions(vendors=tuple(answers)))
    return stage.vendors


def row(day: date, spend: str, *, campaign: str = "c1", currency: str = "EUR") -> CampaignSpend:
    return CampaignSpend(
        vendor="meta_ads",
        account_id="act_1",
        campaign_id=campaign,
        campaign_name="Autumn",
        date=day,
        spend=Money(amount=Decimal(spend), currency=currency),
        impressions=1000,
        clicks=20,
        conversions=Decimal("1.5"),
    )


def answering(*rows: CampaignSpend) -> Any:
    return lambda _query: SpendPage(rows=rows)


async def stored(stage: Stage) -> dict[tuple[str, str], Decimal]:
    rows = await campaign_spend.between(stage.db, "2000-01-01", "2100-01-01")
    return {(one.day, one.campaign_id): one.spend for one in rows}


async def test_a_later_word_on_a_day_replaces_the_earlier(stage: Stage) -> None:
    yesterday = TODAY - timedelta(days=1)
    vendors(stage, meta_ads=answering(row(yesterday, "12.34"), row(TODAY, "1.00")))
    await stage.sync("spend")
    vendors(stage, meta_ads=answering(row(yesterday, "12.99")))
    run = await stage.sync("spend")

    assert await stored(stage) == {
        (yesterday.isoformat(), "c1"): Decimal("12.99"),
        (TODAY.isoformat(), "c1"): Decimal("1.00"),
    }
    assert (run.outcome, run.message) == ("success", "1 campaign days of 1 vendors.")


async def test_the_first_run_reads_a_month_and_later_ones_a_week(stage: Stage) -> None:
    asked = vendors(stage, meta_ads=answering())
    await stage.sync("spend")
    await stage.sync("spend")

    queries: list[SpendQuery] = [query for _, _, query in asked.calls]
    assert [(query.until - query.since).days for query in queries] == [30, 7]


async def test_all_pages_are_read(stage: Stage) -> None:
    listed = {
        "": SpendPage(rows=(row(TODAY, "1"),), next_cursor="p2"),
        "p2": SpendPage(rows=(row(TODAY, "2", campaign="c2"),)),
    }
    vendors(stage, meta_ads=lambda query: listed[query.cursor])
    await stage.sync("spend")

    assert len(await stored(stage)) == 2


async def test_totals_keep_currencies_apart(stage: Stage) -> None:
    vendors(stage, meta_ads=answering(row(TODAY, "1.10"), row(TODAY, "700", campaign="c2", currency="JPY")))
    await stage.sync("spend")
    day = TODAY.isoformat()

    assert await campaign_spend.totals(stage.db, day, day) == {
        ("meta_ads", "EUR"): Decimal("1.10"),
        ("meta_ads", "JPY"): Decimal(700),
    }


async def test_a_vendor_that_failed_is_read_a_month_back_next_time(stage: Stage) -> None:
    down = HttpFailed("Meta Ads has trouble on its side (HTTP 500).", error_type="http_500", fault="theirs")
    vendors(stage, meta_ads=lambda _: down)
    failed = await stage.sync("spend")
    asked = vendors(stage, meta_ads=answering())
    await stage.sync("spend")

    assert failed.outcome == "error"
    [(_, _, query)] = asked.calls
    assert (query.until - query.since).days == 30


async def test_a_dry_run_counts_and_writes_nothing(stage: Stage) -> None:
    vendors(stage, meta_ads=answering(row(TODAY, "1")))
    run = await stage.sync("spend", dry_run=True)

    assert run.outcome == "success"
    assert await stored(stage) == {}
