"""WooCommerce's adapter against the sandbox's shop, over a real connection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from integrations.adapter import Delivery
from integrations.errors import DeliveryRefused, HttpFailed, SchemaDrift
from integrations.types.store import Fulfilment, StockSet
from integrations.vendors.woocommerce import WooCommerce
from integrations.vendors.woocommerce.declaration import VENDOR
from tests.integrations.vendors.exchange import NOON
from tests.integrations.vendors.wire import Wire, on_the_wire

ORDERS, ORDER, STOCK, SET, FULFIL = (dict(operation.example) for operation in VENDOR.operations)
URL, SECRET = "https://quayside.example/webhooks/woocommerce", "quayside-webhook-secret"


def of(wire: Wire) -> WooCommerce:
    assert isinstance(wire.adapter, WooCommerce)
    return wire.adapter


async def all_of(wire: Wire, operation: str, field: str, **value: Any) -> list[Any]:
    found: list[Any] = []
    cursor = ""
    while True:
        page = await wire.call(operation, {**value, "cursor": cursor})
        found += getattr(page, field)
        if not (cursor := page.next_cursor):
            return found


async def test_an_order_is_placed_listed_and_sent_once() -> None:
    async with on_the_wire("woocommerce") as wire:
        placed = await wire.control("POST", "woocommerce/orders", {"count": 1})
        since = (datetime.fromtimestamp(wire.time, UTC) - timedelta(minutes=1)).isoformat()
        page = await wire.call("list_orders", {"modified_since": since})
        newest = page.orders[-1]
        asked = {**FULFIL, "order_id": newest.order_id}
        value = Fulfilment.model_validate(asked)
        before = await of(wire).look_up_mark_fulfilled(wire.exchange("mark_fulfilled"), value)
        sent = await wire.call("mark_fulfilled", asked)
        again = await wire.call("mark_fulfilled", asked)
        looked = await of(wire).look_up_mark_fulfilled(wire.exchange("mark_fulfilled"), value)
        after = await wire.call("get_order", {"order_id": newest.order_id})
        effects = [one["kind"] for one in await wire.effects()]

    assert newest.order_id == str(placed["orders"][0]["id"])
    assert newest.lines
    assert before is None
    assert (sent.already, again.already) == (False, True)
    assert looked is not None
    assert looked.fulfilment_id == sent.fulfilment_id == again.fulfilment_id
    assert after.status == "completed"
    assert (effects.count("fulfilment"), effects.count("message")) == (1, 1)


async def test_all_orders_come_page_by_page_each_once() -> None:
    async with on_the_wire("woocommerce") as wire:
        found = await all_of(wire, "list_orders", "orders", limit=7)

    assert len({one.order_id for one in found}) == len(found) == 48
    assert {one.status for one in found} == {"open", "paid", "completed", "cancelled", "refunded"}
    assert {"JPY", "KWD"} <= {one.currency for one in found}


async def test_all_that_is_counted_comes_and_nothing_else() -> None:
    async with on_the_wire("woocommerce") as wire:
        found = await all_of(wire, "list_stock", "levels", limit=9)
        shown = await wire.control("GET", "woocommerce/stock")
        named = await all_of(wire, "list_stock", "levels", limit=9, skus=[one.sku for one in found])

    told = {one.sku: one.quantity for one in found}
    assert len(told) == len(found)
    # The two that count with their product are not told: that would be the same stock three times.
    assert {one["sku"] for one in shown if one["managed"]} - told.keys() == {"GIFT-BOX-S", "GIFT-BOX-L"}
    assert all(one["quantity"] == told[one["sku"]] for one in shown if one["sku"] in told)
    assert {one.sku: one.quantity for one in named} == told


async def test_stock_is_set_once_and_a_level_that_moved_is_left_alone() -> None:
    async with on_the_wire("woocommerce") as wire:
        skus = ["TOY-00001", "BAG-00002", "ELE-00034"]  # two variations and a product
        before = {one.sku: one.quantity for one in (await wire.call("list_stock", {"skus": skus})).levels}
        asked = {
            "reference": "run-9",
            "levels": [
                {"sku": skus[0], "quantity": "3", "expected": str(before[skus[0]])},
                {"sku": skus[1], "quantity": "4", "expected": str(before[skus[1]] + 1)},
                {"sku": skus[2], "quantity": "0"},
                {"sku": "NO-SUCH", "quantity": "5"},
                {"sku": "SRV-ENGRAVE", "quantity": "5"},
                {"sku": "GIFT-BOX-S", "quantity": "5"},
            ],
        }
        done = await wire.call("set_stock", asked)
        again = await wire.call("set_stock", asked)
        after = {one.sku: one.quantity for one in (await wire.call("list_stock", {"skus": skus})).levels}
        effects = [one for one in await wire.effects() if one["kind"] == "stock"]

    assert done.written == again.written == 2
    assert {one.sku: one.error_type for one in done.refused} == {
        skus[1]: "stock_moved",
        "NO-SUCH": "unknown_sku",
        "SRV-ENGRAVE": "not_managed",
        "GIFT-BOX-S": "not_managed",
    }
    assert after == {skus[0]: 3, skus[1]: before[skus[1]], skus[2]: 0}
    assert len(effects) == 2


async def test_a_lost_answer_to_a_level_is_found_by_reading_it() -> None:
    fault = {"vendor": "woocommerce", "operation": "set_stock", "fault": "lost_answer", "rate": 1.0}
    value = StockSet.model_validate(SET)
    async with on_the_wire("woocommerce") as wire:
        nothing = await of(wire).look_up_set_stock(wire.exchange("set_stock"), value)
        await wire.control("POST", "faults", [fault])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("set_stock", SET)
        await wire.control("DELETE", "faults")
        found = await of(wire).look_up_set_stock(wire.exchange("set_stock"), value)
        effects = [one for one in await wire.effects() if one["kind"] == "stock"]

    assert nothing is None
    assert found is not None
    assert len(effects) == 1


async def test_a_bad_credential_is_said_as_that() -> None:
    async with on_the_wire("woocommerce") as wire:
        wire.adapter = WooCommerce({"CONSUMER_KEY": "ck_invalid", "CONSUMER_SECRET": "cs_invalid"})
        with pytest.raises(HttpFailed) as caught:
            await wire.call("list_orders", ORDERS)

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


@pytest.mark.parametrize(
    ("settings", "operation", "error_type"),
    [
        ({"strip_authorization": True}, "list_orders", "unauthorized"),
        ({"permissions": "read"}, "set_stock", "unauthorized"),
        ({"forbidden": ["orders"]}, "get_order", "forbidden"),
        ({"blocked_methods": ["PUT"]}, "mark_fulfilled", "blocked"),
    ],
    ids=["a-proxy-took-the-header", "a-key-that-may-only-read", "a-user-without-rights", "a-host-without-put"],
)
async def test_what_a_shop_s_own_set_up_refuses_is_its_configuration(
    settings: dict[str, Any], operation: str, error_type: str
) -> None:
    example = next(dict(one.example) for one in VENDOR.operations if one.name == operation)
    async with on_the_wire("woocommerce", **settings) as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call(operation, example)

    assert (caught.value.error_type, caught.value.fault) == (error_type, "configuration")


async def test_an_order_that_is_not_there_is_not_found() -> None:
    async with on_the_wire("woocommerce") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_order", {"order_id": "999999"})

    assert (caught.value.error_type, caught.value.fault) == ("not_found", "ours")


async def test_a_shop_that_shows_php_s_warnings_works_all_the_same() -> None:
    async with on_the_wire("woocommerce", php_warnings=True) as wire:
        for operation in VENDOR.operations:
            await wire.call(operation.name, operation.example)
        effects = [one["kind"] for one in await wire.effects()]

    assert sorted(effects) == ["fulfilment", "message", "stock"]


async def test_a_challenge_before_the_shop_is_never_no_orders() -> None:
    async with on_the_wire("woocommerce", challenge=True) as wire:
        with pytest.raises((SchemaDrift, HttpFailed)):
            await wire.call("list_orders", ORDERS)


@pytest.mark.parametrize("tells", [True, False])
async def test_a_host_s_429_may_tell_how_long_to_wait(tells: bool) -> None:
    fault = {"vendor": "woocommerce", "operation": None, "fault": "rate_limit:60", "rate": 1.0}
    async with on_the_wire("woocommerce", retry_after=tells) as wire:
        await wire.control("POST", "faults", [fault])
        with pytest.raises(HttpFailed) as caught:
            await wire.call("list_orders", ORDERS)

    assert (caught.value.error_type, caught.value.retry_after is not None) == ("rate_limited", tells)


async def delivered(wire: Wire) -> list[Delivery]:
    found = await wire.control("POST", "woocommerce/deliveries", {"url": URL, "secret": SECRET})
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
    async with on_the_wire("woocommerce", number_prefix="WEB-") as wire:
        await wire.control("POST", "woocommerce/orders", {"count": 2})
        page = await wire.call("list_orders", {"limit": 100})
        deliveries = await delivered(wire)
        found = [event for one in deliveries for event in await of(wire).receive(wire.exchange("list_orders"), one)]
        forged = [Delivery(url=URL, headers=one.headers, body=one.body + b" ", received_at=NOON) for one in deliveries]
        for one in forged:
            with pytest.raises(DeliveryRefused):
                await of(wire).receive(wire.exchange("list_orders"), one)

    made = [event for event in found if event.type == "order.created"]
    assert len({event.resource for event in made}) == 2
    assert {event.resource for event in made} <= {one.order_id for one in page.orders}
    assert {event.reference for event in made} <= {one.number for one in page.orders}
    assert all(event.occurred_at is not None and not event.data for event in made)
