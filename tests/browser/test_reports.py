"""The vendor report in a browser: chosen by link, held against what is agreed, printed on paper, taken as CSV and ZIP."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.conftest import SCREENSHOTS, Visitor, Web

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
WEEK = "/reports?vendor=aramex&month=range&range=7d"


async def test_what_is_agreed_turns_figures_into_a_verdict(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open(WEEK)
    await expect(page.get_by_text("nothing agreed", exact=True)).to_be_visible()
    await page.get_by_role("button", name="What is agreed").click()
    dialog = page.get_by_role("dialog", name="What is agreed")
    await expect(dialog).to_contain_text("Nothing is agreed yet.")
    await dialog.get_by_label("Availability").fill("99.95")
    await dialog.get_by_label("P95").fill("900")
    await dialog.get_by_label("Announced maintenance").fill("some night")
    await dialog.get_by_label("Why?").fill("Contract of 2026")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_contain_text("write it as 2026-10-03 02:00 to 2026-10-03 04:00.")
    await dialog.get_by_label("P95").fill("5")
    await dialog.get_by_label("Announced maintenance").fill("2026-01-03 02:00 to 2026-01-03 04:00")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("not as agreed", exact=True)).to_be_visible()

    await expect(page.get_by_text("agreed 99.950\u202f%, not met")).to_be_visible()


async def test_another_vendor_and_month_stand_in_the_link(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open(WEEK)
    await page.get_by_role("textbox", name="Vendor", exact=True).click()
    await page.get_by_role("option", name="FedEx").click()
    await expect(page).to_have_url(re.compile("vendor=fedex"))
    await expect(page.get_by_role("heading", name="FedEx")).to_be_visible()
    await expect(page.get_by_role("button", name="What is agreed")).to_have_count(0)
    await visitor.open("/reports?vendor=nobody")

    await expect(page.get_by_text("There is no vendor “nobody”; choose one above.")).to_be_visible()


async def test_the_report_prints_without_what_is_only_for_the_screen(visit: Visit, web: Web) -> None:
    visitor = await visit(scheme="dark")
    page = await visitor.open(WEEK)
    await expect(page.get_by_role("region", name="Days")).to_be_visible()
    SCREENSHOTS.mkdir(exist_ok=True)
    await page.emulate_media(media="print")
    await expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    await expect(page.get_by_role("button", name="Print")).to_be_hidden()
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    paper = await page.pdf(path=SCREENSHOTS / "report.pdf", format="A4", print_background=False)

    assert background == "rgb(255, 255, 255)"
    assert paper.startswith(b"%PDF")


async def test_csv_and_evidence_are_one_click_away(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open(WEEK)
    async with page.expect_download() as caught:
        await page.get_by_role("link", name="CSV", exact=True).click()
    lines = (await (await caught.value).path()).read_text().splitlines()
    async with page.expect_download() as caught:
        await page.get_by_role("link", name="Evidence for its support").click()
    with zipfile.ZipFile(await (await caught.value).path()) as archive:
        names = archive.namelist()

    assert "figure,vendor,Aramex" in lines
    assert names == ["read-me-first.html", "request-ids.csv", "samples.txt"]
