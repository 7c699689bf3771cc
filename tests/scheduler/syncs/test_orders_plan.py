"""Plans of the orders sync: every row of them, that nothing else is written, and applying one; on both databases."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import delete

from db import orders, plan_rows, plans, run_history
from db.plan_rows import PlanRow
from db.schema import metadata
from integrations.errors import HttpFailed
from scheduler.options import OrdersOptions, SchedulerOptions
from tests.scheduler.fake_store import FakeStore
from tests.scheduler.fakes import Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage
from tests.scheduler.tables import digests

ITS_OWN = {"sync_runs", "run_notes", "plans", "plan_rows"}
NO = HttpFailed("Acumatica does not accept it.", error_type="record_refused", fault="ours", status=422)


@pytest.fixture
def store(stage: Stage) -> FakeStore:
    stage.options = SchedulerOptions(orders=OrdersOptions(stores=("shopify",), check_every=60, pause=0), patience=())
    stage.vendors = FakeStore(erp=stage.erp, page=100)
    return stage.vendors


async def something_of_everything(stage: Stage, store: FakeStore) -> None:
    """One order of each kind: 1 left the ERP, 2 has left and its store does not know, 3 is new at the store, 4 was
    shipped there, S-5 waits here."""
    for number in (1, 2, 4):
        store.sell(number)
    await stage.sync("orders")
    stage.clock.move(30)
    await stage.sync("orders")
    for number, status in ((1, "sent"), (2, "shipped")):
        async with stage.db.write() as connection:
            await orders.note_checked(
                connection,
                f"shopify-{number}",
                status=status,
                tracking_number="794000000002" if number == 2 else None,
                now=stage.clock.now(),
            )
    stage.clock.move(3600)
    stage.erp.statuses = {"shopify-1": ("Completed", "794000000001"), "shopify-2": ("Shipping", "794000000002"),
                          "shopify-4": ("Open", "")}  # fmt: skip
    store.sell(3, quantity=2)
    store.becomes(4, "shipped")
    await stage.place("S-5")


async def rows_of(stage: Stage, run_id: str) -> dict[str, PlanRow]:
    return {f"{row.entity} {row.field}": row for row in await plan_rows.page(stage.db, run_id)}


async def test_a_plan_names_every_change_on_every_side_and_nothing_personal(stage: Stage, store: FakeStore) -> None:
    await something_of_everything(stage, store)
    run = await stage.sync("orders", dry_run=True)
    rows = await rows_of(stage, run.id)

    assert {name: (row.target, row.kind, row.before, row.after) for name, row in rows.items()} == {
        "shopify-3 order": ("platform", "fetch", None, "1 line, 19.00 EUR"),
        "shopify-4 status at the store": ("platform", "status", "paid", "shipped"),
        "S-5 sales order": ("erp", "send", None, "1 line, 9.50 USD"),
        "shopify-1 fulfilment_status": ("platform", "fulfil", "sent", "completed"),
        "shopify-1 tracking_number": ("platform", "fulfil", None, "794000000001"),
        "shopify-2 tracking_number": ("shopify", "tell", None, "794000000002"),
    }
    text = repr(rows)
    assert [word for word in ("Ada", "Example", "Berlin", "@example.com") if word in text] == []


async def test_a_dry_run_writes_nothing_but_its_plan_and_moves_no_cursor(stage: Stage, store: FakeStore) -> None:
    await something_of_everything(stage, store)
    before = await digests(stage.db, but=ITS_OWN)
    cursor = await run_history.last_cursor(stage.db, "orders", before=stage.clock.now())
    sent, told = list(stage.erp.puts), dict(store.sent)

    run = await stage.sync("orders", dry_run=True)

    assert run.outcome == "success"
    assert await digests(stage.db, but=ITS_OWN) == before
    assert await run_history.last_cursor(stage.db, "orders", before=stage.clock.now()) == cursor
    assert (stage.erp.puts, store.sent) == (sent, told)


async def test_a_plan_is_applied_as_it_is(stage: Stage, store: FakeStore) -> None:
    await something_of_everything(stage, store)
    planned = await stage.sync("orders", dry_run=True)
    run = await stage.apply(planned.id)
    plan = await plans.get(stage.db, planned.id)
    first = await orders.get(stage.db, "shopify-1")

    assert plan is not None
    assert (run.outcome, plan.state) == ("success", "applied"), run
    assert {row.state for row in (await rows_of(stage, planned.id)).values()} == {"applied"}, run
    assert stage.erp.puts.count("S-5") == 1
    assert store.sent["2"] == ["794000000002"]
    assert first is not None
    assert (first.fulfilment_status, first.tracking_number) == ("completed", "794000000001")
    assert await orders.get(stage.db, "shopify-3") is not None
    assert "shopify-3" not in stage.erp.puts  # taken by the plan, sent by the next run


@pytest.mark.parametrize("what", ["store", "erp", "ours"])
async def test_a_source_that_has_moved_refuses_the_plan(stage: Stage, store: FakeStore, what: str) -> None:
    await something_of_everything(stage, store)
    planned = await stage.sync("orders", dry_run=True)
    stage.clock.move(60)
    if what == "store":
        store.becomes(3, "cancelled")
    elif what == "erp":
        stage.erp.statuses["shopify-1"] = ("Canceled", "")
    else:
        await orders.note_payment(stage.db, "S-5", payment_id=None, payment_status="refunded", now=stage.clock.now())
    but = {*ITS_OWN, "leases", "audit"}
    before = await digests(stage.db, but=but)

    run = await stage.apply(planned.id)

    entity = {"store": "shopify-3", "erp": "shopify-1", "ours": "S-5"}[what]
    assert run.outcome == "cancelled"
    assert run.message is not None
    assert run.message.startswith("Nothing was written.")
    assert f"{entity}: " in run.message
    assert await digests(stage.db, but=but) == before


async def test_an_order_the_erp_refuses_is_noted_on_its_row(stage: Stage, store: FakeStore) -> None:
    await stage.place("S-1", "S-2")
    planned = await stage.sync("orders", dry_run=True)
    stage.erp.trouble = lambda operation, value: (
        NO if operation == "put_sales_order" and value.reference == "S-1" else None
    )
    run = await stage.apply(planned.id)

    assert run.message == "1 of 2 planned changes applied. 1 were refused; they are dead letters."
    assert {name: row.state for name, row in (await rows_of(stage, planned.id)).items()} == {
        "S-1 sales order": "refused",
        "S-2 sales order": "applied",
    }


async def test_killed_anywhere_while_it_applies_a_plan_everything_happens_once(stage: Stage, store: FakeStore) -> None:
    at = 0
    while True:
        at += 1 if stage.db.is_sqlite else 4  # a death at every point there, at every fourth here
        await _reset(stage, store)
        await something_of_everything(stage, store)
        planned = await stage.sync("orders", dry_run=True)
        fate = Fate(die_at=at)
        stage.erp.fate = fate
        run = await stage.decided(planned.id, "apply", db=MortalDatabase(stage.db, fate))
        assert run is not None
        with suppress(Killed):
            await stage.work(run)
        stage.erp.fate = Fate()
        taken = await stage.take_over()
        if taken is not None:
            await stage.work(taken)
        row, plan = await stage.row(run.row.id), await plans.get(stage.db, planned.id)

        assert (row.outcome, plan.state if plan else None) == ("success", "applied"), (at, row)
        assert {one.state for one in (await rows_of(stage, planned.id)).values()} == {"applied"}, (at, row.message)
        assert stage.erp.puts.count("S-5") == 1, at
        assert store.sent["2"] == ["794000000002"], at
        assert await orders.get(stage.db, "shopify-3") is not None, at
        if fate.passed < at:
            break

    assert at > 40


async def _reset(stage: Stage, store: FakeStore) -> None:
    stage.erp.orders.clear()
    stage.erp.puts.clear()
    stage.erp._answers.clear()
    store.orders.clear()
    store.sent.clear()
    store._answers.clear()
    stage.clock.move(90_000)
    async with stage.db.write() as connection:
        for name in ("stock", "sync_runs", "leases", "plans", "plan_rows", "orders", "outbox", "store_orders"):
            await connection.execute(delete(metadata.tables[name]))
