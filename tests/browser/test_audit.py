"""The audit in a browser: narrowed by what one types, page by page, the same for whoever gets the link."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from playwright.async_api import expect

from db import audit
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def acts(web: Web, count: int, person: str) -> None:
    for number in range(count):
        await audit.record_act(
            web.db,
            at=web.day.now - timedelta(minutes=number),
            user_name=person,
            act="circuit.forced_open" if number % 2 else "sync.run_requested",
            subject="fedex" if number % 2 else "orders",
            reason="FedEx announced maintenance" if number % 2 else None,
            facts={"number": number, "role": {"from": "viewer", "to": "operator"}},
        )


async def test_a_link_shows_the_same_acts_and_older_ones_are_a_click_away(visit: Visit, web: Web) -> None:
    await acts(web, 60, "zoe")
    visitor = await visit()
    page = await visitor.open("/audit?range=6h&person=zoe")
    rows = page.get_by_role("region", name="Acts").locator("tbody tr")
    await expect(rows).to_have_count(50)
    await expect(page.get_by_role("textbox", name="Person")).to_have_value("zoe")
    await expect(rows.nth(1)).to_contain_text("Circuit: forced open")
    await expect(rows.nth(1)).to_contain_text("role viewer → operator")
    await expect(rows.nth(1).get_by_role("link", name="FedEx")).to_have_attribute("href", re.compile("/vendors/fedex"))
    await visitor.picture("audit-filled-1440-light")
    await page.get_by_role("link", name="Older").click()
    await expect(rows).to_have_count(10)
    await page.get_by_role("textbox", name="Act").fill("circuit")
    await page.get_by_role("textbox", name="Act").press("Enter")
    await expect(page).to_have_url(re.compile("act=circuit"))
    await expect(rows).to_have_count(30)
    async with page.expect_download() as caught:
        await page.get_by_role("link", name="All as CSV").click()
    text = (await (await caught.value).path()).read_text()

    assert len(text.splitlines()) == 31


async def test_a_place_that_cannot_be_read_is_said_and_the_newest_page_is_shown(visit: Visit, web: Web) -> None:
    await acts(web, 2, "yan")
    visitor = await visit()
    page = await visitor.open("/audit?range=6h&person=yan&before=nonsense")

    await expect(page.get_by_text("The place in this link cannot be read")).to_be_visible()
    await expect(page.get_by_role("region", name="Acts").locator("tbody tr")).to_have_count(2)


async def test_a_viewer_is_told_whom_the_audit_is_for(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/audit")

    await expect(page.get_by_text("The audit is for operators and admins.")).to_be_visible()
    await expect(page.get_by_role("link", name="All as CSV")).to_have_count(0)
