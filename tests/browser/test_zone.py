"""The time zone of the one who looks: their browser's, until they choose another; instants in links stay the same."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from db import users
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
FIRST_TIME = "#page td time"


@pytest.fixture(autouse=True)
async def chosen_by_nobody(web: Web) -> AsyncIterator[None]:
    yield
    for person in ("mira", "vik"):
        await users.keep_time_zone(web.db, person, None)


async def choose(page: Page, typed: str, zone: str) -> None:
    await page.get_by_role("button", name="Time range").click()
    field = page.get_by_role("textbox", name="Times in")
    await field.click()
    await field.fill(typed)
    await page.get_by_role("option", name=zone, exact=True).click()


def told(text: str, stamp: str) -> bool:
    """Tell whether a time on the page is the clock of the zone of its own machine-readable stamp."""
    return f"{datetime.fromisoformat(stamp):%H:%M:%S}" in text


async def test_a_chosen_zone_holds_for_page_axis_and_csv_and_stays_with_the_person(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/vendors/aramex?range=24h")
    await expect(page.locator("#zone-name")).to_have_text("times in Asia/Dubai")
    await choose(page, "tokyo", "Asia/Tokyo")
    await expect(page.locator("#zone-name")).to_have_text("times in Asia/Tokyo")
    now = datetime.now(ZoneInfo("Asia/Tokyo"))
    ends = "end => document.querySelector('#page .js-plotly-plot').layout.xaxis.range[1].startsWith(end)"
    await page.wait_for_function(ends, arg=f"{now:%Y-%m-%d %H}")
    async with page.expect_download() as taken:
        await page.get_by_role("button", name=re.compile("Download as CSV")).first.click()
    text = Path(await (await taken.value).path()).read_text(encoding="utf-8-sig")
    assert next(csv.reader(io.StringIO(text)))[0] == "at (Asia/Tokyo)"

    again = await visit()
    other = await again.open("/circuits")
    await expect(other.locator("#zone-name")).to_have_text("times in Asia/Tokyo")
    first = other.locator(FIRST_TIME).first
    stamp = await first.get_attribute("datetime") or ""
    assert stamp.endswith("+09:00")
    assert told(await first.inner_text(), stamp)


async def test_a_link_shows_a_colleague_the_same_instants_in_their_own_zone(visit: Visit, web: Web) -> None:
    await users.keep_time_zone(web.db, "vik", "America/New_York")
    address = "/incidents?from=2026-01-15T06:00:00Z&to=2026-01-15T09:30:00Z"
    mine, theirs = await visit(), await visit("viewer")
    here, there = await mine.open(address), await theirs.open(address)

    await expect(here.locator("#range-label")).to_have_text("15 Jan 10:00 – 13:30")
    await expect(there.locator("#range-label")).to_have_text("15 Jan 01:00 – 04:30")


async def test_the_browsers_own_zone_is_a_choice_to_come_back_to(visit: Visit, web: Web) -> None:
    await users.keep_time_zone(web.db, "mira", "UTC")
    visitor = await visit()
    page = await visitor.open("/syncs")
    await expect(page.locator("#zone-name")).to_have_text("times in UTC")
    await choose(page, "browser", "your browser's zone")
    await expect(page.locator("#zone-name")).to_have_text("times in Asia/Dubai")
    user = await users.find_user(web.db, "mira")

    assert user is not None
    assert user.time_zone is None


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
async def test_the_choice_fits_the_screen(visit: Visit, web: Web, width: int, scheme: str) -> None:
    visitor = await visit(width=width, scheme=scheme)
    page = await visitor.open("/syncs")
    await page.get_by_role("button", name="Time range").click()
    await page.get_by_role("textbox", name="Times in").click()
    await page.get_by_role("textbox", name="Times in").fill("madr")
    await expect(page.get_by_role("option", name="Europe/Madrid")).to_be_visible()
    await visitor.picture(f"zone-{width}-{scheme}")

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await violations(page) == []
