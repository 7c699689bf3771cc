"""Orders placed over HTTP and worked off by the scheduler's duty, against the sandbox; the ledger is the witness."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from db import dead_letters, orders, placements
from db.calls import search
from db.engine import Database
from integrations.checkout.new_order import NewOrder
from integrations.checkout.options import CheckoutOptions
from integrations.checkout.payments import PaymentDesk
from integrations.checkout.placing import FINAL, LONGEST_WAIT, PlacingDesk
from integrations.checkout.placing_steps import Steps
from integrations.checkout.tax import TaxDesk
from integrations.commands import ready_for
from integrations.errors import QuaysideError
from tests.acceptance.conftest import Harbour, OpenHarbour
from tests.acceptance.test_checkout import Shop, open_web
from tests.conftest import MovableClock
from tests.integrations.checkout.conftest import save_rates
from tests.monitoring.browser import client, with_token

DISPATCH = {
    "name": "Dispatch",
    "company": "Quayside Outfitters",
    "lines": ["3600 Lamar Avenue"],
    "city": "Memphis",
    "state": "TN",
    "postal_code": "38118",
    "country": "US",
    "phone": "+19015550100",
    "email": "dispatch@quayside.example",
}
HOME = {
    "name": "Ada Example",
    "lines": ["600 Congress Ave"],
    "city": "Austin",
    "state": "TX",
    "postal_code": "78701",
    "country": "US",
}
BERLIN = {
    "name": "Erika Mustermann",
    "lines": ["Musterweg 5"],
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}
ORDER: dict[str, Any] = {
    "reference": "S-1",
    "currency": "USD",
    "lines": [
        {"sku": "BAG", "quantity": 2, "unit_price": "19.95", "description": "Canvas bag", "weight_kg": "0.6"},
        {"sku": "MUG", "quantity": 1, "unit_price": "7.33", "weight_kg": "0.4"},
    ],
    "ship_to": HOME,
    "origin": DISPATCH,
    "payment": {"payment_method": "pm_card_visa"},
    "shipping": {"vendor": "fedex", "service_code": "FEDEX_GROUND", "price": {"amount": "9.05", "currency": "USD"}},
    "customer": {"email": "ada@example.com", "phone": "+15125550100"},
}
PATH = "/api/v1/checkout/orders"
VENDORS = ("avalara", "fedex", "sendgrid", "signifyd", "stripe", "twilio")
WIDE = [{"name": "wide", "limit": 10_000, "seconds": 1.0}]
STORMY = {
    "retry": {"base": 0.005, "cap": 0.01, "budget_least": 10_000},
    "vendors": {
        "breaker": {"consecutive_failures": 10_000, "minimum_number_of_calls": 100_000},
        **{vendor: {"quotas": WIDE, "attempt_timeout": 1.0} for vendor in VENDORS},
    },
}


@pytest.fixture
async def shop(open_harbour: OpenHarbour, database: Database, clock: MovableClock) -> AsyncIterator[Shop]:
    async with open_harbour(toml={"retry": {"base": 0.01, "cap": 0.02}}) as harbour, open_web(harbour) as api:
        await save_rates(database)
        yield Shop(harbour, api, await with_token(api, database, clock, "payments"))


async def place(shop: Shop, key: str = "k-1", **more: Any) -> httpx.Response:
    return await shop.token.post(PATH, json={**ORDER, **more}, headers={"Idempotency-Key": key})


def desk_on(harbour: Harbour, ahead: list[float]) -> PlacingDesk:
    """Return the desk of a process whose clock is ``ahead`` seconds fast, so that no test waits for a backoff."""
    db, gateway, options = harbour.db, harbour.runtime.gateway, CheckoutOptions()

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead[0])

    def ready(*operations: str) -> list[str]:
        return [name for operation in operations for name in ready_for(operation, harbour.runtime.options)]

    tax = TaxDesk(db, gateway, options, ready=ready("quote_tax", "check_vat_number"), now=now)
    payments = PaymentDesk(db, gateway, options, processors=ready("create_payment"), now=now)
    others = ready("screen_order", "send_email", "send_sms", "track_event")
    steps = Steps(db, gateway, tax=tax, payments=payments, ready=others, now=now)
    return PlacingDesk(db, steps, carriers=ready("create_shipment"), now=now)


async def settle(desk: PlacingDesk, db: Database, ahead: list[float]) -> None:
    """Let the duty work until nothing is due within a week."""
    for _ in range(40):
        while await desk.work_off():
            pass
        soon = datetime.now(UTC) + timedelta(seconds=ahead[0], days=7)
        if not await placements.due(db, now=soon, limit=1):
            return
        ahead[0] += LONGEST_WAIT + 200
    raise AssertionError("it never ends")


async def test_an_order_is_placed_at_once_and_complete_soon_under_one_correlation_id(shop: Shop) -> None:
    answered = await shop.token.post(
        PATH, json=ORDER, headers={"Idempotency-Key": "k-1", "X-Correlation-Id": "basket-77"}
    )
    at_once = {request["vendor"] for request in shop.harbour.requests()}
    await settle(desk_on(shop.harbour, ahead := [0.0]), shop.harbour.db, ahead)
    complete = await shop.token.get(f"{PATH}/S-1")
    await shop.harbour.runtime.recorder.flush()
    calls = await search(shop.harbour.db, correlation_id="basket-77")

    body = answered.json()
    assert answered.status_code == 201, body
    assert (body["status"], body["screening"], body["correlation_id"]) == ("placed", "accept", "basket-77")
    assert (body["payment"]["status"], body["payment"]["amount"]) == ("captured", body["total"])
    assert body["tax"]["source"] == "avalara"
    assert at_once == {"signifyd", "avalara", "stripe"}
    assert complete.json()["status"] == "complete"
    assert {call.operation for call in calls} >= {
        *("screen_order", "quote_tax", "create_payment", "commit_tax", "create_shipment", "send_email", "send_sms"),
        "track_event",
    }
    assert {call.priority for call in calls if call.operation in ("screen_order", "quote_tax")} == {"interactive"}
    assert {call.priority for call in calls if call.operation in ("create_shipment", "send_email")} == {"batch"}


async def test_the_same_key_answers_the_same_and_another_order_under_it_is_a_conflict(shop: Shop) -> None:
    first, second = await place(shop), await place(shop)
    reused = await place(shop, reference="S-2")
    known = await place(shop, key="k-2")

    assert (first.json(), first.status_code) == (second.json(), 201)
    assert (reused.status_code, reused.json()["type"]) == (409, "urn:quayside:problem:key_reused")
    assert (known.status_code, known.json()["type"]) == (409, "urn:quayside:problem:order_known")
    assert len([effect for effect in shop.harbour.effects("stripe") if effect["kind"] == "payment"]) == 1


async def test_a_decline_is_an_answer_and_another_card_may_pay(shop: Shop) -> None:
    declined = await place(shop, payment={"payment_method": "pm_card_visa_chargeDeclined"})
    paid = await place(shop, key="k-2")

    assert (declined.status_code, declined.json()["status"]) == (201, "declined")
    assert declined.json()["payment"]["decline_code"]
    assert (paid.json()["status"], paid.json()["payment"]["reference"]) == ("placed", "S-1-2")


async def test_an_order_is_cancelled_and_everything_taken_back(shop: Shop) -> None:
    await place(shop)
    desk, ahead = desk_on(shop.harbour, at := [0.0]), at
    await settle(desk, shop.harbour.db, ahead)
    turning = await shop.token.post(f"{PATH}/S-1/cancel", json={"reason": "Too late"})
    await settle(desk, shop.harbour.db, ahead)
    gone = await shop.token.get(f"{PATH}/S-1")

    assert (turning.status_code, turning.json()["status"], gone.json()["status"]) == (202, "cancelling", "failed")
    kinds = {(effect["vendor"], effect["kind"]) for effect in shop.harbour.effects()}
    assert kinds >= {("fedex", "cancel"), ("avalara", "void"), ("stripe", "refund")}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reference": "a/b"}, "body.reference"),
        ({"x": 1}, "body.x"),
        ({"lines": []}, "body.lines"),
        ({"customer": {"phone": "123"}}, "body.customer.phone"),
        ({"shipping": {**ORDER["shipping"], "vendor": "x"}}, "shipping.vendor"),
        ({"shipping": {**ORDER["shipping"], "price": {"amount": "1", "currency": "EUR"}}}, "shipping.price.currency"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1.999", "weight_kg": "1"}]}, "lines.0.unit_price"),
    ],
)
async def test_bad_input_is_named_and_nothing_reaches_a_vendor(shop: Shop, change: dict[str, Any], field: str) -> None:
    answered = await place(shop, **change)

    found = answered.json()
    assert (answered.status_code, [error["field"] for error in found["errors"]]) == (422, [field])
    assert shop.harbour.requests() == []


async def test_what_only_a_later_step_can_refuse_is_named_in_the_orders_own_words(shop: Shop) -> None:
    state = await place(shop, ship_to={**HOME, "state": "", "postal_code": ""}, shipping=None)
    processor = await place(shop, key="k-2", reference="S-2", payment={"payment_method": "x", "processor": "x"})

    assert (processor.status_code, processor.json()["errors"][0]["field"]) == (422, "payment.processor")
    assert (state.status_code, state.json()["errors"][0]["field"].split(".")[0]) == (422, "ship_to")
    assert shop.harbour.effects("stripe") == []


async def test_an_unknown_order_is_404_the_wrong_scope_403_and_nobody_401(
    shop: Shop, database: Database, clock: MovableClock
) -> None:
    reader = await with_token(shop.api, database, clock, "read")
    headers = {"Idempotency-Key": "k"}
    statuses = [
        (await caller.post(PATH, json=ORDER, headers=headers)).status_code for caller in (reader, client(shop.api))
    ]
    unknown = await shop.token.get(f"{PATH}/S-9")
    cancelled = await shop.token.post(f"{PATH}/S-9/cancel", json={})
    keyless = await shop.token.post(PATH, json=ORDER)

    assert statuses == [403, 401]
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:quayside:problem:unknown_order")
    assert (cancelled.status_code, keyless.status_code) == (404, 422)


async def test_orders_in_a_storm_end_complete_or_taken_back_and_the_ledger_agrees_to_the_cent(
    open_harbour: OpenHarbour, database: Database
) -> None:
    """Eighteen orders through lost answers, resets and refusals; a shop that asks again now and then; one is cancelled."""
    draw = random.Random(11)
    async with open_harbour(toml=STORMY) as harbour:
        await save_rates(database)
        ahead = [0.0]
        desk = desk_on(harbour, ahead)
        faults = [
            {"vendor": vendor, "fault": fault, "rate": rate, "seed": index}
            for index, vendor in enumerate(VENDORS)
            if vendor != "sendgrid"  # a lost mail is settled by its events, which nobody delivers here
            for fault, rate in (("lost_answer", 0.12), ("reset", 0.08), ("status:503", 0.1))
        ]
        harbour.sandbox.faults.add(faults)

        async def buy(number: int) -> None:
            eur = number % 3 == 0
            body = {**ORDER, "reference": f"S-{number}", "currency": "EUR" if eur else "USD"}
            body |= {"ship_to": BERLIN} if eur else {}
            body["shipping"] = {**ORDER["shipping"], "price": {"amount": "9.05", "currency": body["currency"]}}
            body["shipping"] |= {"service_code": "FEDEX_INTERNATIONAL_PRIORITY"} if eur else {}
            if number % 7 == 0:
                body["payment"] = {"payment_method": "pm_card_visa_chargeDeclined"}
            order = NewOrder.model_validate(body)
            for _ in range(draw.randint(1, 4)):
                try:
                    await desk.place(order, key=f"k-{number}", correlation_id=f"c-{number}", asked_by="shop")
                except QuaysideError:
                    continue

        await asyncio.gather(*(buy(number) for number in range(18)))
        await desk.work_off()
        harbour.sandbox.faults.clear()
        harbour.sandbox.faults.add([{**fault, "rate": fault["rate"] / 2} for fault in faults])  # type: ignore[operator]
        await settle(desk, database, ahead)
        for letter in await dead_letters.unresolved(database):  # a person retries what stayed unknown
            harbour.sandbox.faults.clear()
            await dead_letters.retry(database, letter.id, by="ada", now=datetime.now(UTC))
        for number in (1, 2):
            if (await desk.get(f"S-{number}")).state == "complete":
                await desk.cancel(f"S-{number}", reason="")
        await settle(desk, database, ahead)

        taken: dict[str, Decimal] = defaultdict(Decimal)
        charged: dict[str, int] = defaultdict(int)
        for effect in harbour.effects("stripe"):
            amount = Decimal(str(effect["amount"]).split()[0])
            reference = effect["reference"].removesuffix("-back")
            charged[reference] += effect["kind"] == "payment"
            # What was authorized first is in the ledger as a payment, and its capture once more.
            taken[reference] += {"payment": amount, "capture": Decimal(0)}.get(effect["kind"], -amount)
        ended: dict[str, str] = {}
        kept: dict[str, Decimal] = {}
        for number in range(18):
            found = await placements.get(database, f"S-{number}")
            if found is None:
                continue
            order = await orders.get(database, f"S-{number}")
            ended[f"S-{number}"] = found.state
            if order is not None and order.fulfilment_status != "cancelled":
                kept[f"S-{number}"] = order.total

    assert set(ended.values()) <= set(FINAL), ended
    assert max(charged.values()) == 1
    assert {name: amount for name, amount in taken.items() if amount} == kept
    assert list(ended.values()).count("complete") > 8
    assert {"declined", "failed"} & set(ended.values())
