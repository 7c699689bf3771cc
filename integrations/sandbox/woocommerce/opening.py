"""The store before anybody asks: a few dozen orders in every status, from three months ago to twenty minutes ago."""

from __future__ import annotations

from decimal import Decimal

from integrations.sandbox.storefront import Sale, Sales
from integrations.sandbox.woocommerce import refunds
from integrations.sandbox.woocommerce.records import Meta, Order
from integrations.sandbox.woocommerce.shop import Shop

_DAY = 86_400.0
TRACKING = "_wc_shipment_tracking_items"  # where the store's shipment plug-in keeps its parcels, as a list of objects


def open_shop(shop: Shop, sales: Sales) -> None:
    """Place and settle the opening sales; nothing of it is news."""
    for sale in sales.opening():
        at = shop.now() - sale.age
        _settle(shop, shop.place(sale, at), sale, at)
    shop.start_trading()


def _settle(shop: Shop, order: Order, sale: Sale, at: float) -> None:
    def later(days: float) -> float:
        """Return a time after the order was placed, but not after now."""
        return min(at + days * _DAY, shop.now() - 60)

    if sale.test:
        shop.set_status(order, "failed", later(0.01))
        return
    match sale.fate:
        case "part_sent":
            # The store knows no part of a shipment: a note is all there is of it.
            shop.note(order, "1 item shipped with UPS, the rest follows.", later(0.5), for_customer=True)
        case "sent":
            _send(shop, order, later(1))
        case "part_refunded":
            _send(shop, order, later(1))
            _refund(shop, order, later(6), order.lines[0].total / order.lines[0].quantity)
        case "refunded":
            _send(shop, order, later(1))
            _refund(shop, order, later(7), order.total)
        case "cancelled":
            shop.set_status(order, "cancelled", later(0.2))
        case _:
            return


def _send(shop: Shop, order: Order, at: float) -> None:
    number = f"1Z999AA1{order.id:010d}"
    parcel = {"tracking_provider": "ups", "tracking_number": number, "date_shipped": str(int(at))}
    order.meta.append(Meta(id=shop.new_id("meta"), key=TRACKING, value=[parcel]))
    shop.set_status(order, "completed", at)


def _refund(shop: Shop, order: Order, at: float, amount: Decimal) -> None:
    refunds.give_back(shop, order, amount.quantize(order.unit), at, reason="Returned", by_gateway=True)
