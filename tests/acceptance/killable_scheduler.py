"""A real scheduler process that a test starts, kills with SIGKILL, starts again, and at last stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class KillableScheduler:
    """One scheduler at a time, forked by ``fork_server.py``. ``log`` holds what they all said, ``killed`` who was."""

    def __init__(self, server: asyncio.subprocess.Process, log: Path) -> None:
        self._server = server
        self.log = log
        self.pid: int | None = None
        self.killed: set[str] = set()  # process ids

    def __repr__(self) -> str:
        return f"<KillableScheduler {self.pid or 'down'}>"

    async def start(self) -> None:
        """Start a scheduler."""
        assert self.pid is None
        self.pid = await self._ask("start")

    async def kill(self) -> None:
        """End it as kill -9 does, in the middle of whatever it is doing."""
        assert self.pid is not None
        self.killed.add(str(self.pid))
        os.kill(self.pid, signal.SIGKILL)
        assert await self._ended() == -signal.SIGKILL, self.said()

    async def stop(self) -> int:
        """Tell it to end and return its exit code."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGTERM)
        return await self._ended()

    def said(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-4000:]

    async def _ended(self) -> int:
        pid, self.pid = self.pid, None
        return await self._ask(f"wait {pid}")

    async def _ask(self, line: str) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{line}\n".encode())
        await self._server.stdin.drain()
        answer = await self._server.stdout.readline()
        assert answer, self.said()
        return int(answer)


@asynccontextmanager
async def killable_scheduler(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[KillableScheduler]:
    """Give a scheduler that works in a folder with these settings; nothing of it is left at the end."""
    log = folder / "scheduler.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSIDE_")}
    with log.open("ab") as errors:
        server = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.acceptance.fork_server",
            cwd=folder,
            env={**inherited, **environment, "PYTHONPATH": str(ROOT)},
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
        )
    try:
        yield KillableScheduler(server, log)
    finally:
        assert server.stdin is not None
        server.stdin.close()
        await server.wait()
