"""Who works on an order: one process at a time, which renews its hold for as long as it works.

A process that dies renews nothing. From its own machine that is seen at once; from another the order is free when the hold
ends, ``HOLD`` after the last renewal. A process that lives and cannot renew, because the database is away or has given the
order to another, ends its own work ``SPARE`` before anybody else may begin: two that live are never at the same order,
as long as their clocks differ by less than that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from db import placements
from db.engine import Database, StoreUnavailable
from db.owner import is_dead, new_holder
from db.placements import Placement

log = logging.getLogger(__name__)

HOLD = timedelta(seconds=20)
RENEWED = 3.0  # seconds from one renewal to the next
PATIENCE = 2.0  # seconds a renewal may take
SPARE = 5.0
_LAST = HOLD - timedelta(seconds=RENEWED + PATIENCE + SPARE)  # after a renewal: later, another attempt is too late


class HoldLost(Exception):
    """Another process has taken hold of the order, or may do so soon."""


class Holds:
    """The holds of this process. ``sleep`` is between renewals."""

    def __init__(
        self,
        db: Database,
        now: Callable[[], datetime],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._db = db
        self._hurried = db.impatient(PATIENCE)
        self._now = now
        self._sleep = sleep

    async def take(self, reference: str) -> Placement | None:
        """Take hold of an order; None when a process that may live has it, or nothing is left to do for it."""
        held = await self._try(reference)
        if held is not None or not await self.free(reference):
            return held
        return await self._try(reference)

    async def free(self, reference: str) -> bool:
        """Let go of an order whose holder is seen to be dead; return whether it was."""
        found = await placements.get(self._db, reference)
        if found is None or found.held_by is None or not is_dead(found.held_by):
            return False
        await placements.release(self._db, [found.held_by])
        return True

    async def release_the_dead(self, *, due_by: datetime) -> None:
        """Let go of what processes hold that died, of all orders due by a moment."""
        now = self._now()
        dead = [name for name in await placements.holders(self._db, now=now, due_by=due_by) if is_dead(name)]
        if dead:
            log.warning("placing.released", extra={"holders": len(dead)})
            await placements.release(self._db, dead)

    @asynccontextmanager
    async def kept(self, held: Placement) -> AsyncIterator[None]:
        """Renew the hold while the body runs, and let go of it when that is broken off from outside.

        Raise HoldLost when the hold cannot be renewed in time: the body is cancelled where it stands.
        """
        try:
            async with asyncio.timeout(None) as fence:
                renewing = asyncio.create_task(self._renew(held, fence), name="placing.renew")
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.gather(renewing, return_exceptions=True)
        except TimeoutError:
            if not fence.expired():
                raise
            raise HoldLost(f"the hold of {held.reference} could not be renewed") from None
        except (asyncio.CancelledError, StoreUnavailable):
            with suppress(StoreUnavailable):
                await asyncio.shield(asyncio.ensure_future(placements.let_go(self._hurried, held)))
            raise

    async def _try(self, reference: str) -> Placement | None:
        now = self._now()
        return await placements.hold(self._db, reference, holder=new_holder(), now=now, until=now + HOLD)

    async def _renew(self, held: Placement, fence: asyncio.Timeout) -> None:
        """Renew until that fails for good; then end the work under the fence."""
        assert held.held_by is not None  # noqa: S101 - a hold has a holder
        assert held.held_until is not None  # noqa: S101 - and an end
        renewed = held.held_until - HOLD
        while self._now() - renewed <= _LAST:
            await self._sleep(RENEWED)
            now = self._now()
            try:
                async with asyncio.timeout(PATIENCE):
                    ours = await placements.renew(self._hurried, held.reference, holder=held.held_by, until=now + HOLD)
            except (StoreUnavailable, TimeoutError):
                continue
            if not ours:
                break
            renewed = now
        log.warning("placing.hold_lost", extra={"order": held.reference})
        fence.reschedule(asyncio.get_running_loop().time())
