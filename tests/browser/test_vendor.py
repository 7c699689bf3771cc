"""The vendor's page: from any point of a chart to the calls behind it, and what it says in words."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import FloatRect, Locator, Page, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


@pytest.mark.parametrize("chart", ["chart-durations", "chart-heat", "chart-headroom"])
async def test_a_point_leads_to_the_calls_of_its_moment(visit: Visit, chart: str) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/vendors/stripe?range=1h")
    plot = page.locator(f"#{chart} .nsewdrag").first
    await plot.hover()  # from here on the charts stand still
    box = await _where(page, plot)
    x, y = box["width"] * 0.9, box["height"] * 0.5
    if chart == "chart-heat":
        x, y = await _fullest_cell(page)
    await page.mouse.move(box["x"] + x, box["y"] + y)
    await expect(page.locator(f"#{chart} .hoverlayer > *").first).to_be_attached()  # a click is on what is named
    await page.mouse.click(box["x"] + x, box["y"] + y)
    await expect(page).to_have_url(re.compile(r"/calls\?"))
    asked = parse_qs(urlsplit(page.url).query)

    assert asked["vendor"] == ["stripe"]
    assert asked["to"] > asked["from"]
    await visitor.settled()


async def _where(page: Page, plot: Locator) -> FloatRect:
    """Return where a chart is, once the drawing that was under way is done."""
    for _ in range(100):
        box = await plot.bounding_box()
        if box is not None:
            return box
        await page.wait_for_timeout(50)
    raise AssertionError("the chart is not drawn")


async def _fullest_cell(page: Page) -> tuple[float, float]:
    """Return where the fullest cell of the map lies, in pixels from the corner of what is drawn."""
    script = """() => {
        const map = document.querySelector('#chart-heat .js-plotly-plot'), trace = map.data[0];
        const cells = trace.z.flatMap((row, y) => row.map((shade, x) => [shade || 0, x, y]));
        const [, x, y] = cells.reduce((most, cell) => (cell[0] > most[0] ? cell : most));
        return [map._fullLayout.xaxis.d2p(trace.x[x]), map._fullLayout.yaxis.d2p(y)];
    }"""
    x, y = await page.evaluate(script)
    return float(x), float(y)


async def test_a_kind_of_failure_leads_to_its_calls_by_keyboard(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/vendors/aramex?range=1h")
    await page.locator("#vendor-charts .q-choice").filter(has_text="http 503").press("Enter")

    await expect(page).to_have_url(re.compile(r"/calls\?range=1h&vendor=aramex&outcome=failed&error_type=http_503$"))
    await visitor.settled()


async def test_quotas_versions_and_expiry_are_said_in_words(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/vendors/acumatica?range=24h")

    await expect(page.locator("#vendor-forecast")).to_contain_text("left by our own count")
    await expect(page.locator("#vendor-notes")).to_contain_text("Certificate: not known")
    await expect(page.locator("#vendor-sum")).to_contain_text("P99")
