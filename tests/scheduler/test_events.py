"""What comes of the events that vendors push: a payment's status moves forward only, and syncs are asked for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from db import orders, placements, run_history, vendor_events
from db.engine import Database
from db.orders import NewOrder, OrderLine
from db.placements import Placement
from db.vendor_events import NewEvent
from scheduler.events import BACKOFF, MOST_TRIES, Events
from tests.conftest import MovableClock

KINDS = {"stripe": "payments", "shopify": "store", "twilio": "messages"}


@pytest.fixture
def events(database: Database, clock: MovableClock) -> Events:
    return Events(database, kinds=KINDS, syncs=frozenset({"orders", "inventory"}), now=clock.now)


async def place(database: Database, clock: MovableClock, **more: str) -> None:
    order = NewOrder(
        reference="A-1",
        placed_at=clock.now(),
        currency="USD",
        total=Decimal("19.90"),
        country="DE",
        lines=[OrderLine(sku="X", quantity=Decimal(1), unit_price=Decimal("19.90"))],
        customer={"name": "Ada"},
        payment_id=more.get("payment_id"),
        payment_status=more.get("payment_status"),
    )
    assert await orders.place(database, order, now=clock.now())


async def hear(database: Database, clock: MovableClock, status: str, *, vendor: str = "stripe", id: str = "e") -> None:
    data = {"status": status} if status else {}
    event = NewEvent(vendor=vendor, id=id, type="t", resource="pi_1", reference="A-1", data=data)
    await vendor_events.keep(database, [event], correlation_id="c" * 32, now=clock.now())


async def ended(database: Database) -> list[tuple[str, str | None]]:
    return [(row.state, row.note) for row in await vendor_events.latest(database)]


async def test_a_payment_event_moves_the_orders_status(database: Database, clock: MovableClock, events: Events) -> None:
    await place(database, clock, payment_id="pi_1", payment_status="authorized")
    await hear(database, clock, "captured")

    assert await events.work_off() == 1
    order = await orders.get(database, "A-1")
    assert order is not None
    assert order.payment_status == "captured"
    assert await ended(database) == [("done", "order A-1 is captured")]


@pytest.mark.parametrize(
    ("has", "told"), [("captured", "authorized"), ("refunded", "captured"), ("captured", "captured")]
)
async def test_an_event_that_comes_late_moves_nothing_backwards(
    database: Database, clock: MovableClock, events: Events, has: str, told: str
) -> None:
    await place(database, clock, payment_id="pi_1", payment_status=has)
    await hear(database, clock, told)
    await events.work_off()

    order = await orders.get(database, "A-1")
    assert order is not None
    assert (order.payment_status, order.version) == (has, 1)
    assert await ended(database) == [("done", f"order A-1 is {has} already")]


async def test_another_payment_of_the_same_order_changes_nothing(
    database: Database, clock: MovableClock, events: Events
) -> None:
    await place(database, clock, payment_id="pi_2", payment_status="authorized")
    await hear(database, clock, "captured")
    await events.work_off()

    assert await ended(database) == [("done", "order A-1 is paid by another payment")]


async def test_an_event_that_is_faster_than_its_order_waits_for_it(
    database: Database, clock: MovableClock, events: Events
) -> None:
    await hear(database, clock, "captured")
    before = await events.work_off()
    await place(database, clock)
    at_once = await events.work_off()
    clock.move(BACKOFF.total_seconds())
    later = await events.work_off()

    assert (before, at_once, later) == (0, 0, 1)
    order = await orders.get(database, "A-1")
    assert order is not None
    assert (order.payment_id, order.payment_status) == ("pi_1", "captured")


async def test_an_event_of_an_order_that_waits_for_its_payment_lets_it_be_looked_at(
    database: Database, clock: MovableClock, events: Events
) -> None:
    waiting = Placement(
        reference="A-1",
        key="k",
        input_hash="h",
        attempt=1,
        state="action",
        steps={},
        papers={},
        currency="USD",
        correlation_id="c" * 32,
        asked_by="shop",
        created_at=clock.now(),
        changed_at=clock.now(),
        payment_id="pi_1",
        due_at=clock.now() + timedelta(hours=1),
    )
    await placements.begin(database, waiting)
    before = await placements.due(database, now=clock.now(), limit=9)
    await hear(database, clock, "captured")
    await events.work_off()

    assert (before, await placements.due(database, now=clock.now(), limit=9)) == ([], ["A-1"])
    assert await ended(database) == [("done", "order A-1 is looked at: it waits for this payment")]


async def test_an_event_whose_order_never_comes_is_given_up_with_the_reason(
    database: Database, clock: MovableClock, events: Events
) -> None:
    await hear(database, clock, "captured")
    for _ in range(MOST_TRIES):
        await events.work_off()
        clock.move((BACKOFF * 2**MOST_TRIES).total_seconds())

    assert await ended(database) == [("dead", "there is no order A-1")]


async def test_a_stores_events_ask_for_one_run_of_the_orders_sync(
    database: Database, clock: MovableClock, events: Events
) -> None:
    for number in range(3):
        await hear(database, clock, "", vendor="shopify", id=f"e{number}")

    assert await events.work_off() == 3
    assert [(run.sync, run.trigger) for run in await run_history.queued(database)] == [("orders", "event")]


async def test_what_only_a_look_up_needs_is_kept_for_it(
    database: Database, clock: MovableClock, events: Events
) -> None:
    await hear(database, clock, "delivered", vendor="twilio")
    await events.work_off()
    clock.move(timedelta(days=1).total_seconds())

    assert await ended(database) == [("done", "kept; a look-up by its reference finds it")]
    assert len(await vendor_events.of_reference(database, "twilio", "A-1")) == 1
