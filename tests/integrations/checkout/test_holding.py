"""One process at an order: it keeps it while it works, loses it soon when it dies, and stops before another begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from db import placements, schema
from db.engine import Database, StoreUnavailable
from integrations.checkout.holding import HOLD, RENEWED, SPARE, HoldLost, Holds
from integrations.checkout.placing import PlacingDesk
from integrations.errors import LeaseHeld
from tests.conftest import MovableClock
from tests.integrations.checkout.test_placing import Shop, wanted
from tests.waiting import until

ELSEWHERE = "h@00000000:4711:a1b2c3d4e5f6"  # a process of another machine


class Beats:
    """The sleep between renewals: it ends when the test says so, and time has passed then."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock
        self._sleeping = asyncio.Event()
        self._waked = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self._sleeping.set()
        await self._waked.wait()
        self._waked.clear()
        self._clock.move(seconds)

    async def beat(self) -> None:
        """Let one renewal through, and wait until the next is slept for."""
        await asyncio.wait_for(self._sleeping.wait(), 10)
        self._sleeping.clear()
        self._waked.set()
        await asyncio.wait_for(self._sleeping.wait(), 10)


class Unreliable(Database):
    """A database that can be read, and written to while it is not ``away``."""

    def __init__(self, real: Database) -> None:
        super().__init__(real.engine, real.seal)
        self.away = False

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        if self.away:
            raise StoreUnavailable("it is away")
        async with super().write() as connection:
            yield connection

    def impatient(self, patience: float = 1.0) -> Database:
        return self


@pytest.fixture
def shop(database: Database, clock: MovableClock) -> Shop:
    return Shop(db=database, clock=clock)


def holds(shop: Shop, beats: Beats, db: Database | None = None) -> Holds:
    return Holds(db or shop.db, shop.clock.now, sleep=beats.sleep)


async def place(desk: PlacingDesk) -> str:
    """Ask for the order at a process, and return how far it is there."""
    try:
        return (await desk.place(wanted(), key="k-1", correlation_id="c" * 32, asked_by="shop")).state
    except LeaseHeld:
        return "held"


async def asked_for(shop: Shop, operation: str, times: int = 1) -> None:
    """Wait until a vendor is asked for something so many times."""

    async def is_asked() -> bool:
        return shop.vendors.asked.count(operation) >= times

    await until(is_asked, seconds=10)


async def test_an_order_is_left_to_a_living_process_however_long_its_vendor_takes(shop: Shop) -> None:
    shop.vendors.waits["create_payment"] = asyncio.Event()
    beats, other, seen = Beats(shop.clock), shop.desk(), set()
    first = asyncio.create_task(place(shop.desk(holds=holds(shop, beats))))
    await asked_for(shop, "create_payment")
    begun = shop.clock.now()
    while shop.clock.now() < begun + 4 * HOLD:
        await beats.beat()
        seen.add(await place(other))
        seen.add(str(await other.work_off()))
    shop.vendors.waits["create_payment"].set()

    assert (await first, seen) == ("placed", {"held", "0"})
    assert (shop.vendors.asked.count("create_payment"), shop.vendors.sent["payment", "S-1"]) == (1, 1)


async def test_what_a_process_of_another_machine_held_is_free_seconds_after_its_death(shop: Shop) -> None:
    shop.vendors.waits["quote_tax"] = asyncio.Event()
    died = asyncio.create_task(place(shop.desk()))
    await asked_for(shop, "quote_tax")
    async with shop.db.write() as connection:
        await connection.execute(update(schema.placements).values(held_by=ELSEWHERE))
    died.cancel()
    await asyncio.gather(died, return_exceptions=True)
    shop.vendors.waits.clear()
    last = shop.clock.now() + HOLD
    before = await place(shop.desk())
    shop.clock.move((last - shop.clock.now()).total_seconds() - 1)
    still = await place(shop.desk())
    shop.clock.move(1)
    after = await place(shop.desk())

    assert timedelta(seconds=20) >= HOLD
    assert (before, still, after) == ("held", "held", "placed")


async def test_a_process_that_cannot_renew_ends_its_work_before_another_may_begin(shop: Shop) -> None:
    shop.vendors.waits["create_payment"] = asyncio.Event()
    beats, db = Beats(shop.clock), Unreliable(shop.db)
    first = asyncio.create_task(place(shop.desk(holds=holds(shop, beats, db))))
    await asked_for(shop, "create_payment")
    held = await shop.row()
    db.away = True
    while not first.done():
        beat = asyncio.ensure_future(beats.beat())
        await asyncio.wait((beat, first), return_when=asyncio.FIRST_COMPLETED)
        beat.cancel()
    ended_at, ended_as = shop.clock.now(), await first
    at_once = await place(shop.desk())
    shop.vendors.waits["create_payment"].set()
    shop.clock.move(HOLD.total_seconds())
    second = await place(shop.desk())

    assert held.held_until is not None
    assert ended_at <= held.held_until - timedelta(seconds=SPARE)
    assert (ended_as, at_once, second) == ("paying", "held", "placed")
    assert (shop.vendors.asked.count("create_payment"), shop.vendors.sent["payment", "S-1"]) == (2, 1)


async def test_one_failed_renewal_ends_nothing(shop: Shop) -> None:
    shop.vendors.waits["create_payment"] = asyncio.Event()
    beats, db = Beats(shop.clock), Unreliable(shop.db)
    first = asyncio.create_task(place(shop.desk(holds=holds(shop, beats, db))))
    await asked_for(shop, "create_payment")
    db.away = True
    await beats.beat()
    db.away = False
    await beats.beat()
    row = await shop.row()
    shop.vendors.waits["create_payment"].set()

    assert row.held_until == shop.clock.now() + HOLD
    assert await first == "placed"


async def test_a_process_whose_order_another_has_taken_stops_and_writes_nothing(shop: Shop) -> None:
    shop.vendors.waits["create_payment"] = asyncio.Event()
    beats = Beats(shop.clock)
    first = asyncio.create_task(place(shop.desk(holds=holds(shop, beats))))
    await asked_for(shop, "create_payment")
    row = await shop.row()
    assert row.held_by is not None
    await placements.release(shop.db, [row.held_by])  # as whoever takes it for dead does
    second = asyncio.create_task(place(shop.desk()))
    await asked_for(shop, "create_payment", times=2)
    mine = await shop.row()
    beat = asyncio.ensure_future(beats.beat())
    stopped = await first
    beat.cancel()
    theirs = await shop.row()
    shop.vendors.waits["create_payment"].set()

    assert (stopped, theirs) == ("paying", mine)
    assert (await second, shop.vendors.sent["payment", "S-1"]) == ("placed", 1)


async def test_a_process_that_is_told_to_end_lets_go_of_its_orders(shop: Shop) -> None:
    await shop.place()
    shop.vendors.waits["create_shipment"] = asyncio.Event()
    desk = shop.desk(patience=0.01)
    await desk.work_off()
    await asked_for(shop, "create_shipment")
    held = await shop.row()
    await desk.close()
    shop.vendors.waits.clear()
    free = await shop.row()
    while await shop.desk().work_off():
        pass

    assert held.held_by is not None
    assert (free.held_by, (await shop.row()).state) == (None, "complete")


async def test_a_body_that_times_out_by_itself_is_no_lost_hold(shop: Shop) -> None:
    await shop.place()
    kept = Holds(shop.db, shop.clock.now)
    held = await kept.take("S-1")
    assert held is not None
    with pytest.raises(TimeoutError) as caught:
        async with kept.kept(held):
            raise TimeoutError

    assert not isinstance(caught.value, HoldLost)
    assert HOLD.total_seconds() - SPARE > 3 * RENEWED  # several tries before the work is ended
