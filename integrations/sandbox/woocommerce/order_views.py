"""Orders, their refunds and their notes as answers have them.

Money is text with the store's decimals (the setting ``decimals``, 2) or with ``dp`` of them, whatever the currency has:
a Kuwaiti amount loses its last digit that way. The price of a line is a JSON number, and the taxes of a line are not
rounded to anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.woocommerce import php
from integrations.sandbox.woocommerce.call import Call
from integrations.sandbox.woocommerce.listing import moment
from integrations.sandbox.woocommerce.records import Charge, Line, Meta, Note, Order, Product, Refund, RefundedLine
from integrations.sandbox.woocommerce.shop import VERSION, Shop

_ZONE = "America/New_York"
_MOST_DECIMALS = 10


def zone_of(shop: Shop) -> ZoneInfo:
    """Return the store's time zone."""
    return ZoneInfo(shop.setting("time_zone", _ZONE))


def times(shop: Shop, **moments: float | None) -> dict[str, str | None]:
    """Return each time twice: in the store's zone, and as GMT."""
    found: dict[str, str | None] = {}
    for name, at in moments.items():
        found[name], found[f"{name}_gmt"] = moment(at, zone_of(shop)), moment(at, UTC)
    return found


def links(call: Call, path: str, collection: str, **more: str) -> dict[str, list[dict[str, str]]]:
    """Return the addresses of a resource and of what it belongs to."""
    paths = {"self": path, "collection": collection, **more}
    return {name: [{"href": call.link(where)}] for name, where in paths.items()}


def meta_view(meta: Sequence[Meta]) -> list[dict[str, Any]]:
    """Return ``meta_data``."""
    return [{"id": one.id, "key": one.key, "value": one.value} for one in meta]


class OrderViews:
    """Makes the JSON of orders for one call."""

    def __init__(self, shop: Shop, call: Call) -> None:
        self._shop = shop
        self._call = call
        asked = call.params.get("dp")
        self._decimals = shop.setting("decimals", 2) if asked is None else min(abs(php.integer(asked)), _MOST_DECIMALS)

    def order(self, order: Order) -> dict[str, Any]:
        """Return an order."""
        money, tax = self._money, order.goods_tax
        customer = {"customer": f"customers/{order.customer_id}"} if order.customer_id else {}
        up = {"up": f"orders/{order.parent_id}"} if order.parent_id else {}
        due = order.status in ("pending", "failed") and order.total > 0
        pay = f"{self._call.home}/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.key}"
        dates = times(
            self._shop,
            date_created=order.created_at,
            date_modified=order.updated_at,
            date_completed=order.completed_at,
            date_paid=order.paid_at,
        )
        return {
            "id": order.id,
            "parent_id": order.parent_id,
            "status": order.status,
            "currency": order.currency,
            "version": VERSION,
            "prices_include_tax": False,
            "date_created": dates["date_created"],
            "date_modified": dates["date_modified"],
            "discount_total": money(order.discount),
            "discount_tax": money(Decimal(0)),
            "shipping_total": money(order.shipping_total),
            "shipping_tax": money(Decimal(0)),
            "cart_tax": money(tax),
            "total": money(order.total),
            "total_tax": money(tax),
            "customer_id": order.customer_id,
            "order_key": order.key,
            "billing": order.billing,
            "shipping": order.shipping,
            "payment_method": order.payment_method,
            "payment_method_title": order.payment_title,
            "transaction_id": order.transaction_id,
            "customer_ip_address": "203.0.113.7" if order.created_via == "checkout" else "",
            "customer_user_agent": "Mozilla/5.0" if order.created_via == "checkout" else "",
            "created_via": order.created_via,
            "customer_note": order.customer_note,
            "date_completed": dates["date_completed"],
            "date_paid": dates["date_paid"],
            "cart_hash": "",
            "number": order.number,
            "meta_data": meta_view(order.meta),
            "line_items": [self._line(order, line) for line in order.lines],
            "tax_lines": self._tax_lines(order, tax),
            "shipping_lines": [self._shipping(line) for line in order.shipping_lines],
            "fee_lines": [self._fee(fee) for fee in order.fee_lines],
            "coupon_lines": [],
            "refunds": [
                {"id": refund.id, "reason": refund.reason, "total": f"-{money(refund.amount)}"}
                for refund in reversed(order.refunds)
            ],
            "payment_url": pay,
            "is_editable": order.status in ("pending", "on-hold", "auto-draft"),
            "needs_payment": due,
            "needs_processing": any(line.product is None or not line.product.virtual for line in order.lines),
            "date_created_gmt": dates["date_created_gmt"],
            "date_modified_gmt": dates["date_modified_gmt"],
            "date_completed_gmt": dates["date_completed_gmt"],
            "date_paid_gmt": dates["date_paid_gmt"],
            "_links": links(self._call, f"orders/{order.id}", "orders", **customer, **up),
        }

    def refund(self, order: Order, refund: Refund) -> dict[str, Any]:
        """Return a refund of an order; what it gave back of a line is negative there."""
        base = f"orders/{order.id}/refunds"
        return {
            "id": refund.id,
            **times(self._shop, date_created=refund.at),
            "amount": self._money(refund.amount),
            "reason": refund.reason,
            "refunded_by": 1,
            "refunded_payment": refund.by_gateway,
            "meta_data": meta_view(refund.meta),
            "line_items": [self._refunded(order, one) for one in refund.lines],
            "shipping_lines": [],
            "tax_lines": [],
            "fee_lines": [],
            "_links": links(self._call, f"{base}/{refund.id}", base, up=f"orders/{order.id}"),
        }

    def note(self, order: Order, note: Note) -> dict[str, Any]:
        """Return a remark on an order."""
        base = f"orders/{order.id}/notes"
        return {
            "id": note.id,
            "author": note.author,
            **times(self._shop, date_created=note.at),
            "note": note.text,
            "customer_note": note.for_customer,
            "_links": links(self._call, f"{base}/{note.id}", base, up=f"orders/{order.id}"),
        }

    def _money(self, amount: Decimal) -> str:
        return f"{amount.quantize(Decimal(1).scaleb(-self._decimals), ROUND_HALF_UP):f}"

    def _line(self, order: Order, line: Line) -> dict[str, Any]:
        return {
            "id": line.id,
            "name": line.name,
            **_goods(line.product),
            "quantity": line.quantity,
            "tax_class": "",
            "subtotal": self._money(line.subtotal),
            "subtotal_tax": self._money(line.tax),
            "total": self._money(line.total),
            "total_tax": self._money(line.tax),
            "taxes": _taxes(order, line.tax),
            "meta_data": _item_meta(line.meta),
            "sku": line.product.sku if line.product else None,
            "price": php.number(line.total / line.quantity) if line.quantity else 0,
            "image": {"id": "", "src": ""},
            "parent_name": line.product.parent.name if line.product and line.product.parent else None,
        }

    def _refunded(self, order: Order, one: RefundedLine) -> dict[str, Any]:
        total, tax = self._money(-one.total), self._money(-one.tax)
        return {
            **self._line(order, one.line),
            "id": one.id,
            "quantity": -one.quantity,
            "subtotal": total,
            "subtotal_tax": tax,
            "total": total,
            "total_tax": tax,
            "taxes": _taxes(order, -one.tax),
            "meta_data": _item_meta([Meta(id=one.meta_id, key="_refunded_item_id", value=str(one.line.id))]),
            "price": php.number(one.total / one.quantity) if one.quantity else 0,
        }

    def _tax_lines(self, order: Order, tax: Decimal) -> list[dict[str, Any]]:
        if order.tax is None or not order.lines:
            return []
        return [
            {
                "id": order.tax_line_id,
                "rate_code": order.tax.code,
                "rate_id": order.tax.rate_id,
                "label": order.tax.label,
                "compound": False,
                "tax_total": self._money(tax),
                "shipping_tax_total": self._money(Decimal(0)),
                "rate_percent": php.number(order.tax.share * 100),
                "meta_data": [],
            }
        ]

    def _shipping(self, line: Charge) -> dict[str, Any]:
        return {
            "id": line.id,
            "method_title": line.title,
            "method_id": line.method_id,
            "instance_id": "",
            "total": self._money(line.total),
            "total_tax": self._money(Decimal(0)),
            "taxes": [],
            "meta_data": _item_meta(line.meta),
        }

    def _fee(self, fee: Charge) -> dict[str, Any]:
        return {
            "id": fee.id,
            "name": fee.title,
            "tax_class": "",
            "tax_status": "none",
            "amount": "",
            "total": self._money(fee.total),
            "total_tax": self._money(Decimal(0)),
            "taxes": [],
            "meta_data": _item_meta(fee.meta),
        }


def _goods(product: Product | None) -> dict[str, int]:
    if product is None:
        return {"product_id": 0, "variation_id": 0}
    if product.parent is None:
        return {"product_id": product.id, "variation_id": 0}
    return {"product_id": product.parent.id, "variation_id": product.id}


def _taxes(order: Order, tax: Decimal) -> list[dict[str, Any]]:
    if order.tax is None:
        return []
    text = f"{tax.normalize():f}"
    return [{"id": order.tax.rate_id, "total": text, "subtotal": text}]


def _item_meta(meta: Sequence[Meta]) -> list[dict[str, Any]]:
    return [{**one, "display_key": one["key"], "display_value": one["value"]} for one in meta_view(meta)]
