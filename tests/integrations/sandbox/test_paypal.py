from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from integrations.sandbox.paypal import samples
from tests.integrations.sandbox.conftest import Sandbox, Start
from tests.integrations.sandbox.published import Published, published

ORDERS = "/v2/checkout/orders"
PUBLISHED_ORDERS, PUBLISHED_PAYMENTS = "paypal/checkout_orders_v2.json", "paypal/payments_payment_v2.json"
REPORTS = "paypal/reporting_transactions_v1.json"
FULL = {"Prefer": "return=representation"}
HOUR, DAY = 3_600, 86_400
CARD = {"number": "4111111111111111", "expiry": "2030-01", "name": "Ada Buyer"}
VAULTED: dict[str, Any] = {"paypal": {"vault_id": "8kk8451t"}}

Call = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("paypal")


async def sign_in(sandbox: Sandbox, client: str = "client:secret", **form: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Basic {base64.b64encode(client.encode()).decode()}"}
    data = form or {"grant_type": "client_credentials"}
    async with sandbox.client.post(f"{sandbox.url}/paypal/v1/oauth2/token", data=data, headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.fixture
async def call(sandbox: Sandbox) -> Call:
    """Send one request under a fresh token; the answer is status and JSON, None without a body."""
    _, granted = await sign_in(sandbox)

    async def send(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        named = {"Authorization": f"Bearer {granted['access_token']}", "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        async with sandbox.client.request(method, f"{sandbox.url}/paypal{path}", data=data, headers=named) as answer:
            text = await answer.read()
            return answer.status, json.loads(text) if text else None

    return send


def order(intent: str = "CAPTURE", value: str = "10.00", currency: str = "USD", **unit: Any) -> dict[str, Any]:
    return {"intent": intent, "purchase_units": [{"amount": {"currency_code": currency, "value": value}, **unit}]}


async def decide(sandbox: Sandbox, id: str, outcome: str = "approve") -> tuple[int, str | None]:
    """Let the buyer decide on the page PayPal shows."""
    url = f"{sandbox.url}/paypal/checkoutnow?token={id}"
    async with sandbox.client.post(url, data={"outcome": outcome}, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location")


async def paid(sandbox: Sandbox, call: Call, intent: str = "CAPTURE", outcome: str = "approve", **unit: Any) -> Any:
    """Return an order whose buyer has decided and whose money was taken or held."""
    _, made = await call("POST", ORDERS, order(intent, **unit))
    await decide(sandbox, made["id"], outcome)
    status, done = await call("POST", f"{ORDERS}/{made['id']}/{intent.lower()}", **FULL)

    assert status == 201, done
    return done


def taken(done: Any) -> Any:
    return done["purchase_units"][0]["payments"]["captures"][0]


def held(done: Any) -> Any:
    return done["purchase_units"][0]["payments"]["authorizations"][0]


def issues(answer: Any) -> list[str]:
    return [detail["issue"] for detail in answer["details"]]


# --- the official SDK -----------------------------------------------------------------------------------------------


@pytest.fixture
def sdk(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> PaypalServersdkClient:
    address = f"{sandbox.url}/paypal"
    monkeypatch.setitem(Configuration.environments[Environment.SANDBOX], Server.DEFAULT, address)
    credentials = ClientCredentialsAuthCredentials(o_auth_client_id="client", o_auth_client_secret="secret")
    return PaypalServersdkClient(client_credentials_auth_credentials=credentials)


async def test_sdk_authorizes_captures_refunds_and_reads(sandbox: Sandbox, sdk: PaypalServersdkClient) -> None:
    run = asyncio.to_thread
    prefer = "return=representation"
    body = order("AUTHORIZE", invoice_id="A-1")
    made = (await run(sdk.orders.create_order, {"body": body, "prefer": prefer})).body
    await decide(sandbox, made.id)
    done = (await run(sdk.orders.authorize_order, {"id": made.id, "prefer": prefer})).body
    hold = done.purchase_units[0].payments.authorizations[0]
    part = {"amount": {"currency_code": "USD", "value": "4.00"}}
    got = (
        await run(
            sdk.payments.capture_authorized_payment, {"authorization_id": hold.id, "prefer": prefer, "body": part}
        )
    ).body
    seen = (await run(sdk.payments.get_authorized_payment, {"authorization_id": hold.id})).body
    back = (await run(sdk.payments.refund_captured_payment, {"capture_id": got.id, "prefer": prefer})).body
    captured = (await run(sdk.payments.get_captured_payment, {"capture_id": got.id})).body
    refunded = (await run(sdk.payments.get_refund, {"refund_id": back.id})).body
    whole = (await run(sdk.orders.get_order, {"id": made.id})).body
    await run(sdk.payments.void_payment, {"authorization_id": hold.id})

    assert (made.status, done.status, hold.status) == ("CREATED", "COMPLETED", "CREATED")
    assert (got.status, got.amount.value, seen.status) == ("COMPLETED", "4.00", "PARTIALLY_CAPTURED")
    assert (back.status, refunded.amount.value, captured.status) == ("COMPLETED", "4.00", "REFUNDED")
    assert whole.purchase_units[0].payments.captures[0].id == got.id
    assert [(e["kind"], e["reference"], e["amount"]) for e in await sandbox.effects("paypal")] == [
        ("order", "A-1", "10.00 USD"),
        ("payment", "A-1", "10.00 USD"),
        ("capture", "A-1", "4.00 USD"),
        ("refund", "A-1", "4.00 USD"),
        ("void", "A-1", "6.00 USD"),
    ]
    assert [r["operation"] for r in await sandbox.requests("paypal")] == [
        *("sign_in", "create_payment", "approve_payment", "authorize_payment", "capture_payment", "look_up"),
        *("refund_payment", "look_up", "look_up", "get_payment", "cancel_payment"),
    ]


async def test_sdk_captures_an_order_changes_one_and_searches(sandbox: Sandbox, sdk: PaypalServersdkClient) -> None:
    run = asyncio.to_thread
    made = (await run(sdk.orders.create_order, {"body": order()})).body
    path = "/purchase_units/@reference_id=='default'/invoice_id"
    await run(sdk.orders.patch_order, {"id": made.id, "body": [{"op": "add", "path": path, "value": "A-2"}]})
    await decide(sandbox, made.id)
    done = (await run(sdk.orders.capture_order, {"id": made.id, "prefer": "return=minimal"})).body
    sandbox.clock.move(3 * HOUR)
    window = {"start_date": "2026-10-01T00:00:00Z", "end_date": "2026-10-02T00:00:00Z"}
    found = (await run(sdk.transaction_search.search_transactions, window)).body
    balances = (await run(sdk.transaction_search.search_balances, {})).body

    assert (done.status, hasattr(done, "purchase_units")) == ("COMPLETED", False)
    assert [one.transaction_info.invoice_id for one in found.transaction_details] == ["A-2"]
    assert balances.balances[0].total_balance.value == "9.01"


async def test_sdk_raises_its_error_with_the_debug_id(sandbox: Sandbox, sdk: PaypalServersdkClient) -> None:
    made = (await asyncio.to_thread(sdk.orders.create_order, {"body": order()})).body
    with pytest.raises(ErrorException) as caught:
        await asyncio.to_thread(sdk.orders.capture_order, {"id": made.id})

    assert caught.value.response_code == 422
    assert caught.value.name == "UNPROCESSABLE_ENTITY"
    assert caught.value.debug_id
    assert caught.value.details[0].issue == "ORDER_NOT_APPROVED"


# --- the contract ---------------------------------------------------------------------------------------------------


async def test_answers_are_as_published(sandbox: Sandbox, call: Call) -> None:
    orders, payments = published(PUBLISHED_ORDERS), published(PUBLISHED_PAYMENTS)

    async def checked(spec: Published, method: str, path: str, body: Any = None, **named: str) -> Any:
        status, answer = await call(method, path.format(**named), body, **FULL)
        if body is not None and status < 300:
            spec.check_request(method, path, body)
        if answer is not None:
            spec.check_answer(method, path, status, answer)
        return answer

    items = [{"name": "Mug", "quantity": "2", "unit_amount": {"currency_code": "USD", "value": "4.00"}, "sku": "M"}]
    whole = order("AUTHORIZE", invoice_id="A-1", custom_id="c", description="Mugs", items=items)
    whole["purchase_units"][0]["amount"]["breakdown"] = {
        "item_total": {"currency_code": "USD", "value": "8.00"},
        "shipping": {"currency_code": "USD", "value": "2.00"},
    }
    whole["purchase_units"][0]["shipping"] = {
        "name": {"full_name": "Ada Buyer"},
        "address": {"address_line_1": "1 Main", "admin_area_2": "Austin", "postal_code": "78701", "country_code": "US"},
    }
    made = await checked(orders, "POST", ORDERS, whole)
    await checked(orders, "GET", f"{ORDERS}/{{id}}", id=made["id"])
    await checked(orders, "POST", f"{ORDERS}/{{id}}/authorize", {}, id=made["id"])
    await decide(sandbox, made["id"])
    done = await checked(orders, "POST", f"{ORDERS}/{{id}}/authorize", {}, id=made["id"])
    own = "/v2/payments/authorizations/{authorization_id}"
    hold = held(done)["id"]
    await checked(payments, "GET", own, authorization_id=hold)
    renewed = await checked(payments, "POST", f"{own}/reauthorize", {}, authorization_id=hold)
    body = {"amount": {"currency_code": "USD", "value": "6.00"}, "invoice_id": "A-1"}
    got = await checked(payments, "POST", f"{own}/capture", body, authorization_id=renewed["id"])
    captures = "/v2/payments/captures/{capture_id}"
    refund = {"amount": {"currency_code": "USD", "value": "1.00"}, "note_to_payer": "sorry", "custom_id": "R-1"}
    back = await checked(payments, "POST", f"{captures}/refund", refund, capture_id=got["id"])
    await checked(payments, "GET", captures, capture_id=got["id"])
    await checked(payments, "GET", "/v2/payments/refunds/{refund_id}", refund_id=back["id"])
    await checked(orders, "GET", f"{ORDERS}/{{id}}", id=made["id"])
    await checked(payments, "POST", f"{own}/void", authorization_id=hold)
    await checked(payments, "POST", f"{own}/void", authorization_id=hold)
    await checked(payments, "GET", captures, capture_id="NONE")
    await checked(orders, "POST", ORDERS, {"intent": "CAPTURE"})
    paid_by_card = await call(
        "POST", ORDERS, {**order(), "payment_source": {"card": CARD}}, PayPal_Request_Id="k", **FULL
    )
    orders.check_answer("POST", ORDERS, *paid_by_card)
    sandbox.clock.move(4 * HOUR)
    query = "?start_date=2026-10-01T00:00:00Z&end_date=2026-10-02T00:00:00Z&balance_affecting_records_only=N"
    status, found = await call("GET", f"/v1/reporting/transactions{query}")
    published(REPORTS).check_answer("GET", "/v1/reporting/transactions", status, found)
    status, balances = await call("GET", "/v1/reporting/balances")
    published(REPORTS).check_answer("GET", "/v1/reporting/balances", status, balances)


# --- tokens ---------------------------------------------------------------------------------------------------------


async def test_a_client_that_asks_again_gets_the_same_token_with_less_to_live(sandbox: Sandbox) -> None:
    _, first = await sign_in(sandbox)
    sandbox.clock.move(100)
    _, again = await sign_in(sandbox)

    assert (first["token_type"], first["expires_in"]) == ("Bearer", 32_400)
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], 32_300)


@pytest.mark.parametrize(
    ("client", "form", "status", "error"),
    [
        ("client:invalid", {}, 401, "invalid_client"),
        ("client:secret", {"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_refused_token_is_answered_in_the_form_of_oauth(
    sandbox: Sandbox, client: str, form: dict[str, str], status: int, error: str
) -> None:
    answer = await sign_in(sandbox, client, **form)

    assert (answer[0], answer[1]["error"], "name" in answer[1]) == (status, error, False)


async def test_a_token_ends_after_nine_hours(sandbox: Sandbox, call: Call) -> None:
    sandbox.clock.move(32_399)
    before = await call("POST", ORDERS, order())
    sandbox.clock.move(1)
    after = await call("POST", ORDERS, order())
    nobody = await call("POST", ORDERS, order(), Authorization="")

    assert (before[0], after[0], after[1]["error"]) == (201, 401, "invalid_token")
    assert (nobody[0], nobody[1]["name"]) == (401, "AUTHENTICATION_FAILURE")


async def test_too_many_tokens_are_refused_without_a_time_to_wait(start: Start) -> None:
    sandbox = await start("paypal", settings={"paypal": {"quotas": [["requests", 600, 60], ["tokens", 2, 60]]}})
    await sign_in(sandbox)
    await sign_in(sandbox)
    headers = {"Authorization": f"Basic {base64.b64encode(b'client:secret').decode()}"}
    form = {"grant_type": "client_credentials"}
    async with sandbox.client.post(f"{sandbox.url}/paypal/v1/oauth2/token", data=form, headers=headers) as answer:
        body = await answer.json()

        assert (answer.status, body["name"], "details" in body) == (429, "RATE_LIMIT_REACHED", False)
        assert "Retry-After" not in answer.headers
    other = await sign_in(sandbox, "other:secret")
    assert other[0] == 200


# --- orders ---------------------------------------------------------------------------------------------------------


async def test_without_a_preference_the_answer_is_id_status_and_links(sandbox: Sandbox, call: Call) -> None:
    status, made = await call("POST", ORDERS, order())

    assert (status, set(made)) == (201, {"id", "status", "links"})
    assert {one["rel"]: one["method"] for one in made["links"]} == {
        "self": "GET",
        "approve": "GET",
        "update": "PATCH",
        "capture": "POST",
    }


async def test_an_order_is_captured_only_once_its_buyer_has_approved(sandbox: Sandbox, call: Call) -> None:
    context = {"return_url": "https://shop.example/r?o=1", "cancel_url": "https://shop.example/c"}
    _, made = await call("POST", ORDERS, {**order(), "application_context": context})
    early = await call("POST", f"{ORDERS}/{made['id']}/capture")
    cancelled = await decide(sandbox, made["id"], "cancel")
    returned = await decide(sandbox, made["id"])
    _, approved = await call("GET", f"{ORDERS}/{made['id']}")
    first = await call("POST", f"{ORDERS}/{made['id']}/capture")
    again = await call("POST", f"{ORDERS}/{made['id']}/capture")

    assert (early[0], issues(early[1])) == (422, ["ORDER_NOT_APPROVED"])
    assert cancelled == (303, f"https://shop.example/c?token={made['id']}")
    assert returned == (303, f"https://shop.example/r?o=1&token={made['id']}&PayerID=BUYER7SANDB8X")
    assert (approved["status"], first[0], first[1]["status"]) == ("APPROVED", 201, "COMPLETED")
    assert (again[0], issues(again[1])) == (422, ["ORDER_ALREADY_CAPTURED"])


async def test_a_wallet_that_cannot_pay_sends_the_buyer_back(sandbox: Sandbox, call: Call) -> None:
    _, made = await call("POST", ORDERS, order())
    await decide(sandbox, made["id"], "refused")
    status, refused = await call("POST", f"{ORDERS}/{made['id']}/capture")
    await decide(sandbox, made["id"])
    again = await call("POST", f"{ORDERS}/{made['id']}/capture")

    assert (status, issues(refused)) == (422, ["INSTRUMENT_DECLINED"])
    assert [one["rel"] for one in refused["links"]] == ["redirect"]
    assert again[0] == 201


async def test_a_completed_order_may_hold_a_declined_capture(sandbox: Sandbox, call: Call) -> None:
    card = {"card": {**CARD, "name": "CCREJECT-REFUSED"}}
    body = {**order(), "payment_source": card}
    status, made = await call("POST", ORDERS, body, PayPal_Request_Id="k1", **FULL)
    refund = await call("POST", f"/v2/payments/captures/{taken(made)['id']}/refund")

    assert (status, made["status"], taken(made)["status"]) == (201, "COMPLETED", "DECLINED")
    assert taken(made)["processor_response"]["response_code"] == "0500"
    assert (refund[0], issues(refund[1])) == (422, ["REFUND_NOT_ALLOWED"])
    assert [effect["kind"] for effect in await sandbox.effects("paypal")] == ["order"]


async def test_a_completed_order_may_hold_a_pending_capture_that_clears_later(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call, outcome="echeck")
    own = f"/v2/payments/captures/{taken(done)['id']}"
    early = await call("POST", f"{own}/refund")
    sandbox.clock.move(3 * DAY)
    _, granted = await sign_in(sandbox)
    _, cleared = await call("GET", own, Authorization=f"Bearer {granted['access_token']}")

    assert (done["status"], taken(done)["status"]) == ("COMPLETED", "PENDING")
    assert taken(done)["status_details"] == {"reason": "ECHECK"}
    assert issues(early[1]) == ["PENDING_CAPTURE"]
    assert cleared["status"] == "COMPLETED"


async def test_a_saved_wallet_pays_at_once_and_a_refused_one_makes_no_order(sandbox: Sandbox, call: Call) -> None:
    body = {**order(custom_id="A-1"), "payment_source": VAULTED}
    status, made = await call("POST", ORDERS, body, PayPal_Request_Id="k1", **FULL)
    refused = {**order(), "payment_source": {"paypal": {"vault_id": "CCREJECT-IF"}}}
    no = await call("POST", ORDERS, refused, PayPal_Request_Id="k2")

    assert (status, made["status"], taken(made)["status"]) == (201, "COMPLETED", "COMPLETED")
    assert (no[0], issues(no[1])) == (422, ["INSTRUMENT_DECLINED"])
    assert [(e["kind"], e["reference"]) for e in await sandbox.effects("paypal")] == [
        ("order", "A-1"),
        ("payment", "A-1"),
    ]


async def test_a_card_that_must_be_authenticated_waits_for_its_buyer(sandbox: Sandbox, call: Call) -> None:
    card = {**CARD, "attributes": {"verification": {"method": "SCA_ALWAYS"}}}
    body = {**order(), "payment_source": {"card": card}}
    _, made = await call("POST", ORDERS, body, PayPal_Request_Id="k1")
    early = await call("POST", f"{ORDERS}/{made['id']}/capture")
    await decide(sandbox, made["id"])
    done = await call("POST", f"{ORDERS}/{made['id']}/capture")

    assert made["status"] == "PAYER_ACTION_REQUIRED"
    assert [one["rel"] for one in made["links"]] == ["self", "payer-action"]
    assert issues(early[1]) == ["PAYER_ACTION_REQUIRED"]
    assert done[0] == 201


BREAKDOWN = {"item_total": {"currency_code": "USD", "value": "9.00"}}


@pytest.mark.parametrize(
    ("body", "status", "issue"),
    [
        (order(value="10"), 201, None),
        (order(value=10.0), 400, "INVALID_PARAMETER_SYNTAX"),  # type: ignore[arg-type]
        (order(value="10.001"), 422, "DECIMAL_PRECISION"),
        (order(value="1000", currency="JPY"), 201, None),
        (order(value="1000.00", currency="JPY"), 422, "DECIMALS_NOT_SUPPORTED"),
        (order(value="1.500", currency="KWD"), 422, "INVALID_CURRENCY_CODE"),
        (order(value="0.00"), 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (order("SALE"), 400, "INVALID_PARAMETER_VALUE"),
        ({"intent": "CAPTURE"}, 400, "MISSING_REQUIRED_PARAMETER"),
        (order(amount={"currency_code": "USD", "value": "10.00", "breakdown": BREAKDOWN}), 422, "AMOUNT_MISMATCH"),
        (order(invoice_id="x" * 128), 400, "INVALID_STRING_LENGTH"),
        (b"{", 400, "MALFORMED_REQUEST_JSON"),
        ({**order(), "payment_source": VAULTED}, 400, "PAYPAL_REQUEST_ID_REQUIRED"),
    ],
)
async def test_an_order_is_read_strictly(call: Call, body: Any, status: int, issue: str | None) -> None:
    got, answer = await call("POST", ORDERS, body)

    assert got == status, answer
    assert issue is None or issues(answer) == [issue]


async def test_an_empty_body_must_still_be_called_json(call: Call) -> None:
    status, answer = await call("POST", f"{ORDERS}/{samples.APPROVED}/capture", Content_Type="text/plain")

    assert (status, answer["name"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_an_order_is_changed_by_paths_that_name_the_unit(sandbox: Sandbox, call: Call) -> None:
    _, made = await call("POST", ORDERS, order())
    own, unit = f"{ORDERS}/{made['id']}", "/purchase_units/@reference_id=='default'"
    amount = {"currency_code": "USD", "value": "12.00"}
    patch = [
        {"op": "replace", "path": f"{unit}/amount", "value": amount},
        {"op": "add", "path": f"{unit}/custom_id", "value": "c-1"},
    ]
    done = await call("PATCH", own, patch)
    twice = await call("PATCH", own, patch)
    wrong = await call("PATCH", own, [{"op": "replace", "path": f"{unit}/payee", "value": {}}])
    _, seen = await call("GET", own)
    await decide(sandbox, made["id"])
    await call("POST", f"{own}/capture")
    late = await call("PATCH", own, patch)

    assert done == (204, None)
    assert issues(twice[1]) == ["INVALID_PATCH_OPERATION"]
    assert issues(wrong[1]) == ["NOT_PATCHABLE"]
    assert (seen["purchase_units"][0]["amount"], seen["purchase_units"][0]["custom_id"]) == (amount, "c-1")
    assert issues(late[1]) == ["ORDER_ALREADY_COMPLETED"]


# --- authorisations, captures, refunds ------------------------------------------------------------------------------


async def test_an_authorization_is_captured_in_parts_until_the_last(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call, "AUTHORIZE")
    own = f"/v2/payments/authorizations/{held(done)['id']}"
    part = {"amount": {"currency_code": "USD", "value": "3.00"}}
    await call("POST", f"{own}/capture", part)
    _, between = await call("GET", own)
    too_much = await call("POST", f"{own}/capture", {"amount": {"currency_code": "USD", "value": "9.00"}})
    other = await call("POST", f"{own}/capture", {"amount": {"currency_code": "EUR", "value": "1.00"}})
    await call("POST", f"{own}/capture", {**part, "final_capture": True})
    _, after = await call("GET", own)
    late = await call("POST", f"{own}/capture", part)
    void = await call("POST", f"{own}/void")

    assert (between["status"], after["status"]) == ("PARTIALLY_CAPTURED", "CAPTURED")
    assert issues(too_much[1]) == ["MAX_CAPTURE_AMOUNT_EXCEEDED"]
    assert issues(other[1]) == ["AUTH_CAPTURE_CURRENCY_MISMATCH"]
    assert issues(late[1]) == ["AUTHORIZATION_ALREADY_CAPTURED"]
    assert issues(void[1]) == ["PREVIOUSLY_CAPTURED"]


async def test_an_authorization_is_voided_once_and_then_cannot_be_captured(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call, "AUTHORIZE")
    own = f"/v2/payments/authorizations/{held(done)['id']}"
    first = await call("POST", f"{own}/void")
    again = await call("POST", f"{own}/void")
    capture = await call("POST", f"{own}/capture")

    assert first == (204, None)
    assert issues(again[1]) == ["PREVIOUSLY_VOIDED"]
    assert issues(capture[1]) == ["AUTHORIZATION_VOIDED"]


async def test_an_authorization_ends_after_29_days(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call, "AUTHORIZE")
    sandbox.clock.move(29 * DAY)
    _, granted = await sign_in(sandbox)
    bearer = f"Bearer {granted['access_token']}"
    status, late = await call("POST", f"/v2/payments/authorizations/{held(done)['id']}/capture", Authorization=bearer)

    assert (status, issues(late)) == (422, ["AUTHORIZATION_EXPIRED"])


async def test_a_reauthorization_shares_what_its_parent_holds(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call, "AUTHORIZE")
    own = f"/v2/payments/authorizations/{held(done)['id']}"
    _, renewed = await call("POST", f"{own}/reauthorize")
    third = await call("POST", f"/v2/payments/authorizations/{renewed['id']}/reauthorize")
    void = await call("POST", f"/v2/payments/authorizations/{renewed['id']}/void")
    await call("POST", f"/v2/payments/authorizations/{renewed['id']}/capture")
    second = await call("POST", f"{own}/capture")

    assert issues(third[1]) == ["REAUTHORIZATION_NOT_SUPPORTED"]
    assert issues(void[1]) == ["CANNOT_BE_VOIDED"]
    assert issues(second[1]) == ["AUTHORIZATION_ALREADY_CAPTURED"]
    assert [effect["kind"] for effect in await sandbox.effects("paypal")] == ["order", "payment", "capture"]


async def test_refunds_add_up_to_the_capture_and_no_further(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call)
    own = f"/v2/payments/captures/{taken(done)['id']}"
    _, first = await call("POST", f"{own}/refund", {"amount": {"currency_code": "USD", "value": "4.00"}}, **FULL)
    _, between = await call("GET", own)
    too_much = await call("POST", f"{own}/refund", {"amount": {"currency_code": "USD", "value": "6.01"}})
    _, rest = await call("POST", f"{own}/refund", **FULL)
    _, after = await call("GET", own)
    more = await call("POST", f"{own}/refund")

    assert (first["amount"]["value"], rest["amount"]["value"]) == ("4.00", "6.00")
    assert rest["seller_payable_breakdown"]["total_refunded_amount"]["value"] == "10.00"
    assert (between["status"], after["status"]) == ("PARTIALLY_REFUNDED", "REFUNDED")
    assert issues(too_much[1]) == ["REFUND_AMOUNT_EXCEEDED"]
    assert issues(more[1]) == ["CAPTURE_FULLY_REFUNDED"]


async def test_an_invoice_is_paid_by_one_order_only(sandbox: Sandbox, call: Call) -> None:
    await paid(sandbox, call, invoice_id="A-1")
    _, other = await call("POST", ORDERS, order(invoice_id="A-1"))
    await decide(sandbox, other["id"])
    status, refused = await call("POST", f"{ORDERS}/{other['id']}/capture")

    assert (status, issues(refused)) == (422, ["DUPLICATE_INVOICE_ID"])


async def test_a_test_can_ask_for_any_refusal(sandbox: Sandbox, call: Call) -> None:
    mock = json.dumps({"mock_application_codes": "TRANSACTION_REFUSED"})
    by_header = await call("POST", f"{ORDERS}/{samples.APPROVED}/capture", PayPal_Mock_Response=mock)
    await sandbox.control("PUT", "settings", {"paypal": {"fail_next": "REFUND_FAILED_INSUFFICIENT_FUNDS"}})
    own = f"/v2/payments/captures/{samples.CAPTURE}/refund"
    by_setting, after = await call("POST", own), await call("POST", own)

    assert (by_header[0], issues(by_header[1])) == (422, ["TRANSACTION_REFUSED"])
    assert (by_setting[0], issues(by_setting[1])) == (422, ["REFUND_FAILED_INSUFFICIENT_FUNDS"])
    assert after[0] == 201


# --- request ids ----------------------------------------------------------------------------------------------------


async def test_an_order_under_the_same_id_is_answered_as_it_stands_now(sandbox: Sandbox, call: Call) -> None:
    first = await call("POST", ORDERS, order(), PayPal_Request_Id="k1")
    await decide(sandbox, first[1]["id"])
    again = await call("POST", ORDERS, order(value="99.00"), PayPal_Request_Id="k1")

    assert (first[0], first[1]["status"]) == (201, "CREATED")
    assert (again[0], again[1]["id"], again[1]["status"]) == (200, first[1]["id"], "APPROVED")
    assert len(await sandbox.effects("paypal")) == 1


async def test_an_order_forgets_its_id_after_six_hours(sandbox: Sandbox, call: Call) -> None:
    first = await call("POST", ORDERS, order(), PayPal_Request_Id="k1")
    sandbox.clock.move(6 * HOUR - 1)
    same = await call("POST", ORDERS, order(), PayPal_Request_Id="k1")
    sandbox.clock.move(1)
    other = await call("POST", ORDERS, order(), PayPal_Request_Id="k1")

    assert same[1]["id"] == first[1]["id"]
    assert (other[0], other[1]["id"] != first[1]["id"]) == (201, True)


async def test_a_refund_keeps_its_id_for_45_days_and_without_one_is_made_twice(sandbox: Sandbox, call: Call) -> None:
    own = f"/v2/payments/captures/{samples.CAPTURE}/refund"
    body = {"amount": {"currency_code": "USD", "value": "1.00"}}
    _, first = await call("POST", own, body, PayPal_Request_Id="r1")
    status, again = await call("POST", own, body, PayPal_Request_Id="r1")
    sandbox.clock.move(45 * DAY - 1)
    _, granted = await sign_in(sandbox)
    bearer = f"Bearer {granted['access_token']}"
    _, late = await call("POST", own, body, PayPal_Request_Id="r1", Authorization=bearer)
    await call("POST", own, body, Authorization=bearer)

    assert (status, again["id"], late["id"]) == (201, first["id"], first["id"])
    assert len(await sandbox.effects("paypal")) == 2


async def test_a_refusal_gives_the_id_back(sandbox: Sandbox, call: Call) -> None:
    _, made = await call("POST", ORDERS, order())
    own = f"{ORDERS}/{made['id']}/capture"
    early = await call("POST", own, PayPal_Request_Id="c1")
    await decide(sandbox, made["id"])
    done = await call("POST", own, PayPal_Request_Id="c1")
    again = await call("POST", own, PayPal_Request_Id="c1")

    assert (early[0], done[0], again[0]) == (422, 201, 200)


async def test_two_at_once_under_one_id_do_not_both_run(start: Start, sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"paypal": {"processing_seconds": 0.2}})
    answers = await asyncio.gather(*(call("POST", ORDERS, order(), PayPal_Request_Id="k1") for _ in range(2)))

    (refused,) = [body for status, body in answers if status == 409]
    assert (refused["name"], issues(refused)) == ("RESOURCE_CONFLICT", ["PREVIOUS_REQUEST_IN_PROGRESS"])
    assert len(await sandbox.effects("paypal")) == 1


async def test_an_id_is_at_most_108_long(call: Call) -> None:
    status, answer = await call("POST", ORDERS, order(), PayPal_Request_Id="k" * 109)

    assert (status, issues(answer), answer["details"][0]["location"]) == (400, ["INVALID_STRING_LENGTH"], "header")


async def test_an_order_whose_answer_was_lost_is_found_again_under_its_id(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("paypal", "lost_answer", operation="create_payment")
    with pytest.raises(Exception, match="disconnected"):
        await call("POST", ORDERS, order(), PayPal_Request_Id="k1")
    await sandbox.control("DELETE", "faults")
    status, again = await call("POST", ORDERS, order(), PayPal_Request_Id="k1")

    assert (status, again["status"]) == (200, "CREATED")
    assert len(await sandbox.effects("paypal")) == 1


# --- reports --------------------------------------------------------------------------------------------------------


def window(start: str = "2026-10-01T00:00:00Z", end: str = "2026-10-20T00:00:00Z", **rest: Any) -> str:
    pairs = {"start_date": start.replace("+", "%2B"), "end_date": end.replace("+", "%2B"), **rest}
    return "/v1/reporting/transactions?" + "&".join(f"{name}={value}" for name, value in pairs.items())


async def test_a_transaction_shows_up_after_three_hours(sandbox: Sandbox, call: Call) -> None:
    await paid(sandbox, call, invoice_id="A-1")
    sandbox.clock.move(3 * HOUR - 1)
    _, early = await call("GET", window())
    sandbox.clock.move(1)
    _, found = await call("GET", window())

    assert (early["transaction_details"], early["total_items"]) == ([], 0)
    assert found["last_refreshed_datetime"] == "2026-10-01T12:00:00Z"
    (line,) = found["transaction_details"]
    assert set(line) == {"transaction_info"}
    info = line["transaction_info"]
    assert (info["transaction_event_code"], info["transaction_status"], info["invoice_id"]) == ("T0006", "S", "A-1")
    assert (info["transaction_amount"]["value"], info["fee_amount"]["value"]) == ("10.00", "-0.99")
    assert info["transaction_initiation_date"] == "2026-10-01T05:00:00-07:00"


async def test_a_refund_is_its_own_line_that_names_the_capture(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call)
    await call("POST", f"/v2/payments/captures/{taken(done)['id']}/refund")
    sandbox.clock.move(4 * HOUR)
    _, found = await call("GET", window(fields="all"))
    sale, refund = (line["transaction_info"] for line in found["transaction_details"])

    assert (sale["transaction_status"], refund["transaction_event_code"]) == ("V", "T1107")
    assert refund["transaction_amount"]["value"] == "-10.00"
    assert (refund["paypal_reference_id"], refund["paypal_reference_id_type"]) == (sale["transaction_id"], "TXN")
    assert found["transaction_details"][0]["payer_info"]["payer_status"] == "Y"


async def test_one_id_can_be_reported_twice(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call, outcome="echeck")
    sandbox.clock.move(3 * DAY + 4 * HOUR)
    _, granted = await sign_in(sandbox)
    bearer = f"Bearer {granted['access_token']}"
    _, all_of_them = await call("GET", window(balance_affecting_records_only="N"), Authorization=bearer)
    _, moved = await call("GET", window(), Authorization=bearer)
    lines = [line["transaction_info"] for line in all_of_them["transaction_details"]]

    assert [(one["transaction_id"], one["transaction_status"]) for one in lines] == [
        (taken(done)["id"], "P"),
        (taken(done)["id"], "S"),
    ]
    assert moved["total_items"] == 1


async def test_pages_count_from_one_and_link_to_the_next(sandbox: Sandbox, call: Call) -> None:
    for _ in range(5):
        await paid(sandbox, call)
        sandbox.clock.move(1)
    sandbox.clock.move(4 * HOUR)
    _, first = await call("GET", window(page_size=2))
    _, last = await call("GET", window(page_size=2, page=3))
    ids = [line["transaction_info"]["transaction_id"] for line in first["transaction_details"]]

    assert (len(ids), len(last["transaction_details"]), first["total_pages"]) == (2, 1, 3)
    assert {one["rel"] for one in first["links"]} == {"self", "first", "last", "next"}
    assert {one["rel"] for one in last["links"]} == {"self", "first", "last", "prev"}


@pytest.mark.parametrize(
    "path",
    [
        window(end="2026-11-01T00:00:01Z"),
        window(start="2026-10-01T00:00Z"),
        window(start="2022-10-01T00:00:00Z", end="2022-10-02T00:00:00Z"),
        window(page=0),
        window(page_size=501),
        window(balance_affecting_records_only="X"),
        "/v1/reporting/transactions?start_date=2026-10-01T00:00:00Z",
    ],
)
async def test_a_report_that_cannot_be_made_is_refused(call: Call, path: str) -> None:
    status, answer = await call("GET", path)

    assert (status, answer["name"], answer["details"][0]["location"]) == (400, "INVALID_REQUEST", "query")


async def test_too_long_a_report_is_refused(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"paypal": {"report_limit": 1, "report_delay_seconds": 0}})
    await paid(sandbox, call)
    await paid(sandbox, call)
    status, answer = await call("GET", window())

    assert (status, answer["name"]) == (400, "RESULTSET_TOO_LARGE")


async def test_filters_are_in_minor_units_and_empty_the_ending_balance(sandbox: Sandbox, call: Call) -> None:
    await paid(sandbox, call)
    sandbox.clock.move(4 * HOUR)
    _, plain = await call("GET", window())
    _, inside = await call("GET", window(transaction_amount="[500 TO 1005]"))
    _, outside = await call("GET", window(transaction_amount="[1 TO 999]"))

    assert Decimal(plain["transaction_details"][0]["transaction_info"]["ending_balance"]["value"]) == Decimal("9.01")
    assert "ending_balance" not in inside["transaction_details"][0]["transaction_info"]
    assert outside["total_items"] == 0


# --- webhooks -------------------------------------------------------------------------------------------------------


async def deliveries(sandbox: Sandbox) -> Any:
    body = {"url": "https://quayside.example/webhooks/paypal", "secret": "1JE4291016473214C"}
    return await sandbox.control("POST", "paypal/deliveries", body)


async def test_each_change_is_an_event_oldest_first(sandbox: Sandbox, call: Call) -> None:
    done = await paid(sandbox, call, "AUTHORIZE")
    _, got = await call("POST", f"/v2/payments/authorizations/{held(done)['id']}/capture")
    await call("POST", f"/v2/payments/captures/{got['id']}/refund")
    made = (await deliveries(sandbox))["deliveries"]

    assert [one["type"] for one in made] == [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.AUTHORIZATION.CREATED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
    ]
    captured = json.loads(made[2]["body"])
    assert (captured["resource"]["id"], captured["resource"]["status"]) == (got["id"], "COMPLETED")
    assert json.loads(made[3]["body"])["resource_type"] == "refund"


async def test_deliveries_are_signed_over_the_crc_of_their_body(sandbox: Sandbox, call: Call) -> None:
    await paid(sandbox, call)
    found = await deliveries(sandbox)
    headers, body = found["deliveries"][0]["headers"], found["deliveries"][0]["body"]
    parts = (headers["PAYPAL-TRANSMISSION-ID"], headers["PAYPAL-TRANSMISSION-TIME"], "1JE4291016473214C")
    signed = "|".join((*parts, str(zlib.crc32(body.encode()))))
    async with sandbox.client.get(headers["PAYPAL-CERT-URL"]) as answer:
        certificate = load_pem_x509_certificate(await answer.read())
    public = certificate.public_key()

    assert isinstance(public, rsa.RSAPublicKey)
    signature = base64.b64decode(headers["PAYPAL-TRANSMISSION-SIG"])
    public.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert pem.decode() == found["public_key"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, "SUCCESS"), ({"webhook_id": "OTHER"}, "FAILURE"), ({"transmission_sig": "AAAA"}, "FAILURE")],
)
async def test_an_event_is_verified_by_what_was_signed(
    sandbox: Sandbox, call: Call, change: dict[str, str], expected: str
) -> None:
    await paid(sandbox, call)
    one = (await deliveries(sandbox))["deliveries"][0]
    names = {
        "auth_algo": "PAYPAL-AUTH-ALGO",
        "cert_url": "PAYPAL-CERT-URL",
        "transmission_id": "PAYPAL-TRANSMISSION-ID",
        "transmission_sig": "PAYPAL-TRANSMISSION-SIG",
        "transmission_time": "PAYPAL-TRANSMISSION-TIME",
    }
    given = {name: one["headers"][header] for name, header in names.items()}
    given = {**given, "webhook_id": "1JE4291016473214C", **change}
    text = json.dumps(given)[:-1] + f', "webhook_event": {one["body"]}}}'
    path = "/v1/notifications/verify-webhook-signature"
    status, answer = await call("POST", path, text.encode())
    rewritten = await call("POST", path, {**given, "webhook_event": json.loads(one["body"])})
    lacking = await call("POST", path, given)

    spec = published("paypal/notifications_webhooks_v1.json")
    spec.check_answer("POST", path, status, answer)
    assert (status, answer) == (200, {"verification_status": expected})
    assert rewritten[1] == {"verification_status": "FAILURE"}
    assert lacking[0] == 400


# --- the ready state, faults ----------------------------------------------------------------------------------------


async def test_samples_are_there_for_each_step_and_are_no_effects(sandbox: Sandbox, call: Call) -> None:
    ids = (samples.CREATED, samples.APPROVED, samples.AUTHORIZED, samples.CAPTURED)
    statuses = [(await call("GET", f"{ORDERS}/{id}"))[1]["status"] for id in ids]
    before = await sandbox.effects("paypal")
    capture = await call("POST", f"{ORDERS}/{samples.APPROVED}/capture")
    part = await call("POST", f"/v2/payments/authorizations/{samples.AUTHORIZATION}/capture")
    refund = await call("POST", f"/v2/payments/captures/{samples.CAPTURE}/refund")

    assert statuses == ["CREATED", "APPROVED", "COMPLETED", "COMPLETED"]
    assert before == []
    assert (capture[0], part[0], refund[0]) == (201, 201, 201)


async def test_faults_speak_as_paypal_does(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("paypal", "status:503", operation="create_payment")
    down = await call("POST", ORDERS, order())
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("paypal", "schema", operation="get_payment")
    broken = await call("GET", f"{ORDERS}/{samples.APPROVED}")
    missing = await call("GET", "/v2/nothing")

    assert (down[0], down[1]["name"], bool(down[1]["debug_id"])) == (503, "SERVICE_UNAVAILABLE", True)
    assert (broken[0], "status" in broken[1]) == (200, False)
    assert (missing[0], missing[1]["name"]) == (404, "RESOURCE_NOT_FOUND")
