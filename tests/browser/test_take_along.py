"""What people take along from a page: tables and charts as CSV, a stretch of a chart as the page's range."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def _taken(visitor: Visitor, name: str, folder: Path, tables: int = 0) -> tuple[str, list[list[str]]]:
    """Take a panel along, once it has so many tables: its parts are asked for apart and come one by one."""
    page = await visitor.open("/vendors/aramex?range=24h")
    await visitor.pause()  # the button of a panel that is drawn anew is another one
    if tables:
        await expect(page.locator("section.q-panel", has_text=name).get_by_role("table")).to_have_count(tables)
    async with page.expect_download() as download:
        await page.get_by_role("button", name=f"Download as CSV: {name}", exact=True).click()
    file = await download.value
    await file.save_as(folder / "taken.csv")
    text = (folder / "taken.csv").read_text(encoding="utf-8-sig")
    return file.suggested_filename, list(csv.reader(io.StringIO(text)))


async def test_a_table_is_taken_along_with_whole_times(visit: Visit, tmp_path: Path) -> None:
    name, rows = await _taken(await visit(), "Latest failed calls", tmp_path)

    assert name.startswith("vendors-aramex-latest-failed-calls-")
    assert rows[0][:3] == ["Started", "Operation", "Error"]
    assert len(rows) > 1
    assert datetime.fromisoformat(rows[1][0]).tzinfo is not None


async def test_a_chart_is_taken_along_with_a_line_per_moment(visit: Visit, tmp_path: Path) -> None:
    _name, rows = await _taken(await visit(), "Duration", tmp_path)

    assert rows[0][:4] == ["at (Asia/Dubai)", "P99", "P95", "P50"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", row[0]) for row in rows[1:])
    assert any(float(row[1]) > 0 for row in rows[1:] if row[1])


@pytest.mark.parametrize(("panel", "heads"), [("Who spends it", ["Source", "Lane", "Quota"]), ("Circuit", ["When"])])
async def test_all_tables_of_a_panel_are_taken_along(
    visit: Visit, tmp_path: Path, panel: str, heads: list[str]
) -> None:
    _name, rows = await _taken(await visit(), panel, tmp_path, tables=len(heads))
    blank = [place for place, row in enumerate(rows) if not row]

    assert [rows[place + 1][0] for place in [-1, *blank]] == heads


async def test_a_stretch_dragged_on_a_chart_becomes_the_range_of_the_page(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/vendors/aramex?range=24h")
    await visitor.pause()  # else the chart is drawn anew under the mouse
    plot = page.locator("#chart-durations .nsewdrag").first
    await plot.scroll_into_view_if_needed()
    box = await plot.bounding_box()
    assert box is not None
    await page.wait_for_timeout(300)  # the listener is put on a chart a moment after it is drawn
    await page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2, steps=8)
    await page.mouse.up()
    await expect(page).to_have_url(re.compile(r"from=.*to="))
    wanted = parse_qs(urlsplit(page.url).query)
    since, until = (datetime.fromisoformat(wanted[name][0]) for name in ("from", "to"))

    assert 5 * 3600 < (until - since).total_seconds() < 7 * 3600
