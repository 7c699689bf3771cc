"""A store's orders become ours, once, and the store hears what became of them; on both databases."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from db import dead_letters, orders, stock
from db import shipments as parcels
from db.schema import dead_letters as letters
from db.shipments import ShipmentRow
from integrations.errors import HttpFailed, MissingCredential
from scheduler.options import OrdersOptions, SchedulerOptions
from tests.scheduler.fake_store import FakeStore
from tests.scheduler.fakes import Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage

TROUBLE = HttpFailed("Shopify is away.", error_type="http_503", fault="theirs", retryable=True, status=503)


@pytest.fixture
def store(stage: Stage) -> FakeStore:
    stage.options = SchedulerOptions(orders=OrdersOptions(stores=("shopify",), check_every=0, pause=0), patience=())
    stage.vendors = FakeStore(erp=stage.erp)
    return stage.vendors


async def test_a_paid_order_becomes_ours_and_goes_to_the_erp_once(stage: Stage, store: FakeStore) -> None:
    store.sell(1, quantity=2)
    store.sell(2)

    first = await stage.sync("orders")
    second = await stage.sync("orders")

    order = await orders.get(stage.db, "shopify-1", with_customer=True)
    assert order is not None
    assert (order.currency, order.total, order.payment_status, order.country) == (
        "EUR",
        Decimal("19"),
        "captured",
        "DE",
    )
    assert [(line.sku, line.quantity, line.unit_price) for line in order.lines] == [("A", Decimal(2), Decimal("9.50"))]
    assert order.customer is not None
    assert (order.customer["name"], order.customer["email"]) == ("Ada Example", "ada@example.com")
    assert stage.erp.puts == ["shopify-1", "shopify-2"]
    assert (first.outcome, first.message) == (
        "success",
        "2 taken from stores, 0 told to them; 2 orders sent, 2 asked about.",
    )
    assert second.message == "0 taken from stores, 0 told to them; 0 orders sent, 2 asked about."


async def test_what_is_promised_to_a_store_order_is_not_sold_twice(stage: Stage, store: FakeStore) -> None:
    await stage.put_stock(A=5)
    store.sell(1, quantity=2)

    await stage.sync("orders")

    (row,) = await stock.levels_of(stage.db, "A")
    assert (row.quantity, row.available) == (Decimal(5), Decimal(3))


async def test_unpaid_and_test_orders_are_not_ours(stage: Stage, store: FakeStore) -> None:
    store.sell(1, status="open")
    store.sell(2, test=True)
    store.sell(3, status="shipped")

    await stage.sync("orders")

    assert await orders.counts(stage.db) == {}

    store.becomes(1, "paid")
    await stage.sync("orders")

    assert await orders.counts(stage.db) == {"open": 1}


async def test_every_page_is_read_and_the_next_run_begins_where_this_one_began(stage: Stage, store: FakeStore) -> None:
    for number in range(5):
        store.sell(number)
    stage.clock.move(3600)
    began = stage.clock.now()
    await stage.sync("orders")
    await stage.sync("orders")

    assert len(stage.erp.puts) == 5
    assert [query.cursor for query in store.named("list_orders")] == ["", "2", "4", ""]
    since = store.named("list_orders")[3].modified_since
    assert since is not None
    assert since > began


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"ship_to": None}, "tells no address"),
        ({"lines": ()}, "nothing in it"),
        ({"sku": ""}, "a line has no SKU"),
    ],
)
async def test_an_order_that_cannot_be_ours_is_a_dead_letter_and_its_retry_asks_again(
    stage: Stage, store: FakeStore, more: dict[str, object], says: str
) -> None:
    store.sell(1, **more)  # type: ignore[arg-type]
    run = await stage.sync("orders")
    await stage.sync("orders")

    (letter,) = await dead_letters.unresolved(stage.db)
    assert (run.failed, letter.item, letter.error_type) == (1, "shopify-1", "not_an_order")
    assert letter.reason.startswith("Shopify's order #1: ")
    assert says in letter.reason

    stage.clock.move(86_400)  # long past what the list still tells
    store.sell(1)
    store.orders["1"] = store.orders["1"].model_copy(update={"modified_at": stage.clock.now().replace(year=2025)})
    assert await dead_letters.retry(stage.db, letter.id, by="ada", now=stage.clock.now())
    await stage.sync("orders")

    assert stage.erp.puts == ["shopify-1"]
    assert await dead_letters.unresolved(stage.db) == []


async def test_an_order_cancelled_before_it_was_sent_is_not_sent(stage: Stage, store: FakeStore) -> None:
    await stage.put_stock(A=5)
    store.sell(1)
    stage.erp.trouble = lambda operation, value: MissingCredential("no") if operation == "put_sales_order" else None
    await stage.sync("orders")
    stage.erp.trouble = lambda operation, value: None
    store.becomes(1, "cancelled")
    await stage.sync("orders")

    order = await orders.get(stage.db, "shopify-1")
    assert order is not None
    assert (order.fulfilment_status, stage.erp.puts) == ("cancelled", [])
    (row,) = await stock.levels_of(stage.db, "A")
    assert row.available == Decimal(5)
    assert await dead_letters.unresolved(stage.db) == []


async def test_an_order_the_erp_may_have_is_not_cancelled_behind_its_back(stage: Stage, store: FakeStore) -> None:
    store.sell(1)
    stage.erp.loses = 1
    await stage.sync("orders")
    store.becomes(1, "cancelled")
    await stage.sync("orders")

    (letter,) = await dead_letters.unresolved(stage.db)
    assert (letter.item, letter.error_type) == ("shopify-1", "cancelled_at_store")


async def test_an_order_refunded_after_it_was_sent_is_for_a_person(stage: Stage, store: FakeStore) -> None:
    store.sell(1)
    await stage.sync("orders")
    store.becomes(1, "refunded", at=stage.clock.now())
    await stage.sync("orders")
    await stage.sync("orders")

    order = await orders.get(stage.db, "shopify-1")
    assert order is not None
    assert order.payment_status == "refunded"
    (letter,) = await dead_letters.unresolved(stage.db)
    assert (letter.item, letter.error_type) == ("shopify-1", "refunded_at_store")
    assert "cancel it in the ERP" in letter.reason


async def test_the_store_hears_once_what_has_left(stage: Stage, store: FakeStore) -> None:
    store.sell(1)
    await stage.sync("orders")
    now = stage.clock.now()
    parcel = ShipmentRow(
        vendor="dhl_express",
        tracking_number="794000000001",
        reference="shopify-1",
        service_code="P",
        status="in_transit",
        created_at=now,
        changed_at=now,
    )
    await parcels.note_created(stage.db, parcel)
    stage.erp.statuses = {"shopify-1": ("Completed", "794000000001")}
    run = await stage.sync("orders")
    await stage.sync("orders")

    (told,) = store.named("mark_fulfilled")
    assert (told.order_id, told.tracking_number, told.carrier) == ("1", "794000000001", "DHL Express")
    assert run.message is not None
    assert "1 told to them" in run.message


async def test_a_store_that_refuses_to_hear_it_is_a_dead_letter_and_its_retry_tells_again(
    stage: Stage, store: FakeStore
) -> None:
    store.sell(1)
    await stage.sync("orders")
    stage.erp.statuses = {"shopify-1": ("Shipping", "794000000001")}
    store.refused = {"1": "on hold"}
    await stage.sync("orders")
    await stage.sync("orders")

    (letter,) = await dead_letters.unresolved(stage.db)
    assert (letter.item, letter.error_type, len(store.named("mark_fulfilled"))) == ("shopify-1", "nothing_to_send", 1)

    store.refused = {}
    await dead_letters.retry(stage.db, letter.id, by="ada", now=stage.clock.now())
    await stage.sync("orders")

    assert store.sent == {"1": ["794000000001"]}


async def test_a_lost_answer_of_the_store_is_asked_for_again_under_its_key(stage: Stage, store: FakeStore) -> None:
    store.sell(1)
    await stage.sync("orders")
    stage.erp.statuses = {"shopify-1": ("Shipping", "794000000001")}
    store.loses = 1
    failed = await stage.sync("orders")
    done = await stage.sync("orders")

    assert (failed.outcome, done.outcome) == ("error", "success")
    assert store.sent == {"1": ["794000000001"]}


async def test_a_store_in_trouble_does_not_keep_the_erp_from_being_told(stage: Stage, store: FakeStore) -> None:
    await stage.place("S-1")
    store.trouble = TROUBLE
    run = await stage.sync("orders")

    assert stage.erp.puts == ["S-1"]
    assert (run.outcome, run.error_type) == ("error", "stores_failed")
    assert run.message is not None
    assert "shopify: Shopify is away." in run.message


async def test_a_dry_run_says_how_many_would_be_taken_and_takes_none(stage: Stage, store: FakeStore) -> None:
    store.sell(1)
    store.sell(2)
    store.sell(3, status="open")
    run = await stage.begin("orders", dry_run=True)
    await stage.work(run)

    assert run.plan["fetch"] == {"shopify": 2}
    assert await orders.counts(stage.db) == {}


async def test_without_a_store_nothing_is_asked_of_one(stage: Stage, store: FakeStore) -> None:
    stage.options = SchedulerOptions()
    store.sell(1)
    run = await stage.sync("orders")

    assert (store.calls, run.message) == ([], "0 orders sent, 0 asked about.")


async def test_a_run_that_dies_anywhere_takes_each_order_once_and_tells_each_once(
    stage: Stage, store: FakeStore
) -> None:
    for number in range(3):
        store.sell(number)
        stage.erp.statuses[f"shopify-{number}"] = ("Completed", f"79400000000{number}")
    die_at = 1
    while die_at < 400:
        fate = Fate(die_at=die_at)
        stage.erp.fate = fate
        run = await stage.take_over() or await stage.begin("orders")
        run.db = MortalDatabase(stage.db, fate)
        try:
            await stage.work(run)
        except Killed:
            die_at += 7
            continue
        break
    stage.erp.fate = Fate()
    while (run_left := await stage.take_over()) is not None:
        await stage.work(run_left)
    await stage.sync("orders")
    await stage.sync("orders")

    assert sorted(stage.erp.orders) == ["shopify-0", "shopify-1", "shopify-2"]
    assert {order: len(numbers) for order, numbers in store.sent.items()} == {"0": 1, "1": 1, "2": 1}
    async with stage.db.read() as connection:
        assert (await connection.execute(select(letters))).all() == []
