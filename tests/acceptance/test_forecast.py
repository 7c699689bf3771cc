"""A vendor's quota is spent steadily: the forecast names the moment the sandbox says 429, and the sums agree with it.

Both sides live by one clock that the test moves, so that an afternoon of calls takes seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from db.engine import Database
from db.owner import new_owner
from db.spending import spend
from integrations.commands import vendor_list
from integrations.correlation import origin
from integrations.errors import CallFailed, HttpFailed, NoPermit
from integrations.outcome import Priority, Trigger
from integrations.registry import adapter_class
from integrations.resilience.clock import Clock
from integrations.runtime import Runtime, open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import understand
from monitoring.facts import VendorFacts, facts_of
from monitoring.forecast import Forecast, Outlook
from monitoring.outlook import forecasts
from tests.conftest import MovableClock

LIMIT = 200
SOURCES: tuple[tuple[Trigger, Priority], ...] = (
    ("sync", "batch"),
    ("api", "interactive"),
    ("user", "interactive"),
    ("replay", "batch"),
)


class Afternoon:
    """A vendor, somebody who calls it again and again, and the clock of both."""

    def __init__(
        self,
        vendor: str,
        db: Database,
        clock: MovableClock,
        sandbox: SandboxServer,
        port: int,
        runtime: Runtime,
        facts: VendorFacts,
    ) -> None:
        self.vendor = vendor
        self.db = db
        self.clock = clock
        self.sandbox = sandbox
        self.port = port
        self._runtime = runtime
        self._facts = facts
        self._draw = random.Random(11)
        self._calls = 0
        self.began = clock.now()
        self.pause = 20.0  # seconds between two calls, a fifth more or less

    def __repr__(self) -> str:
        return f"<Afternoon of {self.vendor}, {self._calls} calls>"

    async def call(self) -> None:
        """Call as the next source in turn does, then let about ``pause`` seconds pass."""
        trigger, priority = SOURCES[self._calls % len(SOURCES)]
        self._calls += 1
        with origin(trigger), contextlib.suppress(CallFailed, NoPermit):  # truncated thrice, or the quota is used up
            await self._runtime.gateway.call(self.vendor, "track_shipment", self.example(), priority=priority)
        self.clock.move(self.pause + self._draw.uniform(-0.2, 0.2) * self.pause)

    def example(self) -> Mapping[str, Any]:
        """Return what is asked each time."""
        operation = adapter_class(self.vendor).vendor.operation("track_shipment")
        assert operation is not None
        return operation.example

    async def forecast(self) -> Forecast:
        """Return the forecast of the quota under test."""
        await self._runtime.recorder.flush()
        (found,) = (await forecasts(self.db, [self._facts], self.clock.now()))[self.vendor]
        return found

    async def run_out(self) -> datetime:
        """Call until the vendor says 429, or we hold back what it would refuse; return when that was."""
        while True:
            before = self.clock.now()
            await self.call()
            if 429 in self.statuses() or await self.is_empty():
                return before

    async def is_empty(self) -> bool:
        """Tell whether our own count says that nothing is left."""
        outlook: Outlook = (await self.forecast()).outlook
        return outlook == "empty"

    def statuses(self) -> list[int | None]:
        return [request["status"] for request in self.requests()]

    def requests(self) -> list[Any]:
        """Return what the sandbox saw."""
        seen: list[Any] = self.sandbox.ledger.view(vendor=self.vendor)["requests"]
        return seen

    async def sources(self) -> Mapping[str, int]:
        """Return the requests of each source, as the record has them."""
        await self._runtime.recorder.flush()
        found: dict[str, int] = {}
        for one in await spend(self.db, self.vendor, since=self.began, until=self.clock.now()):
            found[one.trigger] = found.get(one.trigger, 0) + one.attempts
        return found


def logical(clock: MovableClock) -> Clock:
    """Return a clock whose sleep moves time for whoever calls vendors; what runs beside the calls waits for real."""
    caller = asyncio.current_task()

    async def sleep(seconds: float) -> None:
        if asyncio.current_task() is caller:
            clock.move(max(0.0, seconds))
        else:
            await asyncio.sleep(0.05)

    return Clock(time=clock.time, sleep=sleep, random=random.Random(5).random)


@asynccontextmanager
async def afternoon(
    vendor: str, db: Database, folder: Path, *, theirs: list[Any], ours: Mapping[str, Any]
) -> AsyncIterator[Afternoon]:
    clock = MovableClock()
    sandbox = SandboxServer(SandboxOptions(port=0, settings={vendor: {"quotas": [theirs]}}), now=clock.time)
    port = await sandbox.start()
    environment = {"QUAYSIDE_SANDBOX": "on", "QUAYSIDE_SANDBOX_PORT": str(port), "QUAYSIDE_SANDBOX_DEMO": "off"}
    toml = {
        "vendors": {vendor: {"quotas": [ours], "breaker": {"minimum_number_of_calls": 1000}}},
        "limiter": {"reserve": 0.0},
    }
    options = understand(environment, toml, var=folder).integrations
    facts = next(facts_of(one) for one in vendor_list(options) if one["name"] == vendor)
    try:
        async with open_runtime(db, options, new_owner("test"), logical(clock)) as runtime:
            yield Afternoon(vendor, db, clock, sandbox, port, runtime, facts)
    finally:
        await sandbox.stop()


@asynccontextmanager
async def careless(vendor: str, db: Database, folder: Path, day: Afternoon) -> AsyncIterator[Runtime]:
    """Give a gateway to the same sandbox that keeps no quota and tries once."""
    environment = {"QUAYSIDE_SANDBOX": "on", "QUAYSIDE_SANDBOX_PORT": str(day.port), "QUAYSIDE_SANDBOX_DEMO": "off"}
    options = understand(environment, {"vendors": {vendor: {"quotas": []}}}, var=folder / "careless").integrations
    async with open_runtime(db, options, new_owner("test"), logical(day.clock)) as runtime:
        yield runtime


async def test_our_own_count_foretells_the_429_and_sums_to_the_vendors_count(
    database: Database, tmp_path: Path
) -> None:
    covered = {"operations": ["track_shipment"]}  # FedEx does not count the sign-in
    ours = {"name": "day", "limit": LIMIT, "seconds": 86400.0, "paced": False, **covered}
    async with afternoon("fedex", database, tmp_path, theirs=["daily", LIMIT, 86400.0], ours=ours) as day:
        fault = {"vendor": "fedex", "operation": "track_shipment", "fault": "truncate", "rate": 0.04, "seed": 3}
        async with aiohttp.ClientSession() as http:
            await http.post(f"http://127.0.0.1:{day.port}/_sandbox/faults", json=[fault])
            for _ in range(100):
                await day.call()
            at, foretold = day.clock.now(), await day.forecast()
            ended = await day.run_out()
            sources = await day.sources()
            requests = day.statuses()
            tracked = [one for one in day.requests() if one["operation"] == "track_shipment"]
        # Nothing of ours asks any more: one that knows of no quota proves that the vendor's is really used up.
        async with careless("fedex", database, tmp_path, day) as runtime:
            with pytest.raises(HttpFailed) as refused:
                await runtime.gateway.call("fedex", "track_shipment", day.example())

        assert foretold.outlook == "runs_out"
        assert foretold.empty_at is not None
        assert off(foretold.empty_at, ended, at) <= 0.05
        assert set(sources) == {source for source, _priority in SOURCES}
        assert sum(sources.values()) == len(requests)
        assert len(tracked) == LIMIT  # retries among them
        assert refused.value.status == 429


async def test_the_vendors_word_foretells_the_429_where_it_knows_more(database: Database, tmp_path: Path) -> None:
    ours = {"name": "hour", "limit": 100_000, "seconds": 36_000.0, "paced": False}
    async with afternoon("australia_post", database, tmp_path, theirs=["hour", LIMIT, 3600.0], ours=ours) as day:
        day.pause = 12.0  # the quota is used up within its hour
        for _ in range(70):
            await day.call()
        at, foretold = day.clock.now(), await day.forecast()
        while 429 not in day.statuses():
            ended = day.clock.now()
            await day.call()
        sources = await day.sources()

        assert foretold.window.announced
        assert foretold.window.limit == LIMIT
        assert "the vendor's own word" in foretold.basis
        assert foretold.empty_at is not None
        assert off(foretold.empty_at, ended, at) <= 0.05
        assert sum(sources.values()) == len(day.statuses())


def off(foretold: datetime, really: datetime, at: datetime) -> float:
    """Return by which share of the time that was left a forecast was wrong."""
    return abs((foretold - really) / (really - at))


async def test_a_paced_quota_is_not_foretold_to_run_out(database: Database, tmp_path: Path) -> None:
    ours = {"name": "minute", "limit": LIMIT, "seconds": 60.0}
    async with afternoon("fedex", database, tmp_path, theirs=["daily", LIMIT, 86400.0], ours=ours) as day:
        for _ in range(25):
            await day.call()

        assert (await day.forecast()).outlook == "paced"
