"""A run that would do too much at once stops before it writes anything and asks; on both databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest

from db import audit, plan_rows, plans, stock
from integrations.types.erp import StockPage, StockQuery
from scheduler.options import InventoryOptions, SchedulerOptions
from scheduler.syncs.guard import Figures, covers, judged
from tests.scheduler.fake_store import FakeStore
from tests.scheduler.fakes import WAREHOUSE, Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage
from tests.scheduler.tables import digests

SKUS = {f"S{number:03d}": 5 + number for number in range(60)}
ITS_OWN = {"sync_runs", "run_notes", "plans", "plan_rows", "leases"}
DAY = 90_000.0
SAYS = {"platform": "The answer"}


@pytest.fixture
async def shop(stage: Stage) -> Stage:
    """A shop of sixty SKUs, equal on both sides."""
    stage.options = SchedulerOptions(inventory=InventoryOptions(pause=0))
    stage.erp.put_stock(SKUS)
    await stage.sync("inventory")
    stage.clock.move(DAY)
    return stage


async def stops(shop: Stage, reason: str) -> str:
    """Run the sync, see that it stops for this reason and has written nothing; return the run."""
    before, documents = await digests(shop.db, but=ITS_OWN), len(shop.erp.documents)
    run = await shop.sync("inventory")
    plan = await plans.get(shop.db, run.id)

    assert (run.outcome, run.error_type, run.written) == ("error", "blast_guard", 0)
    assert run.message == f"{reason} Nothing was written. Look at the plan, then let it go on once or throw it away."
    assert await digests(shop.db, but=ITS_OWN) == before
    assert len(shop.erp.documents) == documents
    assert plan is not None
    assert (plan.state, plan.source, plan.stopped) == ("waiting", "guard", reason)
    return run.id


async def test_all_set_to_zero_stops_and_keeps_what_it_would_do(shop: Stage) -> None:
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))

    run_id = await stops(
        shop,
        "Acumatica's answer would set 60 of 60 SKUs in stock to 0 (100%, more than 30%). "
        "Acumatica's answer would change 60 of 60 SKUs (100%, more than 50%).",
    )

    rows = await plan_rows.page(shop.db, run_id)
    assert len(rows) == 60
    assert {row.after for row in rows} == {"0"}


async def test_a_mix_up_of_units_stops(shop: Stage) -> None:
    shop.erp.put_stock({sku: quantity * 1000 for sku, quantity in SKUS.items()})

    await stops(shop, "Acumatica's answer would change 60 of 60 SKUs (100%, more than 50%).")


async def test_an_empty_answer_where_all_should_be_named_stops(shop: Stage) -> None:
    shop.erp.stock.clear()

    await stops(shop, "Acumatica's answer leaves out 60 of 60 SKUs in stock (100%, more than 30%).")


async def test_half_an_answer_stops(shop: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shop.erp._list_stock

    def half(query: StockQuery) -> StockPage:
        page = whole(query)
        return StockPage(levels=page.levels[: len(page.levels) // 2], next_cursor="")

    monkeypatch.setattr(shop.erp, "_list_stock", half)

    await stops(shop, "Acumatica's answer leaves out 30 of 60 SKUs in stock (50%, more than 30%).")


async def test_our_own_mix_up_is_not_brought_to_the_erp(shop: Stage) -> None:
    await shop.put_stock(**{sku: quantity * 1000 for sku, quantity in SKUS.items()})

    await stops(shop, "What changed here would change 60 of 60 SKUs (100%, more than 50%).")


async def test_a_store_is_not_told_that_everything_is_gone(stage: Stage) -> None:
    stage.options = SchedulerOptions(inventory=InventoryOptions(pause=0, stores=("shopify",)))
    store = stage.vendors = FakeStore(erp=stage.erp, page=100)
    stage.erp.put_stock(SKUS)
    store.levels = dict(SKUS)
    await stage.sync("inventory")
    stage.clock.move(3600)
    for sku, quantity in list(SKUS.items())[:40]:  # promised to orders by mistake
        async with stage.db.write() as connection:
            await stock.commit(connection, {(sku, WAREHOUSE): Decimal(quantity)})

    await stops(
        stage,
        "What Shopify is to be told would set 40 of 60 SKUs in stock to 0 (67%, more than 30%).",
    )

    assert store.levels == SKUS


async def test_a_store_that_shows_nothing_empties_nobody(stage: Stage) -> None:
    stage.options = SchedulerOptions(inventory=InventoryOptions(pause=0, stores=("shopify",)))
    store = stage.vendors = FakeStore(erp=stage.erp, page=100)
    stage.erp.put_stock(SKUS)
    store.levels = dict(SKUS)
    await stage.sync("inventory")
    stage.clock.move(DAY)
    store.levels = dict.fromkeys(SKUS, 0)
    await stage.sync("inventory")  # seen for the first time: noted, and believed only when it stands
    stage.clock.move(1000)

    await stops(
        stage,
        "Shopify's own figures would set 60 of 60 SKUs in stock to 0 (100%, more than 30%). "
        "Shopify's own figures would change 60 of 60 SKUs (100%, more than 50%).",
    )


async def test_a_small_shop_is_left_in_peace(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5, "B": 7, "C": 1})
    await stage.sync("inventory")
    stage.clock.move(DAY)
    stage.erp.put_stock({"A": 0, "B": 0, "C": 0})

    assert (await stage.sync("inventory")).outcome == "success"
    assert set((await stage.levels()).values()) == {0}


async def test_go_on_once_lets_one_run_do_it_and_the_next_asks_again(shop: Stage) -> None:
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))
    stopped = await shop.sync("inventory")

    run = await shop.apply(stopped.id, "go_on")
    plan = await plans.get(shop.db, stopped.id)

    assert run.outcome == "success"
    assert set((await shop.levels()).values()) == {0}
    assert plan is not None
    assert (plan.state, plan.acting_run_id) == ("applied", run.id)
    (act,) = await audit.list_acts(shop.db, subject=stopped.id)
    assert (act.act, act.reason) == ("plan.let_go_on", "looked at it")
    shop.clock.move(3600)
    shop.erp.put_stock(dict.fromkeys(SKUS, 7))
    assert (await shop.sync("inventory")).error_type == "blast_guard"


async def test_a_leave_does_not_cover_more_than_was_looked_at(shop: Stage) -> None:
    some = list(SKUS)[:30]
    shop.erp.put_stock(dict.fromkeys(some, 0))
    stopped = await shop.sync("inventory")
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))

    run = await shop.apply(stopped.id, "go_on")
    old, new = await plans.get(shop.db, stopped.id), await plans.get(shop.db, run.id)

    assert (run.error_type, run.written) == ("blast_guard", 0)
    assert old is not None
    assert new is not None
    assert (old.state, new.state) == ("superseded", "waiting")
    assert [plan.run_id for plan in await plans.waiting(shop.db)] == [run.id]


async def test_a_source_that_is_mended_by_itself_asks_nobody_any_more(shop: Stage) -> None:
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))
    stopped = await shop.sync("inventory")
    shop.erp.put_stock(SKUS)
    mended = await shop.sync("inventory")
    plan = await plans.get(shop.db, stopped.id)

    assert mended.outcome == "success"
    assert plan is not None
    assert plan.state == "superseded"
    assert await plans.waiting(shop.db) == []
    assert await shop.decided(stopped.id, "go_on") is None


async def test_a_leave_that_nobody_used_in_time_is_gone(shop: Stage) -> None:
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))
    stopped = await shop.sync("inventory")
    run = await shop.decided(stopped.id, "go_on")
    assert run is not None
    shop.clock.move(3601)

    assert (await shop.work(run)).error_type == "blast_guard"
    assert await shop.levels() == SKUS


async def test_what_is_thrown_away_cannot_go_on(shop: Stage) -> None:
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))
    stopped = await shop.sync("inventory")
    assert await shop.decided(stopped.id, "throw_away") is None
    plan = await plans.get(shop.db, stopped.id)

    assert plan is not None
    assert (plan.state, plan.decided_by) == ("thrown_away", "ops")
    assert await shop.decided(stopped.id, "go_on") is None
    assert plans.why_not(plan, "go_on", shop.clock.now()) == "ops has thrown it away."


async def test_a_plan_of_the_guard_is_not_applied_behind_its_back(shop: Stage) -> None:
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))
    stopped = await shop.sync("inventory")

    assert await shop.decided(stopped.id, "apply") is None


async def test_killed_anywhere_while_it_judges_nothing_is_written(shop: Stage) -> None:
    shop.options = SchedulerOptions(inventory=InventoryOptions(pause=0, page_size=30))
    shop.erp.put_stock(dict.fromkeys(SKUS, 0))
    at = 0
    while True:
        at += 1
        shop.clock.move(60)
        before = await digests(shop.db, but=ITS_OWN)
        fate = Fate(die_at=at)
        shop.erp.fate = fate
        run = await shop.begin("inventory", db=MortalDatabase(shop.db, fate))
        with suppress(Killed):
            await shop.work(run)
        shop.erp.fate = Fate()
        taken = await shop.take_over()
        if taken is not None:
            await shop.work(taken)
        row, plan = await shop.row(run.row.id), await plans.get(shop.db, run.row.id)

        assert (row.outcome, row.error_type) == ("error", "blast_guard"), (at, row)
        assert await digests(shop.db, but=ITS_OWN) == before, at
        assert plan is not None, at
        assert (plan.state, plan.total, len(await plan_rows.page(shop.db, row.id))) == ("waiting", 60, 60), at
        if fate.passed < at:
            break

    assert at > 10


@pytest.mark.parametrize(
    ("figures", "stops_it"),
    [
        (Figures(rows=100, stock=100, changed=40, zeroed=31), True),
        (Figures(rows=100, stock=100, changed=40, zeroed=30), False),
        (Figures(rows=60, stock=60, changed=25, zeroed=20), False),
        (Figures(rows=110, stock=100, changed=56), True),
        (Figures(rows=112, stock=100, changed=56), False),
        (Figures(rows=60, stock=60, changed=50), False),
        (Figures(rows=0, stock=0, new=5000), False),
        (Figures(rows=100, stock=100, missing=31), True),
    ],
)
def test_the_guard_asks_about_a_share_above_a_number(figures: Figures, stops_it: bool) -> None:
    assert (judged({"platform": figures}, SAYS, InventoryOptions()) is not None) == stops_it


def test_a_leave_covers_up_to_its_own_figures_on_every_side() -> None:
    allowed = {"platform": Figures(rows=100, stock=100, changed=60, zeroed=40).plain()}

    assert covers(allowed, {"platform": Figures(changed=60, zeroed=39)})
    assert not covers(allowed, {"platform": Figures(changed=61, zeroed=40)})
    assert not covers(allowed, {"platform": Figures(changed=60), "erp": Figures(changed=1)})


@pytest.mark.parametrize("name", ["changed_share", "emptied_share"])
def test_a_share_beyond_one_is_refused_with_the_range(name: str) -> None:
    with pytest.raises(ValueError, match=f"inventory.{name} is 1.5; give a number from 0 to 1"):
        replace(InventoryOptions(), **{name: 1.5})  # type: ignore[arg-type]  # whichever it is
