"""From a sale at a store to the ERP and back, with nothing between but real connections."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from db import dead_letters, orders, run_history, runs, stock
from db.runs import RunRow
from integrations.registry import adapter_class
from scheduler.jobs import all_jobs
from scheduler.options import InventoryOptions, OrdersOptions, SchedulerOptions
from scheduler.syncs.run import Run, execute
from tests.acceptance.conftest import Harbour, OpenHarbour

STORES = ("shopify", "woocommerce")
SETTINGS: dict[str, Any] = {"acumatica": {"ship_after": 0.01, "release_seconds": 0.0, "catalogue_size": 60}}


def now() -> datetime:
    return datetime.now(UTC)


def options(store: str) -> SchedulerOptions:
    return SchedulerOptions(
        orders=OrdersOptions(stores=(store,), store_days=0, check_every=0, pause=0),
        inventory=InventoryOptions(stores=(store,), pause=0),
        patience=(0.1, 0.5),
    )


async def synced(harbour: Harbour, store: str, name: str) -> RunRow:
    """Run a sync with one store from start to end through the gateway."""
    until = now() + timedelta(seconds=60)
    row, grip = await runs.begin_new(
        harbour.db, name, requested_by="test", dry_run=False, holder="t@t:1:0", now=now(), until=until
    )
    assert grip is not None
    begun = await run_history.get(harbour.db, row.id)
    assert begun is not None
    run = Run(db=harbour.db, row=begun, grip=grip, now=now, sleep=asyncio.sleep, patience=options(store).patience)
    await execute(run, all_jobs(options(store))[name].work(harbour.runtime.gateway))
    ended = await run_history.get(harbour.db, row.id)
    assert ended is not None
    return ended


async def control(harbour: Harbour, store: str, method: str, path: str, body: Any = None) -> Any:
    sandbox = harbour.runtime.options.vendors[store].base_url.removesuffix(f"/{store}")
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, f"{sandbox}/_sandbox/{store}/{path}", json=body) as answered,
    ):
        return await answered.json()


@pytest.mark.parametrize("store", STORES)
async def test_a_sale_reaches_the_erp_and_the_buyer_hears_when_it_leaves(open_harbour: OpenHarbour, store: str) -> None:
    async with open_harbour(settings=SETTINGS) as harbour:
        first = await synced(harbour, store, "inventory")
        before = await harbour.runtime.gateway.call(store, "list_stock", {"limit": 100})
        ours = {row.sku: row.available for row in await stock.page(harbour.db, limit=500)}
        shown = {level.sku: level.quantity for level in before.value.levels}

        placed = await control(harbour, store, "POST", "orders", {"count": 2})
        taken = await synced(harbour, store, "orders")
        listed = await orders.listed(harbour.db)
        for _ in range(3):  # each look lets the ERP's warehouse take one more step
            await synced(harbour, store, "orders")
        erp_orders = [one["reference"] for one in harbour.effects("acumatica") if one["kind"] == "order"]
        sent = [one["kind"] for one in harbour.effects(store)].count("fulfilment")
        store_orders = [
            (await harbour.runtime.gateway.call(store, "get_order", {"order_id": row.reference.split("-")[1]})).value
            for row in listed
        ]
        letters = await dead_letters.unresolved(harbour.db)
        # At Shopify two items may have one SKU; WooCommerce sees to it that they do not.
        assert {letter.error_type for letter in letters} == ({"refused"} if store == "shopify" else set())
        doubled = {letter.item.removesuffix(f"@{store}") for letter in letters}
        last = await synced(harbour, store, "inventory")
        after = await harbour.runtime.gateway.call(store, "list_stock", {"limit": 100})
        ours_after = {row.sku: row.available for row in await stock.page(harbour.db, limit=500)}

    assert placed
    assert first.outcome == "success", first.message
    assert same(shown, ours, doubled) > 30
    assert taken.outcome == "success", taken.message
    assert len(listed) == 2
    assert sorted(erp_orders) == sorted(row.reference for row in listed)
    assert [order.status in ("shipped", "completed") for order in store_orders] == [True, True]
    assert sent == 2
    assert last.outcome == "success", last.message
    assert same({level.sku: level.quantity for level in after.value.levels}, ours_after, doubled) > 30


@pytest.mark.parametrize("store", STORES)
async def test_what_a_store_did_although_its_answer_was_lost_is_done_once(
    open_harbour: OpenHarbour, store: str
) -> None:
    example = next(one.example for one in adapter_class(store).vendor.operations if one.name == "mark_fulfilled")
    lost = {"vendor": store, "operation": "mark_fulfilled", "fault": "lost_answer", "rate": 1.0}
    async with open_harbour() as harbour:
        harbour.sandbox.faults.add([lost])
        done = await harbour.runtime.gateway.call(store, "mark_fulfilled", example)
        harbour.sandbox.faults.clear()
        sent = [one["kind"] for one in harbour.effects(store)].count("fulfilment")

    assert (done.value.order_id, done.value.already) == (example["order_id"], False)
    assert sent == 1


def same(shown: dict[str, Decimal], ours: dict[str, Decimal], doubled: set[str]) -> int:
    """Return how many SKUs both have; fail where they have not as much of one."""
    both = (shown.keys() & ours.keys()) - doubled
    assert {sku: shown[sku] for sku in both} == {sku: ours[sku] for sku in both}
    return len(both)
