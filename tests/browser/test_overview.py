"""The overview: who hurts stands in full and first, filters live in the URL, everything to do is a link away."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def test_what_hurts_is_on_the_first_screen_of_a_phone_with_its_cause_and_what_to_do(visit: Visit) -> None:
    visitor = await visit("viewer", width=390)
    page = await visitor.open("/")
    card = page.locator("#overview-hurt article")
    loaded = await page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")

    await expect(card).to_contain_text("Aramex answers that it is unavailable (HTTP 503).")
    await expect(card).to_contain_text("down · their fault")
    await expect(card).to_contain_text("Since ")
    await expect(card).to_contain_text("Shipping quotes and labels")
    assert await card.evaluate("card => card.getBoundingClientRect().bottom") < 844
    assert [name for name in loaded if "plotly" in name and name.endswith(".min.js")] == []
    await card.get_by_role("link", name="Failed calls").click()
    await expect(page).to_have_url(re.compile(r"/calls\?range=1h&vendor=aramex&outcome=failed$"))
    await visitor.settled()


async def test_filters_go_into_the_url_and_come_back_from_it(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/?region=middle_east")
    await expect(page.locator("#overview-region")).to_have_value("Middle East")
    await expect(page.locator("#overview-calm article")).to_have_count(0)
    await expect(page.locator("#overview-hurt article")).to_have_count(1)

    await page.goto(f"{visitor.web.url}/?kind=payments")
    await expect(page.locator("#overview-calm article")).to_have_count(1)
    await expect(page.locator("#overview-hurt")).to_contain_text("The filter hides Aramex, which hurts.")
    await page.get_by_label("Find a vendor").fill("nobody")
    await expect(page).to_have_url(re.compile(r"/\?kind=payments&find=nobody$"))
    await expect(page.locator("#overview-calm")).to_contain_text("No vendor fits the filter.")
    await page.get_by_role("link", name="Show all").click()

    await expect(page.locator("#overview-hurt article")).to_have_count(1)
    await expect(page.locator("#overview-calm article")).to_have_count(5)
    await expect(page.get_by_label("Find a vendor")).to_have_value("")
    await visitor.settled()


@pytest.mark.parametrize("width", [390, 1280, 1360, 1920])
async def test_nothing_sticks_out_of_a_card(visit: Visit, width: int) -> None:
    page = await (await visit(width=width)).open("/")
    wide = await page.evaluate(
        """() => [...document.querySelectorAll('.q-calm, .q-strip-item, .q-card')]
            .filter(card => card.scrollWidth > card.clientWidth).map(card => card.innerText)"""
    )

    assert wide == []
