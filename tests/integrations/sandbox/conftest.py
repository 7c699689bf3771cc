"""A sandbox on a free port, a clock that only moves when told, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.twins import TWINS

START = 1_790_856_000.0  # 2026-10-01T12:00:00Z, a Thursday


class Clock:
    """Unix seconds that stand still until moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds


@dataclass(kw_only=True)
class Sandbox:
    """A running server with its addresses and a client."""

    server: SandboxServer
    client: aiohttp.ClientSession
    url: str
    clock: Clock

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the sandbox itself and return its JSON."""
        async with self.client.request(method, f"{self.url}/_sandbox/{path}", json=body) as answer:
            return await answer.json()

    async def fault(self, vendor: str, fault: str, **rest: Any) -> None:
        """Put one fault in force."""
        answer = await self.control("POST", "faults", [{"vendor": vendor, "fault": fault, **rest}])

        assert "error" not in answer, answer

    async def requests(self, vendor: str) -> list[dict[str, Any]]:
        """Return the requests the ledger holds for a vendor."""
        ledger: dict[str, list[dict[str, Any]]] = await self.control("GET", f"ledger?vendor={vendor}")
        return ledger["requests"]

    async def effects(self, vendor: str) -> list[dict[str, Any]]:
        """Return the effects the ledger holds for a vendor."""
        ledger: dict[str, list[dict[str, Any]]] = await self.control("GET", f"ledger?vendor={vendor}")
        return ledger["effects"]


Start = Callable[..., Awaitable[Sandbox]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def start(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start a sandbox with the vendors and options given; it stops after the test."""
    monkeypatch.setitem(TWINS, "till", "tests.integrations.sandbox.till:TillTwin")
    running: list[Sandbox] = []

    async def start_one(*vendors: str, **options: Any) -> Sandbox:
        server = SandboxServer(SandboxOptions(vendors=vendors, **options), now=clock)
        port = await server.start(port=0)
        client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        running.append(Sandbox(server=server, client=client, url=f"http://127.0.0.1:{port}", clock=clock))
        return running[-1]

    yield start_one
    for sandbox in running:
        await sandbox.client.close()
        await sandbox.server.stop()
