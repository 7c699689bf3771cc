"""The database goes away while calls go on: what needs no claim of ours goes on, what does is refused, nothing is lost.

Postgres is stopped twice over: ended, so that its connections break, and frozen, so that they stay open and say nothing.
SQLite's file is locked by somebody else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from db.calls import search
from db.engine import Database, open_database
from db.migrate import migrate
from db.sealed import Seal
from integrations.correlation import origin
from integrations.errors import QuaysideError
from integrations.registry import adapter_class
from tests.acceptance.conftest import Harbour, harbour_on
from tests.postgres import PostgresServer
from tests.waiting import until

pytestmark = pytest.mark.alone
AT_ONCE = 5.0  # seconds in which a call ends whatever the database does, the first one after a freeze included
# Half a minute of calls one after the other is more than Acumatica's licence has, and a quota holds in an outage too.
WIDE = {"name": "licence_minute", "limit": 6000, "seconds": 60.0, "paced": False}
TOML = {"retry": {"base": 0.01, "cap": 0.05}, "vendors": {"acumatica": {"quotas": [WIDE]}}}
SETTINGS = {
    "acumatica": {"release_seconds": 0.05, "quotas": [["requests_per_minute", 6000, 60.0]]},
    "open_exchange_rates": {"plan": "unlimited"},
}
GOES_ON: tuple[tuple[str, str], ...] = (
    ("fedex", "track_shipment"),
    ("open_exchange_rates", "latest_rates"),
    ("stripe", "create_payment"),
)
GOES_ON += (("acumatica", "list_stock"), ("ecb", "latest_rates"), ("aramex", "track_shipment"))
NEEDS_A_CLAIM = (("fedex", "create_shipment"), ("acumatica", "put_sales_order"))


@dataclass(kw_only=True)
class Traffic:
    """Calls one after the other until told to stop; ``ended`` holds (vendor, operation, how, seconds)."""

    harbour: Harbour
    ended: list[tuple[str, str, str, float]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    async def call(self, vendor: str, operation: str) -> str:
        number = next(self.numbers)
        value: dict[str, Any] = dict(adapter_class(vendor).vendor.operation(operation).example)  # type: ignore[union-attr]
        if "reference" in value:
            value["reference"] = f"AWAY-{number}"
        if "shipment" in value:
            value["shipment"] = {**value["shipment"], "reference": f"AWAY-{number}"}
        begun = time.monotonic()
        how = "success"
        with origin("api", correlation_id=f"away-{number}"):
            try:
                await self.harbour.runtime.gateway.call(vendor, operation, value, deadline=20.0)
            except QuaysideError as error:
                how = error.error_type
        self.ended.append((vendor, operation, how, time.monotonic() - begun))
        return how

    async def round(self) -> None:
        for vendor, operation in (*GOES_ON, *NEEDS_A_CLAIM):
            await self.call(vendor, operation)

    def how(self, calls: tuple[tuple[str, str], ...]) -> Counter[str]:
        return Counter(how for vendor, operation, how, _ in self.ended if (vendor, operation) in calls)

    def longest(self) -> float:
        return max(seconds for *_, seconds in self.ended)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server of this test's own, because it is taken away."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
async def on_postgres(own_postgres: PostgresServer, seal: Seal, tmp_path: Path) -> AsyncIterator[Harbour]:
    db = open_database(own_postgres.url(), seal)
    await migrate(db)
    async with harbour_on(db, tmp_path, toml=TOML, settings=SETTINGS) as harbour:
        yield harbour
    await db.close()


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Freeze the server and all that serve its connections."""
    pids = server.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("taken_away", [stopped, frozen])
async def test_calls_go_on_while_postgres_is_away(
    own_postgres: PostgresServer, on_postgres: Harbour, taken_away: Callable[..., Any]
) -> None:
    await _go_through(own_postgres, on_postgres, taken_away, seconds=6.0)


@pytest.mark.benchmark
@pytest.mark.parametrize("taken_away", [stopped, frozen])
async def test_calls_go_on_while_postgres_is_away_for_half_a_minute(
    own_postgres: PostgresServer, on_postgres: Harbour, taken_away: Callable[..., Any]
) -> None:
    await _go_through(own_postgres, on_postgres, taken_away, seconds=30.0)


async def _go_through(
    server: PostgresServer, harbour: Harbour, taken_away: Callable[..., Any], *, seconds: float
) -> None:
    before, during, after = (Traffic(harbour=harbour, numbers=iter(range(n * 10_000, 10**6))) for n in range(3))
    await before.round()
    with taken_away(server):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await during.round()
            await asyncio.sleep(0.05)
    await until(lambda: _answers(harbour.db))
    await asyncio.sleep(1.0)
    await after.round()
    await harbour.runtime.recorder.flush()

    assert before.how(GOES_ON + NEEDS_A_CLAIM) == {"success": len(GOES_ON + NEEDS_A_CLAIM)}
    assert set(during.how(GOES_ON)) == {"success"}
    assert set(during.how(NEEDS_A_CLAIM)) == {"store_unavailable"}
    assert during.longest() < AT_ONCE
    assert after.how(GOES_ON + NEEDS_A_CLAIM) == {"success": len(GOES_ON + NEEDS_A_CLAIM)}
    await _nothing_lost_or_double(harbour, before, during, after)


async def test_calls_go_on_while_sqlites_file_is_locked(seal: Seal, sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    path.write_bytes(sqlite_template.read_bytes())
    db = open_database(f"sqlite:///{path}", seal)
    async with harbour_on(db, tmp_path, toml=TOML, settings=SETTINGS) as harbour:
        before, during, after = (Traffic(harbour=harbour, numbers=iter(range(n * 10_000, 10**6))) for n in range(3))
        await before.round()
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        end = time.monotonic() + 6.0
        while time.monotonic() < end:
            for vendor, operation in GOES_ON:
                await during.call(vendor, operation)
        locker.execute("COMMIT")
        locker.close()
        await after.round()
        await harbour.runtime.recorder.flush()

        assert set(during.how(GOES_ON)) == {"success"}
        assert during.longest() < AT_ONCE
        assert after.how(GOES_ON + NEEDS_A_CLAIM) == {"success": len(GOES_ON + NEEDS_A_CLAIM)}
        await _nothing_lost_or_double(harbour, before, during, after)
    await db.close()


async def _answers(db: Database) -> bool:
    from db.engine import StoreUnavailable

    try:
        async with db.read():
            return True
    except StoreUnavailable:
        return False


async def _nothing_lost_or_double(harbour: Harbour, *traffic: Traffic) -> None:
    made = Counter((vendor, operation, how) for one in traffic for vendor, operation, how, _ in one.ended)
    calls = await search(harbour.db, limit=100_000)
    ours = [call for call in calls if call.operation not in ("sign_in", "sign_out")]
    recorded = Counter((call.vendor, call.operation, call.error_type or "success") for call in ours)
    spans = Counter(attempt.span_id for call in calls for attempt in call.sent)
    seen = Counter((request["traceparent"] or "--")[36:52] for request in harbour.requests())
    effects = Counter((effect["vendor"], effect["kind"], effect["reference"]) for effect in harbour.effects())
    succeeded = {(vendor, operation): n for (vendor, operation, how), n in made.items() if how == "success"}

    assert recorded == made
    assert spans == seen
    assert max(seen.values()) == 1
    assert {effect for effect, count in effects.items() if count > 1 and effect[2].startswith("AWAY-")} == set()
    assert sum(effect[:2] == ("stripe", "payment") for effect in effects) == succeeded["stripe", "create_payment"]
    assert sum(effect[:2] == ("fedex", "shipment") for effect in effects) == succeeded["fedex", "create_shipment"]
