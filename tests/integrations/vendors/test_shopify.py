"""Shopify's adapter against the schema its API tells of itself, its three layers of errors and its traps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, parse, print_ast, validate
from graphql.execution.values import get_variable_values
from graphql.language import OperationDefinitionNode
from graphql.validation import NoDeprecatedCustomRule

from integrations.adapter import Delivery
from integrations.errors import BusinessFailed, DeliveryRefused, Fault, HttpFailed, InvalidInput, SchemaDrift
from integrations.outcome import Request, Response
from integrations.sandbox.ledger import Ledger
from integrations.sandbox.shopify import ShopifyTwin
from integrations.sandbox.twin import World
from integrations.types.store import Fulfilment
from integrations.vendors.shopify import Shopify, documents
from integrations.vendors.shopify.declaration import PATH, TOKEN_PATH, VENDOR
from integrations.vendors.shopify.documents import Document
from integrations.vendors.shopify.stock import search
from tests.integrations.sandbox.shopify_requests import ask
from tests.integrations.sandbox.test_shopify_schema import published
from tests.integrations.vendors.exchange import NOON, FakeExchange, adapter_with_sandbox_credentials, answer, run
from tests.integrations.vendors.wire import START, Wire, on_the_wire

ORDERS, ORDER, STOCK, SET, FULFIL = (dict(operation.example) for operation in VENDOR.operations)
DOCUMENTS = [one for one in vars(documents).values() if isinstance(one, Document)]
SECRET = "shpss_quayside"
GID = "gid://shopify/{}/{}"


def data(**fields: Any) -> Response:
    return answer({"data": fields})


def connection(*nodes: Any, end: str = "") -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": bool(end), "endCursor": end or None}, "nodes": list(nodes)}


def bag(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def line(number: int, quantity: int = 1, **more: Any) -> dict[str, Any]:
    body = {"id": GID.format("LineItem", number), "sku": f"SKU-{number}", "name": "Mug", "currentQuantity": quantity}
    return {**body, "discountedUnitPriceAfterAllDiscountsSet": bag("12.50"), **more}


def order(**more: Any) -> dict[str, Any]:
    return {
        "id": GID.format("Order", 7),
        "legacyResourceId": "7",
        "name": "#1007",
        "processedAt": "2026-10-01T10:00:00Z",
        "updatedAt": "2026-10-01T11:00:00Z",
        "cancelledAt": None,
        "closed": False,
        "test": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currencyCode": "USD",
        "email": "ada@example.com",
        "currentTotalPriceSet": bag("25.0"),
        "shippingAddress": None,
        "lineItems": connection(line(1, 2)),
        **more,
    }


def item(sku: str = "MUG", number: int = 1, at: tuple[int, ...] = (68000000001,), **more: Any) -> dict[str, Any]:
    """An item as it is told for all locations, and for the one that is set."""
    levels = {
        place: {
            "updatedAt": "2026-10-01T11:00:00Z",
            "location": {"id": GID.format("Location", place), "legacyResourceId": str(place)},
            "quantities": [{"quantity": 5}],
        }
        for place in at
    }
    body = {"id": GID.format("InventoryItem", number), "sku": sku, "tracked": True}
    return {**body, "inventoryLevel": levels.get(68000000001), **more}


def everywhere(sku: str, number: int, at: tuple[int, ...]) -> dict[str, Any]:
    whole = [item(sku, number, (68000000001,))["inventoryLevel"] for _ in at]
    levels = [
        {**level, "location": {"id": GID.format("Location", place), "legacyResourceId": str(place)}}
        for level, place in zip(whole, at, strict=True)
    ]
    found = item(sku, number)
    found.pop("inventoryLevel")
    return {**found, "inventoryLevels": connection(*levels)}


def told(*errors: Mapping[str, Any], group: bool = False) -> Response:
    made = {"id": GID.format("InventoryAdjustmentGroup", 1)} if group else None
    return data(inventorySetQuantities={"inventoryAdjustmentGroup": made, "userErrors": list(errors)})


def stale(place: int, code: str = "CHANGE_FROM_QUANTITY_STALE") -> dict[str, Any]:
    return {"code": code, "field": ["input", "quantities", str(place), "changeFromQuantity"], "message": "stale"}


def shipping(*to_send: tuple[int, str, int], sent: tuple[tuple[str, str], ...] = ()) -> Response:
    return data(
        order={
            "id": GID.format("Order", 7),
            "legacyResourceId": "7",
            "fulfillments": [
                {"legacyResourceId": "90", "status": status, "trackingInfo": [{"number": number}]}
                for number, status in sent
            ],
            "fulfillmentOrders": {
                "nodes": [
                    {
                        "id": GID.format("FulfillmentOrder", number),
                        "status": status,
                        "assignedLocation": {"location": {"id": GID.format("Location", place)}},
                    }
                    for number, status, place in to_send
                ]
            },
        }
    )


def made(number: int = 91) -> Response:
    return data(fulfillmentCreate={"fulfillment": {"legacyResourceId": str(number)}, "userErrors": []})


def failed(code: str, **cost: Any) -> Response:
    errors = [{"message": "ada@example.com is wrong", "extensions": {"code": code}}]
    return answer({"errors": errors, **({"extensions": {"cost": cost}} if cost else {})})


def levels(*rows: Mapping[str, Any], reference: str = "run-1") -> dict[str, Any]:
    return {"reference": reference, "levels": [{"sku": "MUG", "quantity": "7", **row} for row in rows]}


@pytest.fixture
def adapter() -> Shopify:
    found = adapter_with_sandbox_credentials(Shopify)
    assert isinstance(found, Shopify)
    return found


def without_a_location() -> Shopify:
    return Shopify({"CLIENT_ID": "c", "CLIENT_SECRET": SECRET})


# --- what we send ------------------------------------------------------------------------------------------------------


def held_against_the_schema(request: Request) -> None:
    """Fail unless the document is valid in the published schema and its variables fit it, no unknown ones among them."""
    sent = request.json
    tree = parse(sent["query"])
    assert [error.message for error in validate(published(), tree)] == []
    node = next(one for one in tree.definitions if isinstance(one, OperationDefinitionNode))
    assert node.name is not None
    assert sent["operationName"] == node.name.value
    declared = node.variable_definitions or ()
    given = {name: value for name, value in sent["variables"].items() if value is not None}
    assert set(given) <= {one.variable.name.value for one in declared}
    found = get_variable_values(published(), declared, given)
    assert not isinstance(found, list), [error.message for error in found]


async def sent_by_every_operation(adapter: Shopify) -> list[Request]:
    """Return what each operation sends, without a location last."""
    answers = {
        "list_orders": [data(orders=connection(order()))],
        "get_order": [
            data(order=order(lineItems=connection(line(1), end="c"))),
            data(order={"lineItems": connection()}),
        ],
        "list_stock": [data(inventoryItems=connection(item()))],
        "set_stock": [data(inventoryItems=connection(item("TOY-00001"))), told(group=True)],
        "mark_fulfilled": [shipping((1, "OPEN", 1)), made()],
    }
    found: list[Request] = []
    for operation in VENDOR.operations:
        exchange = FakeExchange(adapter, operation.name, answers[operation.name])
        await run(adapter, exchange, operation.example)
        found += exchange.requests
    nowhere = FakeExchange(without_a_location(), "list_stock", [data(inventoryItems=connection())])
    await run(without_a_location(), nowhere, STOCK)
    return found + nowhere.requests


async def test_every_request_is_valid_in_the_published_schema(adapter: Shopify) -> None:
    sent = await sent_by_every_operation(adapter)
    for request in sent:
        held_against_the_schema(request)

    assert {request.json["operationName"] for request in sent} == {document.name for document in DOCUMENTS}
    assert {(request.method, request.path) for request in sent} == {("POST", PATH)}
    kept = published().type_map["InventoryQuantityInput"]
    assert isinstance(kept, GraphQLInputObjectType)
    assert set(kept.fields) == set(sent[5].json["variables"]["input"]["quantities"][0])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_nothing_that_is_asked_for_is_deprecated(document: Document) -> None:
    assert [error.message for error in validate(published(), parse(document.text), [NoDeprecatedCustomRule])] == []


async def test_the_points_are_those_that_the_answers_tell() -> None:
    ledger = Ledger(now=lambda: START, limit=10)
    twin = ShopifyTwin(World(now=lambda: START, seed=1, ledger=ledger, settings={}))
    one = {"id": GID.format("Order", 6100000000048)}
    page = await ask(twin, documents.ORDER.text, **one)
    cursor = page["data"]["order"]["lineItems"]["pageInfo"]["endCursor"]
    row = {"inventoryItemId": GID.format("InventoryItem", 1), "locationId": GID.format("Location", 1), "quantity": 1}
    quantities = [{**row, "changeFromQuantity": None}]
    wanted: dict[str, dict[str, Any]] = {
        "Orders": {"first": 100},
        "Order": one,
        "OrderLines": {**one, "after": cursor},
        "Items": {"first": 100},
        "ItemsAt": {"first": 100, "location": GID.format("Location", 68000000001)},
        "SetQuantities": {"key": "k", "input": {"name": "available", "reason": "correction", "quantities": quantities}},
        "Shipping": one,
        "Fulfil": {
            "fulfillment": {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": GID.format("FulfillmentOrder", 1)}]}
        },
    }
    for document in DOCUMENTS:
        body = await ask(twin, document.text, **wanted[document.name])
        assert body["extensions"]["cost"]["requestedQueryCost"] <= document.cost, document.name
        assert document.cost <= 1000


async def test_a_token_is_asked_for_with_the_credentials_of_the_app(adapter: Shopify) -> None:
    token = answer({"access_token": "shpat_1", "scope": "read_orders", "expires_in": 86399})
    exchange = FakeExchange(adapter, "list_orders", [token])
    access = await adapter.sign_in(exchange)

    assert (exchange.last.path, exchange.last.signed) == (TOKEN_PATH, False)
    assert exchange.last.json["grant_type"] == "client_credentials"
    assert access.headers == {"x-shopify-access-token": "shpat_1"}
    assert access.expires_in == 86399


async def test_a_token_that_never_changes_is_taken_as_it_is() -> None:
    adapter = Shopify({"ACCESS_TOKEN": "shpat_static"})
    exchange = FakeExchange(adapter, "list_orders")
    access = await adapter.sign_in(exchange)

    assert (access.headers, access.expires_in, exchange.requests) == (
        {"x-shopify-access-token": "shpat_static"},
        None,
        [],
    )


async def test_the_search_by_time_begins_a_little_earlier_for_it_is_late(adapter: Shopify) -> None:
    exchange = FakeExchange(adapter, "list_orders", [data(orders=connection(end="c-2"))])
    asked = {"modified_since": "2026-10-01T14:00:00+02:00", "cursor": "c-1", "limit": 25}
    page = await run(adapter, exchange, asked)

    sent = exchange.last.json["variables"]
    assert sent == {"first": 25, "after": "c-1", "query": "updated_at:>='2026-10-01T11:55:00Z'"}
    assert page.next_cursor == "c-2"


def test_a_sku_cannot_break_out_of_the_search() -> None:
    assert search(["A", "B' OR sku:'C", "D\\"]) == r"sku:'A' OR sku:'B\' OR sku:\'C' OR sku:'D\\'"


# --- orders ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, "paid"),
        ({"displayFinancialStatus": "PENDING"}, "open"),
        ({"displayFinancialStatus": "AUTHORIZED"}, "open"),
        ({"displayFinancialStatus": None}, "open"),
        ({"displayFinancialStatus": "PARTIALLY_REFUNDED"}, "paid"),
        ({"displayFulfillmentStatus": "PARTIALLY_FULFILLED"}, "paid"),
        ({"displayFulfillmentStatus": "FULFILLED"}, "shipped"),
        ({"displayFulfillmentStatus": "FULFILLED", "closed": True}, "completed"),
        ({"displayFinancialStatus": "REFUNDED", "displayFulfillmentStatus": "FULFILLED"}, "refunded"),
        ({"displayFinancialStatus": "REFUNDED", "cancelledAt": "2026-10-01T11:00:00Z"}, "cancelled"),
    ],
)
async def test_the_two_statuses_become_one(adapter: Shopify, more: dict[str, Any], status: str) -> None:
    found = await run(adapter, FakeExchange(adapter, "get_order", [data(order=order(**more))]), ORDER)

    assert found.status == status


async def test_money_is_decimal_text_in_the_currency_of_the_shop(adapter: Shopify) -> None:
    yen = order(
        currencyCode="JPY",
        currentTotalPriceSet=bag("1200.0", "JPY"),
        lineItems=connection(line(1, discountedUnitPriceAfterAllDiscountsSet=bag("600", "JPY"))),
    )
    found = await run(adapter, FakeExchange(adapter, "get_order", [data(order=yen)]), ORDER)

    assert (found.total.in_minor_units(), found.currency, found.lines[0].unit_price) == (1200, "JPY", Decimal(600))


async def test_what_was_taken_out_of_an_order_is_not_to_be_sent(adapter: Shopify) -> None:
    edited = order(lineItems=connection(line(1, 0), line(2, 3)))
    found = await run(adapter, FakeExchange(adapter, "get_order", [data(order=edited)]), ORDER)

    assert [(one.sku, one.quantity) for one in found.lines] == [("SKU-2", 3)]


async def test_an_order_with_more_lines_than_a_page_is_read_to_its_end(adapter: Shopify) -> None:
    pages = [
        data(orders=connection(order(lineItems=connection(line(1), end="c-1")))),
        data(order={"lineItems": connection(line(2), end="c-2")}),
        data(order={"lineItems": connection(line(3))}),
    ]
    exchange = FakeExchange(adapter, "list_orders", pages)
    page = await run(adapter, exchange, ORDERS)

    assert [one.sku for one in page.orders[0].lines] == ["SKU-1", "SKU-2", "SKU-3"]
    assert [one.json["variables"].get("after") for one in exchange.requests] == [None, "c-1", "c-2"]
    assert [one.step for one in exchange.requests] == ["", "look_up", "look_up"]


async def test_test_orders_are_marked(adapter: Shopify) -> None:
    page = data(orders=connection(order(test=True)))
    found = await run(adapter, FakeExchange(adapter, "list_orders", [page]), ORDERS)

    assert found.orders[0].test is True


async def test_an_order_that_is_not_there_is_null_inside_a_200(adapter: Shopify) -> None:
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "get_order", [data(order=None)]), ORDER)

    assert caught.value.error_type == "not_found"


# --- stock -------------------------------------------------------------------------------------------------------------


async def test_stock_is_told_by_location_and_only_what_is_counted(adapter: Shopify) -> None:
    at_one = data(inventoryItems=connection(item("A", 1), item("B", 2, tracked=False), item("", 3), item("C", 4, (1,))))
    at_all = data(inventoryItems=connection(everywhere("A", 1, (1, 68000000001)), everywhere("C", 4, (1,))))
    exchange = FakeExchange(adapter, "list_stock", [at_one])
    here = await run(adapter, exchange, STOCK)
    there = await run(without_a_location(), FakeExchange(without_a_location(), "list_stock", [at_all]), STOCK)

    assert exchange.last.json["variables"]["location"] == GID.format("Location", 68000000001)
    assert [(one.sku, one.warehouse, one.quantity) for one in here.levels] == [("A", "68000000001", 5)]
    assert [(one.sku, one.warehouse) for one in there.levels] == [("A", "1"), ("A", "68000000001"), ("C", "1")]


async def test_an_item_at_more_locations_than_are_read_needs_one_named() -> None:
    crowded = everywhere("A", 1, (1,))
    crowded["inventoryLevels"]["pageInfo"] = {"hasNextPage": True}
    adapter = without_a_location()
    with pytest.raises(InvalidInput, match="QUAYSIDE_SHOPIFY_LOCATION") as caught:
        await run(adapter, FakeExchange(adapter, "list_stock", [data(inventoryItems=connection(crowded))]), STOCK)

    assert caught.value.field == "warehouse"


async def test_a_level_that_did_not_change_since_is_left_out(adapter: Shopify) -> None:
    page = data(inventoryItems=connection(item()))
    asked = {"modified_since": "2026-10-01T11:00:01Z"}
    found = await run(adapter, FakeExchange(adapter, "list_stock", [page]), asked)

    assert found.levels == ()


async def test_levels_are_set_with_what_they_are_believed_to_be(adapter: Shopify) -> None:
    items = data(inventoryItems=connection(item("MUG", 1), item("CUP", 2)))
    exchange = FakeExchange(adapter, "set_stock", [items, told(group=True)])
    done = await run(adapter, exchange, levels({"expected": "5"}, {"sku": "CUP", "quantity": "0"}))

    sent = exchange.last.json["variables"]["input"]
    assert [(one["quantity"], one["changeFromQuantity"]) for one in sent["quantities"]] == [(7, 5), (0, None)]
    assert (sent["name"], sent["reason"]) == ("available", "correction")
    assert sent["referenceDocumentUri"] == "gid://quayside/StockSet/run-1"
    assert (done.written, done.refused) == (2, ())


async def test_a_level_that_is_so_already_is_not_sent(adapter: Shopify) -> None:
    exchange = FakeExchange(adapter, "set_stock", [data(inventoryItems=connection(item()))])
    done = await run(adapter, exchange, levels({"quantity": "5", "expected": "9"}))

    assert (done.written, done.refused, len(exchange.requests)) == (1, (), 1)


async def test_the_key_stands_on_the_field_and_not_on_the_operation() -> None:
    tree = parse(documents.SET_QUANTITIES.text)
    node = next(one for one in tree.definitions if isinstance(one, OperationDefinitionNode))

    assert not node.directives
    assert "@idempotent(key: $key)" in print_ast(node.selection_set.selections[0])


async def test_a_key_is_a_uuid_the_same_for_the_same_rows_and_another_for_others(adapter: Shopify) -> None:
    async def key(*rows: dict[str, Any], call: str = "call-1") -> str:
        items = data(inventoryItems=connection(item()))
        exchange = FakeExchange(adapter, "set_stock", [items, told(group=True)], idempotency_key=call)
        await run(adapter, exchange, levels(*rows))
        found: str = exchange.last.json["variables"]["key"]
        return found

    first = await key({})
    assert first == await key({})
    assert len({first, await key({"quantity": "8"}), await key({"expected": "1"}), await key({}, call="call-2")}) == 4


async def test_a_row_that_moved_is_left_out_and_the_rest_is_sent_under_a_new_key(adapter: Shopify) -> None:
    items = data(inventoryItems=connection(item("MUG", 1), item("CUP", 2), item("JUG", 3)))
    answers = [items, told(stale(1), stale(2, "ITEM_NOT_STOCKED_AT_LOCATION")), told(group=True)]
    exchange = FakeExchange(adapter, "set_stock", answers)
    done = await run(adapter, exchange, levels({"expected": "5"}, {"sku": "CUP"}, {"sku": "JUG"}))

    first, second = (one.json["variables"] for one in exchange.requests[1:])
    assert [one["inventoryItemId"] for one in second["input"]["quantities"]] == [GID.format("InventoryItem", 1)]
    assert first["key"] != second["key"]
    assert done.written == 1
    assert [(one.sku, one.error_type) for one in done.refused] == [("CUP", "stock_moved"), ("JUG", "not_managed")]


async def test_a_key_whose_first_use_was_refused_is_not_used_again(adapter: Shopify) -> None:
    spent = {"code": "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "field": None, "message": "spent"}
    items = data(inventoryItems=connection(item()))
    exchange = FakeExchange(adapter, "set_stock", [items, told(spent), told(group=True)])
    done = await run(adapter, exchange, levels({}))

    keys = [one.json["variables"]["key"] for one in exchange.requests[1:]]
    assert (done.written, len(set(keys))) == (1, 2)


async def test_a_refusal_that_names_no_row_is_an_error(adapter: Shopify) -> None:
    items = data(inventoryItems=connection(item()))
    refusal = told({"code": "INVALID_REASON", "field": ["input", "reason"], "message": "no"})
    with pytest.raises(BusinessFailed, match="INVALID_REASON"):
        await run(adapter, FakeExchange(adapter, "set_stock", [items, refusal]), levels({}))


@pytest.mark.parametrize(
    ("items", "error_type"),
    [
        ([], "unknown_sku"),
        ([item("mug")], "unknown_sku"),
        ([item("MUG", 1), item("MUG", 2)], "refused"),
        ([item("MUG", 1, tracked=False)], "not_managed"),
        ([item("MUG", 1, (1,))], "not_managed"),
    ],
    ids=["none", "another-case", "a-sku-is-not-unique", "untracked", "elsewhere"],
)
async def test_a_level_that_cannot_be_set_is_refused_with_its_reason(
    adapter: Shopify, items: list[dict[str, Any]], error_type: str
) -> None:
    exchange = FakeExchange(adapter, "set_stock", [data(inventoryItems=connection(*items))])
    done = await run(adapter, exchange, levels({}))

    assert ([one.error_type for one in done.refused], done.written, len(exchange.requests)) == ([error_type], 0, 1)


async def test_a_sku_at_two_locations_needs_one_named() -> None:
    adapter = without_a_location()
    items = data(inventoryItems=connection(everywhere("MUG", 1, (1, 2))))
    at_two = everywhere("MUG", 1, (2,))["inventoryLevels"]["nodes"][0]
    named_items = data(inventoryItems=connection(item(inventoryLevel=at_two)))
    unnamed = await run(adapter, FakeExchange(adapter, "set_stock", [items]), levels({}))
    exchange = FakeExchange(adapter, "set_stock", [named_items, told(group=True)])
    named = await run(adapter, exchange, levels({"warehouse": "2"}))

    assert "several locations" in unnamed.refused[0].message
    assert named.written == 1
    assert exchange.last.json["variables"]["input"]["quantities"][0]["locationId"] == GID.format("Location", 2)


@pytest.mark.parametrize(
    ("operation", "value", "field"),
    [
        ("set_stock", levels({"quantity": "1.5"}), "levels.0.quantity"),
        ("set_stock", levels({"expected": "0.5"}), "levels.0.expected"),
        ("set_stock", levels({}, {}), "levels.1.sku"),
        ("set_stock", levels({"warehouse": "MAIN"}), "warehouse"),
        ("list_stock", {"warehouse": "MAIN"}, "warehouse"),
        ("get_order", {"order_id": "#1048"}, "order_id"),
        ("mark_fulfilled", {**FULFIL, "order_id": "1048/"}, "order_id"),
    ],
)
async def test_what_shopify_cannot_take_is_said_before_it_is_sent(
    adapter: Shopify, operation: str, value: dict[str, Any], field: str
) -> None:
    exchange = FakeExchange(adapter, operation)
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, value)

    assert (caught.value.field, exchange.requests) == (field, [])


# --- fulfilment --------------------------------------------------------------------------------------------------------


async def test_each_location_gets_a_fulfilment_and_the_buyer_is_told_once(adapter: Shopify) -> None:
    to_send = shipping((1, "OPEN", 1), (2, "IN_PROGRESS", 2), (3, "ON_HOLD", 1), (4, "OPEN", 1), (5, "CLOSED", 2))
    exchange = FakeExchange(adapter, "mark_fulfilled", [to_send, made(91), made(92)])
    done = await run(adapter, exchange, {**FULFIL, "tracking_url": "https://ups.example/1Z"})

    first, second = (one.json["variables"]["fulfillment"] for one in exchange.requests[1:])
    parts = [[one["fulfillmentOrderId"][-1] for one in each["lineItemsByFulfillmentOrder"]] for each in (first, second)]
    assert parts == [["1", "4"], ["2"]]
    assert (first["notifyCustomer"], second["notifyCustomer"]) == (True, False)
    tracking = {"number": FULFIL["tracking_number"], "company": "UPS", "url": "https://ups.example/1Z"}
    assert first["trackingInfo"] == tracking
    assert (done.fulfilment_id, done.already) == ("91", False)


async def test_a_tracking_number_that_is_noted_is_not_noted_again(adapter: Shopify) -> None:
    sent = shipping((1, "CLOSED", 1), sent=((FULFIL["tracking_number"], "SUCCESS"),))
    exchange = FakeExchange(adapter, "mark_fulfilled", [sent])
    done = await run(adapter, exchange, FULFIL)

    assert (done.fulfilment_id, done.already, len(exchange.requests)) == ("90", True, 1)


async def test_a_fulfilment_that_stopped_half_way_is_gone_on_with(adapter: Shopify) -> None:
    half = shipping((2, "OPEN", 2), sent=((FULFIL["tracking_number"], "SUCCESS"),))
    exchange = FakeExchange(adapter, "mark_fulfilled", [half, made(92)])
    looked = await adapter.look_up_mark_fulfilled(
        FakeExchange(adapter, "mark_fulfilled", [half]), Fulfilment.model_validate(FULFIL)
    )
    done = await run(adapter, exchange, FULFIL)

    assert looked is None
    assert done.fulfilment_id == "90"
    assert exchange.last.json["variables"]["fulfillment"]["notifyCustomer"] is False


@pytest.mark.parametrize("status", ["ON_HOLD", "SCHEDULED", "CANCELLED", "CLOSED", "INCOMPLETE"])
async def test_an_order_with_nothing_to_send_says_so(adapter: Shopify, status: str) -> None:
    sent = shipping((1, status, 1), sent=((FULFIL["tracking_number"], "CANCELLED"),))
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "mark_fulfilled", [sent]), FULFIL)

    assert caught.value.error_type == "nothing_to_send"


# --- errors ------------------------------------------------------------------------------------------------------------

THROTTLE = {"maximumAvailable": 2000, "currentlyAvailable": 8, "restoreRate": 50}
UNPAID = {"requestedQueryCost": 108, "actualQueryCost": None, "throttleStatus": THROTTLE}


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "wait"),
    [
        (
            answer({"errors": "[API] Invalid API key or access token"}, 401),
            "unauthorized",
            "configuration",
            False,
            None,
        ),
        (answer({"errors": "Unavailable Shop"}, 402), "shop_frozen", "configuration", False, None),
        (answer({"errors": "Forbidden"}, 403), "forbidden", "configuration", False, None),
        (answer({"errors": "Not Found"}, 404), "shop_not_found", "configuration", False, None),
        (answer({"errors": "Locked"}, 423), "shop_locked", "configuration", False, None),
        (answer({"errors": "Slow"}, 429, {"Retry-After": "2.0"}), "rate_limited", "ours", True, 2.0),
        (answer({"errors": "Oops"}, 503), "http_503", "theirs", True, None),
        (failed("THROTTLED", **UNPAID), "rate_limited", "ours", True, 2.0),
        (failed("THROTTLED"), "rate_limited", "ours", True, None),
        (failed("MAX_COST_EXCEEDED"), "query_too_costly", "ours", False, None),
        (failed("ACCESS_DENIED"), "access_denied", "configuration", False, None),
        (failed("INTERNAL_SERVER_ERROR"), "internal_error", "theirs", True, None),
        (failed("SHOP_INACTIVE"), "shop_inactive", "configuration", False, None),
        (failed("BAD_REQUEST"), "invalid_request", "ours", False, None),
        (failed("INVALID_VARIABLE"), "invalid_request", "ours", False, None),
        (failed("INVALID_FIELD_ARGUMENTS"), "invalid_request", "ours", False, None),
        (answer({"errors": [{"message": "no code"}]}), "invalid_request", "ours", False, None),
        (answer({"errors": {"query": "Required parameter missing"}}), "invalid_request", "ours", False, None),
        (told({"code": "IDEMPOTENCY_CONCURRENT_REQUEST", "field": None}), "conflict", "ours", True, None),
        (
            data(fulfillmentCreate={"fulfillment": None, "userErrors": [{"field": None, "message": "no"}]}),
            "refused",
            "ours",
            False,
            None,
        ),
    ],
)
def test_every_refusal_has_its_class(
    adapter: Shopify, response: Response, error_type: str, fault: Fault, retryable: bool, wait: float | None
) -> None:
    verdict = adapter.classify(Request(method="POST", path=PATH), response)

    assert verdict is not None
    found = (verdict.error_type, verdict.fault, verdict.retryable, verdict.retry_after)
    assert found == (error_type, fault, retryable, wait)
    assert "ada@" not in verdict.message
    assert verdict.counts is (fault == "theirs")


def test_a_client_that_gets_no_token_is_named(adapter: Shopify) -> None:
    refused = answer({"error": "invalid_client", "error_description": "…"}, 400)
    verdict = adapter.classify(Request(method="POST", path=TOKEN_PATH), refused)

    assert verdict is not None
    assert (verdict.error_type, verdict.fault) == ("unauthorized", "configuration")
    assert "QUAYSIDE_SHOPIFY_CLIENT_SECRET" in verdict.message


async def test_partial_data_beside_errors_is_not_taken(adapter: Shopify) -> None:
    errors = [{"message": "denied", "path": ["orders"], "extensions": {"code": "ACCESS_DENIED"}}]
    partial = answer({"data": {"orders": connection(order())}, "errors": errors})
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "list_orders", [partial]), ORDERS)

    assert caught.value.error_type == "access_denied"


@pytest.mark.parametrize(
    "broken",
    [
        {"orders": {"nodes": []}},
        {"orders": connection({"id": "x"})},
        {},
        {"orders": connection(order(lineItems=connection(line(1, currentQuantity="two"))))},
    ],
)
async def test_an_answer_of_another_shape_is_drift_and_never_no_orders(adapter: Shopify, broken: Any) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "list_orders", [answer({"data": broken})]), ORDERS)


async def test_a_mutation_without_user_errors_is_drift_and_never_done(adapter: Shopify) -> None:
    items = data(inventoryItems=connection(item()))
    torn = data(inventorySetQuantities={"inventoryAdjustmentGroup": {"id": "x"}})
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "set_stock", [items, torn]), levels({}))


def test_what_is_left_of_the_points_is_read_from_the_answer(adapter: Shopify) -> None:
    cost = {"requestedQueryCost": 58, "actualQueryCost": 16, "throttleStatus": {**THROTTLE, "currentlyAvailable": 1984}}
    (seen,) = adapter.quotas_seen(answer({"data": {}, "extensions": {"cost": cost}}))

    assert (seen.quota, seen.limit, seen.remaining, seen.reset) == ("points", 2000, 1984, 0.32)


@pytest.mark.parametrize("body", [b"<html>", {"errors": "x"}, {"extensions": {"cost": {"throttleStatus": {}}}}, []])
def test_an_answer_that_tells_no_cost_says_nothing_of_the_points(adapter: Shopify, body: Any) -> None:
    assert adapter.quotas_seen(answer(body)) == ()


def test_a_version_that_fell_forward_is_said_once(adapter: Shopify, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="integrations.vendors.shopify.adapter")
    for served in ("2026-07", "2026-10", "2026-10"):
        adapter.quotas_seen(answer({"data": {}}, headers={"X-Shopify-API-Version": served}))

    assert [record.getMessage() for record in caplog.records] == ["vendor.version"]
    assert caplog.records[0].__dict__["served"] == "2026-10"


# --- against the sandbox -----------------------------------------------------------------------------------------------


def of(wire: Wire) -> Shopify:
    assert isinstance(wire.adapter, Shopify)
    return wire.adapter


async def test_an_order_is_placed_listed_and_sent_once() -> None:
    async with on_the_wire("shopify") as wire:
        await wire.control("POST", "shopify/orders", {"count": 1})
        since = (datetime.fromtimestamp(wire.time, UTC) - timedelta(minutes=1)).isoformat()
        page = await wire.call("list_orders", {"modified_since": since})
        newest = page.orders[-1]
        asked = {**FULFIL, "order_id": newest.order_id}
        sent = await wire.call("mark_fulfilled", asked)
        again = await wire.call("mark_fulfilled", asked)
        value = Fulfilment.model_validate(asked)
        looked = await of(wire).look_up_mark_fulfilled(wire.exchange("mark_fulfilled"), value)
        after = await wire.call("get_order", {"order_id": newest.order_id})
        effects = await wire.effects()

    assert newest.lines
    assert (sent.already, again.already) == (False, True)
    assert looked is not None
    assert looked.fulfilment_id == sent.fulfilment_id == again.fulfilment_id
    assert after.status in ("shipped", "completed")
    assert [one["kind"] for one in effects].count("fulfilment") == 1


async def test_all_orders_come_page_by_page_each_once() -> None:
    async with on_the_wire("shopify") as wire:
        found, cursor = [], ""
        while True:
            page = await wire.call("list_orders", {"limit": 20, "cursor": cursor})
            found += page.orders
            if not (cursor := page.next_cursor):
                break

    assert len({one.order_id for one in found}) == len(found) == 45
    assert [one.modified_at for one in found] == sorted(one.modified_at for one in found)
    assert len({one.currency for one in found}) >= 1
    assert any(one.test for one in found)


async def test_stock_is_set_once_and_a_level_that_moved_is_left_alone() -> None:
    async with on_the_wire("shopify") as wire:
        before = {one.sku: one for one in (await wire.call("list_stock", {"limit": 3})).levels}
        first, second, third = before.values()
        asked = {
            "reference": "run-9",
            "levels": [
                {"sku": first.sku, "quantity": "3", "expected": str(first.quantity)},
                {"sku": second.sku, "quantity": "4", "expected": str(second.quantity + 1)},
                {"sku": "NO-SUCH", "quantity": "5"},
                {"sku": third.sku, "quantity": "0"},
            ],
        }
        done = await wire.call("set_stock", asked)
        again = await wire.call("set_stock", asked)
        after = (await wire.call("list_stock", {"skus": list(before)})).levels
        effects = await wire.effects()

    assert done.written == again.written == 2
    assert {one.sku: one.error_type for one in done.refused} == {second.sku: "stock_moved", "NO-SUCH": "unknown_sku"}
    assert {one.sku: one.quantity for one in after} == {first.sku: 3, second.sku: second.quantity, third.sku: 0}
    assert len([one for one in effects if one["kind"] == "stock"]) == 2


async def test_a_bad_credential_is_said_as_that() -> None:
    async with on_the_wire("shopify") as wire:
        wire.adapter = Shopify({"CLIENT_ID": "invalid", "CLIENT_SECRET": "invalid"})
        with pytest.raises(HttpFailed) as no_token:
            await wire.call("list_orders", ORDERS)
        wire.adapter = Shopify({"ACCESS_TOKEN": "shpat_invalid"})
        with pytest.raises(HttpFailed) as bad_token:
            await wire.call("list_orders", ORDERS)

    assert (no_token.value.error_type, bad_token.value.error_type) == ("unauthorized", "unauthorized")


async def test_an_empty_bucket_is_throttled_at_200_with_the_wait_that_helps() -> None:
    async with on_the_wire("shopify") as wire:
        await wire.call("list_orders", ORDERS)
        assert wire.access is not None
        await wire.control("POST", "shopify/drain", {"token": wire.access.headers["x-shopify-access-token"]})
        with pytest.raises(BusinessFailed) as caught:
            await wire.call("list_orders", ORDERS)

    assert (caught.value.error_type, caught.value.status) == ("rate_limited", 200)
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after < 1


# --- webhooks ----------------------------------------------------------------------------------------------------------

URL = "https://shop.example/webhooks/shopify"


async def delivered(wire: Wire) -> list[Delivery]:
    found = await wire.control("POST", "shopify/deliveries", {"url": URL, "secret": SECRET})
    return [
        Delivery(
            url=URL,
            headers={name.lower(): value for name, value in one["headers"].items()},
            body=one["body"].encode(),
            received_at=NOON,
        )
        for one in found["deliveries"]
    ]


async def test_deliveries_are_proven_and_name_the_order() -> None:
    async with on_the_wire("shopify") as wire:
        await wire.control("POST", "shopify/orders", {"count": 1})
        page = await wire.call("list_orders", {"limit": 100})
        deliveries = await delivered(wire)
        found = [event for one in deliveries for event in await of(wire).receive(wire.exchange("list_orders"), one)]

    assert "orders/create" in {event.type for event in found}
    assert {event.resource for event in found if event.type == "orders/create"} <= {one.order_id for one in page.orders}
    assert {event.reference for event in found if event.type == "orders/create"} <= {one.number for one in page.orders}
    assert len({event.id for event in found}) == len(found)
    assert all(event.occurred_at is not None for event in found)


def signed(body: bytes, secret: str = SECRET, **headers: str) -> Delivery:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    given = {"x-shopify-hmac-sha256": signature, **headers}
    return Delivery(url=URL, headers=given, body=body, received_at=NOON)


@pytest.mark.parametrize(
    "delivery",
    [
        signed(b'{"id":1}', "another"),
        Delivery(url=URL, headers={}, body=b'{"id":1}', received_at=NOON),
        Delivery(url=URL, headers=signed(b'{"id":2}').headers, body=b'{"id":1}', received_at=NOON),
    ],
    ids=["forged", "unsigned", "changed"],
)
async def test_a_delivery_that_is_not_proven_is_refused(adapter: Shopify, delivery: Delivery) -> None:
    with pytest.raises(DeliveryRefused) as caught:
        await adapter.receive(FakeExchange(adapter, "list_orders"), delivery)

    assert caught.value.field == "x-shopify-hmac-sha256"


async def test_a_delivery_is_refused_while_no_secret_is_set() -> None:
    adapter = Shopify({"ACCESS_TOKEN": "shpat_static"})
    with pytest.raises(DeliveryRefused, match="QUAYSIDE_SHOPIFY_CLIENT_SECRET"):
        await adapter.receive(FakeExchange(adapter, "list_orders"), signed(b"{}", ""))


async def test_a_repeated_delivery_has_the_id_of_the_first(adapter: Shopify) -> None:
    body = b'{"id":7,"name":"#1007","email":"ada@example.com"}'
    headers = {"x-shopify-topic": "orders/updated", "x-shopify-webhook-id": "w-1", "x-shopify-event-id": "e-1"}
    (first,) = await adapter.receive(FakeExchange(adapter, "list_orders"), signed(body, **headers))
    (unnamed,) = await adapter.receive(FakeExchange(adapter, "list_orders"), signed(body))

    assert (first.id, first.resource, first.reference, dict(first.data)) == ("w-1", "7", "#1007", {})
    assert unnamed.id == hashlib.sha256(body).hexdigest()


async def test_the_newer_kind_of_delivery_has_its_headers_without_an_x(adapter: Shopify) -> None:
    body = b'{"id":9,"order_id":7}'
    old = signed(body)
    headers = {
        "shopify-hmac-sha256": old.headers["x-shopify-hmac-sha256"],
        "shopify-topic": "refunds/create",
        "shopify-event-id": "e-1",
        "shopify-triggered-at": "2026-10-01T11:59:58.123456Z",
    }
    delivery = Delivery(url=URL, headers=headers, body=body, received_at=NOON)
    (event,) = await adapter.receive(FakeExchange(adapter, "list_orders"), delivery)

    assert (event.id, event.type, event.resource) == ("e-1:refunds/create", "refunds/create", "7")
    assert event.occurred_at == datetime(2026, 10, 1, 11, 59, 58, 123456, UTC)


async def test_a_body_that_is_no_json_is_named(adapter: Shopify) -> None:
    with pytest.raises(InvalidInput) as caught:
        await adapter.receive(FakeExchange(adapter, "list_orders"), signed(b"<order/>"))

    assert caught.value.field == "body"
