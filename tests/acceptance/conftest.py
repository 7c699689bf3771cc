"""A sandbox and a gateway that calls it, for walks through the whole product in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from db.engine import Database
from db.owner import new_owner
from integrations.options import IntegrationOptions
from integrations.resilience.clock import Clock
from integrations.runtime import Runtime, open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import understand


@dataclass(frozen=True, slots=True, kw_only=True)
class Harbour:
    """The sandbox, a runtime that calls it, and the database both leave their traces beside."""

    sandbox: SandboxServer
    runtime: Runtime
    db: Database
    folder: Path

    def requests(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """Return every request the sandbox saw."""
        return self.sandbox.ledger.view(vendor=vendor)["requests"]

    def effects(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """Return everything that happened for good at the vendors."""
        return self.sandbox.ledger.view(vendor=vendor)["effects"]


OpenHarbour = Callable[..., AbstractAsyncContextManager[Harbour]]


def options_for(port: int, toml: Mapping[str, Any], folder: Path) -> IntegrationOptions:
    """Return the options of a process whose vendors are all at the sandbox on ``port``."""
    environment = {"QUAYSIDE_SANDBOX": "on", "QUAYSIDE_SANDBOX_PORT": str(port), "QUAYSIDE_SANDBOX_DEMO": "off"}
    return understand(environment, toml, var=folder).integrations


@asynccontextmanager
async def harbour_on(
    db: Database,
    folder: Path,
    *,
    toml: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Harbour]:
    """Give a harbour: ``toml`` is our quayside.toml, ``settings`` are the sandbox's (vendor, name, value); both sides
    go by ``clock``."""
    clock = clock or Clock()
    sandbox = SandboxServer(SandboxOptions(port=0, settings=settings or {}), now=clock.time)
    port = await sandbox.start()
    try:
        async with open_runtime(db, options_for(port, toml or {}, folder), new_owner("test"), clock) as runtime:
            yield Harbour(sandbox=sandbox, runtime=runtime, db=db, folder=folder)
    finally:
        await sandbox.stop()


@pytest.fixture
def open_harbour(database: Database, tmp_path: Path) -> OpenHarbour:
    """Open a harbour on the test's database: ``async with open_harbour(toml={…}, settings={…}) as harbour``."""

    def opened(**more: Any) -> AbstractAsyncContextManager[Harbour]:
        return harbour_on(database, tmp_path, **more)

    return opened
