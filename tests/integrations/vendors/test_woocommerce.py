"""WooCommerce's adapter against the published tables, the official client, and the traps of a shop of one's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import woocommerce.api
from woocommerce import API

from integrations.adapter import Delivery
from integrations.errors import BusinessFailed, DeliveryRefused, Fault, InvalidInput, SchemaDrift
from integrations.outcome import Request, Response
from integrations.types.store import Fulfilment, StockSet
from integrations.vendors.woocommerce import WooCommerce
from integrations.vendors.woocommerce.adapter import CARRIER, TRACKING
from integrations.vendors.woocommerce.declaration import BASE, VENDOR
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.woocommerce_tables import problems

ORDERS, ORDER, STOCK, SET, FULFIL = (dict(operation.example) for operation in VENDOR.operations)
NUMBER = FULFIL["tracking_number"]
SECRET = "quayside-webhook-secret"
NEXT = {"Link": '<https://shop.example/wp-json/wc/v3/products?page=2>; rel="next"'}


@pytest.fixture
def adapter() -> WooCommerce:
    found = adapter_with_sandbox_credentials(WooCommerce)
    assert isinstance(found, WooCommerce)
    return found


def line(number: int = 1, quantity: int = 2, total: str = "25.00", **more: Any) -> dict[str, Any]:
    body = {"id": number, "name": "Mug", "product_id": 9, "variation_id": 0, "quantity": quantity, "total": total}
    return {**body, "sku": f"SKU-{number}", "price": 8.333333333333334, **more}


def place(**more: str) -> dict[str, str]:
    body = {"first_name": "Ada", "last_name": "Byron", "company": "", "address_1": "1 High Street", "address_2": ""}
    return {**body, "city": "Leeds", "state": "", "postcode": "LS1 1AA", "country": "GB", **more}


def order(order_id: int = 7, **more: Any) -> dict[str, Any]:
    return {
        "id": order_id,
        "number": str(order_id),
        "status": "processing",
        "currency": "GBP",
        "date_created": "2026-10-01T06:00:00",
        "date_created_gmt": "2026-10-01T10:00:00",
        "date_modified": "2026-10-01T07:00:00",
        "date_modified_gmt": "2026-10-01T11:00:00",
        "total": "29.35",
        "billing": place(email="ada@example.com", phone="+44113"),
        "shipping": place(),
        "line_items": [line()],
        "refunds": [],
        "meta_data": [],
        **more,
    }


def noted(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"id": 90 + at, "key": key, "value": value} for at, (key, value) in enumerate(pairs)]


def product(number: int = 1, sku: str = "MUG", stock: int | None = 5, **more: Any) -> dict[str, Any]:
    body = {"id": number, "type": "simple", "parent_id": 0, "sku": sku, "date_modified_gmt": "2026-10-01T11:00:00"}
    return {**body, "manage_stock": True, "stock_quantity": stock, **more}


def variation(number: int, sku: str, stock: int = 5, parent: int = 1000, **more: Any) -> dict[str, Any]:
    return product(number, sku, stock, type="variation", parent_id=parent, **more)


def updated(*rows: Mapping[str, Any]) -> Response:
    return answer({"update": list(rows)})


def levels(*rows: Mapping[str, Any], reference: str = "run-1") -> dict[str, Any]:
    return {"reference": reference, "levels": [{"sku": "MUG", "quantity": "7", **row} for row in rows]}


def refusal(code: str, status: int, **data: Any) -> Response:
    return answer({"code": code, "message": "ada@example.com is wrong", "data": {"status": status, **data}}, status)


def page(status: int, headers: Mapping[str, str] | None = None) -> Response:
    return answer("<html><h1>Hello</h1></html>", status, headers, content_type="text/html")


# --- what we send ------------------------------------------------------------------------------------------------------


async def sent_by_every_operation(adapter: WooCommerce) -> list[Request]:
    """Return what each operation sends, with refunds, variations and notes among it."""
    refunded = order(refunds=[{"id": 3, "reason": "", "total": "-10.00"}])
    both = [product(1, "MUG"), variation(2, "TOY-00001")]
    answers = [
        ("list_orders", ORDERS, [answer([refunded]), answer([])]),
        ("list_orders", {"modified_since": "2026-10-01T10:00:00Z", "cursor": "50.6"}, [answer([order(6), order(7)])]),
        ("get_order", ORDER, [answer(order())]),
        ("list_stock", STOCK, [answer([product(1000, "SET", type="variable")]), answer([variation(2, "TOY-00001")])]),
        ("list_stock", {"skus": ["MUG", "TOY-00001"]}, [answer(both)]),
        ("set_stock", levels({}, {"sku": "TOY-00001"}), [answer(both), updated(product(1, "MUG", 7))]),
        ("mark_fulfilled", FULFIL, [answer(order()), answer([]), answer({"id": 4}, 201)]),
    ]
    extra = {
        "set_stock": updated(variation(2, "TOY-00001", 7)),
        "mark_fulfilled": answer(order(status="completed", meta_data=noted((TRACKING, NUMBER)))),
    }
    found: list[Request] = []
    for name, value, given in answers:
        exchange = FakeExchange(adapter, name, [*given, *([extra[name]] if name in extra else [])])
        await run(adapter, exchange, value)
        found += exchange.requests
    return found


async def test_every_request_is_one_of_the_published_tables(adapter: WooCommerce) -> None:
    sent = await sent_by_every_operation(adapter)

    assert [(request.method, request.path, problems(request)) for request in sent if problems(request)] == []
    assert {(request.method, request.template.removeprefix(BASE)) for request in sent} == {
        ("GET", "/orders"),
        ("GET", "/orders/{id}"),
        ("GET", "/orders/{id}/refunds"),
        ("GET", "/orders/{id}/notes"),
        ("GET", "/products"),
        ("GET", "/products/{id}/variations"),
        ("POST", "/products/batch"),
        ("POST", "/products/{id}/variations/batch"),
        ("POST", "/orders/{id}/notes"),
        ("PUT", "/orders/{id}"),
    }


def test_a_request_the_tables_do_not_know_is_a_problem() -> None:
    query = [("orderby", "modified"), ("limit", "5"), ("per_page", "x")]
    unknown = Request(method="GET", path=f"{BASE}/orders", template=f"{BASE}/orders", query=query)
    body = {"total": "1.00", "tracking": "x", "status": "sent"}
    put = Request(method="PUT", path=f"{BASE}/orders/1", template=f"{BASE}/orders/{{id}}", json=body)

    assert len(problems(unknown)) == 3
    assert len(problems(put)) == 3


async def test_the_official_client_sends_the_same(adapter: WooCommerce, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two things differ, with no effect: it says the charset of JSON, and names itself as the user agent."""
    theirs: list[dict[str, Any]] = []
    monkeypatch.setattr(woocommerce.api, "request", lambda **given: theirs.append(given))
    client = API("https://shop.example", adapter.credential("CONSUMER_KEY"), adapter.credential("CONSUMER_SECRET"))
    sent = await sent_by_every_operation(adapter)
    for request in sent:
        end, method = request.path.removeprefix(f"{BASE}/"), getattr(client, request.method.lower())
        given = {"params": dict(request.query)}
        method(end, **given) if request.json is None else method(end, request.json, **given)

    for request, other in zip(sent, theirs, strict=True):
        pair = f"{other['auth'].username}:{other['auth'].password}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        assert (request.method, f"https://shop.example{request.path}") == (other["method"], other["url"])
        assert dict(request.query) == other["params"]
        assert adapter.authorise(request, None) == {"authorization": basic}
        assert request.headers["accept"] == other["headers"]["accept"]
        if request.json is not None:
            assert json.loads(body_of(request)) == json.loads(other["data"])
            assert other["headers"]["content-type"] == "application/json;charset=utf-8"


# --- orders ------------------------------------------------------------------------------------------------------------


async def test_without_dates_are_gmt_a_time_would_be_the_shops_own(adapter: WooCommerce) -> None:
    exchange = FakeExchange(adapter, "list_orders", [answer([])])
    found = await run(adapter, exchange, {"modified_since": "2026-10-01T14:00:00+02:00", "limit": 25})

    sent = dict(exchange.last.query)
    assert sent["modified_after"] == "2026-10-01T11:55:00"
    assert sent["dates_are_gmt"] == "true"
    assert (sent["orderby"], sent["order"], sent["per_page"]) == ("id", "asc", "25")
    assert (found.orders, found.next_cursor) == ((), "")


async def test_times_without_a_zone_are_read_from_the_gmt_fields(adapter: WooCommerce) -> None:
    found = await run(adapter, FakeExchange(adapter, "get_order", [answer(order())]), ORDER)

    assert found.placed_at == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert found.modified_at == datetime(2026, 10, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", "open"),
        ("on-hold", "open"),
        ("failed", "open"),
        ("checkout-draft", "open"),
        ("packing-by-plugin", "open"),
        ("processing", "paid"),
        ("completed", "completed"),
        ("cancelled", "cancelled"),
        ("trash", "cancelled"),
        ("refunded", "refunded"),
    ],
)
async def test_a_status_is_one_of_ours_and_that_of_a_plug_in_is_open(
    adapter: WooCommerce, status: str, expected: str
) -> None:
    found = await run(adapter, FakeExchange(adapter, "get_order", [answer(order(status=status))]), ORDER)

    assert found.status == expected


@pytest.mark.parametrize("price", [8.333333333333334, "8.33"], ids=["a-number", "a-text"])
async def test_a_price_that_comes_as_a_number_is_not_what_we_count_with(adapter: WooCommerce, price: Any) -> None:
    body = order(line_items=[line(quantity=3, total="25.00", price=price)])
    found = await run(adapter, FakeExchange(adapter, "get_order", [answer(body)]), ORDER)

    assert found.lines[0].unit_price == Decimal("8.333333")
    assert found.total.amount == Decimal("29.35")


@pytest.mark.parametrize(("currency", "total", "units"), [("JPY", "1200.00", 1200), ("KWD", "8.250", 8250)])
async def test_money_is_in_the_currency_of_the_order(
    adapter: WooCommerce, currency: str, total: str, units: int
) -> None:
    body = order(currency=currency, total=total)
    found = await run(adapter, FakeExchange(adapter, "get_order", [answer(body)]), ORDER)

    assert (found.total.in_minor_units(), found.currency) == (units, currency)


async def test_a_number_a_plug_in_made_up_is_not_what_an_order_is_known_by(adapter: WooCommerce) -> None:
    found = await run(adapter, FakeExchange(adapter, "get_order", [answer(order(number="WEB-2026-1"))]), ORDER)

    assert (found.order_id, found.number) == ("7", "WEB-2026-1")


async def test_pieces_that_were_paid_back_are_not_to_be_sent(adapter: WooCommerce) -> None:
    body = order(line_items=[line(1, 2), line(2, 1), line(3, 0, "0.00")], refunds=[{"id": 3, "total": "-18.00"}])
    back = [
        {"id": 1, "quantity": -1, "meta_data": noted(("_refunded_item_id", "1"))},
        {"id": 2, "quantity": -1, "meta_data": noted(("_refunded_item_id", "2"))},
    ]
    exchange = FakeExchange(adapter, "get_order", [answer(body), answer([{"id": 3, "line_items": back}])])
    found = await run(adapter, exchange, ORDER)

    assert [(one.line_id, one.quantity) for one in found.lines] == [("1", 1)]
    assert found.total.amount == Decimal("11.35")
    assert exchange.last.path == f"{BASE}/orders/7/refunds"


async def test_an_order_without_a_shipping_address_goes_to_the_billing_address(adapter: WooCommerce) -> None:
    blank = dict.fromkeys(place(), "")
    billed = order(shipping=blank)
    nowhere = order(shipping=blank, billing={**blank, "email": None})
    found = await run(adapter, FakeExchange(adapter, "get_order", [answer(billed)]), ORDER)
    none = await run(adapter, FakeExchange(adapter, "get_order", [answer(nowhere)]), ORDER)

    assert (found.ship_to.city, found.ship_to.phone, found.email) == ("Leeds", "+44113", "ada@example.com")
    assert (none.ship_to, none.email) == (None, "")


async def test_a_page_begins_with_the_last_order_of_the_one_before(adapter: WooCommerce) -> None:
    first = FakeExchange(adapter, "list_orders", [answer([order(3), order(5)])])
    one = await run(adapter, first, {"limit": 2})
    second = FakeExchange(adapter, "list_orders", [answer([order(5), order(6)])])
    two = await run(adapter, second, {"limit": 2, "cursor": one.next_cursor})

    sent = dict(second.last.query)
    assert (sent["offset"], sent["per_page"]) == ("1", "3")
    assert [each.order_id for each in two.orders] == ["6"]
    assert two.next_cursor == ""


async def test_new_orders_that_shift_the_pages_are_not_told_twice(adapter: WooCommerce) -> None:
    shifted = answer([order(4), order(5), order(6)])
    exchange = FakeExchange(adapter, "list_orders", [shifted])
    found = await run(adapter, exchange, {"limit": 2, "cursor": "2.5"})

    assert [one.order_id for one in found.orders] == ["6"]
    assert found.next_cursor == "4.6"


async def test_an_order_that_moved_up_because_another_went_is_not_missed(adapter: WooCommerce) -> None:
    answers = [answer([order(8)]), answer([order(3), order(5), order(6)])]
    exchange = FakeExchange(adapter, "list_orders", answers)
    found = await run(adapter, exchange, {"limit": 2, "cursor": "4.5"})

    assert [dict(one.query).get("offset") for one in exchange.requests] == ["3", "1"]
    assert [one.order_id for one in found.orders] == ["6"]


async def test_a_page_is_told_oldest_change_first(adapter: WooCommerce) -> None:
    late, early = order(3, date_modified_gmt="2026-10-01T11:30:00"), order(5)
    found = await run(adapter, FakeExchange(adapter, "list_orders", [answer([late, early])]), ORDERS)

    assert [one.order_id for one in found.orders] == ["5", "3"]


# --- stock -------------------------------------------------------------------------------------------------------------


async def test_only_what_is_counted_itself_is_told(adapter: WooCommerce) -> None:
    rows = [
        product(1, "MUG", 5),
        product(2, "ENGRAVING", None, manage_stock=False),
        product(3, "", 4),
        product(1000, "SET", None, type="variable", manage_stock=False),
        product(1001, "BOX", 9, type="variable"),
    ]
    small = variation(6, "BOX-S", 9, 1001, manage_stock="parent")
    answers = [answer(rows), answer([variation(5, "SET-A", 8)]), answer([small])]
    exchange = FakeExchange(adapter, "list_stock", answers)
    found = await run(adapter, exchange, STOCK)

    assert [(one.sku, one.quantity) for one in found.levels] == [("MUG", 5), ("SET-A", 8), ("BOX", 9)]
    assert {one.warehouse for one in found.levels} == {""}


async def test_a_product_s_variations_stay_together_and_the_cursor_goes_on_behind_them(adapter: WooCommerce) -> None:
    rows = [product(1000, "SET", None, type="variable", manage_stock=False), product(2, "CUP")]
    many = [variation(number, f"SET-{number}") for number in (5, 6, 7)]
    first = FakeExchange(adapter, "list_stock", [answer(rows, headers=NEXT), answer(many)])
    one = await run(adapter, first, {"limit": 2})
    second = FakeExchange(adapter, "list_stock", [answer(rows, headers=NEXT)])
    two = await run(adapter, second, {"limit": 2, "cursor": one.next_cursor})

    assert (len(one.levels), one.next_cursor) == (3, "1.1")
    assert ([each.sku for each in two.levels], two.next_cursor) == (["CUP"], "2.0")


@pytest.mark.parametrize("end", [answer([]), refusal("rest_post_invalid_page_number", 400)], ids=["empty", "refused"])
async def test_a_page_past_the_end_is_the_end(adapter: WooCommerce, end: Response) -> None:
    found = await run(adapter, FakeExchange(adapter, "list_stock", [end]), {"cursor": "9.0"})

    assert (found.levels, found.next_cursor) == ((), "")


async def test_skus_are_searched_some_at_a_time_and_one_with_a_comma_alone(adapter: WooCommerce) -> None:
    skus = [*(f"S-{number}" for number in range(60)), "A,B"]
    given = [answer([variation(5, "S-1"), product(6, "s-2")]), answer([]), answer([product(7, "A,B"), product(8, "A")])]
    exchange = FakeExchange(adapter, "list_stock", given)
    found = await run(adapter, exchange, {"skus": skus})

    assert [len(dict(one.query)["sku"].split(",")) for one in exchange.requests] == [50, 10, 2]
    assert [one.sku for one in found.levels] == ["S-1", "A,B"]


async def test_levels_are_read_right_before_they_are_written(adapter: WooCommerce) -> None:
    skus = [f"S-{number}" for number in range(25)]
    numbers = {sku: number for number, sku in enumerate(skus, start=1)}

    def found(request: Request) -> Response:
        return answer([product(numbers[sku], sku) for sku in dict(request.query)["sku"].split(",")])

    def done(request: Request) -> Response:
        return updated(*(product(one["id"], "x", one["stock_quantity"]) for one in request.json["update"]))

    exchange = FakeExchange(adapter, "set_stock", [found, done, found, done])
    result = await run(adapter, exchange, levels(*({"sku": sku, "expected": "5"} for sku in skus)))

    assert [one.method for one in exchange.requests] == ["GET", "POST", "GET", "POST"]
    assert (result.written, result.refused) == (25, ())


async def test_products_go_together_and_variations_by_their_product(adapter: WooCommerce) -> None:
    rows = [product(1, "A"), variation(2, "B", parent=1000), product(3, "C"), variation(4, "D", parent=1001)]
    given = [
        answer(rows),
        updated(product(1, "A", 7), product(3, "C", 7)),
        updated(variation(2, "B", 7)),
        updated(variation(4, "D", 7)),
    ]
    exchange = FakeExchange(adapter, "set_stock", given)
    done = await run(adapter, exchange, levels(*({"sku": sku} for sku in "ABCD")))

    assert [one.path.removeprefix(BASE) for one in exchange.requests[1:]] == [
        "/products/batch",
        "/products/1000/variations/batch",
        "/products/1001/variations/batch",
    ]
    assert exchange.requests[1].json["update"][0] == {"id": 1, "stock_quantity": 7}
    assert (done.written, done.refused) == (4, ())


@pytest.mark.parametrize(
    ("rows", "level", "error_type"),
    [
        ([], {}, "unknown_sku"),
        ([product(1, "mug")], {}, "unknown_sku"),
        ([product(1), product(2)], {}, "refused"),
        ([product(1, manage_stock=False, stock=None)], {}, "not_managed"),
        ([variation(1, "MUG", manage_stock="parent")], {}, "not_managed"),
        ([product(1, stock=4)], {"expected": "5"}, "stock_moved"),
    ],
    ids=["none", "another-case", "twice", "unmanaged", "the-parent-s", "moved"],
)
async def test_a_level_that_cannot_be_set_is_refused_with_its_reason(
    adapter: WooCommerce, rows: list[dict[str, Any]], level: dict[str, Any], error_type: str
) -> None:
    exchange = FakeExchange(adapter, "set_stock", [answer(rows)])
    done = await run(adapter, exchange, levels(level))

    assert ([one.error_type for one in done.refused], done.written, len(exchange.requests)) == ([error_type], 0, 1)


async def test_a_level_that_is_so_already_is_not_sent(adapter: WooCommerce) -> None:
    exchange = FakeExchange(adapter, "set_stock", [answer([product(stock=7)])])
    done = await run(adapter, exchange, levels({"expected": "9"}))

    assert (done.written, done.refused, len(exchange.requests)) == (1, (), 1)


@pytest.mark.parametrize(
    ("row", "error_type"),
    [
        ({"id": 1, "error": {"code": "woocommerce_rest_product_invalid_id", "message": "", "data": {}}}, "unknown_sku"),
        ({"id": 1, "error": {"code": "woocommerce_rest_cannot_edit", "message": "", "data": {}}}, "refused"),
        (product(1, manage_stock=False, stock=None), "not_managed"),
        (product(1, stock=6), "stock_moved"),
    ],
    ids=["gone", "an-error-inside-a-200", "a-quantity-dropped-without-a-word", "another-figure"],
)
async def test_what_a_batch_says_of_each_is_read_back(
    adapter: WooCommerce, row: dict[str, Any], error_type: str
) -> None:
    given = [answer([product(1, "MUG"), product(2, "CUP")]), updated(row, product(2, "CUP", 7))]
    done = await run(adapter, FakeExchange(adapter, "set_stock", given), levels({}, {"sku": "CUP"}))

    assert ([(one.sku, one.error_type) for one in done.refused], done.written) == ([("MUG", error_type)], 1)


async def test_a_batch_that_does_not_speak_of_one_is_drift_and_never_done(adapter: WooCommerce) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "set_stock", [answer([product()]), updated()]), levels({}))


async def test_a_lost_write_of_stock_is_settled_by_reading(adapter: WooCommerce) -> None:
    value = StockSet.model_validate(levels({"expected": "5"}))
    so = await adapter.look_up_set_stock(FakeExchange(adapter, "set_stock", [answer([product(stock=7)])]), value)
    not_so = await adapter.look_up_set_stock(FakeExchange(adapter, "set_stock", [answer([product(stock=6)])]), value)

    assert so is not None
    assert so.written == 1
    assert not_so is None


@pytest.mark.parametrize(
    ("operation", "value", "field"),
    [
        ("set_stock", levels({"quantity": "1.5"}), "levels.0.quantity"),
        ("set_stock", levels({"expected": "0.5"}), "levels.0.expected"),
        ("set_stock", levels({}, {}), "levels.1.sku"),
        ("set_stock", levels({"warehouse": "MAIN"}), "levels.0.warehouse"),
        ("list_stock", {"warehouse": "MAIN"}, "warehouse"),
        ("list_stock", {"cursor": "next"}, "cursor"),
        ("list_orders", {"cursor": "2"}, "cursor"),
        ("get_order", {"order_id": "#1048"}, "order_id"),
        ("get_order", {"order_id": "0"}, "order_id"),
        ("mark_fulfilled", {**FULFIL, "order_id": "7/notes"}, "order_id"),
    ],
)
async def test_what_woocommerce_cannot_take_is_said_before_it_is_sent(
    adapter: WooCommerce, operation: str, value: dict[str, Any], field: str
) -> None:
    exchange = FakeExchange(adapter, operation)
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, value)

    assert (caught.value.field, exchange.requests) == (field, [])


# --- fulfilment --------------------------------------------------------------------------------------------------------


def completed(*pairs: tuple[str, str]) -> Response:
    return answer(order(status="completed", meta_data=noted(*pairs)))


async def test_an_order_is_completed_with_its_number_and_the_buyer_gets_it_in_no_language(adapter: WooCommerce) -> None:
    given = [answer(order()), answer([]), answer({"id": 4}, 201), completed((TRACKING, NUMBER))]
    exchange = FakeExchange(adapter, "mark_fulfilled", given)
    done = await run(adapter, exchange, {**FULFIL, "tracking_url": "https://ups.example/1Z"})

    note, put = exchange.requests[2:]
    assert note.json == {"note": f"UPS {NUMBER} https://ups.example/1Z", "customer_note": True}
    assert put.json["status"] == "completed"
    assert put.json["meta_data"][0] == {"key": TRACKING, "value": NUMBER}
    assert (done.fulfilment_id, done.already) == ("90", False)


async def test_a_buyer_who_shall_not_be_told_gets_no_note(adapter: WooCommerce) -> None:
    exchange = FakeExchange(adapter, "mark_fulfilled", [answer(order()), completed((TRACKING, NUMBER))])
    await run(adapter, exchange, {**FULFIL, "notify": False})

    assert [one.method for one in exchange.requests] == ["GET", "PUT"]


async def test_a_note_that_was_sent_before_the_answer_was_lost_is_not_sent_again(adapter: WooCommerce) -> None:
    notes = answer([{"id": 4, "note": f"UPS {NUMBER}"}])
    exchange = FakeExchange(adapter, "mark_fulfilled", [answer(order()), notes, completed((TRACKING, NUMBER))])
    await run(adapter, exchange, FULFIL)

    assert [one.method for one in exchange.requests] == ["GET", "GET", "PUT"]


async def test_a_tracking_number_that_is_noted_is_not_noted_again(adapter: WooCommerce) -> None:
    exchange = FakeExchange(adapter, "mark_fulfilled", [completed((TRACKING, NUMBER))])
    done = await run(adapter, exchange, FULFIL)

    assert (done.fulfilment_id, done.already, len(exchange.requests)) == ("90", True, 1)


async def test_meta_data_without_its_id_would_be_added_a_second_time(adapter: WooCommerce) -> None:
    half = order(meta_data=[*noted((CARRIER, "DHL")), {"id": 5, "key": "_other", "value": [{"a": 1}]}])
    given = [answer(half), answer([]), answer({"id": 4}, 201), completed((TRACKING, NUMBER))]
    exchange = FakeExchange(adapter, "mark_fulfilled", given)
    await run(adapter, exchange, FULFIL)

    assert exchange.last.json["meta_data"] == [
        {"key": TRACKING, "value": NUMBER},
        {"id": 90, "key": CARRIER, "value": "UPS"},
    ]


async def test_an_order_the_shop_completed_only_gets_the_number(adapter: WooCommerce) -> None:
    given = [completed(), answer([]), answer({"id": 4}, 201), completed((TRACKING, NUMBER))]
    exchange = FakeExchange(adapter, "mark_fulfilled", given)
    await run(adapter, exchange, FULFIL)

    assert "status" not in exchange.last.json


@pytest.mark.parametrize(
    "body",
    [
        *(order(status=status) for status in ("pending", "on-hold", "failed", "cancelled", "refunded", "trash")),
        order(status="completed", meta_data=noted((TRACKING, "another"))),
    ],
    ids=lambda body: body["status"],
)
async def test_an_order_with_nothing_to_send_says_so(adapter: WooCommerce, body: dict[str, Any]) -> None:
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "mark_fulfilled", [answer(body)]), FULFIL)

    assert caught.value.error_type == "nothing_to_send"


async def test_a_number_that_was_not_kept_is_an_error_and_never_done(adapter: WooCommerce) -> None:
    given = [answer(order()), completed()]
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "mark_fulfilled", given), {**FULFIL, "notify": False})

    assert caught.value.error_type == "not_kept"


async def test_a_lost_fulfilment_is_settled_by_the_number_noted(adapter: WooCommerce) -> None:
    value = Fulfilment.model_validate(FULFIL)
    there = FakeExchange(adapter, "mark_fulfilled", [completed((TRACKING, NUMBER))])
    not_there = FakeExchange(adapter, "mark_fulfilled", [answer(order())])
    found = await adapter.look_up_mark_fulfilled(there, value)

    assert found is not None
    assert (found.fulfilment_id, found.already) == ("90", False)
    assert await adapter.look_up_mark_fulfilled(not_there, value) is None


# --- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "wait"),
    [
        (refusal("woocommerce_rest_cannot_view", 401), "unauthorized", "configuration", False, None),
        (refusal("woocommerce_rest_authentication_error", 401), "unauthorized", "configuration", False, None),
        (refusal("woocommerce_rest_cannot_edit", 403), "forbidden", "configuration", False, None),
        (refusal("rest_no_route", 404), "no_route", "configuration", False, None),
        (refusal("woocommerce_rest_shop_order_invalid_id", 404), "not_found", "ours", False, None),
        (refusal("woocommerce_rest_shop_order_invalid_id", 400), "not_found", "ours", False, None),
        (refusal("woocommerce_rest_invalid_product_id", 404), "not_found", "ours", False, None),
        (refusal("rest_invalid_param", 400, params={"status": "x"}), "invalid_param", "ours", False, None),
        (refusal("rest_invalid_param", 400, params=None), "invalid_param", "ours", False, None),
        (refusal("woocommerce_rest_invalid_order", 400), "http_400", "ours", False, None),
        (refusal("internal_server_error", 500), "http_500", "theirs", True, None),
        (page(301, {"Location": "https://www.shop.example/"}), "http_redirect", "configuration", False, None),
        (page(403), "blocked", "configuration", False, None),
        (page(405), "blocked", "configuration", False, None),
        (page(501), "blocked", "configuration", False, None),
        (page(404), "no_route", "configuration", False, None),
        (page(429, {"Retry-After": "30"}), "rate_limited", "ours", True, 30.0),
        (page(429), "rate_limited", "ours", True, None),
        (page(503, {"Retry-After": "600"}), "http_503", "theirs", True, 600.0),
        (page(500), "http_500", "theirs", True, None),
        (page(522), "http_522", "theirs", True, None),
    ],
)
def test_every_refusal_has_its_class(
    adapter: WooCommerce, response: Response, error_type: str, fault: Fault, retryable: bool, wait: float | None
) -> None:
    verdict = adapter.classify(Request(method="PUT", path=f"{BASE}/orders/7"), response)

    assert verdict is not None
    found = (verdict.error_type, verdict.fault, verdict.retryable, verdict.retry_after)
    assert found == (error_type, fault, retryable, wait)
    assert "ada@" not in verdict.message
    assert verdict.counts is (fault == "theirs")
    assert verdict.untouched is (fault != "theirs")
    assert verdict.expired is False


def test_a_refused_parameter_is_named_and_its_value_is_not(adapter: WooCommerce) -> None:
    response = refusal("rest_invalid_param", 400, params={"stock_quantity": "is not ada@example.com"})
    verdict = adapter.classify(Request(method="POST", path=f"{BASE}/products/batch"), response)

    assert verdict is not None
    assert "(stock_quantity)" in verdict.message


WARNING = b'<br />\n<b>Warning</b>:  Undefined array key "a[0]" in <b>/var/www/x.php</b> on line <b>3</b><br />\n'


async def test_a_php_warning_before_the_json_is_passed_over(adapter: WooCommerce) -> None:
    found = await run(
        adapter, FakeExchange(adapter, "get_order", [answer(WARNING + json.dumps(order()).encode())]), ORDER
    )
    refused = answer(WARNING + json.dumps({"code": "rest_no_route"}).encode(), 404)
    verdict = adapter.classify(Request(method="GET", path=f"{BASE}/orders"), refused)

    assert found.order_id == "7"
    assert verdict is not None
    assert verdict.error_type == "no_route"


@pytest.mark.parametrize(
    "broken",
    [
        b"<html>Checking your browser</html>",
        json.dumps([order()]).encode()[:-20],
        WARNING + json.dumps([order()]).encode()[:-3],
        b'[{"id": 7, "refunds":\n[]',
        {"data": []},
        [{"id": 7}],
        [order(line_items=[{**line(), "quantity": "two"}])],
        [order(currency="pounds")],
    ],
    ids=[
        "a-challenge",
        "torn",
        "torn-behind-a-warning",
        "torn-at-a-list",
        "no-list",
        "no-order",
        "quantity",
        "currency",
    ],
)
async def test_an_answer_of_another_shape_is_drift_and_never_no_orders(adapter: WooCommerce, broken: Any) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "list_orders", [answer(broken)]), ORDERS)


async def test_more_pages_than_anybody_has_of_a_sku_are_not_read_for_ever(adapter: WooCommerce) -> None:
    endless = [answer([product()], headers=NEXT)] * 20
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "set_stock", endless), levels({}))

    assert caught.value.error_type == "look_up_too_long"


# --- webhooks ----------------------------------------------------------------------------------------------------------

URL = "https://quayside.example/webhooks/woocommerce"


def signed(body: bytes, secret: str = SECRET, **headers: str) -> Delivery:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    given = {"x-wc-webhook-signature": signature, "x-wc-webhook-topic": "order.updated", **headers}
    return Delivery(url=URL, headers=given, body=body, received_at=NOON)


@pytest.mark.parametrize(
    "delivery",
    [
        signed(b'{"id":1}', "another"),
        Delivery(url=URL, headers={}, body=b'{"id":1}', received_at=NOON),
        Delivery(url=URL, headers=signed(b'{"id":2}').headers, body=b'{"id":1}', received_at=NOON),
        signed(b"webhook_id=1", "another"),
    ],
    ids=["forged", "unsigned", "changed", "a-forged-ping"],
)
async def test_a_delivery_that_is_not_proven_is_refused(adapter: WooCommerce, delivery: Delivery) -> None:
    with pytest.raises(DeliveryRefused) as caught:
        await adapter.receive(FakeExchange(adapter, "list_orders"), delivery)

    assert caught.value.field == "x-wc-webhook-signature"


async def test_a_delivery_is_refused_while_no_secret_is_set() -> None:
    adapter = WooCommerce({"CONSUMER_KEY": "ck", "CONSUMER_SECRET": "cs"})
    with pytest.raises(DeliveryRefused, match="QUAYSIDE_WOOCOMMERCE_WEBHOOK_SECRET"):
        await adapter.receive(FakeExchange(adapter, "list_orders"), signed(b"{}", ""))


async def test_the_unsigned_ping_of_a_new_webhook_is_only_answered(adapter: WooCommerce) -> None:
    ping = Delivery(url=URL, headers={}, body=b"webhook_id=17", received_at=NOON)

    assert await adapter.receive(FakeExchange(adapter, "list_orders"), ping) == ()


async def test_events_of_one_second_share_a_delivery_id_and_are_told_apart_by_what_changed(
    adapter: WooCommerce,
) -> None:
    same = {"x-wc-webhook-delivery-id": "d-1"}
    exchange = FakeExchange(adapter, "list_orders")
    bodies = [
        {"id": 7, "number": "WEB-7", "date_modified_gmt": "2026-10-01T11:00:00"},
        {"id": 8, "number": "WEB-8", "date_modified_gmt": "2026-10-01T11:00:00"},
        {"id": 7, "number": "WEB-7", "date_modified_gmt": "2026-10-01T11:00:01"},
        {"id": 7, "number": "WEB-7", "date_modified_gmt": "2026-10-01T11:00:00"},
    ]
    found = [(await adapter.receive(exchange, signed(json.dumps(body).encode(), **same)))[0] for body in bodies]

    assert len({event.id for event in found}) == 3
    assert found[0].id == found[3].id
    assert (found[0].resource, found[0].reference) == ("7", "WEB-7")
    assert found[0].occurred_at == datetime(2026, 10, 1, 11, tzinfo=UTC)


async def test_a_delivery_of_something_deleted_has_only_its_id(adapter: WooCommerce) -> None:
    headers = {"x-wc-webhook-topic": "order.deleted", "x-wc-webhook-delivery-id": "d-1"}
    (event,) = await adapter.receive(FakeExchange(adapter, "list_orders"), signed(b'{"id":7}', **headers))

    assert (event.id, event.type, event.resource, event.occurred_at) == (
        "order.deleted:7:d-1",
        "order.deleted",
        "7",
        None,
    )


async def test_a_body_that_is_no_json_is_named(adapter: WooCommerce) -> None:
    with pytest.raises(InvalidInput) as caught:
        await adapter.receive(FakeExchange(adapter, "list_orders"), signed(b"<order/>"))

    assert caught.value.field == "body"


def test_the_remedy_for_a_bad_credential_names_the_settings_and_not_the_secret(adapter: WooCommerce) -> None:
    verdict = adapter.classify(Request(method="GET", path=f"{BASE}/orders"), refusal("x", 401))

    assert verdict is not None
    assert "QUAYSIDE_WOOCOMMERCE_CONSUMER_KEY" in verdict.message
    assert "Authorization" in verdict.message
    assert adapter.credential("CONSUMER_SECRET") not in verdict.message
