"""A backfill from the page: what it would do, begun with a reason, watched, cancelled, taken up again; by nobody else."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from db import audit, backfills
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_a_backfill_is_begun_after_its_preview_and_stopped_again(
    visit: Visit, web: Web, width: int, scheme: str
) -> None:
    visitor = await visit(width=width, scheme=scheme)
    page = await visitor.open("/backfills?sync=currency&since=5d%20ago&until=now")
    form = page.locator("#backfill-preview")
    await expect(form).to_contain_text("in 5 slices, each a run of its own: about 5 calls, 5 records")
    await page.get_by_label("From").fill("tomorrowish")
    await expect(page.get_by_text("is no moment")).to_be_visible()
    await expect(page.get_by_role("button", name="Begin…")).to_be_disabled()
    await page.get_by_label("From").fill("3d ago")
    await expect(form).to_contain_text("in 3 slices")
    await expect(page).to_have_url(re.compile("since=3d"))
    await page.get_by_role("button", name="Begin…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Begin it").click()
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_label("Why?").fill("The source restated it")
    await dialog.get_by_role("button", name="Begin it").dblclick()
    await expect(page).to_have_url(re.compile("/backfills/[0-9a-f]{32}"))
    await expect(page.get_by_role("table", name="Slices").locator("tbody tr")).to_have_count(3)
    await visitor.picture(f"backfill-{width}-{scheme}")
    assert await violations(page) == []
    (begun,) = [one for one in await backfills.listed(web.db, "currency") if one.state == "open"]
    await page.get_by_role("button", name="Cancel…").click()
    await page.get_by_role("dialog").get_by_label("Why?").fill("Only tried")
    await page.get_by_role("dialog").get_by_role("button", name="Cancel it").click()
    await expect(page.locator("#backfill-body")).to_contain_text("cancelled")
    acts = {act.act: act for act in await audit.list_acts(web.db, subject="currency")}

    assert begun.reason == "The source restated it"
    assert acts["backfill.started"].reason == "The source restated it"
    assert acts["backfill.cancelled"].reason == "Only tried"


async def test_a_sync_without_a_past_says_why_and_a_viewer_begins_nothing(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/backfills?sync=inventory")
    await expect(page.get_by_text("neither side can say what there was")).to_be_visible()
    page = await visitor.open("/backfills?sync=currency")
    await expect(page.locator("#backfill-preview")).to_contain_text("in 7 slices")

    await expect(page.get_by_role("button", name="Begin…")).to_be_disabled()
    await expect(page.get_by_text("Your rights let you look, not begin a backfill.")).to_be_visible()
