"""The processes that syncs run in, from their settings: the scheduler, and the workers it may hand runs out to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from db.engine import Database
from integrations.options import BadSetting
from integrations.runtime import Runtime
from integrations.settings import Settings
from scheduler.commands import serve, work_off
from scheduler.demo import Demo
from scheduler.service import Duty
from scheduler.settings import scheduler_options
from scheduler.worker import hand_out, job_engine, work_jobs


async def schedule(settings: Settings, db: Database, runtime: Runtime, duties: Sequence[Duty]) -> None:
    """Be a scheduler until told to stop. Raise BadSetting where workers are wanted and the database cannot serve them."""
    options, gateway = scheduler_options(settings), runtime.gateway
    demo = Demo(db, gateway, seed=settings.sandbox.seed) if settings.demo else None
    run_here = partial(serve, db, gateway, options, duties=duties, demo=demo)
    if not options.workers:
        await run_here()
        return
    if settings.database_url.startswith("sqlite"):
        raise BadSetting("syncs.workers needs Postgres; set QUAYSIDE_DATABASE_URL or take it out of quayside.toml.")
    async with job_engine(settings.database_url, partial(work_off, db, gateway, options)) as jobs:
        await run_here(give=partial(hand_out, jobs))


async def work(settings: Settings, db: Database, runtime: Runtime) -> None:
    """Be a worker until told to stop."""
    async with job_engine(
        settings.database_url, partial(work_off, db, runtime.gateway, scheduler_options(settings))
    ) as jobs:
        await work_jobs(jobs)


def refuse_without_postgres(settings: Settings) -> None:
    """Raise BadSetting where a worker could never be given anything."""
    if settings.database_url.startswith("sqlite"):
        raise BadSetting("worker needs Postgres: SQLite belongs to one machine; set QUAYSIDE_DATABASE_URL.")
