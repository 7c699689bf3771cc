"""Fields that stand in the URL: both say the same at once, however slow the server is, and nothing overtakes who types."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


async def test_two_quick_changes_are_both_kept_while_nothing_answers_yet(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/rates")
    amount, into = page.get_by_label("Amount"), page.get_by_role("textbox", name="To", exact=True)
    await expect(into).to_have_value("EUR")
    async with visitor.unanswered():
        await into.click()
        await page.get_by_role("option", name="JPY", exact=True).click()
        await amount.fill("250")
        await amount.blur()
        await expect(page).to_have_url(re.compile(r"/rates\?into=JPY&amount=250$"))
    await visitor.answered()

    assert (await amount.input_value(), await into.input_value()) == ("250", "JPY")


async def test_what_is_half_typed_stays_when_another_filter_is_chosen(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/rates?range=24h")
    amount, into = page.get_by_label("Amount"), page.get_by_role("textbox", name="To", exact=True)
    await expect(into).to_have_value("EUR")
    await amount.fill("100.005")  # taken over when the field is left
    await page.evaluate("dash_clientside.set_props('url', { search: '?range=24h&into=JPY' })")
    await expect(into).to_have_value("JPY")
    await visitor.answered()

    await expect(amount).to_have_value("100.005")


async def test_going_back_puts_the_fields_back(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/incidents?rule=circuit_open")
    severity, rule = (page.get_by_role("textbox", name=name) for name in ("Severity", "Rule"))
    await expect(rule).to_have_value("circuit open")
    await severity.click()
    await page.get_by_role("option", name="can wait").click()
    await expect(page).to_have_url(re.compile("severity=ticket"))
    await page.go_back()
    await expect(page).to_have_url(re.compile(r"\?rule=circuit_open$"))
    await expect(severity).to_have_value("")
    await expect(rule).to_have_value("circuit open")
    await page.go_forward()

    await expect(severity).to_have_value("can wait")


async def test_an_emptied_field_stays_empty_and_the_usual_is_left_out_of_the_link(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/rates?amount=250&range=24h")
    amount = page.get_by_label("Amount")
    await expect(amount).to_have_value("250")
    await amount.fill("")
    await amount.blur()
    await expect(page).to_have_url(re.compile(r"\?amount=&range=24h$"))
    await expect(amount).to_have_value("")
    await amount.fill("100.00")
    await amount.blur()

    await expect(page).to_have_url(re.compile(r"\?range=24h$"))


async def test_a_changed_filter_leaves_the_page_of_the_list_out_and_what_nobody_knows_in(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/conflicts?which=undone&page=3")
    await page.get_by_label("Find a SKU").fill("MUG")

    await expect(page).to_have_url(re.compile(r"\?which=undone&item=MUG$"))
    await page.goto(visitor.web.url + "/calls?sort=sideways&range=24h")
    await expect(page.get_by_text("Choose one of")).to_be_visible()
    await page.get_by_role("textbox", name="Error type").fill("timeout")

    await expect(page).to_have_url(re.compile(r"\?sort=sideways&range=24h&error_type=timeout$"))


async def test_a_link_to_a_try_out_fills_the_form_before_anything_answers(visit: Visit) -> None:
    visitor = await visit()
    page = await visitor.open("/try/shipping")
    city = page.get_by_label("City").first
    await expect(city).to_have_value("Memphis")
    async with visitor.unanswered():
        await page.goto(visitor.web.url + "/try/shipping?at_city=Aarhus")

        await expect(city).to_have_value("Aarhus")


async def test_a_typed_range_keeps_what_is_filtered_while_the_server_reads_it(visit: Visit) -> None:
    visitor = await visit("viewer")
    page = await visitor.open("/incidents?rule=circuit_open&range=7d")
    severity = page.get_by_role("textbox", name="Severity")
    async with visitor.unanswered():
        await page.get_by_role("button", name="Time range").click()
        await page.get_by_label("From").fill("3h ago")
        await page.get_by_role("button", name="Show this range").click()
        await page.keyboard.press("Escape")
        await severity.click()
        await page.get_by_role("option", name="can wait").click()
    await expect(page).to_have_url(re.compile(r"\?rule=circuit_open&severity=ticket&from=[^&]+&to=[^&]+$"))

    await expect(severity).to_have_value("can wait")
