"""Events of vendors: kept once, worked off in order, found by our reference."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from db import vendor_events
from db.engine import Database
from db.vendor_events import NewEvent
from tests.conftest import NOON

PAID = NewEvent(
    vendor="stripe",
    id="evt_1",
    type="payment_intent.succeeded",
    occurred_at=NOON,
    resource="pi_1",
    reference="A-1",
    data={"status": "captured"},
)


async def keep(database: Database, *events: NewEvent, later: float = 0.0) -> int:
    at = NOON + timedelta(seconds=later)
    return await vendor_events.keep(database, events, correlation_id="c" * 32, now=at)


async def test_a_repeated_delivery_is_stored_once(database: Database) -> None:
    first = await keep(database, PAID)
    again = await keep(database, PAID, later=60)

    assert (first, again) == (1, 0)
    [row] = await vendor_events.latest(database)
    assert (row.id, row.received_at, row.state, dict(row.data)) == ("evt_1", NOON, "waiting", {"status": "captured"})


async def test_deliveries_of_the_same_moment_are_stored_once(database: Database) -> None:
    stored = await asyncio.gather(*(keep(database, PAID) for _ in range(8)))

    assert sum(stored) == 1


async def test_two_vendors_may_use_the_same_id(database: Database) -> None:
    other = NewEvent(vendor="mollie", id="evt_1", type="payment.paid")

    assert await keep(database, PAID, other) == 2


async def test_what_is_due_comes_in_the_order_it_was_received(database: Database) -> None:
    for number, later in enumerate([20.0, 0.0, 10.0]):
        await keep(database, NewEvent(vendor="stripe", id=f"evt_{number}", type="t"), later=later)

    found = await vendor_events.due(database, now=NOON + timedelta(seconds=15))

    assert [row.id for row in found] == ["evt_1", "evt_2"]


async def test_an_event_put_off_waits_and_one_that_ended_is_never_due_again(database: Database) -> None:
    await keep(database, PAID)
    [row] = await vendor_events.due(database, now=NOON)
    put_off = await vendor_events.put_off(database, row, due_at=NOON + timedelta(seconds=30), note="not yet")
    none = await vendor_events.due(database, now=NOON)
    [again] = await vendor_events.due(database, now=NOON + timedelta(seconds=30))
    ended = await vendor_events.end(database, again, state="done", note="order A-1 is paid", now=NOON)

    assert (put_off, none, again.tries, ended) == (True, [], 1, True)
    assert await vendor_events.due(database, now=NOON + timedelta(days=1)) == []
    assert await vendor_events.counts(database) == {("stripe", "done"): 1}


async def test_of_two_workers_one_ends_an_event(database: Database) -> None:
    await keep(database, PAID)
    [row] = await vendor_events.due(database, now=NOON)
    first = await vendor_events.end(database, row, state="done", note="a", now=NOON)
    second = await vendor_events.end(database, row, state="dead", note="b", now=NOON)

    assert (first, second) == (True, False)


async def test_events_are_found_by_our_reference_oldest_first(database: Database) -> None:
    late = NewEvent(
        vendor="stripe", id="evt_3", type="charge.refunded", occurred_at=NOON + timedelta(hours=1), reference="A-1"
    )
    await keep(database, late, PAID, NewEvent(vendor="stripe", id="evt_2", type="t", reference="A-2"))

    assert [row.id for row in await vendor_events.of_reference(database, "stripe", "A-1")] == ["evt_1", "evt_3"]
