"""Leases: one holder at a time, over all processes."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

import pytest

from db import leases
from db.engine import Database
from db.owner import is_dead, new_holder, new_owner
from tests.conftest import MovableClock

ANN, BOB = "test@ann:1:00000000", "test@bob:1:00000000"
LONG = timedelta(seconds=30)


async def _acquire(db: Database, clock: MovableClock, holder: str) -> bool:
    async with db.write() as connection:
        return await leases.acquire(connection, "sync:x", holder, now=clock.now(), until=clock.now() + LONG)


async def test_a_held_lease_is_not_given_again(database: Database, clock: MovableClock) -> None:
    assert await _acquire(database, clock, ANN)
    assert not await _acquire(database, clock, BOB)
    assert not await _acquire(database, clock, ANN)

    held = await leases.holder(database, "sync:x", now=clock.now())
    assert held is not None
    assert (held.acquired_by, held.acquired_until) == (ANN, clock.now() + LONG)


async def test_of_many_at_once_one_gets_it(database: Database, clock: MovableClock) -> None:
    given = await asyncio.gather(*(_acquire(database, clock, f"test@host{number}:1:00000000") for number in range(5)))

    assert sorted(given) == [False] * 4 + [True]


async def test_a_lease_ends_by_its_time(database: Database, clock: MovableClock) -> None:
    await _acquire(database, clock, ANN)
    clock.move(30)

    assert await leases.holder(database, "sync:x", now=clock.now()) is None
    assert await _acquire(database, clock, BOB)
    async with database.write() as connection:
        assert not await leases.extend(connection, "sync:x", ANN, until=clock.now() + LONG)
        assert await leases.extend(connection, "sync:x", BOB, until=clock.now() + LONG)


async def test_a_lease_given_back_is_free_and_only_its_holder_gives_it_back(
    database: Database, clock: MovableClock
) -> None:
    await _acquire(database, clock, ANN)
    async with database.write() as connection:
        await leases.release(connection, "sync:x", BOB)
    assert not await _acquire(database, clock, BOB)

    async with database.write() as connection:
        await leases.release(connection, "sync:x", ANN)
    assert await _acquire(database, clock, BOB)


async def test_the_lease_of_a_process_that_is_gone_from_this_machine_is_free(
    database: Database, clock: MovableClock
) -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "pass")
    await gone.wait()
    await _acquire(database, clock, new_owner("test").replace(f":{os.getpid()}:", f":{gone.pid}:"))

    assert await _acquire(database, clock, BOB)


async def test_a_process_id_given_elsewhere_says_nothing_here(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "pass")
    await gone.wait()
    monkeypatch.setattr("os.readlink", lambda path: "pid:[1]")  # a container with the host's name
    there = [made.replace(f":{os.getpid()}:", f":{gone.pid}:") for made in (new_owner("scheduler"), new_holder())]
    judged_there = [is_dead(owner) for owner in there]
    monkeypatch.undo()
    await _acquire(database, clock, there[0])

    assert judged_there == [True, True]
    assert [is_dead(owner) for owner in there] == [False, False]
    assert not await _acquire(database, clock, BOB)


def test_the_longest_ids_fit_their_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 64)
    monkeypatch.setattr("os.getpid", lambda: 4_194_304)

    assert (len(new_owner("scheduler")), len(new_holder())) == (64, 31)
