"""Runs over a stretch of time: which belong to it, how many, sliced; and the pauses in it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, text

from db import pauses, run_history, run_times, runs, schedules
from db.engine import Database
from db.run_times import RunFilter
from db.schema import sync_runs
from tests.conftest import NOON, MovableClock

HOUR = timedelta(hours=1)


async def put(
    db: Database,
    id: str,
    slot: datetime,
    *,
    sync: str = "orders",
    outcome: str | None = "success",
    lasted: timedelta = timedelta(minutes=1),
) -> None:
    run = runs.new_run(sync, "schedule", slot)
    values = {
        "id": id,
        "sync": sync,
        "state": "finished" if outcome else "running",
        "outcome": outcome,
        "trigger": "schedule",
        "scheduled_at": slot,
        "started_at": None if outcome == "missed" else slot,
        "finished_at": slot + lasted if outcome else None,
        "correlation_id": run.correlation_id,
        "takeovers": 0,
        "dry_run": False,
    }
    async with db.write() as connection:
        await connection.execute(insert(sync_runs).values(values))


@pytest.fixture
async def day(database: Database) -> Database:
    await put(database, "before", NOON - 3 * HOUR)
    await put(database, "went-on", NOON - 2 * HOUR, lasted=HOUR + HOUR / 2)
    await put(database, "well", NOON - HOUR / 2)
    await put(database, "wrong", NOON - HOUR / 3, outcome="error")
    await put(database, "missed", NOON - HOUR / 4, outcome="missed")
    await put(database, "goes-on", NOON - 60 * HOUR, sync="inventory", outcome=None)
    await put(database, "after", NOON)
    return database


async def test_a_stretch_has_the_runs_with_a_slot_in_it_and_those_that_were_going_on(day: Database) -> None:
    which = RunFilter(since=NOON - HOUR, until=NOON)
    found = [run.id for run in await run_times.listed(day, which)]

    assert found == ["missed", "wrong", "well", "went-on", "goes-on"]
    assert await run_times.counts(day, which) == {
        ("orders", "success"): 2,
        ("orders", "error"): 1,
        ("orders", "missed"): 1,
        ("inventory", "running"): 1,
    }


async def test_runs_are_narrowed_by_sync_and_outcome_and_paged_both_ways(day: Database) -> None:
    since, until = NOON - HOUR, NOON
    errors = await run_times.listed(day, RunFilter(since=since, until=until, sync="orders", outcome="error"))
    running = await run_times.listed(day, RunFilter(since=since, until=until, outcome="running"))
    all_of_it = RunFilter(since=since, until=until)
    second = await run_times.listed(day, all_of_it, offset=2, limit=2)
    last = second[-1]
    third = await run_times.listed(day, all_of_it, before=(last.scheduled_at, last.id), limit=2)

    assert [run.id for run in errors] == ["wrong"]
    assert [run.id for run in running] == ["goes-on"]
    assert [run.id for run in second] == ["well", "went-on"]
    assert [run.id for run in third] == ["goes-on"]


async def test_slices_count_what_became_of_the_runs_whose_slots_lie_in_them(day: Database) -> None:
    found = await run_times.sliced(day, "orders", since=NOON - HOUR, until=NOON, number=4)

    assert [(one.place, dict(one.became)) for one in found] == [(2, {"success": 1, "error": 1}), (3, {"missed": 1})]


async def test_the_lanes_get_the_latest_runs_of_each_sync_oldest_first(day: Database) -> None:
    found = await run_times.of_syncs(day, ["orders", "spend"], since=NOON - HOUR, until=NOON, limit=2)

    assert [run.id for run in found["orders"]] == ["wrong", "missed"]
    assert found["spend"] == []


async def test_the_latest_run_that_ended_is_found_however_many_others_ran_since(day: Database) -> None:
    await put(day, "rates", NOON - 20 * HOUR, sync="currency")
    found = await run_history.latest_ended(day, ["orders", "currency", "inventory"])

    assert {sync: run.id for sync, run in found.items()} == {"orders": "after", "currency": "rates"}


async def test_a_stretch_is_a_range_of_an_index(day: Database) -> None:
    clause = RunFilter(since=NOON - HOUR, until=NOON).clause()
    query = select(sync_runs.c.id).where(clause).order_by(sync_runs.c.scheduled_at.desc())
    compiled = query.compile(dialect=day.engine.dialect, compile_kwargs={"literal_binds": True})
    async with day.read() as connection:
        if not day.is_sqlite:  # it would read so few rows as they are
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if day.is_sqlite else "EXPLAIN"
        plan = "\n".join(str(tuple(row)) for row in await connection.execute(text(f"{explain} {compiled}")))

    assert "ix_sync_runs_scheduled_at" in plan
    assert "SORT" not in plan.upper()


async def test_pauses_of_a_stretch_are_read_from_who_paused_and_who_resumed(
    database: Database, clock: MovableClock
) -> None:
    await schedules.pause(database, "orders", reason="Stocktaking", by="ada", now=NOON)
    await schedules.resume(database, "orders", reason=None, by="bob", now=NOON + HOUR)
    await schedules.pause(database, "orders", reason="Release", by="ada", now=NOON + 2 * HOUR, until=NOON + 3 * HOUR)
    await schedules.pause(database, "inventory", reason="Moved", by="cleo", now=NOON + 2 * HOUR)
    found = await pauses.pauses(database, since=NOON, until=NOON + 5 * HOUR)
    early = await pauses.pauses(database, since=NOON + 90 * timedelta(minutes=1), until=NOON + 2 * HOUR)

    assert [(one.sync, one.since, one.until, one.by, one.reason) for one in found] == [
        ("inventory", NOON + 2 * HOUR, None, "cleo", "Moved"),
        ("orders", NOON, NOON + HOUR, "ada", "Stocktaking"),
        ("orders", NOON + 2 * HOUR, NOON + 3 * HOUR, "ada", "Release"),
    ]
    assert early == []


async def test_a_pause_older_than_the_audit_is_known_from_the_schedule(database: Database) -> None:
    await schedules.pause(database, "orders", reason="Stocktaking", by="ada", now=NOON)
    async with database.write() as connection:
        await connection.execute(text("DELETE FROM audit"))
    (found,) = await pauses.pauses(database, since=NOON + HOUR, until=NOON + 2 * HOUR)

    assert (found.by, found.reason, found.until) == ("ada", "Stocktaking", None)
