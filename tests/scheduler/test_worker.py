"""Runs handed out over a real Postgres: taken by a worker, once, whoever hands them out how often."""

from __future__ import annotations

import asyncio

import pytest

from db import run_history, runs
from db.engine import Database
from scheduler.calls import Calls
from scheduler.commands import work_off
from scheduler.options import SchedulerOptions
from scheduler.service import Service, utc_now
from scheduler.worker import hand_out, job_engine, work_jobs
from tests.conftest import MovableClock
from tests.scheduler.fakes import FakeErp
from tests.waiting import until

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@ON_POSTGRES
async def test_a_run_handed_out_twice_is_worked_off_once_by_a_worker(database_url: str, database: Database) -> None:
    done: list[str] = []

    async def work(run_id: str) -> None:
        done.append(run_id)

    async with job_engine(database_url, work) as jobs:
        await hand_out(jobs, "run-1")
        await hand_out(jobs, "run-1")
        await hand_out(jobs, "run-2")
        working = asyncio.create_task(work_jobs(jobs))
        await until(lambda: _has(done, 2))
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    assert sorted(done) == ["run-1", "run-2"]


@ON_POSTGRES
async def test_several_processes_may_make_the_tables_at_once(database_url: str, database: Database) -> None:
    async def one() -> None:
        async with job_engine(database_url, _nothing) as jobs:
            await hand_out(jobs, "run-1")

    await asyncio.gather(one(), one(), one())


@ON_POSTGRES
async def test_a_scheduler_with_workers_gives_a_queued_run_away_and_the_worker_finishes_it(
    database_url: str, database: Database
) -> None:
    calls: Calls = FakeErp(clock=MovableClock())
    options = SchedulerOptions(workers=True)
    given: list[str] = []

    async def give(run_id: str) -> None:
        given.append(run_id)

    run = await runs.queue(database, "orders", trigger="user", requested_by="ada", now=utc_now())
    service = Service(db=database, calls=calls, options=options, give=give)
    await service.watch()
    await work_off(database, calls, options, given[0])
    ended = await run_history.get(database, run.id)

    assert given == [run.id]
    assert ended is not None
    assert (ended.state, ended.outcome) == ("finished", "success")


async def _nothing(run_id: str) -> None:
    return None


async def _has(done: list[str], number: int) -> bool:
    return len(done) >= number
