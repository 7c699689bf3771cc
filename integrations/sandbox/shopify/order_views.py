"""Orders, their lines, money and customers as the schema shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from integrations.sandbox.shopify import fulfilment_views
from integrations.sandbox.shopify.connection import Entry, late, listed, page
from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.shopify.money import SHOP_CURRENCY, ZERO, Amount, bag, money
from integrations.sandbox.shopify.places import country_name, province
from integrations.sandbox.shopify.product_views import location, product, product_variant
from integrations.sandbox.shopify.records import Line, Order, Refund, RefundLine, Transaction
from integrations.sandbox.shopify.shop import Shop, moment
from integrations.sandbox.shopper import Customer

View = dict[str, Any]
# What is the same for every order of this shop.
_SAME: View = {
    "canNotifyCustomer": True,
    "capturable": False,
    "clientIp": None,
    "confirmed": True,
    "customerAcceptsMarketing": False,
    "customerLocale": "en",
    "discountCode": None,
    "discountCodes": [],
    "dutiesIncluded": False,
    "edited": False,
    "estimatedTaxes": False,
    "hasTimelineComment": False,
    "merchantEditable": True,
    "merchantEditableErrors": [],
    "requiresShipping": True,
    "returnStatus": "NO_RETURN",
    "sourceIdentifier": None,
    "sourceName": "web",
    "taxExempt": False,
    "taxesIncluded": False,
    "billingAddressMatchesShippingAddress": True,
}


def order(shop: Shop, one: Order) -> View:
    """Return an ``Order``. Money: ``shopMoney`` is dollars whatever the customer paid in."""
    return {
        "__typename": "Order",
        **_SAME,
        **_state(one),
        **_sums(one),
        **_parts(shop, one),
        "id": gid("Order", one.id),
        "legacyResourceId": str(one.id),
        "name": one.name,
        "number": one.number,
        "confirmationNumber": f"QY{one.number:07d}",
        "email": one.email or None,
        "phone": one.phone,
        "note": one.note,
        "poNumber": one.po_number,
        "tags": one.tags,
        "customAttributes": [{"key": key, "value": value} for key, value in one.attributes],
        "currencyCode": SHOP_CURRENCY,
        "presentmentCurrencyCode": one.currency,
        "test": one.test,
        "createdAt": moment(one.placed_at),
        "processedAt": moment(one.placed_at),
        "updatedAt": moment(one.updated_at),
        "totalWeight": str(_grams(one.lines, lambda line: line.quantity)),
        "currentTotalWeight": str(_grams(one.lines, lambda line: line.current)),
        "paymentGatewayNames": sorted({each.gateway for each in one.transactions}),
    }


def _state(one: Order) -> View:
    left = one.received.shop - one.refunded.shop
    return {
        "displayFinancialStatus": one.financial_status,
        "displayFulfillmentStatus": one.fulfilment_status,
        "cancelledAt": moment(one.cancelled_at),
        "cancelReason": one.cancel_reason,
        "cancellation": None if one.cancelled_at is None else {"staffNote": one.staff_note},
        "closed": one.closed_at is not None,
        "closedAt": moment(one.closed_at),
        "canMarkAsPaid": one.cancelled_at is None and one.outstanding.shop > 0,
        "fulfillable": any(each.status in ("OPEN", "IN_PROGRESS") for each in one.fulfilment_orders),
        "fullyPaid": one.received.shop >= one.total.shop,
        "unpaid": one.received.shop < one.total.shop,
        "refundable": left > 0,
        "restockable": any(line.current for line in one.lines),
        "subtotalLineItemsQuantity": sum(line.quantity for line in one.lines),
        "currentSubtotalLineItemsQuantity": sum(line.current for line in one.lines),
    }


def _sums(one: Order) -> View:
    sums = {
        "subtotalPriceSet": one.goods,
        "currentSubtotalPriceSet": one.current_goods,
        "totalPriceSet": one.total,
        "originalTotalPriceSet": one.total,
        "currentTotalPriceSet": one.current_total,
        "totalTaxSet": one.tax,
        "currentTotalTaxSet": one.current_tax,
        "totalShippingPriceSet": one.shipping,
        "currentShippingPriceSet": one.shipping,
        "totalDiscountsSet": ZERO,
        "currentTotalDiscountsSet": ZERO,
        "totalReceivedSet": one.received,
        "totalRefundedSet": one.refunded,
        "totalRefundedShippingSet": ZERO,
        "netPaymentSet": one.received - one.refunded,
        "totalOutstandingSet": one.outstanding,
        "totalCapturableSet": ZERO,
        "totalTipReceivedSet": ZERO,
    }
    return {name: bag(amount, one.currency) for name, amount in sums.items()}


def _parts(shop: Shop, one: Order) -> View:
    lines = listed([(line.id, line) for line in one.lines], lambda line: line_item(shop, one, line))
    shipping = _shipping_line(one)
    there = [Entry(id=1, value=1, view=lambda: shipping)]
    orders = listed(
        [(each.id, each) for each in one.fulfilment_orders], lambda each: fulfilment_views.fulfilment_order(shop, each)
    )
    return {
        "customer": lambda info: customer(shop, one.customer),
        "shippingAddress": address(one.customer, one),
        "billingAddress": address(one.customer, one),
        "displayAddress": address(one.customer, one),
        "lineItems": lambda info, **arguments: page(lines, arguments),
        "nonFulfillableLineItems": lambda info, **arguments: page([], arguments),
        "shippingLine": shipping,
        "shippingLines": lambda info, **arguments: page(there, arguments),
        "taxLines": _tax_lines(one, one.tax),
        "currentTaxLines": _tax_lines(one, one.current_tax),
        "fulfillmentOrders": lambda info, **arguments: page(orders, arguments),
        "fulfillments": lambda info, first=None, query=None: [
            fulfilment_views.fulfilment(shop, each) for each in one.fulfilments[:first]
        ],
        "fulfillmentsCount": {"count": len(one.fulfilments), "precision": "EXACT"},
        "refunds": lambda info, first=None: [refund(shop, each) for each in one.refunds[:first]],
        "transactions": lambda info, first=None, capturable=None, **_: [
            transaction(shop, one, each) for each in one.transactions[:first] if not capturable
        ],
        "transactionsCount": {"count": len(one.transactions), "precision": "EXACT"},
    }


def line_item(shop: Shop, one: Order, line: Line) -> View:
    """Return a ``LineItem``."""
    unsent = max(0, line.current - line.fulfilled)
    unit, whole = bag(line.price, one.currency), bag(line.price * line.quantity, one.currency)
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", line.id),
        "title": line.variant.title,
        "name": line.variant.title,
        "variantTitle": None,
        "sku": line.variant.sku or None,
        "vendor": "Quayside",
        "quantity": line.quantity,
        "currentQuantity": line.current,
        "unfulfilledQuantity": unsent,
        "refundableQuantity": line.current,
        "nonFulfillableQuantity": 0,
        "isGiftCard": False,
        "merchantEditable": True,
        "requiresShipping": True,
        "restockable": True,
        "taxable": True,
        "customAttributes": [],
        "originalUnitPriceSet": unit,
        "discountedUnitPriceSet": unit,
        "discountedUnitPriceAfterAllDiscountsSet": unit,
        "originalTotalSet": whole,
        "discountedTotalSet": lambda info, **_: whole,
        "totalDiscountSet": bag(ZERO, one.currency),
        "unfulfilledOriginalTotalSet": bag(line.price * unsent, one.currency),
        "unfulfilledDiscountedTotalSet": bag(line.price * unsent, one.currency),
        "taxLines": lambda info, first=None: _tax_lines(one, line.tax),
        "variant": lambda info: product_variant(shop, line.variant),
        "product": lambda info: product(shop, line.variant),
    }


def transaction(shop: Shop, one: Order, each: Transaction) -> View:
    """Return an ``OrderTransaction``."""
    sale = each.kind == "SALE"
    left = one.received.shop - one.refunded.shop
    return {
        "__typename": "OrderTransaction",
        "id": gid("OrderTransaction", each.id),
        "kind": each.kind,
        "status": "SUCCESS",
        "gateway": each.gateway,
        "formattedGateway": "Shopify Payments",
        "accountNumber": "•••• •••• •••• 4242",
        "amountSet": bag(each.amount, one.currency),
        "totalUnsettledSet": bag(ZERO, one.currency),
        "authorizationExpiresAt": None,
        "errorCode": None,
        "manualPaymentGateway": False,
        "manuallyCapturable": False,
        "multiCapturable": False,
        "maximumRefundableV2": money(left, SHOP_CURRENCY) if sale else None,
        "paymentId": f"{one.name}.{one.transactions.index(each) + 1}",
        "settlementCurrency": SHOP_CURRENCY,
        "test": one.test,
        "createdAt": moment(each.at),
        "processedAt": moment(each.at),
        "order": lambda info: order(shop, one),
        "parentTransaction": lambda info: None if each.parent is None else transaction(shop, one, each.parent),
    }


def refund(shop: Shop, each: Refund) -> View:
    """Return a ``Refund``."""
    one = each.order
    lines = listed([(line.id, line) for line in each.lines], lambda line: _refund_line(shop, one, line))
    paid = listed([(part.id, part) for part in each.transactions], lambda part: transaction(shop, one, part))
    return {
        "__typename": "Refund",
        "id": gid("Refund", each.id),
        "legacyResourceId": str(each.id),
        "note": each.note,
        "createdAt": moment(each.at),
        "processedAt": moment(each.at),
        "updatedAt": moment(each.at),
        "totalRefundedSet": bag(each.total, one.currency),
        "order": lambda info: order(shop, one),
        "refundLineItems": lambda info, **arguments: page(lines, arguments),
        "transactions": lambda info, **arguments: page(paid, arguments),
    }


def customer(shop: Shop, person: Customer) -> View:
    """Return a ``Customer``, known by the mail address."""
    number = 8_900_000_000_000 + int("".join(sign for sign in person.email if sign.isdigit()) or 0)
    first, _, last = person.name.partition(" ")
    theirs = [one for one in shop.orders.values() if one.customer.email == person.email]
    spent = sum((one.received - one.refunded for one in theirs), ZERO)
    opened = min(one.placed_at for one in theirs)
    entries = [Entry(id=one.id, value=one.id, view=late(order, shop, one)) for one in theirs]
    return {
        "__typename": "Customer",
        "id": gid("Customer", number),
        "legacyResourceId": str(number),
        "firstName": first,
        "lastName": last,
        "displayName": person.name,
        "email": person.email,
        "phone": person.phone,
        "defaultEmailAddress": {"emailAddress": person.email, "validFormat": True},
        "defaultPhoneNumber": {"phoneNumber": person.phone},
        "locale": "en",
        "note": None,
        "state": "DISABLED",
        "tags": [],
        "taxExempt": False,
        "verifiedEmail": True,
        "canDelete": False,
        "numberOfOrders": str(len(theirs)),
        "amountSpent": money(spent.shop, SHOP_CURRENCY),
        "createdAt": moment(opened),
        "updatedAt": moment(max(one.updated_at for one in theirs)),
        "defaultAddress": address(person, theirs[0]),
        "orders": lambda info, **arguments: page(entries, arguments),
    }


def address(person: Customer, one: Order) -> View:
    """Return a ``MailingAddress``; what an address has none of is null, not ''."""
    first, _, last = person.name.partition(" ")
    country, (province_code, province_name) = country_name(person.country), province(person.country, person.state)

    def formatted(info: Any, withName: bool = False, withCompany: bool = True) -> list[str]:  # noqa: N803  # GraphQL's
        name = [person.name] if withName else []
        return [
            *name,
            *person.lines,
            " ".join(part for part in (person.city, person.state, person.postal_code) if part),
            country,
        ]

    return {
        "__typename": "MailingAddress",
        "id": f"{gid('MailingAddress', one.id)}?model_name=Address",
        "firstName": first,
        "lastName": last,
        "name": person.name,
        "company": None,
        "address1": person.lines[0],
        "address2": person.lines[1] if len(person.lines) > 1 else None,
        "city": person.city,
        "province": province_name,
        "provinceCode": province_code,
        "country": country,
        "countryCodeV2": person.country,
        "zip": person.postal_code or None,
        "phone": person.phone,
        "formatted": formatted,
        "formattedArea": f"{person.city}, {country}",
        "coordinatesValidated": False,
        "latitude": None,
        "longitude": None,
        "timeZone": None,
    }


def _refund_line(shop: Shop, one: Order, line: RefundLine) -> View:
    place = line.location
    return {
        "id": gid("RefundLineItem", line.id),
        "lineItem": lambda info: line_item(shop, one, line.line),
        "location": None if place is None else lambda info: location(shop, place),
        "quantity": line.quantity,
        "restockType": line.restock,
        "restocked": line.restock in ("RETURN", "CANCEL"),
        "priceSet": bag(line.line.price, one.currency),
        "subtotalSet": bag(line.subtotal, one.currency),
        "totalTaxSet": bag(line.tax, one.currency),
    }


def _shipping_line(one: Order) -> View:
    price = bag(one.shipping, one.currency)
    return {
        "id": gid("ShippingLine", one.id),
        "title": "Standard",
        "code": "Standard",
        "source": "shopify",
        "carrierIdentifier": None,
        "custom": False,
        "deliveryCategory": None,
        "isRemoved": False,
        "phone": None,
        "originalPriceSet": price,
        "discountedPriceSet": price,
        "currentDiscountedPriceSet": price,
        "taxLines": [],
    }


def _tax_lines(one: Order, amount: Amount) -> list[View]:
    if not one.tax_rate:
        return []
    return [
        {
            "title": "Tax",
            "rate": float(one.tax_rate),
            "ratePercentage": float(one.tax_rate * 100),
            "source": "Shopify",
            "channelLiable": False,
            "priceSet": bag(amount, one.currency),
        }
    ]


def _grams(lines: Sequence[Line], count: Callable[[Line], int]) -> int:
    weights = ((line.variant.item.weight_kg if line.variant.item else Decimal(0)) * count(line) for line in lines)
    return int(sum(weights, Decimal(0)) * 1000)
