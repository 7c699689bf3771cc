"""Pages whose server or database goes away while they are open: it is said, they recover by themselves, nothing is done
twice, and what somebody did meanwhile has an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from db import run_history
from db.engine import Database, open_database
from db.migrate import migrate
from db.sealed import Seal
from tests.browser.conftest import Visitor, Web, open_empty, serving, sign_in
from tests.monitoring.seed import Day
from tests.postgres import PostgresServer

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
PAGES = ("/", "/calls", "/syncs")
FAR = 45_000  # ms; a page tries to get the push back every 10 s


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Database]:
    db = await open_empty(tmp_path / "quayside.db")
    yield db
    await db.close()


def _web(db: Database, port: int, secret: str) -> Web:
    nothing = Day(
        now=datetime.now(UTC), calls=0, failed_call="", failed_correlation="", retried_correlation="", running_run=""
    )
    return Web(url=f"http://127.0.0.1:{port}", db=db, day=nothing, sessions={"operator": secret})


async def _opened(visit: Visit, where: Web) -> list[Page]:
    """Open a window at each page, live, that may complain to its console while nothing answers."""
    pages = []
    for path in PAGES:
        visitor = await visit(on=where)
        visitor.expected = lambda problem: any(
            word in problem
            for word in (
                "ERR_",
                "Failed to fetch",
                "WebSocket",
                "did not respond",
                "503",
                "Callback",
                "[object Object]",
            )
        )
        pages.append(await visitor.open(path))
        await expect(pages[-1].locator("#live-word")).to_have_text("Live")
    return pages


def _run_now(page: Page) -> Locator:
    orders = page.locator("section", has=page.get_by_role("heading", name="Orders", exact=True))
    return orders.get_by_role("button", name="Run now")


async def _queued(db: Database) -> int:
    return len(await run_history.queued(db))


async def test_a_lost_server_is_said_and_every_page_recovers_without_a_double_act(
    visit: Visit, empty: Database
) -> None:
    secret = await sign_in(empty, "mira", "operator")
    async with serving(empty, lost=True) as port:
        overview, calls, syncs = await _opened(visit, _web(empty, port, secret))
    await _run_now(syncs).click()
    await expect(syncs.get_by_text("it may have been done. Look before you do it again.")).to_be_visible()
    await expect(syncs.locator("#banner-lost")).to_be_visible(timeout=5_000)  # at once: somebody has tried
    await calls.get_by_role("link", name="Incidents").click()
    await expect(calls.locator("#banner-lost")).to_be_visible(timeout=5_000)
    await expect(overview.locator("#banner-lost")).to_be_visible(timeout=30_000)
    async with serving(empty, port=port):
        for page in (overview, calls, syncs):
            await expect(page.locator("#live-word")).to_have_text("Live", timeout=FAR)
            await expect(page.locator("#banner-lost")).to_be_hidden()
        assert await _queued(empty) == 0
        await expect(calls.get_by_text("Nothing is open.")).to_be_visible()
        await _run_now(syncs).click()
        await expect(syncs.get_by_text("Orders will run")).to_be_visible()

        assert await _queued(empty) == 1


async def test_a_lost_database_is_said_and_every_page_recovers(visit: Visit) -> None:
    server = PostgresServer()
    db = open_database(server.url(), Seal(["a key for the tests only"]))
    try:
        await migrate(db)
        secret = await sign_in(db, "mira", "operator")
        async with serving(db) as port:
            where = _web(db, port, secret)
            overview, calls, syncs = await _opened(visit, where)
            server.stop()
            for page in (overview, calls, syncs):
                await expect(page.locator("#banner-store")).to_be_visible(timeout=30_000)
                await expect(page.locator("#banner-lost")).to_be_hidden()
            await _run_now(syncs).click()
            await expect(syncs.get_by_text("The database does not answer; try again in a moment.")).to_be_visible()
            await calls.goto(f"{where.url}/incidents")
            await expect(calls.get_by_role("alert")).to_have_text(
                "The database does not answer; try again in a moment."
            )
            await expect(calls.get_by_text("This page tries again by itself.")).to_be_visible()
            await asyncio.to_thread(server.start)
            await expect(calls.get_by_text("Nothing is open.")).to_be_visible(timeout=FAR)
            for page in (overview, calls, syncs):
                await expect(page.locator("#live-word")).to_have_text("Live", timeout=FAR)
                await expect(page.locator("#banner-store")).to_be_hidden()

            assert await _queued(db) == 0
    finally:
        await db.close()
        server.remove()
