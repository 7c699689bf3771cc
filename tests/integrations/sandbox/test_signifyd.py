from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

import jsonschema
import pytest
from yarl import URL

from integrations.sandbox.signifyd.orders import MOST_UPDATES
from tests.integrations.sandbox.conftest import Sandbox, Start

SALES, CHECKOUTS = "/v3/orders/events/sales", "/v3/orders/events/checkouts"
ADDRESS = {"streetAddress": "1 Main", "city": "Austin", "provinceCode": "TX", "postalCode": "78701"}
SALE: dict[str, Any] = {
    "orderId": "A-1001",
    "decisionDelivery": "SYNC",
    "coverageRequests": ["FRAUD"],
    "purchase": {
        "createdAt": "2026-10-01T11:59:58Z",
        "orderChannel": "WEB",
        "totalPrice": 59.98,
        "currency": "USD",
        "confirmationEmail": "b@example.com",
        "products": [{"itemId": "SKU1", "itemName": "Mug", "itemPrice": 27.49, "itemQuantity": 2}],
        "shipments": [
            {
                "shipmentId": "S1",
                "fulfillmentMethod": "DELIVERY",
                "destination": {"fullName": "B Uyer", "address": {**ADDRESS, "countryCode": "US"}},
            }
        ],
    },
    "device": {"clientIpAddress": "203.0.113.9"},
    "transactions": [
        {
            "transactionId": "ch_1",
            "gateway": "stripe",
            "gatewayStatusCode": "SUCCESS",
            "paymentMethod": "CREDIT_CARD",
            "amount": 59.98,
            "currency": "USD",
            "checkoutPaymentDetails": {"cardBin": "424242", "billingAddress": {**ADDRESS, "countryCode": "US"}},
            "verifications": {"avsResponseCode": "Y", "cvvResponseCode": "M"},
        }
    ],
}

# No contract is published; this is what the vendor's own Java and PHP clients read.
MONEY = {
    "type": ["object", "null"],
    "required": ["amount", "currency"],
    "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}},
}
POLICY = {"type": "object", "required": ["name", "status", "action", "reason"]}
ANSWER = {
    "type": "object",
    "required": ["signifydId", "orderId", "decision", "coverage"],
    "properties": {
        "signifydId": {"type": "string"},
        "checkoutId": {"type": "string"},
        "orderId": {"type": "string"},
        "decision": {
            "type": ["object", "null"],
            "required": ["createdAt", "checkpointAction", "policies", "score"],
            "properties": {
                "checkpointAction": {"enum": ["ACCEPT", "CHALLENGE", "CREDIT", "HOLD", "REJECT"]},
                "policies": {
                    "type": "object",
                    "required": ["default", "overriding"],
                    "properties": {"default": POLICY, "overriding": {"type": "array", "items": POLICY}},
                },
                "score": {"type": "number", "minimum": 0, "maximum": 1000},
            },
        },
        "coverage": {
            "type": ["object", "null"],
            "required": ["fraudChargebacks", "inrChargebacks", "allChargebacks"],
            "additionalProperties": MONEY,
        },
        "scaEvaluation": {"type": "object", "required": ["outcome"]},
    },
    "additionalProperties": False,
}

Call = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("signifyd")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    async def send(method: str, path: str, body: Any = None, authorization: str | None = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Basic {b64encode(b'team-key:').decode()}"}
        if authorization is None:
            headers = {}
        elif authorization:
            headers = {"Authorization": authorization}
        url = f"{sandbox.url}/signifyd{path}"
        async with sandbox.client.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    return send


def sale(order_id: str = "A-1001", *, avs: str = "Y", cvv: str = "M", **rest: Any) -> dict[str, Any]:
    body = deepcopy(SALE) | {"orderId": order_id} | rest
    body["transactions"][0]["verifications"] = {"avsResponseCode": avs, "cvvResponseCode": cvv}
    return body


async def test_sale_is_decided_at_once_and_can_be_looked_up(sandbox: Sandbox, call: Call) -> None:
    status, made = await call("POST", SALES, SALE)
    looked, seen = await call("GET", "/v3/orders/A-1001/decision")

    jsonschema.validate(made, ANSWER)
    assert (status, looked, seen) == (201, 200, made)
    decision = made["decision"]
    assert (decision["checkpointAction"], decision["checkpointActionReason"]) == ("ACCEPT", "SIGNIFYD_APPROVED")
    assert decision["createdAt"] == "2026-10-01T12:00:00.000000Z"
    assert decision["policies"]["default"]["action"] == "ACCEPT"
    assert isinstance(decision["score"], float)
    assert made["coverage"]["fraudChargebacks"] == {"amount": 59.98, "currency": "USD"}
    assert [(e["kind"], e["reference"], e["id"], e["amount"]) for e in await sandbox.effects("signifyd")] == [
        ("screening", "A-1001", made["signifydId"], "59.98 USD")
    ]
    assert [seen["operation"] for seen in await sandbox.requests("signifyd")] == ["screen_order", "get_decision"]


@pytest.mark.parametrize(
    ("avs", "cvv", "action", "final"),
    [
        ("Y", "M", "ACCEPT", "ACCEPT"),
        ("N", "M", "HOLD", "ACCEPT"),
        ("Y", "N", "HOLD", "REJECT"),
        ("N", "N", "REJECT", "REJECT"),
    ],
)
async def test_held_order_is_reviewed_later_and_rejection_is_no_error(
    sandbox: Sandbox, call: Call, avs: str, cvv: str, action: str, final: str
) -> None:
    status, made = await call("POST", SALES, sale(avs=avs, cvv=cvv))
    sandbox.clock.move(599)
    _, early = await call("GET", "/v3/orders/A-1001/decision")
    sandbox.clock.move(1)
    _, late = await call("GET", "/v3/orders/A-1001/decision")

    assert (status, made["decision"]["checkpointAction"]) == (201, action)
    assert early == made
    assert late["decision"]["checkpointAction"] == final
    assert (late["coverage"]["fraudChargebacks"] is not None) is (final == "ACCEPT")
    if action == "HOLD":
        assert late["decision"]["createdAt"] == "2026-10-01T12:10:00.000000Z"


async def test_country_and_total_lower_the_score(call: Call) -> None:
    abroad = sale("A-1")
    abroad["purchase"]["shipments"][0]["destination"]["address"]["countryCode"] = "BR"
    abroad["purchase"]["totalPrice"] = 5_001
    _, far = await call("POST", SALES, abroad)
    _, near = await call("POST", SALES, sale("A-1"))

    assert near["decision"]["score"] - far["decision"]["score"] == pytest.approx(240)


async def test_asynchronous_sale_has_no_decision_until_it_is_made(sandbox: Sandbox, call: Call) -> None:
    status, made = await call("POST", SALES, sale(decisionDelivery="ASYNC_ONLY"))
    _, early = await call("GET", "/v3/orders/A-1001/decision")
    sandbox.clock.move(5)
    _, late = await call("GET", "/v3/orders/A-1001/decision")

    jsonschema.validate(made, ANSWER)
    assert (status, made["decision"], made["coverage"]) == (201, None, None)
    assert early == made
    assert late["decision"]["checkpointAction"] == "ACCEPT"


async def test_same_sale_again_is_one_order_and_one_screening(sandbox: Sandbox, call: Call) -> None:
    first, made = await call("POST", SALES, SALE)
    second, again = await call("POST", SALES, SALE)
    changed, other = await call("POST", SALES, sale(avs="N", cvv="N"))

    assert (first, second, changed) == (201, 200, 200)
    assert again == made
    assert other["signifydId"] == made["signifydId"]
    assert other["decision"]["checkpointAction"] == "REJECT"
    assert len(await sandbox.effects("signifyd")) == 2


async def test_hundred_and_first_update_is_rejected(call: Call) -> None:
    for _ in range(MOST_UPDATES + 1):
        _, answer = await call("POST", SALES, SALE)
    _, beyond = await call("POST", SALES, SALE)

    assert answer["decision"]["checkpointAction"] == "ACCEPT"
    assert beyond["decision"]["checkpointAction"] == "REJECT"


async def test_checkout_is_followed_by_its_transaction(sandbox: Sandbox, call: Call) -> None:
    body = sale(checkoutId="c-7", additionalEvalRequests=["SCA_EVALUATION"])
    status, made = await call("POST", CHECKOUTS, body)
    failed = {**SALE["transactions"][0], "gatewayStatusCode": "FAILURE"}
    paid, after = await call(
        "POST", "/v3/orders/events/transactions", {"checkoutId": "c-7", "transactions": [failed, failed]}
    )
    unknown, refused = await call(
        "POST", "/v3/orders/events/transactions", {"checkoutId": "c-8", "transactions": [failed]}
    )

    jsonschema.validate(made, ANSWER)
    jsonschema.validate(after, ANSWER)
    assert (status, made["checkoutId"], made["scaEvaluation"]["outcome"]) == (201, "c-7", "NOT_EVALUATED")
    assert (paid, after["orderId"], after["decision"]["checkpointAction"]) == (201, "A-1001", "REJECT")
    assert (unknown, refused["errors"]) == (404, {})
    assert len(await sandbox.effects("signifyd")) == 1


async def test_order_is_rerouted_repriced_and_fulfilled(sandbox: Sandbox, call: Call) -> None:
    await call("POST", SALES, SALE)
    shipments = deepcopy(SALE["purchase"]["shipments"])
    shipments[0]["destination"]["address"]["countryCode"] = "BR"
    _, rerouted = await call("POST", "/v3/orders/events/reroutes", {"orderId": "A-1001", "shipments": shipments})
    price = {"totalPrice": 70, "currency": "USD"}
    _, repriced = await call("POST", "/v3/orders/events/repricings", {"orderId": "A-1001", "purchase": price})
    sent = {
        "orderId": "A-1001",
        "fulfillmentStatus": "COMPLETE",
        "fulfillments": [{"shipmentId": "S1", "shipmentStatus": "IN_TRANSIT", "trackingNumbers": ["1Z"]}],
    }
    status, shipped = await call("POST", "/v3/orders/events/fulfillments", sent)
    await call("POST", "/v3/orders/events/fulfillments", sent)

    assert rerouted["decision"]["score"] < 800
    assert rerouted["decision"]["checkpointAction"] == "ACCEPT"
    assert repriced["coverage"]["fraudChargebacks"] == {"amount": 70, "currency": "USD"}
    assert (status, shipped) == (201, {"orderId": "A-1001", "shipmentIds": ["S1"]})
    assert [effect["kind"] for effect in await sandbox.effects("signifyd")] == ["screening", "fulfilment"]


async def test_order_id_with_a_slash_is_found_when_encoded(sandbox: Sandbox, call: Call) -> None:
    await call("POST", SALES, sale("2026/17 b"))
    url = f"{sandbox.url}/signifyd/v3/orders/2026%2F17%20b/decision"
    headers = {"Authorization": f"Basic {b64encode(b'k:').decode()}"}
    async with sandbox.client.get(URL(url, encoded=True), headers=headers) as answer:
        assert (answer.status, (await answer.json())["orderId"]) == (200, "2026/17 b")


@pytest.mark.parametrize(
    ("order_id", "action"),
    [
        ("SANDBOX-ACCEPTED", "ACCEPT"),
        ("SANDBOX-HELD", "HOLD"),
        ("SANDBOX-REJECTED", "REJECT"),
        ("SANDBOX-PENDING", None),
    ],
)
async def test_sample_orders_are_there_without_an_effect(
    sandbox: Sandbox, call: Call, order_id: str, action: str | None
) -> None:
    status, seen = await call("GET", f"/v3/orders/{order_id}/decision")

    jsonschema.validate(seen, ANSWER)
    assert (status, (seen["decision"] or {}).get("checkpointAction")) == (200, action)
    assert await sandbox.effects("signifyd") == []


async def test_settings_overrule_the_score(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"signifyd": {"decision": "REJECT", "decisions": {"A-2": "CHALLENGE"}}})
    _, first = await call("POST", SALES, sale("A-1"))
    _, second = await call("POST", SALES, sale("A-2"))

    assert first["decision"]["checkpointAction"] == "REJECT"
    assert second["decision"]["checkpointAction"] == "CHALLENGE"


@pytest.mark.parametrize(
    ("kinds", "covered"),
    [
        (["INR"], {"inrChargebacks"}),
        (["FRAUD", "SNAD"], {"fraudChargebacks", "snadChargebacks"}),
        (["ALL"], {"allChargebacks"}),
        (["NONE"], set()),
    ],
)
async def test_coverage_is_what_was_asked_for(call: Call, kinds: list[str], covered: set[str]) -> None:
    _, made = await call("POST", SALES, sale(coverageRequests=kinds))

    assert {name for name, money in made["coverage"].items() if money is not None} == covered


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("orderId",), None, "orderId"),
        (("purchase",), None, "purchase"),
        (("purchase", "currency"), None, "purchase.currency"),
        (("purchase", "currency"), "usd", "purchase.currency"),
        (("purchase", "totalPrice"), "59.98", "purchase.totalPrice"),
        (("purchase", "totalPrice"), -1, "purchase.totalPrice"),
        (("purchase", "createdAt"), "2026-10-01", "purchase.createdAt"),
        (("purchase", "createdAt"), "2026-10-01T12:00:00", "purchase.createdAt"),
        (("purchase", "orderChannel"), "SHOP", "purchase.orderChannel"),
        (("purchase", "confirmationEmail"), "nobody", "purchase.confirmationEmail"),
        (("purchase", "products", 0, "itemName"), None, "purchase.products[0].itemName"),
        (("purchase", "products"), {}, "purchase.products"),
        (
            ("purchase", "shipments", 0, "destination", "address", "countryCode"),
            "USA",
            "purchase.shipments[0].destination.address.countryCode",
        ),
        (("purchase", "shipments", 0, "fulfillmentMethod"), "MAIL", "purchase.shipments[0].fulfillmentMethod"),
        (("device", "clientIpAddress"), "localhost", "device.clientIpAddress"),
        (("device",), "x", "device"),
        (("transactions", 0, "amount"), None, "transactions[0].amount"),
        (("transactions", 0, "gatewayStatusCode"), "OK", "transactions[0].gatewayStatusCode"),
        (("transactions", 0, "paymentMethod"), "CREDIT CARD", "transactions[0].paymentMethod"),
        (
            ("transactions", 0, "checkoutPaymentDetails", "cardBin"),
            "4242",
            "transactions[0].checkoutPaymentDetails.cardBin",
        ),
        (("transactions", 0, "verifications"), "Y", "transactions[0].verifications"),
        (("coverageRequests",), ["EVERYTHING"], "coverageRequests"),
        (("decisionDelivery",), "ASYNC", "decisionDelivery"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
async def test_bad_field_is_named(sandbox: Sandbox, call: Call, path: tuple[Any, ...], value: Any, field: str) -> None:
    body = deepcopy(SALE)
    holder: Any = body
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    status, refused = await call("POST", SALES, body)

    assert status == 400
    assert field in refused["errors"]
    assert all(refused["errors"][field])
    assert refused["messages"]
    assert refused["traceId"]
    assert await sandbox.effects("signifyd") == []


@pytest.mark.parametrize(
    "authorization", [None, "Bearer team-key", "Basic ???", f"Basic {b64encode(b'invalid:').decode()}"]
)
async def test_key_is_asked_for(call: Call, authorization: str | None) -> None:
    status, refused = await call("POST", SALES, SALE, authorization=authorization)

    assert (status, set(refused)) == (401, {"messages", "traceId", "errors"})


async def test_key_without_a_colon_is_taken_as_the_vendors_connectors_send_it(call: Call) -> None:
    status, _ = await call("POST", SALES, SALE, authorization=f"Basic {b64encode(b'team-key').decode()}")

    assert status == 201


async def test_two_events_over_one_order_conflict(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"signifyd": {"processing_seconds": 0.05}})
    answers = await asyncio.gather(*(call("POST", SALES, SALE) for _ in range(2)))

    assert sorted(status for status, _ in answers) == [201, 409]
    assert len(await sandbox.effects("signifyd")) == 1


@pytest.mark.parametrize(
    ("body", "kind"), [(b"{", "application/json"), (b"[]", "application/json"), (b"{}", "text/plain")]
)
async def test_body_must_be_a_json_object(sandbox: Sandbox, body: bytes, kind: str) -> None:
    headers = {"Authorization": f"Basic {b64encode(b'k:').decode()}", "Content-Type": kind}
    async with sandbox.client.post(f"{sandbox.url}/signifyd{SALES}", data=body, headers=headers) as answer:
        assert (answer.status, bool((await answer.json())["messages"])) == (415 if kind == "text/plain" else 400, True)


async def test_unknown_order_has_no_decision(call: Call) -> None:
    status, refused = await call("GET", "/v3/orders/nobody/decision")

    assert (status, refused["errors"]) == (404, {})


async def test_quota_that_is_set_is_counted_by_key_and_answered_without_a_header(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"signifyd": {"quotas": [["team", 1, 60]]}})
    await call("POST", SALES, SALE)
    headers = {"Authorization": f"Basic {b64encode(b'team-key:').decode()}"}
    async with sandbox.client.post(f"{sandbox.url}/signifyd{SALES}", json=SALE, headers=headers) as answer:
        assert (answer.status, "Retry-After" in answer.headers) == (429, False)
    other, _ = await call("POST", SALES, SALE, authorization=f"Basic {b64encode(b'other:').decode()}")

    assert other == 200


@pytest.mark.parametrize("status", [409, 500, 503, 504])
async def test_fault_has_the_vendors_body(sandbox: Sandbox, call: Call, status: int) -> None:
    await sandbox.fault("signifyd", f"status:{status}")
    answered, refused = await call("POST", SALES, SALE)

    assert (answered, bool(refused["traceId"])) == (status, True)


async def test_schema_fault_takes_the_action_away(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("signifyd", "schema")
    status, made = await call("POST", SALES, SALE)

    assert status == 201
    assert "checkpointAction" not in made["decision"]
