"""The panel "Who spends it" of a vendor's page, in a real browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect
from sqlalchemy import text

from db.engine import Database
from db.spending import spend
from tests.browser.conftest import Visitor, Web, open_empty, serving, sign_in
from tests.monitoring.seed import Day

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def quiet(tmp_path: Path) -> AsyncIterator[Web]:
    """A web process that has recorded nothing."""
    db = await open_empty(tmp_path / "quayside.db")
    secret = await sign_in(db, "mira", "operator")
    nothing = Day(
        now=datetime.now(UTC), calls=0, failed_call="", failed_correlation="", retried_correlation="", running_run=""
    )
    async with serving(db) as port:
        yield Web(url=f"http://127.0.0.1:{port}", db=db, day=nothing, sessions={"operator": secret})
    await db.close()


async def sent(db: Database, vendor: str) -> int:
    now = datetime.now(UTC)
    return sum(one.attempts for one in await spend(db, vendor, since=now - timedelta(hours=24), until=now))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_the_panel_shows_sources_lanes_and_reserves(visit: Visit, web: Web, width: int, scheme: str) -> None:
    visitor = await visit("viewer", width=width, scheme=scheme)
    page = await visitor.open("/vendors/fedex?range=24h")
    panel = page.locator("#vendor-spend")
    tables = panel.get_by_role("region")
    await visitor.picture(f"spending-{width}-{scheme}")
    overflow = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    assert not overflow
    await expect(panel.get_by_role("heading", name="Who spends it")).to_be_visible()
    await expect(tables).to_have_count(3)
    await expect(panel.get_by_text("burst", exact=True)).to_be_visible()
    await expect(panel).to_contain_text("6 (30")
    assert await sent(web.db, "fedex") > 100


async def test_a_source_opens_its_calls_by_keyboard(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/vendors/acumatica?range=24h")
    await page.locator("#vendor-spend").get_by_role("link", name="Syncs").focus()
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(re.compile(r"/calls\?range=24h&vendor=acumatica&trigger=sync$"))
    await visitor.settled()


async def test_a_vendor_nobody_called_says_so(visit: Visit, quiet: Web) -> None:
    visitor = await visit(on=quiet)
    page = await visitor.open("/vendors/fedex")

    await expect(page.locator("#vendor-spend")).to_contain_text("Nothing was sent in this time.")


async def test_a_panel_that_cannot_be_read_leaves_the_rest_of_the_page(visit: Visit, quiet: Web) -> None:
    async with quiet.db.write() as connection:
        await connection.execute(text("ALTER TABLE wait_bins RENAME TO wait_bins_away"))
    visitor = await visit(on=quiet)
    page = await visitor.open("/vendors/fedex")

    await expect(page.locator("#vendor-spend")).to_contain_text("This part could not be shown.")
    await expect(page.locator(".q-state-failed")).to_have_count(1)
    await expect(page.locator("#vendor-sum")).to_contain_text("Error rate")
