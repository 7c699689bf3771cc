"""Schedules edited, paused and resumed on the page of the syncs, by who may and by nobody else."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from db import audit, schedules
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE
from monitoring.identity import csrf_of
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


def panel(page: Page, label: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=label, exact=True))


async def test_an_edit_shows_its_next_times_refuses_nonsense_at_the_field_and_holds(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/syncs")
    await page.get_by_role("button", name="Edit the schedule of Currency rates").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("When it runs")).to_have_value("every 6h")
    await dialog.get_by_label("When it runs").fill("0 6 * * 9")
    await expect(dialog).to_contain_text("the day of the week “9” is none".replace("“", '"').replace("”", '"'))
    await dialog.get_by_label("When it runs").fill("30 2 * * *")
    await expect(dialog.locator(".q-times li")).to_have_count(5)
    await expect(dialog.locator(".q-times li").first).to_contain_text("06:30:00")  # Dubai is 4 hours ahead of UTC
    await dialog.get_by_label("Why?").fill("x")
    await dialog.get_by_role("button", name="Let it hold").click()
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_label("Pause it after").fill("4")
    await dialog.get_by_label("Why?").fill("Rates are read once a day")
    await visitor.picture("schedule-dialog-1440-light")
    await dialog.get_by_role("button", name="Let it hold").click()
    await expect(page.get_by_text("Currency rates: 30 2 * * *")).to_be_visible()
    await expect(panel(page, "Currency rates")).to_contain_text("edited by mira, paused after 4 failures in a row")
    edit = await schedules.find(web.db, "currency")
    (act,) = [one for one in await audit.list_acts(web.db, subject="currency") if one.act == "schedule.edited"]

    assert edit is not None
    assert (edit.schedule, edit.pause_after, edit.by) == ("30 2 * * *", 4, "mira")
    assert (act.user_name, act.reason) == ("mira", "Rates are read once a day")

    await page.get_by_role("button", name="Edit the schedule of Currency rates").click()
    await dialog.get_by_role("button", name="Put in what the file says").click()
    await expect(dialog.get_by_label("When it runs")).to_have_value("every 6h")
    await dialog.get_by_label("Why?").fill("Back to normal")
    await dialog.get_by_role("button", name="Let it hold").click()
    await expect(panel(page, "Currency rates").get_by_text("edited by")).to_have_count(0)
    edit = await schedules.find(web.db, "currency")

    assert edit is not None
    assert not edit.edited


async def test_an_edit_over_somebody_elses_is_not_made_blindly(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/syncs")
    await page.get_by_role("button", name="Edit the schedule of Orders").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("When it runs").fill("every 10m")
    await dialog.get_by_label("Why?").fill("Fewer calls")
    await schedules.edit(
        web.db, "orders", schedule="every 5m", pause_after=None, reason="mine", by="noor", now=web.day.now
    )
    await dialog.get_by_role("button", name="Let it hold").click()
    await expect(page.get_by_text("Somebody else has edited it since you looked.")).to_be_visible()
    edit = await schedules.find(web.db, "orders")
    await schedules.back_to_file(web.db, "orders", reason=None, by="noor", now=web.day.now)

    assert edit is not None
    assert (edit.schedule, edit.by) == ("every 5m", "noor")


async def test_a_pause_is_shown_with_who_why_and_until_when_and_is_resumed(visit: Visit, web: Web) -> None:
    visitor = await visit(width=390)
    page = await visitor.open("/syncs")
    await page.get_by_role("button", name="Pause Inventory").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("“Run now” still works")
    await dialog.get_by_label("Why?").fill("Stocktaking in Jeddah")
    await visitor.picture("pause-dialog-390-light")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Pause it").click()
    await expect(page.get_by_text("Inventory is paused until")).to_be_visible()
    await expect(panel(page, "Inventory")).to_contain_text(re.compile("by mira until .*: Stocktaking in Jeddah"))
    await page.get_by_role("button", name="Resume Inventory").click()
    await expect(dialog).to_contain_text("Slots of the pause are not made up for")
    await dialog.get_by_role("button", name="Resume it").click()
    await expect(page.get_by_text("Inventory goes on")).to_be_visible()
    await expect(page.get_by_role("button", name="Pause Inventory")).to_be_visible()
    acts = [act.act for act in await audit.list_acts(web.db, subject="inventory")]

    assert acts[:2] == ["schedule.resumed", "schedule.paused"]


async def test_a_sync_that_kept_failing_says_how_to_go_on(visit: Visit, web: Web) -> None:
    await schedules.pause_failing(
        web.db, "orders", run_id="r1", reason="Its last 20 runs failed in a row.", now=web.day.now
    )
    visitor = await visit()
    page = await visitor.open("/syncs")
    await expect(panel(page, "Orders")).to_contain_text("because it kept failing: Its last 20 runs failed in a row")
    await expect(panel(page, "Orders")).to_contain_text("it does not go on by itself")
    await schedules.resume(web.db, "orders", reason=None, by="noor", now=web.day.now)


async def test_a_viewer_sees_no_button_and_a_copied_request_pauses_nothing(visit: Visit, web: Web) -> None:
    operator = await visit()
    page = await operator.open("/syncs")
    await page.get_by_role("button", name="Pause Currency rates").click()
    await page.get_by_role("dialog").get_by_label("Why?").fill("Copied from the operator")
    async with page.expect_request(
        lambda request: "_dash-update-component" in request.url and '"pause-yes"' in (request.post_data or "")
    ) as caught:
        await page.get_by_role("dialog").get_by_role("button", name="Pause it").click()
    request = await caught.value
    await expect(page.get_by_text("Currency rates is paused until")).to_be_visible()
    await schedules.resume(web.db, "currency", reason=None, by="noor", now=web.day.now)
    viewer = await visit("viewer")
    watched = await viewer.open("/syncs")
    await expect(panel(watched, "Currency rates")).to_be_visible()
    await expect(watched.get_by_role("button", name=re.compile("Pause|Resume|Edit the schedule"))).to_have_count(0)
    secret = web.sessions["viewer"]
    async with httpx.AsyncClient(cookies={SESSION_COOKIE: secret, CSRF_COOKIE: csrf_of(secret)}) as client:
        answer = await client.post(
            request.url,
            content=request.post_data or "",
            headers={"content-type": "application/json", "x-csrftoken": csrf_of(secret), "origin": web.url},
        )
    edit = await schedules.find(web.db, "currency")

    assert "Not allowed" in answer.text
    assert edit is not None
    assert not edit.paused
