"""The twin against the published tables of names and types, and against the vendor's own client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import orjson
import pytest
from woocommerce import API

from tests.contracts import contract
from tests.integrations.sandbox.conftest import Clock, Sandbox, Start
from tests.integrations.sandbox.woocommerce_requests import (
    COUNTED,
    GIFT,
    ITEM,
    KEY,
    PAID,
    SECRET,
    SMALL,
    Ask,
    asking,
    effects,
    operations,
)

_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "bool": (bool,),
    "array": (list,),
    "object": (dict,),
    "date-time": (str,),
}
# Where the software answers otherwise than its tables say; the vendor's sheet and its controllers' code have it so.
_IN_PRACTICE: dict[tuple[str, str], tuple[type, ...]] = {
    ("Order - Line items properties", "price"): (int, float),
    ("Order refund - Line items properties", "price"): (int, float),
    ("Order - Tax lines properties", "rate_id"): (int,),
    ("Order refund - Line items properties", "tax_class"): (str,),
    ("Order - Meta data properties", "value"): (str, list),
    ("Product variation properties", "manage_stock"): (bool, str),
    ("Product variation properties", "shipping_class_id"): (int,),
}
_NOT_ANSWERED = {("Order note properties", "added_by_user")}
_NULLABLE = {"stock_quantity", "image", "sku"}
_INNER = {
    "Order properties": {
        "billing": "Order - Billing properties",
        "shipping": "Order - Shipping properties",
        "meta_data": "Order - Meta data properties",
        "line_items": "Order - Line items properties",
        "tax_lines": "Order - Tax lines properties",
        "shipping_lines": "Order - Shipping lines properties",
        "fee_lines": "Order - Fee lines properties",
        "refunds": "Order - Refunds properties",
    },
    "Order refund properties": {"line_items": "Order refund - Line items properties"},
    "Product properties": {
        "dimensions": "Product - Dimensions properties",
        "categories": "Product - Categories properties",
        "attributes": "Product - Attributes properties",
        "meta_data": "Product - Meta data properties",
    },
    "Product variation properties": {
        "dimensions": "Product variation - Dimensions properties",
        "attributes": "Product variation - Attributes properties",
    },
}


@lru_cache(maxsize=1)
def tables() -> dict[str, list[dict[str, Any]]]:
    document = orjson.loads(contract("woocommerce/wc_v3_tables.json").read_bytes())
    return {name: rows for resource in document["resources"].values() for name, rows in resource["tables"].items()}


def problems(table: str, value: dict[str, Any]) -> list[str]:
    """Return what of a value is missing or of another type than its table says."""
    found = []
    for row in tables()[table]:
        name = row["name"]
        if row.get("writeonly") or (table, name) in _NOT_ANSWERED:
            continue
        if name not in value:
            found.append(f"{table}: {name} is missing")
            continue
        inner = value[name]
        wanted = _IN_PRACTICE.get((table, name), _TYPES[row["type"]])
        if inner is None:
            if row["type"] != "date-time" and name not in _NULLABLE:
                found.append(f"{table}: {name} is null")
        elif not isinstance(inner, wanted) or (isinstance(inner, bool) and bool not in wanted):
            found.append(f"{table}: {name} is {inner!r}")
        elif "enum" in row and inner not in row["enum"] and inner != "variation":
            found.append(f"{table}: {name} may not be {inner!r}")
        below = _INNER.get(table, {}).get(name)
        if below:
            for item in inner if isinstance(inner, list) else [inner]:
                found += problems(below, item)
    return found


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("woocommerce")


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    return asking(sandbox)


async def test_orders_have_every_field_of_the_table(ask: Ask) -> None:
    _, orders, _ = await ask("GET", "orders?per_page=100")
    sent = {
        "line_items": [{"product_id": 1000, "variation_id": ITEM + 1, "quantity": 2}],
        "fee_lines": [{"name": "Gift wrap", "total": "2.00"}],
        "shipping_lines": [{"method_id": "flat_rate", "total": "5.00"}],
        "billing": {"country": "US", "email": "buyer@example.com"},
        "meta_data": [{"key": "_quayside", "value": "Q-1"}],
    }
    _, made, _ = await ask("POST", "orders", sent)

    assert [problem for order in (*orders, made) for problem in problems("Order properties", order)] == []
    assert made["line_items"][0]["variation_id"] == ITEM + 1


async def test_notes_and_refunds_have_every_field_of_their_tables(ask: Ask) -> None:
    _, order, _ = await ask("GET", f"orders/{PAID}")
    line = order["line_items"][0]["id"]
    _, note, _ = await ask("POST", f"orders/{PAID}/notes", {"note": "Packed"})
    _, refund, _ = await ask(
        "POST", f"orders/{PAID}/refunds", {"line_items": [{"id": line, "quantity": 1, "refund_total": 5}]}
    )

    assert problems("Order note properties", note) == []
    assert problems("Order refund properties", refund) == []


async def test_products_and_variations_have_every_field_of_their_tables(ask: Ask) -> None:
    _, products, _ = await ask("GET", "products?per_page=100")
    _, variations, _ = await ask("GET", "products/1000/variations")
    _, boxes, _ = await ask("GET", f"products/{GIFT}/variations")

    assert [problem for one in products for problem in problems("Product properties", one)] == []
    assert [problem for one in (*variations, *boxes) for problem in problems("Product variation properties", one)] == []


async def test_webhooks_have_every_field_of_the_table(ask: Ask) -> None:
    sent = {"topic": "order.updated", "delivery_url": "https://quayside.example.com/", "secret": "shh"}
    _, made, _ = await ask("POST", "webhooks", sent)

    assert problems("Webhook properties", made) == []


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("List all orders / Available parameters", "orders"),
        ("List all products / Available parameters", "products"),
        ("List all product variations / Available parameters", "products/1000/variations"),
        ("List all refunds / Available parameters", f"orders/{PAID}/refunds"),
        ("List all order notes / Available parameters", f"orders/{PAID}/notes"),
        ("List all webhooks / Available parameters", "webhooks"),
    ],
)
async def test_lists_take_every_option_of_their_table(ask: Ask, table: str, path: str) -> None:
    refused = []
    for row in tables()[table]:
        for option in row.get("enum", ()):
            status, body, _ = await ask("GET", f"{path}?{row['name']}={option}")
            refused += [body] if status != 200 else []
        if row["type"] == "integer":
            status, body, _ = await ask("GET", f"{path}?{row['name']}=1")
            refused += [body] if status != 200 else []

    # A list of webhooks is said to be sorted by title and slug too; its controller knows three ways.
    allowed = {"orderby"} if path == "webhooks" else set()
    assert [body for body in refused if set(body["data"]["params"]) - allowed] == []


async def test_every_endpoint_of_the_table_is_there(ask: Ask) -> None:
    document = orjson.loads(contract("woocommerce/wc_v3_tables.json").read_bytes())
    played = ("orders", "order-notes", "order-refunds", "products", "product-variations", "webhooks")
    missing = []
    for name in played:
        for method, template in document["resources"][name]["endpoints"]:
            path = template.removeprefix("/wp-json/wc/v3/")
            if path.startswith("webhook/"):  # a slip of the page: it is webhooks/<id>
                continue
            for placeholder in ("<id>", "<note_id>", "<refund_id>", "<product_id>"):
                path = path.replace(placeholder, "1")
            status, body, _ = await ask(method, path, {} if method in ("POST", "PUT") else None)
            missing += [f"{method} {path}"] if status == 404 and body["code"] == "rest_no_route" else []

    assert missing == []


# --- the official client --------------------------------------------------------------------------------------------

Client = Callable[..., Awaitable[Any]]


@pytest.fixture
async def client(clock: Clock, start: Start) -> tuple[Sandbox, Client]:
    """The vendor's client at the sandbox's address; it signs with the machine's clock, so the sandbox is put on it."""
    clock.time = time.time()
    sandbox = await start("woocommerce")
    api = API(url=f"{sandbox.url}/woocommerce", consumer_key=KEY, consumer_secret=SECRET, version="wc/v3", timeout=10)

    async def call(method: str, *arguments: Any, **keywords: Any) -> Any:
        return await asyncio.to_thread(getattr(api, method), *arguments, **keywords)

    return sandbox, call


async def test_the_official_client_reads_orders_page_by_page(client: tuple[Sandbox, Client]) -> None:
    sandbox, call = client
    params = {"per_page": 30, "orderby": "id", "order": "asc", "modified_after": "2020-01-01T00:00:00"}
    pages = [await call("get", "orders", params={**params, "page": page}) for page in (1, 2)]
    one = await call("get", f"orders/{PAID}")

    assert [answer.status_code for answer in (*pages, one)] == [200, 200, 200]
    assert sum(len(page.json()) for page in pages) == int(pages[0].headers["X-WP-Total"]) == 48
    assert one.json()["id"] == PAID
    assert await operations(sandbox) == ["list_orders", "list_orders", "get_order"]


async def test_the_official_client_sets_stock_and_completes(client: tuple[Sandbox, Client]) -> None:
    sandbox, call = client
    found = await call("get", "products", params={"sku": "GIFT-BOX-S"})
    one = await call("put", f"products/{COUNTED}", {"manage_stock": True, "stock_quantity": 4})
    many = await call("post", "products/batch", {"update": [{"id": COUNTED, "stock_quantity": 5}]})
    variation = await call("put", f"products/{GIFT}/variations/{SMALL}", {"manage_stock": True, "stock_quantity": 6})
    sent = {"status": "completed", "meta_data": [{"key": "_quayside_tracking", "value": "1Z/ü"}]}
    done = await call("put", f"orders/{PAID}", sent)
    note = await call("post", f"orders/{PAID}/notes", {"note": "Sent with UPS, 1Z1"})
    refund = await call("post", f"orders/{PAID}/refunds", {"amount": "1.00", "api_refund": False})

    assert [one["id"] for one in found.json()] == [SMALL]
    assert [answer.status_code for answer in (one, many, variation, done, note, refund)] == [
        200,
        200,
        200,
        200,
        201,
        201,
    ]
    assert (one.json()["stock_quantity"], variation.json()["stock_quantity"]) == (4, 6)
    assert done.json()["meta_data"][-1]["value"] == "1Z/ü"
    assert [kind for kind, *_ in await effects(sandbox)] == ["stock", "stock", "stock", "fulfilment", "note", "refund"]


async def test_the_official_client_keeps_webhooks_and_asks_what_a_path_takes(client: tuple[Sandbox, Client]) -> None:
    _, call = client
    sent = {"topic": "order.updated", "delivery_url": "https://quayside.example.com/", "secret": "shh"}
    made = await call("post", "webhooks", sent)
    gone = await call("delete", f"webhooks/{made.json()['id']}", params={"force": True})
    options = await call("options", "orders")
    unknown = await call("options", "nothing")

    assert (made.status_code, gone.status_code) == (201, 200)
    assert options.json()["methods"] == ["GET", "POST"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "rest_no_route")


async def test_the_official_client_is_refused_with_a_wrong_secret(client: tuple[Sandbox, Client]) -> None:
    sandbox, _ = client
    api = API(url=f"{sandbox.url}/woocommerce", consumer_key=KEY, consumer_secret="cs_other", version="wc/v3")
    answer = await asyncio.to_thread(api.get, "orders")

    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_authentication_error")
