"""Fulfilment orders and fulfilments as the schema shows them."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify import order_views
from integrations.sandbox.shopify.connection import listed, page
from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.shopify.money import bag
from integrations.sandbox.shopify.places import province
from integrations.sandbox.shopify.product_views import location, product_variant
from integrations.sandbox.shopify.records import Fulfilment, FulfilmentOrder, FulfilmentOrderLine, Line, Order
from integrations.sandbox.shopify.shop import Shop, moment

View = dict[str, Any]
_ACTIONS = {
    "OPEN": ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"),
    "IN_PROGRESS": ("CREATE_FULFILLMENT", "MARK_AS_OPEN"),
    "ON_HOLD": ("RELEASE_HOLD", "HOLD", "MOVE"),
}


def fulfilment_order(shop: Shop, one: FulfilmentOrder) -> View:
    """Return a ``FulfillmentOrder``."""
    lines = listed([(row.id, row) for row in one.lines], lambda row: _row(shop, one.order, row))
    parcels = listed(
        [(each.id, each) for each in one.order.fulfilments if one in each.fulfilment_orders],
        lambda each: fulfilment(shop, each),
    )
    person = one.order.customer
    return {
        "__typename": "FulfillmentOrder",
        "id": gid("FulfillmentOrder", one.id),
        "status": one.status,
        "requestStatus": "CLOSED" if one.status == "CLOSED" else "UNSUBMITTED",
        "supportedActions": [{"action": action, "externalUrl": None} for action in _ACTIONS.get(one.status, ())],
        "assignedLocation": {
            "name": one.location.name,
            "address1": one.location.lines,
            "address2": None,
            "city": one.location.city,
            "countryCode": one.location.country,
            "phone": None,
            "province": one.location.province,
            "zip": one.location.zip,
            "location": lambda info: location(shop, one.location),
        },
        "destination": {
            "__typename": "FulfillmentOrderDestination",
            "id": gid("FulfillmentOrderDestination", one.id),
            "firstName": person.name.partition(" ")[0],
            "lastName": person.name.partition(" ")[2],
            "company": None,
            "address1": person.lines[0],
            "address2": person.lines[1] if len(person.lines) > 1 else None,
            "city": person.city,
            "province": province(person.country, person.state)[1],
            "zip": person.postal_code or None,
            "countryCode": person.country,
            "email": one.order.email,
            "phone": person.phone,
            "location": None,
        },
        "deliveryMethod": {
            "__typename": "DeliveryMethod",
            "id": gid("DeliveryMethod", one.id),
            "methodType": "SHIPPING",
            "presentedName": "Standard",
            "serviceCode": None,
            "minDeliveryDateTime": None,
            "maxDeliveryDateTime": None,
        },
        "fulfillmentHolds": [_hold(one)] if one.status == "ON_HOLD" else [],
        "channelId": None,
        "orderId": gid("Order", one.order.id),
        "orderName": one.order.name,
        "orderProcessedAt": moment(one.order.placed_at),
        "createdAt": moment(one.created_at),
        "updatedAt": moment(one.updated_at),
        "fulfillAt": moment(one.created_at),
        "fulfillBy": None,
        "order": lambda info: order_views.order(shop, one.order),
        "lineItems": lambda info, **arguments: page(lines, arguments),
        "fulfillments": lambda info, **arguments: page(parcels, arguments),
    }


def fulfilment(shop: Shop, one: Fulfilment) -> View:
    """Return a ``Fulfillment``."""
    lines = listed(
        [(number, (number, line, quantity)) for number, line, quantity in one.lines],
        lambda entry: _sent(shop, one.order, *entry),
    )
    orders = listed([(each.id, each) for each in one.fulfilment_orders], lambda each: fulfilment_order(shop, each))
    return {
        "__typename": "Fulfillment",
        "id": gid("Fulfillment", one.id),
        "legacyResourceId": str(one.id),
        "name": one.name,
        "status": "CANCELLED" if one.cancelled else "SUCCESS",
        "displayStatus": "CANCELED" if one.cancelled else "FULFILLED",
        "totalQuantity": sum(quantity for _, _, quantity in one.lines),
        "requiresShipping": True,
        "createdAt": moment(one.created_at),
        "updatedAt": moment(one.updated_at),
        "deliveredAt": None,
        "inTransitAt": None,
        "estimatedDeliveryAt": None,
        "trackingInfo": lambda info, first=None: _tracking(one)[:first],
        "location": lambda info: location(shop, one.fulfilment_orders[0].location),
        "order": lambda info: order_views.order(shop, one.order),
        "fulfillmentLineItems": lambda info, **arguments: page(lines, arguments),
        "fulfillmentOrders": lambda info, **arguments: page(orders, arguments),
    }


def _tracking(one: Fulfilment) -> list[View]:
    count = max(len(one.numbers), len(one.urls), 1 if one.company else 0)
    return [
        {
            "number": one.numbers[place] if place < len(one.numbers) else None,
            "url": one.urls[place] if place < len(one.urls) else None,
            "company": one.company,
        }
        for place in range(count)
    ]


def _row(shop: Shop, order: Order, row: FulfilmentOrderLine) -> View:
    line = row.line
    return {
        "__typename": "FulfillmentOrderLineItem",
        "id": gid("FulfillmentOrderLineItem", row.id),
        "totalQuantity": row.total,
        "remainingQuantity": row.remaining,
        "inventoryItemId": gid("InventoryItem", line.variant.inventory_item_id),
        "productTitle": line.variant.title,
        "variantTitle": None,
        "sku": line.variant.sku or None,
        "vendor": "Quayside",
        "requiresShipping": True,
        "weight": {"unit": "KILOGRAMS", "value": float(line.variant.item.weight_kg)} if line.variant.item else None,
        "lineItem": lambda info: order_views.line_item(shop, order, line),
        "variant": lambda info: product_variant(shop, line.variant),
    }


def _sent(shop: Shop, order: Order, number: int, line: Line, quantity: int) -> View:
    total = bag(line.price * quantity, order.currency)
    return {
        "__typename": "FulfillmentLineItem",
        "id": gid("FulfillmentLineItem", number),
        "quantity": quantity,
        "lineItem": lambda info: order_views.line_item(shop, order, line),
        "originalTotalSet": total,
        "discountedTotalSet": total,
    }


def _hold(one: FulfilmentOrder) -> View:
    return {
        "__typename": "FulfillmentHold",
        "id": gid("FulfillmentHold", one.id),
        "reason": "AWAITING_PAYMENT",
        "displayReason": "Awaiting payment",
        "reasonNotes": None,
        "handle": None,
        "heldByRequestingApp": False,
    }
