"""Circuits that processes share: when they open, for how long, who may pass, and what a person may say about it."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from db import circuits as store
from db.circuit_acts import set_by_hand
from db.engine import Database, StoreUnavailable
from integrations.circuit_board import CircuitBoard
from integrations.errors import CircuitIsOpen
from integrations.resilience.circuit_breaker import BreakerOptions, Judgement
from tests.conftest import MovableClock

OPTIONS = BreakerOptions(minimum_number_of_calls=10, wait_duration_in_open_state=60.0)


def board(db: Database, clock: MovableClock, owner: str = "one", options: BreakerOptions = OPTIONS) -> CircuitBoard:
    return CircuitBoard(db, owner, clock, lambda _vendor: options)  # type: ignore[arg-type]  # has what a clock needs


async def attempt(one: CircuitBoard, judgement: Judgement, *, duration: float = 0.1, **more: object) -> None:
    leave = await one.permit("acme", "acme", "Acme")
    await one.report(leave, judgement, duration=duration, **more)  # type: ignore[arg-type]  # what and retry_after


async def refresh(*boards: CircuitBoard) -> None:
    """Do what every half second does, without waiting for it."""
    for one in boards:
        await one._refresh()


async def wait_of(one: CircuitBoard) -> float:
    with pytest.raises(CircuitIsOpen) as caught:
        await one.permit("acme", "acme", "Acme")
    assert caught.value.retry_after is not None
    return caught.value.retry_after


async def test_five_failures_in_a_row_open_it_for_a_minute(database: Database, clock: MovableClock) -> None:
    one = board(database, clock)
    for _ in range(5):
        await attempt(one, "failed", what="Acme is broken.")

    with pytest.raises(CircuitIsOpen, match=r"5 calls in a row failed; the last: Acme is broken\); .* in 60 s"):
        await one.permit("acme", "acme", "Acme")
    assert repr(one) == "<CircuitBoard acme=open>"


async def test_a_success_between_ends_the_row(database: Database, clock: MovableClock) -> None:
    one = board(database, clock)
    for judgement in ("failed", "failed", "successful", "failed", "failed", "failed", "failed"):
        await attempt(one, judgement)

    assert one.state_of("acme") == "closed"


async def test_a_slow_success_ends_the_row_too(database: Database, clock: MovableClock) -> None:
    one = board(database, clock)
    for _ in range(4):
        await attempt(one, "failed")
    await attempt(one, "successful", duration=11.0)
    await attempt(one, "failed")

    assert one.state_of("acme") == "closed"


async def test_half_of_all_calls_of_all_processes_failing_opens_it(database: Database, clock: MovableClock) -> None:
    options = BreakerOptions(consecutive_failures=100)
    one, two = board(database, clock, options=options), board(database, clock, "two", options)
    for _ in range(5):
        await attempt(two, "successful")
    await refresh(two)
    for _ in range(4):
        await attempt(one, "failed")
    before = one.state_of("acme")
    await attempt(one, "failed")
    await refresh(two)

    assert (before, one.state_of("acme"), two.state_of("acme")) == ("closed", "open", "open")
    row = await store.state(database, "acme")
    assert row is not None
    assert row.reason == "5 of 10 calls failed in 60 s"


async def test_calls_that_are_slow_open_it(database: Database, clock: MovableClock) -> None:
    one = board(database, clock)
    for _ in range(10):
        await attempt(one, "successful", duration=10.5)

    row = await store.state(database, "acme")
    assert row is not None
    assert (row.state, row.reason) == ("open", "10 of 10 calls were slower than 10 s in 60 s")


async def test_counts_outside_the_window_are_forgotten(database: Database, clock: MovableClock) -> None:
    one = board(database, clock, options=BreakerOptions(consecutive_failures=100))
    for _ in range(9):
        await attempt(one, "failed")
    clock.move(61)
    await attempt(one, "failed")

    assert one.state_of("acme") == "closed"


async def test_the_wait_doubles_each_time_and_is_never_shorter_than_the_vendor_asks(
    database: Database, clock: MovableClock
) -> None:
    one = board(database, clock)
    for _ in range(5):
        await attempt(one, "failed")
    waits = [await wait_of(one)]
    for retry_after in (None, None, 1000.0):
        clock.move(waits[-1])
        await attempt(one, "failed", retry_after=retry_after)
        waits.append(await wait_of(one))

    assert waits == [60.0, 120.0, 240.0, 1000.0]


async def test_three_probes_close_it_and_the_next_opening_starts_at_a_minute(
    database: Database, clock: MovableClock
) -> None:
    one, two = board(database, clock), board(database, clock, "two")
    for _ in range(5):
        await attempt(one, "failed")
    clock.move(60)
    await refresh(two)
    states = []
    for each in (one, two, one):
        await refresh(one, two)
        await attempt(each, "successful")
        states.append(each.state_of("acme"))
    await refresh(two)

    assert states == ["half_open", "half_open", "closed"]
    assert two.state_of("acme") == "closed"
    for _ in range(5):
        await attempt(two, "failed")
    assert await wait_of(two) == 60.0


async def test_a_probe_whose_process_died_is_taken_over_after_its_time(database: Database, clock: MovableClock) -> None:
    one, two = board(database, clock), board(database, clock, "two")
    for _ in range(5):
        await attempt(one, "failed")
    clock.move(60)
    await one.permit("acme", "acme", "Acme")  # and dies
    await refresh(two)
    with pytest.raises(CircuitIsOpen, match="a probe is under way"):
        await two.permit("acme", "acme", "Acme")
    clock.move(OPTIONS.max_wait_duration_in_half_open_state)

    leave = await two.permit("acme", "acme", "Acme")

    assert (leave.state, leave.probe) == ("half_open", True)


async def test_a_probe_that_proved_nothing_leaves_it_half_open(database: Database, clock: MovableClock) -> None:
    one = board(database, clock)
    for _ in range(5):
        await attempt(one, "failed")
    clock.move(60)
    await attempt(one, "ignored")

    assert one.state_of("acme") == "half_open"


@pytest.mark.parametrize("state", ["disabled", "watch_only"])
async def test_a_circuit_that_only_watches_lets_everything_pass(
    database: Database, clock: MovableClock, state: str
) -> None:
    one = board(database, clock)
    await set_by_hand(database, "acme", "acme", state, reason="a test", by="ada", expires_at=None, now=clock.now())
    await refresh(one)
    for _ in range(20):
        await attempt(one, "failed")

    assert (await one.permit("acme", "acme", "Acme")).state == state


async def test_what_a_person_has_set_ends_when_they_said(database: Database, clock: MovableClock) -> None:
    one, two = board(database, clock), board(database, clock, "two")
    until = clock.now() + timedelta(minutes=5)
    await set_by_hand(
        database, "acme", "acme", "forced_open", reason="maintenance", by="ada", expires_at=until, now=clock.now()
    )
    await refresh(one, two)
    with pytest.raises(CircuitIsOpen, match=r"Acme is held open by ada: maintenance\."):
        await one.permit("acme", "acme", "Acme")
    clock.move(301)

    assert (await one.permit("acme", "acme", "Acme")).state == "closed"
    assert (await two.permit("acme", "acme", "Acme")).state == "closed"
    changes = await store.transitions(database, "acme", until - timedelta(hours=1), until + timedelta(hours=1))
    assert [(change.from_state, change.to_state) for change in changes] == [
        ("forced_open", "closed"),
        ("closed", "forced_open"),
    ]


async def test_what_a_person_has_set_for_a_vendor_holds_for_all_its_circuits(
    database: Database, clock: MovableClock
) -> None:
    one = board(database, clock)
    until = clock.now() + timedelta(minutes=5)
    await set_by_hand(
        database, "acme", "acme", "forced_open", reason="maintenance", by="ada", expires_at=until, now=clock.now()
    )
    await refresh(one)
    with pytest.raises(CircuitIsOpen, match=r"Acme is held open by ada: maintenance\."):
        await one.permit("acme/DE", "acme", "Acme")
    clock.move(301)

    leave = await one.permit("acme/DE", "acme", "Acme")
    assert (leave.name, leave.state) == ("acme/DE", "closed")


async def test_one_circuit_of_a_vendor_open_leaves_its_others_closed(database: Database, clock: MovableClock) -> None:
    one = board(database, clock)
    for _ in range(5):
        await one.report(await one.permit("acme/DE", "acme", "Acme"), "failed", duration=0.1)

    with pytest.raises(CircuitIsOpen):
        await one.permit("acme/DE", "acme", "Acme")
    assert (await one.permit("acme/FR", "acme", "Acme")).state == "closed"
    assert (await one.permit("acme", "acme", "Acme")).state == "closed"


class NoDatabase:
    """What ``read`` and ``write`` give while the database is away."""

    async def __aenter__(self) -> None:
        raise StoreUnavailable("the database does not answer")

    async def __aexit__(self, *_: object) -> None: ...


async def test_without_the_database_a_process_judges_by_its_own_failures(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = board(database, clock)
    monkeypatch.setattr(Database, "write", lambda _self: NoDatabase())
    monkeypatch.setattr(Database, "read", lambda _self: NoDatabase())
    for _ in range(4):
        await attempt(one, "failed")
    before = one.state_of("acme")
    await attempt(one, "failed")

    assert (before, one.state_of("acme")) == ("closed", "open")
    clock.move(61)
    assert (await one.permit("acme", "acme", "Acme")).state == "half_open"
    await attempt(one, "failed")
    assert one.state_of("acme") == "open"


async def test_successes_counted_while_the_database_was_away_are_stored_later(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = board(database, clock)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", lambda _self: NoDatabase())
        for _ in range(3):
            await attempt(one, "successful")
        await refresh(one)
    await refresh(one)

    async with database.read() as connection:
        window = await store.window(connection, "acme", int(clock.time()) - 60)
    assert (window.successful, window.failed) == (3, 0)


async def test_tasks_that_store_the_counts_of_many_circuits_at_once_never_wait_for_each_other(
    database: Database,
) -> None:
    names = [f"acme/{number}" for number in range(100)]

    async def store_in_some_order(seed: int) -> None:
        shuffled = random.Random(seed).sample(names, len(names))
        async with database.write() as connection:
            await store.add_samples(connection, "one", [(name, 1, 1, 0, 0) for name in shuffled])

    for round_ in range(3):
        await asyncio.gather(*(store_in_some_order(8 * round_ + number) for number in range(8)))

    async with database.read() as connection:
        windows = [await store.window(connection, name, 0) for name in names]
    assert {window.successful for window in windows} == {24}
