"""The page of exchange rates: is what the checkout converts with fresh, how did it move, which days are missing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def test_the_base_stands_in_the_url_and_the_curves_follow(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/rates?range=30d")
    await expect(page.locator("#rates-sum")).to_contain_text("the checkout converts with them", ignore_case=True)
    await expect(page.locator("#rates-body")).to_contain_text("USD/EUR")
    await page.locator("#rates-base").click()
    await page.get_by_role("option", name="EUR", exact=True).click()
    await expect(page).to_have_url(re.compile(r"\?range=30d&base=EUR$"))
    await expect(page.locator("#rates-body")).to_contain_text("EUR/USD")
    await visitor.settled()
    missing = page.locator("#rates-body .q-panel").filter(has=page.get_by_role("heading", name="Missing days"))

    await expect(missing).to_contain_text("2 days")
    await expect(page.locator("#rate-USD .main-svg").first).to_be_visible()
    await expect(page.locator("#rates-body")).not_to_contain_text("EUR/EUR")


async def test_the_pairs_can_be_taken_along(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/rates?range=30d&base=EUR&currencies=AED,USD")
    panel = page.locator("#rates-body .q-panel").filter(has=page.get_by_role("heading", name="Pairs"))
    async with page.expect_download() as started:
        await panel.get_by_role("button", name="CSV").click()
    lines = (await (await started.value).path()).read_text(encoding="utf-8-sig").splitlines()

    assert lines[0] == "Pair,Latest,First,Change,Lowest,Highest,Other way round"
    assert [line.split(",")[0] for line in lines[1:]] == ["EUR/AED", "EUR/USD"]


async def test_an_unknown_currency_is_said_and_the_page_stays(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/rates?range=7d&base=XXX&currencies=AED,ZZZ")

    await expect(page.get_by_role("alert")).to_contain_text("There is no rate for XXX, ZZZ")
    await expect(page.locator("#rates-body")).to_contain_text("USD/AED")
