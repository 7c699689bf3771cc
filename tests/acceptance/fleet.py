"""Real processes of the product that a test starts, kills with SIGKILL and starts again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Fleet:
    """Processes forked by ``fork_server.py``. ``log`` holds what they all said."""

    def __init__(self, server: asyncio.subprocess.Process, log: Path) -> None:
        self._server = server
        self._asking = asyncio.Lock()  # guards the lines to the server and back
        self.log = log

    def __repr__(self) -> str:
        return f"<Fleet of {self._server.pid}>"

    async def start(self, command: str, port: int | None = None, host: str = "") -> int:
        """Start a process that runs a command, a web one on this port, on another machine with ``host``; return its id."""
        return await self._ask(f"start {command} {port or ''} {host}")

    async def kill(self, pid: int) -> None:
        """End a process as kill -9 does, in the middle of whatever it is doing."""
        os.kill(pid, signal.SIGKILL)
        assert await self._ask(f"wait {pid}") == -signal.SIGKILL, self.said()

    async def stop(self, pid: int) -> int:
        """Tell a process to end and return its exit code."""
        os.kill(pid, signal.SIGTERM)
        return await self._ask(f"wait {pid}")

    def said(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-4000:]

    async def _ask(self, line: str) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        async with self._asking:
            self._server.stdin.write(f"{line}\n".encode())
            await self._server.stdin.drain()
            answer = await self._server.stdout.readline()
        assert answer, self.said()
        return int(answer)


@asynccontextmanager
async def fleet(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Fleet]:
    """Give a fleet that works in a folder with these settings; nothing of it is left at the end."""
    log = folder / "processes.log"
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
        yield Fleet(server, log)
    finally:
        assert server.stdin is not None
        server.stdin.close()
        await server.wait()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports
