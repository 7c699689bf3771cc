"""Real processes in a storm: a sandbox, web processes and a scheduler over one database, and a shop that asks them.

A storm of full size takes minutes on each database; ``QUAYSIDE_STORM=full`` in the environment of pytest asks for it.
Without it the same walk is shorter, with the same faults and kills in it; the line it prints says how many there were.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from db import outcomes
from db.engine import Database, open_database
from db.keys import KeyRow
from db.sealed import Seal
from monitoring.commands import add_token
from tests.acceptance.fleet import Fleet, fleet, free_ports
from tests.waiting import until

SECRET_KEY = "a-key-that-only-this-test-knows"
FULL = os.environ.get("QUAYSIDE_STORM", "") == "full"


@dataclass(kw_only=True)
class Storm:
    """The processes, what is under way at each, and the database. ``figures`` are for whoever reads of the run."""

    ships: Fleet
    db: Database
    http: aiohttp.ClientSession
    token: str
    ports: Sequence[int]
    sandbox: str
    folder: Path
    draw: random.Random
    elsewhere: Sequence[int] = ()  # ports of web processes each of which is on a machine of its own
    webs: dict[int, int] = field(default_factory=dict)  # port -> process id
    scheduler: int | None = None
    under_way: Counter[int] = field(default_factory=Counter)  # port -> requests of the shop
    figures: Counter[str] = field(default_factory=Counter)

    async def start_web(self, port: int) -> None:
        """Start a web process and wait until it answers."""
        self.figures["web processes started"] += 1
        host = f"machine-{self.figures['web processes started']}" if port in self.elsewhere else ""
        pid = await self.ships.start("web", port, host)
        await until(lambda: self._is_up(f"http://127.0.0.1:{port}/healthz"), seconds=60, said=self.ships.said)
        self.webs[port] = pid

    async def start_sandbox(self) -> None:
        """Start the sandbox and wait until it answers."""
        await self.ships.start("sandbox")
        await until(lambda: self._is_up(f"{self.sandbox}/_sandbox/ping"), seconds=60, said=self.ships.said)

    async def start_scheduler(self) -> None:
        """Start the scheduler."""
        self.scheduler = await self.ships.start("scheduler")

    async def kill_the_busiest_web(self) -> None:
        """Kill the web process with the most requests under way, and start it again."""
        port = max(self.webs, key=lambda port: self.under_way[port])
        self.figures["web processes killed"] += 1
        self.figures["web processes killed elsewhere"] += port in self.elsewhere
        self.figures["requests cut off"] += self.under_way[port]
        await self.ships.kill(self.webs.pop(port))
        await self.start_web(port)

    async def kill_the_scheduler(self) -> None:
        """Kill the scheduler, and start it again."""
        assert self.scheduler is not None
        self.figures["schedulers killed"] += 1
        await self.ships.kill(self.scheduler)
        await self.start_scheduler()

    async def stop_all(self) -> None:
        """Tell every web process and the scheduler to end."""
        for pid in (*self.webs.values(), *([self.scheduler] if self.scheduler else [])):
            await self.ships.stop(pid)
        self.webs.clear()
        self.scheduler = None

    async def post(self, path: str, key: str, body: Any, port: int | None = None) -> tuple[int, dict[str, Any]]:
        """Ask one process, whichever is up without ``port``; status 0 when no answer came."""
        port = port or self.draw.choice(list(self.webs))
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        self.under_way[port] += 1
        try:
            async with self.http.post(f"http://127.0.0.1:{port}/api/v1{path}", json=body, headers=headers) as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientError:
            self.figures["requests without an answer"] += 1
            return 0, {}
        finally:
            self.under_way[port] -= 1

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox itself."""
        async with self.http.request(method, f"{self.sandbox}/_sandbox{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def effects(self, prefix: str) -> list[dict[str, Any]]:
        """Return what happened for good at the vendors, under references that begin so."""
        found = (await self.control("GET", "/ledger"))["effects"]
        return [effect for effect in found if effect["reference"].startswith(prefix)]

    async def unknown(self) -> list[KeyRow]:
        """Return what the ledger of unknown outcomes lists once the claims of dead processes are over."""
        later = datetime.now(UTC) + timedelta(minutes=5)
        return await outcomes.listed(self.db, state="unknown", now=later, limit=10_000)

    async def _is_up(self, url: str) -> bool:
        with suppress(aiohttp.ClientError):
            async with self.http.get(url) as answer:
                return answer.status == 200
        return False


@asynccontextmanager
async def storm(
    database_url: str, tmp_path: Path, *, toml: str, webs: int, seed: int, elsewhere: int = 0
) -> AsyncIterator[Storm]:
    """Give so many web processes and a sandbox, all of them real; the scheduler is started by the test.

    So many of the web processes are ``elsewhere``: on other machines, as far as the others can tell.
    """
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "quayside.toml").write_text(toml, encoding="utf-8")
    sandbox, *ports = free_ports(1 + webs)
    environment = {
        "QUAYSIDE_DATABASE_URL": database_url,
        "QUAYSIDE_SECRET_KEY": SECRET_KEY,
        "QUAYSIDE_SANDBOX": "on",
        "QUAYSIDE_SANDBOX_DEMO": "off",
        "QUAYSIDE_SANDBOX_PORT": str(sandbox),
    }
    db = open_database(database_url, Seal([SECRET_KEY]))
    try:
        token = await add_token(db, "shop", ["payments", "quotes", "read"], now=datetime.now(UTC))
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, force_close=True), timeout=aiohttp.ClientTimeout(total=120)
            ) as http,
            fleet(folder, environment) as ships,
        ):
            at = Storm(
                ships=ships,
                db=db,
                http=http,
                token=token,
                ports=ports,
                elsewhere=ports[:elsewhere],
                sandbox=f"http://127.0.0.1:{sandbox}",
                folder=folder,
                draw=random.Random(seed),
            )
            await at.start_sandbox()
            for port in ports:
                await at.start_web(port)
            try:
                yield at
            finally:
                print(f"\n{db.dialect}: {dict(at.figures)}")  # noqa: T201 - the figures of the run
    finally:
        await db.close()


def tuned(vendors: Sequence[str], attempt_timeout: float, **settings: str) -> str:
    """Return settings that let no quota and no circuit end a storm, and no timeout last long.

    ``settings`` are further lines for the sandbox of a vendor.
    """
    return """
[retry]
base = 0.02
cap = 0.1
budget_least = 100000

[web]
requests_per_minute = 1000000

[vendors.breaker]
consecutive_failures = 100000
minimum_number_of_calls = 100000
""" + "".join(
        f"""
[vendors.{name}]
attempt_timeout = {attempt_timeout}
quotas = [{{ name = "wide", limit = 10000, seconds = 1.0 }}]

[sandbox.settings.{name}]
quotas = [["wide", 100000, 1.0]]
{settings.get(name, "")}
"""
        for name in vendors
    )
