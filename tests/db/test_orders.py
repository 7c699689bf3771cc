"""Orders: placed whole or not at all, personal data sealed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from db import orders, outbox, stock
from db.engine import Database
from db.orders import NewOrder, OrderLine
from tests.conftest import MovableClock


def _order(clock: MovableClock, reference: str = "S-1", *, lines: Sequence[OrderLine] = ()) -> NewOrder:
    return NewOrder(
        reference=reference,
        placed_at=clock.now(),
        currency="EUR",
        total=Decimal("39.98"),
        country="DE",
        lines=lines or [OrderLine(sku="A", quantity=Decimal(2), unit_price=Decimal("19.99"), description="Mug")],
        customer={"name": "Ada Example", "email": "ada@example.com"},
    )


async def _says(db: Database, status: str | None, *, now: datetime) -> bool:
    async with db.write() as connection:
        return await orders.note_checked(connection, "S-1", status=status, tracking_number=None, now=now)


async def _promised(db: Database, sku: str = "A") -> dict[str, int]:
    return {row.warehouse: int(row.committed) for row in await stock.levels_of(db, sku)}


async def test_an_order_is_placed_with_its_errand_and_promised_its_stock(
    database: Database, clock: MovableClock
) -> None:
    await stock.put(database, "A", "MAIN", Decimal(10), by="api", now=clock.now())

    assert await orders.place(database, _order(clock), now=clock.now())

    row = await orders.get(database, "S-1", with_customer=True)
    errand = await outbox.get(database, "erp_order", "S-1")
    (level,) = await stock.levels_of(database, "A")
    assert row is not None
    assert errand is not None
    assert (row.total, row.fulfilment_status, row.lines[0].unit_price) == (Decimal("39.98"), "new", Decimal("19.99"))
    assert row.customer == {"name": "Ada Example", "email": "ada@example.com"}
    assert (errand.state, errand.due_at) == ("waiting", clock.now())
    assert (int(level.quantity), int(level.committed), int(level.available)) == (10, 2, 8)
    assert (level.version, level.changed_by, row.lines[0].given_by) == (1, "api", "MAIN")


async def test_the_same_reference_again_changes_nothing(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "A", "MAIN", Decimal(10), by="api", now=clock.now())
    placed = await asyncio.gather(*(orders.place(database, _order(clock), now=clock.now()) for _ in range(3)))

    (level,) = await stock.levels_of(database, "A")
    assert sorted(placed) == [False, False, True]
    assert level.available == 8


@pytest.mark.parametrize(
    ("said", "promised"),
    [
        (["open"], 2),
        (["shipped"], 0),
        (["shipped", "completed", "completed"], 0),
        (["open", "cancelled", "cancelled"], 0),
        (["shipped", "open"], 2),
        (["shipped", "open", "shipped", "completed"], 0),
        (["shipped", None, "completed"], 0),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, list) else None,
)
async def test_a_promise_is_taken_back_once_when_the_goods_are_gone(
    database: Database, clock: MovableClock, said: list[str | None], promised: int
) -> None:
    await stock.put(database, "A", "MAIN", Decimal(10), by="api", now=clock.now())
    await orders.place(database, _order(clock), now=clock.now())

    for status in said:
        await _says(database, status, now=clock.now())

    (level,) = await stock.levels_of(database, "A")
    assert (int(level.committed), int(level.quantity), level.version) == (promised, 10, 1)


async def test_a_status_said_by_several_at_once_takes_the_promise_back_once(
    database: Database, clock: MovableClock
) -> None:
    await stock.put(database, "A", "MAIN", Decimal(10), by="api", now=clock.now())
    await orders.place(database, _order(clock), now=clock.now())

    changed = await asyncio.gather(*(_says(database, "shipped", now=clock.now()) for _ in range(4)))

    assert sorted(changed) == [False, False, False, True]
    assert await _promised(database) == {"MAIN": 0}


async def test_a_promise_is_taken_back_where_it_was_given(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "A", "EAST", Decimal(3), by="api", now=clock.now())
    await stock.put(database, "A", "MAIN", Decimal(5), by="api", now=clock.now())
    price = Decimal("19.99")
    lines = [
        OrderLine(sku="A", quantity=Decimal(1), unit_price=price),
        OrderLine(sku="A", quantity=Decimal(1), unit_price=price, warehouse="EAST"),
        OrderLine(sku="A", quantity=Decimal(2), unit_price=price),
        OrderLine(sku="LATER", quantity=Decimal(1), unit_price=price),
    ]
    await orders.place(database, _order(clock, lines=lines), now=clock.now())
    given = await _promised(database)
    await stock.put(database, "A", "EAST", Decimal(90), by="api", now=clock.now())
    await stock.put(database, "LATER", "MAIN", Decimal(9), by="api", now=clock.now())
    row = await orders.get(database, "S-1")

    await _says(database, "cancelled", now=clock.now())

    assert row is not None
    assert list(row.lines) == lines
    assert [line.given_by for line in row.lines] == ["MAIN", "EAST", "MAIN", None]
    assert given == {"EAST": 1, "MAIN": 3}
    assert await _promised(database) == {"EAST": 0, "MAIN": 0}
    assert await _promised(database, "LATER") == {"MAIN": 0}


async def test_what_is_personal_is_stored_sealed_and_not_listed(database: Database, clock: MovableClock) -> None:
    await orders.place(database, _order(clock), now=clock.now())

    async with database.read() as connection:
        sealed = await connection.scalar(select(text("customer")).select_from(text("orders")))
    (row,) = await orders.listed(database)
    assert "Ada" not in str(sealed)
    assert row.customer is None


async def test_lists_are_paged_newest_first(database: Database, clock: MovableClock) -> None:
    for number in range(5):
        await orders.place(database, _order(clock, f"S-{number}"), now=clock.now())
        if number % 2:
            clock.move(1)

    first = await orders.listed(database, limit=3)
    rest = await orders.listed(database, before=(first[-1].placed_at, first[-1].reference))
    assert [row.reference for row in (*first, *rest)] == ["S-4", "S-3", "S-2", "S-1", "S-0"]
    assert await orders.listed(database, country="FR") == []
    assert await orders.counts(database) == {"new": 5}


async def test_a_payment_and_a_parcel_are_noted(database: Database, clock: MovableClock) -> None:
    await orders.place(database, _order(clock), now=clock.now())

    assert await orders.note_payment(database, "S-1", payment_id="pi_1", payment_status="captured", now=clock.now())
    assert await orders.note_tracking(database, "S-1", tracking_number="794", now=clock.now())
    assert not await orders.note_payment(database, "S-9", payment_id=None, payment_status="failed", now=clock.now())

    row = await orders.get(database, "S-1")
    assert row is not None
    assert (row.payment_id, row.payment_status, row.tracking_number, row.version) == ("pi_1", "captured", "794", 3)


async def _cancel(db: Database, *, now: datetime) -> bool:
    async with db.write() as connection:
        return await orders.cancel_unsent(connection, "S-1", now=now)


async def test_an_order_cancelled_after_it_was_read_to_be_sent_is_not_sent(
    database: Database, clock: MovableClock
) -> None:
    await orders.place(database, _order(clock), now=clock.now())
    (read,) = await outbox.due(database, "erp_order", now=clock.now(), limit=20)
    cancelled = await _cancel(database, now=clock.now())

    assert (cancelled, await outbox.begin(database, read.id)) == (True, False)


async def test_an_order_that_is_being_sent_is_not_cancelled_as_unsent(database: Database, clock: MovableClock) -> None:
    await orders.place(database, _order(clock), now=clock.now())
    (read,) = await outbox.due(database, "erp_order", now=clock.now(), limit=20)
    begun = await outbox.begin(database, read.id)

    assert (begun, await _cancel(database, now=clock.now())) == (True, False)
