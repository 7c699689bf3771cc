from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jsonschema
import pytest
import razorpay
import requests
import yaml

from integrations.sandbox.razorpay import methods, samples
from tests.contracts import contract
from tests.integrations.sandbox.conftest import START, Sandbox, Start

KEY, SECRET = "rzp_test_quayside", "s3cret"
ORDER: dict[str, Any] = {"amount": 50_000, "currency": "INR", "receipt": "A-1"}
LINK: dict[str, Any] = {
    "amount": 50_000,
    "currency": "INR",
    "reference_id": "A-1",
    "description": "Order A-1",
    "customer": {"name": "Asha", "email": "asha@example.com", "contact": "+919000090000"},
    "callback_url": "https://shop.example/back",
    "callback_method": "get",
}
MINUTE, DAY = 60, 86_400

Call = Callable[..., Awaitable[tuple[int, Any]]]


def basic(key: str, secret: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(key, secret)}


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("razorpay")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request; the answer is status and JSON."""

    async def send(
        method: str, path: str, body: Any = None, key: str = KEY, secret: str = SECRET, **headers: str
    ) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= basic(key, secret) if key else {}
        url = f"{sandbox.url}/razorpay/v1/{path}"
        async with sandbox.client.request(method, url, json=body, headers=named) as answer:
            return answer.status, await answer.json()

    return send


async def setting(sandbox: Sandbox, **values: Any) -> None:
    await sandbox.control("PUT", "settings", {"razorpay": values})


async def check_out(sandbox: Sandbox, order: Any, **wishes: Any) -> Any:
    """Play the customer in the checkout over an order."""
    return await sandbox.control("POST", "razorpay/checkout", {"order_id": order["id"], **wishes})


async def authorized(sandbox: Sandbox, call: Call, **order: Any) -> Any:
    """Return a payment the customer made and nobody has captured."""
    status, made = await call("POST", "orders", {**ORDER, **order})

    assert status == 200, made
    proof = await check_out(sandbox, made)
    return (await call("GET", f"payments/{proof['razorpay_payment_id']}"))[1]


async def captured(sandbox: Sandbox, call: Call, **order: Any) -> Any:
    payment = await authorized(sandbox, call, **order)
    body = {"amount": payment["amount"], "currency": payment["currency"]}
    status, taken = await call("POST", f"payments/{payment['id']}/capture", body)

    assert status == 200, taken
    return taken


def hmac_of(*parts: str) -> str:
    return hmac.new(SECRET.encode(), "|".join(parts).encode(), hashlib.sha256).hexdigest()


# --- the contract ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=3)
def document(name: str) -> Any:
    """One file of the third party's contract, corrected where the vendor's own samples differ.

    Empty notes are [], and what is not there yet is null.
    """
    loaded = yaml.safe_load(contract(f"razorpay/thirdparty-{name}-openapi.yml").read_bytes())
    corrected = copy.deepcopy(loaded)
    for schema in corrected["components"]["schemas"].values():
        for field, described in schema.get("properties", {}).items():
            if field == "notes":
                schema["properties"][field] = {"anyOf": [described, {"const": []}]}
            elif isinstance(described.get("type"), str):
                described["type"] = [described["type"], "null"]
    return corrected


def check(name: str, schema: str, value: Any, *absent: str) -> None:
    """Raise AssertionError unless the value is a good one with every member the contract names."""
    whole = document(name)
    found = jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": whole["components"]}
    ).iter_errors(value)

    assert [error.message for error in found] == []
    assert set(whole["components"]["schemas"][schema]["properties"]) - set(value) == set(absent)


async def test_every_answer_is_as_the_contract_has_it(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call, notes={"channel": "web"})
    refund = (await call("POST", f"payments/{payment['id']}/refund", {"amount": 1_000, "speed": "normal"}))[1]
    order_id = payment["order_id"]

    check("orders", "Order", (await call("GET", f"orders/{order_id}"))[1])
    check("orders", "OrderList", (await call("GET", "orders"))[1])
    check("orders", "PaymentList", (await call("GET", f"orders/{order_id}/payments"))[1])
    check("payments", "Payment", (await call("GET", f"payments/{payment['id']}"))[1])
    check("payments", "PaymentList", (await call("GET", "payments"))[1])
    check("payments", "RefundList", (await call("GET", f"payments/{payment['id']}/refunds"))[1])
    check("refunds", "Refund", refund)
    check("refunds", "Refund", (await call("GET", f"refunds/{refund['id']}"))[1])
    check("refunds", "RefundList", (await call("GET", "refunds"))[1])
    check("orders", "Order", (await call("PATCH", f"orders/{order_id}", {"notes": {"a": "b"}}))[1])
    check("payments", "Payment", (await call("PATCH", f"payments/{payment['id']}", {"notes": {"a": "b"}}))[1])
    check("refunds", "Refund", (await call("PATCH", f"refunds/{refund['id']}", {"notes": {"a": "b"}}))[1])


async def test_a_card_is_shown_as_the_contract_has_it(sandbox: Sandbox, call: Call) -> None:
    made = (await call("POST", "orders", ORDER))[1]
    proof = await check_out(sandbox, made, pay_with="4100280000001007")
    status, card = await call("GET", f"payments/{proof['razorpay_payment_id']}/card")
    answer = document("payments")["paths"]["/payments/{id}/card"]["get"]["responses"]["200"]
    jsonschema.validate(card, answer["content"]["application/json"]["schema"] | {"properties": {}})

    assert (status, card["last4"], card["network"], card["id"].startswith("card_")) == (200, "1007", "Visa", True)


# --- the official SDK -----------------------------------------------------------------------------------------------


@pytest.fixture
def sdk(sandbox: Sandbox) -> Iterator[razorpay.Client]:
    with requests.Session() as session:
        yield razorpay.Client(session=session, auth=(KEY, SECRET), base_url=f"{sandbox.url}/razorpay")


async def test_sdk_orders_captures_refunds_and_lists(sandbox: Sandbox, sdk: razorpay.Client) -> None:
    order = await asyncio.to_thread(sdk.order.create, dict(ORDER))
    proof = await check_out(sandbox, order)
    found = await asyncio.to_thread(sdk.order.payments, order["id"])
    payment_id = found["items"][0]["id"]
    taken = await asyncio.to_thread(sdk.payment.capture, payment_id, 50_000, {"currency": "INR"})
    refund = await asyncio.to_thread(sdk.payment.refund, payment_id, {"amount": 20_000, "speed": "normal"})
    rest = await asyncio.to_thread(sdk.refund.create, {"payment_id": payment_id})

    assert sdk.utility.verify_payment_signature(proof)
    assert taken["status"] == "captured"
    assert (refund["amount"], rest["amount"]) == (20_000, 30_000)
    assert (await asyncio.to_thread(sdk.payment.fetch, payment_id, {}))["status"] == "refunded"
    assert (await asyncio.to_thread(sdk.order.fetch, order["id"], {}))["status"] == "paid"
    assert (await asyncio.to_thread(sdk.refund.fetch, refund["id"], {})) == refund
    assert (await asyncio.to_thread(sdk.payment.fetch_refund_id, payment_id, refund["id"])) == refund
    assert (await asyncio.to_thread(sdk.payment.fetch_multiple_refund, payment_id, {}))["count"] == 2
    assert (await asyncio.to_thread(sdk.order.all, {"receipt": "A-1"}))["count"] == 1
    assert (await asyncio.to_thread(sdk.payment.all, {"count": 3}))["count"] == 3
    edited = await asyncio.to_thread(sdk.payment.edit, payment_id, {"notes": {"a": "b"}})
    assert edited["notes"] == {"a": "b"}


async def test_sdk_reads_settlements_and_the_report(sandbox: Sandbox, sdk: razorpay.Client) -> None:
    settled = await asyncio.to_thread(sdk.settlement.all, {"count": 100})
    first = settled["items"][-1]
    report = await asyncio.to_thread(sdk.settlement.report, {"year": 2026, "month": 9, "count": 1000})
    rows = [row for row in report["items"] if row["settlement_id"] == first["id"]]

    assert await asyncio.to_thread(sdk.settlement.fetch, first["id"], {}) == first
    assert sum(row["credit"] - row["debit"] for row in rows) == first["amount"]
    assert {row["type"] for row in report["items"]} == {"payment", "refund"}


async def test_sdk_makes_changes_and_cancels_links(sandbox: Sandbox, sdk: razorpay.Client) -> None:
    made = await asyncio.to_thread(sdk.payment_link.create, dict(LINK))
    edited = await asyncio.to_thread(sdk.payment_link.edit, made["id"], {"notes": {"a": "b"}})
    cancelled = await asyncio.to_thread(sdk.payment_link.cancel, made["id"])

    assert (made["status"], made["notes"], edited["notes"]) == ("created", None, {"a": "b"})
    assert (cancelled["status"], cancelled["cancelled_at"]) == ("cancelled", START)
    assert await asyncio.to_thread(sdk.payment_link.fetch, made["id"], {}) == cancelled
    assert await asyncio.to_thread(sdk.payment_link.all, {"reference_id": "A-1"}) == {"payment_links": [cancelled]}


async def test_sdk_names_bad_requests_gateways_and_servers(sandbox: Sandbox, sdk: razorpay.Client) -> None:
    with pytest.raises(razorpay.errors.BadRequestError, match="The amount field is required"):
        await asyncio.to_thread(sdk.order.create, {"currency": "INR"})
    await sandbox.fault("razorpay", "status:502")
    with pytest.raises(razorpay.errors.GatewayError):
        await asyncio.to_thread(sdk.order.create, dict(ORDER))
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("razorpay", "status:503")
    with pytest.raises(razorpay.errors.ServerError):
        await asyncio.to_thread(sdk.order.create, dict(ORDER))


# --- keys and errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "secret", "sentence"),
    [
        ("", "", "Please provide your api key for authentication purposes."),
        ("rzp_live_quayside", SECRET, "The api key provided is invalid"),
        ("rzp_test_invalid", SECRET, "The api key provided is invalid"),
        (KEY, "invalid", "The api key provided is invalid"),
        (KEY, "", "The api key provided is invalid"),
    ],
)
async def test_a_bad_key_is_a_401_of_the_same_class_as_bad_input(
    call: Call, key: str, secret: str, sentence: str
) -> None:
    status, answer = await call("GET", "payments", key=key, secret=secret)

    error = {"code": "BAD_REQUEST_ERROR", "description": sentence, "metadata": {}}
    assert (status, answer) == (401, {"error": {**error, "source": "NA", "step": "NA", "reason": "NA"}})


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({"currency": "INR"}, "amount", "The amount field is required."),
        ({"amount": 50_000}, "currency", "The currency field is required."),
        ({**ORDER, "amount": 99}, "amount", "The amount must be at least INR 1.00"),
        ({**ORDER, "amount": 500.5}, "amount", "The amount must be an integer."),
        ({**ORDER, "amount": True}, "amount", "The amount must be an integer."),
        ({**ORDER, "currency": "XXX"}, "currency", "Currency is not supported"),
        ({**ORDER, "currency": "inr"}, "currency", "Currency is not supported"),
        ({**ORDER, "receipt": "x" * 41}, "receipt", "The receipt may not be greater than 40 characters."),
        ({**ORDER, "receipt": 7}, "receipt", "The receipt must be a string."),
        ({**ORDER, "notes": "x"}, "notes", "The notes must be an array."),
        ({"amount": 10_001, "currency": "KWD"}, "amount", "The last digit of the amount must be 0 for KWD."),
        ({**ORDER, "payment": {"capture": "later"}}, "capture", "The selected capture is invalid."),
    ],
)
async def test_bad_input_is_refused_with_its_field(call: Call, body: Any, field: str, sentence: str) -> None:
    status, answer = await call("POST", "orders", body)

    assert status == 400
    assert answer["error"] == {
        "code": "BAD_REQUEST_ERROR",
        "description": sentence,
        "source": "business",
        "step": "payment_initiation",
        "reason": "input_validation_failed",
        "metadata": {},
        "field": field,
    }


async def test_what_is_not_known_is_refused_by_name(call: Call) -> None:
    status, answer = await call("POST", "orders", {**ORDER, "capture": True, "colour": "red"})

    assert (status, answer["error"]["reason"]) == (400, "extra_field_sent")
    assert answer["error"]["description"] == "capture, colour is/are not required and should not be sent"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("payments/pay_00000000000000", "The id provided does not exist"),
        ("payments/pay_1", "1 is not a valid id"),
        ("orders/pay_00000000000000", "pay_00000000000000 is not a valid id"),
        ("nonsense", "The requested URL was not found on the server."),
    ],
)
async def test_what_is_not_there_is_a_400(call: Call, path: str, sentence: str) -> None:
    status, answer = await call("GET", path)

    assert (status, answer["error"]["code"], answer["error"]["description"]) == (400, "BAD_REQUEST_ERROR", sentence)


async def test_an_amount_as_digits_is_taken(call: Call) -> None:
    status, order = await call("POST", "orders", {**ORDER, "amount": "50000"})

    assert (status, order["amount"]) == (200, 50_000)


async def test_empty_notes_are_a_list_and_filled_ones_an_object(call: Call) -> None:
    bare = (await call("POST", "orders", ORDER))[1]
    noted = (await call("POST", "orders", {**ORDER, "notes": {"n": 7}}))[1]

    assert (bare["notes"], noted["notes"]) == ([], {"n": "7"})


async def test_one_request_too_many_is_a_429_without_any_header(start: Start) -> None:
    sandbox = await start("razorpay", settings={"razorpay": {"quotas": [["requests", 1, 60]]}})
    key, other = basic(KEY, SECRET), basic("rzp_test_other", SECRET)
    url = f"{sandbox.url}/razorpay/v1/payments"
    async with sandbox.client.get(url, headers=key) as first, sandbox.client.get(url, headers=key) as second:
        refused, said = second, await second.json()
        taken = first.status
    async with sandbox.client.get(url, headers=other) as apart:
        other_status = apart.status

    assert (taken, refused.status, other_status) == (200, 429, 200)
    assert said["error"]["description"] == "Too many requests"
    assert [name for name in refused.headers if "retry" in name.lower() or "limit" in name.lower()] == []


async def test_a_broken_schema_loses_what_a_reader_needs(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("razorpay", "schema")
    _, order = await call("POST", "orders", ORDER)
    _, found = await call("GET", "payments")

    assert ("status" in order, order["amount"], "items" in found) == (False, "500.00", False)


# --- orders ---------------------------------------------------------------------------------------------------------


async def test_an_order_posted_twice_is_two_orders_that_one_receipt_finds(sandbox: Sandbox, call: Call) -> None:
    first = (await call("POST", "orders", ORDER))[1]
    second = (await call("POST", "orders", ORDER))[1]
    _, found = await call("GET", "orders?receipt=A-1")

    assert [order["id"] for order in found["items"]] == [second["id"], first["id"]]
    effects = [(one["kind"], one["reference"], one["amount"]) for one in await sandbox.effects("razorpay")]
    assert effects == [("order", "A-1", "500.00 INR")] * 2


async def test_a_unique_receipt_returns_the_first_order_and_makes_nothing(sandbox: Sandbox, call: Call) -> None:
    body = {**ORDER, "unique_receipt": True}
    first = (await call("POST", "orders", body))[1]

    assert (await call("POST", "orders", body))[1] == first
    assert len(await sandbox.effects("razorpay")) == 1


async def test_an_order_keeps_the_payments_that_failed_beside_the_one_that_paid(sandbox: Sandbox, call: Call) -> None:
    order = (await call("POST", "orders", ORDER))[1]
    failure = await check_out(sandbox, order, pay_with="4100280000080001", outcome="failure")
    attempted = (await call("GET", f"orders/{order['id']}"))[1]
    proof = await check_out(sandbox, order)
    again = await check_out(sandbox, order)
    _, tried = await call("GET", f"orders/{order['id']}/payments")

    assert (attempted["status"], attempted["attempts"]) == ("attempted", 1)
    assert failure["error"]["reason"] == "insufficient_fund"
    assert [one["status"] for one in tried["items"]] == ["authorized", "failed"]
    assert tried["items"][0]["id"] == proof["razorpay_payment_id"]
    assert "already paid" in again["error"]["description"]


async def test_the_browser_brings_back_a_signature_of_order_and_payment(sandbox: Sandbox, call: Call) -> None:
    order = (await call("POST", "orders", ORDER))[1]
    proof = await check_out(sandbox, order)

    assert proof["razorpay_signature"] == hmac_of(order["id"], proof["razorpay_payment_id"])


async def test_orders_can_be_read_with_their_payments_and_by_whether_they_are_taken(
    sandbox: Sandbox, call: Call
) -> None:
    payment = await authorized(sandbox, call)
    await call("POST", "orders", {**ORDER, "receipt": "A-2"})
    _, order = await call("GET", f"orders/{payment['order_id']}?expand[]=payments")
    since = int(START)
    _, taken = await call("GET", f"orders?authorized=1&from={since}")
    _, waiting = await call("GET", f"orders?authorized=0&from={since}")

    assert order["payments"]["items"] == [payment]
    assert [one["receipt"] for one in taken["items"]] == ["A-1"]
    assert [one["receipt"] for one in waiting["items"]] == ["A-2"]


async def test_foreign_and_odd_currencies_keep_their_minor_units(sandbox: Sandbox, call: Call) -> None:
    yen = await captured(sandbox, call, amount=500, currency="JPY", receipt="A-JPY")
    await captured(sandbox, call, amount=10_500, currency="KWD", receipt="A-KWD")
    amounts = [one["amount"] for one in await sandbox.effects("razorpay") if one["kind"] == "capture"]

    assert amounts == ["500 JPY", "10.500 KWD"]
    assert (yen["base_currency"], yen["base_amount"] > 500, yen["fee"] < yen["base_amount"] // 20) == (
        "INR",
        True,
        True,
    )


# --- payments -------------------------------------------------------------------------------------------------------


async def test_a_capture_takes_the_money_and_tells_the_fee(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    _, order = await call("GET", f"orders/{payment['order_id']}")
    effects = [(one["kind"], one["reference"], one["id"], one["amount"]) for one in await sandbox.effects("razorpay")]

    assert (payment["status"], payment["captured"], payment["fee"], payment["tax"]) == ("captured", True, 1180, 180)
    assert (order["status"], order["amount_paid"], order["amount_due"]) == ("paid", 50_000, 0)
    assert effects == [
        ("order", "A-1", order["id"], "500.00 INR"),
        ("payment", "A-1", payment["id"], "500.00 INR"),
        ("capture", "A-1", payment["id"], "500.00 INR"),
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"amount": 40_000, "currency": "INR"}, "Capture amount must be equal to the amount authorized"),
        ({"amount": 50_000, "currency": "USD"}, "Capture currency must be equal to the currency authorized"),
        ({"currency": "INR"}, "The amount field is required."),
        ({"amount": 50_000}, "The currency field is required."),
    ],
)
async def test_a_capture_must_name_what_was_authorized(sandbox: Sandbox, call: Call, body: Any, sentence: str) -> None:
    payment = await authorized(sandbox, call)
    status, answer = await call("POST", f"payments/{payment['id']}/capture", body)

    assert (status, answer["error"]["description"]) == (400, sentence)
    assert (await call("GET", f"payments/{payment['id']}"))[1] == payment


async def test_a_second_capture_is_a_400_and_captures_nothing(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    body = {"amount": 50_000, "currency": "INR"}
    status, answer = await call("POST", f"payments/{payment['id']}/capture", body)

    assert (status, answer["error"]["description"]) == (400, "This payment has already been captured")
    assert [one["kind"] for one in await sandbox.effects("razorpay")].count("capture") == 1


@pytest.mark.parametrize(("when", "state"), [("before", "authorized"), ("after", "captured")])
async def test_a_gateway_error_on_capture_can_hide_success(sandbox: Sandbox, call: Call, when: str, state: str) -> None:
    payment = await authorized(sandbox, call)
    await setting(sandbox, fail_next_capture=when)
    body = {"amount": 50_000, "currency": "INR"}
    status, answer = await call("POST", f"payments/{payment['id']}/capture", body)

    assert (status, answer["error"]["code"]) == (502, "GATEWAY_ERROR")
    assert (await call("GET", f"payments/{payment['id']}"))[1]["status"] == state


async def test_two_captures_at_once_do_not_both_run(sandbox: Sandbox, call: Call) -> None:
    payment = await authorized(sandbox, call)
    await setting(sandbox, processing_seconds=0.2)
    body = {"amount": 50_000, "currency": "INR"}
    answers = await asyncio.gather(*(call("POST", f"payments/{payment['id']}/capture", body) for _ in range(2)))

    refused = [answer["error"]["description"] for status, answer in answers if status == 400]
    assert refused == ["Request failed because another payment operation is in progress."]
    assert [one["kind"] for one in await sandbox.effects("razorpay")].count("capture") == 1


async def test_what_is_not_captured_in_time_goes_back_by_itself(sandbox: Sandbox, call: Call) -> None:
    options = {"capture": "manual", "capture_options": {"manual_expiry_period": 60}}
    payment = await authorized(sandbox, call, payment=options)
    sandbox.clock.move(60 * MINUTE)
    _, later = await call("GET", f"payments/{payment['id']}")
    status, answer = await call("POST", f"payments/{payment['id']}/capture", {"amount": 50_000, "currency": "INR"})

    assert (later["status"], later["refund_status"], later["captured"]) == ("refunded", "full", False)
    assert (status, answer["error"]["description"].startswith("Only payments which have been authorized")) == (
        400,
        True,
    )
    assert [one["kind"] for one in await sandbox.effects("razorpay")] == ["order", "payment"]


async def test_an_order_or_the_account_can_ask_for_capture_at_once(sandbox: Sandbox, call: Call) -> None:
    asked = await authorized(sandbox, call, payment={"capture": "automatic"})
    await setting(sandbox, auto_capture=True)
    set_so = await authorized(sandbox, call, receipt="A-2")

    assert (asked["status"], set_so["status"]) == ("captured", "captured")


@pytest.mark.parametrize("number", methods.FAILURES)
async def test_an_error_card_fails_as_its_number_says(sandbox: Sandbox, call: Call, number: str) -> None:
    order = (await call("POST", "orders", ORDER))[1]
    told = await check_out(sandbox, order, pay_with=number, outcome="failure")
    _, payment = await call("GET", f"payments/{told['error']['metadata']['payment_id']}")
    failure = methods.FAILURES[number]

    assert (payment["status"], payment["error_code"]) == ("failed", failure.code)
    assert (payment["error_reason"], payment["error_source"]) == (failure.reason, failure.source)
    assert "payment" not in [one["kind"] for one in await sandbox.effects("razorpay")]


async def test_the_upi_address_of_failure_fails_by_itself(sandbox: Sandbox, call: Call) -> None:
    order = (await call("POST", "orders", ORDER))[1]
    told = await check_out(sandbox, order, pay_with="failure@razorpay")

    assert told["error"]["reason"] == "payment_failed"


# --- refunds --------------------------------------------------------------------------------------------------------


async def test_refunds_add_up_to_the_payment_and_no_further(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    path = f"payments/{payment['id']}/refund"
    part = (await call("POST", path, {"amount": 20_000, "receipt": "R-1", "speed": "optimum"}))[1]
    between = (await call("GET", f"payments/{payment['id']}"))[1]
    too_much = await call("POST", path, {"amount": 30_001})
    rest = (await call("POST", path))[1]
    after = (await call("GET", f"payments/{payment['id']}"))[1]
    once_more = await call("POST", path)

    assert (part["status"], part["speed_processed"], part["receipt"]) == ("processed", "instant", "R-1")
    assert (between["status"], between["refund_status"], between["amount_refunded"]) == ("captured", "partial", 20_000)
    assert (too_much[0], "total refund amount is greater" in too_much[1]["error"]["description"]) == (400, True)
    assert (rest["amount"], after["status"], after["refund_status"]) == (30_000, "refunded", "full")
    assert (once_more[0], once_more[1]["error"]["description"]) == (
        400,
        "The payment has been fully refunded already.",
    )
    effects = [one for one in await sandbox.effects("razorpay") if one["kind"] == "refund"]
    assert [(one["reference"], one["amount"]) for one in effects] == [("R-1", "200.00 INR"), ("A-1", "300.00 INR")]


async def test_what_is_not_captured_cannot_be_refunded(sandbox: Sandbox, call: Call) -> None:
    payment = await authorized(sandbox, call)
    status, answer = await call("POST", f"payments/{payment['id']}/refund", {})

    assert (status, answer["error"]["description"]) == (
        400,
        "The payment status should be captured for action to be taken.",
    )


async def test_a_refund_key_replays_the_same_refund(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    path, body = f"payments/{payment['id']}/refund", {"amount": 1_000}
    first = await call("POST", path, body, X_Refund_Idempotency="refund-A-1-1")
    second = await call("POST", path, body, X_Refund_Idempotency="refund-A-1-1")
    other = await call("POST", path, body, key="rzp_test_other", X_Refund_Idempotency="refund-A-1-1")

    assert (first[0], second) == (200, first)
    assert other[1]["id"] != first[1]["id"]
    assert [one["kind"] for one in await sandbox.effects("razorpay")].count("refund") == 2
    keys = [one["idempotency_key"] for one in await sandbox.requests("razorpay")]
    assert keys.count("refund-A-1-1") == 3


async def test_without_a_key_a_second_refund_gives_money_back_twice(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    ids = {(await call("POST", f"payments/{payment['id']}/refund", {"amount": 1_000}))[1]["id"] for _ in range(2)}

    assert len(ids) == 2


async def test_a_refund_key_with_another_body_is_refused(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    path = f"payments/{payment['id']}/refund"
    await call("POST", path, {"amount": 1_000}, X_Refund_Idempotency="refund-A-1-1")
    status, answer = await call("POST", path, {"amount": 2_000}, X_Refund_Idempotency="refund-A-1-1")
    short = await call("POST", path, {"amount": 2_000}, X_Refund_Idempotency="short")

    assert (status, answer["error"]["description"]) == (
        400,
        "Different request with the same idempotency key has already been processed.",
    )
    assert (short[0], "at least 10 characters" in short[1]["error"]["description"]) == (400, True)


async def test_a_refund_key_in_use_is_a_409_until_the_first_is_done(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    await setting(sandbox, processing_seconds=0.2)
    path, body = f"payments/{payment['id']}/refund", {"amount": 1_000}

    async def refund() -> tuple[int, Any]:
        return await call("POST", path, body, X_Refund_Idempotency="refund-A-1-1")

    answers = await asyncio.gather(refund(), refund())

    assert sorted(status for status, _ in answers) == [200, 409]
    assert (await refund())[1] in [answer for status, answer in answers if status == 200]


async def test_a_refused_refund_leaves_its_key_free(sandbox: Sandbox, call: Call) -> None:
    payment = await authorized(sandbox, call)
    path = f"payments/{payment['id']}"
    refused = await call("POST", f"{path}/refund", {}, X_Refund_Idempotency="refund-A-1-1")
    await call("POST", f"{path}/capture", {"amount": 50_000, "currency": "INR"})
    taken = await call("POST", f"{path}/refund", {}, X_Refund_Idempotency="refund-A-1-1")

    assert (refused[0], taken[0]) == (400, 200)


async def test_a_receipt_makes_a_second_refund_of_the_payment_a_duplicate(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    path, body = f"payments/{payment['id']}/refund", {"amount": 1_000, "receipt": "R-1"}
    await call("POST", path, body)
    status, answer = await call("POST", path, body)

    assert (status, answer["error"]["description"]) == (400, "Duplicate receipt found for this refund request.")


@pytest.mark.parametrize(("outcome", "given_back"), [("processed", 1_000), ("failed", 0)])
async def test_a_refund_can_take_its_time_and_can_fail(
    sandbox: Sandbox, call: Call, outcome: str, given_back: int
) -> None:
    await setting(sandbox, refund_seconds=3_600, refund_outcome=outcome)
    payment = await captured(sandbox, call)
    refund = (await call("POST", f"payments/{payment['id']}/refund", {"amount": 1_000}))[1]
    sandbox.clock.move(3_600)
    later = (await call("GET", f"refunds/{refund['id']}"))[1]

    assert (refund["status"], later["status"]) == ("pending", outcome)
    assert (await call("GET", f"payments/{payment['id']}"))[1]["amount_refunded"] == given_back


async def test_a_refund_needs_balance(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, balance=500)
    payment = await captured(sandbox, call)
    status, answer = await call("POST", f"payments/{payment['id']}/refund", {"amount": 1_000})

    assert (status, "does not have enough balance" in answer["error"]["description"]) == (400, True)


# --- lists and settlements ------------------------------------------------------------------------------------------


async def test_pages_hold_ten_and_never_say_whether_there_is_more(call: Call) -> None:
    _, page = await call("GET", "payments")
    seen: list[str] = []
    while True:
        _, found = await call("GET", f"payments?count=25&skip={len(seen)}")
        seen += [one["id"] for one in found["items"]]
        if found["count"] < 25:
            break

    assert (page["count"], set(page)) == (10, {"entity", "count", "items"})
    assert (len(seen), len(set(seen))) == (42, 42)


@pytest.mark.parametrize("query", ["count=101", "count=0", "skip=-1", "from=1", "colour=red", "count=x"])
async def test_a_bad_page_is_refused(call: Call, query: str) -> None:
    assert (await call("GET", f"payments?{query}"))[0] == 400


async def test_a_window_bounds_what_is_listed(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call)
    _, inside = await call("GET", f"payments?from={int(START)}&to={int(START)}")
    _, before = await call("GET", f"payments?to={int(START) - 1}&count=100")

    assert [one["id"] for one in inside["items"]] == [payment["id"]]
    assert payment["id"] not in [one["id"] for one in before["items"]]


async def test_a_capture_is_settled_two_days_later_with_its_fee_taken_out(sandbox: Sandbox, call: Call) -> None:
    payment = await captured(sandbox, call, notes={"channel": "web"})
    await call("POST", f"payments/{payment['id']}/refund", {"amount": 1_000})
    sandbox.clock.move(3 * DAY)
    _, report = await call("GET", "settlements/recon/combined?year=2026&month=10&count=1000")
    rows = {row["type"]: row for row in report["items"] if row["order_receipt"] == "A-1"}
    _, day = await call("GET", "settlements/recon/combined?year=2026&month=10&day=3")

    assert (rows["payment"]["credit"], rows["payment"]["fee"], rows["payment"]["tax"]) == (48_820, 1_180, 180)
    assert json.loads(rows["payment"]["notes"]) == {"channel": "web"}
    assert (rows["refund"]["debit"], rows["refund"]["payment_id"]) == (1_000, payment["id"])
    assert {payment["id"], rows["refund"]["entity_id"]} <= {row["entity_id"] for row in day["items"]}


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("month=9", "The year field is required."),
        ("year=2026", "The month field is required."),
        ("year=26&month=9", "The year must be 4 digits."),
        ("year=2026&month=13", "The month is invalid."),
    ],
)
async def test_the_report_needs_a_year_and_a_month(call: Call, query: str, sentence: str) -> None:
    status, answer = await call("GET", f"settlements/recon/combined?{query}")

    assert (status, answer["error"]["description"]) == (400, sentence)


# --- payment links --------------------------------------------------------------------------------------------------


async def test_a_link_is_paid_on_its_page_and_the_way_back_is_signed(sandbox: Sandbox, call: Call) -> None:
    link = (await call("POST", "payment_links", LINK))[1]
    async with sandbox.client.get(link["short_url"]) as page:
        shown = page.status
    async with sandbox.client.post(link["short_url"], data={}, allow_redirects=False) as answer:
        back = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    _, paid = await call("GET", f"payment_links/{link['id']}")
    _, payment = await call("GET", f"payments/{back['razorpay_payment_id']}")

    assert (shown, paid["status"], paid["amount_paid"]) == (200, "paid", 50_000)
    assert paid["payments"][0]["payment_id"] == payment["id"]
    assert (payment["status"], payment["order_id"]) == ("captured", paid["order_id"])
    assert back["razorpay_payment_link_status"] == "paid"
    assert back["razorpay_signature"] == hmac_of(link["id"], "A-1", "paid", payment["id"])
    effects = [(one["kind"], one["reference"]) for one in await sandbox.effects("razorpay")]
    assert effects == [("order", "A-1"), ("payment", "A-1")]


async def test_a_failed_try_leaves_the_link_open(sandbox: Sandbox, call: Call) -> None:
    link = (await call("POST", "payment_links", LINK))[1]
    async with sandbox.client.post(link["short_url"], data={"outcome": "failure"}) as answer:
        said = await answer.text()
    _, found = await call("GET", f"payment_links/{link['id']}")

    assert ("Payment failed" in said, found["status"], found["payments"]) == (True, "created", None)


async def test_a_link_can_be_paid_in_parts_where_it_says_so(sandbox: Sandbox, call: Call) -> None:
    link = (await call("POST", "payment_links", {**LINK, "accept_partial": True}))[1]
    states = []
    for form in ({"amount": "20000"}, {}):
        async with sandbox.client.post(link["short_url"], data=form, allow_redirects=False):
            found = (await call("GET", f"payment_links/{link['id']}"))[1]
        states.append((found["status"], found["amount_paid"]))

    assert states == [("partially_paid", 20_000), ("paid", 50_000)]


async def test_a_reference_makes_one_link_for_good(sandbox: Sandbox, call: Call) -> None:
    link = (await call("POST", "payment_links", LINK))[1]
    await call("POST", f"payment_links/{link['id']}/cancel")
    status, answer = await call("POST", "payment_links", LINK)

    assert status == 400
    assert answer["error"]["description"].startswith("payment link with given reference_id: A-1 already exists.")
    assert [one["kind"] for one in await sandbox.effects("razorpay")] == ["order", "void"]


async def test_the_filter_by_reference_may_be_without_effect(sandbox: Sandbox, call: Call) -> None:
    for reference in ("A-1", "A-2"):
        await call("POST", "payment_links", {**LINK, "reference_id": reference})
    _, heeded = await call("GET", "payment_links?reference_id=A-1")
    await setting(sandbox, reference_filter=False)
    _, unheeded = await call("GET", "payment_links?reference_id=A-1")

    assert [one["reference_id"] for one in heeded["payment_links"]] == ["A-1"]
    assert [one["reference_id"] for one in unheeded["payment_links"]] == ["A-2", "A-1"]


async def test_a_link_expires_and_cannot_be_paid_or_cancelled_then(sandbox: Sandbox, call: Call) -> None:
    ends = int(START) + 20 * MINUTE
    link = (await call("POST", "payment_links", {**LINK, "expire_by": ends}))[1]
    sandbox.clock.move(20 * MINUTE)
    _, found = await call("GET", f"payment_links/{link['id']}")
    async with sandbox.client.post(link["short_url"], data={}) as answer:
        page = answer.status
    status, refused = await call("POST", f"payment_links/{link['id']}/cancel")

    assert (found["status"], found["expired_at"], page) == ("expired", ends, 404)
    assert (status, refused["error"]["description"]) == (400, "Payment Link in expired state cannot be cancelled.")


async def test_a_link_whose_end_was_moved_expires_at_the_new_one(sandbox: Sandbox, call: Call) -> None:
    link = (await call("POST", "payment_links", {**LINK, "expire_by": int(START) + 20 * MINUTE}))[1]
    await call("PATCH", f"payment_links/{link['id']}", {"expire_by": int(START) + 40 * MINUTE})
    sandbox.clock.move(20 * MINUTE)
    _, between = await call("GET", f"payment_links/{link['id']}")
    sandbox.clock.move(20 * MINUTE)
    _, after = await call("GET", f"payment_links/{link['id']}")

    assert (between["status"], after["status"]) == ("created", "expired")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"expire_by": int(START) + 14 * MINUTE}, "expire_by"),
        ({"expire_by": int(START) + 400 * DAY}, "expire_by"),
        ({"callback_method": "post"}, "callback_method"),
        ({"first_min_partial_amount": 100}, "first_min_partial_amount"),
        ({"reference_id": "x" * 41}, "reference_id"),
        ({"customer": "Asha"}, "customer"),
    ],
)
async def test_a_bad_link_is_refused_with_its_field(call: Call, change: Any, field: str) -> None:
    status, answer = await call("POST", "payment_links", {**LINK, **change})

    assert (status, answer["error"]["field"]) == (400, field)


# --- what is there already ------------------------------------------------------------------------------------------


async def test_samples_of_known_names_can_be_paid_captured_and_refunded(sandbox: Sandbox, call: Call) -> None:
    _, order = await call("GET", f"orders/{samples.ORDER}")
    _, failed = await call("GET", f"payments/{samples.FAILED}")
    proof = await check_out(sandbox, order)
    body = {"amount": 109_900, "currency": "INR"}
    captured_now = await call("POST", f"payments/{samples.AUTHORIZED}/capture", body)
    refunded = await call("POST", "refunds", {"payment_id": samples.CAPTURED, "amount": 1_000})
    kinds = [one["kind"] for one in await sandbox.effects("razorpay")]

    assert (failed["status"], "razorpay_payment_id" in proof) == ("failed", True)
    assert (captured_now[0], refunded[0], kinds) == (200, 200, ["payment", "capture", "refund"])


async def test_the_past_is_no_effect_and_the_same_for_the_same_seed(start: Start) -> None:
    seen = []
    for _ in range(2):
        sandbox = await start("razorpay")
        url = f"{sandbox.url}/razorpay/v1/payments?count=100"
        async with sandbox.client.get(url, headers=basic(KEY, SECRET)) as answer:
            seen.append(await answer.json())

        assert await sandbox.effects("razorpay") == []
    states = {one["status"] for one in seen[0]["items"]}
    currencies = {one["currency"] for one in seen[0]["items"]}
    assert seen[0] == seen[1]
    assert (states >= {"captured", "failed"}, len(currencies) > 2) == (True, True)
