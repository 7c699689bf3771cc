"""The shop before anybody asks: a few dozen orders in every state, from three months ago to twenty minutes ago."""

from __future__ import annotations

from integrations.sandbox.shopify import fulfilling, refunding
from integrations.sandbox.shopify.fulfilling import Tracking
from integrations.sandbox.shopify.records import Order
from integrations.sandbox.shopify.shop import WAREHOUSE, Shop
from integrations.sandbox.storefront import Fate, Sales

_DAY = 86_400.0


def open_shop(shop: Shop, sales: Sales) -> None:
    """Place and settle the opening sales; nothing of it is news."""
    for sale in sales.opening():
        at = shop.now() - sale.age
        order = shop.place(sale, at)
        _settle(shop, order, sale.fate, at)
    shop.start_trading()


def _settle(shop: Shop, order: Order, fate: Fate, at: float) -> None:
    def later(days: float) -> float:
        """Return a time after the order was placed, but not after now."""
        return min(at + days * _DAY, shop.now() - 60)

    match fate:
        case "held":
            order.fulfilment_orders[0].status = "ON_HOLD"
        case "part_sent":
            _send(shop, order, later(0.5), only_one=True)
        case "sent":
            _send(shop, order, later(1))
        case "part_refunded":
            _send(shop, order, later(1))
            _refund(shop, order, later(6), whole=False)
        case "refunded":
            _send(shop, order, later(1))
            _refund(shop, order, later(7), whole=True)
        case "cancelled":
            refunding.cancel(shop, order, reason="CUSTOMER", restock=True, refund=True, note=None, at=later(0.2))
        case _:
            return


def _send(shop: Shop, order: Order, at: float, *, only_one: bool = False) -> None:
    for one in order.fulfilment_orders:
        rows = [(row, 1 if only_one else row.remaining) for row in one.lines]
        number = f"1Z999AA1{order.number:08d}{len(order.fulfilments)}"
        tracking = Tracking(numbers=[number], urls=[f"https://www.ups.com/track?tracknum={number}"], company="UPS")
        fulfilling.send(shop, [(one, rows[:1] if only_one else rows)], tracking, at)
        if only_one:
            return


def _refund(shop: Shop, order: Order, at: float, *, whole: bool) -> None:
    paid = order.transactions[0]
    lines = order.lines if whole else order.lines[:1]
    taken = [(line, line.quantity if whole else 1, "RETURN", WAREHOUSE) for line in lines]
    amount = order.received if whole else order.lines[0].price
    made = refunding.give_back(shop, order, taken, [(paid, amount)], at)
    made.note = "Returned"
