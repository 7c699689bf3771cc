"""Live pages: a hub watches the database and tells every open tab when there is something new to show.

    database --(one cheap question a second)--> Hub --(a beat)--> each tab --(its own callbacks)--> fresh figures

A beat is small and the same for everybody; each tab then asks for what it shows. The beat travels over the WebSocket;
a tab that hears nothing asks over HTTP instead (``poll``), and rejoins the push as soon as it works again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar

from dash import Dash, Input, Output, ctx, set_props

from db import dashboard as queries
from db.changes import ChangeCounter
from db.engine import Database, StoreUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
Beat = dict[str, Any]

TICK = 1.0  # seconds between two looks at the database
LONGEST_SILENCE = 5.0  # a beat is sent at least this often, so that a tab can tell quiet from dead
PROBE_EVERY = 30.0  # seconds between two questions to a tab whether it is still there
PROBE_TIMEOUT = 10.0
READING_LIFE = 2.0  # seconds the same reading serves several tabs


class Hub:
    """Watches the database while at least one tab listens.

    ``_tabs`` (tab id -> its queue), ``_watch`` and ``_readings`` are touched on the event loop only; no lock is needed
    because nothing awaits between reading and changing them.
    """

    def __init__(self, db: Database, now: Callable[[], datetime], *, tick: float = TICK) -> None:
        self._db = db
        self._now = now
        self._tick = tick
        self._counter = ChangeCounter(db)
        self._tabs: dict[str, asyncio.Queue[Beat | None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._readings: dict[Hashable, tuple[int, float, asyncio.Task[Any]]] = {}
        self.version = 0

    def __repr__(self) -> str:
        return f"<Hub version={self.version} tabs={len(self._tabs)}>"

    @property
    def listening(self) -> int:
        """How many tabs are being told."""
        return len(self._tabs)

    async def beat(self, via: str) -> Beat:
        """Return what every tab is told: how fresh, whether the database answers, whether the scheduler is alive."""
        told: Beat = {"n": self.version, "at": time.time() * 1000, "via": via, "store": True}
        try:
            pulse = await queries.pulse(self._db, self._now())
        except StoreUnavailable:
            return {**told, "store": False}
        seen = pulse.scheduler_seen_at
        told["scheduler"] = None if seen is None else (self._now() - seen).total_seconds()
        told["incidents"] = pulse.firing
        told["unknown"] = pulse.unknown
        return told

    @contextlib.asynccontextmanager
    async def listen(self, tab: str) -> AsyncIterator[asyncio.Queue[Beat | None]]:
        """Give a queue of beats; None in it means that the same tab has joined anew and this listener should leave."""
        earlier = self._tabs.pop(tab, None)
        if earlier is not None:
            _put_latest(earlier, None)
        queue: asyncio.Queue[Beat | None] = asyncio.Queue(maxsize=1)
        self._tabs[tab] = queue
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watching(), name="dashboard-hub")
        try:
            yield queue
        finally:
            if self._tabs.get(tab) is queue:
                del self._tabs[tab]
            if not self._tabs:
                await self.close()

    async def close(self) -> None:
        """Stop watching and give the connection back."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        await self._counter.close()

    async def once(self, key: Hashable, load: Callable[[], Awaitable[T]]) -> T:
        """Return a reading, shared by all who ask for the same one while nothing has changed."""
        version, read_at, task = self._readings.get(key, (-1, 0.0, None))
        failed = task is not None and task.done() and (task.cancelled() or task.exception() is not None)
        if task is None or failed or version != self.version or time.monotonic() - read_at > READING_LIFE:
            if len(self._readings) > 200:
                self._readings.clear()
            task = asyncio.ensure_future(_awaited(load))
            self._readings[key] = (self.version, time.monotonic(), task)
        return await asyncio.shield(task)

    async def _watching(self) -> None:
        last, told_at = "", 0.0
        while True:
            try:
                value = await self._counter.read()
            except StoreUnavailable:
                value = "away"
            if value != last or time.monotonic() - told_at >= LONGEST_SILENCE:
                if value != last:
                    self.version += 1
                last, told_at = value, time.monotonic()
                beat = await self.beat("push")
                for queue in list(self._tabs.values()):
                    _put_latest(queue, beat)
            await asyncio.sleep(self._tick)


async def _awaited(load: Callable[[], Awaitable[T]]) -> T:
    return await load()


def _put_latest(queue: asyncio.Queue[Beat | None], beat: Beat | None) -> None:
    """Leave only the latest beat in a queue: a slow tab skips beats instead of falling behind."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(beat)


def register(app: Dash, hub: Hub) -> None:
    """Connect the hub to the shell's stores: ``beat`` is what it tells, ``tab`` names the tab."""

    async def push() -> None:
        socket = ctx.websocket
        try:
            tab = await socket.get_prop("tab", "data", timeout=PROBE_TIMEOUT)
        except TimeoutError:
            return
        async with hub.listen(str(tab)) as beats:
            set_props("beat", {"data": await hub.beat("push")})
            probe_at = time.monotonic() + PROBE_EVERY
            while (beat := await beats.get()) is not None:
                set_props("beat", {"data": beat})
                if time.monotonic() >= probe_at:
                    # A closed tab does not end its callback while another tab shares the connection.
                    try:
                        await socket.get_prop("tab", "data", timeout=PROBE_TIMEOUT)
                    except TimeoutError:
                        return
                    probe_at = time.monotonic() + PROBE_EVERY

    @app.callback(websocket=True, persistent=True)
    async def push_from_the_start() -> None:
        await push()

    @app.callback(Input("rejoin", "data"), websocket=True, persistent=True, prevent_initial_call=True)
    async def push_again(_asked: float) -> None:
        await push()

    @app.callback(Output("beat", "data"), Input("poll", "n_intervals"), prevent_initial_call=True)
    async def poll(_times: int) -> Beat:
        return await hub.beat("poll")
