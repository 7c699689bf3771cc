"""Working off replays: each call once more, as batch, under its own key, within the vendor's limits.

The calls of a vendor go out a few at a time beside those of the other vendors. What may not go out now (the circuit is
open, the quota has no room) waits and is tried again; a day after it was asked for it is given up. What is safe to send
twice is decided by the gateway, the same as for every other call: a write whose answer was lost is looked up first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from db import replays
from db.calls import input_of, one
from db.engine import Database, StoreUnavailable
from db.owner import new_owner
from db.replays import Item, Replay
from db.sealed import SealBroken
from integrations.correlation import new_id, origin
from integrations.errors import CallRefused, LeaseHeld, NotPermitted, OutcomeUnknown, QuaysideError
from integrations.http_status import retry_after_of
from scheduler.calls import NamedCalls

log = logging.getLogger(__name__)

AT_ONCE = 8  # calls to one vendor under way
CHUNK = 40  # items claimed at once, and made in one session where the vendor has sessions
CLAIMED_FOR = timedelta(minutes=15)  # longer than a chunk takes at its slowest
GIVEN_UP = timedelta(hours=24)
SHORTEST_WAIT, LONGEST_WAIT = 2.0, 300.0  # seconds until a vendor that is held back is tried again
STOPPING = 20.0  # seconds calls under way are given at the end


class ReplayDesk:
    """Makes the calls of replays. ``work_off`` is a duty of the scheduler; any number of processes may have it."""

    def __init__(self, db: Database, calls: NamedCalls, *, now: Callable[[], datetime]) -> None:
        self._db = db
        self._calls = calls
        self._now = now
        self._owner = new_owner("replay")
        self._working: dict[tuple[str, str], asyncio.Task[None]] = {}  # (replay, vendor)
        self._stopping = False

    def __repr__(self) -> str:
        return f"<ReplayDesk {self._owner} at {sorted(vendor for _, vendor in self._working)}>"

    async def work_off(self) -> int:
        """Begin on what is due and nobody works on; return at how many vendors this process works."""
        await replays.release_dead(self._db)
        for id, vendor in await replays.due(self._db, now=self._now()):
            if any(other == vendor for _, other in self._working) or self._stopping:
                continue  # one replay at a time at a vendor: the older one first
            replay = await replays.get(self._db, id)
            if replay is not None:
                task = asyncio.create_task(self._work(replay, vendor), name=f"replay:{vendor}")
                self._working[id, vendor] = task
                task.add_done_callback(lambda _, key=(id, vendor): self._ended(key))  # type: ignore[misc]
        if not self._working:
            await replays.close_finished(self._db, now=self._now())
        return len(self._working)

    async def idle(self) -> None:
        """Wait until nothing is under way in this process."""
        while self._working:
            await asyncio.wait(list(self._working.values()))

    async def close(self) -> None:
        """Let calls under way end, then let go; another process goes on with the rest."""
        self._stopping = True
        if self._working:
            await asyncio.wait(list(self._working.values()), timeout=STOPPING)
        for task in list(self._working.values()):
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)

    def _ended(self, key: tuple[str, str]) -> None:
        task = self._working.pop(key)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreUnavailable):
            log.warning("replay.store_unavailable", extra={"replay": key[0], "vendor": key[1]})
        elif error is not None:
            log.error("replay.failed", exc_info=error, extra={"replay": key[0], "vendor": key[1]})

    async def _work(self, replay: Replay, vendor: str) -> None:
        """Make the calls of a replay to one vendor, until none is due or the vendor is held back."""
        while not self._stopping:
            now = self._now()
            claimed = await replays.claim(
                self._db, replay.id, vendor, owner=self._owner, now=now, until=now + CLAIMED_FOR, limit=CHUNK
            )
            if not claimed:
                break
            chunk = _Chunk(self._db, self._calls, replay, claimed, self._now, lambda: self._stopping)
            async with self._calls.session(vendor):
                await asyncio.gather(*(chunk.work() for _ in range(AT_ONCE)))
            if chunk.held_until is not None:
                break
        with suppress(StoreUnavailable):
            await replays.close_finished(self._db, now=self._now())


class _Chunk:
    """Items claimed by us, worked off by several at once; ``held_until`` is set once the vendor is held back."""

    def __init__(
        self,
        db: Database,
        calls: NamedCalls,
        replay: Replay,
        items: list[Item],
        now: Callable[[], datetime],
        stopping: Callable[[], bool],
    ) -> None:
        self._db = db
        self._calls = calls
        self._replay = replay
        self._items = deque(items)
        self._now = now
        self._stopping = stopping
        self.held_until: datetime | None = None
        self._why = ""

    async def work(self) -> None:
        """Take items until there are none."""
        while self._items:
            item = self._items.popleft()
            if self.held_until is not None or self._stopping():
                due = self.held_until or self._now()
                await replays.put_back(self._db, item, due_at=due, why=self._why or "The process was stopped.")
                continue
            await self._make(item)

    async def _make(self, item: Item) -> None:
        if await self._is_made(item):
            return
        wanted = await self._input(item)
        if wanted is None:
            return
        id, begun = new_id(), self._now()
        if not await replays.begin(self._db, item, new_call_id=id):
            return
        try:
            with origin(
                "replay",
                correlation_id=self._replay.id,
                run_id=self._replay.id,
                user_name=self._replay.created_by[:64],
            ):
                found = await self._calls.call(
                    item.vendor,
                    item.operation,
                    wanted,
                    priority="batch",
                    idempotency_key=item.idempotency_key,
                    call_id=id,
                )
        except NotPermitted as error:
            await self._hold(item, error)
        except OutcomeUnknown as error:
            await self._end(item, begun, outcome="unknown", error_type=error.error_type, message=error.message)
        except QuaysideError as error:
            outcome = "refused" if isinstance(error, CallRefused) else "error"
            await self._end(item, begun, outcome=outcome, error_type=error.error_type, message=error.message)
        else:
            if found.stale or found.vendor != item.vendor or not found.answered:
                why = "The vendor failed again; a fallback answered."
                await self._end(item, begun, outcome="error", error_type=item.old_error_type, why=why)
                return
            kept = "It had succeeded under this key before: the kept answer, nothing was sent."
            await self._end(item, begun, outcome="success", why=kept if found.replayed else None)

    async def _is_made(self, item: Item) -> bool:
        """Return whether somebody who is gone had made the call with success; then the item ends as its record says.

        One that was under way when its process died is recorded as unknown, and is made again under its key.
        """
        made = await one(self._db, self._replay.id, item.new_call_id) if item.new_call_id else None
        if made is None or made.outcome != "success":
            return False
        if await replays.begin(self._db, item, new_call_id=made.id):
            await replays.end(
                self._db,
                item,
                now=self._now(),
                outcome=made.outcome,
                why="The process that made it ended before it could note this; it stands in the record.",
                duration=made.duration,
            )
        return True

    async def _input(self, item: Item) -> Mapping[str, Any] | None:
        """Return what the call was asked; None when it is not made once more, which is then written down."""
        why: str | None = None
        wanted: Any = None
        key = item.idempotency_key
        if key is not None:
            named = (item.vendor, item.operation, key)
            if await replays.with_success(self._db, [named], since=item.started_at):
                why = "It has succeeded under this key meanwhile."
        if why is None:
            try:
                wanted = await input_of(self._db, item.call_id, item.started_at)
            except SealBroken:
                why = "Its input was sealed under a key that is not known here."
            else:
                why = "Its input has aged out." if wanted is None else None
        if why is not None:
            await replays.refuse(self._db, item, now=self._now(), why=why)
        return None if why is not None else dict(wanted)

    async def _hold(self, item: Item, error: QuaysideError) -> None:
        """Let an item wait that we ourselves held back; with it all of the vendor, unless only its key is in use."""
        now = self._now()
        if now - self._replay.created_at >= GIVEN_UP:
            why = f"Given up a day after it was asked for: {error.message}"
            await replays.refuse(self._db, item, now=now, why=why)
            return
        wait = min(LONGEST_WAIT, max(SHORTEST_WAIT, retry_after_of(error) or SHORTEST_WAIT))
        due = now + timedelta(seconds=wait)
        if not isinstance(error, LeaseHeld):
            self.held_until, self._why = due, error.message
        await replays.put_back(self._db, item, due_at=due, why=error.message)

    async def _end(self, item: Item, begun: datetime, **how: Any) -> None:
        now = self._now()
        await replays.end(self._db, item, now=now, duration=(now - begun).total_seconds(), **how)
