"""Runs: unique slots, one running per sync, take-over, history."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from db import audit, run_history, runs
from db.engine import Database
from db.runs import Counts, Grip, GripLost, RunRow
from tests.conftest import NOON, MovableClock

ANN, BOB = "test@ann:1:00000000", "test@bob:1:00000000"
LONG = timedelta(seconds=30)


async def _queued(db: Database, clock: MovableClock, sync: str = "orders", trigger: str = "user") -> RunRow:
    clock.move(1)
    return await runs.queue(db, sync, trigger=trigger, requested_by="ann", now=clock.now())


async def _begun(db: Database, clock: MovableClock, run: RunRow, holder: str = ANN) -> Grip | None:
    return await runs.begin(db, run, holder=holder, now=clock.now(), until=clock.now() + LONG)


async def _row(db: Database, run: RunRow | Grip) -> RunRow:
    row = await run_history.get(db, run.id if isinstance(run, RunRow) else run.run_id)
    assert row is not None
    return row


async def test_a_slot_is_claimed_once(database: Database) -> None:
    claims = await asyncio.gather(
        *(runs.claim_slot(database, "orders", scheduled_at=NOON, now=NOON, schedule=None) for _ in range(4))
    )

    assert sum(claim is not None for claim in claims) == 1
    assert not await runs.note_missed(database, "orders", scheduled_at=NOON, now=NOON, reason="late")
    assert await run_history.last_slot(database, "orders") == NOON


async def test_asking_twice_gives_the_run_that_waits(database: Database, clock: MovableClock) -> None:
    first = await _queued(database, clock)
    second = await _queued(database, clock)

    assert second == await _row(database, first)
    assert [run.id for run in await run_history.queued(database)] == [first.id]


async def test_who_asked_is_in_the_audit_or_nothing_is_asked_for(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await _queued(database, clock)
    await runs.queue(database, "orders", trigger="event", requested_by=None, now=clock.now())
    (act,) = await audit.list_acts(database, subject="orders")

    assert (act.user_name, act.act, act.facts) == ("ann", "sync.run_requested", {"run_id": run.id, "dry_run": False})

    async def fails(*_args: object, **_more: object) -> None:
        raise RuntimeError("the audit cannot be written")

    monkeypatch.setattr(runs, "note_act", fails)
    with pytest.raises(RuntimeError):
        await _queued(database, clock, "currency")
    assert [run.sync for run in await run_history.queued(database)] == ["orders"]


async def test_the_first_run_is_asked_for_once(database: Database, clock: MovableClock) -> None:
    first = await runs.queue_first(database, "orders", now=clock.now())
    clock.move(1)

    assert first is not None
    assert await runs.queue_first(database, "orders", now=clock.now()) is None
    assert (await _row(database, first)).trigger == "start"


async def test_one_run_of_a_sync_at_a_time(database: Database, clock: MovableClock) -> None:
    first = await _queued(database, clock)
    assert await _begun(database, clock, first) is not None
    second = await _queued(database, clock)

    assert await _begun(database, clock, second, BOB) is None

    row = await _row(database, second)
    assert (row.state, row.outcome, row.finished_at) == ("finished", "missed", clock.now())
    assert row.message == f"Run {first.id} was still running; it started at 2026-03-02 12:00:01 UTC."
    other = await _queued(database, clock, "currency")
    assert await _begun(database, clock, other, BOB) is not None


async def test_a_run_that_waits_to_be_taken_over_is_not_overtaken(database: Database, clock: MovableClock) -> None:
    first = await _queued(database, clock)
    await _begun(database, clock, first)
    clock.move(60)
    second = await _queued(database, clock)

    assert await _begun(database, clock, second, BOB) is None

    (dead,) = await runs.dead(database, now=clock.now())
    assert dead.id == first.id


async def test_a_checkpoint_stores_everything_or_nothing(database: Database, clock: MovableClock) -> None:
    grip = await _begun(database, clock, await _queued(database, clock))
    assert grip is not None
    for _ in range(2):
        clock.move(5)
        async with database.write() as connection:
            cancelled = await runs.checkpoint(
                connection,
                grip,
                now=clock.now(),
                until=clock.now() + LONG,
                cursor={"page": "7"},
                counts=Counts(pages=1, read=100, written=40, unchanged=60),
                total=400,
            )
        assert cancelled is None

    row = await _row(database, grip)
    assert (row.pages, row.read, row.written, row.progress, row.heartbeat_at) == (2, 200, 80, 0.5, clock.now())
    assert row.cursor == {"page": "7"}


async def test_a_dead_holders_run_is_taken_over_with_what_it_has_done(database: Database, clock: MovableClock) -> None:
    old = await _begun(database, clock, await _queued(database, clock))
    assert old is not None
    async with database.write() as connection:
        await runs.checkpoint(
            connection, old, now=clock.now(), until=clock.now() + LONG, cursor={"page": "7"}, counts=Counts(read=5)
        )
    assert await runs.dead(database, now=clock.now()) == []
    clock.move(31)
    (dead,) = await runs.dead(database, now=clock.now())

    taken = await asyncio.gather(
        *(
            runs.take_over(database, dead, holder=holder, now=clock.now(), until=clock.now() + LONG)
            for holder in (BOB, "test@cem:1:00000000")
        )
    )

    row = await _row(database, dead)
    assert sum(grip is not None for grip in taken) == 1
    assert (row.takeovers, row.read, row.cursor) == (1, 5, {"page": "7"})
    with pytest.raises(GripLost):
        async with database.write() as connection:
            await runs.checkpoint(connection, old, now=clock.now(), until=clock.now() + LONG, counts=Counts(read=5))
    async with database.write() as connection:
        assert not await runs.finish(connection, old, outcome="success", now=clock.now())
    assert (await _row(database, dead)).state == "running"


async def test_a_finished_run_frees_its_sync(database: Database, clock: MovableClock) -> None:
    grip = await _begun(database, clock, await _queued(database, clock))
    assert grip is not None
    async with database.write() as connection:
        assert await runs.finish(connection, grip, outcome="error", now=clock.now(), message="No.", error_type="x")

    row = await _row(database, grip)
    assert (row.state, row.outcome, row.message, row.error_type) == ("finished", "error", "No.", "x")
    assert await _begun(database, clock, await _queued(database, clock), BOB) is not None


async def test_a_cancel_reaches_a_running_run_at_its_checkpoint(database: Database, clock: MovableClock) -> None:
    grip = await _begun(database, clock, await _queued(database, clock))
    assert grip is not None
    assert await runs.request_cancel(database, grip.run_id, by="bob", now=clock.now())

    async with database.write() as connection:
        assert await runs.checkpoint(connection, grip, now=clock.now(), until=clock.now() + LONG) == "bob"
    assert not await runs.request_cancel(database, "no such run", by="bob", now=clock.now())


async def test_history_is_newest_first_and_knows_the_last_cursor(database: Database, clock: MovableClock) -> None:
    for page in ("1", "2"):
        grip = await _begun(database, clock, await _queued(database, clock))
        assert grip is not None
        async with database.write() as connection:
            await runs.checkpoint(connection, grip, now=clock.now(), until=clock.now() + LONG, cursor={"page": page})
            await runs.finish(connection, grip, outcome="success", now=clock.now())
    clock.move(1)

    recent = await run_history.recent(database, "orders")
    last = await run_history.last(database, "orders")
    assert [run.cursor for run in recent] == [{"page": "2"}, {"page": "1"}]
    assert last == recent[0]
    assert await run_history.last_cursor(database, "orders", before=clock.now()) == {"page": "2"}
    assert await run_history.last_cursor(database, "currency", before=clock.now()) == {}
    assert run_history.facts(recent[0])["started_at"] == "2026-03-02T12:00:02Z"
