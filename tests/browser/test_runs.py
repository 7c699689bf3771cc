"""One run in its drawer and the runs of a time as lanes: found, opened by mouse and by keyboard, cancelled, taken along."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from playwright.async_api import expect

from db import run_history, run_notes, runs
from monitoring.timerange import stamp
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


def seeded_hour(web: Web) -> str:
    """Return the query of the hour the runs were put into; what other walks begin on the same database is later."""
    until = web.day.now - timedelta(seconds=1)
    return urlencode({"from": stamp(until - timedelta(hours=1)), "to": stamp(until)})


async def failed_run(web: Web) -> str:
    return next(run.id for run in await run_history.recent(web.db, "inventory") if run.outcome == "error")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
async def test_a_run_says_what_asked_for_it_how_it_ended_and_what_it_left(
    visit: Visit, web: Web, width: int, scheme: str
) -> None:
    run_id = await failed_run(web)
    async with web.db.write() as connection:
        await run_notes.add(connection, run_id, "Phase: apply.", now=web.day.now)
        await run_notes.add(connection, run_id, "Acumatica does not answer.", tone="warn", now=web.day.now)
    visitor = await visit(width=width, scheme=scheme)
    page = await visitor.open(f"/syncs?range=24h&run={run_id}")
    drawer = page.get_by_role("dialog", name="Run")
    await expect(drawer).to_contain_text("Acumatica's answer has no field QtyOnHand.value.")
    for said in ("schedule", "schema_drift", "3,812", "QS-20417", "Phase: apply.", "Acumatica does not answer."):
        await expect(drawer).to_contain_text(said)
    await visitor.picture(f"run-{width}-{scheme}")

    assert await violations(page) == []
    await drawer.get_by_role("link", name="Trace").click()
    await expect(page).to_have_url(re.compile("/traces/"))


async def test_a_run_is_opened_from_its_bar_by_keyboard_and_closing_it_gives_the_page_back(
    visit: Visit, web: Web
) -> None:
    visitor = await visit()
    page = await visitor.open(f"/syncs?{seeded_hour(web)}")
    bars = page.get_by_role("group", name=re.compile("^Inventory:")).get_by_role("link")
    await expect(bars).to_have_count(4)
    await expect(bars.last).to_have_attribute("tabindex", "0")
    await expect(bars.first).to_have_attribute("tabindex", "-1")
    await bars.last.focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(bars.nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"run={await failed_run(web)}"))
    drawer = page.get_by_role("dialog", name="Run")
    await expect(drawer).to_contain_text("schema_drift")
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()

    await expect(page).to_have_url(re.compile(re.escape(f"/syncs?{seeded_hour(web)}") + "$"))


async def test_a_missed_slot_is_a_mark_with_its_reason_and_the_list_says_the_same(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open(f"/syncs?{seeded_hour(web)}")
    missed = page.get_by_role("link", name=re.compile("Orders: missed.*The run before was still running"))
    await expect(missed).to_have_count(1)
    await page.get_by_role("navigation", name="Outcome").get_by_role("link", name="missed").click()
    await expect(page).to_have_url(re.compile("outcome=missed"))
    rows = page.get_by_role("table", name="Runs").locator("tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("The run before was still running.")
    await missed.click()

    await expect(page.get_by_role("dialog", name="Run")).to_contain_text("The run before was still running.")


async def test_the_runs_are_taken_along_as_csv(visit: Visit, web: Web) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/syncs?range=24h&sync=inventory")
    async with page.expect_download() as caught:
        await page.get_by_role("link", name=re.compile("as CSV")).click()
    path = await (await caught.value).path()
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))

    assert {row["sync"] for row in rows} == {"inventory"}
    assert {"error", "success", "running"} <= {row["outcome"] for row in rows}


async def test_a_run_is_cancelled_from_its_drawer_after_a_question(visit: Visit, web: Web) -> None:
    run = await runs.queue(web.db, "currency", trigger="user", requested_by="noor", now=web.day.now)
    watched = await (await visit("viewer")).open(f"/syncs?run={run.id}")
    await expect(watched.get_by_role("dialog", name="Run")).to_contain_text("by hand, noor")
    await expect(watched.get_by_role("button", name="Cancel this run")).to_have_count(0)
    visitor = await visit()
    page = await visitor.open(f"/syncs?run={run.id}")
    await page.get_by_role("button", name="Cancel this run").click()
    asked = page.get_by_role("dialog", name="Cancel this run?")
    await expect(asked).to_contain_text("has not started; it will not")
    await asked.get_by_label("Why?").fill("The source is being restored")
    await asked.get_by_role("button", name="Cancel the run").click()
    await expect(page.get_by_text("The run will stop")).to_be_visible()
    await expect(page.get_by_role("dialog", name="Run", exact=True)).to_contain_text("Cancelled by mira")
    ended = await run_history.get(web.db, run.id)

    assert ended is not None
    assert (ended.outcome, ended.cancel_requested_by) == ("cancelled", "mira")


async def test_many_runs_are_folded_and_a_column_leads_into_its_time(visit: Visit, web: Web) -> None:
    for number in range(130):
        at = web.day.now - timedelta(days=3, minutes=number)
        await runs.note_missed(web.db, "orders", scheduled_at=at, now=at, reason="No scheduler was running.")
    visitor = await visit(width=390)
    page = await visitor.open("/syncs?range=7d")
    await expect(page.get_by_text(re.compile("Orders: too many runs to be drawn one by one"))).to_be_visible()
    columns = page.get_by_role("group", name=re.compile("^Orders:")).get_by_role("link")
    await visitor.picture("runs-folded-390-light")
    before = await columns.count()
    await columns.first.click()
    await expect(page).to_have_url(re.compile("from=.*to="))
    await expect(page.get_by_role("table", name="Runs")).to_contain_text("No scheduler was running.")

    assert 0 < before <= 80
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_run_nobody_knows_says_so(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/syncs?run=0123456789abcdef0123456789abcdef")

    await expect(page.get_by_role("dialog", name="Run")).to_contain_text("There is no such run.")
