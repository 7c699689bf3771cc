"""Our stock: levels, versions, promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from db import stock
from db.engine import Database
from tests.conftest import MovableClock


async def test_a_level_is_set_and_its_version_rises_only_with_a_change(database: Database, clock: MovableClock) -> None:
    made = await stock.put(database, "A", "MAIN", Decimal("10.5"), by="api", now=clock.now())
    same = await stock.put(database, "A", "MAIN", Decimal("10.5"), by="api", now=clock.now())
    changed = await stock.put(database, "A", "MAIN", Decimal(9), by="api", now=clock.now(), expected_version=1)

    assert [row.version for row in (made, same, changed)] == [1, 1, 2]
    assert await stock.levels_of(database, "A") == [changed]


async def test_a_change_over_somebody_elses_is_refused(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "A", "MAIN", Decimal(10), by="api", now=clock.now())
    await stock.put(database, "A", "MAIN", Decimal(9), by="api", now=clock.now())

    with pytest.raises(stock.StockChanged):
        await stock.put(database, "A", "MAIN", Decimal(8), by="api", now=clock.now(), expected_version=1)


async def test_adjustments_at_once_all_count(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "A", "MAIN", Decimal(100), by="api", now=clock.now())
    await asyncio.gather(
        *(stock.adjust(database, "A", "MAIN", Decimal(-1), by="api", now=clock.now()) for _ in range(10))
    )

    (row,) = await stock.levels_of(database, "A")
    assert (int(row.quantity), row.version) == (90, 11)
    assert await stock.adjust(database, "B", "MAIN", Decimal(-1), by="api", now=clock.now()) is None


@pytest.mark.parametrize("quantity", ["0.00001", "100000000000"])
async def test_a_quantity_we_cannot_keep_is_refused(database: Database, clock: MovableClock, quantity: str) -> None:
    with pytest.raises(ValueError, match="at most 4 decimals"):
        await stock.put(database, "A", "MAIN", Decimal(quantity), by="api", now=clock.now())


async def test_there_is_never_less_than_nought_on_hand(database: Database, clock: MovableClock) -> None:
    made = await stock.put(database, "A", "MAIN", Decimal(2), by="api", now=clock.now())
    with pytest.raises(ValueError, match="0 or more, not -1"):
        await stock.put(database, "A", "MAIN", Decimal(-1), by="api", now=clock.now())
    with pytest.raises(ValueError, match="0 or more, not -1"):
        await stock.adjust(database, "A", "MAIN", Decimal(-3), by="api", now=clock.now())

    assert await stock.levels_of(database, "A") == [made]


async def test_a_promise_leaves_what_is_on_hand_and_its_version(database: Database, clock: MovableClock) -> None:
    made = await stock.put(database, "A", "MAIN", Decimal(5), by="api", now=clock.now())
    clock.move(60)
    async with database.write() as connection:
        given = await stock.commit(connection, {("A", "MAIN"): Decimal("7.5")})

    (row,) = await stock.levels_of(database, "A")
    assert row == replace(made, committed=Decimal("7.5"))
    assert (row.available, given) == (Decimal("-2.5"), {("A", "MAIN"): "MAIN"})

    async with database.write() as connection:
        await stock.release(connection, {("A", "MAIN"): Decimal("7.5")})

    assert await stock.levels_of(database, "A") == [made]


async def test_a_promise_without_a_warehouse_comes_from_where_most_is_available(
    database: Database, clock: MovableClock
) -> None:
    await stock.put(database, "A", "EAST", Decimal(3), by="api", now=clock.now())
    await stock.put(database, "A", "MAIN", Decimal(5), by="api", now=clock.now())
    given = []
    for _ in range(2):
        async with database.write() as connection:
            given.append(await stock.commit(connection, {("A", ""): Decimal(3), ("GONE", ""): Decimal(1)}))

    assert given == [{("A", ""): "MAIN"}, {("A", ""): "EAST"}]
    assert [int(row.available) for row in await stock.levels_of(database, "A")] == [0, 2]


async def test_promises_at_once_all_count(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "A", "MAIN", Decimal(100), by="api", now=clock.now())

    async def promise() -> None:
        async with database.write() as connection:
            await stock.commit(connection, {("A", ""): Decimal("0.1")})

    await asyncio.gather(*(promise() for _ in range(10)))

    (row,) = await stock.levels_of(database, "A")
    assert (row.committed, row.available) == (Decimal(1), Decimal(99))


async def test_a_change_of_the_level_keeps_what_is_promised(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "A", "MAIN", Decimal(5), by="api", now=clock.now())
    async with database.write() as connection:
        await stock.commit(connection, {("A", ""): Decimal(2)})

    changed = await stock.put(database, "A", "MAIN", Decimal(9), by="api", now=clock.now())

    assert (int(changed.available), changed.version) == (7, 2)
    assert await stock.levels_of(database, "A") == [changed]


async def test_seeding_leaves_what_is_there_and_pages_follow_the_key(database: Database, clock: MovableClock) -> None:
    await stock.put(database, "S001", "MAIN", Decimal(7), by="api", now=clock.now())
    levels = [(f"S{number:03d}", "MAIN", Decimal(1)) for number in range(5)]

    assert await stock.seed(database, levels, by="demo", now=clock.now()) == 4

    first = await stock.page(database, limit=3)
    rest = await stock.page(database, after=(first[-1].sku, first[-1].warehouse))
    assert [(row.sku, int(row.quantity)) for row in (*first, *rest)] == [
        ("S000", 1),
        ("S001", 7),
        ("S002", 1),
        ("S003", 1),
        ("S004", 1),
    ]
