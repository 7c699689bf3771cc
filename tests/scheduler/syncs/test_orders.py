"""The orders sync against an ERP in memory, on both databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from db import dead_letters, orders, outbox, stock
from db.schema import metadata
from integrations.errors import (
    AlreadyHappened,
    BusinessFailed,
    CircuitIsOpen,
    HttpFailed,
    InvalidInput,
    LeaseHeld,
    MissingCredential,
    OutcomeUnknown,
    QuaysideError,
    SchemaDrift,
    TransportFailed,
)
from scheduler.options import OrdersOptions, SchedulerOptions
from scheduler.syncs.orders import Sentence, backoff, sentence_on
from tests.scheduler.fakes import Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage

REFUSED = HttpFailed("no", error_type="record_refused", fault="ours", status=422)
UNAVAILABLE = HttpFailed("busy", error_type="http_503", fault="theirs", retryable=True, status=503)


async def test_an_order_reaches_the_erp_once_and_is_noted(stage: Stage) -> None:
    await stage.place("S-1", "S-2")

    first = await stage.sync("orders")
    await stage.sync("orders")

    order = await orders.get(stage.db, "S-1")
    assert order is not None
    assert (order.fulfilment_status, order.erp_number) == ("open", stage.erp.orders["S-1"])
    assert stage.erp.puts == ["S-1", "S-2"]
    assert {key for operation, key in stage.erp.calls if operation == "put_sales_order"} == {
        "erp-order-S-1",
        "erp-order-S-2",
    }
    assert (first.outcome, first.total) == ("success", 2)
    assert stage.erp.runs_seen >= {first.id}


async def test_a_session_holds_at_most_a_batch(stage: Stage) -> None:
    stage.options = SchedulerOptions(orders=OrdersOptions(batch_size=2, checks=0))
    await stage.place(*(f"S-{number}" for number in range(5)))

    run = await stage.sync("orders")

    assert (run.pages, stage.erp.sessions, stage.erp.open_sessions) == (3, 3, 0)


async def test_fulfilment_comes_back(stage: Stage) -> None:
    await stage.place("S-1", "S-2")
    await stage.sync("orders")
    stage.clock.move(3600)
    stage.erp.statuses = {"S-1": ("Completed", "794000000001"), "S-2": ("Canceled", "")}

    run = await stage.sync("orders")

    first, second = await orders.get(stage.db, "S-1"), await orders.get(stage.db, "S-2")
    assert first is not None
    assert second is not None
    assert (first.fulfilment_status, first.tracking_number) == ("completed", "794000000001")
    assert second.fulfilment_status == "cancelled"
    assert run.written == 2

    stage.clock.move(3600)
    stage.erp.calls.clear()
    await stage.sync("orders")

    assert stage.erp.calls == []


async def test_the_order_asked_about_longest_ago_comes_first(stage: Stage) -> None:
    stage.options = SchedulerOptions(orders=OrdersOptions(checks=1, check_every=0))
    await stage.place("S-1", "S-2")
    asked: list[str] = []

    def note(operation: str, value: Any) -> QuaysideError | None:
        if operation == "find_sales_order":
            asked.append(value.reference)
        return None

    stage.erp.trouble = note
    for _ in range(4):
        await stage.sync("orders")

    assert asked == ["S-1", "S-2", "S-1", "S-2"]


async def test_a_refused_order_becomes_a_dead_letter_and_the_others_go_on(stage: Stage) -> None:
    await stage.place("S-1", "S-2", "S-3")
    stage.erp.trouble = lambda operation, value: REFUSED if getattr(value, "reference", "") == "S-2" else None

    run = await stage.sync("orders")

    (letter,) = await dead_letters.unresolved(stage.db, "orders")
    errand = await outbox.get(stage.db, "erp_order", "S-2")
    assert errand is not None
    assert (letter.item, letter.error_type, errand.state) == ("S-2", "record_refused", "dead")
    assert (run.outcome, run.failed, stage.erp.puts) == ("success", 1, ["S-1", "S-3"])


async def test_a_retried_dead_letter_is_sent(stage: Stage) -> None:
    await stage.place("S-1")
    stage.erp.trouble = lambda operation, value: REFUSED
    await stage.sync("orders")
    stage.erp.trouble = lambda operation, value: None
    (letter,) = await dead_letters.unresolved(stage.db, "orders")

    assert await dead_letters.retry(stage.db, letter.id, by="ops", now=stage.clock.now())
    await stage.sync("orders")

    assert stage.erp.puts == ["S-1"]
    assert not await dead_letters.retry(stage.db, letter.id, by="ops", now=stage.clock.now())


async def test_an_order_that_fails_waits_longer_each_time(stage: Stage) -> None:
    await stage.place("S-1")
    stage.erp.trouble = lambda operation, value: UNAVAILABLE
    await stage.sync("orders")
    errand = await outbox.get(stage.db, "erp_order", "S-1")
    assert errand is not None
    assert (errand.state, errand.tries, errand.error_type) == ("waiting", 1, "http_503")
    assert errand.due_at - stage.clock.now() <= timedelta(seconds=30)

    stage.erp.trouble = lambda operation, value: None
    await stage.sync("orders")
    assert stage.erp.puts == []

    stage.clock.move(60)
    await stage.sync("orders")
    assert stage.erp.puts == ["S-1"]


async def test_three_failures_in_a_row_leave_the_rest_for_the_next_run(stage: Stage) -> None:
    await stage.place(*(f"S-{number}" for number in range(6)))
    stage.erp.trouble = lambda operation, value: UNAVAILABLE

    run = await stage.sync("orders")

    assert (run.outcome, run.error_type, len(stage.erp.calls)) == ("error", "http_503", 3)


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(stage: Stage) -> None:
    await stage.place("S-1")
    stage.erp.loses = 1
    await stage.sync("orders")
    stage.clock.move(60)

    await stage.sync("orders")

    order = await orders.get(stage.db, "S-1")
    assert order is not None
    assert (stage.erp.puts, order.erp_number) == (["S-1"], "SO000001")


async def test_an_open_circuit_ends_the_run_and_costs_the_order_nothing(stage: Stage) -> None:
    await stage.place("S-1", "S-2")
    stage.erp.trouble = lambda operation, value: CircuitIsOpen("The circuit of Acumatica is open.")

    run = await stage.sync("orders")

    errand = await outbox.get(stage.db, "erp_order", "S-1")
    assert errand is not None
    assert (run.outcome, run.error_type, errand.tries) == ("error", "circuit_open", 0)
    assert await outbox.count_waiting(stage.db, "erp_order") == 2


async def test_a_dry_run_sends_nothing(stage: Stage) -> None:
    await stage.place("S-1")

    run = await stage.sync("orders", dry_run=True)

    plan = stage.db.seal.open(run.plan or "")
    assert (plan["send"], [item["entity"] for item in plan["items"]], stage.erp.calls) == (1, ["S-1"], [])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (REFUSED, "give_up"),
        (InvalidInput("bad"), "give_up"),
        (AlreadyHappened("settled"), "give_up"),
        (AlreadyHappened("settled, not looked up", retryable=True), "later"),
        (UNAVAILABLE, "later"),
        (OutcomeUnknown("lost", cause=REFUSED), "later"),
        (SchemaDrift("odd", field="OrderNbr"), "later"),
        (LeaseHeld("elsewhere"), "later"),
        (TransportFailed("reset", error_type="reset", fault="network", retryable=True), "later"),
        (BusinessFailed("limit", error_type="login_limit", fault="ours", retryable=True), "later"),
        (CircuitIsOpen("open"), "end_run"),
        (MissingCredential("unset"), "end_run"),
        (HttpFailed("denied", error_type="http_401", fault="configuration", status=401), "end_run"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{type(value).__name__}:{value.error_type}",
)
def test_what_an_error_means_for_the_order(error: QuaysideError, sentence: Sentence) -> None:
    assert sentence_on(error, 0, OrdersOptions()) == sentence


def test_after_the_last_try_the_order_is_given_up() -> None:
    assert sentence_on(UNAVAILABLE, 18, OrdersOptions()) == "later"
    assert sentence_on(UNAVAILABLE, 19, OrdersOptions()) == "give_up"


def test_backoff_doubles_up_to_its_limit() -> None:
    assert [backoff(tries, OrdersOptions()) for tries in (0, 1, 2, 10, 10_000)] == [30, 60, 120, 3600, 3600]


async def test_killed_anywhere_and_taken_over_each_order_is_there_once_and_its_promise_taken_back_once(
    stage: Stage,
) -> None:
    stage.options = replace(stage.options, orders=OrdersOptions(batch_size=2, check_every=0))
    await stage.put_stock(A=50)
    at = 0
    while True:
        at += 1
        await _reset(stage)
        references = [f"K{at}-{number}" for number in range(3)]
        await stage.place(*references)
        stage.erp.statuses = {references[0]: ("Shipping", ""), references[1]: ("Canceled", "")}
        fate = Fate(die_at=at)
        stage.erp.fate = fate
        run = await stage.begin("orders", db=MortalDatabase(stage.db, fate))
        with suppress(Killed):
            await stage.work(run)
        stage.erp.fate = Fate()
        taken = await stage.take_over()
        if taken is not None:
            await stage.work(taken)
        row = await stage.row(run.row.id)

        assert row.outcome == "success", (at, row)
        assert sorted(stage.erp.puts) == references, at
        assert await outbox.count_waiting(stage.db, "erp_order") == 0
        found = {order.reference: order.fulfilment_status for order in await orders.listed(stage.db)}
        assert found == dict(zip(references, ("shipped", "cancelled", "open"), strict=True))
        (level,) = await stock.page(stage.db)
        assert (int(level.quantity), int(level.committed)) == (50, 1), at
        assert stage.erp.open_sessions == 0
        if fate.passed < at:
            break

    assert at > 40


async def _reset(stage: Stage) -> None:
    stage.erp.orders.clear()
    stage.erp.puts.clear()
    async with stage.db.write() as connection:
        for name in ("sync_runs", "leases", "orders", "outbox"):
            await connection.execute(delete(metadata.tables[name]))
        await connection.execute(update(metadata.tables["stock"]).values(committed=0))
