"""Open tabs hear of every write, once, and the hub costs nothing when nobody listens."""

from __future__ import annotations

import asyncio

import pytest

from db import processes
from db.changes import ChangeCounter
from db.engine import Database, StoreUnavailable
from monitoring.live import Hub
from tests.conftest import MovableClock


async def _beat(queue: asyncio.Queue[dict[str, object] | None]) -> dict[str, object] | None:
    return await asyncio.wait_for(queue.get(), timeout=10)


async def test_change_counter_moves_with_a_write_of_somebody_else(database: Database, clock: MovableClock) -> None:
    counter = ChangeCounter(database)
    before, again = await counter.read(), await counter.read()
    await processes.started(database, "other", "worker", now=clock.now())
    after = await counter.read()
    await counter.close()

    assert before == again
    assert after != before


async def test_tab_hears_of_a_write_and_of_the_scheduler(database: Database, clock: MovableClock) -> None:
    hub = Hub(database, clock.now, tick=0.01)
    async with hub.listen("tab") as queue:
        first = await _beat(queue)
        await processes.started(database, "scheduler-1", "scheduler", now=clock.now())
        clock.move(7)
        second = await _beat(queue)

    assert first is not None
    assert second is not None
    assert (first["scheduler"], second["scheduler"]) == (None, 7.0)
    assert second["n"] != first["n"]


async def test_same_tab_joining_anew_ends_its_earlier_listener(database: Database, clock: MovableClock) -> None:
    hub = Hub(database, clock.now, tick=0.01)
    async with hub.listen("tab") as earlier, hub.listen("tab") as later:
        told = await _beat(earlier)
        while told is not None:
            told = await _beat(earlier)

        assert await _beat(later) is not None
        assert hub.listening == 1


async def test_hub_stops_watching_when_the_last_tab_leaves(database: Database, clock: MovableClock) -> None:
    hub = Hub(database, clock.now, tick=0.01)
    async with hub.listen("one"), hub.listen("two"):
        assert repr(hub).endswith("tabs=2>")

    assert hub.listening == 0
    assert [task for task in asyncio.all_tasks() if task.get_name() == "dashboard-hub"] == []


async def test_reading_is_shared_until_something_changes(database: Database, clock: MovableClock) -> None:
    hub = Hub(database, clock.now)
    loads = 0

    async def load() -> int:
        nonlocal loads
        loads += 1
        return loads

    together = await asyncio.gather(*(hub.once("cards", load) for _ in range(20)))
    hub.version += 1
    later = await hub.once("cards", load)

    assert set(together) == {1}
    assert later == 2


async def test_reading_that_fails_fails_for_everybody_who_asked_and_is_tried_again(
    database: Database, clock: MovableClock
) -> None:
    hub = Hub(database, clock.now)

    async def fail() -> int:
        raise StoreUnavailable("away")

    async def answer() -> int:
        return 7

    with pytest.raises(StoreUnavailable):
        await hub.once("cards", fail)

    assert await hub.once("cards", answer) == 7


async def test_beat_says_when_the_database_is_away(database: Database, clock: MovableClock) -> None:
    hub = Hub(database, clock.now)
    hub._db = _Away()  # type: ignore[assignment]  # a database that never answers

    beat = await hub.beat("poll")

    assert (beat["store"], beat["via"]) == (False, "poll")


class _Away:
    def read(self) -> object:
        raise StoreUnavailable("the database does not answer")
