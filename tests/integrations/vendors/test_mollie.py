"""Mollie's adapter against its contract and official client, its recorded errors and the traps of its interface."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import aiohttp
import httpx
import mollie
import pytest

from integrations.adapter import Delivery
from integrations.errors import (
    DeliveryRefused,
    Fault,
    HttpFailed,
    InvalidInput,
    MissingCredential,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Response
from integrations.types.base import Money
from integrations.vendors.mollie import Mollie
from integrations.vendors.mollie.declaration import STATUSES, VENDOR
from integrations.vendors.mollie.messages import money
from tests.integrations.sandbox.test_mollie import document, spec
from tests.integrations.vendors.exchange import NOON, FakeExchange, adapter_with_sandbox_credentials, answer, run
from tests.integrations.vendors.openapi import problems, unknown_fields, unpublished
from tests.integrations.vendors.wire import Wire, on_the_wire

CREATE, CAPTURE, CANCEL, GET, REFUND, LIST = (dict(operation.example) for operation in VENDOR.operations)
EURO = {"currency": "EUR", "value": "109.90"}
CHECKOUT = {"checkout": {"href": "https://mollie.example/checkout/1", "type": "text/html"}}
WEBHOOK = "https://shop.example/webhooks/mollie"
SECRET = "mollie-webhook-secret"


def found(status: str = "open", **more: Any) -> dict[str, Any]:
    body = {"resource": "payment", "id": "tr_1", "status": status, "amount": EURO, "_links": {}}
    return {**body, "metadata": {"reference": "EXAMPLE-3201"}, **more}


def amount(value: str, currency: str = "EUR") -> dict[str, str]:
    return {"currency": currency, "value": value}


OPEN, HELD, PAID = found(_links=CHECKOUT), found("authorized"), found("paid", amountCaptured=EURO)
GONE = found("canceled")
NO_REFUNDS = {"count": 0, "_embedded": {"refunds": []}, "_links": {"next": None}}


def refused(status: int, detail: str = "ada@example.com is wrong", **more: Any) -> Response:
    return answer(
        {"status": status, "title": "…", "detail": detail, **more}, status, content_type="application/hal+json"
    )


@pytest.fixture
def adapter() -> Mollie:
    made = adapter_with_sandbox_credentials(Mollie)
    assert isinstance(made, Mollie)
    return made


def with_settings(**changed: str) -> Mollie:
    return Mollie({**{one.name: one.sandbox or one.default for one in VENDOR.credentials}, **changed})


# --- what we send, held against the contract ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [{}, {"capture": False}, {"payment_method": "ideal"}, {"payment_method": "tkn_abc"}, {"amount": amount("2500")}],
    ids=["paid on their page", "held", "a method", "a card's token", "yen"],
)
async def test_a_payment_keeps_to_the_published_contract(adapter: Mollie, changed: dict[str, Any]) -> None:
    if "amount" in changed:
        changed = {"amount": {"amount": "2500", "currency": "JPY"}}
    exchange = FakeExchange(adapter, "create_payment", [answer(OPEN, 201)])
    await run(adapter, exchange, {**CREATE, **changed})

    assert exchange.last.path == "/v2/payments"
    spec().check_request("POST", "/v2/payments", exchange.last.json)


@pytest.mark.parametrize(
    ("operation", "value", "replies"),
    [
        ("get_payment", GET, [answer(PAID)]),
        ("list_transactions", {**LIST, "cursor": "baltr_1"}, [answer({"_embedded": {"balance_transactions": []}})]),
        ("refund_payment", REFUND, [answer(NO_REFUNDS), answer({"id": "re_1"}, 201), answer(PAID)]),
        ("capture_payment", CAPTURE, [answer(HELD), answer({"id": "cpt_1"}, 201), answer(PAID)]),
        ("cancel_payment", CANCEL, [answer(HELD), answer(None, 202), answer(HELD)]),
        ("cancel_payment", CANCEL, [answer(OPEN), answer(GONE), answer(GONE)]),
    ],
)
async def test_what_is_asked_for_is_published(
    adapter: Mollie, operation: str, value: dict[str, Any], replies: list[Response]
) -> None:
    exchange = FakeExchange(adapter, operation, replies)
    await run(adapter, exchange, value)

    assert [unpublished(document(), request) for request in exchange.requests] == [[] for _ in exchange.requests]


async def test_captures_and_refunds_keep_to_the_published_contract(adapter: Mollie) -> None:
    capture = FakeExchange(adapter, "capture_payment", [answer(HELD), answer({"id": "cpt_1"}, 201), answer(PAID)])
    await run(adapter, capture, {**CAPTURE, "amount": {"amount": "5.00", "currency": "EUR"}})
    refund = FakeExchange(adapter, "refund_payment", [answer(NO_REFUNDS), answer({"id": "re_1"}, 201), answer(PAID)])
    await run(adapter, refund, REFUND)

    spec().check_request("POST", "/v2/payments/{paymentId}/captures", capture.requests[1].json)
    # In the file a refund to be made also "requires" what Mollie alone sets; of OpenAPI's rules that holds for answers.
    of_mollie = dict.fromkeys(("resource", "id", "mode", "status", "createdAt", "paymentId", "_links"))
    fields = document()["components"]["schemas"]["entity-refund"]
    assert set(fields["required"]) - set(of_mollie) <= set(refund.requests[1].json)
    assert problems(document(), {**fields, "required": ["amount"]}, refund.requests[1].json) == []
    assert unknown_fields(document(), fields, refund.requests[1].json) == []
    assert capture.requests[1].path == "/v2/payments/tr_sandboxauthorized/captures"
    assert [one.headers.get("idempotency-key") for one in refund.requests] == [None, "key-1", None]


async def test_letting_go_keeps_to_the_published_contract(adapter: Mollie) -> None:
    release = FakeExchange(adapter, "cancel_payment", [answer(HELD), answer(None, 202), answer(HELD)])
    held = await run(adapter, release, CANCEL)
    cancel = FakeExchange(adapter, "cancel_payment", [answer(OPEN), answer(GONE), answer(GONE)])
    gone = await run(adapter, cancel, CANCEL)
    sent = [exchange.requests[1] for exchange in (release, cancel)]

    spec().check_request("POST", "/v2/payments/{paymentId}/release-authorization", sent[0].json)
    assert [(one.method, one.path) for one in sent] == [
        ("POST", "/v2/payments/tr_sandboxheld/release-authorization"),
        ("DELETE", "/v2/payments/tr_sandboxheld"),
    ]
    assert [one.headers["idempotency-key"] for one in sent] == ["key-1", "key-1"]
    assert (held.status, held.message) == ("pending", "The release is under way.")
    assert gone.status == "failed"


async def test_cancelling_is_what_the_official_client_sends(adapter: Mollie) -> None:
    sent: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(422, json={"status": 422, "title": "t", "detail": "d", "_links": {}})

    client = mollie.ClientSDK(
        security=mollie.Security(api_key="test_quayside0123456789012345678901234"),
        client=httpx.Client(transport=httpx.MockTransport(note)),
    )
    for state, act in ((HELD, client.payments.release_authorization), (OPEN, client.payments.cancel)):
        exchange = FakeExchange(adapter, "cancel_payment", [answer(state), answer(None, 202), answer(GONE)])
        await run(adapter, exchange, {"payment_id": "tr_1"})
        with pytest.raises(mollie.models.APIError):
            act(payment_id="tr_1", idempotency_key="key-1")
        theirs, ours = sent.pop(), exchange.requests[1]

        assert (theirs.method, theirs.url.path) == (ours.method, ours.path)
        assert theirs.headers["authorization"] == exchange.authorised[1]["authorization"]
        assert theirs.headers["idempotency-key"] == ours.headers["idempotency-key"]
        assert theirs.content in (b"", b"{}")  # nothing but what belongs to an organisation's token


@pytest.mark.parametrize(
    ("replies", "error", "says"),
    [
        ([answer(PAID)], InvalidInput, "refund it"),
        ([answer(OPEN), refused(422), answer(OPEN)], Unsupported, "expires by itself"),
        ([answer(HELD), refused(422), answer(HELD)], HttpFailed, "does not accept"),
    ],
    ids=["paid", "method knows no cancelling", "cannot be released"],
)
async def test_what_cannot_be_let_go_is_said(
    adapter: Mollie, replies: list[Response], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await run(adapter, FakeExchange(adapter, "cancel_payment", replies), CANCEL)


@pytest.mark.parametrize("replies", [[answer(GONE)], [answer(HELD), refused(422), answer(GONE)]])
async def test_what_is_cancelled_already_stays_so(adapter: Mollie, replies: list[Response]) -> None:
    payment = await run(adapter, FakeExchange(adapter, "cancel_payment", replies), CANCEL)

    assert payment.status == "failed"


async def test_create_is_what_the_official_client_sends(adapter: Mollie) -> None:
    sent: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(422, json={"status": 422, "title": "t", "detail": "d", "_links": {}})

    exchange = FakeExchange(adapter, "create_payment", [answer(OPEN, 201)], idempotency_key="k1")
    await run(adapter, exchange, CREATE)
    client = mollie.ClientSDK(
        security=mollie.Security(api_key="test_quayside0123456789012345678901234"),
        client=httpx.Client(transport=httpx.MockTransport(note)),
    )
    with pytest.raises(mollie.models.APIError):
        client.payments.create(
            idempotency_key="k1",
            payment_request=cast(
                Any,
                {
                    "description": CREATE["description"],
                    "amount": EURO,
                    "redirect_url": CREATE["return_url"],
                    "metadata": {"reference": "EXAMPLE-3201"},
                },
            ),
        )
    theirs = sent[0]

    assert theirs.method == exchange.last.method
    assert theirs.url.path == exchange.last.path
    assert theirs.headers["authorization"] == exchange.authorised[0]["authorization"]
    assert theirs.headers["idempotency-key"] == exchange.last.headers["idempotency-key"]
    assert httpx.Response(200, content=theirs.content).json() == exchange.last.json


@pytest.mark.parametrize(("value", "currency", "text"), [("10", "EUR", "10.00"), ("1000", "JPY", "1000")])
def test_money_is_text_with_exactly_the_currencys_decimals(value: str, currency: str, text: str) -> None:
    assert money(Money(amount=Decimal(value), currency=currency)) == {"currency": currency, "value": text}


def test_a_currency_mollie_does_not_take_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="takes no payments in KWD") as caught:
        money(Money(amount=Decimal("7.125"), currency="KWD"))

    assert caught.value.field == "amount.currency"


async def test_a_payment_needs_a_page_to_come_back_to(adapter: Mollie) -> None:
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, FakeExchange(adapter, "create_payment"), {**CREATE, "return_url": ""})

    assert caught.value.field == "return_url"


async def test_the_balance_is_read_with_the_organisations_token_in_test_mode(adapter: Mollie) -> None:
    page = {"count": 0, "_embedded": {"balance_transactions": []}, "_links": {"next": None}}
    exchange = FakeExchange(adapter, "list_transactions", [answer(page)])
    await run(adapter, exchange, LIST)
    live = with_settings(API_KEY="live_1")
    other = FakeExchange(live, "list_transactions", [answer(page)])
    await run(live, other, LIST)

    assert exchange.authorised[0]["authorization"] == "Bearer access_quayside0123456789"
    assert ("testmode", "true") in exchange.last.query
    assert "testmode" not in dict(other.last.query)


async def test_without_that_token_the_setting_is_named() -> None:
    poor = with_settings(ACCESS_TOKEN="")
    with pytest.raises(MissingCredential, match="QUAYSIDE_MOLLIE_ACCESS_TOKEN is not set"):
        await run(poor, FakeExchange(poor, "list_transactions"), LIST)


# --- what comes back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (OPEN, "requires_action"),
        (found("pending"), "pending"),
        (HELD, "authorized"),
        (PAID, "captured"),
        (found("canceled"), "failed"),
        (found("expired"), "failed"),
        (found("failed"), "failed"),
        (found("failed", details={"failureReason": "insufficient_funds"}), "declined"),
        (found("something_new"), "pending"),
        (found("paid", amountRefunded=amount("5.00")), "partially_refunded"),
        (found("paid", amountRefunded=amount("0.00")), "captured"),
        (found("paid", amountRefunded=EURO), "refunded"),
        (found("paid", amountCaptured=amount("50.00"), amountRefunded=amount("50.00")), "refunded"),
    ],
)
async def test_there_is_no_status_refunded_the_amounts_tell(adapter: Mollie, body: dict[str, Any], status: str) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(body)])

    assert (await run(adapter, exchange, GET)).status == status


@pytest.mark.parametrize("metadata", [{"reference": "A"}, '{"reference": "A"}'])
async def test_metadata_may_come_back_as_text_or_as_an_object(adapter: Mollie, metadata: Any) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(found(metadata=metadata))])

    assert (await run(adapter, exchange, GET)).reference == "A"


async def test_details_that_vary_and_members_nobody_knows_are_passed_over(adapter: Mollie) -> None:
    paid = found("paid", details={"cardSecurity": {"3ds": True}, "feeRegion": None}, newMember=["x"])
    plain = await run(adapter, FakeExchange(adapter, "get_payment", [answer(PAID)]), GET)

    assert (await run(adapter, FakeExchange(adapter, "get_payment", [answer({**PAID, **paid})]), GET)) == plain


async def test_authorized_is_not_paid(adapter: Mollie) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(HELD)])

    assert (await run(adapter, exchange, GET)).status == "authorized"


@pytest.mark.parametrize("metadata", [None, "plain text", "[1]", []])
async def test_metadata_of_somebody_else_is_no_reference(adapter: Mollie, metadata: Any) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(found(metadata=metadata))])

    assert (await run(adapter, exchange, GET)).reference == ""


async def test_a_capture_that_takes_a_moment_is_pending(adapter: Mollie) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [answer(HELD), answer({"id": "cpt_1"}, 201), answer(HELD)])
    made = await run(adapter, exchange, CAPTURE)

    assert (made.status, made.message) == ("pending", "The capture is under way.")


async def test_what_is_paid_is_not_captured_again(adapter: Mollie) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [answer(PAID)])

    assert (await run(adapter, exchange, CAPTURE)).status == "captured"
    assert len(exchange.requests) == 1


def refunds(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"_embedded": {"refunds": list(rows)}, "_links": {"next": None}}


OURS = {"id": "re_1", "status": "pending", "amount": EURO, "metadata": {"reference": "EXAMPLE-3203"}}


async def test_a_refund_with_our_reference_is_not_made_again_however_old_it_is(adapter: Mollie) -> None:
    exchange = FakeExchange(adapter, "refund_payment", [answer(refunds(OURS)), answer(PAID)])
    await run(adapter, exchange, REFUND)

    assert [one.method for one in exchange.requests] == ["GET", "GET"]


async def test_a_refund_that_failed_is_made_again(adapter: Mollie) -> None:
    failed = refunds({**OURS, "status": "failed"})
    exchange = FakeExchange(adapter, "refund_payment", [answer(failed), answer({"id": "re_2"}, 201), answer(PAID)])
    await run(adapter, exchange, REFUND)

    assert [one.method for one in exchange.requests] == ["GET", "POST", "GET"]


async def test_a_refund_called_a_duplicate_is_looked_for_before_it_is_believed(adapter: Mollie) -> None:
    conflict = refused(409, "A duplicate refund has been detected")
    made = FakeExchange(adapter, "refund_payment", [answer(NO_REFUNDS), conflict, answer(refunds(OURS)), answer(PAID)])
    another = FakeExchange(adapter, "refund_payment", [answer(NO_REFUNDS), conflict, answer(NO_REFUNDS)])

    assert (await run(adapter, made, REFUND)).status == "captured"
    with pytest.raises(HttpFailed) as caught:
        await run(adapter, another, REFUND)
    assert (caught.value.error_type, caught.value.retryable) == ("duplicate_refund", False)


async def test_a_refund_of_the_rest_asks_how_much_that_is(adapter: Mollie) -> None:
    left = found("paid", amountRemaining=amount("12.30"))
    exchange = FakeExchange(
        adapter, "refund_payment", [answer(NO_REFUNDS), answer(left), answer({"id": "re_1"}, 201), answer(PAID)]
    )
    await run(adapter, exchange, {"reference": "r", "payment_id": "tr_1"})
    nothing = FakeExchange(adapter, "refund_payment", [answer(NO_REFUNDS), answer(found("open"))])

    assert exchange.requests[2].json["amount"] == amount("12.30")
    with pytest.raises(InvalidInput, match="Nothing is left"):
        await run(adapter, nothing, {"reference": "r", "payment_id": "tr_1"})


def movement(id: str, at: datetime, **more: Any) -> dict[str, Any]:
    body = {"resource": "balance-transaction", "id": id, "type": "payment", "createdAt": at.isoformat()}
    figures = {"initialAmount": amount("10.00"), "resultAmount": amount("9.71"), "deductions": amount("-0.29")}
    return {**body, **figures, "context": {"paymentId": "tr_1"}, **more}


async def test_movements_before_the_time_end_the_list_and_next_is_taken_by_its_id(adapter: Mollie) -> None:
    following = {"href": "https://api.mollie.com/v2/balances/x/transactions?from=baltr_9&limit=2"}
    rows = [movement("baltr_2", NOON), movement("baltr_1", NOON - timedelta(days=3))]
    page = {"_embedded": {"balance_transactions": rows}, "_links": {"next": following}}
    everything = FakeExchange(adapter, "list_transactions", [answer(page)])
    some = FakeExchange(adapter, "list_transactions", [answer(page)])
    first = await run(adapter, everything, LIST)
    bounded = await run(adapter, some, {"since": (NOON - timedelta(days=1)).isoformat()})

    assert ([one.transaction_id for one in first.transactions], first.next_cursor) == (
        ["baltr_2", "baltr_1"],
        "baltr_9",
    )
    assert ([one.transaction_id for one in bounded.transactions], bounded.next_cursor) == (["baltr_2"], "")
    assert (str(first.transactions[0].fee.amount), str(first.transactions[0].net.amount)) == ("0.29", "9.71")


@pytest.mark.parametrize("context", [{"paymentId": "tr_7"}, {"payment": {"paymentId": "tr_7"}}])
async def test_a_movement_names_its_payment_flat_or_nested(adapter: Mollie, context: Any) -> None:
    page = {"_embedded": {"balance_transactions": [movement("b", NOON, context=context)]}, "_links": {"next": None}}
    exchange = FakeExchange(adapter, "list_transactions", [answer(page)])

    assert (await run(adapter, exchange, LIST)).transactions[0].payment_id == "tr_7"


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "says"),
    [
        (refused(422, field="amount.currency"), "invalid_request", "ours", False, r"what we sent at amount\.currency;"),
        (refused(400), "invalid_request", "ours", False, "what we sent;"),
        (refused(401), "unauthorized", "configuration", False, "QUAYSIDE_MOLLIE_API_KEY"),
        (refused(403), "forbidden", "configuration", False, "does not allow this"),
        (refused(404), "not_found", "ours", False, "does not know"),
        (refused(410), "not_found", "ours", False, "does not know"),
        (refused(409), "conflict", "theirs", True, "still busy"),
        (refused(429), "rate_limited", "ours", True, "too much"),
        (refused(503), "http_503", "theirs", True, "the supplier of the payment method"),
        (answer("<html>", 502, content_type="text/html"), "http_502", "theirs", True, "trouble"),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: Mollie, response: Response, error_type: str, fault: Fault, retryable: bool, says: str
) -> None:
    with pytest.raises(HttpFailed, match=says) as caught:
        await run(adapter, FakeExchange(adapter, "create_payment", [response]), CREATE)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)
    assert "ada@example.com" not in caught.value.message


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"id":"tr_1","status":"open","amount":{"value":"x"}}'])
async def test_an_answer_that_is_no_payment_is_drift(adapter: Mollie, body: bytes) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "get_payment", [answer(body)]), GET)


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def pay(wire: Wire, url: str, state: str = "paid") -> None:
    async with wire.client.post(
        url, data={"final_state": state, "method": "creditcard"}, allow_redirects=False
    ) as told:
        assert told.status < 400


async def test_the_buyer_pays_and_we_refund() -> None:
    async with on_the_wire("mollie") as wire:
        made = await wire.call("create_payment", CREATE, "k-1")
        await pay(wire, made.next_action.url)
        paid = await wire.call("get_payment", {"payment_id": made.payment_id})
        some = {"reference": "r-1", "payment_id": made.payment_id, "amount": {"amount": "9.90", "currency": "EUR"}}
        partly = await wire.call("refund_payment", some, "k-2")
        wire.time += 2 * 3600
        again = await wire.call("refund_payment", some, "k-2")
        wholly = await wire.call("refund_payment", {"reference": "r-2", "payment_id": made.payment_id}, "k-3")
        effects = await wire.effects()

    assert [one.status for one in (made, paid, partly, again, wholly)] == [
        "requires_action",
        "captured",
        "partially_refunded",
        "partially_refunded",
        "refunded",
    ]
    assert [effect["kind"] for effect in effects].count("refund") == 2


async def test_a_held_payment_is_captured() -> None:
    async with on_the_wire("mollie") as wire:
        made = await wire.call("create_payment", {**CREATE, "capture": False, "payment_method": "creditcard"}, "k-1")
        await pay(wire, made.next_action.url)
        held = await wire.call("get_payment", {"payment_id": made.payment_id})
        first = await wire.call("capture_payment", {"reference": "c", "payment_id": made.payment_id}, "k-2")
        wire.time += 60
        taken = await wire.call("get_payment", {"payment_id": made.payment_id})

    assert (held.status, first.status, taken.status) == ("authorized", "pending", "captured")


@pytest.mark.parametrize(("value", "currency"), [("109.90", "USD"), ("2500", "JPY")])
async def test_a_cards_token_pays_at_once_in_any_currency_it_takes(value: str, currency: str) -> None:
    asked = {**CREATE, "payment_method": "tkn_quayside", "amount": {"amount": value, "currency": currency}}
    async with on_the_wire("mollie") as wire:
        made = await wire.call("create_payment", asked, "k-1")
        again = await wire.call("create_payment", asked, "k-1")

    assert (made.status, str(made.captured.amount), again.payment_id) == ("captured", value, made.payment_id)


async def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    async with on_the_wire("mollie") as wire:
        lost = {"vendor": "mollie", "operation": "refund_payment", "fault": "lost_answer"}
        await wire.control("POST", "faults", [lost])
        value = {"reference": "r", "payment_id": "tr_sandboxpaid"}
        with pytest.raises(aiohttp.ClientError):
            await wire.call("refund_payment", value, "k-1")
        await wire.control("DELETE", "faults")
        done = await wire.call("refund_payment", value, "k-1")
        effects = await wire.effects()

    assert done.status == "refunded"
    assert [effect["kind"] for effect in effects] == ["refund"]


async def test_a_release_whose_answer_was_lost_is_one_release_and_ends_the_payment() -> None:
    async with on_the_wire("mollie") as wire:
        lost = {"vendor": "mollie", "operation": "cancel_payment", "fault": "lost_answer"}
        await wire.control("POST", "faults", [lost])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("cancel_payment", CANCEL, "k-1")
        await wire.control("DELETE", "faults")
        under_way = await wire.call("cancel_payment", CANCEL, "k-1")
        wire.time += 60
        after = await wire.call("cancel_payment", CANCEL, "k-2")

    assert (under_way.status, after.status, after.captured.amount) == ("pending", "failed", 0)


async def test_a_bad_key_is_configuration() -> None:
    async with on_the_wire("mollie") as wire:
        wire.adapter = with_settings(API_KEY="test_invalid")
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_payment", GET)

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_one_request_too_many_is_waited_for() -> None:
    async with on_the_wire("mollie") as wire:
        await wire.control("POST", "faults", [{"vendor": "mollie", "fault": "rate_limit:9"}])
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_payment", GET)

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)


# --- webhooks ----------------------------------------------------------------------------------------------------------


async def delivered(wire: Wire, secret: str) -> list[Delivery]:
    told = await wire.control("POST", "mollie/deliveries", {"url": WEBHOOK, "secret": secret})
    return [
        Delivery(
            url=WEBHOOK,
            headers={name.lower(): value for name, value in one["headers"].items()},
            body=one["body"].encode(),
            received_at=datetime.fromtimestamp(wire.time, UTC),
        )
        for one in told["deliveries"]
    ]


async def events(wire: Wire, secret: str) -> list[Any]:
    return [
        event
        for one in await delivered(wire, secret)
        for event in await wire.adapter.receive(wire.exchange("get_payment"), one)
    ]


async def test_an_unsigned_hint_is_only_a_reason_to_ask() -> None:
    async with on_the_wire("mollie") as wire:
        made = await wire.call("create_payment", {**CREATE, "payment_method": "tkn_quayside"}, "k-1")
        told = await events(wire, "")
        hint = (await delivered(wire, ""))[0]
        nobody = replace(hint, body=b"id=tr_nobody")
        unknown = await wire.adapter.receive(wire.exchange("get_payment"), nobody)
        with pytest.raises(InvalidInput, match="names no payment"):
            await wire.adapter.receive(wire.exchange("get_payment"), replace(hint, body=b"id=../balances"))

    assert {(one.resource, one.reference, one.type) for one in told} == {
        (made.payment_id, "EXAMPLE-3201", "payment.paid")
    }
    assert len({one.id for one in told}) == 1  # told twice, it is the same event
    assert told[0].data == {"status": "captured"}
    assert unknown == ()


async def test_a_signed_event_is_proven_and_a_forged_one_refused() -> None:
    async with on_the_wire("mollie") as wire:
        await wire.call("create_payment", {**CREATE, "payment_method": "tkn_quayside"}, "k-1")
        one = (await delivered(wire, SECRET))[0]
        [event] = await wire.adapter.receive(wire.exchange("get_payment"), one)
        rotating = with_settings(WEBHOOK_SECRET=f"older {SECRET}")
        [same] = await rotating.receive(wire.exchange("get_payment"), one)
        refusals = [
            (wire.adapter, replace(one, body=one.body + b" ")),
            (wire.adapter, replace(one, headers={"x-mollie-signature": "sha256=00"})),
            (with_settings(WEBHOOK_SECRET="another"), one),
            (with_settings(WEBHOOK_SECRET=""), one),
        ]
        for adapter, delivery in refusals:
            with pytest.raises(DeliveryRefused):
                await adapter.receive(wire.exchange("get_payment"), delivery)

    assert event.id == same.id
    assert event.type.startswith("payment.")


def test_every_status_has_its_event() -> None:
    assert VENDOR.webhook is not None
    assert set(VENDOR.webhook.events) == {f"payment.{status}" for status in STATUSES}
