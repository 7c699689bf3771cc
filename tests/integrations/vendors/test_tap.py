"""Tap's adapter against its published contract, its recorded errors and the traps of its interface."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import (
    BusinessFailed,
    CallFailed,
    DeliveryRefused,
    Fault,
    HttpFailed,
    InvalidInput,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Response
from integrations.vendors.tap import Tap
from integrations.vendors.tap.declaration import REFUND_STATUSES, STATUSES, VENDOR
from integrations.vendors.tap.messages import idempotent
from integrations.vendors.tap.phone import parts
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.openapi import problems, unknown_fields, unpublished

CREATE, CAPTURE, CANCEL, GET, REFUND, LIST = (dict(operation.example) for operation in VENDOR.operations)
SECRET = "sk_test_quayside0123456789"
HOOK = "https://shop.example/webhooks/tap"
PAGE = "https://tap.example/tap_process.aspx?chg=1"
AT = int(NOON.timestamp()) * 1000


def charge(status: str = "CAPTURED", id: str = "chg_1", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"id": id, "object": "charge", "status": status, "amount": 10.5, "currency": "KWD"}
    body |= {"reference": {"order": "EXAMPLE-3401"}, "transaction": {"created": str(AT)}, "response": {"code": "000"}}
    return {**body, "source": {"id": "src_all"}, "customer": {"id": "cus_1"}, **more}


def refund(status: str = "REFUNDED", id: str = "re_1", **more: Any) -> dict[str, Any]:
    body = {"id": id, "object": "refund", "status": status, "amount": 1.5, "currency": "KWD", "charge_id": "chg_1"}
    return {**body, "created": str(AT), "reference": {"merchant": "EXAMPLE-3403"}, **more}


def charges(*rows: dict[str, Any], more: bool = False) -> Response:
    return answer({"object_type": "list", "has_more": more, "charges": list(rows)})


def refunds(*rows: dict[str, Any], more: bool = False) -> Response:
    return answer({"object_type": "list", "has_more": more, "refunds": list(rows)})


def refused(status: int, code: str = "", description: str = "ada@example.com is wrong") -> Response:
    return answer({"errors": [{"code": code, "description": description}]}, status)


HELD = charge("AUTHORIZED", "auth_1", object="authorize", response={"code": "001"})
TAKEN_FROM_HELD = charge("CAPTURED", "chg_9", source={"id": "auth_1"})
DONE = charge("CAPTURED", "auth_1", object="authorize")
VOIDED = charge("VOID", "auth_1", object="authorize")
WAITING = charge("INITIATED", transaction={"created": str(AT), "url": PAGE}, response={"code": "100"})


@pytest.fixture
def adapter() -> Tap:
    made = adapter_with_sandbox_credentials(Tap)
    assert isinstance(made, Tap)
    return made


async def sent(adapter: Tap, operation: str, answers: list[Response], value: Any, **rest: Any) -> FakeExchange:
    exchange = FakeExchange(adapter, operation, answers, **rest)
    await run(adapter, exchange, value)
    return exchange


# --- what we send ------------------------------------------------------------------------------------------------------


def not_in_contract(schema: str, exchange: FakeExchange) -> list[str]:
    """Return the fields of the last body that the contract does not name; the rest of it has to be good."""
    whole = yaml.safe_load(contract("tap/thirdparty-tap-payments-openapi.yml").read_bytes())
    body, wanted = json.loads(body_of(exchange.last)), {"$ref": f"#/components/schemas/{schema}"}

    assert problems(whole, wanted, body) == []
    return unknown_fields(whole, wanted, body)


async def test_letting_go_voids_the_authorization(adapter: Tap) -> None:
    """The third party's file has no void (it lets an update do that); the path is the sheet's."""
    whole = yaml.safe_load(contract("tap/thirdparty-tap-payments-openapi.yml").read_bytes())
    exchange = FakeExchange(adapter, "cancel_payment", [answer(HELD), answer(VOIDED)])
    payment = await run(adapter, exchange, CANCEL)

    assert (payment.status, payment.payment_id) == ("failed", "auth_1")
    assert (exchange.last.method, exchange.last.path) == ("POST", "/v2/authorize/auth_1/void")
    assert (exchange.last.json, exchange.last.content) == (None, None)
    assert unpublished(whole, exchange.requests[0], base="/v2") == []


@pytest.mark.parametrize(
    "replies",
    [[answer(VOIDED)], [answer(HELD), refused(400, "1114"), answer(VOIDED)]],
    ids=["known", "told"],
)
async def test_what_is_void_already_stays_so(adapter: Tap, replies: list[Response]) -> None:
    payment = await run(adapter, FakeExchange(adapter, "cancel_payment", replies), CANCEL)

    assert payment.status == "failed"


@pytest.mark.parametrize(
    ("replies", "error", "says"),
    [
        ([answer(DONE), charges(TAKEN_FROM_HELD), refunds()], InvalidInput, "refund it"),
        ([answer(WAITING)], Unsupported, "its page closes"),
        ([answer(HELD), refused(400, "1114"), answer(HELD)], HttpFailed, "not in a state"),
    ],
    ids=["captured", "not paid", "refused"],
)
async def test_what_cannot_be_let_go_is_said(
    adapter: Tap, replies: list[Response], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await run(adapter, FakeExchange(adapter, "cancel_payment", replies), CANCEL)


async def test_a_payment_is_read_at_the_published_path(adapter: Tap) -> None:
    whole = yaml.safe_load(contract("tap/thirdparty-tap-payments-openapi.yml").read_bytes())
    charged = await sent(adapter, "get_payment", [answer(charge()), refunds()], {"payment_id": "chg_1"})
    held = await sent(adapter, "get_payment", [answer(HELD), charges()], {"payment_id": "auth_1"})

    for exchange in (charged, held):
        assert unpublished(whole, exchange.requests[0], base="/v2") == []


async def test_a_charge_keeps_to_the_published_contract(adapter: Tap) -> None:
    exchange = await sent(adapter, "create_payment", [answer(WAITING)], CREATE)

    assert (exchange.last.method, exchange.last.path) == ("POST", "/v2/charges")
    assert exchange.authorised[0] == {"authorization": f"Bearer {SECRET}", "accept": "application/json"}
    assert not_in_contract("ChargeInput", exchange) == []
    assert exchange.last.json["reference"] == {
        "transaction": "EXAMPLE-3401",
        "order": "EXAMPLE-3401",
        "idempotent": "key-1",
    }


async def test_an_authorization_keeps_to_it_but_for_its_release(adapter: Tap) -> None:
    exchange = await sent(adapter, "create_payment", [answer(HELD)], {**CREATE, "capture": False})

    assert exchange.last.path == "/v2/authorize"
    # Modelled by a third party, the contract leaves it out; Tap's page "authorize" has it.
    assert not_in_contract("ChargeInput", exchange) == ["auto"]
    assert exchange.last.json["auto"] == {"type": "VOID", "time": 168}
    assert exchange.last.json["source"] == {"id": "src_card"}


async def test_a_capture_is_a_charge_whose_source_is_the_authorization(adapter: Tap) -> None:
    exchange = await sent(adapter, "capture_payment", [answer(HELD), answer(TAKEN_FROM_HELD)], CAPTURE)
    body = exchange.last.json

    assert [(one.method, one.path, one.step) for one in exchange.requests] == [
        ("GET", "/v2/authorize/auth_SandboxAuthorized", "look_up"),
        ("POST", "/v2/charges", ""),
    ]
    assert set(not_in_contract("ChargeInput", exchange)) == {
        "customer.id"
    }  # Tap's guide "authorize and capture" asks it
    assert (body["source"], body["customer"], str(body["amount"])) == ({"id": "auth_1"}, {"id": "cus_1"}, "10.500")
    assert body["customer_initiated"] is body["threeDSecure"] is True
    assert body["reference"] == {"transaction": "EXAMPLE-3402", "order": "EXAMPLE-3401", "idempotent": "key-1"}


async def test_a_refund_keeps_to_the_published_contract_but_for_its_reference(adapter: Tap) -> None:
    exchange = await sent(
        adapter, "refund_payment", [answer(charge()), refunds(), answer(refund("PENDING"))], {**REFUND, "reason": ""}
    )

    assert [one.path for one in exchange.requests] == [
        "/v2/charges/chg_SandboxCaptured",
        "/v2/refunds/list",
        "/v2/refunds",
    ]
    # Tap's pages "refunds" and "idempotency" have it; the third party who modelled the contract does not.
    assert not_in_contract("RefundInput", exchange) == ["reference"]
    assert exchange.last.json["reference"] == {"merchant": "EXAMPLE-3403", "idempotent": "key-1"}
    assert exchange.last.json["reason"] == "requested_by_customer"  # Tap wants one


async def test_where_to_tell_of_a_change_goes_out_with_every_write(adapter: Tap) -> None:
    told = Tap({"SECRET_KEY": SECRET, "WEBHOOK_URL": HOOK})
    create = await sent(told, "create_payment", [answer(WAITING)], CREATE)
    capture = await sent(told, "capture_payment", [answer(HELD), answer(TAKEN_FROM_HELD)], CAPTURE)
    back = await sent(told, "refund_payment", [answer(charge()), refunds(), answer(refund())], REFUND)
    silent = await sent(adapter, "create_payment", [answer(WAITING)], CREATE)

    assert [one.last.json["post"] for one in (create, capture, back)] == [{"url": HOOK}] * 3
    assert "post" not in silent.last.json


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("10.5", "KWD", b'"amount":10.500,'),
        ("0.001", "BHD", b'"amount":0.001,'),
        ("7", "OMR", b'"amount":7.000,'),
        ("7.125", "JOD", b'"amount":7.125,'),
        ("10.5", "SAR", b'"amount":10.50,'),
        ("1234567.89", "AED", b'"amount":1234567.89,'),
    ],
)
async def test_amounts_are_numbers_with_the_decimals_of_their_currency(
    adapter: Tap, amount: str, currency: str, text: bytes
) -> None:
    money = {"amount": amount, "currency": currency}
    reply = answer(json.dumps(charge()).replace('10.5, "currency": "KWD"', f'{amount}, "currency": "{currency}"'))
    exchange = await sent(adapter, "create_payment", [reply], {**CREATE, "amount": money})

    assert text in body_of(exchange.last)


def paying(**customer: str) -> dict[str, Any]:
    return {"customer": {"name": "Ada Lovelace", "email": "ada@example.com", **customer}}


@pytest.mark.parametrize(
    ("changed", "kind", "field"),
    [
        ({"amount": {"amount": "100", "currency": "JPY"}}, Unsupported, "amount.currency"),
        ({"customer": None}, InvalidInput, "customer"),
        (paying(name=" "), InvalidInput, "customer.name"),
        (paying(email=""), InvalidInput, "customer.email"),
        (paying(phone="50000000"), InvalidInput, "customer.phone"),
        ({"payment_method": "4508750015741019"}, InvalidInput, "payment_method"),
        ({"payment_method": "auth_1"}, InvalidInput, "payment_method"),
        ({"payment_method": "src_kw.knet", "capture": False}, Unsupported, "payment_method"),
        (
            {"payment_method": "src_kw.knet", "amount": {"amount": "5", "currency": "SAR"}},
            InvalidInput,
            "amount.currency",
        ),
        ({"return_url": ""}, InvalidInput, "return_url"),
    ],
)
async def test_what_tap_cannot_take_is_said_before_it_is_sent(
    adapter: Tap, changed: dict[str, Any], kind: type[InvalidInput], field: str
) -> None:
    exchange = FakeExchange(adapter, "create_payment")
    with pytest.raises(kind) as caught:
        await run(adapter, exchange, {**CREATE, **changed})

    assert (caught.value.field, exchange.requests) == (field, [])
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8050/back", "https://127.0.0.1/", "http://10.0.0.4/", "https://[::1", "back", "ftp://a.example"],
)
async def test_the_page_to_come_back_to_must_be_public(adapter: Tap, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, FakeExchange(adapter, "create_payment"), {**CREATE, "return_url": url})

    assert caught.value.field == "return_url"


@pytest.mark.parametrize(
    ("phone", "code", "number"),
    [
        ("+965 5000 0000", "965", "50000000"),
        ("00973-1234.5678", "973", "12345678"),
        ("+1 (202) 555-0123", "1", "2025550123"),
        ("+20 10 1234 5678", "20", "1012345678"),
        ("+966512345678", "966", "512345678"),
    ],
)
def test_a_phone_number_goes_out_in_two_texts(phone: str, code: str, number: str) -> None:
    assert parts(phone) == {"country_code": code, "number": number}


@pytest.mark.parametrize("phone", ["50000000", "+", "+965", "+0965500000", "+965 5000 0000 x2", "+" + "9" * 16])
def test_a_phone_number_without_its_country_is_refused(phone: str) -> None:
    with pytest.raises(InvalidInput):
        parts(phone)


async def test_a_buyer_with_one_name_has_no_last_name(adapter: Tap) -> None:
    exchange = await sent(adapter, "create_payment", [answer(WAITING)], {**CREATE, **paying(name="Ada")})

    assert exchange.last.json["customer"] == {"first_name": "Ada", "email": "ada@example.com"}


def test_a_long_key_is_hashed_and_a_short_one_sent_as_it_is() -> None:
    assert idempotent("payment-A-1-1") == "payment-A-1-1"
    assert idempotent("k" * 65) == hashlib.sha256(b"k" * 65).hexdigest()


# --- what comes back ---------------------------------------------------------------------------------------------------


async def test_creating_a_charge_succeeds_and_is_not_paid(adapter: Tap) -> None:
    made = await run(adapter, FakeExchange(adapter, "create_payment", [answer(WAITING)]), CREATE)

    assert (made.status, made.captured.amount, made.payment_id) == ("requires_action", 0, "chg_1")
    assert (made.next_action.type, made.next_action.url) == ("redirect", PAGE)


@pytest.mark.parametrize(
    ("status", "code", "told", "decline_code", "says"),
    [
        ("INITIATED", "100", "pending", "", ""),
        ("IN_PROGRESS", "200", "pending", "", ""),
        ("AUTHORIZED", "001", "authorized", "", ""),
        ("DECLINED", "505", "declined", "505", "new reference"),
        ("RESTRICTED", "703", "declined", "703", "new reference"),
        ("FAILED", "407", "failed", "", "could not"),
        ("ABANDONED", "301", "failed", "", "left"),
        ("CANCELLED", "302", "failed", "", "cancelled"),
        ("TIMEDOUT", "801", "failed", "", "run out"),
        ("VOID", "601", "failed", "", "released"),
        ("UNKNOWN", "901", "failed", "", "look at it"),
        ("SOMETHING_NEW", "999", "pending", "", ""),
    ],
)
async def test_the_status_tells_how_a_charge_fares(
    adapter: Tap, status: str, code: str, told: str, decline_code: str, says: str
) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(charge(status, response={"code": code}))])
    found = await run(adapter, exchange, GET)

    assert (found.status, found.decline_code, found.captured.amount) == (told, decline_code, 0)
    assert says in found.message
    assert found.reference == "EXAMPLE-3401"


def test_every_status_has_an_event() -> None:
    assert VENDOR.webhook is not None
    assert len(VENDOR.webhook.events) == 2 * len(STATUSES) + len(REFUND_STATUSES)


async def test_a_declined_payment_is_a_result_and_a_second_try_needs_a_new_key(adapter: Tap) -> None:
    declined = answer(charge("DECLINED", response={"code": "501"}))
    made = await run(adapter, FakeExchange(adapter, "create_payment", [declined]), CREATE)

    assert (made.status, made.decline_code) == ("declined", "501")
    assert "for 24 hours" in made.message


@pytest.mark.parametrize(
    "other",
    [charge(amount=9), charge(currency="SAR"), charge(reference={"order": "ANOTHER"})],
)
async def test_a_key_known_from_another_payment_is_noticed(adapter: Tap, other: dict[str, Any]) -> None:
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "create_payment", [answer(other)]), CREATE)

    assert (caught.value.error_type, caught.value.fault) == ("idempotency_error", "ours")


@pytest.mark.parametrize(
    ("rows", "told", "back", "says"),
    [
        ([], "captured", "0", ""),
        ([refund()], "partially_refunded", "1.5", ""),
        ([refund(amount=10), refund(id="re_2", amount=0.5)], "refunded", "10.5", ""),
        ([refund("PENDING")], "captured", "0", "re_1 is PENDING"),
        ([refund("UNKNOWN")], "captured", "0", "re_1 is UNKNOWN"),
        ([refund("DECLINED"), refund("FAILED"), refund("RESTRICTED")], "captured", "0", ""),
        ([refund(charge_id="chg_2")], "captured", "0", ""),
        ([refund(currency="USD", amount=5)], "captured", "0", "in USD and is not counted"),
    ],
)
async def test_the_refunds_of_a_charge_are_asked_for_as_it_does_not_tell(
    adapter: Tap, rows: list[dict[str, Any]], told: str, back: str, says: str
) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(charge()), refunds(*rows)])
    found = await run(adapter, exchange, GET)

    assert (found.status, str(found.refunded.amount), str(found.captured.amount)) == (told, back, "10.5")
    assert says in found.message
    assert exchange.last.json == {"charges": ["chg_1"], "limit": 50}


async def test_lists_are_asked_by_post_and_read_to_their_end(adapter: Tap) -> None:
    pages = [refunds(refund(), more=True), refunds(refund(id="re_2"))]
    exchange = FakeExchange(adapter, "get_payment", [answer(charge()), *pages])
    found = await run(adapter, exchange, GET)

    assert str(found.refunded.amount) == "3.0"
    assert [(one.method, one.path, one.repeatable) for one in exchange.requests[1:]] == [
        ("POST", "/v2/refunds/list", True)
    ] * 2
    assert exchange.last.json["starting_after"] == "re_1"


@pytest.mark.parametrize(
    "nothing",
    [refused(400, "1160"), answer({"message": "Refunds not found"}, 400), refunds()],
    ids=["code", "text", "list"],
)
async def test_nothing_to_list_may_come_as_a_refusal(adapter: Tap, nothing: Response) -> None:
    found = await run(adapter, FakeExchange(adapter, "get_payment", [answer(charge()), nothing]), GET)

    assert found.status == "captured"


async def test_lists_without_an_end_are_given_up(adapter: Tap) -> None:
    endless = [refunds(refund(), more=True)] * 20
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "get_payment", [answer(charge()), *endless]), GET)

    assert caught.value.error_type == "look_up_too_long"


# --- captures ----------------------------------------------------------------------------------------------------------


async def test_a_captured_authorization_goes_by_the_id_of_its_charge(adapter: Tap) -> None:
    listed = charges(TAKEN_FROM_HELD, charge(id="chg_5"))
    exchange = FakeExchange(adapter, "get_payment", [answer(DONE), listed, refunds()])
    found = await run(adapter, exchange, {"payment_id": "auth_1"})

    assert (found.payment_id, found.status, found.reference) == ("chg_9", "captured", "EXAMPLE-3401")
    assert exchange.requests[1].json == {"sources": ["auth_1"], "limit": 50}


async def test_what_is_captured_is_not_captured_again(adapter: Tap) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [answer(DONE), charges(TAKEN_FROM_HELD), refunds()])
    made = await run(adapter, exchange, CAPTURE)

    assert (made.status, made.payment_id) == ("captured", "chg_9")
    assert "/v2/charges" not in [one.path for one in exchange.requests]


async def test_a_capture_whose_charge_is_not_listed_is_captured_all_the_same(adapter: Tap) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(DONE), charges()])
    found = await run(adapter, exchange, {"payment_id": "auth_1"})
    again = FakeExchange(adapter, "refund_payment", [answer(DONE), charges()])
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, again, {"reference": "r", "payment_id": "auth_1"})

    assert (found.status, found.payment_id, str(found.captured.amount)) == ("captured", "auth_1", "10.5")
    assert "refunds need its id" in found.message
    assert caught.value.field == "payment_id"


async def test_a_part_is_captured_with_its_three_decimals(adapter: Tap) -> None:
    part = {**CAPTURE, "amount": {"amount": "4.125", "currency": "KWD"}}
    exchange = FakeExchange(adapter, "capture_payment", [answer(HELD), answer({**TAKEN_FROM_HELD, "amount": 4.125})])
    made = await run(adapter, exchange, part)

    assert b'"amount":4.125,' in body_of(exchange.last)
    assert str(made.captured.amount) == "4.125"


@pytest.mark.parametrize(
    ("state", "amount", "field"),
    [
        (HELD, {"amount": "4", "currency": "SAR"}, "amount.currency"),
        (HELD, {"amount": "10.501", "currency": "KWD"}, "amount.amount"),
        ({**HELD, "status": "VOID"}, None, "payment_id"),
        (WAITING, None, "payment_id"),
    ],
)
async def test_what_cannot_be_captured_is_said_before_it_is_sent(
    adapter: Tap, state: dict[str, Any], amount: dict[str, str] | None, field: str
) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [answer(state)])
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**CAPTURE, "amount": amount})

    assert (caught.value.field, len(exchange.requests)) == (field, 1)


# --- refunds -----------------------------------------------------------------------------------------------------------


async def test_a_refund_can_stay_pending_when_the_balance_is_short(adapter: Tap) -> None:
    answers = [answer(charge()), refunds(), answer(refund("PENDING"))]
    made = await run(adapter, FakeExchange(adapter, "refund_payment", answers), REFUND)

    assert (made.status, made.refunded.amount) == ("captured", 0)
    assert "has not gone back yet" in made.message


async def test_a_refund_with_our_reference_is_not_made_again(adapter: Tap) -> None:
    exchange = FakeExchange(adapter, "refund_payment", [answer(charge()), refunds(refund())])
    made = await run(adapter, exchange, REFUND)

    assert made.status == "partially_refunded"
    assert "/v2/refunds" not in [one.path for one in exchange.requests]


async def test_a_refund_that_was_refused_does_not_count_as_made(adapter: Tap) -> None:
    answers = [answer(charge()), refunds(refund("DECLINED")), answer(refund(id="re_2"))]
    made = await run(adapter, FakeExchange(adapter, "refund_payment", answers), REFUND)

    assert made.status == "partially_refunded"


async def test_without_an_amount_what_is_left_is_refunded(adapter: Tap) -> None:
    before = refunds(refund(reference={"merchant": "r-1"}), refund("PENDING", "re_2", reference={}, amount=3))
    after = answer(refund(id="re_3", amount=6, reference={"merchant": "r-3"}))
    exchange = FakeExchange(adapter, "refund_payment", [answer(charge()), before, after])
    await run(adapter, exchange, {"reference": "r-3", "payment_id": "chg_1"})

    assert b'"amount":6.000,' in body_of(exchange.last)


@pytest.mark.parametrize(
    ("answers", "amount", "field"),
    [
        ([WAITING], None, "payment_id"),
        ([charge(), refunds(refund(amount=10.5, reference={}))], None, "payment_id"),
        ([charge(), refunds()], {"amount": "1", "currency": "SAR"}, "amount.currency"),
        ([charge(), refunds(refund(reference={}))], {"amount": "9.001", "currency": "KWD"}, "amount.amount"),
        ([charge(), refunds(refund(reference={}, currency="USD"))], None, "amount"),
    ],
)
async def test_what_cannot_be_refunded_is_said_before_it_is_sent(
    adapter: Tap, answers: list[Any], amount: dict[str, str] | None, field: str
) -> None:
    given = [one if isinstance(one, Response) else answer(one) for one in answers]
    exchange = FakeExchange(adapter, "refund_payment", given)
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**REFUND, "amount": amount})

    assert caught.value.field == field
    assert "/v2/refunds" not in [one.path for one in exchange.requests]


async def test_an_id_that_is_none_of_taps_is_not_asked_for(adapter: Tap) -> None:
    exchange = FakeExchange(adapter, "get_payment")
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {"payment_id": "pi_1"})

    assert (caught.value.field, exchange.requests) == ("payment_id", [])


# --- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "says"),
    [
        (refused(400, "1117"), "invalid_request", "ours", False, "what we sent at amount;"),
        (refused(400, "1136"), "invalid_request", "ours", False, "customer.phone.country_code"),
        (refused(400, "7777"), "invalid_request", "ours", False, "code 7777"),
        (refused(400, "<script>"), "invalid_request", "ours", False, "what we sent;"),
        (refused(400, "1109"), "three_d_secure_required", "configuration", False, "3-D Secure"),
        (refused(400, "1114"), "wrong_state", "ours", False, "not in a state"),
        (refused(400, "1119"), "currency_not_supported", "configuration", False, "no such currency"),
        (refused(400, "1126"), "token_used", "ours", False, "new one"),
        (refused(400, "1149"), "currency_mismatch", "ours", False, "another currency"),
        (refused(400, "1150"), "amount_too_large", "ours", False, "authorized"),
        (refused(400, "1161"), "amount_too_large", "ours", False, "left"),
        (refused(400, "2108"), "forbidden", "configuration", False, "permission"),
        (refused(404, "1144"), "not_found", "ours", False, "does not know"),
        (refused(400, "1115"), "not_found", "ours", False, "does not know"),
        (refused(404), "not_found", "ours", False, "does not know"),
        (refused(401, "2104"), "unauthorized", "configuration", False, "QUAYSIDE_TAP_SECRET_KEY"),
        (refused(401), "unauthorized", "configuration", False, "QUAYSIDE_TAP_SECRET_KEY"),
        (refused(400, "2106"), "unauthorized", "configuration", False, "secret one"),
        (refused(403), "forbidden", "configuration", False, "permissions"),
        (refused(400, "1151"), "gateway_timeout", "theirs", True, "same key"),
        (refused(400, "9999"), "internal_error", "theirs", True, "same key"),
        (refused(409), "conflict", "theirs", True, "same key"),
        (refused(402), "invalid_request", "ours", False, "what we sent;"),
        (refused(429, "429"), "rate_limited", "ours", True, "too much"),
        (refused(502), "http_502", "theirs", True, "trouble"),
        (answer("<html>", 400, content_type="text/html"), "invalid_request", "ours", False, "what we sent;"),
        (answer("<html>", 503, content_type="text/html"), "http_503", "theirs", True, "trouble"),
        (answer([], 400), "invalid_request", "ours", False, "what we sent;"),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: Tap, response: Response, error_type: str, fault: Fault, retryable: bool, says: str
) -> None:
    with pytest.raises(HttpFailed, match=says) as caught:
        await run(adapter, FakeExchange(adapter, "create_payment", [response]), CREATE)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)
    assert caught.value.retry_after is None  # Tap names no time
    assert "ada@example.com" not in caught.value.message


@pytest.mark.parametrize(
    ("status", "code", "error_type", "fault"),
    [
        ("DECLINED", "501", "refund_declined", "ours"),
        ("DECLINED", "502", "insufficient_balance", "configuration"),
        ("DECLINED", "503", "refund_not_supported", "ours"),
        ("DECLINED", "504", "refund_not_supported", "ours"),
        ("FAILED", "401", "refund_declined", "ours"),
        ("RESTRICTED", "602", "refund_declined", "ours"),
    ],
)
async def test_a_refund_refused_inside_a_200_is_a_failure_that_moved_nothing(
    adapter: Tap, status: str, code: str, error_type: str, fault: Fault
) -> None:
    answers = [answer(charge()), refunds(), answer(refund(status, response={"code": code}))]
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "refund_payment", answers), REFUND)

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == (error_type, fault, False)


@pytest.mark.parametrize("sent_at", [0, 1], ids=["authorization", "capture"])
async def test_trouble_at_the_bank_leaves_open_whether_it_happened(adapter: Tap, sent_at: int) -> None:
    answers = [answer(HELD), answer(TAKEN_FROM_HELD)]
    answers[sent_at] = refused(400, "1151")
    with pytest.raises(CallFailed) as caught:
        await run(adapter, FakeExchange(adapter, "capture_payment", answers), CAPTURE)

    assert caught.value.sent is True


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"id":"chg_1","amount":"10.5 KWD","currency":"KWD"}', b"[]"])
async def test_an_answer_that_is_no_charge_is_drift(adapter: Tap, body: bytes) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "create_payment", [answer(body)]), CREATE)


# --- transactions ------------------------------------------------------------------------------------------------------


def at(minutes: int) -> str:
    return str(AT - minutes * 60_000)


def paid_at(minutes: int, id: str, status: str = "CAPTURED") -> dict[str, Any]:
    return charge(status, id, transaction={"created": at(minutes)})


async def test_charges_and_refunds_are_one_list_newest_first(adapter: Tap) -> None:
    both = [
        charges(paid_at(1, "chg_1"), paid_at(4, "chg_4"), more=True),
        refunds(refund(id="re_2", created=at(2)), refund(id="re_9", created=at(9))),
    ]
    exchange = FakeExchange(adapter, "list_transactions", both)
    page = await run(adapter, exchange, {"limit": 2})

    assert [(one.transaction_id, str(one.amount.amount)) for one in page.transactions] == [
        ("chg_1", "10.5"),
        ("re_2", "-1.5"),
    ]
    assert page.transactions[1].payment_id == "chg_1"
    assert page.next_cursor == "chg_1|re_2"
    assert [one.json for one in exchange.requests] == [{"status": "CAPTURED", "limit": 2}, {"limit": 2}]


async def test_a_list_that_has_ended_is_not_asked_again(adapter: Tap) -> None:
    both = [charges(paid_at(1, "chg_1"), paid_at(2, "chg_2"), more=True), refunds()]
    first = FakeExchange(adapter, "list_transactions", both)
    page = await run(adapter, first, {"limit": 2})
    second = FakeExchange(adapter, "list_transactions", [charges(paid_at(3, "chg_3"))])
    last = await run(adapter, second, {"limit": 2, "cursor": page.next_cursor})

    assert page.next_cursor == "chg_2|-"
    assert second.last.json == {"status": "CAPTURED", "limit": 2, "starting_after": "chg_2"}
    assert (len(last.transactions), last.next_cursor) == (1, "")


async def test_the_stretch_is_held_here_as_the_unit_of_taps_filter_is_not_certain(adapter: Tap) -> None:
    rows = [paid_at(minutes, f"chg_{minutes}") for minutes in (0, 1, 5, 9)]
    asked = {"since": (NOON - timedelta(minutes=5)).isoformat(), "until": NOON.isoformat()}
    exchange = FakeExchange(adapter, "list_transactions", [charges(*rows, more=True), refunds()])
    page = await run(adapter, exchange, asked)

    assert [one.transaction_id for one in page.transactions] == ["chg_1", "chg_5"]
    assert page.next_cursor == ""  # what follows is older still
    assert all("period" not in one.json for one in exchange.requests)
    assert exchange.requests[0].json["limit"] == 50  # the most Tap gives


async def test_a_refund_under_way_is_listed_and_one_refused_is_not(adapter: Tap) -> None:
    rows = [refund("PENDING"), refund("DECLINED", "re_2"), refund("REFUNDED", "re_3")]
    exchange = FakeExchange(adapter, "list_transactions", [charges(paid_at(1, "chg_0", "DECLINED")), refunds(*rows)])
    page = await run(adapter, exchange, LIST)

    assert [(one.transaction_id, one.status) for one in page.transactions] == [
        ("re_1", "pending"),
        ("re_3", "refunded"),
    ]
    assert page.next_cursor == ""


@pytest.mark.parametrize("created", [AT, str(AT), AT // 1000, str(AT // 1000)])
async def test_times_come_as_text_or_number_of_the_epoch(adapter: Tap, created: Any) -> None:
    answers = [charges(), refunds(refund(created=created))]
    page = await run(adapter, FakeExchange(adapter, "list_transactions", answers), LIST)

    assert page.transactions[0].created_at == NOON


async def test_a_row_without_a_time_is_drift(adapter: Tap) -> None:
    answers = [charges(charge(transaction={})), refunds()]
    with pytest.raises(SchemaDrift) as caught:
        await run(adapter, FakeExchange(adapter, "list_transactions", answers), LIST)

    assert caught.value.field == "created"


@pytest.mark.parametrize("cursor", ["chg_1", "chg_1|chg_2", "re_1|chg_1", "|re_1|", "chg_1;|-"])
async def test_a_cursor_that_is_none_of_ours_is_refused(adapter: Tap, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        await run(adapter, FakeExchange(adapter, "list_transactions"), {"cursor": cursor})


# --- webhooks ----------------------------------------------------------------------------------------------------------


def signed(body: dict[str, Any], text: str, secret: str = SECRET) -> Delivery:
    """Return a delivery with the hash of a text that was written out by hand."""
    return Delivery(
        url=HOOK,
        headers={"hashstring": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()},
        body=json.dumps(body).encode(),
        received_at=NOON,
    )


TOLD = charge(reference={"gateway": "gw1", "payment": "p1", "order": "FORGED"})
TEXT = f"x_idchg_1x_amount10.500x_currencyKWDx_gateway_referencegw1x_payment_referencep1x_statusCAPTUREDx_created{AT}"


async def received(adapter: Tap, delivery: Delivery, answers: list[Response]) -> list[VendorEvent]:
    return list(await adapter.receive(FakeExchange(adapter, "get_payment", answers), delivery))


async def test_a_proven_delivery_is_what_tap_then_says_itself(adapter: Tap) -> None:
    [event] = await received(adapter, signed(TOLD, TEXT), [answer(charge()), refunds()])

    assert (event.id, event.type, event.resource) == ("chg_1:CAPTURED", "charge.captured", "chg_1")
    assert (event.reference, dict(event.data)) == ("EXAMPLE-3401", {"status": "captured"})


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1, "SAR", "1.00"), (1.0, "SAR", "1.00"), (1, "KWD", "1.000"), (1.5, "BHD", "1.500"), (10, "USD", "10.00")],
)
async def test_the_amount_under_the_signature_has_its_decimals_whatever_the_number_looks_like(
    adapter: Tap, amount: float, currency: str, text: str
) -> None:
    body = charge("INITIATED", amount=amount, currency=currency, reference={}, transaction={"created": "5"})
    wanted = (
        f"x_idchg_1x_amount{text}x_currency{currency}x_gateway_referencex_payment_referencex_statusINITIATEDx_created5"
    )
    found = await received(adapter, signed(body, wanted), [answer(body)])

    assert [one.type for one in found] == ["charge.initiated"]


async def test_a_refund_is_signed_with_its_own_time_and_told_of_its_charge(adapter: Tap) -> None:
    body = refund()
    text = f"x_idre_1x_amount1.500x_currencyKWDx_gateway_referencex_payment_referencex_statusREFUNDEDx_created{AT}"
    [event] = await received(adapter, signed(body, text), [answer(body), answer(charge()), refunds(body)])

    assert (event.id, event.type) == ("re_1:REFUNDED", "refund.refunded")
    assert (event.resource, event.data["status"]) == ("chg_1", "partially_refunded")


async def test_an_old_delivery_tells_the_present_state(adapter: Tap) -> None:
    body = {**TOLD, "status": "INITIATED"}
    old = signed(body, TEXT.replace("CAPTURED", "INITIATED"))
    [event] = await received(adapter, old, [answer(charge()), refunds()])

    assert (event.id, event.data["status"]) == ("chg_1:CAPTURED", "captured")


async def test_a_delivery_about_what_is_not_ours_says_nothing(adapter: Tap) -> None:
    assert await received(adapter, signed(TOLD, TEXT), [refused(404, "1144")]) == []


async def test_trouble_while_asking_makes_tap_deliver_again(adapter: Tap) -> None:
    with pytest.raises(HttpFailed):
        await received(adapter, signed(TOLD, TEXT), [refused(503)])


async def test_a_forged_or_unsigned_delivery_is_refused_and_nothing_is_asked(adapter: Tap) -> None:
    good = signed(TOLD, TEXT)
    forged = [
        replace(good, headers={}),
        replace(good, headers={"hashstring": "0" * 64}),
        signed(TOLD, TEXT, "sk_test_another"),
        signed({**TOLD, "status": "CAPTURED", "amount": 9}, TEXT),
        signed(TOLD, TEXT.replace("10.500", "10.5")),
    ]
    for one in forged:
        with pytest.raises(DeliveryRefused):
            await received(adapter, one, [])
    with pytest.raises(DeliveryRefused):
        await received(Tap({}), good, [])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"id":"inv_1"}', json.dumps({**TOLD, "id": "chg_../x"}).encode()]
)
async def test_what_is_no_event_cannot_be_read(adapter: Tap, body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        await received(adapter, replace(signed(TOLD, TEXT), body=body), [])

    assert caught.value.field == "body"


def test_nothing_personal_is_kept() -> None:
    assert not VENDOR.kept_fields & {"email", "first_name", "last_name", "number", "url", "description", "message"}
