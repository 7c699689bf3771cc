"""An ERP that says everything is gone empties no shop: a scheduler stops, people are asked, and one of them decides.

The scheduler is a process of its own and asks the sandbox over real connections. It is killed while it brings about what
was decided, and what the ERP has heard is held against what it should have heard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import time
from typing import Any

import aiohttp
import httpx

from app import sync_facts, vendor_facts
from db import audit, run_history, stock
from db.engine import Database, open_database
from db.sealed import Seal
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import understand
from monitoring.commands import add_token
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.acceptance.killable_scheduler import KillableScheduler, killable_scheduler
from tests.monitoring.browser import client, running
from tests.waiting import until

SKUS = 40
SECRET_KEY = "a-key-that-only-this-test-knows"
WAREHOUSE, CHANNEL = "MAIN", "C0ALERTS01"
OFTEN, SELDOM = "every 3s", "every 12h"
TOML = """
[retry]
base = 0.05
cap = 0.2

[alerts]
channels = ["C0ALERTS01"]
edit_every = 0

[syncs]
poll_every = 0.1
patience = [0.2, 0.5, 1.0, 2.0]

[syncs.inventory]
schedule = "{schedule}"
page_size = 25
pause = 0.05
"""
Levels = dict[str, Decimal]
Json = dict[str, Any]


@dataclass(kw_only=True)
class Scene:
    """The sandbox, our database, a scheduler that can be killed, and a person at the API."""

    sandbox: SandboxServer
    http: aiohttp.ClientSession
    url: str
    db: Database
    scheduler: KillableScheduler
    ops: httpx.AsyncClient
    opening: Levels  # what both sides have at first

    @property
    def in_stock(self) -> list[str]:
        """Return the SKUs there was something of."""
        return sorted(sku for sku, level in self.opening.items() if level > 0)

    async def ours(self) -> Levels:
        return {row.sku: row.quantity for row in await stock.page(self.db, limit=1000)}

    async def theirs(self) -> Levels:
        async with self.http.get(f"{self.url}/acumatica/stock") as answer:
            return {sku: Decimal(str(level)) for sku, level in (await answer.json()).items()}

    async def count_in_the_erp(self, levels: Levels) -> None:
        """Set what is in the ERP, as a person at its own screen would."""
        body = {sku: str(level) for sku, level in levels.items()}
        async with self.http.put(f"{self.url}/acumatica/stock", json=body) as answer:
            assert answer.status == 200

    async def sell_more(self, skus: list[str], by: int) -> None:
        """Change levels from our side."""
        for sku in skus:
            await stock.adjust(self.db, sku, WAREHOUSE, Decimal(by), by="api", now=datetime.now(UTC))

    def posted(self) -> dict[str, list[Decimal]]:
        """Return what requests of ours have moved in the ERP, by SKU."""
        found: dict[str, list[Decimal]] = {}
        for effect in self.sandbox.ledger.view(vendor="acumatica")["effects"]:
            if effect["kind"] == "stock":
                found.setdefault(effect["reference"].rpartition("/")[2], []).append(Decimal(effect["amount"]))
        return found

    async def get(self, path: str, **query: str) -> Json:
        answer = await self.ops.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def newest(self) -> Json | None:
        """Return the plan that waits for somebody, if any."""
        found = (await self.get("/plans", state="waiting"))["plans"]
        return found[0] if found else None

    async def decide(self, act: str, reason: str) -> Json:
        """Decide about the plan that waits, as a person would who looks again when a newer one has come."""
        while True:
            await until(self.asks, said=self.scheduler.said)
            plan = await self.newest()
            assert plan is not None
            answer = await self.ops.post(f"/api/v1/plans/{plan['run_id']}/{act}", json={"reason": reason})
            if answer.status_code in (200, 202):
                done: Json = answer.json()
                return done
            assert answer.status_code == 409, answer.text

    async def asks(self) -> bool:
        return await self.newest() is not None

    async def asks_nobody(self) -> bool:
        return await self.newest() is None

    async def is_equal(self) -> bool:
        return bool(await self.ours()) and await self.ours() == await self.theirs()

    async def messages(self) -> list[Json]:
        async with self.http.get(f"{self.url}/slack/messages") as answer:
            return [message for message in await answer.json() if message["channel"] == CHANNEL]

    async def is_told(self) -> bool:
        return any("stopped and asks" in message["text"] for message in await self.messages())

    async def hears_that_it_is_over(self) -> bool:
        return all("resolved" in message["text"].lower() for message in await self.messages())

    async def kill_in(self, operation: str) -> None:
        """Kill the scheduler when the ERP has done what it was asked, and nobody has heard so yet."""
        began = time()
        wanted = {"vendor": "acumatica", "operation": operation, "fault": "slow:30", "rate": 1.0, "seconds": 60}
        async with self.http.post(f"{self.url}/faults", json=[wanted]) as answer:
            assert answer.status == 200, await answer.text()

        async def asked() -> bool:
            requests = self.sandbox.ledger.view(vendor="acumatica", since=began)["requests"]
            return any(request["operation"] == operation for request in requests)

        await until(asked, seconds=40, said=self.scheduler.said)
        await self.scheduler.kill()
        async with self.http.delete(f"{self.url}/faults") as answer:
            assert answer.status == 200


async def test_a_stock_that_is_said_to_be_gone_waits_for_a_person_and_is_done_once(
    database_url: str, tmp_path: Path
) -> None:
    async with scene(database_url, tmp_path, schedule=OFTEN) as at:
        await at.scheduler.start()
        await until(at.is_equal, said=at.scheduler.said)

        # The ERP says that nothing is left: nothing is written, and people are told once.
        await at.count_in_the_erp(dict.fromkeys(at.opening, Decimal(0)))
        await until(at.is_told, said=at.scheduler.said)
        plan = await at.newest()
        assert plan is not None
        rows = (await at.get(f"/plans/{plan['run_id']}"))["rows"]
        assert await at.ours() == at.opening
        assert at.posted() == {}
        assert plan["stopped"].startswith("Acumatica's answer would set ")
        assert {(row["after"], row["state"]) for row in rows} == {("0", "planned")}
        assert {row["entity"] for row in rows} == {f"{sku}@{WAREHOUSE}" for sku in at.in_stock}
        assert (await run_history.recent(at.db, "inventory", limit=1))[0].trigger == "schedule"

        # Somebody throws it away; the ERP says so still, so the next run asks again, in the same message.
        thrown = await at.decide("throw-away", "The stock-take is not done")
        await until(at.asks, said=at.scheduler.said)
        assert await at.ours() == at.opening
        assert len(await at.messages()) == 1

        # It was right after all, but for three that are sold here since; killed in the middle, it goes on and does it once.
        sold = at.in_stock[:3]
        await at.sell_more(sold, 2)
        await until(lambda: is_in_the_plan(at, sold), said=at.scheduler.said)
        gone_on = await at.decide("go-on", "Hall 2 has burnt down")
        await at.kill_in("adjust_stock")
        await at.scheduler.start()
        wanted = {sku: at.opening[sku] + 2 if sku in sold else Decimal(0) for sku in at.opening}
        await until(lambda: stands(at, wanted), seconds=40, said=at.scheduler.said)
        await until(at.hears_that_it_is_over, said=at.scheduler.said)
        assert await at.scheduler.stop() == 0

        ended = (await at.get(f"/plans/{gone_on['run_id']}"))["plan"]
        assert at.posted() == {sku: [wanted[sku]] for sku in sold}
        assert ended["state"] in ("applied", "superseded")
        assert await at.newest() is None
        assert len(await at.messages()) == 1
        acts = {
            act.act: act.reason
            for plan_id in (thrown["run_id"], gone_on["run_id"])
            for act in await audit.list_acts(at.db, subject=plan_id)
        }
        assert acts == {"plan.thrown_away": "The stock-take is not done", "plan.let_go_on": "Hall 2 has burnt down"}


async def test_a_plan_that_is_applied_by_a_scheduler_that_dies_is_applied_once(
    database_url: str, tmp_path: Path
) -> None:
    async with scene(database_url, tmp_path, schedule=SELDOM) as at:
        await at.scheduler.start()
        first = await run(at, dry=False)
        await until(lambda: is_over(at, first), said=at.scheduler.said)
        skus = at.in_stock[:12]
        await at.sell_more(skus[:8], 3)
        counted = {sku: Decimal(1) for sku in skus[8:]}
        await at.count_in_the_erp(counted)

        # What would change, and nothing of it done.
        dry = await run(at, dry=True)
        await until(lambda: has_a_plan(at, dry), said=at.scheduler.said)
        plan = (await at.get(f"/plans/{dry}"))["plan"]
        assert (plan["state"], plan["counts"]) == ("open", {"erp": {"post": 8}, "platform": {"take": 4}})
        assert at.posted() == {}

        answer = await at.ops.post(f"/api/v1/plans/{dry}/apply", json={"reason": "Looked at every row"})
        again = await at.ops.post(f"/api/v1/plans/{dry}/apply", json={"reason": "Looked at every row"})
        assert (answer.status_code, again.status_code) == (202, 409)
        await at.kill_in("adjust_stock")
        await at.scheduler.start()
        await until(lambda: is_applied(at, dry), seconds=40, said=at.scheduler.said)
        assert await at.scheduler.stop() == 0

        rows = (await at.get(f"/plans/{dry}"))["rows"]
        acting = await run_history.get(at.db, answer.json()["acting_run_id"])
        assert at.posted() == {sku: [Decimal(3)] for sku in skus[:8]}
        assert (
            await at.ours()
            == await at.theirs()
            == at.opening | counted | {sku: at.opening[sku] + 3 for sku in skus[:8]}
        )
        assert Counter(row["state"] for row in rows) == {"applied": 12}
        assert acting is not None
        assert (acting.outcome, acting.takeovers) == ("success", 1)


async def run(at: Scene, *, dry: bool) -> str:
    """Ask for a run; return its id."""
    answer = await at.ops.post("/api/v1/syncs/inventory/runs", json={"dry_run": dry})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def is_over(at: Scene, run_id: str) -> bool:
    row = await run_history.get(at.db, run_id)
    return row is not None and row.outcome == "success"


async def has_a_plan(at: Scene, run_id: str) -> bool:
    return (await at.ops.get(f"/api/v1/plans/{run_id}")).status_code == 200


async def is_applied(at: Scene, run_id: str) -> bool:
    return bool((await at.get(f"/plans/{run_id}"))["plan"]["state"] == "applied")


async def stands(at: Scene, wanted: Levels) -> bool:
    return await at.ours() == await at.theirs() == wanted


async def is_in_the_plan(at: Scene, skus: list[str]) -> bool:
    """Whether the plan that waits knows what was sold meanwhile."""
    plan = await at.newest()
    return plan is not None and plan["counts"].get("erp", {}).get("conflict") == len(skus)


@asynccontextmanager
async def scene(database_url: str, tmp_path: Path, *, schedule: str) -> AsyncIterator[Scene]:
    """Give the same stock on both sides, and a scheduler that is not started yet."""
    folder = tmp_path / "scheduler"
    folder.mkdir()
    (folder / "quayside.toml").write_text(TOML.format(schedule=schedule), encoding="utf-8")
    sandbox = SandboxServer(SandboxOptions(port=0, settings={"acumatica": {"catalogue_size": SKUS}}))
    port = await sandbox.start()
    environment = {
        "QUAYSIDE_DATABASE_URL": database_url,
        "QUAYSIDE_SECRET_KEY": SECRET_KEY,
        "QUAYSIDE_SANDBOX": "on",
        "QUAYSIDE_SANDBOX_DEMO": "off",
        "QUAYSIDE_SANDBOX_PORT": str(port),
    }
    settings = understand(environment, {}, var=folder)
    db = open_database(database_url, Seal([SECRET_KEY]))
    opening = {item.sku: Decimal(item.quantity) for item in catalogue(sandbox.options.seed, SKUS)}
    try:
        levels = [(sku, WAREHOUSE, level) for sku, level in opening.items()]
        await stock.seed(db, levels, by="seed", now=datetime.now(UTC))
        token = await add_token(db, "ops", ("read", "operate"), now=datetime.now(UTC))
        api = create_web(db, WebOptions(), vendor_facts(settings), sync_facts(settings))
        async with (
            aiohttp.ClientSession() as http,
            running(api),
            client(api, authorization=f"Bearer {token}") as ops,
            killable_scheduler(folder, environment) as scheduler,
        ):
            yield Scene(
                sandbox=sandbox,
                http=http,
                url=f"http://127.0.0.1:{port}/_sandbox",
                db=db,
                scheduler=scheduler,
                ops=ops,
                opening=opening,
            )
    finally:
        await db.close()
        await sandbox.stop()
