"""Pages that stay open: they follow the database, survive a restart of the server, and say when they cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from db import audit, incidents, letter_acts, processes
from db.engine import Database
from db.letter_acts import Filter
from tests.browser.buried import bury
from tests.browser.conftest import Visitor, Web, open_empty, serving, sign_in
from tests.monitoring.seed import Day

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Database]:
    db = await open_empty(tmp_path / "quayside.db")
    yield db
    await db.close()


def _web(db: Database, port: int, secret: str) -> Web:
    nothing = Day(
        now=datetime.now(UTC), calls=0, failed_call="", failed_correlation="", retried_correlation="", running_run=""
    )
    return Web(url=f"http://127.0.0.1:{port}", db=db, day=nothing, sessions={"operator": secret})


async def test_news_reach_an_open_page_over_the_websocket(visit: Visit, empty: Database) -> None:
    secret = await sign_in(empty, "mira", "operator")
    async with serving(empty) as port:
        visitor = await visit(on=_web(empty, port, secret))
        page = await visitor.open("/")
        await expect(page.locator("#live-word")).to_have_text("Live")
        await expect(page.locator("#banner-scheduler")).to_contain_text("No scheduler has ever run")
        now = datetime.now(UTC)
        await processes.started(empty, "scheduler-1", "scheduler", now=now)
        await incidents.open_incident(
            empty, rule="circuit_open", subject="fedex", state="firing", severity="page", title="FedEx: circuit open",
            facts={}, started_at=now, inhibited_by=None, now=now,
        )  # fmt: skip

        await expect(page.get_by_text("FedEx: circuit open")).to_be_visible(timeout=8000)
        await expect(page.locator("#nav-incidents")).to_have_text("1")
        await expect(page.locator("#banner-scheduler")).to_be_hidden()


async def test_pause_holds_the_figures_still(visit: Visit, empty: Database) -> None:
    secret = await sign_in(empty, "mira", "operator")
    async with serving(empty) as port:
        visitor = await visit(on=_web(empty, port, secret))
        page = await visitor.open("/incidents")
        await expect(page.locator("#live-word")).to_have_text("Live")
        await page.get_by_label("Live updates").focus()
        await page.keyboard.press("Space")
        await expect(page.locator("#live-word")).to_have_text("Paused")
        now = datetime.now(UTC)
        await incidents.open_incident(
            empty, rule="circuit_open", subject="fedex", state="firing", severity="page", title="FedEx: circuit open",
            facts={}, started_at=now, inhibited_by=None, now=now,
        )  # fmt: skip
        await expect(page.locator("#nav-incidents")).to_have_text("1")  # the beat goes on, the page stands still

        await expect(page.get_by_text("Nothing is open.")).to_be_visible()


async def test_news_wait_while_something_is_pressed_or_marked(visit: Visit) -> None:
    page = await (await visit()).open("/vendors/aramex")
    asked = "() => window.dash_clientside.quayside.tick({ at: Date.now() }, true, '', null)"
    free = await page.evaluate(asked)
    box = await page.locator("#page h1").first.bounding_box()
    assert box is not None
    x, y = box["x"] + 4, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    pressed = await page.evaluate(asked)
    await page.mouse.up()
    released = await page.evaluate(asked)
    await page.mouse.dblclick(x, y)
    marked = await page.evaluate(asked)
    await page.evaluate("() => document.getSelection().removeAllRanges()")
    cleared = await page.evaluate(asked)

    assert all(isinstance(found, int | float) for found in (free, released, cleared)), (free, released, cleared)
    assert not isinstance(pressed, int | float)
    assert not isinstance(marked, int | float)


async def _drawn_anew(part: Locator, change: Awaitable[object]) -> None:
    """Make a change and wait until what stood on the page has given way to a new drawing."""
    drawn = await part.element_handle()
    assert drawn is not None
    await change
    await part.page.wait_for_function("node => !node.isConnected", arg=drawn)


async def test_what_is_unfolded_stays_so_when_its_part_is_drawn_anew(visit: Visit, web: Web) -> None:
    await bury(web, "SO-7", "SO-8")
    (found,) = [letter for letter in await letter_acts.waiting(web.db, Filter(sync="orders")) if letter.item == "SO-7"]
    await letter_acts.settle(web.db, found.id, "given_up", reason="Typed in", by="mira", now=datetime.now(UTC))
    page = await (await visit(width=390)).open("/syncs")
    fold = page.locator("details", has_text="Given up lately")
    await fold.locator("summary").click()
    await _drawn_anew(fold, bury(web, "SO-9"))

    await expect(fold).to_have_attribute("open", "")
    await fold.locator("summary").click()
    await _drawn_anew(fold, bury(web, "SO-10"))

    await expect(fold).not_to_have_attribute("open", "")


SCROLLED = """table => new Promise(seen => {
    table.addEventListener("scroll", () => seen(true), { once: true });
    table.scrollLeft = 40;
    setTimeout(() => seen(false), 1000);
})"""


async def test_how_far_a_table_is_scrolled_stays_when_it_is_drawn_anew(visit: Visit, web: Web) -> None:
    page = await (await visit("admin", width=390)).open("/audit")
    acts = page.get_by_role("region", name="Acts", exact=True)
    while not await acts.evaluate(SCROLLED):  # it gave way to a new drawing before anybody saw it move
        pass
    asked = audit.record_act(
        web.db,
        at=datetime.now(UTC),
        user_name="noor",
        act="sync.run_requested",
        subject="orders",
        reason=None,
        facts={},
    )
    await _drawn_anew(acts, asked)

    await expect(acts).to_have_js_property("scrollLeft", 40)


@pytest.mark.parametrize("path", ["/", "/calls", "/syncs", "/incidents", "/vendors/fedex", "/traces/unknown"])
async def test_empty_database_is_explained_not_drawn(visit: Visit, empty: Database, path: str) -> None:
    secret = await sign_in(empty, "mira", "operator")
    async with serving(empty) as port:
        visitor = await visit(on=_web(empty, port, secret))
        page = await visitor.open(path)
        name = path.strip("/").replace("/", "-") or "overview"
        await visitor.picture(f"empty-{name}")

        assert await page.locator(".q-state-failed").count() == 0
