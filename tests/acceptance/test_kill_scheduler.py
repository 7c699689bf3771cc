"""kill -9 of the scheduler at 30 random moments of an order sync of 500 orders, and nobody has to clean up after it.

A scheduler process is killed again and again while it brings orders to the ERP and keeps stock equal: at random moments,
half of them while an answer is under way, and once more in the middle of each kind of request. Then the sandbox,
which saw every request, is held against our record.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import time

import aiohttp
import pytest
from sqlalchemy import func, select

from db import dead_letters, orders, outbox, run_history, sign_ins, stock
from db.engine import Database, open_database
from db.orders import NewOrder, OrderLine
from db.schema import attempts, calls, keys, rollups
from db.sealed import Seal
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from tests.acceptance.killable_scheduler import KillableScheduler, killable_scheduler
from tests.acceptance.killed_journals import without_end
from tests.waiting import until

SLOT_SECONDS = 5.0
USER_LIMIT = 2
KILLS, ORDERS = 30, 500
FEWER_KILLS, FEWER_ORDERS = 12, 200  # on Postgres, where a start takes longer: the same walk in a third of the time
SKUS = 200
SEED = 20_260_302
SECRET_KEY = "a-key-that-only-this-test-knows"
WAREHOUSE = "MAIN"
# In the middle of each of these there is a kill more: the ERP has done it, and nobody hears the answer. Only an order
# whose answer was lost is looked up, so the one kill follows the other.
PHASES = (("sign_in",), ("put_sales_order", "look_up"), ("adjust_stock",), ("poll",), ("sign_out",))
IN_FLIGHT = [operation for phase in PHASES for operation in phase]
TOML = """
[retry]
base = 0.05
cap = 0.2

[vendors.acumatica]
quotas = [{ name = "licence_minute", limit = 100000, seconds = 60.0, paced = false }]

[syncs]
poll_every = 0.1
patience = [0.2, 0.5, 1.0, 2.0, 5.0, 5.0]

[syncs.orders]
schedule = "every 1s"
batch_size = 10
pause = 0.05
backoff = 1.0

[syncs.inventory]
schedule = "every 2s"
page_size = 50
pause = 0.05
"""


@dataclass(kw_only=True)
class Scene:
    """The sandbox, our database, the scheduler, and what is noted while the story goes on."""

    kills: int
    orders: int
    sandbox: SandboxServer
    http: aiohttp.ClientSession
    url: str
    db: Database
    scheduler: KillableScheduler
    folder: Path
    draw: random.Random
    levels: dict[str, Decimal]  # what both sides must have at the end
    ours: Sequence[str]  # SKUs that are sold, and changed by us
    theirs: Sequence[str]  # SKUs that are counted in the ERP
    died: set[str] = field(default_factory=set)  # attempts that had no end when their process was killed
    killed_at: list[float] = field(default_factory=list)
    sessions: dict[str, tuple[float, float]] = field(default_factory=dict)  # opened at -> when, last seen open
    most_sessions: int = 0

    def asked(self, since: float, operation: str | None = None) -> bool:
        """Whether the ERP has been asked something since a moment."""
        requests = self.sandbox.ledger.view(vendor="acumatica", since=since)["requests"]
        return any(operation in (None, request["operation"]) for request in requests)

    def orders_made(self, since: float = 0.0) -> Counter[str]:
        """How often each of our orders was made in the ERP."""
        effects = self.sandbox.ledger.view(vendor="acumatica", since=since)["effects"]
        return Counter(effect["reference"] for effect in effects if effect["kind"] == "order")

    async def kill(self) -> None:
        """Kill the scheduler and note what it was in the middle of."""
        await self.scheduler.kill()
        self.killed_at.append(time())
        self.died |= without_end(self.folder / "var" / "journal")

    async def change_stock(self) -> None:
        """Change a few levels on both sides, never the same SKU on both."""
        for sku in self.draw.sample(self.ours, 2):
            difference = Decimal(self.draw.randint(1, 5))
            self.levels[sku] += difference
            await stock.adjust(self.db, sku, WAREHOUSE, difference, by="api", now=datetime.now(UTC))
        sku = self.draw.choice(self.theirs)
        self.levels[sku] = Decimal(self.draw.randint(1, 400))
        async with self.http.put(f"{self.url}/acumatica/stock", json={sku: str(self.levels[sku])}) as answer:
            assert answer.status == 200

    async def add_fault(self, *, operation: str | None, fault: str) -> None:
        wanted = {"vendor": "acumatica", "operation": operation, "fault": fault, "rate": 1.0, "seconds": 60}
        async with self.http.post(f"{self.url}/faults", json=[wanted]) as answer:
            assert answer.status == 200, await answer.text()

    async def clear_faults(self) -> None:
        async with self.http.delete(f"{self.url}/faults") as answer:
            assert answer.status == 200

    async def watch_sessions(self) -> None:
        """Note again and again which ERP sessions are open."""
        while True:
            async with self.http.get(f"{self.url}/acumatica/sessions") as answer:
                found = await answer.json()
            now = time()
            self.most_sessions = max(self.most_sessions, len(found))
            for session in found:
                opened = datetime.fromisoformat(session["opened_at"]).timestamp()
                self.sessions[session["opened_at"]] = (opened, now)
            await asyncio.sleep(0.2)

    async def their_levels(self) -> dict[str, Decimal]:
        async with self.http.get(f"{self.url}/acumatica/stock") as answer:
            return {sku: Decimal(str(level)) for sku, level in (await answer.json()).items()}

    async def our_levels(self) -> dict[str, Decimal]:
        return {row.sku: row.quantity for row in await stock.page(self.db, limit=10_000)}


@pytest.mark.timeout(600)
async def test_a_scheduler_killed_at_any_moment_does_everything_once_and_forgets_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with scene(database_url, tmp_path) as at:
        watching = asyncio.create_task(at.watch_sessions())
        try:
            await kill_it_again_and_again(at)
            await at.scheduler.start()
            await until(lambda: is_done(at), seconds=120, every=0.3, said=at.scheduler.said)
            assert await at.scheduler.stop() == 0, at.scheduler.said()
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

        await every_order_is_in_the_erp_once(at)
        await every_request_is_in_our_record(at)
        await stock_is_equal(at)
        await no_session_is_left_open(at)


async def kill_it_again_and_again(at: Scene) -> None:
    """Kill it when so and so many orders are there, a moment later; and in between once in each kind of request."""
    moments = sorted(at.draw.sample(range(1, at.orders * 9 // 10), at.kills))
    phases = list(PHASES)
    for number, made in enumerate(moments):
        await kill_it_after(at, made, slow=number % 2 == 1)
        if phases and number % (at.kills // len(PHASES)) == 0:
            for operation in phases.pop(0):
                await kill_it_in(at, operation)
    assert not phases


async def kill_it_after(at: Scene, made: int, *, slow: bool) -> None:
    """Kill it a random moment after so many orders are in the ERP; ``slow``: while it waits for an answer."""
    await at.change_stock()
    made -= len(at.orders_made())
    began = time()
    await at.scheduler.start()
    await until(lambda: reached(at, began, made), seconds=60, every=0.02, said=at.scheduler.said)
    if slow:
        await at.add_fault(operation=None, fault="slow:30")
        moment = time()
        await until(lambda: is_asked(at, moment), seconds=60, every=0.02, said=at.scheduler.said)
    await asyncio.sleep(at.draw.uniform(0.0, 0.15))
    await at.kill()
    await at.clear_faults()


async def reached(at: Scene, began: float, made: int) -> bool:
    """Whether this scheduler works, and has made so many orders in the ERP."""
    return at.asked(began) and len(at.orders_made(began)) >= made


async def kill_it_in(at: Scene, operation: str) -> None:
    """Kill it when the ERP has done what it was asked and the answer is on its way."""
    await at.change_stock()
    began = time()
    await at.add_fault(operation=operation, fault="slow:30")
    await at.scheduler.start()
    await until(lambda: is_asked(at, began, operation), seconds=60, every=0.01, said=at.scheduler.said)
    await asyncio.sleep(0.05)
    before = len(at.died)
    await at.kill()
    await at.clear_faults()

    assert len(at.died) > before, f"the {operation} was not in flight"


async def is_asked(at: Scene, since: float, operation: str | None = None) -> bool:
    return at.asked(since, operation)


async def is_done(at: Scene) -> bool:
    """Whether nothing waits any more, and both sides have the same stock."""
    if await outbox.count_waiting(at.db, "erp_order") or await run_history.running(at.db):
        return False
    if set(await claims(at.db)) != {"done"}:
        return False
    if list((at.folder / "var" / "journal").glob("*.lock"))[1:]:  # one is the living scheduler's own
        return False
    return await at.our_levels() == await at.their_levels() == at.levels


async def every_order_is_in_the_erp_once(at: Scene) -> None:
    made = at.orders_made()
    stored = await orders.listed(at.db, limit=at.orders + 1)

    assert len(made) == at.orders
    assert set(made.values()) == {1}
    assert len(stored) == at.orders
    assert all(order.erp_number for order in stored)
    assert len({order.erp_number for order in stored}) == at.orders
    assert "new" not in await orders.counts(at.db)
    assert await dead_letters.unresolved(at.db) == []
    assert set(await claims(at.db)) == {"done"}


async def claims(db: Database) -> dict[str, int]:
    """Return how many idempotency keys are in which state."""
    async with db.read() as connection:
        found = await connection.execute(select(keys.c.state, func.count()).group_by(keys.c.state))
        return {row[0]: row[1] for row in found}


async def every_request_is_in_our_record(at: Scene) -> None:
    seen = at.sandbox.ledger.view()["requests"]
    spans = [request["traceparent"].split("-")[2] for request in seen]
    async with at.db.read() as connection:
        rows = (await connection.execute(select(attempts))).all()
        counted = (await connection.execute(select(func.sum(rollups.c.attempts)).where(rollups.c.width == 60))).scalar()
        made = (await connection.execute(select(func.count()).select_from(calls))).scalar()
        summed = (await connection.execute(select(func.sum(rollups.c.calls)).where(rollups.c.width == 60))).scalar()
    ours = {row.span_id: row for row in rows}
    died = {row.id for row in rows if row.error_type == "process_died"}

    # One row for each request, none twice.
    assert len(ours) == len(rows)
    assert len(set(spans)) == len(spans)
    assert set(spans) <= set(ours)
    # What we heard is what was said; only what was in flight at a kill has no answer in our record.
    for request, span in zip(seen, spans, strict=True):
        if ours[span].id not in died:
            assert ours[span].status == request["status"]
    # What never reached the vendor was about to be sent when its process was killed.
    assert all(ours[span].id in died for span in set(ours) - set(spans))
    assert died == at.died
    # Every other kill, and one for each kind of request, hit a request in flight.
    assert len(died) >= at.kills // 2 + len(IN_FLIGHT)
    assert set(IN_FLIGHT) <= {row.operation for row in rows if row.id in died}
    # The rollups have counted each once too.
    assert counted == len(rows)
    assert summed == made
    assert list((at.folder / "var" / "journal").iterdir()) == []


async def stock_is_equal(at: Scene) -> None:
    assert await at.our_levels() == at.levels
    assert await at.their_levels() == at.levels


async def no_session_is_left_open(at: Scene) -> None:
    # One that was being opened at a kill is known to nobody: the ERP ends it when its slot's time is over.
    await until(lambda: all_signed_out(at), seconds=SLOT_SECONDS + 1.0)

    assert await sign_ins.sessions(at.db, "acumatica") == []
    # A slot that was taken at a kill, before its session was noted, stays taken until its time is over: the ERP may
    # have opened the session. Nobody else's does.
    owners = [owner for _, owner in await sign_ins.slot_owners(at.db, "acumatica:sessions")]
    assert [owner for owner in owners if owner.rsplit(":", 2)[1] not in at.scheduler.killed] == []
    assert at.most_sessions <= USER_LIMIT
    for opened, seen in at.sessions.values():
        death = next((moment for moment in at.killed_at if moment >= opened), None)
        assert death is None or seen <= death + SLOT_SECONDS + 1.0


async def all_signed_out(at: Scene) -> bool:
    async with at.http.get(f"{at.url}/acumatica/sessions") as answer:
        return bool(await answer.json() == [])


@asynccontextmanager
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Give orders that wait, the same stock on both sides, and a scheduler that is not started yet."""
    draw = random.Random(SEED)
    kills, count = (KILLS, ORDERS) if database_url.startswith("sqlite") else (FEWER_KILLS, FEWER_ORDERS)
    folder = tmp_path / "scheduler"
    folder.mkdir()
    (folder / "quayside.toml").write_text(TOML, encoding="utf-8")
    acumatica = {
        "slot_seconds": SLOT_SECONDS,
        "user_limit": USER_LIMIT,
        "catalogue_size": SKUS,
        "quotas": [["requests_per_minute", 100_000, 60.0]],
    }
    sandbox = SandboxServer(SandboxOptions(port=0, settings={"acumatica": acumatica}))
    port = await sandbox.start()
    environment = {
        "QUAYSIDE_DATABASE_URL": database_url,
        "QUAYSIDE_SECRET_KEY": SECRET_KEY,
        "QUAYSIDE_SANDBOX": "on",
        "QUAYSIDE_SANDBOX_DEMO": "off",
        "QUAYSIDE_SANDBOX_PORT": str(port),
    }
    db = open_database(database_url, Seal([SECRET_KEY]))
    items = catalogue(sandbox.options.seed, SKUS)
    ours = [item.sku for item in items if item.quantity >= 60][:40]
    theirs = [item.sku for item in items if item.sku not in ours][:20]
    levels = {item.sku: Decimal(item.quantity) for item in items}
    try:
        await stock.seed(
            db, [(sku, WAREHOUSE, level) for sku, level in levels.items()], by="seed", now=datetime.now(UTC)
        )
        await place_orders(db, count, draw, ours)
        levels = {row.sku: row.quantity for row in await stock.page(db, limit=10_000)}
        async with (
            aiohttp.ClientSession() as http,
            killable_scheduler(folder, environment) as scheduler,
        ):
            yield Scene(
                kills=kills,
                orders=count,
                sandbox=sandbox,
                http=http,
                url=f"http://127.0.0.1:{port}/_sandbox",
                db=db,
                scheduler=scheduler,
                folder=folder,
                draw=draw,
                levels=levels,
                ours=ours,
                theirs=theirs,
            )
    finally:
        await db.close()
        await sandbox.stop()


async def place_orders(db: Database, count: int, draw: random.Random, skus: Sequence[str]) -> None:
    """Place so many orders of these SKUs."""
    for number in range(count):
        now = datetime.now(UTC)
        line = OrderLine(sku=draw.choice(skus), quantity=Decimal(draw.randint(1, 2)), unit_price=Decimal("19.90"))
        order = NewOrder(
            reference=f"QS-{number:05d}",
            placed_at=now,
            currency="USD",
            total=line.quantity * line.unit_price,
            country="DE",
            lines=[line],
            customer={"name": "Ada Example", "lines": ["Hafenstrasse 1"], "city": "Hamburg", "postal_code": "20457"},
        )
        assert await orders.place(db, order, now=now)
