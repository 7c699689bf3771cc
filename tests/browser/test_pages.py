"""Every page in a real browser: narrow and wide, light and dark, with a day of calls behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]

PAGES = {
    "overview": "/",
    "vendors": "/vendors",
    "vendor": "/vendors/aramex?range=24h",
    "calls": "/calls?range=24h",
    "replays": "/replays",
    "trace": "/traces/{retried}",
    "syncs": "/syncs",
    "runs": "/syncs?range=24h&run={running}",
    "backfills": "/backfills?sync=currency",
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", PAGES)
async def test_page_shows_its_parts_and_fits_the_screen(
    visit: Visit, web: Web, name: str, width: int, scheme: str
) -> None:
    visitor = await visit(width=width, scheme=scheme)
    day = web.day
    named = {"retried": day.retried_correlation, "running": day.running_run, "incident": day.incident}
    page = await visitor.open(PAGES[name].format(**named))
    await visitor.picture(f"{name}-{width}-{scheme}")
    overflow = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    failed = await page.locator(".q-state-failed").count()

    assert (overflow, failed) == (False, 0)
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.getAttribute('data-mantine-color-scheme')") == scheme
