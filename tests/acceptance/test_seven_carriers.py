"""All seven carriers named for one parcel, while one times out, one answers garbage and one has an open circuit.

No shipment is priced by all seven: Canada Post and Australia Post take parcels at home alone and SMSA in its region. From
Canada five may serve, and the two that cannot are named without being asked.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from db.circuit_acts import set_by_hand
from db.engine import Database
from integrations.checkout.options import CheckoutOptions
from tests.acceptance.conftest import Harbour, OpenHarbour
from tests.acceptance.test_checkout import Shop, open_web
from tests.conftest import MovableClock
from tests.integrations.checkout.conftest import now, save_rates
from tests.integrations.checkout.test_quotes import CARRIERS, basket
from tests.monitoring.browser import with_token
from tests.waiting import until

HANGS, GARBLED, OPEN = "aramex", "dhl_express", "fedex"
WELL, ABROAD = ["canada_post", "ups"], ["australia_post", "smsa"]
DEADLINE = CheckoutOptions().quote_deadline


@pytest.fixture
async def shop(open_harbour: OpenHarbour, database: Database, clock: MovableClock) -> AsyncIterator[Shop]:
    toml = {"retry": {"base": 0.01, "cap": 0.02}, "vendors": {HANGS: {"attempt_timeout": 0.5}}}
    async with open_harbour(toml=toml) as harbour, open_web(harbour) as api:
        await save_rates(database)
        yield Shop(harbour, api, await with_token(api, database, clock, "quotes"))


async def quotes(shop: Shop, *carriers: str) -> dict[str, Any]:
    body = {"shipment": basket("CA", "GB"), "currency": "EUR", "carriers": carriers}
    answered = await shop.token.post("/api/v1/shipping/quotes", json=body)
    assert answered.status_code == 200, answered.text
    found: dict[str, Any] = answered.json()
    return found


def vendors(found: dict[str, Any], *, stale: bool) -> list[str]:
    return sorted({quote["vendor"] for quote in found["quotes"] if quote["stale"] is stale})


async def make_trouble(shop: Shop) -> None:
    """Let one carrier answer too late and another with garbage, and hold the circuit of a third open."""
    await shop.harbour.runtime.gateway.close()  # what was quoted is kept by now
    trouble = {HANGS: f"slow:{2 * DEADLINE:g}", GARBLED: "garbage"}
    faults = [{"vendor": vendor, "operation": "quote_rates", "fault": fault} for vendor, fault in trouble.items()]
    shop.harbour.sandbox.faults.add(faults)
    await set_by_hand(shop.harbour.db, OPEN, OPEN, "forced_open", reason="test", by="ada", expires_at=None, now=now())

    async def heard() -> bool:
        return errors(await quotes(shop, OPEN)) == {OPEN: "circuit_open"}

    await until(heard)


def errors(found: dict[str, Any]) -> dict[str, str]:
    return {failure["vendor"]: failure["error_type"] for failure in found["failures"]}


def stood_in(found: dict[str, Any]) -> list[str]:
    return [failure["vendor"] for failure in found["failures"] if failure["stood_in"]]


def sent(harbour: Harbour) -> dict[str, int]:
    return {vendor: len(harbour.requests(vendor)) for vendor in CARRIERS}


async def timed(shop: Shop, *carriers: str) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    found = await quotes(shop, *carriers)
    return found, time.monotonic() - began


async def test_of_seven_carriers_those_that_can_are_ranked_and_those_that_cannot_are_named(shop: Shop) -> None:
    first = await quotes(shop, OPEN, *WELL)  # nothing is kept of the two that are to fail
    await make_trouble(shop)
    before = sent(shop.harbour)
    found, took = await timed(shop, *CARRIERS)
    after = sent(shop.harbour)

    assert len(CARRIERS) == 7
    assert vendors(first, stale=False) == sorted([OPEN, *WELL])
    assert took < DEADLINE
    assert vendors(found, stale=False) == WELL
    assert vendors(found, stale=True) == [OPEN]
    assert all(quote["age"] > 0 for quote in found["quotes"] if quote["stale"])
    prices = [Decimal(quote["price"]["amount"]) for quote in found["quotes"]]
    assert prices == sorted(prices)
    failed = {HANGS: "timeout", GARBLED: "schema_drift", OPEN: "circuit_open"}
    assert errors(found) == {**failed, **dict.fromkeys(ABROAD, "unsupported")}
    assert stood_in(found) == [OPEN]
    sentences = {failure["vendor"]: failure["message"] for failure in found["failures"]}
    assert sentences[HANGS] == "Aramex did not answer in time."
    assert sentences["smsa"] == "SMSA Express picks up nothing in CA."
    assert "held open by ada: test" in sentences[OPEN]
    assert all(sentence.endswith(".") for sentence in sentences.values())
    assert {vendor for vendor in CARRIERS if after[vendor] > before[vendor]} == {HANGS, GARBLED, *WELL}


async def test_what_a_failed_carrier_last_answered_stands_in_beside_its_failure(shop: Shop) -> None:
    first = await quotes(shop)
    await make_trouble(shop)
    found, took = await timed(shop)

    assert took < DEADLINE
    assert vendors(first, stale=False) == sorted([HANGS, GARBLED, OPEN, *WELL])
    assert vendors(found, stale=False) == WELL
    assert vendors(found, stale=True) == stood_in(found) == sorted([HANGS, GARBLED, OPEN])
    assert errors(found) == {HANGS: "timeout", GARBLED: "schema_drift", OPEN: "circuit_open"}


async def test_an_open_circuit_costs_no_time_and_no_request(shop: Shop) -> None:
    await quotes(shop, OPEN)
    await make_trouble(shop)
    before = sent(shop.harbour)
    found, took = await timed(shop, OPEN)

    assert vendors(found, stale=True) == stood_in(found) == [OPEN]
    assert took < 1.0
    assert sent(shop.harbour) == before
