"""The checkout asked by hand as people do it at night: one click fills the form, one asks, and every carrier is named."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

import app
from db import audit
from db.circuit_acts import set_by_hand
from integrations.checkout.by_hand import ByHand
from integrations.checkout.desks import desks_of
from integrations.runtime import Runtime, open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import understand
from monitoring.hands import Hands
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web, open_empty, serving, sign_in
from tests.integrations.checkout.conftest import now, save_rates

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]
CUT_OFF = """() => [...document.querySelectorAll('#try-result .q-scroll')]
  .filter(box => box.scrollWidth > box.clientWidth).map(box => box.getAttribute('aria-label'))"""


@dataclass(frozen=True, slots=True)
class Counter:
    """A web process with a checkout over a sandbox of its own."""

    web: Web
    sandbox: SandboxServer
    runtime: Runtime

    def break_vendor(self, vendor: str, fault: str = "status:503") -> None:
        self.sandbox.faults.add([{"vendor": vendor, "operation": None, "fault": fault, "rate": 1.0}])

    def requests(self, vendor: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        rows = self.sandbox.ledger.view(vendor=vendor)["requests"]
        return [row for row in rows if operation is None or row["operation"] == operation]


@pytest.fixture
async def counter(web: Web, tmp_path: Path) -> AsyncIterator[Counter]:
    sandbox = SandboxServer(SandboxOptions(port=0))
    port = await sandbox.start()
    toml = {"retry": {"base": 0.01, "cap": 0.02}}
    settings = understand({"QUAYSIDE_SANDBOX_PORT": str(port)}, toml, var=tmp_path)
    db = await open_empty(tmp_path / "try.db")
    await save_rates(db)
    sessions = {"operator": await sign_in(db, "mira", "operator"), "viewer": await sign_in(db, "vik", "viewer")}
    async with open_runtime(db, settings.integrations, "try-out") as runtime:
        hands = Hands(checkout=ByHand(desks_of(settings, db, runtime.gateway)))
        async with serving(db, hands=hands, vendors=app.vendor_facts(settings)) as served:
            yield Counter(
                Web(url=f"http://127.0.0.1:{served}", db=db, day=web.day, sessions=sessions), sandbox, runtime
            )
    await sandbox.stop()
    await db.close()


async def ask(page: Page, button: str = "Ask the carriers") -> None:
    await page.get_by_role("button", name=button).click()
    await expect(page.get_by_role("region", name="What it comes to")).to_be_visible()


async def test_a_double_click_asks_once_and_a_broken_carrier_is_named_with_its_call(
    counter: Counter, visit: Visit
) -> None:
    counter.break_vendor("fedex")
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/shipping")
    await page.get_by_role("button", name="Ask the carriers").dblclick()
    carriers = page.get_by_role("region", name="Carriers")
    fedex = carriers.locator("tbody tr", has_text="FedEx")
    await expect(fedex).to_contain_text("http 503")
    await expect(fedex).to_contain_text("their fault")
    await expect(carriers.locator("tbody tr", has_text="Canada Post")).to_contain_text("picks up nothing in US")
    quotes = page.get_by_role("region", name="Quotes")
    await expect(quotes.locator("tbody tr").first).to_contain_text("SAR")
    await expect(quotes).to_contain_text("rate of")
    await visitor.picture("try-shipping-answer-1440-light")
    acts = await audit.list_acts(counter.web.db, act="quote")
    await fedex.get_by_role("link", name="Call").click()
    await expect(page).to_have_url(re.compile(r"/calls\?.*call="))
    await expect(page.get_by_role("dialog")).to_contain_text("FedEx")

    assert len(counter.requests("dhl_express", "quote_rates")) == 1
    assert [(act.act, act.user_name, act.facts) for act in acts] == [
        ("quote.asked_by_hand", "mira", {"from": "US", "to": "SA"})
    ]


async def test_a_circuit_held_open_is_said_with_its_moment_and_costs_no_request(counter: Counter, visit: Visit) -> None:
    await set_by_hand(
        counter.web.db, "fedex", "fedex", "forced_open", reason="their night", by="ada", expires_at=None, now=now()
    )
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/shipping")
    await ask(page)
    fedex = page.get_by_role("region", name="Carriers").locator("tbody tr", has_text="FedEx")
    await expect(fedex).to_contain_text("not asked: circuit open")
    await expect(fedex).to_contain_text("held open by ada: their night")
    await expect(fedex).to_contain_text("Open since")

    assert counter.requests("fedex", "quote_rates") == []


async def test_one_click_fills_the_form_and_the_link_shows_a_colleague_the_same(counter: Counter, visit: Visit) -> None:
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/shipping?range=6h")
    await page.get_by_role("group", name="To").get_by_label("Street").fill("Olaya Street 5")
    await page.get_by_role("button", name="CN → AU").click()
    await expect(page).to_have_url(re.compile(r"range=6h.*at_country=CN.*to_country=AU"))
    await page.get_by_label("Parcels").fill("2 x 500 g")
    await page.get_by_label("Parcels").blur()
    await expect(page).to_have_url(re.compile(r"parcels=2\+x\+500\+g"))
    await expect(page.get_by_role("region", name="As cURL")).to_contain_text('"weight_kg": "0.5"')
    colleague = await visit("viewer", on=counter.web)
    there = await colleague.open(page.url.removeprefix(counter.web.url))

    await expect(there.get_by_role("group", name="From").get_by_label("City")).to_have_value("Shenzhen")
    await expect(there.get_by_label("Parcels")).to_have_value("2 x 500 g")
    await expect(there.get_by_label("Buyer's currency")).to_have_value("AUD")
    assert "Olaya" not in page.url
    assert counter.requests() == []


async def test_a_field_says_what_is_wrong_and_nobody_is_asked(counter: Counter, visit: Visit) -> None:
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/shipping")
    await page.get_by_label("Parcels").fill("heavy")
    await page.get_by_role("button", name="Ask the carriers").click()
    await expect(page.locator("#try-result")).to_contain_text("Nothing was asked.")
    await expect(page.get_by_label("Parcels")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Parcels").fill("1 kg")
    await page.get_by_role("group", name="To").get_by_label("Country").fill("ksa")
    await page.get_by_label("Buyer's currency").fill("riyal")
    await page.keyboard.press("Enter")
    await expect(page.locator("#try-result")).to_contain_text(
        "“RIYAL” is no currency; write three letters, such as USD."
    )
    await expect(page.locator("#try-result")).to_contain_text("“KSA” is no country; write two letters, such as DE.")

    await expect(page.get_by_label("Parcels")).not_to_have_attribute("aria-invalid", "true")
    assert counter.requests() == []


async def test_the_form_is_filled_and_asked_by_keyboard_alone(counter: Counter, visit: Visit) -> None:
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/shipping")
    await page.get_by_role("button", name="DE → US").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="From").get_by_label("City")).to_have_value("Hamburg")
    await page.get_by_label("Declared value").focus()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("45.50")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="What it comes to")).to_contain_text(
        "20457 Hamburg, DE to 10001 New York"
    )
    await expect(page.get_by_role("region", name="As cURL")).to_contain_text('"amount": "45.50"')

    assert len(counter.requests("ups", "quote_rates")) == 1


async def test_who_asks_right_after_an_example_asks_that_example_while_nothing_answers_yet(
    counter: Counter, visit: Visit
) -> None:
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/tax")
    async with visitor.unanswered():
        await page.get_by_role("button", name="DE → FR, a business").click()
        await page.get_by_role("button", name="Ask what it owes").click()
    await expect(page.get_by_role("region", name="What it comes to")).to_contain_text("confirmed by VIES")

    assert len(counter.requests("vies")) == 1


async def test_a_viewer_sees_the_form_and_why_he_may_not_ask(counter: Counter, visit: Visit) -> None:
    visitor = await visit("viewer", on=counter.web)
    page = await visitor.open("/try/tax")

    await expect(page.get_by_text("it takes the right to trigger")).to_be_visible()
    await expect(page.get_by_role("button", name="Ask what it owes")).to_be_disabled()


async def test_a_business_is_checked_with_the_register_and_its_number_stands_in_no_link(
    counter: Counter, visit: Visit
) -> None:
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/tax")
    await page.get_by_role("button", name="DE → FR, a business").click()
    await expect(page.get_by_label("VAT number")).to_have_value("FR40300000122")
    await ask(page, "Ask what it owes")
    answer = page.get_by_role("region", name="What it comes to")
    await expect(answer).to_contain_text("confirmed by VIES: reverse charge")
    await expect(answer).to_contain_text("Consultation number")
    await expect(page.get_by_role("region", name="Taxed lines")).to_contain_text("the buyer accounts for it")
    await expect(page.get_by_role("region", name="As cURL")).to_contain_text("Bearer $TOKEN")
    await visitor.picture("try-tax-answer-1440-light")

    assert "FR40300000122" not in page.url
    assert len(counter.requests("vies")) == 1


async def test_a_register_that_is_down_is_unknown_and_a_destination_nobody_knows_is_refused(
    counter: Counter, visit: Visit
) -> None:
    counter.break_vendor("vies")
    visitor = await visit(on=counter.web)
    page = await visitor.open("/try/tax")
    await page.get_by_role("button", name="DE → FR, a business").click()
    await ask(page, "Ask what it owes")
    await expect(page.get_by_role("region", name="What it comes to")).to_contain_text("unknown, which is not invalid")
    await page.get_by_role("button", name="US → US, sales tax").click()
    await expect(page.get_by_role("group", name="Buyer").get_by_label("City")).to_have_value("Irvine")
    await page.get_by_role("group", name="Buyer").get_by_label("Postal code").fill("")
    await page.get_by_role("button", name="Ask what it owes").click()

    await expect(page.locator("#try-result")).to_contain_text(
        "Avalara needs a postal code, or a line, a city and a state."
    )


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1440, "dark")])
async def test_an_answer_with_stale_quotes_fits_the_screen(
    counter: Counter, visit: Visit, width: int, scheme: str
) -> None:
    visitor = await visit(width=width, scheme=scheme, on=counter.web)
    page = await visitor.open("/try/shipping")
    await ask(page)
    await counter.runtime.gateway.close()  # the answers are kept
    counter.break_vendor("fedex", "garbage")
    counter.break_vendor("ups")
    await page.get_by_role("textbox", name="Ranked").click()
    await page.get_by_role("option", name="the fastest first").click()
    await page.get_by_role("button", name="Ask the carriers").click()
    await expect(page.get_by_role("region", name="Quotes")).to_contain_text("stale")
    await visitor.picture(f"try-shipping-answer-{width}-{scheme}")

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(CUT_OFF) == []
    assert await violations(page) == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
async def test_an_answer_about_tax_fits_the_screen(counter: Counter, visit: Visit, width: int, scheme: str) -> None:
    visitor = await visit(width=width, scheme=scheme, on=counter.web)
    page = await visitor.open("/try/tax")
    await page.get_by_role("button", name="US → US, sales tax").click()
    await ask(page, "Ask what it owes")
    await expect(page.get_by_role("region", name="Who takes the tax")).to_be_visible()
    await visitor.picture(f"try-tax-answer-{width}-{scheme}")

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(CUT_OFF) == []
    assert await violations(page) == []


async def test_an_amount_is_converted_with_its_rate_its_age_and_its_rounding(counter: Counter, visit: Visit) -> None:
    visitor = await visit("viewer", on=counter.web)
    page = await visitor.open("/rates?amount=19.90&of=EUR&into=KWD")
    answer = page.locator("#convert-answer")
    await expect(answer).to_contain_text("19.90\u202fEUR = 6.633\u202fKWD")
    await expect(answer).to_contain_text("rounded half up to 3 decimals; test stated it")
    await page.get_by_role("textbox", name="To", exact=True).click()
    await page.get_by_role("option", name="JPY", exact=True).click()
    await expect(answer).to_contain_text("3,317\u202fJPY")
    await expect(answer).to_contain_text("to whole ones")
    await expect(page).to_have_url(re.compile(r"amount=19.90&of=EUR&into=JPY"))
    await page.get_by_label("Amount").fill("a lot")
    await page.get_by_label("Amount").blur()
    await expect(page.get_by_text('"a lot" is not a decimal; write it as "12.34"')).to_be_visible()

    assert counter.requests() == []
