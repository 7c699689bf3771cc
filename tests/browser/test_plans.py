"""Plans and conflicts on their pages: read, narrowed, decided, undone; nobody without the right acts by any route."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import expect

from db import conflicts, plans, run_history, runs, stock
from db.conflicts import Filters
from db.plan_rows import PlanRow
from monitoring.guard import CSRF_COOKIE, SESSION_COOKIE
from monitoring.identity import csrf_of
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web
from tests.monitoring.planned import change, decided_conflict, plan_of

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
REASON = "Checked against the stock-take"
STOPPED = "Acumatica's answer would set 48 of 60 SKUs in stock to 0 (80%, more than 30%)."


def some() -> list[PlanRow]:
    return [change(number) for number in range(70)] + [change(90, "post"), change(91, "conflict")]


async def a_plan(web: Web, *, stopped: str | None = None) -> str:
    return await plan_of(web.db, some(), now=web.day.now, sync="currency", stopped=stopped)


async def test_a_plan_is_read_narrowed_and_paged_by_its_url(visit: Visit, web: Web) -> None:
    run_id = await a_plan(web)
    visitor = await visit()
    page = await visitor.open(f"/plans/{run_id}")
    rows = page.get_by_role("table", name="Changes", exact=True).locator("tbody tr")
    await expect(rows).to_have_count(50)
    await page.get_by_role("navigation", name="Pages of the list").get_by_role("link", name="Next").click()
    await expect(page).to_have_url(re.compile("page=2"))
    await expect(rows).to_have_count(22)
    await page.get_by_role("navigation", name="What").get_by_role("link", name="conflict").click()
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("both have changed")
    await page.get_by_role("navigation", name="What").get_by_role("link", name="All").click()
    await page.get_by_label("Find a SKU or an order").fill("QS-1006")

    await expect(page).to_have_url(re.compile("entity=QS-1006"))
    await expect(rows).to_have_count(10)


async def test_a_plan_is_applied_after_a_reason_and_the_run_is_queued_once(visit: Visit, web: Web) -> None:
    run_id = await plan_of(web.db, [change(1), change(2, "post")], now=web.day.now)
    visitor = await visit()
    page = await visitor.open(f"/plans/{run_id}")
    await page.get_by_role("button", name="Apply the plan").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("2 changes of Inventory are written")
    await dialog.get_by_role("button", name="Apply the plan").click()
    await expect(dialog).to_contain_text("Say it in 3 to 500 characters.")
    await dialog.get_by_label("Why?").fill(REASON)
    await dialog.get_by_role("button", name="Apply the plan").dblclick()
    await expect(page.get_by_text("The plan will be applied")).to_be_visible()
    await expect(page.get_by_text("Not done")).to_have_count(0)
    await expect(page.locator("#plan-head")).to_contain_text("under way")
    plan = await plans.get(web.db, run_id)
    queued = [run for run in await run_history.queued(web.db) if plan and run.id == plan.acting_run_id]
    for run in queued:
        await runs.request_cancel(web.db, run.id, by="test", now=web.day.now)

    assert plan is not None
    assert (plan.decided_by, plan.reason, len(queued)) == ("mira", REASON, 1)


async def test_what_the_guard_stopped_says_why_and_is_thrown_away(visit: Visit, web: Web) -> None:
    run_id = await a_plan(web, stopped=STOPPED)
    visitor = await visit()
    page = await visitor.open("/plans?state=waiting")
    await page.get_by_role("table", name="Plans").get_by_role("link").first.click()
    await expect(page.locator("#plan-head")).to_contain_text(STOPPED)
    await expect(page.get_by_role("button", name="Let it go on once")).to_be_visible()
    await page.get_by_role("button", name="Throw the plan away").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Why?").fill(REASON)
    await dialog.get_by_role("button", name="Throw the plan away").click()
    await expect(page.get_by_text("Thrown away", exact=True)).to_be_visible()
    plan = await plans.get(web.db, run_id)

    assert plan is not None
    assert plan.state == "thrown_away"


async def test_a_sync_that_stopped_asks_on_the_overview_and_among_the_syncs(visit: Visit, web: Web) -> None:
    run_id = await a_plan(web, stopped=STOPPED)
    visitor = await visit()
    page = await visitor.open("/syncs")
    asked = page.locator(".q-sentence").filter(has_text=STOPPED)
    await expect(asked).to_contain_text("Nothing was written.")
    await asked.get_by_role("link", name="Look at the plan").click()
    await expect(page).to_have_url(re.compile(f"/plans/{run_id}"))
    page = await visitor.open("/")
    await page.get_by_role("region", name="Syncs").get_by_role("link").filter(has_text="stopped and asks").click()

    await expect(page).to_have_url(re.compile(f"/plans/{run_id}"))
    await expect(page.locator("#plan-head")).to_contain_text(STOPPED)


async def test_a_viewer_decides_nothing_on_the_page_nor_by_a_copied_request(visit: Visit, web: Web) -> None:
    mine, theirs = await a_plan(web, stopped=STOPPED), await plan_of(web.db, [change(1)], now=web.day.now)
    operator = await visit()
    page = await operator.open(f"/plans/{mine}")
    await page.get_by_role("button", name="Throw the plan away").click()
    await page.get_by_role("dialog").get_by_label("Why?").fill(REASON)
    async with page.expect_request(
        lambda request: "_dash-update-component" in request.url and '"plan-yes"' in (request.post_data or "")
    ) as caught:
        await page.get_by_role("dialog").get_by_role("button", name="Throw the plan away").click()
    request = await caught.value
    await expect(page.get_by_text("Thrown away", exact=True)).to_be_visible()

    viewer = await visit("viewer")
    watched = await viewer.open(f"/plans/{theirs}")
    await expect(watched.get_by_text("Your rights let you look, not decide about plans.")).to_be_visible()
    secret = web.sessions["viewer"]
    async with httpx.AsyncClient(cookies={SESSION_COOKIE: secret, CSRF_COOKIE: csrf_of(secret)}) as client:
        answer = await client.post(
            request.url,
            content=(request.post_data or "").replace(mine, theirs),
            headers={"content-type": "application/json", "x-csrftoken": csrf_of(secret), "origin": web.url},
        )
    plan = await plans.get(web.db, theirs)

    assert "Not allowed" in answer.text
    assert plan is not None
    assert plan.state == "open"


async def test_a_conflict_is_undone_and_one_that_has_changed_says_so(visit: Visit, web: Web) -> None:
    run_id = "c0ffee"
    for sku in ("UN-1", "UN-2"):
        await decided_conflict(web.db, sku, now=web.day.now, run_id=run_id)
    changed = (await stock.levels_of(web.db, "UN-2"))[0]
    await stock.put(web.db, "UN-2", "MAIN", changed.quantity + 5, by="api", now=web.day.now)
    visitor = await visit()
    page = await visitor.open("/conflicts?item=UN-")
    rows = page.get_by_role("table", name="Conflicts").locator("tbody tr")
    await rows.filter(has_text="UN-1").get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("set from 38 back to 41")
    await dialog.get_by_label("Why?").fill(REASON)
    await dialog.get_by_role("button", name="Undo it").click()
    await expect(rows.filter(has_text="UN-1")).to_contain_text("undone")
    await rows.filter(has_text="UN-2").get_by_role("link").click()
    await expect(page).to_have_url(re.compile(f"run={run_id}"))
    await page.get_by_role("button", name="Undo all of this run").click()
    await expect(dialog).to_contain_text("1 decision of this run")
    await dialog.get_by_label("Why?").fill(REASON)
    await dialog.get_by_role("button", name="Undo it").click()
    await expect(page.get_by_text("UN-2@MAIN has changed since")).to_be_visible()
    levels = {sku: int((await stock.levels_of(web.db, sku))[0].quantity) for sku in ("UN-1", "UN-2")}

    assert levels == {"UN-1": 41, "UN-2": 43}
    assert await conflicts.count(web.db, Filters(run_id=run_id, which="undone")) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_pages_fit_the_screen_and_can_be_heard(visit: Visit, web: Web, width: int, scheme: str) -> None:
    run_id = await a_plan(web, stopped=STOPPED)
    await decided_conflict(web.db, f"FIT-{width}-{scheme}", now=web.day.now)
    visitor = await visit(width=width, scheme=scheme)
    found = {}
    for name, path in (("plans", "/plans"), ("plan", f"/plans/{run_id}"), ("conflicts", "/conflicts")):
        page = await visitor.open(path)
        await visitor.picture(f"{name}-{width}-{scheme}")
        overflow = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        found[name] = (overflow, await page.locator(".q-state-failed").count(), await violations(page))

    assert found == dict.fromkeys(("plans", "plan", "conflicts"), (False, 0, []))
