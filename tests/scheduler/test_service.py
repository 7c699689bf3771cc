"""The scheduler process: slots, manual runs, take-over, edits, stop. Two services share one database where it matters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from db import audit, processes, run_history, runs, schedules
from db.engine import Database
from db.runs import RunRow
from integrations.types.currency import Rates
from scheduler.listener import Slip
from scheduler.options import CurrencyOptions, SchedulerOptions
from scheduler.service import Duty, Service
from tests.conftest import NOON
from tests.scheduler.stage import Stage

SLOT = NOON


async def forever(seconds: float) -> None:
    """Sleep until cancelled: what beats in the background stands still in these tests."""
    await asyncio.Event().wait()


@pytest.fixture
def make(stage: Stage) -> Callable[..., Awaitable[Service]]:
    stage.erp.rates = Rates(base="USD", as_of=NOON, rates={"EUR": Decimal(1)})

    async def service(**options: object) -> Service:
        made = Service(
            db=stage.db,
            calls=stage.erp,
            options=replace(SchedulerOptions(), **options),  # type: ignore[arg-type] # as the test gives them
            now=stage.clock.now,
            sleep=forever,
        )
        await made.read_schedules()
        return made

    return service


Make = Callable[..., Awaitable[Service]]


async def edit(stage: Stage, schedule: str) -> None:
    now = stage.clock.now()
    assert await schedules.edit(
        stage.db, "currency", schedule=schedule, pause_after=None, reason="less", by="ann", now=now
    )


async def test_a_slot_is_run_by_one_of_two_schedulers(stage: Stage, make: Make) -> None:
    first, second = await make(), await make()
    stage.clock.move(3)

    await asyncio.gather(first.fire("currency"), second.fire("currency"))
    await first.idle()
    await second.idle()

    (run,) = await run_history.recent(stage.db)
    assert (run.sync, run.trigger, run.scheduled_at, run.outcome) == ("currency", "schedule", SLOT, "success")
    assert len(stage.erp.calls) == 1


async def test_a_queued_run_is_started_once_at_the_next_look(stage: Stage, make: Make) -> None:
    first, second = await make(), await make()
    asked = await runs.queue(stage.db, "currency", trigger="user", requested_by="ann", now=stage.clock.now())

    await asyncio.gather(first.watch(), second.watch())
    await first.idle()
    await second.idle()

    run = await stage.row(asked.id)
    assert (run.outcome, run.requested_by, len(stage.erp.calls)) == ("success", "ann", 1)


async def test_an_overlap_is_noted_as_missed_with_its_reason(stage: Stage, make: Make) -> None:
    service = await make()
    other = await stage.begin("currency")

    await service.fire("currency")

    missed = [run for run in await run_history.recent(stage.db) if run.outcome == "missed"]
    assert [run.scheduled_at for run in missed] == [SLOT]
    assert missed[0].message is not None
    assert f"Run {other.row.id} was still running" in missed[0].message


async def test_a_dead_run_is_taken_over(stage: Stage, make: Make) -> None:
    dead = await stage.begin("currency")
    service = await make()
    await service.watch()
    assert (await stage.row(dead.row.id)).takeovers == 0

    stage.clock.move(31)
    await service.watch()
    await service.idle()

    run = await stage.row(dead.row.id)
    assert (run.outcome, run.takeovers) == ("success", 1)


async def test_a_run_that_keeps_killing_its_process_is_abandoned(stage: Stage, make: Make) -> None:
    dead = await stage.begin("currency")
    service = await make(max_takeovers=0)
    stage.clock.move(31)

    await service.watch()

    assert (await stage.row(dead.row.id)).outcome == "abandoned"


async def test_a_dry_run_is_never_taken_over(stage: Stage, make: Make) -> None:
    dead = await stage.begin("currency", dry_run=True)
    service = await make()
    stage.clock.move(31)

    await service.watch()

    assert (await stage.row(dead.row.id)).outcome == "abandoned"


async def test_a_slot_nobody_was_up_for_is_noted_and_made_up_for_once(stage: Stage, make: Make) -> None:
    service = await make()
    await service.fire("currency")
    await service.idle()
    stage.clock.move(20 * 3600)

    for late in (await make(), await make()):
        await late.catch_up()
        await late.watch()
        await late.idle()

    made_up, missed, ran = await run_history.recent(stage.db, "currency")
    assert (made_up.trigger, made_up.outcome) == ("start", "success")
    assert (missed.outcome, missed.scheduled_at) == ("missed", SLOT + timedelta(hours=18))
    assert missed.message == "No scheduler was running at 2026-03-03 06:00:00 UTC; it runs once now."
    assert ran.outcome == "success"


async def test_a_cancelled_run_stops_at_its_next_step(stage: Stage, make: Make) -> None:
    stage.erp.put_stock({f"S{number:03d}": 1 for number in range(250)})
    run = await stage.begin("inventory")
    pages = 0

    def cancel_after_two(operation: str, value: object) -> None:
        nonlocal pages
        pages += 1

    stage.erp.trouble = cancel_after_two
    original = stage.clock.sleep

    async def sleep(seconds: float) -> None:
        await original(seconds)
        if pages == 2:
            await runs.request_cancel(stage.db, run.row.id, by="ann", now=stage.clock.now())

    run.sleep = sleep
    row = await stage.work(run)

    assert (row.outcome, row.message, row.pages) == ("cancelled", "Cancelled by ann.", 3)
    assert await run_history.running(stage.db) == []


async def test_a_queued_run_is_cancelled_at_once(stage: Stage, make: Make) -> None:
    asked = await runs.queue(stage.db, "currency", trigger="user", requested_by="ann", now=stage.clock.now())

    assert await runs.request_cancel(stage.db, asked.id, by="bob", now=stage.clock.now())
    assert not await runs.request_cancel(stage.db, asked.id, by="bob", now=stage.clock.now())

    assert (await stage.row(asked.id)).outcome == "cancelled"


async def test_a_run_stopped_at_a_checkpoint_is_taken_over_at_once(stage: Stage, make: Make) -> None:
    stage.erp.put_stock({f"S{number:03d}": 1 for number in range(250)})
    run = await stage.begin("inventory")
    run.stop.set()
    row = await stage.work(run)
    assert (row.state, row.outcome) == ("running", None)

    service = await make()
    service.sleep = stage.clock.sleep
    (dead,) = await runs.dead(stage.db, now=stage.clock.now())
    assert dead.id == run.row.id
    service.sleep = forever


async def test_a_stop_waits_for_a_slot_that_is_being_claimed(
    stage: Stage, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await make()
    claim, claiming, go_on = runs.claim_slot, asyncio.Event(), asyncio.Event()

    async def slow_claim(db: Database, sync: str, **slot: Any) -> RunRow | None:
        claiming.set()
        await go_on.wait()
        return await claim(db, sync, **slot)

    monkeypatch.setattr(runs, "claim_slot", slow_claim)
    life = asyncio.create_task(service.run())
    firing = asyncio.create_task(service.fire("currency"))
    await claiming.wait()
    service.stop.set()
    await asyncio.wait([life], timeout=0.2)
    assert not life.done()
    go_on.set()
    await life

    assert firing.done()
    assert await run_history.queued(stage.db) == []


async def test_who_lost_the_run_writes_nothing_more(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5})
    old = await stage.begin("inventory")
    new = await stage.take_over()
    assert new is not None

    await stage.work(old)
    assert await stage.levels() == {}

    row = await stage.work(new)
    assert row.outcome == "success"
    assert await stage.levels() == {"A": 5}


async def test_an_edited_schedule_is_in_force_at_the_next_look_and_can_go_back(stage: Stage, make: Make) -> None:
    service = await make()
    await edit(stage, "0 9 * * 1")
    await service.watch()
    stage.clock.move(3600)
    await service.fire("currency")
    await service.idle()
    assert (await run_history.recent(stage.db))[0].scheduled_at == datetime(2026, 3, 2, 9, tzinfo=UTC)

    assert await schedules.back_to_file(stage.db, "currency", reason=None, by="ann", now=stage.clock.now())
    stage.clock.move(5 * 3600)
    await service.watch()
    await service.fire("currency")
    await service.idle()
    assert (await run_history.recent(stage.db))[0].scheduled_at == datetime(2026, 3, 2, 18, tzinfo=UTC)


async def test_a_paused_sync_fires_nothing_until_somebody_resumes_it_whatever_is_edited(
    stage: Stage, make: Make
) -> None:
    service, behind = await make(), await make()
    assert await schedules.pause(stage.db, "currency", reason="stocktaking", by="ann", now=stage.clock.now())
    assert not await schedules.pause(stage.db, "currency", reason="mine", by="bob", now=stage.clock.now())
    await edit(stage, "every 1h")
    await service.watch()
    await service.fire("currency")
    await behind.fire("currency")  # it has not looked since: the database refuses its claim
    assert service.is_paused("currency")
    assert await run_history.recent(stage.db) == []

    stage.clock.move(3600)
    assert await schedules.resume(stage.db, "currency", reason=None, by="bob", now=stage.clock.now())
    await service.watch()
    assert not service.is_paused("currency")
    assert await run_history.recent(stage.db) == []  # no slot of the pause is made up for
    stage.clock.move(3600)
    await service.fire("currency")
    await service.idle()

    (run,) = await run_history.recent(stage.db)
    assert (run.scheduled_at, run.outcome) == (SLOT + timedelta(hours=2), "success")


async def test_a_pause_ends_by_itself_at_its_moment(stage: Stage, make: Make) -> None:
    service = await make()
    until = stage.clock.now() + timedelta(hours=1)
    await schedules.pause(stage.db, "currency", reason="release", by="ann", now=stage.clock.now(), until=until)
    await service.watch()
    assert service.is_paused("currency")

    stage.clock.move(3600)
    await service.watch()

    assert not service.is_paused("currency")


async def test_a_scheduler_behind_an_edit_claims_no_slot_of_the_old_schedule(stage: Stage, make: Make) -> None:
    behind = await make()
    await edit(stage, "0 9 * * 1")

    await behind.fire("currency")

    assert await run_history.recent(stage.db) == []


async def test_slots_of_a_pause_or_before_an_edit_are_not_missed_ones(stage: Stage, make: Make) -> None:
    service = await make()
    await service.fire("currency")
    await service.idle()
    await schedules.pause(stage.db, "currency", reason="stocktaking", by="ann", now=stage.clock.now())
    stage.clock.move(20 * 3600)
    await schedules.resume(stage.db, "currency", reason=None, by="ann", now=stage.clock.now())

    await (await make()).catch_up()
    await edit(stage, "every 1h")
    stage.clock.move(60)
    await (await make()).catch_up()

    assert [run.outcome for run in await run_history.recent(stage.db)] == ["success"]


async def test_a_sync_that_keeps_failing_is_paused_with_what_it_said_and_counts_anew_when_resumed(
    stage: Stage, make: Make
) -> None:
    service = await make(pause_after=3)

    async def fail(*, passing: bool = False, error_type: str | None = None) -> None:
        run = await stage.begin("currency")
        async with stage.db.write() as connection:
            await runs.finish(
                connection,
                run.grip,
                outcome="error",
                now=stage.clock.now(),
                message="The credential is wrong.",
                error_type=error_type,
                passing=passing,
            )

    for passing in (False, True, True, False):  # a vendor's outage does not count
        await fail(passing=passing)
        await service.pause_failing()
    for _ in range(3):  # nor does a stop by the blast guard, which asks and has not failed
        await fail(error_type="blast_guard")
        await service.pause_failing()
    assert not (await schedules.edits(stage.db)).get("currency")
    await fail()
    await asyncio.gather(service.pause_failing(), (await make(pause_after=3)).pause_failing())
    paused = (await schedules.edits(stage.db))["currency"]
    assert paused.paused_by == "quayside"
    assert paused.pause_reason == "Its last 3 runs failed in a row; the last one said: The credential is wrong."

    stage.clock.move(1)
    await schedules.resume(stage.db, "currency", reason=None, by="ann", now=stage.clock.now())
    await fail()
    await service.pause_failing()

    assert not (await schedules.edits(stage.db))["currency"].paused
    assert [act.act for act in await audit.list_acts(stage.db)] == ["schedule.resumed", "schedule.paused"]


async def test_a_bad_edit_leaves_the_schedule_of_the_file(stage: Stage, make: Make) -> None:
    await edit(stage, "nonsense")
    service = await make()

    await service.fire("currency")
    await service.idle()

    assert (await run_history.recent(stage.db))[0].scheduled_at == SLOT


async def test_what_the_timer_could_not_do_is_noted_as_missed(stage: Stage, make: Make) -> None:
    service = await make()
    service._listener.slips.put_nowait(Slip(sync="orders", scheduled_at=SLOT, reason="Too busy."))

    await service.watch()

    (run,) = await run_history.recent(stage.db, "orders")
    assert (run.outcome, run.message, run.trigger) == ("missed", "Too busy.", "schedule")


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    task = asyncio.create_task(service.run())
    try:
        yield
    finally:
        service.stop.set()
        await task


async def eventually(question: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await question():
            await asyncio.sleep(0.02)


async def test_the_process_in_real_time(stage: Stage, database: Database) -> None:
    """Fires by APScheduler, starts manual runs within 2 s, does its duties, says that it is up, and ends in order."""
    stage.erp.rates = Rates(base="USD", as_of=NOON, rates={"EUR": Decimal(1)})
    done = asyncio.Event()

    async def duty() -> None:
        done.set()
        raise RuntimeError("a duty that fails takes nothing with it")

    options = SchedulerOptions(currency=CurrencyOptions(schedule="every 1s"))
    service = Service(
        db=database, calls=stage.erp, options=options, duties=[Duty(name="test", every_seconds=60.0, act=duty)]
    )
    async with running(service):
        await done.wait()

        async def fired() -> bool:
            return any(run.outcome == "success" for run in await run_history.recent(database, "currency"))

        await eventually(fired)
        at = datetime.now(UTC)
        asked = await runs.queue(database, "orders", trigger="user", requested_by="ann", now=at)

        async def ended() -> bool:
            return (await stage.row(asked.id)).state == "finished"

        await eventually(ended)
        (process,) = await processes.seen(database, since=at - timedelta(seconds=60))
        assert (process.id, process.stopped_at) == (service.owner, None)

    row = await stage.row(asked.id)
    (process,) = await processes.seen(database, since=at - timedelta(seconds=60))
    assert row.started_at is not None
    assert row.started_at - at < timedelta(seconds=2)
    assert process.stopped_at is not None
