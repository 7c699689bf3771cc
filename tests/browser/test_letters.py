"""Dead letters on the page of the syncs: narrowed, given up with a reason, taken back, tried again, all at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from db import letter_acts
from db.letter_acts import Filter
from tests.browser.accessibility import violations
from tests.browser.buried import bury
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def test_letters_are_narrowed_given_up_with_a_reason_taken_back_and_tried_again(visit: Visit, web: Web) -> None:
    await bury(web, "SO-1", "SO-2", "SO-3")
    visitor = await visit()
    page = await visitor.open("/syncs")
    await page.get_by_role("link", name="Orders · timeout").click()
    listed = page.get_by_role("region", name="Dead letters", exact=True).locator("tbody tr")
    await expect(listed).to_have_count(3)
    await page.get_by_role("button", name="Give up: SO-2").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("An order that is given up does not get to the ERP.")
    await dialog.get_by_role("button", name="Do it").click()
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_label("Why?").fill("Typed in by hand")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Do it").click()
    await expect(page.get_by_text("1 item given up")).to_be_visible()
    await expect(listed).to_have_count(2)
    await page.locator("summary", has_text="Given up lately").click()
    await page.get_by_role("button", name="Take back: SO-2").click()
    await expect(page.get_by_text("It waits among the dead letters again.")).to_be_visible()
    await expect(listed).to_have_count(3)
    await page.get_by_role("button", name="Try again all 3…").click()
    await expect(dialog).to_contain_text("Try 3 items again")
    await dialog.get_by_label("Why?").fill("The ERP is back")
    await dialog.get_by_role("button", name="Do it").click()
    await expect(page.get_by_text("3 items taken up again")).to_be_visible()
    retried = await letter_acts.closed(web.db, verdict="retried")

    assert sorted(letter.item for letter in retried)[-3:] == ["SO-1", "SO-2", "SO-3"]
    assert await letter_acts.waiting(web.db, Filter(sync="orders")) == []


async def test_a_viewer_sees_the_letters_and_no_button(visit: Visit, web: Web) -> None:
    visitor = await visit("viewer", width=390)
    page = await visitor.open("/syncs")
    await expect(page.get_by_text("QS-20417").first).to_be_visible()
    await visitor.picture("letters-390-light")
    await expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    await expect(page.get_by_role("button", name="Give up")).to_have_count(0)
