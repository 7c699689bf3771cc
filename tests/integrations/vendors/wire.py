"""An adapter and the sandbox over a real connection, on one clock that only moves when told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from integrations.adapter import Access, Adapter
from integrations.registry import adapter_class
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from tests.integrations.vendors.exchange import WireExchange, adapter_with_sandbox_credentials, run

START = datetime(2026, 10, 1, 12, 0, tzinfo=UTC).timestamp()


@dataclass(kw_only=True)
class Wire:
    """A running sandbox and the adapter under test."""

    adapter: Adapter
    client: aiohttp.ClientSession
    url: str
    time: float = START
    access: Access | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)

    def exchange(self, operation: str, key: str = "key-1") -> SharedClock:
        """Return an exchange in the present session whose waiting moves the sandbox's clock too."""
        return SharedClock(self, operation, key)

    async def call(self, operation: str, value: Any, key: str = "key-1") -> Any:
        """Call one operation under an idempotency key; a session that was opened stays open for the next."""
        exchange = self.exchange(operation, key)
        try:
            return await run(self.adapter, exchange, value)
        finally:
            self.access = exchange.access
            self.sent += [(request.method, request.path) for request in exchange.requests]

    async def sign_out(self) -> None:
        """Close the session, if there is one."""
        if self.access is not None:
            await self.adapter.sign_out(self.exchange(self.adapter.vendor.operations[0].name), self.access)
            self.access = None

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox itself."""
        async with self.client.request(method, f"{self.url}/_sandbox/{path}", json=body) as answered:
            return await answered.json()

    async def effects(self) -> list[dict[str, Any]]:
        """Return what happened at the vendor."""
        ledger = await self.control("GET", f"ledger?vendor={self.adapter.vendor.name}")
        found: list[dict[str, Any]] = ledger["effects"]
        return found


class SharedClock(WireExchange):
    """A wire exchange on the sandbox's clock."""

    def __init__(self, wire: Wire, operation: str, key: str = "key-1") -> None:
        base_url = f"{wire.url}/{wire.adapter.vendor.name}"
        rest = {"now": datetime.fromtimestamp(wire.time, UTC), "deadline": 180.0, "access": wire.access}
        super().__init__(wire.adapter, operation, wire.client, base_url, idempotency_key=key, **rest)
        self._wire = wire

    @property
    def access(self) -> Access | None:
        return self._access

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._wire.time += seconds


@asynccontextmanager
async def on_the_wire(vendor: str, **settings: Any) -> AsyncIterator[Wire]:
    """Start a sandbox with one vendor and the twin's settings given; yield it with the vendor's adapter."""
    adapter = adapter_with_sandbox_credentials(adapter_class(vendor))
    # No cookie jar: an adapter has to send the cookies of its session itself.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        client._retry_connection = False  # it would send a PUT once more by itself when the answer is lost
        wire = Wire(adapter=adapter, client=client, url="")
        options = SandboxOptions(vendors=(vendor,), settings={vendor: settings} if settings else {})
        server = SandboxServer(options, now=lambda: wire.time)
        wire.url = f"http://127.0.0.1:{await server.start(port=0)}"
        try:
            yield wire
        finally:
            await server.stop()
