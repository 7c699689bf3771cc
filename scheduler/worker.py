"""Runs on other machines: the scheduler hands a run out over Postgres, a worker takes it and works it off.

The job engine is procrastinate, in tables of its own beside ours. A job carries only the run's id: who may run it is
still decided by the run's row and its lease, so a job that is delivered twice runs once, and a run whose worker died
is taken over by the scheduler.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

log = logging.getLogger(__name__)
QUEUE = "syncs"
TASK = "run_sync"

Work = Callable[[str], Awaitable[None]]  # takes the id of a queued run


@asynccontextmanager
async def job_engine(database_url: str, work: Work) -> AsyncIterator[App]:
    """Give procrastinate on this Postgres, its tables made if they are not there; ``work`` does what a job asks."""
    scheme, _, rest = database_url.partition("://")
    app = App(connector=PsycopgConnector(conninfo=f"{scheme.partition('+')[0]}://{rest}"))

    @app.task(name=TASK, queue=QUEUE)
    async def run_sync(run_id: str) -> None:
        await work(run_id)

    async with app.open_async():
        if not await app.check_connection_async():
            with suppress(ConnectorException):  # another process made them between the question and now
                await app.schema_manager.apply_schema_async()
        yield app


async def hand_out(app: App, run_id: str) -> None:
    """Put a run before the workers; doing so again while it waits changes nothing."""
    with suppress(AlreadyEnqueued):
        await app.configure_task(TASK, queue=QUEUE, queueing_lock=run_id).defer_async(run_id=run_id)


async def work_jobs(app: App) -> None:
    """Take runs and work them off until told to stop (SIGINT, SIGTERM) or cancelled."""
    log.info("worker.started")
    await app.run_worker_async(queues=[QUEUE], concurrency=1, install_signal_handlers=True)
    log.info("worker.stopped")
