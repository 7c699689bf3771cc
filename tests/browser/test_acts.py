"""What people do on the pages: choose a time, filter, open a call, run and cancel a sync, by mouse and by keyboard."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Request, expect

from db import audit, run_history, runs
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE
from monitoring.identity import csrf_of
from tests.browser.conftest import Visitor, Web, sign_in

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def test_overview_needs_no_plotly_and_stays_light(visit: Visit) -> None:
    visitor = await visit(alone=True)
    finished: list[Request] = []
    visitor.page.on("requestfinished", lambda request: finished.append(request))
    await visitor.open("/")
    await expect(visitor.page.locator(".q-card, .q-calm")).to_have_count(6)
    loaded = tuple(finished)
    total = sum([(await request.sizes())["responseBodySize"] for request in loaded])

    assert [request.url for request in loaded if "plotly" in request.url] == []
    assert total < 700_000, f"{total} bytes"


async def test_range_is_in_the_url_and_goes_along_to_other_pages(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/")
    await page.get_by_role("button", name="Time range").click()
    await page.get_by_role("button", name="Last 7 days").click()
    await expect(page).to_have_url(re.compile(r"\?range=7d$"))
    await expect(page.locator("#range-label")).to_have_text("Last 7 days")
    link = page.locator("#nav").get_by_role("link", name="Incidents")
    await expect(link).to_have_attribute("href", "/incidents?range=7d")
    await link.click()

    await expect(page).to_have_url(re.compile(r"/incidents\?range=7d$"))
    await expect(page).to_have_title("Incidents · Quayside")


async def test_own_range_says_what_is_wrong_at_the_field_and_then_shows(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/")
    await page.get_by_role("button", name="Time range").click()
    await page.get_by_label("From").fill("when it broke")
    await page.get_by_role("button", name="Show this range").click()
    await expect(page.get_by_text("is no moment; try 14:30")).to_be_visible()
    await page.get_by_label("From").fill("3h ago")
    await page.get_by_label("To", exact=True).fill("1h ago")
    await page.get_by_role("button", name="Show this range").click()

    await expect(page).to_have_url(re.compile(r"\?from=.*&to="))
    await expect(page.locator("#range-label")).to_contain_text("–")


async def test_unreadable_range_in_a_link_is_said_and_the_page_stays(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/?range=2y")

    await expect(page.locator("#banner-range")).to_contain_text("no time range")
    await expect(page.locator(".q-card, .q-calm")).to_have_count(6)


async def test_filter_narrows_the_list_and_a_row_opens_the_call(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/calls?range=24h&vendor=stripe")
    cells = page.locator("#calls-grid .ag-row [col-id=vendor]")
    await expect(cells.first).to_have_text("Stripe")
    await page.locator("#filter-outcome").click()
    await page.get_by_role("option", name="error", exact=True).click()
    await expect(page).to_have_url(re.compile("outcome=error"))
    await expect(page.locator("#calls-grid .ag-row [col-id=outcome]").first).to_have_text("error")
    await page.locator("#calls-grid .ag-row").first.click()
    drawer = page.get_by_role("dialog")
    await expect(drawer).to_contain_text("The card was declined; ask for another one.")
    await expect(drawer).to_contain_text("1 attempt")
    await visitor.picture("calls-drawer-1440-light")
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await page.locator("#calls-grid .ag-row").first.click()
    await drawer.get_by_role("link").last.click()

    await expect(page).to_have_url(re.compile("/traces/"))
    await expect(page.locator(".q-waterfall")).to_be_visible()


async def test_list_goes_on_below_its_first_hundred(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/calls?range=24h")
    await expect(page.locator("#calls-grid .ag-row [col-id=vendor]").first).not_to_be_empty()
    viewport = page.locator("#calls-grid .ag-body-viewport")
    for top, number in ((4000, 100), (8000, 151)):
        await viewport.evaluate(f"node => node.scrollTop = {top}")
        await page.wait_for_function(
            """number => Array.from(document.querySelectorAll("#calls-grid .ag-row"))
                .some(row => row.innerText.trim() && Number(row.getAttribute("row-index")) >= number)""",
            arg=number,
        )


async def test_filter_that_fits_nothing_says_so(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/calls?range=24h&error_type=never_heard_of")

    await expect(page.get_by_role("grid").get_by_text("No call in this time fits the filters.")).to_be_visible()


async def test_run_now_asks_for_a_run_and_cancel_asks_before_it_cancels(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/syncs")
    await page.locator("section", has_text="Currency rates").get_by_role("button", name="Run now").click()
    await expect(page.get_by_text("Currency rates will run")).to_be_visible()
    asked = [run for run in await run_history.queued(web.db) if run.sync == "currency"]

    assert [run.requested_by for run in asked] == ["mira"]
    cancel = page.locator("section", has_text="Currency rates").get_by_role("button", name="Cancel")
    await cancel.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("has not started; it will not")
    await dialog.get_by_role("button", name="Let it run").click()
    await expect(dialog).to_be_hidden()
    await cancel.click()
    await dialog.get_by_role("button", name="Cancel the run").click()
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_label("Why?").fill("The source is being restored")
    await dialog.get_by_role("button", name="Cancel the run").click()
    await expect(page.get_by_text("The run will stop")).to_be_visible()
    ended = await run_history.get(web.db, asked[0].id)

    assert ended is not None
    assert (ended.outcome, ended.cancel_requested_by) == ("cancelled", "mira")
    acts = {act.act: act for act in await audit.list_acts(web.db, subject="currency") if act.user_name == "mira"}
    assert {"sync.run_requested", "sync.cancel_requested"} <= set(acts)
    assert acts["sync.cancel_requested"].reason == "The source is being restored"


def _clicks(request: Request, button: str) -> bool:
    """Whether a request is the answer to a click on a button, and not the page's own update that names it too."""
    return any(button in one for one in json.loads(request.post_data or "{}").get("changedPropIds", ()))


async def test_viewer_sees_no_buttons_and_a_copied_request_does_nothing(visit: Visit, web: Web) -> None:
    operator = await visit()
    page = await operator.open("/syncs")
    async with page.expect_request(
        lambda request: "_dash-update-component" in request.url and _clicks(request, '"act":"run"')
    ) as caught:
        await page.locator("section", has_text="Orders").get_by_role("button", name="Run now").click()
    request = await caught.value
    await expect(page.get_by_text("Orders will run")).to_be_visible()
    for run in await run_history.queued(web.db):
        await runs.request_cancel(web.db, run.id, by="test", now=web.day.now)

    viewer = await visit("viewer")
    watched = await viewer.open("/syncs")
    await expect(watched.get_by_role("button", name="Run now")).to_have_count(0)
    secret = web.sessions["viewer"]
    async with httpx.AsyncClient(cookies={SESSION_COOKIE: secret, CSRF_COOKIE: csrf_of(secret)}) as client:
        answer = await client.post(
            request.url,
            content=request.post_data or "",
            headers={"content-type": "application/json", "x-csrftoken": csrf_of(secret), "origin": web.url},
        )

    assert await run_history.queued(web.db) == []
    assert answer.status_code == 403 or "Not allowed" in answer.text


async def test_page_can_be_used_by_keyboard_alone(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    await page.get_by_role("button", name="Time range").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Last 15 minutes")).to_be_focused()
    await page.keyboard.press("Tab")  # down the list that has opened
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Last 6 hours")).to_be_hidden()
    await page.locator(".q-card-link").first.focus()
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(re.compile(r"/vendors/\w+"))


async def test_escape_closes_what_is_open_wherever_the_keyboard_is(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/")
    opener = page.get_by_role("button", name="Time range")
    await opener.click()
    await expect(page.get_by_role("button", name="Last 15 minutes")).to_be_focused()
    await page.get_by_role("button", name="Switch between light and dark").focus()
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("button", name="Last 6 hours")).to_be_hidden()
    await expect(opener).to_be_focused()


async def test_theme_switch_is_kept(visit: Visit) -> None:
    visitor = await visit(scheme="light")
    page = await visitor.open("/")
    await page.get_by_role("button", name="Switch between light and dark").click()
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    await page.reload()

    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    await expect(page.locator("html")).to_have_attribute("data-ag-theme-mode", "dark")


async def test_navigation_opens_and_closes_on_a_phone(visit: Visit) -> None:
    visitor = await visit(width=390)
    page = await visitor.open("/")
    link = page.get_by_role("link", name="Syncs", exact=True)
    await expect(link).not_to_be_in_viewport()
    await page.get_by_role("button", name="Navigation").click()
    await expect(link).to_be_in_viewport()
    await visitor.picture("navigation-390-light")
    await link.click()
    await expect(page.locator("h1")).to_have_text("Syncs")

    await expect(link).not_to_be_in_viewport()


async def test_signing_out_leads_to_the_sign_in_page(visit: Visit, web: Web) -> None:
    secret = await sign_in(web.db, "gone", "viewer")
    web.sessions["gone"] = secret
    visitor = await visit("gone")
    page = await visitor.open("/")
    await page.get_by_role("button", name="You").click()
    await page.get_by_role("button", name="Sign out").click()

    await expect(page).to_have_url(re.compile("/login"))


async def test_act_that_fails_is_said_in_a_toast_and_changes_nothing(
    visit: Visit, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("the inside")

    monkeypatch.setattr(runs, "queue", fail)
    visitor = await visit()
    page = await visitor.open("/syncs")
    await page.locator("section", has_text="Orders").get_by_role("button", name="Run now").click()

    await expect(page.get_by_text("Something went wrong here; nothing was changed.")).to_be_visible()
    await expect(page.get_by_text("the inside")).to_have_count(0)
