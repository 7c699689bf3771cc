"""Backfills: one open at a time, slice by slice, stopped and taken up again, and how far they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from db import audit, backfill_progress, backfills, run_history, runs
from db.backfills import Backfill
from db.engine import Database
from db.runs import Counts
from tests.conftest import NOON, MovableClock

DAY = timedelta(days=1)


async def begin(db: Database, *, days: int = 3, id: str | None = None) -> Backfill | None:
    return await backfills.create(
        db,
        "currency",
        NOON - days * DAY,
        NOON,
        slice_seconds=86_400,
        pause_seconds=0,
        reason="restated",
        by="ada",
        now=NOON,
        id=id,
    )


async def one(db: Database, *, days: int = 3) -> Backfill:
    found = await begin(db, days=days)
    assert found is not None
    return found


async def work_off(db: Database, clock: MovableClock, outcome: str = "success") -> None:
    """Ask for the next slice and let its run end."""
    clock.move(1)
    await backfills.advance(db, now=clock.now())
    (run,) = await run_history.queued(db)
    until = clock.now() + timedelta(seconds=30)
    grip = await runs.begin(db, run, holder="test@here:1:00000000", now=clock.now(), until=until)
    assert grip is not None
    clock.move(10)
    async with db.write() as connection:
        counts = Counts(pages=1, read=1, written=1)
        await runs.checkpoint(connection, grip, now=clock.now(), until=until + DAY, counts=counts)
        await runs.finish(connection, grip, outcome=outcome, now=clock.now(), message="so it ended")
    await backfills.advance(db, now=clock.now())


async def states(db: Database, id: str) -> list[str]:
    return [part.state for part in await backfills.slices(db, id)]


async def state(db: Database, id: str) -> str:
    found = await backfills.get(db, id)
    assert found is not None
    return found.state


async def test_of_several_begun_at_once_one_is_open(database: Database) -> None:
    begun = await asyncio.gather(*(begin(database) for _ in range(4)))

    assert sum(found is not None for found in begun) == 1
    assert len([act for act in await audit.list_acts(database) if act.act == "backfill.started"]) == 1


async def test_asked_for_twice_under_one_id_it_is_begun_once(database: Database) -> None:
    first, second = await begin(database, id="a" * 32), await begin(database, id="a" * 32)

    assert first == second
    assert len(await backfills.listed(database)) == 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.5, [0.5]), (3600, [3600]), (7200.4, [3600, 3600.4]), (7202, [3600, 3600, 2]), (7199, [3600, 3599])],
)
def test_range_is_cut_into_slices_and_a_moment_that_is_over_is_none(seconds: float, expected: list[float]) -> None:
    found = backfills.sliced(NOON, NOON + timedelta(seconds=seconds), 3600)

    assert [(until - since).total_seconds() for since, until in found] == expected
    assert [since for since, _ in found[1:]] == [until for _, until in found[:-1]]


async def test_its_slices_run_one_after_the_other_until_it_is_done(database: Database, clock: MovableClock) -> None:
    backfill = await one(database)
    for _ in range(3):
        await work_off(database, clock)
    found = await run_history.recent(database, "currency")
    far = (await backfill_progress.progress(database, [backfill.id]))[backfill.id]

    assert await state(database, backfill.id) == "done"
    assert {run.backfill_id for run in found} == {backfill.id}
    assert (far.done, far.total, far.written, far.worked, far.ended) == (3, 3, 3, 30.0, 3)


async def test_the_time_left_follows_what_its_slices_took(database: Database, clock: MovableClock) -> None:
    backfill = await one(database)
    before = (await backfill_progress.progress(database, [backfill.id]))[backfill.id]
    await work_off(database, clock)
    after = (await backfill_progress.progress(database, [backfill.id]))[backfill.id]

    assert before.seconds_left(backfill) is None
    assert after.seconds_left(backfill) == pytest.approx(20.0)


async def test_after_three_failed_slices_in_a_row_the_rest_waits_and_is_taken_up_again(
    database: Database, clock: MovableClock
) -> None:
    backfill = await one(database, days=5)
    for _ in range(3):
        await work_off(database, clock, "error")
    assert await state(database, backfill.id) == "failed"
    assert await states(database, backfill.id) == ["failed"] * 3 + ["waiting"] * 2
    assert await backfills.take_up(database, backfill.id, by="bob", now=clock.now())
    for _ in range(5):
        await work_off(database, clock)

    assert await state(database, backfill.id) == "done"


async def test_cancelled_it_starts_nothing_more_and_another_keeps_it_from_being_taken_up(
    database: Database, clock: MovableClock
) -> None:
    first = await one(database)
    await work_off(database, clock)
    assert await backfills.cancel(database, first.id, reason="too dear", by="bob", now=clock.now())
    assert not await backfills.cancel(database, first.id, reason="again", by="bob", now=clock.now())
    second = await one(database)
    taken_up = await backfills.take_up(database, first.id, by="bob", now=clock.now())

    assert await states(database, first.id) == ["done", "cancelled", "cancelled"]
    assert not taken_up
    assert (await state(database, first.id), await state(database, second.id)) == ("cancelled", "open")


async def test_what_earlier_slices_took_is_known(database: Database, clock: MovableClock) -> None:
    assert await backfill_progress.measured(database, "currency") is None
    await one(database)
    await work_off(database, clock)
    found = await backfill_progress.measured(database, "currency")

    assert found is not None
    assert (found.slices, found.days, found.read, found.seconds) == (1, 1.0, 1, 10.0)
