from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.integrations.sandbox.conftest import Sandbox, Start

TOKEN = "shpat_quayside"
CLIENT = {"client_id": "quayside", "client_secret": "shpss_1", "grant_type": "client_credentials"}
FIRST = 6_100_000_000_000
PAID, UNPAID = FIRST + 48, FIRST + 46
WAREHOUSE, CITY_STORE = "gid://shopify/Location/68000000001", "gid://shopify/Location/68000000002"
ITEM = 43_500_000_000_000
DAY = 86_400

SET = """mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id reason referenceDocumentUri changes { name delta item { id } location { id } } }
    userErrors { code field message } } }"""
ADJUST = """mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id changes { name delta } } userErrors { code field message } } }"""
SEND = """mutation Send($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) {
  fulfillment { id status trackingInfo { number url company } } userErrors { field message } } }"""
REFUND = """mutation Refund($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id totalRefundedSet { shopMoney { amount currencyCode } } } order { displayFinancialStatus }
  userErrors { field message } } }"""
CANCEL = """mutation Cancel($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true, refund: true) {
  job { id done } orderCancelUserErrors { code field message } } }"""
ORDERS = """query Orders($q: String, $after: String, $first: Int!) {
  orders(first: $first, after: $after, query: $q, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { id name test displayFinancialStatus updatedAt totalPriceSet { shopMoney { amount currencyCode }
            presentmentMoney { amount currencyCode } } } } }"""

Send = Callable[..., Awaitable[tuple[int, Any, dict[str, str]]]]
Query = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("shopify")


@pytest.fixture
def send(sandbox: Sandbox) -> Send:
    """Send one request with a token; the answer is status, JSON and headers."""

    async def one(body: Any, token: str = TOKEN, version: str = "2026-07") -> tuple[int, Any, dict[str, str]]:
        url = f"{sandbox.url}/shopify/admin/api/{version}/graphql.json"
        headers = {"X-Shopify-Access-Token": token} if token else {}
        async with sandbox.client.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    return one


@pytest.fixture
def query(send: Send) -> Query:
    """Send one document with its variables; the answer is the whole body of a 200."""

    async def one(document: str, **variables: Any) -> Any:
        status, body, _ = await send({"query": document, "variables": variables})

        assert status == 200, body
        return body

    return one


async def setting(sandbox: Sandbox, **values: Any) -> None:
    await sandbox.control("PUT", "settings", {"shopify": values})


def key() -> str:
    return str(uuid.uuid4())


def stock(number: int, quantity: int, **rest: Any) -> dict[str, Any]:
    row = {"inventoryItemId": f"gid://shopify/InventoryItem/{ITEM + number}", "locationId": WAREHOUSE, **rest}
    return {"name": "available", "reason": "correction", "quantities": [{**row, "quantity": quantity}]}


async def available(query: Query, number: int) -> int:
    text = """query($id: ID!, $at: ID!) { inventoryItem(id: $id) { inventoryLevel(locationId: $at) {
      quantities(names: ["available", "on_hand"]) { name quantity } } } }"""
    body = await query(text, id=f"gid://shopify/InventoryItem/{ITEM + number}", at=WAREHOUSE)
    return int(body["data"]["inventoryItem"]["inventoryLevel"]["quantities"][0]["quantity"])


async def order(query: Query, number: int, fields: str) -> Any:
    body = await query(f'{{ order(id: "gid://shopify/Order/{number}") {{ {fields} }} }}')

    assert "errors" not in body, body
    return body["data"]["order"]


def code_of(body: Any) -> str:
    (error,) = body["errors"]
    return str(error["extensions"]["code"])


# --- who may ask ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "shpat_invalid", "sk_test_1"])
async def test_a_token_that_is_none_is_refused_with_a_text_for_errors(send: Send, token: str) -> None:
    status, body, _ = await send({"query": "{ shop { name } }"}, token=token)

    assert status == 401
    assert body == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


async def sign_in(sandbox: Sandbox, **changed: Any) -> tuple[int, Any]:
    url = f"{sandbox.url}/shopify/admin/oauth/access_token"
    async with sandbox.client.post(url, json={**CLIENT, **changed}) as answer:
        return answer.status, await answer.json()


async def test_client_credentials_give_a_token_for_a_day(sandbox: Sandbox, send: Send) -> None:
    status, given = await sign_in(sandbox)
    wanted = {"query": "{ shop { name } }"}
    before = await send(wanted, token=given["access_token"])
    sandbox.clock.move(given["expires_in"] + 1)
    after = await send(wanted, token=given["access_token"])

    assert (status, given["expires_in"]) == (200, 86_399)
    assert "write_inventory" in given["scope"].split(",")
    assert (before[0], after[0]) == (200, 401)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "invalid"}, "application_cannot_be_found"),
        ({"client_secret": "shpss_invalid"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "shprt_invalid"}, "invalid_grant"),
    ],
)
async def test_the_token_endpoint_refuses_with_an_oauth_error(sandbox: Sandbox, changed: Any, error: str) -> None:
    status, body = await sign_in(sandbox, **changed)

    assert (status, body["error"]) == (400, error)
    assert body["error_description"]


async def test_a_refresh_token_rotates_and_leaves_one_token_alive(sandbox: Sandbox, send: Send) -> None:
    _, first = await sign_in(sandbox, grant_type="refresh_token", refresh_token="shprt_seed")
    _, second = await sign_in(sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"])
    spent, refused = await sign_in(sandbox, grant_type="refresh_token", refresh_token=first["refresh_token"])
    wanted = {"query": "{ shop { name } }"}
    statuses = [(await send(wanted, token=one["access_token"]))[0] for one in (first, second)]

    assert (first["expires_in"], first["refresh_token_expires_in"]) == (3_600, 90 * DAY)
    assert (spent, refused["error"]) == (400, "invalid_grant")
    assert statuses == [401, 200]


async def test_an_expired_version_falls_forward_and_only_a_header_tells(send: Send) -> None:
    wanted = {"query": "{ publicApiVersions { handle supported } }"}
    served = {one: (await send(wanted, version=one))[2]["X-Shopify-API-Version"] for one in ("2026-07", "2023-01")}
    status, body, _ = await send(wanted, version="2031-01")

    assert served == {"2026-07": "2026-07", "2023-01": "2026-01"}
    assert (status, body) == (404, {"errors": "Not Found"})


async def test_a_field_behind_a_scope_is_denied_while_the_rest_is_answered(sandbox: Sandbox, query: Query) -> None:
    await setting(sandbox, scopes=["read_products"])
    body = await query('{ shop { name } order(id: "gid://shopify/Order/1") { id } }')
    denied = await query(SET, input=stock(1, 5, changeFromQuantity=None), key=key())

    assert body["data"] == {"shop": {"name": "Quayside Sandbox"}, "order": None}
    assert (code_of(body), code_of(denied)) == ("ACCESS_DENIED", "ACCESS_DENIED")
    assert body["errors"][0]["path"] == ["order"]
    assert await sandbox.effects("shopify") == []


# --- documents that are not executed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ shop { name }", "PARSE_ERROR"),
        ("{ shop { nam } }", "undefinedField"),
        ("{ shop }", "selectionMismatch"),
        ("{ shop { name { first } } }", "selectionMismatch"),
        ("{ orders(first: 1, colour: 2) { nodes { id } } }", "argumentNotAccepted"),
        ("{ order { id } }", "missingRequiredArguments"),
        ('{ orders(first: "x") { nodes { id } } }', "argumentLiteralsIncompatible"),
        ("{ orders(first: $n) { nodes { id } } }", "variableNotDefined"),
        ("query($n: Int) { shop { name } }", "variableNotUsed"),
        ('mutation @idempotent(key: "k") { orderClose(input: {id: "gid://shopify/Order/1"}) { userErrors { message } } }',
         "directiveCannotBeApplied"),
    ],
)  # fmt: skip
async def test_a_document_that_is_wrong_is_refused_at_200_without_cost(query: Query, document: str, code: str) -> None:
    body = await query(document)

    assert code_of(body) == code
    assert {"data", "extensions"} & set(body) == set()


async def test_a_variable_that_does_not_fit_is_refused_with_its_path(query: Query) -> None:
    row = stock(1, 5, changeFromQuantity=3, ignoreCompareQuantity=True)
    body = await query(SET, input=row, key=key())

    assert code_of(body) == "INVALID_VARIABLE"
    assert body["errors"][0]["extensions"]["problems"] == [
        {
            "path": ["quantities", 0, "ignoreCompareQuantity"],
            "explanation": "Field is not defined on InventoryQuantityInput",
        }
    ]


async def test_a_body_without_a_query_is_a_bad_request(send: Send) -> None:
    status, body, _ = await send({"variables": {}})

    assert (status, body) == (400, {"errors": {"query": "Required parameter missing or invalid"}})


# --- cost -----------------------------------------------------------------------------------------------------------


async def test_every_answer_tells_what_it_cost_and_gives_back_what_did_not_come(query: Query) -> None:
    body = await query(ORDERS, first=50, q="name:#1048")
    cost = body["extensions"]["cost"]

    assert len(body["data"]["orders"]["nodes"]) == 1
    assert cost["requestedQueryCost"] > cost["actualQueryCost"] > 0
    assert cost["throttleStatus"] == {
        "maximumAvailable": 2_000,
        "currentlyAvailable": 2_000 - cost["actualQueryCost"],
        "restoreRate": 100,
    }


async def test_an_empty_bucket_throttles_at_200_and_fills_with_time(sandbox: Sandbox, query: Query, send: Send) -> None:
    await sandbox.control("POST", "shopify/drain", {"token": TOKEN})
    refused = await query(ORDERS, first=250)
    other = await send({"query": "{ shop { name } }"}, token="shpat_other")
    cost = refused["extensions"]["cost"]
    sandbox.clock.move(cost["requestedQueryCost"] / cost["throttleStatus"]["restoreRate"])
    served = await query(ORDERS, first=250)

    assert (code_of(refused), refused["errors"][0]["message"]) == ("THROTTLED", "Throttled")
    assert "data" not in refused
    assert (cost["actualQueryCost"], cost["throttleStatus"]["currentlyAvailable"]) == (None, 0)
    assert "errors" not in other[1]
    assert "errors" not in served


async def test_the_bucket_is_the_apps_not_the_tokens(sandbox: Sandbox, send: Send) -> None:
    _, first = await sign_in(sandbox)
    _, second = await sign_in(sandbox)
    await sandbox.control("POST", "shopify/drain", {"token": first["access_token"]})
    _, body, _ = await send({"query": "{ shop { name } }"}, token=second["access_token"])

    assert first["access_token"] != second["access_token"]
    assert code_of(body) == "THROTTLED"


async def test_a_query_over_a_thousand_points_is_never_admitted(query: Query) -> None:
    levels = "inventoryLevels(first: 250) { nodes { id } }"
    inner = f"lineItems(first: 250) {{ nodes {{ id variant {{ id inventoryItem {{ {levels} }} }} }} }}"
    body = await query(f"{{ orders(first: 250) {{ nodes {{ id {inner} }} }} }}")

    assert code_of(body) == "MAX_COST_EXCEEDED"
    assert body["errors"][0]["extensions"]["maxCost"] == 1_000


async def test_a_throttled_mutation_does_nothing(sandbox: Sandbox, query: Query) -> None:
    before = await available(query, 1)
    await sandbox.control("POST", "shopify/drain", {"token": TOKEN})
    body = await query(SET, input=stock(1, 5, changeFromQuantity=None), key=key())
    sandbox.clock.move(10)

    assert code_of(body) == "THROTTLED"
    assert await available(query, 1) == before
    assert await sandbox.effects("shopify") == []


# --- orders ---------------------------------------------------------------------------------------------------------


async def test_orders_are_paged_to_the_end_while_new_ones_come_in(sandbox: Sandbox, query: Query) -> None:
    seen: list[str] = []
    after = None
    for _ in range(10):
        found = (await query(ORDERS, first=20, after=after))["data"]["orders"]
        seen += [node["name"] for node in found["nodes"]]
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
        if len(seen) == 20:
            sandbox.clock.move(60)
            await sandbox.control("POST", "shopify/orders", {"count": 3})

    assert sorted(seen) == [f"#{number}" for number in range(1004, 1052)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "you must provide one of first or last"),
        ("first: 251", "first cannot exceed 250"),
        ("first: 1, last: 1", "providing both first and last is not supported"),
        ('first: 1, after: "x"', "Malformed cursor"),
    ],
)
async def test_a_page_nobody_can_give_is_a_bad_request(query: Query, arguments: str, message: str) -> None:
    call = f"orders({arguments})" if arguments else "orders"
    body = await query(f"{{ {call} {{ nodes {{ id }} }} }}")

    assert (code_of(body), body["errors"][0]["message"]) == ("BAD_REQUEST", message)


async def test_orders_older_than_sixty_days_need_a_scope_of_their_own(sandbox: Sandbox, query: Query) -> None:
    without = await query('{ ordersCount { count precision } order(id: "gid://shopify/Order/6100000000001") { id } }')
    await setting(sandbox, scopes=["read_orders", "read_all_orders"])
    with_it = await query('{ ordersCount { count } order(id: "gid://shopify/Order/6100000000001") { name } }')

    assert without["data"] == {"ordersCount": {"count": 45, "precision": "EXACT"}, "order": None}
    assert with_it["data"] == {"ordersCount": {"count": 48}, "order": {"name": "#1001"}}


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("name:#1048", 1),
        ("created_at:>='2026-10-01T11:00:00Z'", 1),
        ("financial_status:pending", 1),
        ("test:true", 1),
        ("name:#1048 OR name:#1047", 2),
        ("NOT financial_status:paid AND name:#1048", 0),
    ],
)
async def test_a_search_text_finds_what_it_says(query: Query, search: str, expected: int) -> None:
    body = await query(ORDERS, first=10, q=search)

    assert "search" not in body["extensions"]
    assert len(body["data"]["orders"]["nodes"]) == expected


async def test_an_unknown_search_field_filters_nothing_and_is_only_warned_of(query: Query) -> None:
    body = await query("query($q: String) { ordersCount(query: $q) { count } }", q="colour:blue")
    (found,) = body["extensions"]["search"]

    assert body["data"]["ordersCount"]["count"] == 45
    assert found["warnings"] == [
        {"field": "colour", "message": "Invalid search field for this query.", "code": "invalid_field"}
    ]


async def test_a_slow_index_shows_an_order_late_but_its_id_finds_it_at_once(sandbox: Sandbox, query: Query) -> None:
    await setting(sandbox, search_lag_seconds=30)
    (placed,) = (await sandbox.control("POST", "shopify/orders", {}))["orders"]
    search = f"name:{placed['name']}"
    before = await query(ORDERS, first=1, q=search)
    at_once = await query(f'{{ order(id: "{placed["id"]}") {{ name }} }}')
    sandbox.clock.move(31)
    after = await query(ORDERS, first=1, q=search)

    assert before["data"]["orders"]["nodes"] == []
    assert at_once["data"]["order"]["name"] == placed["name"]
    assert after["data"]["orders"]["nodes"][0]["id"] == placed["id"]


async def test_money_is_decimal_text_in_the_shops_and_the_customers_currency(sandbox: Sandbox, query: Query) -> None:
    (placed,) = (await sandbox.control("POST", "shopify/orders", {"currency": "KWD"}))["orders"]
    found = await query(ORDERS, first=1, q=f"name:{placed['name']}")
    price = found["data"]["orders"]["nodes"][0]["totalPriceSet"]

    assert (price["shopMoney"]["currencyCode"], price["presentmentMoney"]["currencyCode"]) == ("USD", "KWD")
    assert Decimal(price["shopMoney"]["amount"]) > Decimal(price["presentmentMoney"]["amount"]) > 0


async def test_orders_come_in_by_themselves_when_set(sandbox: Sandbox, query: Query) -> None:
    await setting(sandbox, order_seconds=60)
    count = "{ ordersCount { count } }"
    await query(count)
    sandbox.clock.move(180)
    body = await query(count)

    assert body["data"]["ordersCount"]["count"] == 48
    assert [effect["kind"] for effect in await sandbox.effects("shopify")] == ["order"] * 3


async def test_an_order_nobody_has_is_null_and_an_id_of_another_kind_an_error(query: Query) -> None:
    absent = await query('{ order(id: "gid://shopify/Order/1") { id } }')
    wrong = await query('{ order(id: "gid://shopify/Product/1") { id } }')

    assert absent["data"] == {"order": None}
    assert "errors" not in absent
    assert code_of(wrong) == "RESOURCE_NOT_FOUND"


async def test_an_order_is_changed_and_tags_are_replaced_or_added(sandbox: Sandbox, query: Query) -> None:
    id = f"gid://shopify/Order/{PAID}"
    update = (
        "mutation($input: OrderInput!) { orderUpdate(input: $input) { order { note tags } userErrors { message } } }"
    )
    add = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { message } } }"
    changed = await query(update, input={"id": id, "note": "Gift", "tags": ["erp"]})
    await query(add, id=id, tags=["sent"])
    await query(add, id=id, tags=["sent"])
    found = await order(query, PAID, "tags note")

    assert changed["data"]["orderUpdate"] == {"order": {"note": "Gift", "tags": ["erp"]}, "userErrors": []}
    assert found == {"tags": ["erp", "sent"], "note": "Gift"}
    assert [effect["kind"] for effect in await sandbox.effects("shopify")] == ["order_update"] * 2


# --- stock ----------------------------------------------------------------------------------------------------------


async def test_stock_is_set_once_for_a_key_and_the_first_result_comes_again(sandbox: Sandbox, query: Query) -> None:
    before = await available(query, 1)
    given = {**stock(1, before + 7, changeFromQuantity=before), "referenceDocumentUri": "gid://quayside/Sync/123"}
    used = key()
    first = await query(SET, input=given, key=used)
    again = await query(SET, input=given, key=used)
    made = first["data"]["inventorySetQuantities"]

    assert made["userErrors"] == []
    assert made["inventoryAdjustmentGroup"]["changes"][0] == {
        "name": "available",
        "delta": 7,
        "item": {"id": f"gid://shopify/InventoryItem/{ITEM + 1}"},
        "location": {"id": WAREHOUSE},
    }
    assert again["data"] == first["data"]
    assert await available(query, 1) == before + 7
    (effect,) = await sandbox.effects("shopify")
    assert (effect["kind"], effect["amount"]) == ("stock", "7")
    assert effect["reference"].startswith("gid://quayside/Sync/123/")


async def test_stock_is_not_set_over_a_quantity_that_moved_meanwhile(sandbox: Sandbox, query: Query) -> None:
    before = await available(query, 1)
    body = await query(SET, input=stock(1, 5, changeFromQuantity=before + 1), key=key())
    (error,) = body["data"]["inventorySetQuantities"]["userErrors"]

    assert "errors" not in body
    assert error["code"] == "CHANGE_FROM_QUANTITY_STALE"
    assert error["field"] == ["input", "quantities", "0", "changeFromQuantity"]
    assert body["data"]["inventorySetQuantities"]["inventoryAdjustmentGroup"] is None
    assert await available(query, 1) == before
    assert await sandbox.effects("shopify") == []


async def test_an_explicit_null_skips_the_comparison(query: Query) -> None:
    body = await query(SET, input=stock(1, 5, changeFromQuantity=None), key=key())

    assert body["data"]["inventorySetQuantities"]["userErrors"] == []
    assert await available(query, 1) == 5


async def test_leaving_the_comparison_out_is_a_top_level_error(sandbox: Sandbox, query: Query) -> None:
    body = await query(SET, input=stock(1, 5), key=key())

    assert code_of(body) == "INVALID_FIELD_ARGUMENTS"
    assert body["data"] == {"inventorySetQuantities": None}
    assert await sandbox.effects("shopify") == []


@pytest.mark.parametrize("document", [SET, ADJUST, REFUND])
async def test_a_mutation_that_wants_a_key_is_refused_without_one(
    sandbox: Sandbox, query: Query, document: str
) -> None:
    bare = document.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")
    change = {"delta": 1, "changeFromQuantity": None}
    row = stock(1, 5)["quantities"][0] | change
    row.pop("quantity")
    given = {
        SET: stock(1, 5, changeFromQuantity=None),
        ADJUST: {"name": "available", "reason": "correction", "changes": [row]},
        REFUND: {"orderId": f"gid://shopify/Order/{PAID}"},
    }[document]
    body = await query(bare, input=given)

    assert code_of(body) == "BAD_REQUEST"
    assert body["errors"][0]["message"].startswith("The @idempotent directive is required")
    assert await sandbox.effects("shopify") == []


async def test_a_key_is_bound_to_its_arguments_and_to_its_failure(query: Query) -> None:
    used, failed = key(), key()
    await query(SET, input=stock(1, 5, changeFromQuantity=None), key=used)
    other = await query(SET, input=stock(1, 6, changeFromQuantity=None), key=used)
    stale = stock(1, 6, changeFromQuantity=999)
    await query(SET, input=stale, key=failed)
    again = await query(SET, input=stale, key=failed)
    codes = [body["data"]["inventorySetQuantities"]["userErrors"][0]["code"] for body in (other, again)]

    assert codes == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]


async def test_a_key_is_forgotten_after_a_day(sandbox: Sandbox, query: Query) -> None:
    used = key()
    await query(SET, input=stock(1, 5, changeFromQuantity=None), key=used)
    sandbox.clock.move(DAY + 1)
    body = await query(SET, input=stock(1, 6, changeFromQuantity=None), key=used)

    assert body["data"]["inventorySetQuantities"]["userErrors"] == []


async def test_two_requests_under_one_key_at_once_are_one_and_a_refusal(sandbox: Sandbox, query: Query) -> None:
    await setting(sandbox, processing_seconds=0.2)
    used = key()
    given = stock(1, 5, changeFromQuantity=None)
    both = await asyncio.gather(*(query(SET, input=given, key=used) for _ in range(2)))
    errors = [body["data"]["inventorySetQuantities"]["userErrors"] for body in both]

    assert sorted(len(one) for one in errors) == [0, 1]
    assert max(errors, key=len)[0]["code"] == "IDEMPOTENCY_CONCURRENT_REQUEST"
    assert len(await sandbox.effects("shopify")) == 1


@pytest.mark.parametrize(
    ("changed", "row", "code"),
    [
        ({"name": "committed"}, {}, "INVALID_NAME"),
        ({"reason": "because"}, {}, "INVALID_REASON"),
        ({"name": "on_hand"}, {"quantity": -1}, "INVALID_QUANTITY_NEGATIVE"),
        ({}, {"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH"),
        ({}, {"inventoryItemId": "gid://shopify/InventoryItem/1"}, "INVALID_INVENTORY_ITEM"),
        ({}, {"locationId": "gid://shopify/Location/1"}, "INVALID_LOCATION"),
        ({}, {"locationId": CITY_STORE}, "ITEM_NOT_STOCKED_AT_LOCATION"),
    ],
)
async def test_stock_that_cannot_be_set_is_a_user_error(
    sandbox: Sandbox, query: Query, changed: Any, row: Any, code: str
) -> None:
    given = {**stock(1, 5, changeFromQuantity=None), **changed}
    given["quantities"][0] |= row
    body = await query(SET, input=given, key=key())

    assert body["data"]["inventorySetQuantities"]["userErrors"][0]["code"] == code
    assert await sandbox.effects("shopify") == []


async def test_one_refused_entry_leaves_all_of_them_as_they_were(sandbox: Sandbox, query: Query) -> None:
    before = await available(query, 1)
    given = stock(1, before + 1, changeFromQuantity=None)
    given["quantities"] += stock(2, 1, changeFromQuantity=-5)["quantities"]
    body = await query(SET, input=given, key=key())
    twice = {**given, "quantities": [given["quantities"][0]] * 2}
    doubled = await query(SET, input=twice, key=key())
    codes = [error["code"] for error in doubled["data"]["inventorySetQuantities"]["userErrors"]]

    assert body["data"]["inventorySetQuantities"]["userErrors"][0]["field"][2] == "1"
    assert codes == ["NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"] * 2
    assert await available(query, 1) == before
    assert await sandbox.effects("shopify") == []


async def test_more_than_250_entries_are_refused_though_they_were_paid_for(query: Query) -> None:
    given = stock(1, 5, changeFromQuantity=None)
    given["quantities"] *= 251
    body = await query(SET, input=given, key=key())

    assert code_of(body) == "MAX_INPUT_SIZE_EXCEEDED"
    assert body["errors"][0]["path"] == ["inventorySetQuantities", "input", "quantities"]


async def test_stock_moves_by_a_delta(sandbox: Sandbox, query: Query) -> None:
    before = await available(query, 1)
    row = {"inventoryItemId": f"gid://shopify/InventoryItem/{ITEM + 1}", "locationId": WAREHOUSE}
    given = {"name": "available", "reason": "received", "changes": [{**row, "delta": -2, "changeFromQuantity": before}]}
    body = await query(ADJUST, input=given, key=key())
    again = await query(ADJUST, input=given, key=key())

    assert body["data"]["inventoryAdjustQuantities"]["userErrors"] == []
    assert again["data"]["inventoryAdjustQuantities"]["userErrors"][0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    assert await available(query, 1) == before - 2


async def test_a_sku_is_not_unique_and_some_goods_are_not_counted(query: Query) -> None:
    text = "query($q: String) { inventoryItems(first: 5, query: $q) { nodes { sku tracked duplicateSkuCount } } }"
    named = await query('{ inventoryItem(id: "gid://shopify/InventoryItem/43500000000004") { sku } }')
    sku = named["data"]["inventoryItem"]["sku"]
    both = await query(text, q=f"sku:{sku}")
    engraving = await query(text, q="sku:SRV-ENGRAVE")

    assert [node["duplicateSkuCount"] for node in both["data"]["inventoryItems"]["nodes"]] == [1, 1]
    assert [node["tracked"] for node in engraving["data"]["inventoryItems"]["nodes"]] == [False]


# --- sending --------------------------------------------------------------------------------------------------------


async def fulfilment_orders(query: Query, number: int) -> list[Any]:
    found = await order(query, number, "fulfillmentOrders(first: 5) { nodes { id status } }")
    return list(found["fulfillmentOrders"]["nodes"])


def parcel(nodes: list[Any], number: str = "1Z12345E0205271688") -> dict[str, Any]:
    tracking = {"number": number, "company": "UPS", "url": f"https://www.ups.com/track?tracknum={number}"}
    groups = [{"fulfillmentOrderId": node["id"]} for node in nodes]
    return {"notifyCustomer": True, "trackingInfo": tracking, "lineItemsByFulfillmentOrder": groups}


async def test_an_order_is_sent_and_a_second_request_finds_nothing_left(sandbox: Sandbox, query: Query) -> None:
    nodes = await fulfilment_orders(query, PAID)
    first = await query(SEND, f=parcel(nodes))
    again = await query(SEND, f=parcel(nodes))
    shown = await order(
        query, PAID, "displayFulfillmentStatus closed fulfillments(first: 5) { trackingInfo { number } }"
    )
    made = first["data"]["fulfillmentCreate"]["fulfillment"]

    assert (made["status"], made["trackingInfo"][0]["number"]) == ("SUCCESS", "1Z12345E0205271688")
    assert again["data"]["fulfillmentCreate"]["fulfillment"] is None
    assert again["data"]["fulfillmentCreate"]["userErrors"][0]["message"]
    assert shown == {
        "displayFulfillmentStatus": "FULFILLED",
        "closed": True,
        "fulfillments": [{"trackingInfo": [{"number": "1Z12345E0205271688"}]}],
    }
    effects = [(effect["kind"], effect["reference"]) for effect in await sandbox.effects("shopify")]
    assert effects == [("fulfilment", "1Z12345E0205271688")]


async def test_a_lost_answer_to_a_fulfilment_is_found_by_its_tracking_number(sandbox: Sandbox, query: Query) -> None:
    nodes = await fulfilment_orders(query, PAID)
    await sandbox.fault("shopify", "lost_answer", operation="mark_fulfilled")
    with pytest.raises(aiohttp.ClientError):
        await query(SEND, f=parcel(nodes))
    await sandbox.control("DELETE", "faults")
    shown = await order(query, PAID, "fulfillments(first: 5) { trackingInfo { number } }")

    assert shown["fulfillments"] == [{"trackingInfo": [{"number": "1Z12345E0205271688"}]}]


async def test_an_order_on_hold_is_not_sent(sandbox: Sandbox, query: Query) -> None:
    found = await query(ORDERS, first=1, q="fulfillment_status:on_hold")
    number = int(found["data"]["orders"]["nodes"][0]["id"].rpartition("/")[2])
    body = await query(SEND, f=parcel((await fulfilment_orders(query, number))[:1]))

    assert body["data"]["fulfillmentCreate"]["fulfillment"] is None
    assert len(body["data"]["fulfillmentCreate"]["userErrors"]) == 1
    assert await sandbox.effects("shopify") == []


async def test_tracking_is_changed_later(query: Query) -> None:
    made = await query(SEND, f=parcel(await fulfilment_orders(query, PAID)))
    id = made["data"]["fulfillmentCreate"]["fulfillment"]["id"]
    text = """mutation($id: ID!, $t: FulfillmentTrackingInput!) {
      fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $t, notifyCustomer: false) {
        fulfillment { trackingInfo { number company } } userErrors { field message } } }"""
    changed = await query(text, id=id, t={"number": "JD0002", "company": "DHL Express"})
    absent = await query(text, id="gid://shopify/Fulfillment/1", t={"number": "JD0002"})

    payload = changed["data"]["fulfillmentTrackingInfoUpdate"]
    assert payload["fulfillment"]["trackingInfo"] == [{"number": "JD0002", "company": "DHL Express"}]
    assert absent["data"]["fulfillmentTrackingInfoUpdate"]["userErrors"] == [
        {"field": ["fulfillmentId"], "message": "Fulfillment does not exist."}
    ]


async def test_a_cancelled_fulfilment_can_be_sent_again(query: Query) -> None:
    made = await query(SEND, f=parcel(await fulfilment_orders(query, PAID)))
    id = made["data"]["fulfillmentCreate"]["fulfillment"]["id"]
    text = "mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { status } userErrors { message } } }"
    cancelled = await query(text, id=id)
    resent = await query(SEND, f=parcel(await fulfilment_orders(query, PAID), "1Z2"))

    assert cancelled["data"]["fulfillmentCancel"]["fulfillment"]["status"] == "CANCELLED"
    assert resent["data"]["fulfillmentCreate"]["userErrors"] == []


# --- money back -----------------------------------------------------------------------------------------------------


async def sale_of(query: Query, number: int) -> tuple[str, str]:
    found = await order(query, number, "totalPriceSet { shopMoney { amount } } transactions(first: 1) { id }")
    return found["transactions"][0]["id"], found["totalPriceSet"]["shopMoney"]["amount"]


def money_back(number: int, parent: str, amount: str) -> dict[str, Any]:
    id = f"gid://shopify/Order/{number}"
    payment = {"amount": amount, "gateway": "shopify_payments", "kind": "REFUND", "orderId": id, "parentId": parent}
    return {"orderId": id, "note": "Damaged", "transactions": [payment]}


async def test_money_is_given_back_once_for_a_key_and_never_more_than_was_paid(sandbox: Sandbox, query: Query) -> None:
    parent, total = await sale_of(query, PAID)
    used = key()
    first = await query(REFUND, input=money_back(PAID, parent, "1.00"), key=used)
    again = await query(REFUND, input=money_back(PAID, parent, "1.00"), key=used)
    too_much = await query(REFUND, input=money_back(PAID, parent, total), key=key())
    made = first["data"]["refundCreate"]

    assert made["refund"]["totalRefundedSet"]["shopMoney"] == {"amount": "1.0", "currencyCode": "USD"}
    assert made["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert again["data"] == first["data"]
    assert too_much["data"]["refundCreate"]["refund"] is None
    assert "greater than the remaining" in too_much["data"]["refundCreate"]["userErrors"][0]["message"]
    assert [effect["kind"] for effect in await sandbox.effects("shopify")] == ["refund"]


async def test_an_order_is_cancelled_by_a_job_and_is_not_yet_when_the_answer_comes(
    sandbox: Sandbox, query: Query
) -> None:
    id = f"gid://shopify/Order/{PAID}"
    made = (await query(CANCEL, id=id))["data"]["orderCancel"]
    before = await order(query, PAID, "cancelledAt")
    sandbox.clock.move(1)
    poll = await query("query($id: ID!) { job(id: $id) { done } }", id=made["job"]["id"])
    after = await order(query, PAID, "cancelledAt cancelReason displayFinancialStatus")
    again = (await query(CANCEL, id=id))["data"]["orderCancel"]

    assert (made["job"]["done"], before["cancelledAt"]) == (False, None)
    assert poll["data"]["job"]["done"] is True
    assert (after["cancelReason"], after["displayFinancialStatus"]) == ("CUSTOMER", "REFUNDED")
    assert again["orderCancelUserErrors"][0]["code"] == "INVALID"


async def test_an_unpaid_order_is_marked_as_paid_once(sandbox: Sandbox, query: Query) -> None:
    text = """mutation($id: ID!) { orderMarkAsPaid(input: {id: $id}) {
      order { displayFinancialStatus } userErrors { message } } }"""
    id = f"gid://shopify/Order/{UNPAID}"
    first = await query(text, id=id)
    again = await query(text, id=id)

    assert first["data"]["orderMarkAsPaid"]["order"]["displayFinancialStatus"] == "PAID"
    assert again["data"]["orderMarkAsPaid"]["userErrors"] == [{"message": "Order cannot be marked as paid."}]
    assert [effect["kind"] for effect in await sandbox.effects("shopify")] == ["payment"]


# --- webhooks -------------------------------------------------------------------------------------------------------


async def deliveries(sandbox: Sandbox) -> list[dict[str, Any]]:
    made = await sandbox.control("POST", "shopify/deliveries", {"url": "https://ops.example/x", "secret": "shpss_1"})
    found: list[dict[str, Any]] = made["deliveries"]
    return found


async def test_what_happened_is_delivered_signed_with_the_apps_secret(sandbox: Sandbox, query: Query) -> None:
    quiet = await deliveries(sandbox)
    await query(SEND, f=parcel(await fulfilment_orders(query, PAID)))
    made = await deliveries(sandbox)
    body = {one["type"]: json.loads(one["body"]) for one in made}

    assert quiet == []
    assert {"fulfillments/create", "orders/fulfilled", "orders/updated"} <= set(body)
    assert body["fulfillments/create"]["tracking_number"] == "1Z12345E0205271688"
    assert (body["orders/updated"]["id"], body["orders/updated"]["fulfillment_status"]) == (PAID, "fulfilled")
    for one in made:
        digest = hmac.new(b"shpss_1", one["body"].encode(), hashlib.sha256).digest()
        assert one["headers"]["X-Shopify-Hmac-Sha256"] == base64.b64encode(digest).decode()
        assert one["headers"]["X-Shopify-Topic"] == one["type"]
    assert len({one["headers"]["X-Shopify-Event-Id"] for one in made}) == 1
    assert len({one["headers"]["X-Shopify-Webhook-Id"] for one in made}) == len(made)


async def test_a_body_is_that_of_its_moment(sandbox: Sandbox, query: Query) -> None:
    before = await available(query, 1)
    for quantity in (before + 1, before + 2):
        await query(SET, input=stock(1, quantity, changeFromQuantity=None), key=key())
    bodies = [json.loads(one["body"]) for one in await deliveries(sandbox) if one["type"] == "inventory_levels/update"]

    assert [body["available"] for body in bodies] == [before + 1, before + 2]


SUBSCRIBE = """mutation($topic: WebhookSubscriptionTopic!, $w: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $w) {
    webhookSubscription { id topic uri format } userErrors { field message } } }"""


async def test_a_subscription_is_made_once_shown_and_taken_back(query: Query) -> None:
    given = {"uri": "https://ops.example/webhooks/shopify", "format": "JSON"}
    made = (await query(SUBSCRIBE, topic="ORDERS_CREATE", w=given))["data"]["webhookSubscriptionCreate"]
    twice = (await query(SUBSCRIBE, topic="ORDERS_CREATE", w=given))["data"]["webhookSubscriptionCreate"]
    plain = await query(SUBSCRIBE, topic="ORDERS_CREATE", w={"uri": "http://ops.example/"})
    text = "{ webhookSubscriptions(first: 5) { nodes { id topic apiVersion { handle } endpoint { __typename } } } }"
    listed = (await query(text))["data"]["webhookSubscriptions"]["nodes"]
    removal = "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId } }"
    gone = await query(removal, id=made["webhookSubscription"]["id"])

    assert made["webhookSubscription"]["uri"] == given["uri"]
    assert twice["userErrors"][0]["message"] == "Address for this topic has already been taken"
    assert "not supported" in plain["data"]["webhookSubscriptionCreate"]["userErrors"][0]["message"]
    assert [node["id"] for node in listed] == [made["webhookSubscription"]["id"]]
    assert gone["data"]["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == listed[0]["id"]


# --- the ledger and the faults --------------------------------------------------------------------------------------


async def test_the_ledger_names_a_request_by_its_first_field_and_knows_its_key(sandbox: Sandbox, query: Query) -> None:
    used = key()
    await sign_in(sandbox)
    await query(ORDERS, first=1)
    await query('{ order(id: "gid://shopify/Order/1") { id } }')
    await query("{ shop { name } }")
    await query(SET, input=stock(1, 5, changeFromQuantity=None), key=used)
    noted = [(one["operation"], one["idempotency_key"]) for one in await sandbox.requests("shopify")]

    assert noted == [
        ("sign_in", None),
        ("list_orders", None),
        ("get_order", None),
        ("look_up", None),
        ("set_stock", used),
    ]


async def test_injected_faults_come_in_the_vendors_own_shapes(sandbox: Sandbox, query: Query, send: Send) -> None:
    await sandbox.fault("shopify", "status:503")
    away = await send({"query": "{ shop { name } }"})
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("shopify", "rate_limit:5")
    limited = await query("{ shop { name } }")
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("shopify", "schema")
    drifted = await query(ORDERS, first=1)

    assert away[:2] == (503, {"errors": "Internal Server Error"})
    assert code_of(limited) == "THROTTLED"
    status = limited["extensions"]["cost"]["throttleStatus"]
    wait = (limited["extensions"]["cost"]["requestedQueryCost"] - status["currentlyAvailable"]) / status["restoreRate"]
    assert wait == 5
    assert "nodes" not in drifted["data"]["orders"]


async def test_stock_is_counted_by_hand_and_shown(sandbox: Sandbox, query: Query) -> None:
    rows = await sandbox.control("GET", "shopify/stock")
    sku = rows[0]["sku"]
    done = await sandbox.control("PUT", "shopify/stock", {sku: 3})
    refused = await sandbox.control("PUT", "shopify/stock", {"NO-SUCH": 3})

    assert done == {"set": 1}
    assert "known SKUs" in refused["error"]
    assert await available(query, 1) == 3
    assert [one["type"] for one in await deliveries(sandbox)] == ["inventory_levels/update"]


async def test_the_same_seed_gives_the_same_shop(start: Start, query: Query) -> None:
    price = "totalPriceSet { presentmentMoney { amount currencyCode } }"
    text = f"{{ orders(first: 50) {{ nodes {{ id name createdAt {price} }} }} }}"
    other = await start("shopify")
    url = f"{other.url}/shopify/admin/api/2026-07/graphql.json"
    headers = {"X-Shopify-Access-Token": TOKEN}
    async with other.client.post(url, json={"query": text}, headers=headers) as answer:
        second = await answer.json()
    first = await query(text)
    currencies = {
        node["totalPriceSet"]["presentmentMoney"]["currencyCode"] for node in first["data"]["orders"]["nodes"]
    }

    assert first["data"] == second["data"]
    assert currencies >= {"USD", "EUR", "GBP", "JPY", "KWD"}
