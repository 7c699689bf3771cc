"""Editing limits and trying other settings as people do: fields that say what is wrong, an end, a way back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Locator, Page, expect

from db import audit, overrides
from tests.browser.conftest import Visitor, Web, serving
from tests.monitoring.hands_for import hands_for, limited_facts

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture(scope="module")
async def site(web: Web) -> AsyncIterator[Web]:
    """The same day behind a process that has the product's own hands."""
    async with serving(web.db, hands=hands_for(web.db), vendors=limited_facts()) as port:
        yield Web(url=f"http://127.0.0.1:{port}", db=web.db, day=web.day, sessions=web.sessions)


def row_of(page: Page, label: str) -> Locator:
    return page.locator("#limits-body tbody tr").filter(has=page.get_by_text(label, exact=True))


async def test_a_limit_is_edited_with_a_reason_and_goes_back_to_the_file(visit: Visit, site: Web) -> None:
    visitor = await visit(on=site)
    page = await visitor.open("/circuits?vendor=fedex")
    await expect(row_of(page, "Failures in a row")).to_contain_text("default")
    await page.get_by_role("button", name="Edit Failures in a row").click()
    dialog = page.get_by_role("dialog")
    value = dialog.get_by_label("New value")
    await expect(value).to_have_value("5")
    await value.fill("0")
    await dialog.get_by_role("button", name="Edit it").click()
    await expect(dialog).to_contain_text("It must be above 0.")
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await value.fill("8")
    await dialog.get_by_label("Why?").fill("It fails in short bursts")
    await dialog.get_by_role("button", name="Edit it").click()
    await expect(page.get_by_text("FedEx · Failures in a row: 8")).to_be_visible()
    await expect(row_of(page, "Failures in a row")).to_contain_text("edited by mira")
    await expect(row_of(page, "Failures in a row")).to_contain_text("default: 5")
    edits = await overrides.by_vendor(site.db, now=site.day.now)
    assert edits["fedex"] == {"breaker.consecutive_failures": 8}

    await page.get_by_role("button", name="Back to the file: Failures in a row").click()
    await expect(page.get_by_text("As default says.")).to_be_visible()
    await expect(row_of(page, "Failures in a row")).not_to_contain_text("edited by")
    acts = [act.act for act in await audit.list_acts(site.db, subject="fedex")]

    assert await overrides.by_vendor(site.db, now=site.day.now) == {}
    assert acts[:2] == ["limits.taken_away", "limits.edited"]


async def test_the_vendor_stands_in_the_url(visit: Visit, site: Web) -> None:
    visitor = await visit(on=site)
    page = await visitor.open("/circuits?vendor=stripe")
    await expect(page.get_by_role("heading", name="Limits of Stripe")).to_be_visible()
    await page.get_by_role("textbox", name="Vendor").click()
    await page.get_by_role("option", name="Aramex").click()

    await expect(page).to_have_url(re.compile("vendor=aramex"))
    await expect(page.get_by_role("heading", name="Limits of Aramex")).to_be_visible()


async def test_other_settings_are_compared_with_what_is_on_record(visit: Visit, site: Web) -> None:
    visitor = await visit(on=site)
    page = await visitor.open("/circuits?vendor=aramex&range=6h")
    field = page.get_by_role("textbox", name="Failures in a row")
    await expect(field).to_have_value("5")
    await field.fill("three")
    await page.get_by_role("button", name="Compare").click()
    await expect(page.get_by_text("Give a number.")).to_be_visible()
    await field.fill("3")
    await page.get_by_role("button", name="Compare").click()
    await expect(page).to_have_url(re.compile("try_consecutive_failures=3"))
    body = page.locator("#rerun-body")
    await expect(body.get_by_text("Would be refused")).to_be_visible()
    await expect(body.get_by_role("region", name="Changes in fact and as they would be")).to_contain_text(
        "3 calls in a row failed"
    )
    await expect(body.get_by_text(re.compile("nobody knows|refused as they were")).first).to_be_visible()
    await expect(body.locator(".main-svg").first).to_be_visible()


async def test_a_viewer_may_compare_but_not_edit(visit: Visit, site: Web) -> None:
    visitor = await visit("viewer", on=site)
    page = await visitor.open("/circuits?vendor=aramex&range=6h&try_consecutive_failures=4")
    await expect(page.locator("#rerun-body").get_by_text("Would be refused")).to_be_visible()

    await expect(page.get_by_role("button", name=re.compile("^Edit|Back to the file"))).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_limits_and_report_fit_the_screen(visit: Visit, site: Web, width: int, scheme: str) -> None:
    visitor = await visit(width=width, scheme=scheme, on=site)
    page = await visitor.open("/circuits?vendor=aramex&range=6h&try_consecutive_failures=3")
    await expect(page.locator("#rerun-body .main-svg").first).to_be_visible()
    await visitor.picture(f"limits-{width}-{scheme}")

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
