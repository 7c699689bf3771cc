from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache
from typing import Any

import mollie
import pytest
import yaml
from mollie.models import ErrorResponse
from mollie.utils.retries import BackoffStrategy, RetryConfig
from mollie.utils.webhooks.signature_validator import SignatureValidator

from integrations.sandbox.mollie import fields, samples
from integrations.sandbox.mollie.account import PROFILE_ID
from integrations.sandbox.mollie.lifecycle import FAILURES
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start
from tests.integrations.sandbox.published import Published

KEY, TOKEN = "test_quayside", "access_quayside"
PAYMENTS = "/v2/payments"
BODY: dict[str, Any] = {
    "amount": {"currency": "EUR", "value": "10.00"},
    "description": "Order A-1",
    "redirectUrl": "https://shop.example/return",
    "metadata": {"order_id": "A-1"},
}
MANUAL = {**BODY, "captureMode": "manual"}
HOUR, DAY = 3_600, 86_400

Call = Callable[..., Awaitable[tuple[int, Any, Any]]]


class Loader(yaml.CSafeLoader):
    """YAML without dates: one example of the contract is no real date."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The published contract, its shared answers put where they are referred to."""
    loaded: dict[str, Any] = yaml.load(contract("mollie/specs.yaml").read_bytes(), Loader=Loader)  # noqa: S506  it is a safe one
    for path in loaded["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                for status, answer in operation["responses"].items():
                    if "$ref" in answer:
                        name = answer["$ref"].rpartition("/")[2]
                        operation["responses"][status] = loaded["components"]["responses"][name]
    return loaded


@lru_cache(maxsize=1)
def spec() -> Published:
    return Published(document())


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("mollie")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request; the answer is status, JSON (None without a body) and headers."""

    async def send(method: str, path: str, body: Any = None, key: str = KEY, **headers: str) -> tuple[int, Any, Any]:
        named = {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if data is not None:
            named.setdefault("Content-Type", "application/json")
        url = path if path.startswith("http") else f"{sandbox.url}/mollie{path}"
        async with sandbox.client.request(method, url, data=data, headers=named) as answer:
            text = await answer.read()
            return answer.status, json.loads(text) if text else None, answer.headers

    return send


async def decide(sandbox: Sandbox, payment: Any, final_state: str = "paid", **wishes: str) -> tuple[int, str | None]:
    """Play the buyer on the page of an open payment."""
    url = payment["_links"]["checkout"]["href"]
    form = {"final_state": final_state, **wishes}
    async with sandbox.client.post(url, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location")


async def paid(sandbox: Sandbox, call: Call, body: Any = None, state: str = "paid", **wishes: str) -> Any:
    """Return a payment whose buyer has come and gone."""
    status, made, _ = await call("POST", PAYMENTS, body or BODY)

    assert status == 201, made
    await decide(sandbox, made, state, **wishes)
    return (await call("GET", f"{PAYMENTS}/{made['id']}"))[1]


# --- the official SDK -----------------------------------------------------------------------------------------------

NO_RETRY = RetryConfig("backoff", BackoffStrategy(1, 1, 1.0, 0), retry_connection_errors=False)


@pytest.fixture
async def sdk(sandbox: Sandbox) -> AsyncIterator[mollie.ClientSDK]:
    security = mollie.Security(api_key=KEY)
    async with mollie.ClientSDK(security=security, server_url=f"{sandbox.url}/mollie", retry_config=NO_RETRY) as client:
        yield client


@pytest.fixture
async def organization(sandbox: Sandbox) -> AsyncIterator[mollie.ClientSDK]:
    security = mollie.Security(advanced_access_token=TOKEN)
    async with mollie.ClientSDK(
        security=security,
        server_url=f"{sandbox.url}/mollie",
        testmode=True,
        profile_id=PROFILE_ID,
        retry_config=NO_RETRY,
    ) as client:
        yield client


async def test_sdk_creates_captures_refunds_and_reads(sandbox: Sandbox, sdk: mollie.ClientSDK) -> None:
    amount = {"currency": "EUR", "value": "10.00"}
    request: Any = {
        "amount": amount,
        "description": "Order A-1",
        "redirect_url": "https://shop.example/return",
        "capture_mode": "manual",
        "metadata": {"order_id": "A-1"},
    }
    made = await sdk.payments.create_async(payment_request=request)
    await decide(sandbox, {"_links": {"checkout": {"href": made.links.checkout.href if made.links.checkout else ""}}})
    held = await sdk.payments.get_async(payment_id=made.id)
    capture: Any = {"amount": {"currency": "EUR", "value": "6.00"}}
    taken = await sdk.captures.create_async(payment_id=made.id, entity_capture=capture)
    sandbox.clock.move(2)
    await sdk.payments.release_authorization_async(payment_id=made.id)
    sandbox.clock.move(2)
    done = await sdk.payments.get_async(payment_id=made.id)
    refund: Any = {"amount": {"currency": "EUR", "value": "1.00"}, "description": "d"}
    back = await sdk.refunds.create_async(payment_id=made.id, refund_request=refund)
    refunds = await sdk.refunds.all_async()

    assert (made.status, held.status, taken.status, done.status) == ("open", "authorized", "pending", "paid")
    assert back.status == "pending"
    assert refunds is not None
    assert [one.id for one in refunds.result.embedded.refunds] == [back.id]
    assert [(e["kind"], e["reference"], e["amount"]) for e in await sandbox.effects("mollie")] == [
        ("payment", "A-1", "10.00 EUR"),
        ("capture", "A-1", "6.00 EUR"),
        ("void", "A-1", "4.00 EUR"),
        ("refund", "A-1", "1.00 EUR"),
    ]
    assert [r["operation"] for r in await sandbox.requests("mollie")] == [
        *("create_payment", "pay", "get_payment", "capture_payment", "cancel_payment", "get_payment"),
        *("refund_payment", "look_up"),
    ]


async def test_sdk_pages_by_the_link_to_the_next(sandbox: Sandbox, call: Call, sdk: mollie.ClientSDK) -> None:
    made = []
    for _ in range(5):
        made.append((await call("POST", PAYMENTS, BODY))[1]["id"])
    seen = []
    page = await sdk.payments.list_async(limit=2)
    while page is not None:
        seen += [one.id for one in page.result.embedded.payments or []]
        page = await page.next()  # type: ignore[misc]  # the asynchronous list's next is a coroutine function

    assert seen == made[::-1]


async def test_sdk_reads_the_balance_with_a_token_of_the_organisation(
    sandbox: Sandbox, call: Call, organization: mollie.ClientSDK
) -> None:
    await paid(sandbox, call)
    page = await organization.balances.list_transactions_async(balance_id="primary")

    assert page is not None
    (line,) = page.result.embedded.balance_transactions
    assert (line.type, line.result_amount.value, line.initial_amount.value) == ("payment", "9.68", "10.00")


async def test_sdk_raises_its_error_with_the_field(sdk: mollie.ClientSDK) -> None:
    request: Any = {
        "amount": {"currency": "EUR", "value": "10"},
        "description": "d",
        "redirect_url": "https://a.example",
    }
    with pytest.raises(ErrorResponse) as caught:
        await sdk.payments.create_async(payment_request=request)

    assert (caught.value.data.status, caught.value.data.field) == (422, "amount.value")


# --- the contract ---------------------------------------------------------------------------------------------------


async def test_answers_are_as_published(sandbox: Sandbox, call: Call) -> None:
    async def checked(method: str, path: str, body: Any = None, key: str = KEY, query: str = "", **named: str) -> Any:
        status, answer, headers = await call(method, path.format(**named) + query, body, key)
        if answer is not None:
            assert headers["Content-Type"] == "application/hal+json"
            spec().check_answer(method, path, status, answer)
        return answer

    own = f"{PAYMENTS}/{{paymentId}}"
    made = await checked("POST", PAYMENTS, MANUAL)
    await decide(sandbox, made)
    id = made["id"]
    held = await checked("GET", own, paymentId=id)
    capture = await checked("POST", f"{own}/captures", {"amount": BODY["amount"]}, paymentId=id)
    sandbox.clock.move(2)
    await checked("GET", f"{own}/captures/{{captureId}}", paymentId=id, captureId=capture["id"])
    await checked("GET", f"{own}/captures", paymentId=id)
    done = await checked("GET", own, paymentId=id)
    refund = await checked("POST", f"{own}/refunds", {"amount": BODY["amount"], "description": "d"}, paymentId=id)
    await checked("POST", f"{own}/refunds", {"amount": BODY["amount"], "description": "e"}, paymentId=id)
    await checked("GET", f"{own}/refunds/{{refundId}}", paymentId=id, refundId=refund["id"])
    await checked("GET", f"{own}/refunds", paymentId=id)
    sandbox.clock.move(2 * HOUR)
    await checked("GET", "/v2/refunds")
    failed = await checked("POST", PAYMENTS, {**BODY, "method": "creditcard"})
    await decide(sandbox, failed, "failed")
    await checked("GET", own, paymentId=failed["id"])
    await checked("PATCH", own, {"description": "Order A-2"}, paymentId=failed["id"])
    await checked("GET", PAYMENTS)
    await checked("GET", PAYMENTS, query="?from=tr_none")
    await checked("GET", own, paymentId="tr_none")
    await checked("POST", PAYMENTS, {})
    await checked("DELETE", own, paymentId=id)
    transfer = await checked("POST", PAYMENTS, {**BODY, "method": "banktransfer"})
    await checked("DELETE", own, paymentId=transfer["id"])
    await checked("GET", "/v2/balances", key=TOKEN, query="?testmode=true")
    await checked("GET", "/v2/balances/primary", key=TOKEN)
    event = json.loads((await deliveries(sandbox, "whsec"))[0]["body"])
    await checked("GET", "/v2/events/{webhookEventId}", key=TOKEN, query="?testmode=true", webhookEventId=event["id"])

    assert (held["status"], done["status"], done["amountCaptured"]) == ("authorized", "paid", BODY["amount"])


async def test_a_balance_transaction_tells_its_payment_flat(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    path = "/v2/balances/{balanceId}/transactions"
    status, found, _ = await call("GET", f"{path.format(balanceId='primary')}?testmode=true", key=TOKEN)
    (line,) = found["_embedded"]["balance_transactions"]

    assert line["context"] == {"paymentId": made["id"], "paymentDescription": "Order A-1"}
    line["context"] = {"payment": line["context"]}  # the schema nests it, its examples and its text do not
    spec().check_answer("GET", path, status, found)


def test_the_fields_taken_are_those_of_the_contract() -> None:
    def writable(schema: dict[str, Any]) -> set[str]:
        while "$ref" in schema:
            schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        names = {name for name, value in schema.get("properties", {}).items() if not value.get("readOnly")}
        return names.union(*(writable(part) for part in schema.get("allOf", ())))

    def body(path: str, method: str) -> set[str]:
        request = document()["paths"][path][method]["requestBody"]
        if "$ref" in request:
            request = document()["components"]["requestBodies"][request["$ref"].rpartition("/")[2]]
        return writable(request["content"]["application/json"]["schema"]) - {"testmode", "profileId", "_links"}

    # What only Mollie sets but the contract does not mark so is left out by name.
    shown_only = {"resource", "id", "mode", "status", "paymentId", "createdAt", "settlementId", "shipmentId"} | {
        "details",
        "statusReason",
    }
    assert body(PAYMENTS, "post") - shown_only == fields.CREATE
    assert body(f"{PAYMENTS}/{{paymentId}}", "patch") == fields.UPDATE
    assert body(f"{PAYMENTS}/{{paymentId}}/captures", "post") - shown_only == fields.CAPTURE
    assert body(f"{PAYMENTS}/{{paymentId}}/refunds", "post") - shown_only == fields.REFUND


# --- keys and modes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "test_invalid_key", "live_real", "sk_test_other", "access_invalid"])
async def test_a_key_that_is_none_is_refused(call: Call, key: str) -> None:
    status, answer, _ = await call("GET", PAYMENTS, key=key)

    assert (status, answer["title"]) == (401, "Unauthorized Request")


async def test_an_api_key_cannot_read_the_balance(call: Call) -> None:
    for path in ("/v2/balances", "/v2/balances/primary", "/v2/balances/primary/transactions"):
        status, answer, _ = await call("GET", path)
        assert (status, answer["title"]) == (403, "Forbidden")


async def test_testmode_and_profile_are_not_for_api_keys(call: Call) -> None:
    in_body = await call("POST", PAYMENTS, {**BODY, "testmode": True})
    in_query = await call("GET", f"{PAYMENTS}?testmode=true")
    profile = await call("POST", PAYMENTS, {**BODY, "profileId": PROFILE_ID})

    assert (in_body[0], in_body[1]["field"]) == (422, "testmode")
    assert (in_query[0], in_query[1]["field"]) == (400, "testmode")
    assert profile[1]["detail"] == 'Non-existent body parameter "profileId" for this API call.'


async def test_a_token_sees_test_payments_only_when_it_says_so(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    live = await call("GET", f"{PAYMENTS}/{made['id']}", key=TOKEN)
    test = await call("GET", f"{PAYMENTS}/{made['id']}?testmode=true", key=TOKEN)
    _, balance, _ = await call("GET", "/v2/balances/primary/transactions", key=TOKEN)
    nameless = await call("POST", PAYMENTS, {**BODY, "testmode": True}, key=TOKEN)
    named = await call("POST", PAYMENTS, {**BODY, "testmode": True, "profileId": PROFILE_ID}, key=TOKEN)

    assert (live[0], test[0], balance["count"]) == (404, 200, 0)
    assert (nameless[0], nameless[1]["field"]) == (422, "profileId")
    assert named[0] == 201


# --- payments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"amount": {"currency": "JPY", "value": "1000"}}, 201, None),
        ({"amount": {"currency": "JPY", "value": "1000.00"}}, 422, "amount.value"),
        ({"amount": {"currency": "EUR", "value": "10"}}, 422, "amount.value"),
        ({"amount": {"currency": "EUR", "value": 10.0}}, 422, "amount.value"),
        ({"amount": {"currency": "KWD", "value": "1.500"}}, 422, "amount.currency"),
        ({"amount": {"currency": "EUR", "value": "0.00"}}, 422, "amount"),
        ({"amount": {"currency": "EUR", "value": "50000.01"}}, 422, "amount"),
        ({"amount": None}, 422, "amount"),
        ({"description": None}, 422, "description"),
        ({"redirectUrl": None}, 422, "redirectUrl"),
        ({"redirectUrl": "shop"}, 422, "redirectUrl"),
        ({"webhookUrl": "http://localhost:8050/webhooks/mollie"}, 422, "webhookUrl"),
        ({"webhookUrl": "https://shop.example/webhooks/mollie"}, 201, None),
        ({"method": "cash"}, 422, "method"),
        ({"method": ["ideal", "creditcard"]}, 201, None),
        ({"method": "ideal", "captureMode": "manual"}, 422, "captureMode"),
        ({"method": "ideal", "amount": {"currency": "USD", "value": "10.00"}}, 422, "amount.currency"),
        ({"captureDelay": "8 days"}, 422, "captureDelay"),
        ({"sequenceType": "recurring"}, 422, None),
        ({"metadata": {"note": "x" * 1100}}, 422, "metadata"),
        ({"webhookURL": "https://shop.example/"}, 422, "webhookURL"),
    ],
)
async def test_a_payment_is_read_strictly(call: Call, change: dict[str, Any], status: int, field: str | None) -> None:
    got, answer, _ = await call("POST", PAYMENTS, {**BODY, **change})

    assert got == status, answer
    assert answer.get("field") == field


async def test_a_body_that_is_no_json_is_refused(call: Call) -> None:
    form = await call("POST", PAYMENTS, b"amount=1", Content_Type="application/x-www-form-urlencoded")
    broken = await call("POST", PAYMENTS, b"{")

    assert (form[0], broken[0]) == (415, 400)


async def test_the_buyer_pays_and_is_sent_back(sandbox: Sandbox, call: Call) -> None:
    _, made, _ = await call("POST", PAYMENTS, {**BODY, "cancelUrl": "https://shop.example/cancel"})
    left = await decide(sandbox, made, "open")
    back = await decide(sandbox, made)
    twice = await decide(sandbox, made)
    _, done, _ = await call("GET", f"{PAYMENTS}/{made['id']}")

    assert (made["status"], made.keys() & {"method", "amountRemaining"}) == ("open", set())
    assert made["expiresAt"] == "2026-10-01T12:15:00+00:00"
    assert left == back == (303, "https://shop.example/return")
    assert twice[0] == 404
    assert (done["status"], done["method"], done["amountRemaining"]["value"]) == ("paid", "ideal", "10.00")
    assert "checkout" not in done["_links"]


async def test_an_open_payment_expires_after_a_quarter_of_an_hour(sandbox: Sandbox, call: Call) -> None:
    _, made, _ = await call("POST", PAYMENTS, BODY)
    sandbox.clock.move(899)
    _, before, _ = await call("GET", f"{PAYMENTS}/{made['id']}")
    sandbox.clock.move(1)
    _, after, _ = await call("GET", f"{PAYMENTS}/{made['id']}")

    assert (before["status"], after["status"], "expiresAt" in after) == ("open", "expired", False)
    assert await sandbox.effects("mollie") == []


@pytest.mark.parametrize("value", FAILURES)
async def test_a_card_made_to_fail_fails_for_the_reason_of_its_amount(sandbox: Sandbox, call: Call, value: str) -> None:
    body = {**BODY, "amount": {"currency": "EUR", "value": value}, "method": "creditcard"}
    failed = await paid(sandbox, call, body, "failed")

    assert (failed["status"], failed["details"]["failureReason"]) == ("failed", FAILURES[value])


async def test_a_card_token_pays_at_once(sandbox: Sandbox, call: Call) -> None:
    card = {**BODY, "method": "creditcard"}
    _, good, _ = await call("POST", PAYMENTS, {**card, "cardToken": "tkn_UqAvArS3gw"})
    _, held, _ = await call("POST", PAYMENTS, {**card, "cardToken": "tkn_UqAvArS3gw", "captureMode": "manual"})
    amount = {"currency": "EUR", "value": "1007.00"}
    _, bad, _ = await call("POST", PAYMENTS, {**card, "cardToken": "tkn_declined", "amount": amount})

    assert (good["status"], held["status"], bad["status"]) == ("paid", "authorized", "failed")
    assert bad["details"]["failureReason"] == "insufficient_funds"
    assert [effect["kind"] for effect in await sandbox.effects("mollie")] == ["payment", "payment"]


@pytest.mark.parametrize("metadata", [{"order_id": "A-7"}, '{"order_id": "A-7"}'])
async def test_metadata_comes_back_as_it_was_sent_text_or_object(sandbox: Sandbox, call: Call, metadata: Any) -> None:
    done = await paid(sandbox, call, {**BODY, "metadata": metadata})

    assert done["metadata"] == metadata
    assert [effect["reference"] for effect in await sandbox.effects("mollie")] == ["A-7"]


async def test_only_a_bank_transfer_that_waits_can_be_cancelled(sandbox: Sandbox, call: Call) -> None:
    _, card, _ = await call("POST", PAYMENTS, {**BODY, "method": "creditcard"})
    _, transfer, _ = await call("POST", PAYMENTS, {**BODY, "method": "banktransfer"})
    refused = await call("DELETE", f"{PAYMENTS}/{card['id']}")
    done = await call("DELETE", f"{PAYMENTS}/{transfer['id']}")

    assert (card["isCancelable"], transfer["isCancelable"]) == (False, True)
    assert (refused[0], refused[1]["detail"]) == (422, "The payment cannot be cancelled")
    assert (done[0], done[1]["status"]) == (200, "canceled")


async def test_a_payment_can_be_changed_in_what_its_buyer_does_not_see_done(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    change = {"description": "Order A-9", "metadata": {"order_id": "A-9"}, "webhookUrl": "https://shop.example/w"}
    status, changed, _ = await call("PATCH", f"{PAYMENTS}/{made['id']}", change)
    late = await call("PATCH", f"{PAYMENTS}/{made['id']}", {"method": "ideal"})
    other = await call("PATCH", f"{PAYMENTS}/{made['id']}", {"amount": BODY["amount"]})

    assert (status, changed["description"], changed["metadata"]) == (200, "Order A-9", {"order_id": "A-9"})
    assert (late[0], other[0], other[1]["field"]) == (422, 422, "amount")


async def test_a_method_whose_supplier_is_down_is_a_503(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"mollie": {"unavailable_methods": ["ideal"]}})
    down = await call("POST", PAYMENTS, {**BODY, "method": "ideal"})
    up = await call("POST", PAYMENTS, {**BODY, "method": "creditcard"})

    assert (down[0], down[1]["detail"]) == (503, "Payment platform for this payment method temporarily not available")
    assert up[0] == 201


# --- captures -------------------------------------------------------------------------------------------------------


async def test_an_authorized_payment_is_not_paid_until_its_capture_succeeds(sandbox: Sandbox, call: Call) -> None:
    held = await paid(sandbox, call, MANUAL)
    own = f"{PAYMENTS}/{held['id']}"
    _, capture, _ = await call("POST", f"{own}/captures", {})
    _, soon, _ = await call("GET", own)
    more = await call("POST", f"{own}/captures", {})
    sandbox.clock.move(2)
    _, done, _ = await call("GET", f"{own}?embed=captures")

    assert (held["status"], held["amountCaptured"]["value"]) == ("authorized", "0.00")
    assert held["captureBefore"] == "2026-10-08T12:00:00+00:00"
    assert "amountRemaining" not in held
    assert (capture["status"], capture["amount"]["value"], soon["status"]) == ("pending", "10.00", "authorized")
    assert more[0] == 422
    assert (done["status"], done["_embedded"]["captures"][0]["status"]) == ("paid", "succeeded")


async def test_captures_in_parts_add_up_and_the_rest_can_be_released(sandbox: Sandbox, call: Call) -> None:
    held = await paid(sandbox, call, MANUAL)
    own = f"{PAYMENTS}/{held['id']}"
    part = {"amount": {"currency": "EUR", "value": "6.00"}}
    await call("POST", f"{own}/captures", part)
    too_much = await call("POST", f"{own}/captures", part)
    dollars = await call("POST", f"{own}/captures", {"amount": {"currency": "USD", "value": "1.00"}})
    sandbox.clock.move(2)
    released = await call("POST", f"{own}/release-authorization", {})
    again = await call("POST", f"{own}/release-authorization")
    sandbox.clock.move(2)
    _, done, _ = await call("GET", own)
    late = await call("POST", f"{own}/captures", {})

    assert (too_much[0], too_much[1]["field"]) == (422, "amount")
    assert (dollars[0], dollars[1]["field"]) == (422, "amount.currency")
    assert (released[0], released[1], again[0], late[0]) == (202, None, 422, 422)
    assert (done["status"], done["amountCaptured"]["value"]) == ("paid", "6.00")
    assert done["amountRemaining"]["value"] == "6.00"


async def test_an_authorization_let_go_before_a_capture_is_cancelled(sandbox: Sandbox, call: Call) -> None:
    held = await paid(sandbox, call, MANUAL)
    own = f"{PAYMENTS}/{held['id']}"
    await call("POST", f"{own}/release-authorization")
    _, soon, _ = await call("GET", own)
    sandbox.clock.move(2)
    _, done, _ = await call("GET", own)

    assert (soon["status"], done["status"]) == ("authorized", "canceled")


async def test_an_authorization_nobody_captures_expires(sandbox: Sandbox, call: Call) -> None:
    held = await paid(sandbox, call, MANUAL)
    sandbox.clock.move(7 * DAY)
    _, done, _ = await call("GET", f"{PAYMENTS}/{held['id']}")

    assert done["status"] == "expired"


async def test_a_capture_put_off_comes_by_itself(sandbox: Sandbox, call: Call) -> None:
    held = await paid(sandbox, call, {**BODY, "captureMode": "automatic", "captureDelay": "8 hours"})
    sandbox.clock.move(8 * HOUR + 2)
    _, done, _ = await call("GET", f"{PAYMENTS}/{held['id']}")

    assert (held["status"], done["status"]) == ("authorized", "paid")
    assert [effect["kind"] for effect in await sandbox.effects("mollie")] == ["payment", "capture"]


# --- refunds --------------------------------------------------------------------------------------------------------


def back(value: str, description: str = "d", currency: str = "EUR") -> dict[str, Any]:
    return {"amount": {"currency": currency, "value": value}, "description": description}


async def test_refunds_leave_the_status_paid_and_show_in_the_amounts(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    own = f"{PAYMENTS}/{made['id']}"
    await call("POST", f"{own}/refunds", back("4.00"))
    too_much = await call("POST", f"{own}/refunds", back("6.01"))
    dollars = await call("POST", f"{own}/refunds", back("1.00", currency="USD"))
    missing = await call("POST", f"{own}/refunds", {"description": "d"})
    await call("POST", f"{own}/refunds", back("6.00"))
    none_left = await call("POST", f"{own}/refunds", back("1.00"))
    _, done, _ = await call("GET", own)

    assert (too_much[1]["field"], dollars[1]["field"], missing[1]["field"]) == ("amount", "amount.currency", "amount")
    assert (none_left[0], none_left[1]["detail"]) == (422, "The payment has already been refunded")
    assert (done["status"], done["amountRefunded"]["value"], done["amountRemaining"]["value"]) == (
        "paid",
        "10.00",
        "0.00",
    )


async def test_two_refunds_alike_in_short_succession_are_a_conflict(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    own = f"{PAYMENTS}/{made['id']}/refunds"
    first = await call("POST", own, back("1.00"))
    twin = await call("POST", own, back("1.00"))
    other = await call("POST", own, back("1.00", "other"))
    sandbox.clock.move(60)
    later = await call("POST", own, back("1.00"))

    assert (first[0], other[0], later[0]) == (201, 201, 201)
    assert (twin[0], twin[1]["title"], twin[1]["detail"]) == (409, "Conflict", "A duplicate refund has been detected")
    assert [effect["kind"] for effect in await sandbox.effects("mollie")] == ["payment"] + ["refund"] * 3


async def test_a_refund_is_carried_out_after_two_hours_and_can_be_stopped_until_then(
    sandbox: Sandbox, call: Call
) -> None:
    made = await paid(sandbox, call)
    own = f"{PAYMENTS}/{made['id']}/refunds"
    _, kept, _ = await call("POST", own, back("1.00"))
    _, dropped, _ = await call("POST", own, back("2.00"))
    stopped = await call("DELETE", f"{own}/{dropped['id']}")
    sandbox.clock.move(2 * HOUR)
    _, on_its_way, _ = await call("GET", f"{own}/{kept['id']}")
    late = await call("DELETE", f"{own}/{kept['id']}")
    sandbox.clock.move(DAY)
    _, arrived, _ = await call("GET", f"{own}/{kept['id']}")
    _, cancelled, _ = await call("GET", f"{own}/{dropped['id']}")
    _, payment, _ = await call("GET", f"{PAYMENTS}/{made['id']}")

    assert (kept["status"], on_its_way["status"], arrived["status"]) == ("pending", "processing", "refunded")
    assert (stopped[0], cancelled["status"], late[0]) == (204, "canceled", 422)
    assert payment["amountRefunded"]["value"] == "1.00"


async def test_a_refund_waits_while_the_balance_is_short(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    await sandbox.control("PUT", "settings", {"mollie": {"balance_short": True}})
    own = f"{PAYMENTS}/{made['id']}/refunds"
    _, refund, _ = await call("POST", own, back("1.00"))
    sandbox.clock.move(DAY)
    _, later, _ = await call("GET", f"{own}/{refund['id']}")

    assert (refund["status"], later["status"]) == ("queued", "queued")


async def test_what_is_not_paid_cannot_be_refunded(call: Call) -> None:
    _, made, _ = await call("POST", PAYMENTS, BODY)
    status, answer, _ = await call("POST", f"{PAYMENTS}/{made['id']}/refunds", back("1.00"))

    assert (status, answer["title"]) == (422, "Unprocessable Entity")


# --- idempotency ----------------------------------------------------------------------------------------------------


async def test_a_key_replays_the_first_answer_for_an_hour(sandbox: Sandbox, call: Call) -> None:
    _, first, plain = await call("POST", PAYMENTS, BODY, Idempotency_Key="k1")
    await decide(sandbox, first)
    sandbox.clock.move(HOUR - 1)
    status, again, headers = await call("POST", PAYMENTS, BODY, Idempotency_Key="k1")
    sandbox.clock.move(1)
    _, other, _ = await call("POST", PAYMENTS, BODY, Idempotency_Key="k1")

    assert "Idempotent-Replayed" not in plain
    assert (status, headers["Idempotent-Replayed"]) == (201, "true")
    assert again == first  # as it was then: still open
    assert other["id"] != first["id"]


async def test_a_key_is_good_for_one_request_only(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    await call("POST", PAYMENTS, BODY, Idempotency_Key="k1")
    changed = await call("POST", PAYMENTS, {**BODY, "description": "Order A-2"}, Idempotency_Key="k1")
    elsewhere = await call("POST", f"{PAYMENTS}/{made['id']}/refunds", back("1.00"), Idempotency_Key="k1")

    assert (changed[0], elsewhere[0]) == (400, 400)


async def test_two_refunds_under_one_key_are_one(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    own = f"{PAYMENTS}/{made['id']}/refunds"
    first = await call("POST", own, back("1.00"), Idempotency_Key="r1")
    again = await call("POST", own, back("1.00"), Idempotency_Key="r1")

    assert (again[0], again[1]["id"]) == (201, first[1]["id"])
    assert len(await sandbox.effects("mollie")) == 2


async def test_two_at_once_under_one_key_do_not_both_run(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"mollie": {"processing_seconds": 0.2}})
    answers = await asyncio.gather(*(call("POST", PAYMENTS, BODY, Idempotency_Key="k1") for _ in range(2)))

    assert sorted(answer[0] for answer in answers) == [201, 409]
    assert (await call("GET", PAYMENTS))[1]["count"] == 1


async def test_a_refusal_is_not_kept_and_a_key_counts_for_post_alone(sandbox: Sandbox, call: Call) -> None:
    wrong = await call("POST", PAYMENTS, {**BODY, "description": None}, Idempotency_Key="k1")
    right = await call("POST", PAYMENTS, BODY, Idempotency_Key="k1")
    own = f"{PAYMENTS}/{right[1]['id']}"
    await call("PATCH", own, {"description": "one"}, Idempotency_Key="k1")
    changed = await call("PATCH", own, {"description": "two"}, Idempotency_Key="k1")

    assert (wrong[0], right[0], changed[1]["description"]) == (422, 201, "two")


async def test_a_payment_whose_answer_was_lost_is_found_again(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("mollie", "lost_answer", operation="create_payment")
    with pytest.raises(Exception, match="disconnected"):
        await call("POST", PAYMENTS, BODY, Idempotency_Key="k1")
    await sandbox.control("DELETE", "faults")
    _, listed, _ = await call("GET", PAYMENTS)
    _, again, headers = await call("POST", PAYMENTS, BODY, Idempotency_Key="k1")

    assert headers["Idempotent-Replayed"] == "true"
    assert [one["id"] for one in listed["_embedded"]["payments"]] == [again["id"]]
    assert listed["_embedded"]["payments"][0]["metadata"] == {"order_id": "A-1"}


# --- lists and the balance ------------------------------------------------------------------------------------------


async def test_from_is_the_first_item_shown(call: Call) -> None:
    ids = [(await call("POST", PAYMENTS, BODY))[1]["id"] for _ in range(5)][::-1]
    _, first, _ = await call("GET", f"{PAYMENTS}?limit=2")
    _, second, _ = await call("GET", first["_links"]["next"]["href"])
    _, last, _ = await call("GET", second["_links"]["next"]["href"])
    _, oldest, _ = await call("GET", f"{PAYMENTS}?limit=1&sort=asc")

    def shown(page: Any) -> list[str]:
        return [one["id"] for one in page["_embedded"]["payments"]]

    assert (shown(first), shown(second), shown(last)) == (ids[:2], ids[2:4], ids[4:])
    assert f"from={ids[2]}&limit=2" in first["_links"]["next"]["href"]
    assert (first["_links"]["previous"], last["_links"]["next"]) == (None, None)
    assert f"from={ids[0]}" in second["_links"]["previous"]["href"]
    assert shown(oldest) == [ids[-1]]


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=251", "limit"), ("from=tr_none", "from"), ("sort=up", "sort")]
)
async def test_a_list_that_cannot_be_is_a_400(call: Call, query: str, field: str) -> None:
    status, answer, _ = await call("GET", f"{PAYMENTS}?{query}")

    assert (status, answer["field"]) == (400, field)


async def test_the_balance_is_in_euros_and_what_leaves_is_negative(sandbox: Sandbox, call: Call) -> None:
    dollars = {**BODY, "amount": {"currency": "USD", "value": "100.00"}}
    made = await paid(sandbox, call, dollars)
    await call("POST", f"{PAYMENTS}/{made['id']}/refunds", back("100.00", currency="USD"))
    _, early, _ = await call("GET", "/v2/balances/primary/transactions?testmode=true", key=TOKEN)
    sandbox.clock.move(2 * HOUR)
    _, found, _ = await call("GET", "/v2/balances/primary/transactions?testmode=true", key=TOKEN)
    _, balance, _ = await call("GET", "/v2/balances/primary?testmode=true", key=TOKEN)
    refund, payment = found["_embedded"]["balance_transactions"]

    assert early["count"] == 1
    assert (payment["type"], payment["initialAmount"]) == ("payment", {"currency": "EUR", "value": "85.70"})
    assert (payment["deductions"]["value"], payment["resultAmount"]["value"]) == ("-1.79", "83.91")
    assert (refund["type"], refund["initialAmount"]["value"], refund["resultAmount"]["value"]) == (
        "refund",
        "-85.70",
        "-85.95",
    )
    assert balance["availableAmount"] == {"currency": "EUR", "value": "-2.04"}


# --- webhooks -------------------------------------------------------------------------------------------------------


async def deliveries(sandbox: Sandbox, secret: str) -> list[Any]:
    body = {"url": "https://quayside.example/webhooks/mollie", "secret": secret}
    made: list[Any] = (await sandbox.control("POST", "mollie/deliveries", body))["deliveries"]
    return made


async def test_events_are_signed_and_hold_the_object_as_it_was(sandbox: Sandbox, call: Call) -> None:
    held = await paid(sandbox, call, MANUAL)
    await call("POST", f"{PAYMENTS}/{held['id']}/captures", {})
    sandbox.clock.move(2)
    await call("GET", f"{PAYMENTS}/{held['id']}")
    made = await deliveries(sandbox, "whsec")

    assert [one["type"] for one in made] == ["payment.authorized", "capture.succeeded", "payment.paid"]
    for one in made:
        assert SignatureValidator.validate(one["body"], "whsec", one["headers"]["X-Mollie-Signature"])
    first = json.loads(made[0]["body"])
    assert (first["entityId"], first["_embedded"]["entity"]["status"]) == (held["id"], "authorized")


async def test_a_classic_webhook_is_an_unsigned_form_with_the_payments_id(sandbox: Sandbox, call: Call) -> None:
    made = await paid(sandbox, call)
    await call("POST", f"{PAYMENTS}/{made['id']}/refunds", back("1.00"))
    sandbox.clock.move(2 * HOUR + DAY)
    await call("GET", f"{PAYMENTS}/{made['id']}")
    found = await deliveries(sandbox, "")

    assert [one["type"] for one in found] == ["payment.paid", "refund.refunded"]
    assert [one["body"] for one in found] == [f"id={made['id']}"] * 2
    assert all("X-Mollie-Signature" not in one["headers"] for one in found)


# --- the ready state, quotas, faults --------------------------------------------------------------------------------


async def test_samples_are_there_for_each_step_and_are_no_effects(sandbox: Sandbox, call: Call) -> None:
    ids = (samples.OPEN, samples.AUTHORIZED, samples.PAID)
    statuses = [(await call("GET", f"{PAYMENTS}/{id}"))[1]["status"] for id in ids]
    before = await sandbox.effects("mollie")
    capture = await call("POST", f"{PAYMENTS}/{samples.AUTHORIZED}/captures", {})
    refund = await call("POST", f"{PAYMENTS}/{samples.PAID}/refunds", back("1.00"))

    assert statuses == ["open", "authorized", "paid"]
    assert before == []
    assert (capture[0], refund[0]) == (201, 201)


async def test_too_many_requests_are_refused_without_a_time_to_wait(start: Start, call: Call) -> None:
    sandbox = await start("mollie", settings={"mollie": {"quotas": [["requests", 1, 60]]}})
    url = f"{sandbox.url}/mollie{PAYMENTS}"
    await call("GET", url)
    status, answer, headers = await call("GET", url)
    other = await call("GET", url, key="test_other")

    assert (status, answer["title"], "Retry-After" in headers) == (429, "Too Many Requests", False)
    assert other[0] == 200


async def test_faults_speak_as_mollie_does(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("mollie", "status:502", operation="create_payment")
    down = await call("POST", PAYMENTS, BODY)
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("mollie", "schema", operation="get_payment")
    broken = await call("GET", f"{PAYMENTS}/{samples.PAID}")

    assert (down[0], down[1]["status"], down[1]["title"]) == (502, 502, "Bad Gateway")
    assert (broken[0], "status" in broken[1]) == (200, False)
