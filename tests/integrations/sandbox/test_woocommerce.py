from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integrations.sandbox.conftest import START, Sandbox, Start
from tests.integrations.sandbox.woocommerce_requests import (
    COUNTED,
    ENGRAVING,
    FAILED,
    GIFT,
    HELD,
    ITEM,
    KEY,
    NEWEST,
    OLDEST,
    PAID,
    SECRET,
    SMALL,
    UNPAID,
    Ask,
    asking,
    basic,
    effects,
    operations,
    pages,
    setting,
    signed,
)

HOOK = "https://quayside.example.com/webhooks/woocommerce"


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("woocommerce")


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    return asking(sandbox)


async def deliveries(sandbox: Sandbox, url: str = HOOK, secret: str = SECRET) -> list[dict[str, Any]]:
    answer = await sandbox.control("POST", "woocommerce/deliveries", {"url": url, "secret": secret})
    found: list[dict[str, Any]] = answer["deliveries"]
    return found


def later(moment: str) -> str:
    """Return the second after a time without a zone."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=1)).isoformat()


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_the_store_opens_with_orders_of_every_status_in_many_currencies(ask: Ask) -> None:
    _, orders, headers = await ask("GET", "orders?per_page=100&orderby=id&order=asc")
    _, products, _ = await ask("GET", "products?per_page=100")

    assert [order["id"] for order in orders] == list(range(OLDEST, NEWEST + 1))
    assert headers["X-WP-Total"] == "48"
    assert {order["status"] for order in orders} == {
        *("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"),
    }
    assert {"USD", "EUR", "GBP", "JPY", "KWD"} <= {order["currency"] for order in orders}
    assert len({order["shipping"]["country"] for order in orders}) >= 8
    assert {product["type"] for product in products} == {"simple", "variable"}
    assert any(order["customer_id"] == 0 for order in orders)


async def test_pages_are_told_by_totals_and_links(ask: Ask) -> None:
    status, first, headers = await ask("GET", "orders?per_page=20&orderby=id&order=asc")
    seen = [order["id"] for order in first]
    while (url := pages(headers).get("next")) is not None:
        _, more, headers = await ask("GET", f"orders?{url.partition('?')[2]}")
        seen += [order["id"] for order in more]

    assert status == 200
    assert seen == list(range(OLDEST, NEWEST + 1))
    assert (headers["X-WP-Total"], headers["X-WP-TotalPages"], set(pages(headers))) == ("48", "3", {"prev"})


async def test_a_page_past_the_end_is_empty_and_ten_is_the_usual_size(ask: Ask) -> None:
    usual = await ask("GET", "orders")
    past = await ask("GET", "orders?page=99")

    assert len(usual[1]) == 10
    assert (past[0], past[1], past[2]["X-WP-Total"]) == (200, [], "48")


async def test_links_repeat_the_keys_of_the_query(ask: Ask) -> None:
    _, _, headers = await ask(
        "GET", f"orders?consumer_key={KEY}&consumer_secret={SECRET}&after=2026-01-01T00:00:00", auth=None
    )
    link = pages(headers)["next"]

    assert f"consumer_secret={SECRET}" in link
    assert "after=2026-01-01T00%3A00%3A00" in link


async def test_a_link_that_was_signed_is_no_good_for_another_page(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/woocommerce/wp-json/wc/v3/orders"
    async with sandbox.client.get(url, params=signed("GET", url, {}, at=START, nonce="n1")) as answer:
        link = pages(answer.headers)["next"]
    async with sandbox.client.get(link) as again:
        body = await again.json()

    assert again.status == 401
    assert body["message"] == "Invalid signature - provided signature does not match."


async def test_times_are_the_stores_own_unless_gmt_is_asked_for(ask: Ask) -> None:
    _, order, _ = await ask("GET", f"orders/{PAID}")
    _, earlier, _ = await ask("GET", f"orders/{PAID - 1}")
    just_before, after_the_earlier = "2026-10-01T11:39:59", later(earlier["date_created_gmt"])
    found = {
        "gmt": await ask("GET", f"orders?after={just_before}&dates_are_gmt=true"),
        "local": await ask("GET", f"orders?after={just_before}"),
        "the same second": await ask("GET", f"orders?after={order['date_created_gmt']}&dates_are_gmt=true"),
        "no zone": await ask("GET", f"orders?after={after_the_earlier}&dates_are_gmt=true"),
        "Z": await ask("GET", f"orders?after={after_the_earlier}Z&dates_are_gmt=true"),
    }
    ids = {name: [one["id"] for one in answer[1]] for name, answer in found.items()}

    assert (order["date_created"], order["date_created_gmt"]) == ("2026-10-01T07:40:00", "2026-10-01T11:40:00")
    assert ids["gmt"] == [PAID]
    assert ids["local"] == []  # 11:39 in New York has not come yet
    assert ids["the same second"] == []  # the bound is exclusive
    assert ids["no zone"] == [PAID]
    assert ids["Z"] == [PAID, PAID - 1]  # brought into the store's zone, then taken for GMT


async def test_what_changed_is_found_by_when_it_changed(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.clock.move(120)
    await ask("PUT", f"orders/{OLDEST}", {"customer_note": "Ring twice"})
    since = "modified_after=2026-10-01T12:01:00&dates_are_gmt=true"
    _, changed, _ = await ask("GET", f"orders?{since}")
    _, newest_change, _ = await ask("GET", "orders?orderby=modified&order=desc&per_page=1")

    assert [order["id"] for order in changed] == [OLDEST]
    assert newest_change[0]["id"] == OLDEST


async def test_orders_are_filtered_by_status_customer_product_and_ids(ask: Ask) -> None:
    _, by_status, _ = await ask("GET", "orders?status=pending,on-hold")
    _, by_list, _ = await ask("GET", "orders?status[]=failed&status[]=pending")
    _, by_ids, _ = await ask("GET", f"orders?include={OLDEST},{NEWEST}&orderby=include")
    _, guests, _ = await ask("GET", "orders?customer=0&per_page=100")
    line = (await ask("GET", f"orders/{PAID}"))[1]["line_items"][0]
    _, with_it, _ = await ask("GET", f"orders?product={line['product_id']}")
    _, rest, _ = await ask("GET", "orders?offset=46")
    _, found, _ = await ask("GET", "orders?search=buyer952281")

    assert [order["id"] for order in by_status] == [UNPAID, HELD]
    assert [order["id"] for order in by_list] == [UNPAID, FAILED]
    assert [order["id"] for order in by_ids] == [OLDEST, NEWEST]
    assert {order["customer_id"] for order in guests} == {0}
    assert PAID in [order["id"] for order in with_it]
    assert [order["id"] for order in rest] == [OLDEST + 1, OLDEST]
    assert [order["id"] for order in found] == [PAID]


async def test_only_the_fields_asked_for_come(ask: Ask) -> None:
    _, orders, _ = await ask("GET", "orders?_fields=id,status&per_page=2")

    assert orders == [{"id": PAID, "status": "processing"}, {"id": PAID - 1, "status": "processing"}]


# --- money ----------------------------------------------------------------------------------------------------------


async def test_money_has_the_stores_decimals_whatever_the_currency_has(ask: Ask) -> None:
    _, orders, _ = await ask("GET", "orders?per_page=100")
    kuwaiti = next(order for order in orders if order["currency"] == "KWD")
    _, exact, _ = await ask("GET", f"orders/{kuwaiti['id']}?dp=3")
    yen = next(order for order in orders if order["currency"] == "JPY")

    assert Decimal(exact["total"]) != Decimal(kuwaiti["total"])
    assert [len(one["total"].partition(".")[2]) for one in (kuwaiti, exact, yen)] == [2, 3, 2]
    assert yen["total"].endswith(".00")


async def test_the_price_of_a_line_is_a_number_and_its_total_a_text(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/woocommerce/wp-json/wc/v3/orders?per_page=100"
    async with sandbox.client.get(url, headers=basic()) as answer:
        text = await answer.text()
    lines = [line for order in json.loads(text) for line in order["line_items"]]

    assert {type(line["price"]) for line in lines} == {int, float}
    assert {type(line["total"]) for line in lines} == {str}
    assert "\\/wp-json\\/" in text  # slashes are escaped
    assert text.isascii()


async def test_the_total_is_the_sum_of_its_parts(ask: Ask) -> None:
    _, orders, _ = await ask("GET", "orders?per_page=100&dp=3")
    for order in orders:
        goods = sum(Decimal(line["total"]) + Decimal(line["total_tax"]) for line in order["line_items"])

        assert goods + Decimal(order["shipping_total"]) == Decimal(order["total"]), order["id"]


# --- orders change --------------------------------------------------------------------------------------------------


async def test_completing_twice_is_one_fulfilment_but_two_saves(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.clock.move(60)
    sent = {"status": "completed", "meta_data": [{"key": "_quayside_tracking", "value": "1Z1"}]}
    first = await ask("PUT", f"orders/{PAID}", sent)
    sandbox.clock.move(60)
    meta = next(one for one in first[1]["meta_data"] if one["key"] == "_quayside_tracking")
    second = await ask("PUT", f"orders/{PAID}", {**sent, "meta_data": [meta]})
    notes = await ask("GET", f"orders/{PAID}/notes")

    assert (first[1]["status"], first[1]["date_completed_gmt"]) == ("completed", "2026-10-01T12:01:00")
    assert second[1]["date_completed_gmt"] == "2026-10-01T12:01:00"
    assert second[1]["date_modified_gmt"] == "2026-10-01T12:02:00"
    assert second[1]["meta_data"] == first[1]["meta_data"]
    assert notes[1][0]["note"] == "Order status changed from Processing to Completed."
    assert await effects(sandbox) == [("fulfilment", str(PAID), str(PAID), None)]
    assert [one["type"] for one in await deliveries(sandbox)] == ["order.updated", "order.updated"]


async def test_an_entry_without_an_id_replaces_that_of_its_key(sandbox: Sandbox, ask: Ask) -> None:
    for value in ("1Z1", "1Z2"):
        _, body, _ = await ask("PUT", f"orders/{PAID}", {"meta_data": [{"key": "_t", "value": value}]})
    await setting(sandbox, meta_adds=True)
    _, added, _ = await ask("PUT", f"orders/{PAID}", {"meta_data": [{"key": "_t", "value": "1Z2"}]})
    await setting(sandbox, meta_adds=None)
    _, gone, _ = await ask("PUT", f"orders/{PAID}", {"meta_data": [{"key": "_t", "value": None}]})

    def values(order: Any) -> list[Any]:
        return [one["value"] for one in order["meta_data"] if one["key"] == "_t"]

    assert [values(order) for order in (body, added, gone)] == [["1Z2"], ["1Z2", "1Z2"], []]


async def test_meta_data_may_be_anything_json_has(ask: Ask) -> None:
    _, orders, _ = await ask("GET", "orders?status=completed&per_page=1")
    parcels = next(one for one in orders[0]["meta_data"] if one["key"] == "_wc_shipment_tracking_items")

    assert parcels["value"][0]["tracking_provider"] == "ups"


async def test_a_note_is_added_each_time_it_is_sent(sandbox: Sandbox, ask: Ask) -> None:
    sent = {"note": "Sent with UPS, 1Z1", "customer_note": True}
    first, second = [await ask("POST", f"orders/{PAID}/notes", sent) for _ in range(2)]
    _, listed, _ = await ask("GET", f"orders/{PAID}/notes?type=customer")
    missing = await ask("POST", f"orders/{PAID}/notes", {})
    one = await ask("GET", f"orders/{PAID}/notes/{first[1]['id']}")
    kept = await ask("DELETE", f"orders/{PAID}/notes/{first[1]['id']}")
    gone = await ask("DELETE", f"orders/{PAID}/notes/{first[1]['id']}?force=true")

    assert (first[0], second[0], one[1]) == (201, 201, first[1])
    assert first[2]["Location"].endswith(f"/wp-json/wc/v3/orders/{PAID}/notes/{first[1]['id']}")
    assert [note["id"] for note in listed] == [second[1]["id"], first[1]["id"]]
    assert (missing[0], missing[1]["code"]) == (400, "rest_missing_callback_param")
    assert (kept[0], gone[0]) == (501, 200)
    assert [kind for kind, *_ in await effects(sandbox)] == ["message", "message"]


async def test_an_order_made_paid_takes_its_goods_from_stock(sandbox: Sandbox, ask: Ask) -> None:
    before = (await ask("GET", f"products/{COUNTED}"))[1]
    sent = {
        "currency": "USD",
        "set_paid": True,
        "transaction_id": "pi_1",
        "payment_method": "stripe",
        "shipping": {"country": "GB"},
        "line_items": [{"sku": before["sku"], "quantity": 2}],
        "shipping_lines": [{"method_id": "flat_rate", "method_title": "Flat rate", "total": "5.00"}],
        "meta_data": [{"key": "_quayside", "value": "Q-1"}],
    }
    status, order, headers = await ask("POST", "orders", sent)
    after = (await ask("GET", f"products/{COUNTED}"))[1]
    goods = Decimal(before["price"]) * 2

    assert (status, order["status"], order["created_via"]) == (201, "processing", "rest-api")
    assert headers["Location"].endswith(f"/orders/{order['id']}")
    assert Decimal(order["total"]) == goods + (goods * Decimal("0.2")).quantize(Decimal("0.01")) + 5
    assert order["transaction_id"] == "pi_1"
    assert after["stock_quantity"] == before["stock_quantity"] - 2
    assert [kind for kind, *_ in await effects(sandbox)] == ["order", "payment"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"line_items": [{"quantity": 1}]}, "woocommerce_rest_required_product_reference"),
        ({"shipping_lines": [{"total": "1.00"}]}, "woocommerce_rest_invalid_shipping_item"),
        ({"fee_lines": [{"total": "1.00"}]}, "woocommerce_rest_invalid_fee_item"),
        ({"customer_id": 9}, "woocommerce_rest_invalid_customer_id"),
        ({"coupon_lines": [{"code": "none"}]}, "woocommerce_rest_invalid_coupon"),
        ({"id": 5}, "woocommerce_rest_shop_order_exists"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_and_not_kept(
    sandbox: Sandbox, ask: Ask, sent: Any, code: str
) -> None:
    status, body, _ = await ask("POST", "orders", sent)

    assert (status, body["code"]) == (400, code)
    assert (await ask("GET", "orders"))[2]["X-WP-Total"] == "48"
    assert await effects(sandbox) == []


async def test_lines_are_added_changed_and_taken_out(ask: Ask) -> None:
    _, order, _ = await ask("GET", f"orders/{PAID}")
    (line,) = order["line_items"]
    stock = (await ask("GET", f"products/{COUNTED}"))[1]["stock_quantity"]
    _, more, _ = await ask("PUT", f"orders/{PAID}", {"line_items": [{"id": line["id"], "quantity": 3}]})
    less = (await ask("GET", f"products/{COUNTED}"))[1]["stock_quantity"]
    _, none, _ = await ask("PUT", f"orders/{PAID}", {"line_items": [{"id": line["id"], "quantity": 0}]})
    alien = await ask("PUT", f"orders/{PAID}", {"line_items": [{"id": 1, "quantity": 1}]})

    assert (more["line_items"][0]["quantity"], more["line_items"][0]["total"]) == (3, line["total"])
    assert less == stock - 2
    assert (none["line_items"], none["total"]) == ([], order["shipping_total"])
    assert (alien[0], alien[1]["code"]) == (400, "woocommerce_rest_invalid_item_id")


async def test_cancelling_brings_the_goods_back(sandbox: Sandbox, ask: Ask) -> None:
    before = (await ask("GET", f"products/{COUNTED}"))[1]["stock_quantity"]
    await ask("PUT", f"orders/{PAID}", {"status": "cancelled"})
    after = (await ask("GET", f"products/{COUNTED}"))[1]["stock_quantity"]

    assert after == before + 1
    assert [kind for kind, *_ in await effects(sandbox)] == ["void"]


async def test_an_order_goes_to_the_trash_or_for_good(sandbox: Sandbox, ask: Ask) -> None:
    trashed, again = [await ask("DELETE", f"orders/{PAID}") for _ in range(2)]
    seen = await ask("GET", f"orders/{PAID}")
    _, listed, _ = await ask("GET", "orders?status=trash")
    gone = await ask("DELETE", f"orders/{HELD}?force=true")
    after = await ask("GET", f"orders/{HELD}")

    assert (trashed[0], trashed[1]["status"]) == (200, "processing")
    assert (again[0], again[1]["code"]) == (410, "woocommerce_rest_already_trashed")
    assert (seen[1]["status"], [one["id"] for one in listed]) == ("trash", [PAID])
    assert (gone[0], after[0]) == (200, 404)
    bodies = [(one["type"], json.loads(one["body"])) for one in await deliveries(sandbox)]
    assert bodies == [("order.deleted", {"id": PAID}), ("order.deleted", {"id": HELD})]


# --- refunds --------------------------------------------------------------------------------------------------------


async def test_a_refund_gives_back_money_and_goods(sandbox: Sandbox, ask: Ask) -> None:
    _, order, _ = await ask("GET", f"orders/{PAID}")
    (line,) = order["line_items"]
    stock = (await ask("GET", f"products/{COUNTED}"))[1]["stock_quantity"]
    sent = {
        "reason": "Damaged",
        "line_items": [
            {
                "id": line["id"],
                "quantity": 1,
                "refund_total": 55.99,
                "refund_tax": [{"id": line["taxes"][0]["id"], "refund_total": 4.62}],
            }
        ],
    }
    status, refund, _ = await ask("POST", f"orders/{PAID}/refunds", sent)
    _, after, _ = await ask("GET", f"orders/{PAID}")
    _, listed, _ = await ask("GET", f"orders/{PAID}/refunds")
    one = await ask("GET", f"orders/{PAID}/refunds/{refund['id']}")

    assert (status, refund["amount"], refund["refunded_payment"]) == (201, "60.61", True)
    assert (refund["line_items"][0]["quantity"], refund["line_items"][0]["total"]) == (-1, "-55.99")
    assert after["refunds"] == [{"id": refund["id"], "reason": "Damaged", "total": "-60.61"}]
    assert (after["status"], after["total"]) == ("processing", order["total"])
    assert (await ask("GET", f"products/{COUNTED}"))[1]["stock_quantity"] == stock + 1
    assert (listed, one[1]) == ([refund], refund)
    assert [(kind, amount) for kind, _, _, amount in await effects(sandbox)] == [
        ("stock", str(stock + 1)),
        ("refund", "60.61"),
    ]


async def test_a_refund_sent_twice_is_two_and_the_whole_makes_it_refunded(sandbox: Sandbox, ask: Ask) -> None:
    sent = {"amount": "10.00", "api_refund": False}
    statuses = [(await ask("POST", f"orders/{PAID}/refunds", sent))[0] for _ in range(2)]
    _, order, _ = await ask("GET", f"orders/{PAID}")
    rest = f"{Decimal(order['total']) - 20:f}"
    await ask("POST", f"orders/{PAID}/refunds", {"amount": rest})
    _, after, _ = await ask("GET", f"orders/{PAID}")

    assert statuses == [201, 201]
    assert (len(order["refunds"]), order["status"], after["status"]) == (2, "processing", "refunded")
    assert [kind for kind, *_ in await effects(sandbox)] == ["refund"] * 3


@pytest.mark.parametrize(
    ("path", "sent", "code", "told"),
    [
        (f"orders/{PAID}/refunds", {"amount": "9999.00"}, "woocommerce_rest_cannot_create_order_refund", 500),
        (f"orders/{PAID}/refunds", {"amount": "-1"}, "woocommerce_rest_invalid_order_refund", 400),
        (f"orders/{HELD}/refunds", {"amount": "1.00"}, "woocommerce_rest_cannot_create_order_refund", 500),
        ("orders/9/refunds", {"amount": "1.00"}, "woocommerce_rest_invalid_order_id", 404),
    ],
    ids=["too much", "negative", "a gateway that cannot", "no order"],
)
async def test_every_refusal_of_a_refund_goes_out_as_a_500(
    sandbox: Sandbox, ask: Ask, path: str, sent: Any, code: str, told: int
) -> None:
    status, body, _ = await ask("POST", path, sent)

    assert (status, body["code"], body["data"]) == (500, code, told)
    assert await effects(sandbox) == []


async def test_an_amount_as_a_number_is_refused(ask: Ask) -> None:
    status, body, _ = await ask("POST", f"orders/{PAID}/refunds", {"amount": 10.0})

    assert (status, body["data"]["params"]) == (400, {"amount": "amount is not of type string."})


async def test_a_refund_taken_out_of_the_books_can_be_made_again(ask: Ask) -> None:
    _, refund, _ = await ask("POST", f"orders/{PAID}/refunds", {"amount": "5.00"})
    deleted = await ask("DELETE", f"orders/{PAID}/refunds/{refund['id']}?force=true")
    again = await ask("GET", f"orders/{PAID}/refunds/{refund['id']}")

    assert (deleted[0], (await ask("GET", f"orders/{PAID}"))[1]["refunds"]) == (200, [])
    assert (again[0], again[1]["code"]) == (500, "woocommerce_rest_invalid_order_refund_id")


# --- stock ----------------------------------------------------------------------------------------------------------


async def test_a_number_for_goods_that_are_not_counted_is_dropped_without_a_word(sandbox: Sandbox, ask: Ask) -> None:
    dropped = await ask("PUT", f"products/{ENGRAVING}", {"stock_quantity": 5})
    none = await effects(sandbox)
    counted = await ask("PUT", f"products/{ENGRAVING}", {"stock_quantity": 5, "manage_stock": True})

    assert (dropped[0], dropped[1]["manage_stock"], dropped[1]["stock_quantity"]) == (200, False, None)
    assert none == []
    assert (counted[1]["manage_stock"], counted[1]["stock_quantity"]) == (True, 5)
    assert await effects(sandbox) == [("stock", "SRV-ENGRAVE", str(ENGRAVING), "5")]


async def test_an_absolute_number_may_be_sent_again_and_a_delta_not(sandbox: Sandbox, ask: Ask) -> None:
    for _ in range(2):
        _, absolute, _ = await ask("PUT", f"products/{COUNTED}", {"stock_quantity": 7})
    for _ in range(2):
        _, delta, _ = await ask("PUT", f"products/{COUNTED}", {"inventory_delta": -2})

    assert (absolute["stock_quantity"], delta["stock_quantity"]) == (7, 3)
    assert [amount for _, _, _, amount in await effects(sandbox)] == ["7", "5", "3"]
    assert await operations(sandbox) == ["set_stock"] * 4


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"stock_quantity": 0}, ("outofstock", False)),
        ({"stock_quantity": -3, "backorders": "notify"}, ("onbackorder", True)),
        ({"stock_quantity": 4, "stock_status": "outofstock"}, ("instock", False)),
    ],
)
async def test_the_status_follows_the_number(ask: Ask, sent: Any, shown: tuple[str, bool]) -> None:
    _, body, _ = await ask("PUT", f"products/{COUNTED}", sent)

    assert (body["stock_status"], body["backordered"]) == shown


async def test_a_sku_finds_products_and_variations(ask: Ask) -> None:
    _, variation, _ = await ask("GET", f"products/{ITEM + 1}")
    _, found, _ = await ask("GET", f"products?sku={variation['sku']}")
    _, both, _ = await ask("GET", f"products?sku={variation['sku']},GIFT-BOX")
    _, none, _ = await ask("GET", "products?sku=NONE")
    _, all_of_them, _ = await ask("GET", "products?per_page=100")

    assert [(one["id"], one["type"], one["parent_id"]) for one in found] == [(ITEM + 1, "variation", 1000)]
    assert {one["id"] for one in both} == {ITEM + 1, GIFT}
    assert none == []
    assert ITEM + 1 not in {one["id"] for one in all_of_them}


async def test_a_variation_is_changed_below_its_product_alone(sandbox: Sandbox, ask: Ask) -> None:
    wrong_door = await ask("PUT", f"products/{ITEM + 1}", {"stock_quantity": 5})
    status, body, _ = await ask("PUT", f"products/1000/variations/{ITEM + 1}", {"stock_quantity": 5})
    wrong_parent = await ask("PUT", f"products/1001/variations/{ITEM + 1}", {"stock_quantity": 6})
    _, listed, _ = await ask("GET", "products/1000/variations?orderby=id&order=asc")

    assert (wrong_door[0], wrong_door[1]["code"]) == (404, "woocommerce_rest_invalid_product_id")
    assert (status, body["stock_quantity"], body["manage_stock"]) == (200, 5, True)
    assert (wrong_parent[0], wrong_parent[1]["code"]) == (403, "woocommerce_rest_cannot_edit")
    assert [one["id"] for one in listed] == [ITEM + 1, ITEM + 2, ITEM + 3]
    assert [amount for _, _, _, amount in await effects(sandbox)] == ["5"]


async def test_a_variation_may_leave_the_counting_to_its_parent(ask: Ask) -> None:
    _, before, _ = await ask("GET", f"products/{GIFT}/variations/{SMALL}")
    dropped = await ask("PUT", f"products/{GIFT}/variations/{SMALL}", {"stock_quantity": 3})
    await ask("PUT", f"products/{GIFT}", {"stock_quantity": 0})
    _, after, _ = await ask("GET", f"products/{GIFT}/variations/{SMALL}")
    _, own, _ = await ask("PUT", f"products/{GIFT}/variations/{SMALL}", {"manage_stock": True, "stock_quantity": 3})

    assert (before["manage_stock"], before["stock_quantity"]) == ("parent", 40)
    assert (dropped[0], dropped[1]["stock_quantity"]) == (200, 40)
    assert (after["stock_quantity"], after["stock_status"]) == (0, "outofstock")
    assert (own["manage_stock"], own["stock_quantity"]) == (True, 3)


async def test_a_batch_is_200_whatever_became_of_its_parts(sandbox: Sandbox, ask: Ask) -> None:
    parts = [
        {"id": COUNTED, "stock_quantity": 3},
        {"id": 7, "stock_quantity": 3},
        {"id": ITEM + 1, "stock_quantity": 3},
        {"id": COUNTED + 1, "stock_quantity": "many"},
    ]
    status, body, _ = await ask("POST", "products/batch", {"update": parts})

    assert status == 200
    assert [one.get("error", {}).get("code") for one in body["update"]] == [
        None,
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_invalid_product_id",
        None,  # nothing is checked: what is no number is nought
    ]
    assert body["update"][1] == {
        "id": 7,
        "error": {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID.", "data": {"status": 400}},
    }
    assert (body["update"][0]["stock_quantity"], body["update"][3]["stock_quantity"]) == (3, 0)
    assert [one["amount"] for one in await sandbox.effects("woocommerce")] == ["3", "0"]


async def test_a_batch_has_room_for_a_hundred_and_may_be_empty(ask: Ask) -> None:
    many = await ask("POST", "products/batch", {"update": [{"id": COUNTED, "stock_quantity": 1}] * 101})
    none = await ask("POST", "products/batch", {"update": []})

    assert (many[0], many[1]["code"]) == (413, "woocommerce_rest_request_entity_too_large")
    assert (none[0], none[1]) == (200, [])


async def test_variations_have_a_batch_of_their_own(ask: Ask) -> None:
    parts = [{"id": ITEM + 1, "stock_quantity": 4}, {"id": ITEM + 21, "stock_quantity": 4}]
    status, body, _ = await ask("POST", "products/1000/variations/batch", {"update": parts})

    assert (status, body["update"][0]["stock_quantity"]) == (200, 4)
    assert body["update"][1]["error"]["data"] == {"status": 403}


async def test_a_batch_of_orders_takes_an_unknown_status_for_pending(ask: Ask) -> None:
    _, body, _ = await ask("POST", "orders/batch", {"update": [{"id": PAID, "status": "shipped"}]})

    assert body["update"][0]["status"] == "pending"


async def test_goods_are_made_and_thrown_away(sandbox: Sandbox, ask: Ask) -> None:
    sent = {"name": "Sticker", "sku": "STK-1", "regular_price": "1.50", "manage_stock": True, "stock_quantity": 9}
    status, made, _ = await ask("POST", "products", sent)
    twice = await ask("POST", "products", sent)
    _, variation, _ = await ask("POST", "products/1000/variations", {"sku": "SET-001-D", "regular_price": "2.00"})
    trashed = await ask("DELETE", f"products/{made['id']}")
    gone = await ask("DELETE", f"products/1000/variations/{variation['id']}?force=true")

    assert (status, made["price"], made["stock_quantity"], made["type"]) == (201, "1.50", 9, "simple")
    assert (twice[0], twice[1]["code"]) == (400, "product_invalid_sku")
    assert twice[1]["data"] == {"status": 400, "resource_id": made["id"], "unique_sku": "STK-1-1"}
    assert (trashed[0], gone[0]) == (200, 200)
    assert (await ask("GET", "products?sku=STK-1"))[1] == []
    topics = [one["type"] for one in await deliveries(sandbox)]
    assert topics == ["product.created", "product.created", "product.deleted", "product.deleted"]


async def test_products_are_filtered_and_sorted(ask: Ask) -> None:
    _, out, _ = await ask("GET", "products?stock_status=outofstock")
    _, dear, _ = await ask("GET", "products?orderby=price&order=desc&per_page=3")
    _, variable, _ = await ask("GET", "products?type=variable&per_page=100")
    _, named, _ = await ask("GET", "products?search=engraving")
    _, part, _ = await ask("GET", "products?search_sku=gift-box")
    prices = [Decimal(one["price"]) for one in dear]

    assert {one["stock_status"] for one in out} <= {"outofstock"}
    assert prices == sorted(prices, reverse=True)
    assert {one["id"] for one in variable} == {GIFT, 1000, 1001, 1002}
    assert [one["id"] for one in named] == [ENGRAVING]
    assert {one["id"] for one in part} == {GIFT, SMALL, SMALL + 1}


async def test_a_texts_and_a_prices_change_is_no_change_of_stock(sandbox: Sandbox, ask: Ask) -> None:
    sent = {"description": "New", "sale_price": "4.00", "meta_data": [{"key": "a", "value": 1}]}
    _, body, _ = await ask("PUT", f"products/{COUNTED}", sent)

    assert (body["description"], body["price"], body["on_sale"]) == ("New", "4.00", True)
    assert await operations(sandbox) == ["update_product"]
    assert await effects(sandbox) == []


# --- webhooks -------------------------------------------------------------------------------------------------------


async def subscribe(ask: Ask, topic: str = "order.updated", **changed: Any) -> Any:
    sent = {"name": "Quayside", "topic": topic, "delivery_url": HOOK, "secret": "shh", **changed}
    status, body, _ = await ask("POST", "webhooks", sent)

    assert status == 201, body
    return body


async def test_every_event_is_delivered_signed_over_its_raw_body(sandbox: Sandbox, ask: Ask) -> None:
    await ask("PUT", f"orders/{PAID}", {"status": "completed"})
    await ask("PUT", f"products/{COUNTED}", {"stock_quantity": 3})
    first, second = await deliveries(sandbox)
    digest = hmac.new(SECRET.encode(), first["body"].encode(), hashlib.sha256).digest()
    order = (await ask("GET", f"orders/{PAID}"))[1]

    assert (first["type"], second["type"]) == ("order.updated", "product.updated")
    assert first["headers"]["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()
    assert {name: first["headers"][f"X-WC-Webhook-{name}"] for name in ("Topic", "Resource", "Event", "Source")} == {
        "Topic": "order.updated",
        "Resource": "order",
        "Event": "updated",
        "Source": f"{sandbox.url}/woocommerce/",
    }
    assert json.loads(first["body"]) == order
    assert json.loads(second["body"])["stock_quantity"] == 3
    assert "\\/" in first["body"]


async def test_a_new_order_is_told_with_the_stock_it_takes(sandbox: Sandbox, ask: Ask) -> None:
    placed = await sandbox.control("POST", "woocommerce/orders", {"country": "JP"})
    made = await deliveries(sandbox)
    (order,) = placed["orders"]

    assert made[0]["type"] == "order.created"
    assert json.loads(made[0]["body"])["id"] == order["id"]
    assert {one["type"] for one in made} == {"order.created", "order.updated", "product.updated"}
    assert [kind for kind, *_ in await effects(sandbox)] == ["order"]
    assert (await ask("GET", "orders?per_page=1"))[1][0]["id"] == order["id"]


async def test_deliveries_of_one_second_have_the_same_id(sandbox: Sandbox, ask: Ask) -> None:
    await ask("PUT", f"orders/{PAID}", {"customer_note": "a"})
    await ask("PUT", f"orders/{HELD}", {"customer_note": "b"})
    sandbox.clock.move(1)
    await ask("PUT", f"orders/{PAID}", {"customer_note": "c"})
    ids = [one["headers"]["X-WC-Webhook-Delivery-ID"] for one in await deliveries(sandbox)]

    assert ids[0] == ids[1]
    assert ids[2] != ids[0]


async def test_a_webhook_begins_with_a_ping_and_hears_its_topic_alone(sandbox: Sandbox, ask: Ask) -> None:
    await ask("PUT", f"orders/{PAID}", {"customer_note": "before"})
    made = await subscribe(ask, status="paused")
    sandbox.clock.move(5)
    await ask("PUT", f"orders/{PAID}", {"customer_note": "after"})
    await ask("PUT", f"products/{COUNTED}", {"stock_quantity": 3})
    ping, event = await deliveries(sandbox, secret="not this one")
    digest = hmac.new(b"shh", event["body"].encode(), hashlib.sha256).digest()

    assert (made["status"], made["resource"], made["event"]) == ("active", "order", "updated")
    assert "secret" not in made
    assert (ping["type"], ping["body"]) == ("ping", f"webhook_id={made['id']}")
    assert "X-WC-Webhook-Signature" not in ping["headers"]
    assert json.loads(event["body"])["customer_note"] == "after"
    assert event["headers"]["X-WC-Webhook-ID"] == str(made["id"])
    assert event["headers"]["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()


async def test_a_webhook_that_fails_too_often_is_disabled_until_it_is_made_active(sandbox: Sandbox, ask: Ask) -> None:
    made = await subscribe(ask)
    failed = [
        await sandbox.control("POST", "woocommerce/failures", {"id": made["id"], "count": count}) for count in (6, 1)
    ]
    sandbox.clock.move(5)
    await ask("PUT", f"orders/{PAID}", {"customer_note": "unheard"})
    _, disabled, _ = await ask("GET", "webhooks?status=disabled")
    again = await ask("PUT", f"webhooks/{made['id']}", {"status": "active"})
    sandbox.clock.move(5)
    await ask("PUT", f"orders/{PAID}", {"customer_note": "heard"})
    bodies = [one["body"] for one in (await deliveries(sandbox))[1:]]

    assert [one["status"] for one in failed] == ["active", "disabled"]
    assert ([one["id"] for one in disabled], again[1]["status"]) == ([made["id"]], "active")
    assert [json.loads(body)["customer_note"] for body in bodies] == ["heard"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"topic": "order.shipped", "delivery_url": HOOK}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"topic": "order.updated", "delivery_url": "ftp://x"}, "woocommerce_rest_shop_webhook_invalid_delivery_url"),
        ({"topic": "order.updated"}, "rest_missing_callback_param"),
    ],
)
async def test_a_webhook_that_cannot_be_is_refused(ask: Ask, sent: Any, code: str) -> None:
    status, body, _ = await ask("POST", "webhooks", sent)

    assert (status, body["code"]) == (400, code)


async def test_a_webhook_is_deleted_only_for_good(ask: Ask) -> None:
    made = await subscribe(ask)
    kept, gone = await ask("DELETE", f"webhooks/{made['id']}"), await ask("DELETE", f"webhooks/{made['id']}?force=true")

    assert (kept[0], kept[1]["code"]) == (501, "woocommerce_rest_trash_not_supported")
    assert (gone[0], (await ask("GET", "webhooks"))[1]) == (200, [])


# --- what tests may order -------------------------------------------------------------------------------------------


async def test_sales_may_be_ordered_and_come_in_by_themselves(sandbox: Sandbox, ask: Ask) -> None:
    placed = await sandbox.control("POST", "woocommerce/orders", {"count": 2, "currency": "KWD"})
    refused = await sandbox.control("POST", "woocommerce/orders", {"count": 0})
    await setting(sandbox, order_seconds=30)
    await ask("GET", "orders")
    sandbox.clock.move(95)
    _, _, headers = await ask("GET", "orders")

    assert len({order["id"] for order in placed["orders"]}) == 2
    assert "error" in refused
    assert int(headers["X-WP-Total"]) in (48 + 2 + 3, 48 + 2 + 4)


async def test_stock_may_be_counted_at_the_store_itself(sandbox: Sandbox, ask: Ask) -> None:
    sku = (await ask("GET", f"products/{COUNTED}"))[1]["sku"]
    done = await sandbox.control("PUT", "woocommerce/stock", {sku: 2, "GIFT-BOX-S": 1})
    refused = await sandbox.control("PUT", "woocommerce/stock", {"SRV-ENGRAVE": 2})
    shown = {one["id"]: one["quantity"] for one in await sandbox.control("GET", "woocommerce/stock")}

    assert (done, "error" in refused) == ({"set": 2}, True)
    assert (shown[COUNTED], shown[GIFT], shown[ENGRAVING]) == (2, 1, None)
    assert await effects(sandbox) == []


async def test_the_same_seed_opens_the_same_store_and_later_ids_are_new(start: Start) -> None:
    first, second = await start("woocommerce", seed=11), await start("woocommerce", seed=11)
    orders = [(await asking(one)("GET", "orders?per_page=100"))[1] for one in (first, second)]
    totals = [[(order["id"], order["total"], order["billing"]["email"]) for order in found] for found in orders]
    placed = await first.control("POST", "woocommerce/orders", {})
    first.clock.move(3_600)
    await first.control("POST", "reset")
    again = await first.control("POST", "woocommerce/orders", {})

    assert totals[0] == totals[1]
    assert placed["orders"][0]["id"] < again["orders"][0]["id"]


async def test_a_plug_in_may_number_orders_its_own_way(start: Start) -> None:
    sandbox = await start("woocommerce", settings={"woocommerce": {"number_prefix": "QS-"}})
    _, order, _ = await asking(sandbox)("GET", f"orders/{PAID}")

    assert (order["id"], order["number"]) == (PAID, f"QS-{PAID}")
