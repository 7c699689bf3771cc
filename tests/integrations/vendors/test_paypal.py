"""PayPal's adapter against its contracts and official client, its recorded errors and the traps of its interface."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import requests
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient
from requests.adapters import HTTPAdapter

from integrations.adapter import Delivery
from integrations.errors import DeliveryRefused, Fault, HttpFailed, InvalidInput, SchemaDrift, Unsupported
from integrations.outcome import Request, Response
from integrations.types.base import Money
from integrations.vendors.paypal import Paypal
from integrations.vendors.paypal.declaration import EVENT_STATUSES, VENDOR
from integrations.vendors.paypal.messages import CURRENCIES, money, request_id
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.openapi import document, problems, unknown_fields, unpublished
from tests.integrations.vendors.wire import Wire, on_the_wire

CREATE, CAPTURE, CANCEL, GET, REFUND, LIST = (dict(operation.example) for operation in VENDOR.operations)
AMOUNT = {"currency_code": "USD", "value": "109.90"}
WEBHOOK = "https://shop.example/webhooks/paypal"


def an_order(status: str = "COMPLETED", intent: str = "CAPTURE", **payments: Any) -> dict[str, Any]:
    unit = {"reference_id": "default", "invoice_id": "EXAMPLE-3101", "amount": AMOUNT, "payments": payments}
    return {"id": "5O190127TN364715T", "status": status, "intent": intent, "purchase_units": [unit], "links": []}


def part(id: str, status: str, value: str = "109.90", **more: Any) -> dict[str, Any]:
    return {"id": id, "status": status, "amount": {"currency_code": "USD", "value": value}, **more}


CREATED = {
    **an_order("PAYER_ACTION_REQUIRED"),
    "links": [{"href": "https://paypal.example/checkoutnow?token=5O19", "rel": "payer-action", "method": "GET"}],
}
APPROVED = an_order("APPROVED")
HELD = an_order("COMPLETED", "AUTHORIZE", authorizations=[part("AUTH1", "CREATED")])
PAID = an_order(captures=[part("CAP1", "COMPLETED")])


def refused(issue: str, status: int = 422, **more: Any) -> Response:
    detail = {"issue": issue, "description": "The value ada@example.com is bad.", **more}
    return answer({"name": "UNPROCESSABLE_ENTITY", "debug_id": "90957fca61718", "details": [detail]}, status)


@pytest.fixture
def adapter() -> Paypal:
    made = adapter_with_sandbox_credentials(Paypal)
    assert isinstance(made, Paypal)
    return made


# --- what we send, held against the contracts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"capture": False, "return_url": ""},
        {"payment_method": "8kk8451t"},
        {"payment_method": "paypal:8kk8451t"},
        {"amount": {"amount": "2500", "currency": "JPY"}},
    ],
    ids=["buyer goes to PayPal", "no source", "saved card", "saved wallet", "no decimals"],
)
async def test_an_order_keeps_to_the_published_contract(adapter: Paypal, changed: dict[str, Any]) -> None:
    published = document(contract("paypal/checkout_orders_v2.json"))
    exchange = FakeExchange(adapter, "create_payment", [answer(CREATED, 201)])
    await run(adapter, exchange, {**CREATE, **changed})
    schema = {"$ref": "#/components/schemas/order_request"}

    assert exchange.last.path in published["paths"]
    assert problems(published, schema, exchange.last.json) == []
    assert unknown_fields(published, schema, exchange.last.json) == []


async def test_a_read_has_no_request_id_because_paypal_knows_none_there(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(PAID)])
    await run(adapter, exchange, GET)

    assert exchange.last.method == "GET"
    assert "paypal-request-id" not in exchange.last.headers


async def test_captures_and_refunds_keep_to_the_published_contract(adapter: Paypal) -> None:
    published = document(contract("paypal/payments_payment_v2.json"))
    some = {"amount": "5.00", "currency": "USD"}
    capture = FakeExchange(
        adapter, "capture_payment", [answer(HELD), answer(part("CAP1", "COMPLETED"), 201), answer(PAID)]
    )
    await run(adapter, capture, {**CAPTURE, "amount": some})
    refund = FakeExchange(adapter, "refund_payment", [answer(PAID), answer(part("R1", "COMPLETED"), 201), answer(PAID)])
    await run(adapter, refund, REFUND)
    sent = {"capture": capture.requests[1], "refund": refund.requests[1]}

    for name, request in sent.items():
        schema = {"$ref": f"#/components/schemas/{name}_request"}
        assert problems(published, schema, request.json) == []
        assert unknown_fields(published, schema, request.json) == []
    assert sent["capture"].path == "/v2/payments/authorizations/AUTH1/capture"
    assert sent["refund"].path == "/v2/payments/captures/CAP1/refund"


async def test_letting_go_keeps_to_the_published_contract(adapter: Paypal) -> None:
    published = document(contract("paypal/payments_payment_v2.json"))
    voided = an_order("COMPLETED", "AUTHORIZE", authorizations=[part("AUTH1", "VOIDED")])
    exchange = FakeExchange(adapter, "cancel_payment", [answer(HELD), answer(part("AUTH1", "VOIDED")), answer(voided)])
    payment = await run(adapter, exchange, CANCEL)
    sent = exchange.requests[1]

    assert payment.status == "failed"
    assert (sent.method, sent.path) == ("POST", "/v2/payments/authorizations/AUTH1/void")
    assert unpublished(published, sent) == []
    assert (sent.json, dict(sent.headers)) == (
        None,
        {"prefer": "return=representation"},
    )  # no id: the contract has none


@pytest.mark.parametrize(
    ("found", "error", "says"),
    [
        (PAID, InvalidInput, "refund it"),
        (CREATED, Unsupported, "lapses by itself"),
        (APPROVED, Unsupported, "lapses by itself"),
    ],
    ids=["captured", "not approved", "approved"],
)
async def test_what_cannot_be_let_go_is_said_before_it_is_sent(
    adapter: Paypal, found: dict[str, Any], error: type[InvalidInput], says: str
) -> None:
    exchange = FakeExchange(adapter, "cancel_payment", [answer(found)])
    with pytest.raises(error, match=says) as caught:
        await run(adapter, exchange, CANCEL)

    assert (caught.value.field, len(exchange.requests)) == ("payment_id", 1)


async def test_what_was_voided_before_is_the_result(adapter: Paypal) -> None:
    voided = an_order("COMPLETED", "AUTHORIZE", authorizations=[part("AUTH1", "VOIDED")])
    known = FakeExchange(adapter, "cancel_payment", [answer(voided)])
    told = FakeExchange(adapter, "cancel_payment", [answer(HELD), refused("PREVIOUSLY_VOIDED"), answer(voided)])
    first, second = await run(adapter, known, CANCEL), await run(adapter, told, CANCEL)

    assert (first.status, second.status) == ("failed", "failed")
    assert [request.method for request in known.requests] == ["GET"]


async def test_an_order_is_read_at_the_published_path(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(PAID)])
    await run(adapter, exchange, GET)

    assert unpublished(document(contract("paypal/checkout_orders_v2.json")), exchange.last) == []


async def test_a_report_is_asked_for_with_published_parameters(adapter: Paypal) -> None:
    published = document(contract("paypal/reporting_transactions_v1.json"))
    exchange = FakeExchange(adapter, "list_transactions", [answer({"transaction_details": [], "total_pages": 1})])
    await run(adapter, exchange, LIST)
    [get] = [item["get"] for path, item in published["paths"].items() if path.endswith("/transactions")]
    known = {
        parameter.get("name") or published["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]["name"]
        for parameter in get["parameters"]
    }

    assert {name for name, _ in exchange.last.query} <= known
    assert exchange.last.path == "/v1/reporting/transactions"  # the server's address in that file repeats a part of it


async def test_a_token_is_asked_for_by_basic_and_a_form(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer({"access_token": "t", "expires_in": 32_400})])
    access = await adapter.sign_in(exchange)
    request = exchange.last

    assert (
        b64decode(request.headers["authorization"].removeprefix("Basic "))
        == b"quayside-paypal-client:quayside-paypal-secret"
    )
    assert body_of(request) == b"grant_type=client_credentials"
    assert (access.headers, access.expires_in) == ({"authorization": "Bearer t"}, 32_400)


async def test_every_write_carries_an_id_of_its_own_and_the_same_one_again(adapter: Paypal) -> None:
    async def ids() -> list[str]:
        answers = [answer(APPROVED | {"intent": "AUTHORIZE"}), answer(HELD, 201), answer(HELD)]
        answers += [answer(part("CAP1", "COMPLETED"), 201), answer(PAID)]
        exchange = FakeExchange(adapter, "capture_payment", answers, idempotency_key="k" * 200)
        await run(adapter, exchange, CAPTURE)
        return [one.headers["paypal-request-id"] for one in exchange.requests if one.method == "POST"]

    first, again = await ids(), await ids()

    assert first == again
    assert len(set(first)) == 2
    assert all(len(id) <= 108 for id in first)


def test_a_short_key_is_sent_as_it_is() -> None:
    assert request_id("payment-A-1", ".capture") == "payment-A-1.capture"


@pytest.mark.parametrize(
    ("amount", "currency", "value"), [("10", "USD", "10.00"), ("2500", "JPY", "2500"), ("999", "HUF", "999")]
)
def test_money_is_text_with_the_decimals_paypal_wants(amount: str, currency: str, value: str) -> None:
    assert money(Money(amount=Decimal(amount), currency=currency)) == {"currency_code": currency, "value": value}


def test_a_currency_paypal_does_not_take_is_unsupported() -> None:
    assert "KWD" not in CURRENCIES
    with pytest.raises(Unsupported, match="takes no payments in KWD") as caught:
        money(Money(amount=Decimal("7.125"), currency="KWD"))

    assert caught.value.field == "amount.currency"


def test_decimals_where_paypal_has_none_are_refused() -> None:
    with pytest.raises(InvalidInput, match="HUF without decimals"):
        money(Money(amount=Decimal("9.50"), currency="HUF"))


# --- what comes back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (CREATED, "requires_action"),
        (APPROVED, "pending"),
        (an_order("VOIDED"), "failed"),
        (HELD, "authorized"),
        (an_order("COMPLETED", "AUTHORIZE", authorizations=[part("A", "DENIED")]), "declined"),
        (an_order("COMPLETED", "AUTHORIZE", authorizations=[part("A", "VOIDED")]), "failed"),
        (PAID, "captured"),
        (an_order(captures=[part("C", "PENDING")]), "pending"),
        (an_order(captures=[part("C", "DECLINED")]), "declined"),
        (an_order(captures=[part("C", "FAILED")]), "failed"),
        (
            an_order(captures=[part("C", "PARTIALLY_REFUNDED")], refunds=[part("R", "COMPLETED", "5.00")]),
            "partially_refunded",
        ),
        (an_order(captures=[part("C", "REFUNDED")], refunds=[part("R", "COMPLETED")]), "refunded"),
    ],
)
async def test_a_completed_order_says_nothing_its_captures_do(
    adapter: Paypal, found: dict[str, Any], status: str
) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(found)])

    assert (await run(adapter, exchange, GET)).status == status


async def test_the_buyer_is_sent_to_the_link_of_the_answer(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(CREATED, 201)])
    made = await run(adapter, exchange, CREATE)

    assert made.next_action.url == "https://paypal.example/checkoutnow?token=5O19"
    assert exchange.last.headers["prefer"] == "return=representation"


async def test_a_repeated_creation_may_answer_200(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(PAID, 200)])

    assert (await run(adapter, exchange, CREATE)).status == "captured"


@pytest.mark.parametrize("issue", ["INSTRUMENT_DECLINED", "CARD_EXPIRED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED"])
async def test_a_refused_instrument_is_a_result(adapter: Paypal, issue: str) -> None:
    exchange = FakeExchange(adapter, "create_payment", [refused(issue)])
    made = await run(adapter, exchange, CREATE)

    assert (made.status, made.decline_code, made.reference) == ("declined", issue.lower(), "EXAMPLE-3101")


async def test_what_was_captured_before_is_the_result(adapter: Paypal) -> None:
    before = FakeExchange(adapter, "capture_payment", [answer(PAID)])
    meanwhile = FakeExchange(
        adapter, "capture_payment", [answer(APPROVED), refused("ORDER_ALREADY_CAPTURED"), answer(PAID)]
    )

    assert (await run(adapter, before, CAPTURE)).status == "captured"
    assert (await run(adapter, meanwhile, CAPTURE)).status == "captured"
    assert len(before.requests) == 1


async def test_a_part_of_an_order_is_not_captured(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [answer(APPROVED)])
    with pytest.raises(Unsupported, match="captures an order of this intent whole"):
        await run(adapter, exchange, {**CAPTURE, "amount": {"amount": "5.00", "currency": "USD"}})


async def test_what_was_not_captured_cannot_be_refunded(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "refund_payment", [answer(HELD)])
    with pytest.raises(InvalidInput, match="was not captured") as caught:
        await run(adapter, exchange, REFUND)

    assert caught.value.field == "payment_id"


async def test_a_report_longer_than_a_month_is_read_month_by_month(adapter: Paypal) -> None:
    empty = {"transaction_details": [], "total_pages": 1}
    exchange = FakeExchange(
        adapter, "list_transactions", [answer({**empty, "total_pages": 2}), answer(empty), answer(empty)]
    )
    since = (NOON - timedelta(days=40)).isoformat()
    first = await run(adapter, exchange, {"since": since})
    second = await run(adapter, exchange, {"since": since, "cursor": first.next_cursor})
    third = await run(adapter, exchange, {"since": since, "cursor": second.next_cursor})
    asked = [dict(request.query) for request in exchange.requests]

    assert [(one["start_date"], one["end_date"], one["page"]) for one in asked] == [
        ("2026-08-31T12:00:00Z", "2026-10-01T12:00:00Z", "1"),
        ("2026-08-31T12:00:00Z", "2026-10-01T12:00:00Z", "2"),
        ("2026-08-22T12:00:00Z", "2026-08-31T12:00:00Z", "1"),
    ]
    assert third.next_cursor == ""


async def test_a_cursor_of_somebody_elses_is_refused(adapter: Paypal) -> None:
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, FakeExchange(adapter, "list_transactions"), {"cursor": "txn_1"})

    assert caught.value.field == "cursor"


async def test_fees_come_negative_and_ids_are_told_apart_by_their_kind(adapter: Paypal) -> None:
    info = {
        "transaction_id": "T1",
        "paypal_reference_id": "5O19",
        "transaction_event_code": "T0006",
        "transaction_initiation_date": "2026-10-01T05:00:00-0700",
        "transaction_amount": {"currency_code": "USD", "value": "109.90"},
        "fee_amount": {"currency_code": "USD", "value": "-3.68"},
        "transaction_status": "S",
        "invoice_id": "EXAMPLE-3101",
    }
    body = {"transaction_details": [{"transaction_info": info}], "total_pages": 1}
    exchange = FakeExchange(adapter, "list_transactions", [answer(body)])
    [found] = (await run(adapter, exchange, LIST)).transactions

    assert (found.transaction_id, found.reference) == ("T1:T0006", "EXAMPLE-3101")
    assert (str(found.fee.amount), str(found.net.amount)) == ("3.68", "106.22")
    assert found.created_at == NOON


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "counts"),
    [
        (refused("DUPLICATE_INVOICE_ID"), "duplicate_invoice_id", "ours", False, False),
        (refused("ORDER_NOT_APPROVED"), "order_not_approved", "ours", False, False),
        (refused("REFUND_AMOUNT_EXCEEDED"), "refund_amount_exceeded", "ours", False, False),
        (refused("SOMETHING_NEW"), "invalid_request", "ours", False, False),
        (refused("PERMISSION_DENIED", 403), "permission_denied", "configuration", False, False),
        (refused("PREVIOUS_REQUEST_IN_PROGRESS", 409), "conflict", "theirs", True, False),
        (refused("ORDER_COMPLETION_IN_PROGRESS"), "conflict", "theirs", True, False),
        (answer({"name": "RATE_LIMIT_REACHED"}, 429, {"Retry-After": "7"}), "rate_limited", "ours", True, False),
        (answer({"error": "invalid_token"}, 401), "unauthorized", "configuration", False, False),
        (answer({"name": "RESOURCE_NOT_FOUND", "details": []}, 404), "not_found", "ours", False, False),
        (answer({"name": "INTERNAL_SERVER_ERROR"}, 500), "http_500", "theirs", True, True),
        (answer("<html>", 503, content_type="text/html"), "http_503", "theirs", True, True),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: Paypal, response: Response, error_type: str, fault: Fault, retryable: bool, counts: bool
) -> None:
    exchange = FakeExchange(adapter, "create_payment", [response])
    with pytest.raises(HttpFailed) as caught:
        await run(adapter, exchange, CREATE)
    verdict = adapter.classify(exchange.last, response)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)
    assert verdict is not None
    assert verdict.counts is counts
    assert "ada@example.com" not in caught.value.message


def test_a_client_that_is_refused_is_named(adapter: Paypal) -> None:
    request = Request(method="POST", path="/v1/oauth2/token")
    verdict = adapter.classify(request, answer({"error": "invalid_client"}, 401))

    assert verdict is not None
    assert (verdict.error_type, verdict.fault) == ("unauthorized", "configuration")
    assert "QUAYSIDE_PAYPAL_CLIENT_SECRET" in verdict.message


async def test_a_field_that_is_refused_is_named(adapter: Paypal) -> None:
    response = refused("DECIMAL_PRECISION", 400, field="/purchase_units/0/amount/value")
    with pytest.raises(HttpFailed, match=r"at /purchase_units/0/amount/value: the amount has too many decimals"):
        await run(adapter, FakeExchange(adapter, "create_payment", [response]), CREATE)


@pytest.mark.parametrize("body", [b"{}", b'{"id":"1","status":"CREATED","purchase_units":[]}', b"<html>"])
async def test_an_answer_that_is_no_order_is_drift(adapter: Paypal, body: bytes) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "create_payment", [answer(body, 201)]), CREATE)


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def approve(wire: Wire, id: str) -> None:
    url = f"{wire.url}/paypal/checkoutnow?token={id}"
    async with wire.client.post(url, data={"outcome": "approve"}, allow_redirects=False) as answered:
        assert answered.status < 400


async def test_the_buyer_approves_and_we_capture_and_refund() -> None:
    async with on_the_wire("paypal") as wire:
        made = await wire.call("create_payment", CREATE, "k-1")
        await approve(wire, made.payment_id)
        taken = await wire.call("capture_payment", {"reference": "c", "payment_id": made.payment_id}, "k-2")
        some = {"amount": "9.90", "currency": "USD"}
        part_of_it = {"reference": "r-1", "payment_id": made.payment_id, "amount": some}
        partly = await wire.call("refund_payment", part_of_it, "k-3")
        again = await wire.call("refund_payment", part_of_it, "k-3")
        wholly = await wire.call("refund_payment", {"reference": "r-2", "payment_id": made.payment_id}, "k-4")
        effects = await wire.effects()

    states = [made, taken, partly, again, wholly]
    assert [one.status for one in states] == [
        "requires_action",
        "captured",
        "partially_refunded",
        "partially_refunded",
        "refunded",
    ]
    assert str(wholly.refunded.amount) == "109.90"
    assert [effect["kind"] for effect in effects if effect["kind"] == "refund"] == ["refund", "refund"]


async def test_an_authorization_is_held_and_captured_in_part() -> None:
    async with on_the_wire("paypal") as wire:
        held = await wire.call(
            "create_payment", {**CREATE, "capture": False, "payment_method": "paypal:8kk8451t"}, "k-1"
        )
        some = {"amount": "50.00", "currency": "USD"}
        taken = await wire.call(
            "capture_payment", {"reference": "c", "payment_id": held.payment_id, "amount": some}, "k-2"
        )

    assert (held.status, taken.status, str(taken.captured.amount)) == ("authorized", "captured", "50.00")


async def test_a_lost_answer_to_a_void_is_settled_by_asking_again() -> None:
    async with on_the_wire("paypal") as wire:
        lost = {"vendor": "paypal", "operation": "cancel_payment", "fault": "lost_answer"}
        await wire.control("POST", "faults", [lost])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("cancel_payment", CANCEL, "k-1")
        await wire.control("DELETE", "faults")
        done = await wire.call("cancel_payment", CANCEL, "k-1")
        with pytest.raises(HttpFailed) as caught:
            await wire.call("capture_payment", {"reference": "r", "payment_id": CANCEL["payment_id"]}, "k-2")
        effects = await wire.effects()

    assert (done.status, done.captured.amount) == ("failed", 0)
    assert [effect["kind"] for effect in effects] == ["void"]
    assert caught.value.error_type == "authorization_voided"


@pytest.mark.parametrize(("amount", "currency"), [("109.90", "USD"), ("2500", "JPY")])
async def test_a_saved_card_pays_at_once_and_once(amount: str, currency: str) -> None:
    value = {**CREATE, "payment_method": "8kk8451t", "amount": {"amount": amount, "currency": currency}}
    async with on_the_wire("paypal") as wire:
        first = await wire.call("create_payment", value, "k-1")
        again = await wire.call("create_payment", value, "k-1")
        effects = await wire.effects()

    assert (first.status, again.payment_id) == ("captured", first.payment_id)
    assert len([effect for effect in effects if effect["kind"] == "capture"]) <= 1
    assert len({effect["id"] for effect in effects}) == len(effects)


async def test_after_six_hours_the_invoice_keeps_a_payment_from_being_made_twice() -> None:
    value = {**CREATE, "payment_method": "8kk8451t"}
    async with on_the_wire("paypal") as wire:
        await wire.call("create_payment", value, "k-1")
        wire.time += 7 * 3600
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_payment", value, "k-1")

    assert caught.value.error_type == "duplicate_invoice_id"


async def test_a_lost_answer_is_asked_for_again_under_the_same_id() -> None:
    value = {**CREATE, "payment_method": "8kk8451t"}
    async with on_the_wire("paypal") as wire:
        await wire.control(
            "POST", "faults", [{"vendor": "paypal", "operation": "create_payment", "fault": "lost_answer"}]
        )
        with pytest.raises(aiohttp.ClientError):
            await wire.call("create_payment", value, "k-1")
        await wire.control("DELETE", "faults")
        found = await wire.call("create_payment", value, "k-1")
        effects = await wire.effects()

    assert found.status == "captured"
    assert len({effect["id"] for effect in effects}) == len(effects)


async def test_what_was_paid_is_reported_three_hours_later() -> None:
    async with on_the_wire("paypal") as wire:
        await wire.call("create_payment", {**CREATE, "payment_method": "8kk8451t"}, "k-1")
        before = await wire.call("list_transactions", {})
        wire.time += 4 * 3600
        after = await wire.call("list_transactions", {})

    assert before.transactions == ()
    assert {one.reference for one in after.transactions} == {"EXAMPLE-3101"}


async def test_a_bad_secret_is_configuration() -> None:
    async with on_the_wire("paypal") as wire:
        wire.adapter = Paypal({"CLIENT_ID": "c", "CLIENT_SECRET": "invalid"})
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_payment", GET)

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_one_request_too_many_is_waited_for() -> None:
    async with on_the_wire("paypal") as wire:
        await wire.control(
            "POST", "faults", [{"vendor": "paypal", "operation": "get_payment", "fault": "rate_limit:9"}]
        )
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_payment", GET)

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)


# --- webhooks ----------------------------------------------------------------------------------------------------------


async def delivered(wire: Wire) -> list[Delivery]:
    webhook_id = "8PT597110X687430LKGECATA"
    found = await wire.control("POST", "paypal/deliveries", {"url": WEBHOOK, "secret": webhook_id})
    return [
        Delivery(
            url=WEBHOOK,
            headers={name.lower(): value for name, value in one["headers"].items()},
            body=one["body"].encode(),
            received_at=datetime.fromtimestamp(wire.time, UTC),
        )
        for one in found["deliveries"]
    ]


async def test_events_are_proven_by_asking_paypal_with_the_body_as_it_came() -> None:
    async with on_the_wire("paypal") as wire:
        made = await wire.call("create_payment", {**CREATE, "payment_method": "8kk8451t"}, "k-1")
        told = [
            event
            for one in await delivered(wire)
            for event in await wire.adapter.receive(wire.exchange("get_payment"), one)
        ]

    taken = next(one for one in told if one.type == "PAYMENT.CAPTURE.COMPLETED")
    assert (taken.reference, taken.data) == ("EXAMPLE-3101", {"status": "captured"})
    assert taken.resource == made.payment_id
    assert {one.type for one in told} & set(EVENT_STATUSES)


async def test_a_delivery_that_is_not_paypals_is_refused() -> None:
    async with on_the_wire("paypal") as wire:
        await wire.call("create_payment", {**CREATE, "payment_method": "8kk8451t"}, "k-1")
        one = (await delivered(wire))[-1]
        changed = json.loads(one.body) | {"id": "WH-0"}
        forged = [
            replace(one, body=json.dumps(changed).encode()),
            replace(one, headers={**one.headers, "paypal-cert-url": "https://paypal.com.example/cert"}),
            replace(
                one, headers={name: text for name, text in one.headers.items() if name != "paypal-transmission-sig"}
            ),
            replace(one, received_at=one.received_at + timedelta(days=4)),
        ]
        for delivery in forged:
            with pytest.raises(DeliveryRefused):
                await wire.adapter.receive(wire.exchange("get_payment"), delivery)


# --- beside the official client ----------------------------------------------------------------------------------------


class Recorded(HTTPAdapter):
    """Notes what the official client would send and answers for PayPal."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.sent.append(request)
        answered = requests.Response()
        answered.status_code, answered.request, answered.url = 200, request, request.url or ""
        body = {"access_token": "t", "token_type": "Bearer", "expires_in": 32_400}
        answered._content = json.dumps(body if "oauth2" in (request.url or "") else CREATED).encode()
        answered.headers["content-type"] = "application/json"
        return answered


async def test_create_is_what_the_official_client_sends(adapter: Paypal) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(CREATED, 201)], idempotency_key="k1")
    await run(adapter, exchange, CREATE)
    token = FakeExchange(adapter, "get_payment", [answer({"access_token": "t", "expires_in": 1})])
    await adapter.sign_in(token)
    recorded, session = Recorded(), requests.Session()
    session.mount("https://", recorded)
    client = PaypalServersdkClient(
        http_client_instance=session,
        override_http_client_configuration=False,
        client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
            o_auth_client_id="quayside-paypal-client",
            o_auth_client_secret="quayside-paypal-secret",
        ),
    )
    wanted = {"body": exchange.last.json, "paypal_request_id": "k1", "prefer": "return=representation"}
    await asyncio.to_thread(client.orders.create_order, wanted)
    theirs_token, theirs = recorded.sent

    assert theirs_token.url is not None
    assert theirs_token.url.endswith(token.last.path)
    assert theirs_token.headers["authorization"] == token.last.headers["authorization"]
    assert theirs.method == exchange.last.method
    assert theirs.url is not None
    assert theirs.url.endswith(exchange.last.path)
    assert isinstance(theirs.body, bytes | str)
    assert json.loads(theirs.body) == exchange.last.json
    named = {name.lower(): value for name, value in theirs.headers.items()}
    assert {name: named[name] for name in exchange.last.headers} == dict(exchange.last.headers)
