"""What webhooks say: the REST form of orders, fulfilments, refunds and levels. Ids are numbers, money is text.

Unlike GraphQL's, their money has the decimals of its currency, and their times the shop's own offset from UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.shopify.filters import TIME_ZONE
from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.shopify.money import SHOP_CURRENCY, Amount
from integrations.sandbox.shopify.places import country_name, province
from integrations.sandbox.shopify.records import Fulfilment, Level, Line, Order, Refund, Transaction
from integrations.sandbox.shopper import smallest

Body = dict[str, Any]
_STATUSES = {"PARTIALLY_FULFILLED": "partial", "FULFILLED": "fulfilled"}


def body_of(topic: str, thing: Any) -> Body:
    """Return the body of a topic for what it happened to."""
    return _BODIES[topic.partition("/")[0]](thing)


def _order(one: Order) -> Body:
    person = one.customer
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Order", one.id),
        "name": one.name,
        "number": one.number - 1000,
        "order_number": one.number,
        "email": one.email,
        "phone": one.phone,
        "note": one.note,
        "tags": ", ".join(one.tags),
        "test": one.test,
        "currency": SHOP_CURRENCY,
        "presentment_currency": one.currency,
        "financial_status": one.financial_status.lower(),
        "fulfillment_status": _STATUSES.get(one.fulfilment_status),
        "created_at": _moment(one.placed_at),
        "processed_at": _moment(one.placed_at),
        "updated_at": _moment(one.updated_at),
        "cancelled_at": _moment(one.cancelled_at),
        "cancel_reason": None if one.cancel_reason is None else one.cancel_reason.lower(),
        "closed_at": _moment(one.closed_at),
        "total_price": _text(one.total.shop),
        "total_price_set": _set(one.total, one.currency),
        "current_total_price": _text(one.current_total.shop),
        "current_total_price_set": _set(one.current_total, one.currency),
        "subtotal_price": _text(one.goods.shop),
        "total_tax": _text(one.tax.shop),
        "total_outstanding": _text(one.outstanding.shop),
        "taxes_included": False,
        "payment_gateway_names": sorted({each.gateway for each in one.transactions}),
        "line_items": [_line(one, line) for line in one.lines],
        "shipping_lines": [{"title": "Standard", "code": "Standard", "price": _text(one.shipping.shop)}],
        "shipping_address": {
            "name": person.name,
            "address1": person.lines[0],
            "address2": person.lines[1] if len(person.lines) > 1 else None,
            "city": person.city,
            "province": province(person.country, person.state)[1],
            "province_code": province(person.country, person.state)[0],
            "zip": person.postal_code or None,
            "country": country_name(person.country),
            "country_code": person.country,
            "phone": person.phone,
        },
        "fulfillments": [_fulfilment(each) for each in one.fulfilments],
        "refunds": [_refund(each) for each in one.refunds],
    }


def _line(one: Order, line: Line) -> Body:
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "title": line.variant.title,
        "name": line.variant.title,
        "sku": line.variant.sku,
        "variant_id": line.variant.id,
        "product_id": line.variant.product_id,
        "quantity": line.quantity,
        "current_quantity": line.current,
        "fulfillable_quantity": max(0, line.current - line.fulfilled),
        "price": _text(line.price.shop),
        "price_set": _set(line.price, one.currency),
        "taxable": True,
    }


def _fulfilment(one: Fulfilment) -> Body:
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Fulfillment", one.id),
        "order_id": one.order.id,
        "name": one.name.replace("-F", "."),
        "status": "cancelled" if one.cancelled else "success",
        "created_at": _moment(one.created_at),
        "updated_at": _moment(one.updated_at),
        "location_id": one.fulfilment_orders[0].location.id,
        "tracking_company": one.company,
        "tracking_number": next(iter(one.numbers), None),
        "tracking_numbers": list(one.numbers),
        "tracking_url": next(iter(one.urls), None),
        "tracking_urls": list(one.urls),
        "line_items": [{**_line(one.order, line), "quantity": quantity} for _, line, quantity in one.lines],
    }


def _refund(one: Refund) -> Body:
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Refund", one.id),
        "order_id": one.order.id,
        "note": one.note,
        "created_at": _moment(one.at),
        "processed_at": _moment(one.at),
        "refund_line_items": [
            {
                "id": line.id,
                "line_item_id": line.line.id,
                "quantity": line.quantity,
                "restock_type": line.restock.lower(),
                "location_id": None if line.location is None else line.location.id,
                "subtotal": _text(line.subtotal.shop),
                "total_tax": _text(line.tax.shop),
            }
            for line in one.lines
        ],
        "transactions": [_transaction(one.order, each) for each in one.transactions],
    }


def _transaction(order: Order, one: Transaction) -> Body:
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("OrderTransaction", one.id),
        "order_id": order.id,
        "kind": one.kind.lower(),
        "gateway": one.gateway,
        "status": "success",
        "amount": _text(one.amount.local, order.currency),
        "currency": order.currency,
        "parent_id": None if one.parent is None else one.parent.id,
        "created_at": _moment(one.at),
    }


def _level(one: Level) -> Body:
    return {
        "inventory_item_id": one.variant.inventory_item_id,
        "location_id": one.location.id,
        "available": one.available,
        "updated_at": _moment(one.updated_at),
        "admin_graphql_api_id": (
            f"{gid('InventoryLevel', one.location.id + 1_000)}?inventory_item_id={one.variant.inventory_item_id}"
        ),
    }


_BODIES: dict[str, Callable[[Any], Body]] = {
    "orders": _order,
    "fulfillments": _fulfilment,
    "refunds": _refund,
    "inventory_levels": _level,
}


def _set(amount: Amount, currency: str) -> Body:
    return {
        "shop_money": {"amount": _text(amount.shop), "currency_code": SHOP_CURRENCY},
        "presentment_money": {"amount": _text(amount.local, currency), "currency_code": currency},
    }


def _text(value: Decimal, currency: str = SHOP_CURRENCY) -> str:
    return f"{value.quantize(smallest(currency)):f}"


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(int(at), ZoneInfo(TIME_ZONE)).isoformat()
