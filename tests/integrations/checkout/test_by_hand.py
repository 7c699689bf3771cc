"""The checkout asked by a person: the API's answer, what stands beside it, and refusals that name their field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from db.calls import search
from db.engine import Database
from integrations.checkout.by_hand import ByHand
from integrations.checkout.desks import desks_of
from integrations.runtime import Runtime, open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.settings import understand
from tests.integrations.checkout.conftest import QUICK, save_rates

HERE = {"city": "Memphis", "state": "TN", "postal_code": "38118", "country": "US", "lines": ["Main Street 1"]}
THERE = {"city": "Berlin", "postal_code": "10115", "country": "DE", "lines": ["Main Street 1"]}


@dataclass(frozen=True, slots=True)
class Desk:
    """A checkout as the web process has it, and the sandbox behind it."""

    hand: ByHand
    sandbox: SandboxServer
    runtime: Runtime
    db: Database

    def requests(self) -> list[str]:
        return [str(row["vendor"]) for row in self.sandbox.ledger.view(vendor=None)["requests"]]


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(database, tmp_path) as found:
        yield found


@asynccontextmanager
async def opened(db: Database, folder: Path) -> AsyncIterator[Desk]:
    sandbox = SandboxServer(SandboxOptions(port=0))
    port = await sandbox.start()
    settings = understand({"QUAYSIDE_SANDBOX_PORT": str(port)}, {**QUICK}, var=folder)
    try:
        async with open_runtime(db, settings.integrations, "by-hand") as runtime:
            yield Desk(ByHand(desks_of(settings, db, runtime.gateway)), sandbox, runtime, db)
    finally:
        await sandbox.stop()


def basket(**more: Any) -> dict[str, Any]:
    return {
        "shipment": {
            "reference": "TRY-OUT",
            "origin": HERE,
            "destination": THERE,
            "parcels": [{"weight_kg": "1.2", "length_cm": "30", "width_cm": "20", "height_cm": "10"}],
        },
        "currency": "EUR",
        **more,
    }


def sale(**more: Any) -> dict[str, Any]:
    return {
        "reference": "TRY-OUT",
        "currency": "EUR",
        "origin": {"country": "DE"},
        "destination": {"country": "FR"},
        "lines": [{"quantity": "1", "amount": {"amount": "100.00", "currency": "EUR"}}],
        **more,
    }


async def test_a_quote_tells_who_was_asked_under_which_call_and_who_does_not_serve(desk: Desk) -> None:
    await save_rates(desk.db)
    desk.sandbox.faults.add([{"vendor": "fedex", "operation": None, "fault": "status:503", "rate": 1.0}])
    tried = await desk.hand.quote(basket(), "mira")
    assert tried.answer is not None
    asked = {one["vendor"]: one for one in tried.beside["asked"]}
    await desk.runtime.recorder.flush()
    calls = {call.id: call for call in await search(desk.db, correlation_id=tried.correlation_id, limit=50)}

    assert tried.reached
    assert {failure["vendor"] for failure in tried.answer["failures"]} >= {"fedex"}
    assert calls[asked["fedex"]["call_id"]].vendor == "fedex"
    assert {(call.trigger, call.user_name, call.priority) for call in calls.values()} == {
        ("user", "mira", "interactive")
    }
    assert all(0 < one["seconds"] <= tried.seconds for one in asked.values())
    assert tried.beside["not_asked"]["canada_post"] == "picks up nothing in US"
    assert set(asked) | set(tried.beside["not_asked"]) == set(tried.beside["set_up"])
    assert tried.beside["deadline"] == 4.0


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        (basket(currency="euro"), "currency", '"euro" is not an ISO 4217 currency such as USD.'),
        (basket(carriers=["pigeon"]), "carriers.0", '"pigeon" is no carrier that is set up'),
        (basket(shipment={"reference": "R"}), "shipment.origin", "Field required."),
    ],
)
async def test_what_we_can_refuse_reaches_nobody_and_names_its_field(
    desk: Desk, body: dict[str, Any], field: str, sentence: str
) -> None:
    tried = await desk.hand.quote(body, "mira")

    assert tried.answer is None
    assert tried.wrong[field].startswith(sentence)
    assert not tried.reached
    assert desk.requests() == []


async def test_a_tax_tells_net_gross_and_what_the_buyer_pays_in_his_currency(desk: Desk) -> None:
    await save_rates(desk.db)
    tried = await desk.hand.tax(sale(), "mira", "JPY")
    included = await desk.hand.tax(sale(tax_included=True), "mira", "")

    assert tried.beside["net"]["amount"] == "100.00"
    assert tried.beside["gross"]["amount"] == "120.00"
    assert tried.beside["converted"]["converted"] == {"amount": "20000", "currency": "JPY"}
    assert not tried.reached
    assert included.beside["net"]["amount"] == "83.33"
    assert "converted" not in included.beside
    assert desk.requests() == []


async def test_the_register_is_asked_and_its_word_has_its_evidence(desk: Desk) -> None:
    tried = await desk.hand.tax(sale(customer={"vat_number": "FR40300000122"}), "mira", "")
    assert tried.answer is not None
    check = tried.answer["vat_check"]

    assert (check["status"], bool(check["consultation"]), bool(check["checked_at"])) == ("valid", True, True)
    assert tried.reached
    assert desk.requests() == ["vies"]


async def test_a_tax_nobody_can_say_and_a_currency_that_is_none_are_refused_at_their_fields(desk: Desk) -> None:
    nowhere = await desk.hand.tax(
        sale(origin={"country": "US"}, destination={"country": "US"}, currency="EUR"), "mira", ""
    )
    strange = await desk.hand.tax(sale(), "mira", "EURO")

    assert nowhere.wrong == {"origin.postal_code": "Avalara needs a postal code, or a line, a city and a state."}
    assert strange.wrong == {"buyer": '"EURO" is not an ISO 4217 currency such as USD.'}
    assert desk.requests() == []


async def test_a_vendor_that_fails_is_a_sentence_and_its_trace(desk: Desk) -> None:
    desk.sandbox.faults.add([{"vendor": "avalara", "operation": None, "fault": "status:503", "rate": 1.0}])
    there = {"postal_code": "92614", "city": "Irvine", "state": "CA", "country": "US"}
    body = sale(origin=HERE, destination=there, currency="USD")
    body["lines"][0]["amount"]["currency"] = "USD"
    tried = await desk.hand.tax(body, "mira", "")

    assert (tried.answer, tried.reached, tried.wrong) == (None, True, {})
    assert tried.problem.startswith("Avalara")
    assert tried.error_type == "trouble_1718"  # as Avalara counts its troubles


async def test_a_conversion_says_its_rate_and_rounds_to_the_currency(desk: Desk) -> None:
    ask = {"amount": {"amount": "19.90", "currency": "EUR"}, "to": "KWD"}
    before = await desk.hand.convert(ask, "mira")
    await save_rates(desk.db)
    after = await desk.hand.convert(ask, "mira")
    unknown = await desk.hand.convert({**ask, "to": "XXX"}, "mira")
    wrong = await desk.hand.convert({"amount": {"amount": "1e3", "currency": "EUR"}, "to": "USD"}, "mira")
    assert after.answer is not None

    assert (before.error_type, before.problem[:35]) == ("rates_too_old", "There are no exchange rates yet; ru")
    assert after.answer["converted"] == {"amount": "6.633", "currency": "KWD"}
    assert after.beside == {"decimals": 3}
    assert unknown.wrong == {"to": "There is no exchange rate for XXX."}
    assert list(wrong.wrong) == ["amount.amount"]
