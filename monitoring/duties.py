"""What the web process does beside answering: its heartbeat, and an eye on the scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from db import processes
from db.engine import Database, StoreUnavailable
from db.owner import new_owner
from monitoring.alerts.incidents import Alerts

log = logging.getLogger(__name__)

HEARTBEAT = 10.0  # seconds
WATCH = 15.0
REFRESH = 1.0


@contextlib.asynccontextmanager
async def kept(
    db: Database, now: Callable[[], datetime], watch: Alerts | None, refresh: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Keep the duties while the block runs; the row of the process says at the end that it was stopped in order.

    ``refresh`` takes over what was edited in the browser, here or in another process.
    """
    beat = _Heartbeat(db, now)
    tasks = [
        asyncio.create_task(_again(HEARTBEAT, beat), name="heartbeat"),
        asyncio.create_task(_again(REFRESH, refresh), name="refresh"),
    ]
    if watch is not None:

        async def look() -> None:
            await watch.evaluate()
            await watch.deliver()

        tasks.append(asyncio.create_task(_again(WATCH, look), name="watch-scheduler"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(StoreUnavailable):
            await beat.stop()


class _Heartbeat:
    """The row of this process; it is made at the first beat that reaches the database."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now
        self._id = new_owner("web")
        self._noted = False

    async def __call__(self) -> None:
        if self._noted:
            await processes.beat(self._db, self._id, now=self._now())
        else:
            await processes.started(self._db, self._id, "web", now=self._now())
            self._noted = True

    async def stop(self) -> None:
        if self._noted:
            await processes.stopped(self._db, self._id, now=self._now())


async def _again(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act, then wait, for ever; a database that is away or an error of ours ends nothing."""
    while True:
        try:
            await act()
        except StoreUnavailable:
            log.warning("duty.store_unavailable")
        except Exception:
            log.exception("duty.failed")
        await asyncio.sleep(seconds)
