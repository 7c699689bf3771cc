"""kill -9 of the scheduler in the middle of a backfill: it ends with what it ends with undisturbed.

A month of exchange rates is worked off twice, each into a database of its own: once in peace, once by schedulers that are
killed in the middle of a slice again and again. The sandbox gives the same rates for the same day.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import time

import aiohttp
import pytest
from sqlalchemy import select

from db import backfill_progress, backfills, run_history
from db.backfills import Backfill
from db.engine import Database, open_database
from db.schema import rate_snapshots, sync_runs
from db.sealed import Seal
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from tests.acceptance.killable_scheduler import KillableScheduler, killable_scheduler
from tests.postgres import PostgresServer
from tests.waiting import until

DAYS, SLICE_DAYS, KILLS = 30, 5, 4
SECRET_KEY = "a-key-that-only-this-test-knows"
TOML = """
[retry]
base = 0.05
cap = 0.2

[syncs]
poll_every = 0.1
patience = [0.2, 0.5, 1.0]

[syncs.currency]
schedule = "0 5 1 1 *"

[syncs.inventory]
schedule = "0 5 1 1 *"

[syncs.orders]
schedule = "0 5 1 1 *"

[syncs.payments]
schedule = "0 5 1 1 *"
vendors = []

[syncs.shipments]
schedule = "0 5 1 1 *"
vendors = []

[syncs.spend]
schedule = "0 5 1 1 *"
vendors = []
"""


@dataclass(kw_only=True)
class Scene:
    """A sandbox, a database and a scheduler that is not started yet."""

    sandbox: SandboxServer
    db: Database
    scheduler: KillableScheduler

    def asked(self, since: float = 0.0) -> int:
        """How often the source was asked for a past day."""
        seen = self.sandbox.ledger.view(vendor="open_exchange_rates", since=since)["requests"]
        return sum("historical" in request["path"] for request in seen)

    async def begin(self) -> Backfill:
        """Begin the backfill of the month that ended yesterday."""
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        new = await backfills.create(
            self.db,
            "currency",
            midnight - timedelta(days=DAYS),
            midnight,
            slice_seconds=SLICE_DAYS * 86_400,
            pause_seconds=0,
            reason="The source restated the month",
            by="ada",
            now=datetime.now(UTC),
        )
        assert new is not None
        return new

    async def is_done(self, backfill: Backfill) -> bool:
        found = await backfills.get(self.db, backfill.id)
        assert found is not None
        assert found.state in ("open", "done"), found
        return found.state == "done" and not await run_history.running(self.db)

    async def rates(self, backfill: Backfill) -> set[tuple[str, datetime, str, tuple[tuple[str, Decimal], ...]]]:
        """What is stored of the range, each day once."""
        c = rate_snapshots.c
        query = select(rate_snapshots).where(c.as_of >= backfill.since, c.as_of < backfill.until)
        async with self.db.read() as connection:
            rows = (await connection.execute(query)).all()
        found = {(row.base, row.as_of, row.source, tuple(sorted(row.rates.items()))) for row in rows}
        assert len(found) == len(rows), "a day is stored twice"
        return found


async def test_a_backfill_killed_again_and_again_ends_as_one_that_was_left_in_peace(
    database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with sandbox() as standing:
        async with scene(standing, database_url, tmp_path / "killed") as at:
            backfill = await at.begin()
            await kill_it_in_the_middle(at, backfill)
            await at.scheduler.start()
            await until(lambda: at.is_done(backfill), seconds=60, said=at.scheduler.said)
            await at.scheduler.stop()
            killed = await at.rates(backfill)
            far = (await backfill_progress.progress(at.db, [backfill.id]))[backfill.id]
            taken_over = await takeovers(at.db, backfill)
            again = await through_it_again(at)
        async with (
            another_database(database_url, tmp_path, request) as url,
            scene(standing, url, tmp_path / "peace") as at,
        ):
            backfill = await at.begin()
            await at.scheduler.start()
            await until(lambda: at.is_done(backfill), seconds=60, said=at.scheduler.said)
            await at.scheduler.stop()
            in_peace = await at.rates(backfill)

    assert killed == in_peace
    assert len(killed) == DAYS
    assert (far.done, far.total, far.read, far.written) == (DAYS // SLICE_DAYS, DAYS // SLICE_DAYS, DAYS, DAYS)
    assert taken_over >= KILLS
    assert again == (DAYS, 0, DAYS)  # read, written, unchanged: the second time changes nothing


async def kill_it_in_the_middle(at: Scene, backfill: Backfill) -> None:
    """Kill it some days further into the backfill each time, in the middle of a slice, with a question under way."""
    for number in range(1, KILLS + 1):
        began = time()
        await at.scheduler.start()
        await until(partial(reached, at, at.asked() + 4), seconds=60, every=0.01, said=at.scheduler.said)
        assert not await at.is_done(backfill), f"it was done before kill {number}"
        await at.scheduler.kill()
        assert at.asked(began)


async def reached(at: Scene, number: int) -> bool:
    return at.asked() >= number


async def takeovers(db: Database, backfill: Backfill) -> int:
    """How often a slice was taken over from a process that was killed."""
    async with db.read() as connection:
        rows = await connection.execute(select(sync_runs.c.takeovers).where(sync_runs.c.backfill_id == backfill.id))
        return sum(row.takeovers for row in rows)


async def through_it_again(at: Scene) -> tuple[int, int, int]:
    """Work the same range off once more; return what was read, written and found unchanged."""
    again = await at.begin()
    before = await at.rates(again)
    await at.scheduler.start()
    await until(lambda: at.is_done(again), seconds=60, said=at.scheduler.said)
    await at.scheduler.stop()

    assert await at.rates(again) == before
    far = (await backfill_progress.progress(at.db, [again.id]))[again.id]
    return far.read, far.written, far.unchanged


@asynccontextmanager
async def sandbox() -> AsyncIterator[tuple[SandboxServer, int]]:
    settings = {"acumatica": {"catalogue_size": 20}}
    server = SandboxServer(SandboxOptions(port=0, settings=settings))
    port = await server.start()
    slow = {"vendor": "open_exchange_rates", "operation": "historical_rates", "fault": "slow:0.1", "rate": 1.0}
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"http://127.0.0.1:{port}/_sandbox/faults", json=[slow]) as answer,
        ):
            assert answer.status == 200, await answer.text()
        yield server, port
    finally:
        await server.stop()


@asynccontextmanager
async def scene(standing: tuple[SandboxServer, int], database_url: str, folder: Path) -> AsyncIterator[Scene]:
    folder.mkdir()
    (folder / "quayside.toml").write_text(TOML, encoding="utf-8")
    environment = {
        "QUAYSIDE_DATABASE_URL": database_url,
        "QUAYSIDE_SECRET_KEY": SECRET_KEY,
        "QUAYSIDE_SANDBOX": "on",
        "QUAYSIDE_SANDBOX_DEMO": "off",
        "QUAYSIDE_SANDBOX_PORT": str(standing[1]),
    }
    db = open_database(database_url, Seal([SECRET_KEY]))
    try:
        async with killable_scheduler(folder, environment) as scheduler:
            yield Scene(sandbox=standing[0], db=db, scheduler=scheduler)
    finally:
        await db.close()


@asynccontextmanager
async def another_database(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Give a second fresh database of the same kind."""
    if database_url.startswith("sqlite"):
        path = tmp_path / "peace.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.execute(f"CREATE DATABASE quayside_peace TEMPLATE {request.getfixturevalue('postgres_template')}")
    yield server.url("quayside_peace")
    server.execute("DROP DATABASE quayside_peace WITH (FORCE)")
