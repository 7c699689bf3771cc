"""Stripe's adapter against Stripe's contract and official client, its recorded errors and the traps of its interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import stripe
import yaml

from integrations.errors import (
    AlreadyCaptured,
    BusinessFailed,
    Fault,
    HttpFailed,
    InvalidInput,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Request, Response, Verdict
from integrations.types.base import Money
from integrations.vendors.stripe import Stripe
from integrations.vendors.stripe.declaration import API_VERSION, VENDOR
from integrations.vendors.stripe.minor_units import from_units, to_units
from tests.contracts import contract
from tests.integrations.vendors.exchange import FakeExchange, adapter_with_sandbox_credentials, answer, body_of, run
from tests.integrations.vendors.openapi import problems

CREATE, CAPTURE, CANCEL, GET, REFUND, LIST = (dict(operation.example) for operation in VENDOR.operations)
CHARGE = {"id": "ch_1", "object": "charge", "amount_refunded": 0}
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 10990,
    "amount_received": 10990,
    "currency": "usd",
    "status": "succeeded",
    "metadata": {"reference": "EXAMPLE-3001"},
    "latest_charge": CHARGE,
    "next_action": None,
    "last_payment_error": None,
}
REFUNDED = {**INTENT, "latest_charge": {**CHARGE, "amount_refunded": 500}}
A_REFUND = {
    "id": "re_1",
    "amount": 500,
    "status": "succeeded",
    "metadata": {"reference": "EXAMPLE-3003"},
    "payment_intent": REFUNDED,
}
TRANSACTION = {
    "id": "txn_1",
    "object": "balance_transaction",
    "amount": -500,
    "fee": 0,
    "net": -500,
    "currency": "usd",
    "type": "refund",
    "created": 1_760_000_000,
    "status": "available",
    "source": {"id": "re_1", "payment_intent": "pi_1", "metadata": {"reference": "EXAMPLE-3003"}},
}


def failed(status: int, headers: Mapping[str, str] | None = None, **error: Any) -> Response:
    return answer({"error": {"message": "…", **error}}, status, headers)


STORED = failed(500, {"Idempotent-Replayed": "true"}, type="api_error")


@pytest.fixture
def adapter() -> Stripe:
    made = adapter_with_sandbox_credentials(Stripe)
    assert isinstance(made, Stripe)
    return made


def form_of(request: Request) -> dict[str, str]:
    return dict(request.form or ())


# --- what we send, held against the contract --------------------------------------------------------------------------


@lru_cache(maxsize=1)
def specification(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there
    loaded: dict[str, Any] = yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 - both loaders are the safe one
    return loaded


def nested(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return form fields as the tree their brackets draw; ``expand[0]`` becomes a list."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = name.replace("]", "").split("[")
        keys, at = [first, *rest], tree
        for key in keys[:-1]:
            at = at.setdefault(key, {})
        at[keys[-1]] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        return list(value.values())
    return value


def typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return form text as the type its schema names."""
    options = [schema, *schema.get("anyOf", ())]
    if isinstance(value, dict):
        named: Mapping[str, Any] = next((option["properties"] for option in options if "properties" in option), {})
        return {name: typed(inner, named.get(name, {})) for name, inner in value.items()}
    kinds = {option.get("type") for option in options}
    if isinstance(value, str) and "integer" in kinds and value.isdigit():
        return int(value)
    if value in ("true", "false") and "boolean" in kinds:
        return value == "true"
    return value


@pytest.mark.parametrize(
    ("operation", "value", "reply", "path"),
    [
        ("create_payment", CREATE, INTENT, "/v1/payment_intents"),
        ("create_payment", {**CREATE, "return_url": "https://shop.example/back"}, INTENT, "/v1/payment_intents"),
        ("create_payment", {**CREATE, "capture": False, "payment_method": ""}, INTENT, "/v1/payment_intents"),
        (
            "capture_payment",
            {**CAPTURE, "amount": {"amount": "5.00", "currency": "USD"}},
            INTENT,
            "/v1/payment_intents/{intent}/capture",
        ),
        ("refund_payment", REFUND, A_REFUND, "/v1/refunds"),
        ("refund_payment", {**REFUND, "reason": "Too small"}, A_REFUND, "/v1/refunds"),
    ],
    ids=["create", "with return url", "unconfirmed", "capture", "refund", "reason of our own"],
)
async def test_form_keeps_to_the_published_contract(
    adapter: Stripe, operation: str, value: Any, reply: Any, path: str
) -> None:
    published = specification(contract("stripe/spec3-2023-08-16.yaml"))
    exchange = FakeExchange(adapter, operation, [answer(reply)])
    await run(adapter, exchange, value)
    body = published["paths"][path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    tree = typed(nested(exchange.last.form or ()), body)

    assert body["additionalProperties"] is False
    assert problems(published, body, tree) == []


@pytest.mark.parametrize(
    ("operation", "value", "reply", "path"),
    [
        ("get_payment", GET, INTENT, "/v1/payment_intents/{intent}"),
        ("list_transactions", LIST, {"data": [], "has_more": False}, "/v1/balance_transactions"),
    ],
)
async def test_query_names_only_published_parameters(
    adapter: Stripe, operation: str, value: Any, reply: Any, path: str
) -> None:
    published = specification(contract("stripe/spec3-2023-08-16.yaml"))
    exchange = FakeExchange(adapter, operation, [answer(reply)])
    await run(adapter, exchange, value)
    known = {parameter["name"] for parameter in published["paths"][path]["get"]["parameters"]}

    assert {name.partition("[")[0] for name, _ in exchange.last.query} <= known


class Recording(stripe.HTTPClient):
    """Notes what the official client would send and answers for Stripe."""

    name = "recording"

    def __init__(self) -> None:
        super().__init__()
        self.sent: tuple[str, str, Mapping[str, str], str] = ("", "", {}, "")

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, *, _usage: list[str] | None = None
    ) -> tuple[str, int, dict[str, str]]:
        self.sent = (method, url, headers, post_data or "")
        return '{"id": "pi_1", "object": "payment_intent"}', 200, {}

    def close(self) -> None:
        pass


async def test_create_is_what_the_official_client_sends(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(INTENT)], idempotency_key="k1")
    await run(adapter, exchange, CREATE)
    recording = Recording()
    client = stripe.StripeClient("sk_test_quayside", http_client=recording)
    client.v1.payment_intents.create(
        {
            "amount": 10990,
            "currency": "usd",
            "capture_method": "automatic",
            "metadata": {"reference": "EXAMPLE-3001"},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "payment_method": "pm_card_visa",
            "confirm": True,
            "description": "Order EXAMPLE-3001",
            "expand": ["latest_charge"],
        },
        {"idempotency_key": "k1"},
    )
    method, url, headers, body = recording.sent
    theirs = {name.lower(): value for name, value in headers.items()}

    assert (exchange.last.method.lower(), VENDOR.base_url + exchange.last.path) == (method, url)
    assert sorted(parse_qsl(body_of(exchange.last).decode())) == sorted(parse_qsl(body))
    assert exchange.authorised[-1]["authorization"] == theirs["authorization"]
    assert exchange.last.headers["idempotency-key"] == theirs["idempotency-key"]
    assert exchange.last.headers["stripe-version"] == theirs["stripe-version"] == API_VERSION
    assert theirs["content-type"] == "application/x-www-form-urlencoded"


async def test_refund_is_what_the_official_client_sends(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "refund_payment", [answer(A_REFUND)], idempotency_key="k2")
    await run(adapter, exchange, REFUND)
    recording = Recording()
    stripe.StripeClient("sk_test_quayside", http_client=recording).v1.refunds.create(
        {
            "payment_intent": "pi_sandbox_captured",
            "amount": 500,
            "reason": "requested_by_customer",
            "metadata": {"reference": "EXAMPLE-3003"},
            "expand": ["payment_intent.latest_charge"],
        },
        {"idempotency_key": "k2"},
    )

    assert sorted(parse_qsl(body_of(exchange.last).decode())) == sorted(parse_qsl(recording.sent[3]))


async def test_list_is_what_the_official_client_sends(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "list_transactions", [answer({"data": [], "has_more": False})])
    await run(adapter, exchange, {"limit": 10, "since": "2026-10-01T00:00:00Z", "cursor": "txn_9"})
    recording = Recording()
    stripe.StripeClient("sk_test_quayside", http_client=recording).v1.balance_transactions.list(
        {"limit": 10, "created": {"gte": 1790812800}, "starting_after": "txn_9", "expand": ["data.source"]}
    )
    theirs = recording.sent[1].partition("?")[2]

    assert sorted(parse_qsl(urlencode(list(exchange.last.query)))) == sorted(parse_qsl(theirs))


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"status": "requires_payment_method", "amount_received": 0}, "pending"),
        ({"status": "requires_payment_method", "last_payment_error": {"code": "card_declined"}}, "declined"),
        ({"status": "requires_confirmation"}, "pending"),
        ({"status": "requires_action"}, "requires_action"),
        ({"status": "processing"}, "pending"),
        ({"status": "requires_capture", "amount_received": 0}, "authorized"),
        ({"status": "succeeded"}, "captured"),
        ({"status": "succeeded", "latest_charge": {**CHARGE, "amount_refunded": 1}}, "partially_refunded"),
        ({"status": "succeeded", "latest_charge": {**CHARGE, "amount_refunded": 10990}}, "refunded"),
        ({"status": "succeeded", "latest_charge": "ch_1"}, "captured"),
        ({"status": "canceled"}, "failed"),
    ],
)
async def test_state_of_an_intent_becomes_our_status(adapter: Stripe, facts: dict[str, Any], status: str) -> None:
    found = await run(adapter, FakeExchange(adapter, "get_payment", [answer({**INTENT, **facts})]), GET)

    assert found.status == status


async def test_the_charge_is_asked_for_because_an_intent_no_longer_holds_a_list_of_them(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "get_payment", [answer(REFUNDED)])
    found = await run(adapter, exchange, GET)

    assert ("expand[0]", "latest_charge") in exchange.last.query
    assert found.status == "partially_refunded"


async def test_a_version_that_adds_fields_or_takes_some_away_does_no_harm(adapter: Stripe) -> None:
    known = {name: INTENT[name] for name in ("id", "object", "amount", "currency", "status", "metadata")}
    exchange = FakeExchange(adapter, "get_payment", [answer({**known, "a_new_field": {"of": "2027"}})])
    found = await run(adapter, exchange, GET)

    assert exchange.last.headers["stripe-version"] == API_VERSION
    assert (found.payment_id, found.status) == ("pi_1", "captured")


async def test_declined_card_is_a_result_with_the_banks_code(adapter: Stripe) -> None:
    reply = failed(
        402,
        type="card_error",
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
        payment_intent={**INTENT, "status": "requires_payment_method", "amount_received": 0},
    )
    found = await run(adapter, FakeExchange(adapter, "create_payment", [reply]), CREATE)

    assert (found.status, found.decline_code, found.payment_id) == ("declined", "insufficient_funds", "pi_1")
    assert found.message == "Your card has insufficient funds."


async def test_shopper_is_told_where_to_authenticate(adapter: Stripe) -> None:
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/3ds", "return_url": "x"}}
    reply = answer({**INTENT, "status": "requires_action", "next_action": action})
    found = await run(adapter, FakeExchange(adapter, "create_payment", [reply]), CREATE)

    assert found.next_action is not None
    assert (found.next_action.type, found.next_action.url) == ("redirect_to_url", "https://bank.example/3ds")


async def test_payment_without_return_url_never_redirects(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(INTENT), answer(INTENT)])
    await run(adapter, exchange, CREATE)
    without = form_of(exchange.last)
    await run(adapter, exchange, {**CREATE, "return_url": "https://shop.example/back"})
    with_url = form_of(exchange.last)

    assert without["automatic_payment_methods[allow_redirects]"] == "never"
    assert "automatic_payment_methods[allow_redirects]" not in with_url
    assert with_url["return_url"] == "https://shop.example/back"


async def test_customer_is_not_sent(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "create_payment", [answer(INTENT)])
    await run(adapter, exchange, {**CREATE, "customer": {"name": "Ada Byron", "email": "ada@example.org"}})

    assert b"Ada" not in body_of(exchange.last)
    assert b"example.org" not in body_of(exchange.last)


async def test_pending_refund_says_so(adapter: Stripe) -> None:
    reply = answer({**A_REFUND, "status": "pending", "payment_intent": "pi_1"})
    found = await run(adapter, FakeExchange(adapter, "refund_payment", [reply, answer(REFUNDED)]), REFUND)

    assert (found.status, found.message) == ("partially_refunded", "Refund re_1 is pending.")


async def test_transactions_are_paged_by_the_last_id(adapter: Stripe) -> None:
    reply = answer({"data": [TRANSACTION], "has_more": True})
    page = await run(adapter, FakeExchange(adapter, "list_transactions", [reply]), LIST)
    (row,) = page.transactions

    assert page.next_cursor == "txn_1"
    assert (row.payment_id, row.reference) == ("pi_1", "EXAMPLE-3003")
    assert row.amount == Money.model_validate({"amount": "-5.00", "currency": "USD"})
    assert row.created_at.isoformat() == "2025-10-09T08:53:20+00:00"


async def test_capture_in_another_currency_is_reported_not_hidden(adapter: Stripe) -> None:
    asked = {**CAPTURE, "amount": {"amount": "5.00", "currency": "EUR"}}

    with pytest.raises(BusinessFailed, match="The payment is in USD"):
        await run(adapter, FakeExchange(adapter, "capture_payment", [answer(INTENT)]), asked)


# --- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("10.99", "USD", 1099), ("500", "JPY", 500), ("1200", "MGA", 1200), ("12.340", "KWD", 12340), ("7.5", "EUR", 750)],
)
def test_amount_is_counted_as_stripe_counts_it(amount: str, currency: str, units: int) -> None:
    money = Money.model_validate({"amount": amount, "currency": currency})

    assert to_units(money) == units
    assert from_units(units, currency.lower()).amount == money.amount


@pytest.mark.parametrize(
    ("amount", "currency", "kind"),
    [
        ("10.5", "MGA", InvalidInput),
        ("12.345", "KWD", InvalidInput),
        ("1", "ISK", Unsupported),
        ("1", "UGX", Unsupported),
    ],
)
def test_amount_stripe_cannot_count_is_refused(amount: str, currency: str, kind: type[InvalidInput]) -> None:
    with pytest.raises(kind):
        to_units(Money.model_validate({"amount": amount, "currency": currency}))


# --- errors -----------------------------------------------------------------------------------------------------------

INVALID = "invalid_request_error"


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "flags"),
    [
        (failed(400, type=INVALID, code="parameter_missing", param="amount"), "parameter_missing", "ours", "untouched"),
        (failed(400, type=INVALID), "invalid_request", "ours", "untouched"),
        (failed(400, type="idempotency_error"), "idempotency_error", "ours", "untouched"),
        (failed(400, type=INVALID, code="rate_limit"), "rate_limited", "ours", "retryable untouched"),
        (failed(401, type=INVALID), "unauthorized", "configuration", "untouched"),
        (failed(403, type=INVALID), "forbidden", "configuration", "untouched"),
        (failed(404, type=INVALID, code="resource_missing"), "resource_missing", "ours", "untouched"),
        (failed(402, type="card_error", code="card_declined"), "declined", "ours", "untouched"),
        (failed(409, type=INVALID, code="idempotency_key_in_use"), "conflict", "theirs", "retryable"),
        (failed(429, code="lock_timeout"), "lock_timeout", "ours", "retryable untouched"),
        (failed(429, {"Stripe-Rate-Limited-Reason": "endpoint-rate"}), "rate_limited", "ours", "retryable untouched"),
        (failed(429, {"Stripe-Should-Retry": "false"}), "rate_limited", "ours", "untouched"),
        (failed(400, {"Stripe-Should-Retry": "true"}, type=INVALID), "invalid_request", "ours", "retryable untouched"),
        (failed(500, type="api_error"), "http_500", "theirs", "retryable counts"),
        (failed(503, {"Stripe-Should-Retry": "true"}, type="api_error"), "http_503", "theirs", "retryable counts"),
        (failed(500, {"Stripe-Should-Retry": "false"}, type="api_error"), "stored_error", "theirs", ""),
        (STORED, "stored_error", "theirs", ""),
        (answer("<html>bad gateway</html>", 502, content_type="text/html"), "http_502", "theirs", "retryable counts"),
    ],
)  # fmt: skip
def test_recorded_error_gets_its_verdict(
    adapter: Stripe, response: Response, error_type: str, fault: Fault, flags: str
) -> None:
    verdict = adapter.classify(Request(method="POST", path="/v1/payment_intents"), response)

    assert verdict is not None
    assert verdict == Verdict(
        error_type=error_type,
        fault=fault,
        message=verdict.message,
        retryable="retryable" in flags,
        counts="counts" in flags,
        untouched="untouched" in flags,
    )
    assert verdict.message.startswith("Stripe")


def test_vendors_text_stays_out_of_the_message(adapter: Stripe) -> None:
    response = failed(
        400, type="invalid_request_error", message="Invalid email address: ada@example.org", param="email"
    )
    verdict = adapter.classify(Request(method="POST", path="/"), response)

    assert verdict is not None
    assert "ada@example.org" not in verdict.message


# --- the failure Stripe stores under a key -----------------------------------------------------------------------------


async def test_stored_failure_of_a_payment_that_exists_gives_that_payment(adapter: Stripe) -> None:
    found = answer({"data": [{**INTENT, "id": "pi_7"}], "has_more": False})
    exchange = FakeExchange(adapter, "create_payment", [STORED, found])
    payment = await run(adapter, exchange, CREATE)

    assert payment.payment_id == "pi_7"
    assert [request.step for request in exchange.requests] == ["", "look_up"]


async def test_stored_failure_is_followed_by_one_new_key_when_nothing_exists(adapter: Stripe) -> None:
    pages = [
        answer({"data": [{**INTENT, "id": "pi_8", "metadata": {"reference": "other"}}], "has_more": True}),
        answer({"data": [], "has_more": False}),
    ]
    exchange = FakeExchange(adapter, "create_payment", [STORED, *pages, answer(INTENT)], idempotency_key="k1")
    payment = await run(adapter, exchange, CREATE)
    keys = [request.headers.get("idempotency-key") for request in exchange.requests]

    assert payment.payment_id == "pi_1"
    assert keys == ["k1", None, None, "k1.after-stored-error"]
    assert ("starting_after", "pi_8") in exchange.requests[2].query


async def test_list_too_long_to_be_sure_sends_nothing_more(adapter: Stripe) -> None:
    page = answer({"data": [{**INTENT, "metadata": {}}], "has_more": True})
    exchange = FakeExchange(adapter, "create_payment", [STORED, *[page] * 20])

    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, exchange, CREATE)

    assert (caught.value.error_type, caught.value.fault) == ("look_up_too_long", "theirs")
    assert [request.method for request in exchange.requests].count("POST") == 1


async def test_stored_failure_of_a_capture_that_happened_is_a_capture(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "capture_payment", [STORED, answer(INTENT)])
    payment = await run(adapter, exchange, CAPTURE)

    assert payment.status == "captured"
    assert len(exchange.requests) == 2


async def test_cancelling_lets_go_of_what_was_authorized_and_keeps_to_the_contract(adapter: Stripe) -> None:
    published = specification(contract("stripe/spec3-2023-08-16.yaml"))
    held, gone = {**INTENT, "status": "requires_capture"}, {**INTENT, "status": "canceled"}
    exchange = FakeExchange(adapter, "cancel_payment", [answer(held), answer(gone)])
    payment = await run(adapter, exchange, CANCEL)
    operation = published["paths"]["/v1/payment_intents/{intent}/cancel"]["post"]
    body = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]

    assert (payment.status, exchange.last.path) == ("failed", "/v1/payment_intents/pi_sandbox_held/cancel")
    assert problems(published, body, typed(nested(exchange.last.form or ()), body)) == []


async def test_payment_that_is_cancelled_already_is_not_cancelled_again(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "cancel_payment", [answer({**INTENT, "status": "canceled"})])
    payment = await run(adapter, exchange, CANCEL)

    assert (payment.status, [request.method for request in exchange.requests]) == ("failed", ["GET"])


async def test_payment_that_is_captured_is_not_cancelled_but_refunded(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "cancel_payment", [answer({**INTENT, "status": "succeeded"})])
    with pytest.raises(AlreadyCaptured, match="refund it"):
        await run(adapter, exchange, CANCEL)

    assert [request.method for request in exchange.requests] == ["GET"]


async def test_stored_failure_of_a_refund_finds_it_by_its_reference(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "refund_payment", [STORED, answer({"data": [A_REFUND], "has_more": False})])
    payment = await run(adapter, exchange, REFUND)

    assert payment.status == "partially_refunded"
    assert exchange.requests[1].query[1] == ("payment_intent", "pi_sandbox_captured")


async def test_other_failure_is_left_to_the_gateway(adapter: Stripe) -> None:
    exchange = FakeExchange(adapter, "create_payment", [failed(500, type="api_error")])

    with pytest.raises(HttpFailed):
        await run(adapter, exchange, CREATE)

    assert len(exchange.requests) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [(b'{"id"', "body"), (b"[]", "body"), ({**INTENT, "amount": "10990 minor"}, "amount"), ({"id": "pi_1"}, "amount")],
    ids=["cut off", "a list", "amount is text", "no amount"],
)
async def test_answer_we_no_longer_understand_names_the_field(adapter: Stripe, body: Any, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(adapter, FakeExchange(adapter, "get_payment", [answer(body)]), GET)

    assert caught.value.field == field


def test_nothing_personal_and_no_secret_is_kept_in_a_record() -> None:
    never = {"client_secret", "receipt_email", "email", "name", "phone", "description", "message", "authorization"}

    assert not never & VENDOR.kept_fields
