"""What a store shows follows our stock, and a count made there comes back; on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from db import dead_letters, stock
from db.store_levels import sellable
from integrations.errors import HttpFailed
from scheduler.options import InventoryOptions, OrdersOptions, SchedulerOptions
from scheduler.syncs.inventory_plan import SETTLED
from tests.scheduler.fake_store import FakeStore
from tests.scheduler.fakes import Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage

TROUBLE = HttpFailed("Shopify is away.", error_type="http_503", fault="theirs", retryable=True, status=503)
LATER = SETTLED.total_seconds() + 1


@pytest.fixture
def store(stage: Stage) -> FakeStore:
    stage.options = SchedulerOptions(
        inventory=InventoryOptions(stores=("shopify",), pause=0),
        orders=OrdersOptions(stores=("shopify",), pause=0),
        patience=(),
    )
    stage.vendors = FakeStore(erp=stage.erp)
    return stage.vendors


def told(store: FakeStore) -> list[tuple[str, int, int | None]]:
    """Return all levels the store was told: SKU, quantity, what it was expected to have."""
    return [
        (level.sku, int(level.quantity), None if level.expected is None else int(level.expected))
        for value in store.named("set_stock")
        for level in value.levels
    ]


@pytest.mark.parametrize(("available", "shown"), [("5", "5"), ("5.9", "5"), ("-2", "0"), ("0.0000", "0")])
def test_a_store_shows_whole_pieces_and_never_less_than_nothing(available: str, shown: str) -> None:
    assert sellable(Decimal(available)) == Decimal(shown)


async def test_the_first_run_shows_the_erps_stock(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5, "B": 7, "C": 0})
    store.levels = {"A": 1, "B": 7, "C": 3, "ONLY-THERE": 4}
    run = await stage.sync("inventory")

    assert store.levels == {"A": 5, "B": 7, "C": 0, "ONLY-THERE": 4}
    assert told(store) == [("A", 5, 1), ("C", 0, 3)]
    assert (run.outcome, run.message) == ("success", "2 levels told to stores.")


async def test_afterwards_only_what_changed_is_told_and_nothing_is_read(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    store.levels = {"A": 5, "B": 7}
    await stage.sync("inventory")
    store.calls.clear()
    stage.clock.move(3600)
    stage.erp.put_stock({"B": 9})
    await stage.sync("inventory")
    await stage.sync("inventory")

    assert [name for name, _ in store.calls] == ["set_stock"]
    assert told(store) == [("B", 9, 7)]


async def test_a_sale_at_the_store_is_known_before_it_is_told(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5})
    store.levels = {"A": 5}
    await stage.sync("inventory")
    store.sell(1, "A", 2)
    await stage.sync("orders")
    run = await stage.sync("inventory")

    (row,) = await stock.levels_of(stage.db, "A")
    assert (row.quantity, row.available, store.levels["A"]) == (Decimal(5), Decimal(3), 3)
    assert (run.conflicted, run.failed) == (0, 0)


async def test_a_store_that_moved_meanwhile_is_not_overwritten_but_told_next_time(
    stage: Stage, store: FakeStore
) -> None:
    stage.erp.put_stock({"A": 5})
    store.levels = {"A": 5}
    await stage.sync("inventory")
    store.sell(1, "A", 1)  # and nobody has fetched the order yet
    stage.clock.move(60)
    stage.erp.put_stock({"A": 9})
    moved = await stage.sync("inventory")

    assert store.levels == {"A": 4}
    assert moved.conflicted == 1

    await stage.sync("orders")
    await stage.sync("inventory")

    assert store.levels == {"A": 8}
    (conflict,) = await dead_letters.recent_conflicts(stage.db, "inventory")
    assert (conflict.item, conflict.erp_value, conflict.platform_value, conflict.winner) == (
        "A@shopify",
        "9",
        "4",
        "erp",
    )


async def test_a_count_made_at_the_store_comes_to_us_and_to_the_erp(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    store.levels = {"A": 5, "B": 7}
    await stage.sync("inventory")
    store.levels["A"] = 11
    stage.clock.move(90_000)  # the store is read once a day
    await stage.sync("inventory")

    assert (await stage.levels())["A"] == Decimal(5)  # not at once: an order may explain it

    stage.clock.move(LATER)
    await stage.sync("inventory")
    await stage.sync("inventory")

    assert (await stage.levels())["A"] == Decimal(11)
    assert stage.erp.levels()["A"] == Decimal(11)
    assert store.levels == {"A": 11, "B": 7}
    (row,) = await stock.levels_of(stage.db, "A")
    assert row.changed_by == "shopify"


async def test_an_order_that_is_late_in_the_list_is_not_taken_for_a_count(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5})
    store.levels = {"A": 5}
    await stage.sync("inventory")
    stage.clock.move(90_000)
    store.sell(1, "A", 2)
    store.lags = {"1"}
    await stage.sync("orders")
    await stage.sync("inventory")  # sees 3 where 5 was agreed
    store.lags = set()
    stage.clock.move(60)
    await stage.sync("orders")
    stage.clock.move(LATER)
    await stage.sync("inventory")
    await stage.sync("inventory")

    (row,) = await stock.levels_of(stage.db, "A")
    assert (row.quantity, row.available, store.levels["A"]) == (Decimal(5), Decimal(3), 3)


async def test_what_a_store_refuses_is_told_again_only_when_it_is_another_figure(
    stage: Stage, store: FakeStore
) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    store.levels, store.refused = {"A": 1, "B": 7}, {"A": "refused"}
    run = await stage.sync("inventory")
    await stage.sync("inventory")

    assert (run.failed, told(store)) == (1, [("A", 5, 1)])
    (letter,) = await dead_letters.unresolved(stage.db)
    assert (letter.item, letter.reason) == ("A@shopify", "No.")

    stage.clock.move(60)
    stage.erp.put_stock({"A": 6})
    await stage.sync("inventory")

    assert told(store)[-1] == ("A", 6, 1)

    store.refused = {}
    await dead_letters.retry(stage.db, letter.id, by="ada", now=stage.clock.now())
    await stage.sync("inventory")

    assert store.levels["A"] == 6


async def test_a_sku_the_store_does_not_sell_is_asked_about_once(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5, "WHOLESALE": 7})
    store.levels = {"A": 5}
    await stage.sync("inventory")
    await stage.sync("inventory")

    assert told(store) == [("WHOLESALE", 7, None)]
    assert await dead_letters.unresolved(stage.db) == []

    store.levels["WHOLESALE"] = 0  # now it does
    stage.clock.move(90_000)
    await stage.sync("inventory")

    assert store.levels["WHOLESALE"] == 7


async def test_several_warehouses_are_shown_as_one_and_a_count_goes_where_most_is(
    stage: Stage, store: FakeStore
) -> None:
    now = stage.clock.now()
    await stock.put(stage.db, "A", "EAST", Decimal(2), by="api", now=now)
    await stock.put(stage.db, "A", "WEST", Decimal(4), by="api", now=now)
    async with stage.db.write() as connection:
        await stock.shift(connection, "A", Decimal(-5), by="shopify", now=now)

    assert {row.warehouse: row.quantity for row in await stock.levels_of(stage.db, "A")} == {
        "EAST": Decimal(1),
        "WEST": Decimal(0),
    }


async def test_a_store_in_trouble_fails_the_run_after_the_erp_is_done(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5})
    store.trouble = TROUBLE
    run = await stage.sync("inventory")

    assert await stage.levels() == {"A": Decimal(5)}
    assert run.outcome == "error"
    assert run.message is not None
    assert "shopify: Shopify is away." in run.message


async def test_a_dry_run_says_how_many_would_be_told(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5})
    store.levels = {"A": 5}
    await stage.sync("inventory")
    await stage.put_stock(A=8)
    run = await stage.begin("inventory", dry_run=True)
    await stage.work(run)

    assert run.plan["tell_stores"] == {"shopify": 1}
    assert store.levels == {"A": 5}


async def test_a_run_that_dies_anywhere_leaves_the_store_with_our_figures(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({f"S{number}": number for number in range(5)})
    store.levels = {f"S{number}": 9 for number in range(5)}
    die_at = 1
    while die_at < 400:
        fate = Fate(die_at=die_at)
        stage.erp.fate = fate
        run = await stage.take_over() or await stage.begin("inventory")
        run.db = MortalDatabase(stage.db, fate)
        try:
            await stage.work(run)
        except Killed:
            die_at += 5
            continue
        break
    stage.erp.fate = Fate()
    stage.clock.move(timedelta(days=1).total_seconds() + 60)
    await stage.sync("inventory")

    assert store.levels == {f"S{number}": number for number in range(5)}
    assert stage.erp.levels() == {f"S{number}": Decimal(number) for number in range(5)}
