"""A real scheduler process that a test starts, kills with SIGKILL, starts again, and at last stops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.acceptance.fleet import Fleet, fleet


class KillableScheduler:
    """One scheduler at a time. ``said`` gives what they all said, ``killed`` holds who was."""

    def __init__(self, ships: Fleet) -> None:
        self._fleet = ships
        self.said = ships.said
        self.pid: int | None = None
        self.killed: set[str] = set()  # process ids

    def __repr__(self) -> str:
        return f"<KillableScheduler {self.pid or 'down'}>"

    async def start(self) -> None:
        """Start a scheduler."""
        assert self.pid is None
        self.pid = await self._fleet.start("scheduler")

    async def kill(self) -> None:
        """End it as kill -9 does, in the middle of whatever it is doing."""
        assert self.pid is not None
        pid, self.pid = self.pid, None
        self.killed.add(str(pid))
        await self._fleet.kill(pid)

    async def stop(self) -> int:
        """Tell it to end and return its exit code."""
        assert self.pid is not None
        pid, self.pid = self.pid, None
        return await self._fleet.stop(pid)


@asynccontextmanager
async def killable_scheduler(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[KillableScheduler]:
    """Give a scheduler that works in a folder with these settings; nothing of it is left at the end."""
    async with fleet(folder, environment) as ships:
        yield KillableScheduler(ships)
