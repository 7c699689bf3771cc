"""Signifyd's adapter: what is sent, how its decisions and errors are taken, and the traps of its interface."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import aiohttp
import pytest

from integrations.errors import Fault, HttpFailed, InvalidInput, SchemaDrift
from integrations.outcome import Response
from integrations.types.fraud import FraudScreening
from integrations.vendors.signifyd import VENDOR, Signifyd
from tests.integrations.vendors.exchange import (
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.wire import on_the_wire

SCREEN = dict(VENDOR.operations[0].example)
SCREEN_TOTAL = FraudScreening.model_validate(SCREEN).total.amount
ITEM_PRICE = FraudScreening.model_validate(SCREEN).items[0].price.amount


def decided(action: str = "ACCEPT", **more: Any) -> dict[str, Any]:
    decision = {"createdAt": "2026-10-01T12:00:02Z", "checkpointAction": action, "score": 712.5}
    return {"signifydId": "991", "orderId": SCREEN["reference"], "decision": decision, **more}


@pytest.fixture
def adapter() -> Signifyd:
    made = adapter_with_sandbox_credentials(Signifyd)
    assert isinstance(made, Signifyd)
    return made


async def screened(adapter: Signifyd, body: Any, status: int = 200, **changed: Any) -> tuple[Any, FakeExchange]:
    exchange = FakeExchange(adapter, "screen_order", [answer(body, status)])
    return await run(adapter, exchange, {**SCREEN, **changed}), exchange


# --- what we send ------------------------------------------------------------------------------------------------------


async def test_a_sale_is_sent_as_the_vendors_own_connectors_send_it(adapter: Signifyd) -> None:
    _, exchange = await screened(adapter, decided())

    assert (exchange.last.method, exchange.last.path) == ("POST", "/v3/orders/events/sales")
    assert exchange.last.json == {
        "orderId": "EXAMPLE-5001",
        "decisionDelivery": "SYNC",
        "coverageRequests": ["FRAUD"],
        "purchase": {
            "createdAt": "2026-10-01T12:00:00Z",
            "orderChannel": "WEB",
            "totalPrice": SCREEN_TOTAL,
            "currency": "USD",
            "products": [
                {"itemId": "SKU1", "itemName": "Mug", "itemPrice": ITEM_PRICE, "itemQuantity": 2, "shipmentId": "1"}
            ],
            "shipments": [
                {
                    "shipmentId": "1",
                    "fulfillmentMethod": "DELIVERY",
                    "destination": {
                        "fullName": "Ada Example",
                        "address": {
                            "streetAddress": "1 Main Street",
                            "city": "Austin",
                            "provinceCode": "TX",
                            "postalCode": "78701",
                            "countryCode": "US",
                        },
                    },
                }
            ],
            "confirmationEmail": "buyer@example.com",
        },
        "device": {"clientIpAddress": "203.0.113.9"},
        "transactions": [
            {
                "transactionId": "pi_example",
                "gateway": "stripe",
                "gatewayStatusCode": "SUCCESS",
                "paymentMethod": "CREDIT_CARD",
                "amount": SCREEN_TOTAL,
                "currency": "USD",
                "createdAt": "2026-10-01T12:00:00Z",
                "verifications": {"avsResponseCode": "Y", "cvvResponseCode": "M"},
            }
        ],
        "signifydClient": {"application": "Quayside", "version": "1.0"},
    }


async def test_the_team_key_is_the_user_name_and_the_password_is_empty(adapter: Signifyd) -> None:
    _, exchange = await screened(adapter, decided())
    scheme, _, pair = exchange.authorised[0]["authorization"].partition(" ")

    assert (scheme, b64decode(pair)) == ("Basic", b"quayside-team-key:")


@pytest.mark.parametrize(
    ("currency", "total", "price", "written"),
    [("JPY", "5998", "2749", b'"totalPrice":5998,'), ("KWD", "59.980", "27.490", b'"totalPrice":59.980,')],
)
async def test_amounts_are_numbers_with_the_currencys_own_decimals(
    adapter: Signifyd, currency: str, total: str, price: str, written: bytes
) -> None:
    items = [{**SCREEN["items"][0], "price": {"amount": price, "currency": currency}}]
    _, exchange = await screened(adapter, decided(), total={"amount": total, "currency": currency}, items=items)

    assert written in body_of(exchange.last)


async def test_an_order_id_is_encoded_in_the_path(adapter: Signifyd) -> None:
    body = decided() | {"orderId": "A/1 b"}
    exchange = FakeExchange(adapter, "get_decision", [answer(body)])
    await run(adapter, exchange, {"reference": "A/1 b"})

    assert exchange.last.path == "/v3/orders/A%2F1%20b/decision"
    assert exchange.last.template == "/v3/orders/{orderId}/decision"


async def test_an_item_in_another_currency_is_refused_by_name(adapter: Signifyd) -> None:
    items = [{**SCREEN["items"][0], "price": {"amount": "27.49", "currency": "EUR"}}]
    with pytest.raises(InvalidInput, match="Item 1 is priced in EUR, the order in USD") as caught:
        await screened(adapter, decided(), items=items)

    assert caught.value.field == "items.0.price.currency"


def test_card_digits_and_people_may_not_stand_in_a_record() -> None:
    personal = {"cardBin", "cardLast4", "confirmationEmail", "fullName", "streetAddress", "clientIpAddress", "email"}

    assert personal & VENDOR.kept_fields == set()


# --- what comes back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        ("ACCEPT", "accept"),
        ("REJECT", "reject"),
        ("HOLD", "hold"),
        ("CHALLENGE", "hold"),
        ("CREDIT", "hold"),
        ("SOMETHING_NEW", "hold"),
    ],
)
async def test_a_rejection_is_a_result_and_a_new_word_is_never_an_acceptance(
    adapter: Signifyd, action: str, decision: str
) -> None:
    found, _ = await screened(adapter, decided(action), 201)

    assert (found.decision, found.case_id, str(found.score)) == (decision, "991", "712.5")


async def test_a_decision_that_is_not_there_yet_is_pending(adapter: Signifyd) -> None:
    found, _ = await screened(adapter, {"orderId": SCREEN["reference"], "signifydId": "991"})

    assert (found.decision, found.decided_at) == ("pending", None)


@pytest.mark.parametrize(("amount", "guaranteed"), [(59.98, True), (0, False)])
async def test_a_guarantee_is_what_covers_chargebacks(adapter: Signifyd, amount: float, guaranteed: bool) -> None:
    cover = {"fraudChargebacks": {"amount": amount, "currency": "USD"}, "inrChargebacks": None}
    found, _ = await screened(adapter, decided(coverage=cover))

    assert found.guaranteed is guaranteed


async def test_an_answer_about_another_order_is_not_taken(adapter: Signifyd) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await screened(adapter, decided() | {"orderId": "B-2"})

    assert caught.value.field == "orderId"


REFUSED = {"messages": ["no"], "traceId": "t", "errors": {"purchase.currency": ["must not be null"]}}


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "says"),
    [
        (answer(REFUSED, 400), "invalid_request", "ours", False, "what we sent at purchase.currency;"),
        (answer("<html>", 400, content_type="text/html"), "invalid_request", "ours", False, "what we sent;"),
        (answer({"messages": ["Unauthorized"]}, 401), "unauthorized", "configuration", False, "refuses our credential"),
        (answer({}, 403), "forbidden", "configuration", False, "does not allow this"),
        (answer({}, 409), "conflict", "theirs", True, "busy with the same order"),
        (answer({}, 429, {"Retry-After": "3"}), "rate_limited", "ours", True, "we send too much"),
        (answer({"messages": ["x"]}, 500), "http_500", "theirs", True, "trouble on its side"),
        (answer("", 504), "http_504", "theirs", True, "trouble on its side"),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: Signifyd, response: Response, error_type: str, fault: Fault, retryable: bool, says: str
) -> None:
    exchange = FakeExchange(adapter, "screen_order", [response])
    with pytest.raises(HttpFailed, match=says) as caught:
        await run(adapter, exchange, SCREEN)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)


async def test_what_an_error_says_of_a_value_is_never_passed_on(adapter: Signifyd) -> None:
    body = {"errors": {"purchase.confirmationEmail": ["ada@example.com is not an address"]}}
    with pytest.raises(HttpFailed) as caught:
        await screened(adapter, body, 400)

    assert "ada@example.com" not in caught.value.message


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def test_an_order_is_screened_and_its_decision_read_again() -> None:
    async with on_the_wire("signifyd") as wire:
        made = await wire.call("screen_order", SCREEN)
        again = await wire.call("get_decision", {"reference": SCREEN["reference"]})
        effects = await wire.effects()

    assert (made.decision, again.case_id, again.decision) == ("accept", made.case_id, "accept")
    assert [effect["kind"] for effect in effects] == ["screening"]


async def test_a_lost_answer_is_found_by_the_order_id_and_screened_once() -> None:
    value = FraudScreening.model_validate(SCREEN)
    async with on_the_wire("signifyd") as wire:
        adapter = wire.adapter
        assert isinstance(adapter, Signifyd)
        before = await adapter.look_up_screen_order(wire.exchange("screen_order"), value)
        await wire.control(
            "POST", "faults", [{"vendor": "signifyd", "operation": "screen_order", "fault": "lost_answer"}]
        )
        with pytest.raises(aiohttp.ClientError):
            await wire.call("screen_order", SCREEN)
        await wire.control("DELETE", "faults")
        found = await adapter.look_up_screen_order(wire.exchange("screen_order"), value)
        effects = await wire.effects()

    assert before is None
    assert found is not None
    assert found.decision == "accept"
    assert len(effects) == 1


async def test_an_order_signifyd_does_not_know_is_pending_with_the_reason() -> None:
    async with on_the_wire("signifyd") as wire:
        found = await wire.call("get_decision", {"reference": "NOBODYS-1"})

    assert (found.decision, found.case_id, found.reasons) == (
        "pending",
        "",
        ("Signifyd knows no order of this reference.",),
    )


@pytest.mark.parametrize(
    ("reference", "decision"),
    [("SANDBOX-ACCEPTED", "accept"), ("SANDBOX-HELD", "hold"), ("SANDBOX-REJECTED", "reject")],
)
async def test_every_decision_of_the_sandbox_is_read(reference: str, decision: str) -> None:
    async with on_the_wire("signifyd") as wire:
        found = await wire.call("get_decision", {"reference": reference})

    assert found.decision == decision


async def test_a_bad_key_is_configuration() -> None:
    async with on_the_wire("signifyd") as wire:
        wire.adapter = Signifyd({"API_KEY": "invalid"})
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_decision", {"reference": "SANDBOX-ACCEPTED"})

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_one_request_too_many_is_ours_to_wait_for() -> None:
    async with on_the_wire("signifyd") as wire:
        await wire.control("POST", "faults", [{"vendor": "signifyd", "fault": "rate_limit:30"}])
        with pytest.raises(HttpFailed) as caught:
            await wire.call("screen_order", SCREEN)

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)
