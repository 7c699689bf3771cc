"""Holding on to a run while it works: a heartbeat beside it, so that a long call does not lose the lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from db.engine import StoreUnavailable
from db.runs import GripLost
from scheduler.syncs.run import Run

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


@asynccontextmanager
async def kept_alive(run: Run, *, every: float, sleep: Sleep = asyncio.sleep) -> AsyncIterator[None]:
    """Beat for the run while the body works.

    When the run was taken over meanwhile, the body is cancelled and GripLost raised. A database that does not answer is
    waited for: the lease may run out then, and whoever takes over is told by the same database.
    """
    body = asyncio.current_task()
    lost = False

    async def beat() -> None:
        nonlocal lost
        while True:
            await sleep(every)
            try:
                await run.beat()
            except StoreUnavailable:
                log.warning("run.beat_not_stored", extra={"run": run.row.id})
            except GripLost:
                lost = True
                if body is not None:
                    body.cancel()
                return

    beating = asyncio.create_task(beat())
    try:
        yield
    except asyncio.CancelledError:
        if lost and body is not None:
            body.uncancel()
            raise GripLost(f"Run {run.row.id} was taken over by another process.") from None
        raise
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
