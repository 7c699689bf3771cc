"""Every page in a real browser: narrow and wide, light and dark, with a day of calls behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web
from tests.monitoring.begun import backfill_of, replay_of
from tests.monitoring.planned import change, decided_conflict, plan_of

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]

PAGES = {
    "overview": "/",
    "vendors": "/vendors",
    "vendor": "/vendors/aramex?range=24h",
    "calls": "/calls?range=24h",
    "replays": "/replays",
    "replay": "/replays/{replay}",
    "replay-compared": "/replays/{replay}?item=1",
    "trace": "/traces/{retried}",
    "syncs": "/syncs",
    "runs": "/syncs?range=24h&run={running}",
    "backfills": "/backfills?sync=currency",
    "backfill": "/backfills/{backfill}",
    "plans": "/plans",
    "plan": "/plans/{plan}",
    "plan-stopped": "/plans/{stopped}",
    "conflicts": "/conflicts",
    "incidents": "/incidents?range=24h",
    "incident": "/incidents/{incident}",
    "outcomes": "/outcomes",
    "rates": "/rates?range=30d",
    "circuits": "/circuits",
    "limits": "/circuits?vendor=fedex",
    "try-shipping": "/try/shipping",
    "try-tax": "/try/tax",
    "audit": "/audit?range=24h",
    "reports": "/reports?vendor=aramex&month=range&range=7d",
    "settings": "/settings",
}
STOPPED = "Acumatica's answer would set 48 of 60 SKUs in stock to 0 (80 %, more than 30 %)."


@pytest.fixture(scope="module")
async def named(web: Web) -> dict[str, str]:
    """Return what the paths name: of the day, and what people began and syncs left in it."""
    day, rows = web.day, [*(change(number) for number in range(70)), change(90, "post"), change(91, "conflict")]
    await decided_conflict(web.db, "QS-4711", now=day.now)
    return {
        "retried": day.retried_correlation,
        "running": day.running_run,
        "incident": day.incident,
        "plan": await plan_of(web.db, rows, now=day.now),
        "stopped": await plan_of(web.db, rows, now=day.now, stopped=STOPPED),
        "backfill": await backfill_of(web.db, day),
        "replay": await replay_of(web.db, day),
    }


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", PAGES)
async def test_page_shows_its_parts_and_fits_the_screen(
    visit: Visit, named: dict[str, str], name: str, width: int
) -> None:
    """It is loaded in one colour scheme, every other page in the other, and switched to the second."""
    first, second = ("light", "dark") if (list(PAGES).index(name) + width) % 4 < 2 else ("dark", "light")
    visitor = await visit(width=width, scheme=first)
    page = await visitor.open(PAGES[name].format(**named))
    for scheme in (first, second):
        if scheme == second:
            # By an event: where a drawer is open it lies over the button.
            await page.locator("#theme").dispatch_event("click")
        await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        await visitor.picture(f"{name}-{width}-{scheme}")
        overflow = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        failed = await page.locator(".q-state-failed").count()

        assert (overflow, failed) == (False, 0)
        assert await violations(page) == []
