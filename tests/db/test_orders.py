"""Orders: placed whole or not at all, personal data sealed."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from sqlalchemy import select, text

from db import orders, outbox, stock
from db.engine import Database
from db.orders import NewOrder, OrderLine
from tests.conftest import MovableClock


def _order(clock: MovableClock, reference: str = "S-1", quantity: str = "2") -> NewOrder:
    return NewOrder(
        reference=reference,
        placed_at=clock.now(),
        currency="EUR",
        total=Decimal("39.98"),
        country="DE",
        lines=[OrderLine(sku="A", quantity=Decimal(quantity), unit_price=Decimal("19.99"), description="Mug")],
        customer={"name": "Ada Example", "email": "ada@example.com"},
    )


async def test_an_order_is_placed_with_its_errand_and_takes_its_stock(database: Database, clock: MovableClock) -> None:
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
    assert (int(level.quantity), level.version, level.changed_by) == (8, 2, "order")


async def test_the_same_reference_again_changes_nothing(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "A", "MAIN", Decimal(10), by="api", now=clock.now())
    placed = await asyncio.gather(*(orders.place(database, _order(clock), now=clock.now()) for _ in range(3)))

    (level,) = await stock.levels_of(database, "A")
    assert sorted(placed) == [False, False, True]
    assert level.quantity == 8


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
