"""Razorpay's adapter against its official client, its recorded errors and the traps of its interface."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import jsonschema
import orjson
import pytest
import razorpay
import requests

from integrations.adapter import Delivery
from integrations.errors import DeliveryRefused, Fault, HttpFailed, InvalidInput, SchemaDrift, Unsupported
from integrations.outcome import Response
from integrations.types.payments import CaptureRequest, PaymentRequest
from integrations.vendors.razorpay import Razorpay
from integrations.vendors.razorpay.declaration import VENDOR
from integrations.vendors.razorpay.messages import refund_key
from tests.integrations.sandbox.test_razorpay import document
from tests.integrations.vendors.exchange import NOON, FakeExchange, adapter_with_sandbox_credentials, answer, run
from tests.integrations.vendors.openapi import unpublished
from tests.integrations.vendors.wire import START, Wire, on_the_wire

CREATE, CAPTURE, CANCEL, GET, REFUND, LIST = (dict(operation.example) for operation in VENDOR.operations)
SECRET = "razorpay-webhook-secret"


def order(status: str = "created", **more: Any) -> dict[str, Any]:
    body = {"id": "order_1", "entity": "order", "amount": 109_900, "currency": "INR", "receipt": "EXAMPLE-3301"}
    return {**body, "status": status, "notes": [], "created_at": 1, **more}


def tried(status: str, **more: Any) -> dict[str, Any]:
    body = {"id": f"pay_{status}", "amount": 109_900, "currency": "INR", "order_id": "order_1", "amount_refunded": 0}
    return {**body, "status": status, "captured": status == "captured", "notes": [], **more}


def items(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"entity": "collection", "count": len(rows), "items": list(rows)}


def refused(status: int, description: str = "ada@example.com is wrong", **more: Any) -> Response:
    return answer({"error": {"code": "BAD_REQUEST_ERROR", "description": description, **more}}, status)


HELD, TAKEN = tried("authorized"), tried("captured")


@pytest.fixture
def adapter() -> Razorpay:
    made = adapter_with_sandbox_credentials(Razorpay)
    assert isinstance(made, Razorpay)
    return made


# --- what we send ------------------------------------------------------------------------------------------------------


class Noted(requests.adapters.BaseAdapter):
    """Notes what the official client sends, and answers it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.sent.append(request)
        told = requests.Response()
        told.status_code = 200
        told._content = b"{}"
        return told

    def close(self) -> None:
        """Nothing is open."""


async def test_every_write_is_what_the_official_client_sends(adapter: Razorpay) -> None:
    create = FakeExchange(adapter, "create_payment", [answer(order())])
    await run(adapter, create, CREATE)
    capture = FakeExchange(adapter, "capture_payment", [answer(HELD), answer(order()), answer(TAKEN)])
    capture._answers += [answer(TAKEN), answer(order("paid"))]
    await run(adapter, capture, CAPTURE)
    refund = FakeExchange(adapter, "refund_payment", [answer(TAKEN), answer(order("paid")), answer(items())])
    refund._answers += [answer({"id": "rfnd_1"}), answer(TAKEN), answer(order("paid"))]
    await run(adapter, refund, REFUND)
    noted = Noted()
    with requests.Session() as session:
        session.mount("https://", noted)
        client = razorpay.Client(session=session, auth=("rzp_test_quayside", "quayside-key-secret"))
        client.order.create(dict(create.last.json))
        client.payment.capture("pay_authorized", 109_900, {"currency": "INR"})
        client.payment.refund(
            "pay_captured",
            {"amount": 5000, "speed": "normal", "receipt": "EXAMPLE-3303", "notes": {"reason": "Too small"}},
        )
    ours = [(create, create.last), (capture, capture.requests[2]), (refund, refund.requests[3])]

    for (exchange, request), theirs in zip(ours, noted.sent, strict=True):
        assert theirs.method == request.method
        assert theirs.path_url == request.path
        assert theirs.headers["Authorization"] == exchange.authorised[0]["authorization"]
        assert json.loads(cast(str, theirs.body)) == request.json


@pytest.mark.parametrize(
    ("operation", "value", "replies"),
    [
        ("create_payment", CREATE, [answer(order())]),
        ("capture_payment", CAPTURE, [answer(HELD), answer(order("attempted")), answer(items(HELD)), answer(TAKEN)]),
        ("get_payment", {"payment_id": "order_1"}, [answer(order("paid")), answer(items(TAKEN))]),
    ],
)
async def test_what_is_asked_for_is_published(
    adapter: Razorpay, operation: str, value: dict[str, Any], replies: list[Response]
) -> None:
    exchange = FakeExchange(adapter, operation, [*replies, answer(order("paid")), answer(items(TAKEN))])
    await run(adapter, exchange, value)
    files = [document(name) for name in ("orders", "payments", "refunds")]

    for request in exchange.requests:
        assert min((unpublished(one, request, base="/v1") for one in files), key=len) == []


async def test_an_order_keeps_to_the_published_contract(adapter: Razorpay) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(order())])
    await run(adapter, exchange, {**CREATE, "capture": False})
    whole = document("orders")
    schema = {"$ref": "#/components/schemas/OrderRequest", "components": whole["components"]}
    jsonschema.Draft202012Validator(schema).validate(exchange.last.json)

    assert set(exchange.last.json) <= set(whole["components"]["schemas"]["OrderRequest"]["properties"])
    assert exchange.last.json["payment_capture"] is False


@pytest.mark.parametrize(
    ("amount", "units"),
    [(("1099.5", "INR"), 109_950), (("2500", "JPY"), 2500), (("7.120", "KWD"), 7120)],
)
async def test_amounts_are_whole_minor_units(adapter: Razorpay, amount: tuple[str, str], units: int) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(order())])
    await run(adapter, exchange, {**CREATE, "amount": {"amount": amount[0], "currency": amount[1]}})

    assert exchange.last.json["amount"] == units


@pytest.mark.parametrize(
    ("changed", "kind", "field"),
    [
        ({"amount": {"amount": "7.125", "currency": "KWD"}}, InvalidInput, "amount.amount"),
        ({"reference": "R" * 41}, InvalidInput, "reference"),
        ({"payment_method": "card_1"}, Unsupported, "payment_method"),
    ],
)
async def test_what_razorpay_cannot_take_is_said_before_it_is_sent(
    adapter: Razorpay, changed: dict[str, Any], kind: type[InvalidInput], field: str
) -> None:
    exchange = FakeExchange(adapter, "create_payment")
    with pytest.raises(kind) as caught:
        await run(adapter, exchange, {**CREATE, **changed})

    assert (caught.value.field, exchange.requests) == (field, [])


@pytest.mark.parametrize("key", ["short", "with space in it", "", None, "k" * 65])
def test_a_key_razorpay_would_refuse_is_hashed(key: str | None) -> None:
    assert len(refund_key(key)) == 64


def test_a_key_it_takes_is_sent_as_it_is() -> None:
    assert refund_key("order-1001_refund") == "order-1001_refund"


# --- what comes back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notes", [[], {"reference": "A-1"}])
async def test_empty_notes_are_a_list_and_filled_ones_an_object(adapter: Razorpay, notes: Any) -> None:
    paid = [answer(order("paid", notes=notes)), answer(items(tried("captured", notes=notes)))]
    exchange = FakeExchange(adapter, "get_payment", paid)

    assert (await run(adapter, exchange, {"payment_id": "order_1"})).status == "captured"


@pytest.mark.parametrize(
    ("tries", "status", "captured", "code"),
    [
        ([], "requires_action", "0", ""),
        ([tried("created")], "pending", "0", ""),
        ([HELD], "authorized", "0", ""),
        ([TAKEN], "captured", "1099.00", ""),
        ([tried("failed", error_reason="payment_timed_out")], "declined", "0", "payment_timed_out"),
        ([tried("failed"), TAKEN, tried("failed")], "captured", "1099.00", ""),
        ([tried("captured", amount_refunded=1)], "partially_refunded", "1099.00", ""),
        ([tried("refunded", captured=True, amount_refunded=109_900)], "refunded", "1099.00", ""),
        ([tried("refunded", amount_refunded=109_900)], "failed", "0", ""),
        ([tried("something_new")], "pending", "0", ""),
    ],
)
async def test_the_try_that_came_furthest_tells_how_an_order_fares(
    adapter: Razorpay, tries: list[dict[str, Any]], status: str, captured: str, code: str
) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(order("attempted")), answer(items(*tries))])
    found = await run(adapter, exchange, {"payment_id": "order_1"})

    assert (found.status, str(found.captured.amount), found.decline_code) == (status, captured, code)
    assert (found.payment_id, found.reference) == ("order_1", "EXAMPLE-3301")


async def test_a_try_is_known_by_its_order(adapter: Razorpay) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(TAKEN), answer(order("paid"))])
    lone = FakeExchange(adapter, "get_payment", [answer({**TAKEN, "order_id": None})])

    assert (await run(adapter, exchange, GET)).payment_id == "order_1"
    assert (await run(adapter, lone, GET)).payment_id == "pay_captured"


@pytest.mark.parametrize(("tries", "sent"), [([TAKEN], 2), ([tried("failed"), TAKEN], 2)])
async def test_what_is_captured_is_not_captured_again(
    adapter: Razorpay, tries: list[dict[str, Any]], sent: int
) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [answer(order("paid")), answer(items(*tries))])
    made = await run(adapter, exchange, {"reference": "c", "payment_id": "order_1"})

    assert (made.status, len(exchange.requests)) == ("captured", sent)


@pytest.mark.parametrize(
    ("amount", "tries", "kind", "field"),
    [
        ({"amount": "5.00", "currency": "INR"}, [HELD], Unsupported, "amount"),
        ({"amount": "1099.00", "currency": "USD"}, [HELD], Unsupported, "amount"),
        (None, [tried("failed")], InvalidInput, "payment_id"),
        (None, [], InvalidInput, "payment_id"),
    ],
)
async def test_only_the_whole_of_an_authorized_payment_is_captured(
    adapter: Razorpay,
    amount: dict[str, str] | None,
    tries: list[dict[str, Any]],
    kind: type[InvalidInput],
    field: str,
) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [answer(order()), answer(items(*tries))])
    with pytest.raises(kind) as caught:
        await run(adapter, exchange, {"reference": "c", "payment_id": "order_1", "amount": amount})

    assert caught.value.field == field


async def test_a_refund_with_our_reference_is_not_made_again(adapter: Razorpay) -> None:
    ours = items({"id": "rfnd_1", "receipt": "EXAMPLE-3303", "status": "processed"})
    paid = [answer(TAKEN), answer(order("paid"))]
    exchange = FakeExchange(adapter, "refund_payment", [*paid, answer(ours), *paid])
    await run(adapter, exchange, REFUND)

    assert {one.method for one in exchange.requests} == {"GET"}


@pytest.mark.parametrize(
    ("state", "more", "field"),
    [(HELD, {}, "payment_id"), (TAKEN, {"amount": {"amount": "5.00", "currency": "USD"}}, "amount.currency")],
)
async def test_what_cannot_be_refunded_is_said_before_it_is_sent(
    adapter: Razorpay, state: dict[str, Any], more: dict[str, Any], field: str
) -> None:
    exchange = FakeExchange(adapter, "refund_payment", [answer(state), answer(order())])
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**REFUND, **more})

    assert caught.value.field == field


BUSY = "Request failed because another payment operation is in progress."


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "says"),
    [
        (refused(400, field="amount"), "invalid_request", "ours", False, "what we sent at amount;"),
        (refused(400, field="NA"), "invalid_request", "ours", False, "what we sent;"),
        (refused(400, "The id provided does not exist"), "not_found", "ours", False, "does not know"),
        (refused(400, "order_9 is not a valid id"), "not_found", "ours", False, "does not know"),
        (refused(404), "not_found", "ours", False, "does not know"),
        (refused(400, BUSY), "conflict", "theirs", True, "in a moment"),
        (refused(409), "conflict", "theirs", True, "the same key"),
        (
            refused(400, "Your account does not have enough balance"),
            "insufficient_balance",
            "configuration",
            False,
            "add",
        ),
        (refused(401), "unauthorized", "configuration", False, "QUAYSIDE_RAZORPAY_KEY_ID"),
        (refused(429), "rate_limited", "ours", True, "too much"),
        (refused(502), "http_502", "theirs", True, "trouble"),
        (answer("<html>", 400, content_type="text/html"), "invalid_request", "ours", False, "what we sent;"),
        (answer("<html>", 503, content_type="text/html"), "http_503", "theirs", True, "trouble"),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: Razorpay, response: Response, error_type: str, fault: Fault, retryable: bool, says: str
) -> None:
    with pytest.raises(HttpFailed, match=says) as caught:
        await run(adapter, FakeExchange(adapter, "create_payment", [response]), CREATE)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)
    assert "ada@example.com" not in caught.value.message


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"id":"order_1","amount":"1099.00","status":"created"}'])
async def test_an_answer_that_is_no_order_is_drift(adapter: Razorpay, body: bytes) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "create_payment", [answer(body)]), CREATE)


def settled(id: str, at: datetime, **more: Any) -> dict[str, Any]:
    row = {"entity_id": id, "type": "payment", "debit": 0, "credit": 97_640, "amount": 100_000, "currency": "INR"}
    times = {"created_at": 1, "settled_at": int(at.timestamp())}
    return {**row, "fee": 2_360, "tax": 360, "order_id": "order_1", "order_receipt": "A-1", **times, **more}


async def test_a_movement_has_the_moment_it_was_settled_and_a_refund_is_negative(adapter: Razorpay) -> None:
    refund = {"type": "refund", "credit": 0, "debit": 5_000, "amount": 5_000, "payment_id": "pay_1"}
    rows = items(settled("pay_1", NOON), settled("rfnd_1", NOON, **refund))
    asked = {"since": NOON.isoformat(), "until": (NOON + timedelta(seconds=1)).isoformat()}
    page = await run(adapter, FakeExchange(adapter, "list_transactions", [answer(rows)]), asked)
    nothing = await run(
        adapter, FakeExchange(adapter, "list_transactions", [answer(rows)]), {"until": NOON.isoformat()}
    )

    figures = [(str(one.amount.amount), str(one.fee.amount), str(one.net.amount)) for one in page.transactions]
    assert figures == [("1000.00", "23.60", "976.40"), ("-50.00", "0", "-50.00")]
    assert nothing.transactions == ()


async def test_months_are_read_backwards_by_the_indian_calendar(adapter: Razorpay) -> None:
    until = datetime(2026, 9, 30, 20, 0, tzinfo=UTC)  # October has begun in India
    asked = {"since": datetime(2026, 8, 31, 20, 0, tzinfo=UTC).isoformat(), "until": until.isoformat(), "limit": 1}
    full = FakeExchange(adapter, "list_transactions", [answer(items(settled("pay_1", NOON)))])
    first = await run(adapter, full, asked)
    empty = FakeExchange(adapter, "list_transactions", [answer(items())])
    second = await run(adapter, empty, {**asked, "cursor": first.next_cursor})
    last = FakeExchange(adapter, "list_transactions", [answer(items())])
    third = await run(adapter, last, {**asked, "cursor": second.next_cursor})

    assert dict(full.last.query) == {"year": "2026", "month": "10", "count": "1", "skip": "0"}
    assert (first.next_cursor, second.next_cursor, third.next_cursor) == ("2026-10|1", "2026-09|0", "")
    with pytest.raises(InvalidInput):
        await run(adapter, FakeExchange(adapter, "list_transactions"), {**asked, "cursor": "next"})


# --- against the sandbox -----------------------------------------------------------------------------------------------


def of(wire: Wire) -> Razorpay:
    assert isinstance(wire.adapter, Razorpay)
    return wire.adapter


async def check_out(wire: Wire, order_id: str, **wishes: Any) -> None:
    await wire.control("POST", "razorpay/checkout", {"order_id": order_id, **wishes})


async def test_the_buyer_fails_then_pays_and_we_refund_each_part_once() -> None:
    async with on_the_wire("razorpay") as wire:
        made = await wire.call("create_payment", CREATE)
        await check_out(wire, made.payment_id, outcome="failure")
        failed = await wire.call("get_payment", {"payment_id": made.payment_id})
        await check_out(wire, made.payment_id)
        paid = await wire.call("get_payment", {"payment_id": made.payment_id})
        some = {"reference": "r-1", "payment_id": made.payment_id, "amount": {"amount": "99.00", "currency": "INR"}}
        partly = await wire.call("refund_payment", some, "k-2")
        again = await wire.call("refund_payment", some, "k-2")
        wholly = await wire.call("refund_payment", {"reference": "r-2", "payment_id": made.payment_id}, "k-3")
        effects = await wire.effects()

    assert [one.status for one in (made, failed, paid, partly, again, wholly)] == [
        "requires_action",
        "declined",
        "captured",
        "partially_refunded",
        "partially_refunded",
        "refunded",
    ]
    assert [effect["kind"] for effect in effects].count("refund") == 2


async def test_an_order_is_found_again_by_its_receipt() -> None:
    async with on_the_wire("razorpay") as wire:
        value = PaymentRequest.model_validate(CREATE)
        before = await of(wire).look_up_create_payment(wire.exchange("create_payment"), value)
        made = await wire.call("create_payment", CREATE)
        found = await of(wire).look_up_create_payment(wire.exchange("create_payment"), value)

    assert before is None
    assert found == made


@pytest.mark.parametrize(("wish", "captures"), [("before", 0), ("after", 1)])
async def test_a_gateway_error_on_a_capture_may_hide_a_success(wish: str, captures: int) -> None:
    async with on_the_wire("razorpay") as wire:
        made = await wire.call("create_payment", {**CREATE, "capture": False})
        await check_out(wire, made.payment_id)
        await wire.control("PUT", "settings", {"razorpay": {"fail_next_capture": wish}})
        asked = {"reference": "c", "payment_id": made.payment_id}
        with pytest.raises(HttpFailed):
            await wire.call("capture_payment", asked)
        value = CaptureRequest.model_validate(asked)
        found = await of(wire).look_up_capture_payment(wire.exchange("capture_payment"), value)
        after = await wire.call("capture_payment", asked)
        effects = await wire.effects()

    assert (found is not None) == bool(captures)
    assert after.status == "captured"
    assert [effect["kind"] for effect in effects].count("capture") == 1


async def test_what_was_settled_in_three_weeks_adds_up() -> None:
    async with on_the_wire("razorpay") as wire:
        rows, cursor = [], ""
        while True:
            page = await wire.call("list_transactions", {"limit": 10, "cursor": cursor})
            rows += page.transactions
            if not (cursor := page.next_cursor):
                break

    assert {row.type for row in rows} == {"payment", "refund"}
    assert len({row.transaction_id for row in rows}) == len(rows) > 20
    assert all(row.amount.amount - row.fee.amount == row.net.amount for row in rows)
    assert all((row.amount.amount < 0) == (row.type == "refund") for row in rows)
    assert all(row.fee.amount > 0 for row in rows if row.type == "payment")


async def test_what_cannot_be_let_go_is_said_and_goes_back_by_itself(adapter: Razorpay) -> None:
    with pytest.raises(Unsupported, match="goes back to the buyer by itself") as caught:
        await run(adapter, FakeExchange(adapter, "cancel_payment"), CANCEL)
    async with on_the_wire("razorpay") as wire:
        held = await wire.call("get_payment", CANCEL)
        wire.time += 8 * 86_400.0
        later = await wire.call("get_payment", CANCEL)

    assert caught.value.field == "operation"
    assert (held.status, later.status, later.captured.amount) == ("authorized", "failed", 0)


# --- webhooks ----------------------------------------------------------------------------------------------------------


def delivery(event: str, **payload: dict[str, Any]) -> Delivery:
    told = {"entity": "event", "event": event, "created_at": int(START)}
    body = orjson.dumps({**told, "payload": {name: {"entity": entity} for name, entity in payload.items()}})
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-razorpay-signature": signature, "x-razorpay-event-id": "evt_1"}
    return Delivery(url="https://shop.example/webhooks/razorpay", headers=headers, body=body, received_at=NOON)


@pytest.mark.parametrize(
    ("one", "status", "reference"),
    [
        (delivery("payment.captured", payment=tried("captured", notes={"reference": "A-1"})), "captured", "A-1"),
        (delivery("payment.captured", payment=TAKEN), "captured", ""),
        (delivery("payment.failed", payment=tried("failed")), "declined", ""),
        (delivery("order.paid", order=order("paid"), payment=TAKEN), "captured", "EXAMPLE-3301"),
        (delivery("refund.processed", payment=tried("captured", refund_status="partial")), "partially_refunded", ""),
        (delivery("refund.processed", payment=tried("refunded", refund_status="full")), "refunded", ""),
        (delivery("settlement.processed"), None, ""),
    ],
)
async def test_a_signed_event_tells_how_the_order_fares(
    adapter: Razorpay, one: Delivery, status: str | None, reference: str
) -> None:
    [event] = await adapter.receive(FakeExchange(adapter, "get_payment"), one)
    client = razorpay.Client(auth=("rzp_test_quayside", "s"))

    assert client.utility.verify_webhook_signature(one.body.decode(), one.headers["x-razorpay-signature"], SECRET)
    assert (event.id, event.reference, event.data.get("status")) == ("evt_1", reference, status)
    assert event.resource == ("" if status is None else "order_1")


async def test_an_event_without_an_id_is_known_by_its_body(adapter: Razorpay) -> None:
    one = delivery("payment.captured", payment=TAKEN)
    bare = replace(one, headers={"x-razorpay-signature": one.headers["x-razorpay-signature"]})
    [event] = await adapter.receive(FakeExchange(adapter, "get_payment"), bare)

    assert event.id == hashlib.sha256(one.body).hexdigest()


async def test_a_forged_delivery_is_refused(adapter: Razorpay) -> None:
    one = delivery("payment.captured", payment=TAKEN)
    settings = {credential.name: credential.sandbox for credential in VENDOR.credentials}
    other = Razorpay({**settings, "WEBHOOK_SECRET": "another"})
    unset = Razorpay({**settings, "WEBHOOK_SECRET": ""})
    forged = [(adapter, replace(one, body=one.body + b" ")), (adapter, replace(one, headers={})), (other, one)]
    for who, what in [*forged, (unset, one)]:
        with pytest.raises(DeliveryRefused):
            await who.receive(FakeExchange(who, "get_payment"), what)
