from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import jsonschema
import pytest
import stripe
import yaml

from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start

# The SDK hands httpx its bytes as data=, which httpx has deprecated; that is between the two of them.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

KEY = "sk_test_quayside"
MANUAL = {
    "amount": 1099,
    "currency": "usd",
    "capture_method": "manual",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "metadata": {"order_id": "A-1"},
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
}
PAID: dict[str, Any] = {**MANUAL, "capture_method": "automatic"}

Send = Callable[..., Awaitable[tuple[int, dict[str, Any], Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("stripe", settings={"stripe": {"quotas": [["global-rate", 10_000, 1]]}})


Connect = Callable[[str], Any]


@pytest.fixture
async def connect(sandbox: Sandbox) -> AsyncIterator[Connect]:
    """Make official clients, told only the address; typed Any, because their parameters are given as plain dicts."""
    wires: list[Any] = []

    def connect_one(key: str) -> Any:
        wires.append(stripe.HTTPXClient())
        address: Any = {"api": f"{sandbox.url}/stripe"}
        return stripe.StripeClient(key, base_addresses=address, max_network_retries=0, http_client=wires[-1])

    yield connect_one
    for wire in wires:
        wire.close()
        await wire.close_async()


@pytest.fixture
def sdk(connect: Connect) -> Any:
    return connect(KEY)


@pytest.fixture
def send(sandbox: Sandbox) -> Send:
    """Send one plain request; the answer is status, JSON and headers."""

    async def send_one(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any], Any]:
        named = {"Authorization": f"Bearer {KEY}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        data = urlencode(list(_flat(body)), safe="[]").encode() if isinstance(body, dict) else body
        if isinstance(body, dict):
            named.setdefault("Content-Type", "application/x-www-form-urlencoded")
        async with sandbox.client.request(method, f"{sandbox.url}/stripe{path}", data=data, headers=named) as answer:
            return answer.status, await answer.json(), answer.headers

    return send_one


def _flat(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}[{key}]" if name else key)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


class Spec:
    """The published OpenAPI document as JSON schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._read: dict[str, Any] = {}

    def check(self, value: Any, name: str) -> None:
        self._schema(name)
        schema = {"$ref": f"#/$defs/{name}", "$defs": self._read}
        jsonschema.Draft202012Validator(schema).validate(value)

    def _schema(self, name: str) -> None:
        if name not in self._read:
            self._read[name] = {}
            self._read[name] = self._plain(self._schemas[name])

    def _plain(self, value: Any) -> Any:
        """Turn OpenAPI's ``nullable`` and references into plain JSON schema."""
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$ref"), str):
            name = value["$ref"].rpartition("/")[2]
            self._schema(name)
            return {"$ref": f"#/$defs/{name}"}
        plain = {key: self._plain(item) for key, item in value.items() if key not in ("nullable", "example")}
        return {"anyOf": [plain, {"type": "null"}]} if value.get("nullable") is True else plain


@pytest.fixture(scope="session")
def spec() -> Spec:
    path = contract("stripe/spec3-2023-08-16.yaml")
    return Spec(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))


async def test_sdk_creates_retrieves_captures_and_refunds(sandbox: Sandbox, sdk: Any) -> None:
    made = await sdk.v1.payment_intents.create_async(MANUAL)
    seen = await sdk.v1.payment_intents.retrieve_async(made.id, {"expand": ["latest_charge"]})
    taken = await sdk.v1.payment_intents.capture_async(made.id)
    back = await sdk.v1.refunds.create_async({"payment_intent": made.id, "amount": 500})
    rest = await sdk.v1.refunds.create_async({"payment_intent": made.id})

    assert (made.status, made.amount_capturable) == ("requires_capture", 1099)
    assert isinstance(seen.latest_charge, stripe.Charge)
    assert seen.latest_charge.captured is False
    assert (taken.status, taken.amount_received) == ("succeeded", 1099)
    assert (back.amount, back.status, rest.amount) == (500, "succeeded", 599)
    assert [(e["kind"], e["reference"], e["amount"]) for e in await sandbox.effects("stripe")] == [
        ("payment", "A-1", "10.99 USD"),
        ("capture", "A-1", "10.99 USD"),
        ("refund", "A-1", "5.00 USD"),
        ("refund", "A-1", "5.99 USD"),
    ]
    assert [r["operation"] for r in await sandbox.requests("stripe")] == [
        "create_payment",
        "get_payment",
        "capture_payment",
        "refund_payment",
        "refund_payment",
    ]


async def test_sdk_pages_through_all_transactions_newest_first(sandbox: Sandbox, sdk: Any) -> None:
    for _ in range(23):
        await sdk.v1.payment_intents.create_async(PAID)
        sandbox.clock.move(1)
    first = await sdk.v1.balance_transactions.list_async({"limit": 10})
    created = [item.created async for item in first.auto_paging_iter()]

    assert (len(first.data), first.has_more) == (10, True)
    assert created == sorted(created, reverse=True)
    assert len(created) == 23


async def test_sdk_replays_a_key_and_refuses_it_with_other_parameters(sandbox: Sandbox, sdk: Any) -> None:
    options: Any = {"idempotency_key": "k-1"}
    first = await sdk.v1.payment_intents.create_async(PAID, options)
    again = await sdk.v1.payment_intents.create_async(PAID, options)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        await sdk.v1.payment_intents.create_async({**PAID, "amount": 2000}, options)
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await sdk.v1.refunds.create_async({"payment_intent": first.id}, options)

    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(await sandbox.effects("stripe")) == 1


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
async def test_sdk_raises_card_error_with_the_payment_inside(
    sandbox: Sandbox, sdk: Any, method: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await sdk.v1.payment_intents.create_async({**PAID, "payment_method": method})
    error: Any = caught.value.error

    assert error is not None
    assert (caught.value.http_status, error.code, getattr(error, "decline_code", None)) == (402, code, decline_code)
    assert error.payment_intent is not None
    assert error.payment_intent.status == "requires_payment_method"
    kept = await sdk.v1.payment_intents.retrieve_async(error.payment_intent.id)
    assert kept.last_payment_error is not None
    assert kept.last_payment_error.code == code
    assert await sandbox.effects("stripe") == []


async def test_sdk_maps_each_refusal_to_its_class(sandbox: Sandbox, sdk: Any, connect: Connect) -> None:
    other = connect("sk_test_invalid_key")
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        await other.v1.payment_intents.list_async()
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await sdk.v1.payment_intents.retrieve_async("pi_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    await sandbox.fault("stripe", "rate_limit:60")
    with pytest.raises(stripe.RateLimitError) as limited:
        await sdk.v1.payment_intents.list_async()
    assert limited.value.headers is not None
    assert limited.value.headers["stripe-rate-limited-reason"] == "global-rate"
    assert "retry-after" not in limited.value.headers
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("stripe", "status:503")
    with pytest.raises(stripe.APIError):
        await sdk.v1.payment_intents.list_async()


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": ""}, "parameter_missing", "amount"),
        ({"amount": "12.50"}, "parameter_invalid_integer", "amount"),
        ({"amount": "0"}, "parameter_invalid_integer", "amount"),
        ({"amount": "49"}, "amount_too_small", "amount"),
        ({"amount": "100000000"}, "amount_too_large", "amount"),
        ({"currency": "xxq"}, None, "currency"),
        ({"currency": "kwd", "amount": "1005"}, "parameter_invalid_integer", "amount"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method": "pm_card_none"}, "resource_missing", "payment_method"),
        ({"confirm": "yes"}, None, "confirm"),
        ({"capture_method": "later"}, None, "capture_method"),
    ],
)
async def test_bad_parameter_is_named(
    sandbox: Sandbox, send: Send, change: dict[str, str], code: str | None, param: str
) -> None:
    status, body, headers = await send("POST", "/v1/payment_intents", {**PAID, **change})

    assert status == 400
    assert body["error"]["type"] == "invalid_request_error"
    assert (body["error"].get("code"), body["error"]["param"]) == (code, param)
    assert headers["Request-Id"].startswith("req_")
    assert await sandbox.effects("stripe") == []


async def test_json_body_is_refused(send: Send) -> None:
    status, body, _ = await send("POST", "/v1/payment_intents", b'{"amount":1}', Content_Type="application/json")

    assert status == 400
    assert "application/x-www-form-urlencoded" in body["error"]["message"]


async def test_confirming_with_redirects_allowed_needs_a_return_url(send: Send) -> None:
    status, body, _ = await send(
        "POST", "/v1/payment_intents", {**PAID, "automatic_payment_methods": {"enabled": True}}
    )

    assert status == 400
    assert "return_url" in body["error"]["message"]


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [("jpy", 500, "500 JPY"), ("kwd", 1230, "1.230 KWD"), ("eur", 1999, "19.99 EUR")],
)
async def test_minor_units_follow_the_currency(
    sandbox: Sandbox, send: Send, currency: str, amount: int, text: str
) -> None:
    status, _, _ = await send("POST", "/v1/payment_intents", {**PAID, "currency": currency, "amount": amount})

    assert status == 200
    assert [effect["amount"] for effect in await sandbox.effects("stripe")] == [text]


async def test_partial_capture_lets_the_rest_go_and_caps_refunds(sandbox: Sandbox, send: Send) -> None:
    _, made, _ = await send("POST", "/v1/payment_intents", MANUAL)
    path = f"/v1/payment_intents/{made['id']}/capture"
    too_much, refused, _ = await send("POST", path, {"amount_to_capture": 1100})
    _, taken, _ = await send("POST", path, {"amount_to_capture": 700})
    twice, state, _ = await send("POST", path)
    over, excess, _ = await send("POST", "/v1/refunds", {"payment_intent": made["id"], "amount": 701})
    _, back, _ = await send("POST", "/v1/refunds", {"payment_intent": made["id"], "metadata": {"reference": "R-1"}})
    again, done, _ = await send("POST", "/v1/refunds", {"payment_intent": made["id"]})

    assert (too_much, refused["error"]["code"]) == (400, "amount_too_large")
    assert (taken["status"], taken["amount_received"], taken["amount_capturable"]) == ("succeeded", 700, 0)
    assert (twice, state["error"]["code"]) == (400, "payment_intent_unexpected_state")
    assert (over, excess["error"]["param"]) == (400, "amount")
    assert back["amount"] == 700
    assert [effect["reference"] for effect in await sandbox.effects("stripe")] == ["A-1", "A-1", "R-1"]
    assert (again, done["error"]["code"]) == (400, "charge_already_refunded")


async def test_transaction_is_in_the_settlement_currency_with_its_fee(sandbox: Sandbox, send: Send) -> None:
    await send("POST", "/v1/payment_intents", PAID)
    await send("POST", "/v1/payment_intents", {**PAID, "currency": "eur", "amount": 10_000})
    _, page, _ = await send("GET", "/v1/balance_transactions?expand[]=data.source&type=charge")
    euro, dollar = page["data"]
    _, before, _ = await send("GET", "/v1/balance")
    sandbox.clock.move(3 * 86_400)
    _, after, _ = await send("GET", "/v1/balance")

    assert (dollar["amount"], dollar["fee"], dollar["net"], dollar["exchange_rate"]) == (1099, 62, 1037, None)
    assert (euro["amount"], euro["currency"], euro["exchange_rate"]) == (10_900, "usd", 1.09)
    assert euro["net"] == euro["amount"] - euro["fee"]
    assert euro["source"]["payment_intent"].startswith("pi_")
    assert before["pending"][0]["amount"] == after["available"][0]["amount"] == euro["net"] + dollar["net"]


async def test_customer_authenticates_on_the_page_of_next_action(sandbox: Sandbox, send: Send) -> None:
    wanted = {**PAID, "payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.example/back?o=1"}
    _, made, _ = await send("POST", "/v1/payment_intents", wanted)
    url = made["next_action"]["redirect_to_url"]["url"]
    assert await sandbox.effects("stripe") == []
    async with sandbox.client.get(url) as page:
        assert "Complete authentication" in await page.text()
    async with sandbox.client.post(url, data={"outcome": "pass"}, allow_redirects=False) as answer:
        location = answer.headers["Location"]
    _, paid, _ = await send("GET", f"/v1/payment_intents/{made['id']}")

    assert made["status"] == "requires_action"
    assert location.startswith("https://shop.example/back?o=1&payment_intent=pi_")
    assert location.endswith("redirect_status=succeeded")
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)
    assert [effect["kind"] for effect in await sandbox.effects("stripe")] == ["payment"]


async def test_failed_authentication_asks_for_another_method(sandbox: Sandbox, send: Send) -> None:
    wanted = {**PAID, "payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.example/"}
    _, made, _ = await send("POST", "/v1/payment_intents", wanted)
    await sandbox.client.post(
        made["next_action"]["redirect_to_url"]["url"], data={"outcome": "fail"}, allow_redirects=False
    )
    _, failed, _ = await send("GET", f"/v1/payment_intents/{made['id']}")
    _, paid, _ = await send("POST", f"/v1/payment_intents/{made['id']}/confirm", {"payment_method": "pm_card_visa"})

    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert paid["status"] == "succeeded"


async def test_off_session_payment_that_needs_the_customer_is_declined(send: Send) -> None:
    wanted = {**PAID, "payment_method": "pm_card_authenticationRequired", "off_session": True}
    status, body, _ = await send("POST", "/v1/payment_intents", wanted)

    assert (status, body["error"]["code"]) == (402, "authentication_required")


async def test_stored_500_is_replayed_for_a_day(sandbox: Sandbox, send: Send) -> None:
    await sandbox.control("PUT", "settings", {"stripe": {"fail_next_create": "after"}})
    answers = [await send("POST", "/v1/payment_intents", PAID, Idempotency_Key="k-1") for _ in range(2)]
    effects = len(await sandbox.effects("stripe"))
    _, found, _ = await send("GET", "/v1/payment_intents/search?" + urlencode({"query": "metadata['order_id']:'A-1'"}))
    sandbox.clock.move(86_401)
    status, _, headers = await send("POST", "/v1/payment_intents", PAID, Idempotency_Key="k-1")

    assert [answer[0] for answer in answers] == [500, 500]
    assert answers[0][1] == answers[1][1]
    assert answers[0][2]["Stripe-Should-Retry"] == "false"
    assert answers[1][2]["Idempotent-Replayed"] == "true"
    assert effects == 1
    assert [item["status"] for item in found["data"]] == ["succeeded"]
    assert status == 200
    assert "Idempotent-Replayed" not in headers


async def test_lost_answer_is_found_again_under_its_key(sandbox: Sandbox, send: Send) -> None:
    await sandbox.fault("stripe", "lost_answer")
    with pytest.raises(aiohttp.ClientError):
        await send("POST", "/v1/payment_intents", PAID, Idempotency_Key="k-1")
    await sandbox.control("DELETE", "faults")
    status, _, headers = await send("POST", "/v1/payment_intents", PAID, Idempotency_Key="k-1")

    assert (status, headers["Idempotent-Replayed"]) == (200, "true")
    assert len(await sandbox.effects("stripe")) == 1


async def test_second_request_under_a_running_key_conflicts(sandbox: Sandbox, send: Send) -> None:
    await sandbox.control("PUT", "settings", {"stripe": {"processing_seconds": 0.05}})
    answers = await asyncio.gather(
        *(send("POST", "/v1/payment_intents", PAID, Idempotency_Key="k-1") for _ in range(2))
    )
    status, body, headers = max(answers, key=lambda answer: answer[0])

    assert sorted(answer[0] for answer in answers) == [200, 409]
    assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert headers["Stripe-Should-Retry"] == "true"
    assert len(await sandbox.effects("stripe")) == 1


async def test_failed_validation_gives_the_key_back_and_a_decline_keeps_it(send: Send) -> None:
    bad, _, _ = await send("POST", "/v1/payment_intents", {**PAID, "amount": "x"}, Idempotency_Key="k-1")
    good, _, _ = await send("POST", "/v1/payment_intents", PAID, Idempotency_Key="k-1")
    declined = {**PAID, "payment_method": "pm_card_chargeDeclined"}
    answers = [await send("POST", "/v1/payment_intents", declined, Idempotency_Key="k-2") for _ in range(2)]

    assert (bad, good) == (400, 200)
    assert [answer[0] for answer in answers] == [402, 402]
    assert answers[0][1] == answers[1][1]


async def test_uncaptured_payment_expires_and_cancel_lets_go(sandbox: Sandbox, send: Send) -> None:
    _, left, _ = await send("POST", "/v1/payment_intents", MANUAL)
    _, dropped, _ = await send("POST", "/v1/payment_intents", MANUAL)
    _, canceled, _ = await send(
        "POST", f"/v1/payment_intents/{dropped['id']}/cancel", {"cancellation_reason": "duplicate"}
    )
    sandbox.clock.move(8 * 86_400)
    _, expired, _ = await send("GET", f"/v1/payment_intents/{left['id']}")
    refused, _, _ = await send("POST", f"/v1/payment_intents/{left['id']}/capture")

    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "duplicate")
    assert (expired["status"], expired["cancellation_reason"]) == ("canceled", "automatic")
    assert refused == 400
    assert [effect["kind"] for effect in await sandbox.effects("stripe")] == ["payment", "payment", "cancel"]


async def test_pages_go_both_ways_and_unknown_cursor_is_refused(send: Send) -> None:
    ids = [(await send("POST", "/v1/payment_intents", PAID))[1]["id"] for _ in range(5)][::-1]
    _, older, _ = await send("GET", f"/v1/payment_intents?limit=2&starting_after={ids[1]}")
    _, newer, _ = await send("GET", f"/v1/payment_intents?limit=2&ending_before={ids[3]}")
    bad, body, _ = await send("GET", "/v1/payment_intents?starting_after=pi_none")
    wide, _, _ = await send("GET", "/v1/payment_intents?limit=101")
    _, none, _ = await send("GET", "/v1/payment_intents?created[gt]=9999999999")

    assert ([item["id"] for item in older["data"]], older["has_more"]) == (ids[2:4], True)
    assert ([item["id"] for item in newer["data"]], newer["has_more"]) == (ids[1:3], True)
    assert (bad, body["error"]["code"]) == (400, "resource_missing")
    assert wide == 400
    assert none["data"] == []


async def test_26th_request_within_a_second_is_rate_limited(start: Start) -> None:
    sandbox = await start("stripe")
    headers = {"Authorization": f"Bearer {KEY}"}
    statuses = []
    for _ in range(26):
        async with sandbox.client.get(f"{sandbox.url}/stripe/v1/balance", headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [200] * 25 + [429]


async def test_answers_fit_the_published_schemas(send: Send, spec: Spec) -> None:
    _, held, _ = await send("POST", "/v1/payment_intents", MANUAL)
    _, declined, _ = await send("POST", "/v1/payment_intents", {**PAID, "payment_method": "pm_card_chargeDeclined"})
    waits = {**PAID, "payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.example/"}
    _, waiting, _ = await send("POST", "/v1/payment_intents", waits)
    _, captured, _ = await send("POST", f"/v1/payment_intents/{held['id']}/capture?expand[]=x")
    _, refund, _ = await send("POST", "/v1/refunds", {"payment_intent": held["id"], "reason": "duplicate"})
    for intent in (held, waiting, captured):
        spec.check(intent, "payment_intent")
    spec.check(refund, "refund")
    spec.check(declined, "error")
    spec.check((await send("GET", "/v1/balance"))[1], "balance")
    for path, name in (
        ("/v1/payment_intents?expand[]=data.latest_charge", "payment_intent"),
        ("/v1/charges", "charge"),
        ("/v1/refunds", "refund"),
        ("/v1/balance_transactions", "balance_transaction"),
        ("/v1/events?limit=100", "event"),
    ):
        _, page, _ = await send("GET", path)
        assert page["data"]
        for item in page["data"]:
            spec.check(item, name)


async def test_schema_fault_takes_a_field_away(sandbox: Sandbox, send: Send, spec: Spec) -> None:
    await sandbox.fault("stripe", "schema")
    _, intent, _ = await send("POST", "/v1/payment_intents", PAID)

    with pytest.raises(jsonschema.ValidationError):
        spec.check(intent, "payment_intent")


async def test_same_seed_and_clock_give_the_same_ids_and_a_later_start_others(start: Start) -> None:
    ids = []
    for _ in range(3):
        sandbox = await start("stripe", seed=3)
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
        url, body = f"{sandbox.url}/stripe/v1/payment_intents", b"amount=1099&currency=usd"
        async with sandbox.client.post(url, data=body, headers=headers) as answer:
            ids.append((await answer.json())["id"])
        if len(ids) == 2:
            sandbox.clock.move(60)

    assert ids[0] == ids[1]
    assert ids[2] not in ids[:2]
