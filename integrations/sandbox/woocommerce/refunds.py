"""Refunds of orders: by the payment gateway or by hand, with the goods back in stock or not.

Nothing about them is idempotent, and their errors go out with the wrong status: their data is a bare number, which
WordPress does not take for a status, so that all of them are 500.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.sandbox.woocommerce import php
from integrations.sandbox.woocommerce.errors import Refused
from integrations.sandbox.woocommerce.records import Line, Order, Refund, RefundedLine
from integrations.sandbox.woocommerce.shop import Shop, write_meta

_REFUNDING = ("stripe",)  # the gateways that can give money back


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    line: Line
    quantity: int
    total: Decimal
    tax: Decimal


def create(shop: Shop, order: Order, given: Mapping[str, Any]) -> Refund:
    """Refund what a request asks for. Raises Refused."""
    shares = _shares(order, given.get("line_items"))
    wanted = given.get("amount")
    if wanted is None:
        wanted = sum((share.total + share.tax for share in shares), Decimal(0))
    amount = php.amount(wanted)
    if amount is not None and amount < 0:
        raise Refused("woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero.", 400)
    if amount is None or amount > order.refundable:
        raise _cannot("Invalid refund amount.")
    by_gateway = given.get("api_refund") is not False
    if by_gateway and order.payment_method not in _REFUNDING:
        missing = not order.payment_method
        raise _cannot(
            "The payment gateway for this order does not exist."
            if missing
            else "The payment gateway for this order does not support automatic refunds."
        )
    now = shop.now()
    made = give_back(shop, order, amount, now, reason=given.get("reason") or "", by_gateway=by_gateway, shares=shares)
    write_meta(shop, made.meta, given.get("meta_data") or ())
    if given.get("api_restock") is not False:
        _restock(shop, order, shares)
    shop.effect("refund", reference=order.number, id=made.id, amount=f"{amount:f}")
    return made


def give_back(
    shop: Shop,
    order: Order,
    amount: Decimal,
    at: float,
    *,
    reason: str,
    by_gateway: bool,
    shares: Sequence[_Share] = (),
) -> Refund:
    """Note a refund; an order of which nothing is left becomes ``refunded``."""
    made = Refund(id=shop.new_id(), amount=amount, reason=reason, at=at, by_gateway=by_gateway)
    for share in shares:
        made.lines.append(
            RefundedLine(
                id=shop.new_id("item"),
                line=share.line,
                quantity=share.quantity,
                total=share.total,
                tax=share.tax,
                meta_id=shop.new_id("meta"),
            )
        )
    order.refunds.append(made)
    if order.refundable <= 0:
        shop.set_status(order, "refunded", at)
    shop.touch(order, at)
    return made


def _restock(shop: Shop, order: Order, shares: Sequence[_Share]) -> None:
    for share in shares:
        product, back = share.line.product, min(share.quantity, share.line.reduced)
        holder = product.holder if product is not None else None
        if product is None or holder is None or not back:
            continue
        before = holder.quantity or 0
        shop.move(product, back, shop.now())
        share.line.reduced -= back
        shop.note(order, f"Item #{product.id} stock increased from {before} to {holder.quantity}.", shop.now())
        shop.effect("stock", reference=product.sku, id=product.id, amount=str(holder.quantity))


def _shares(order: Order, given: Any) -> list[_Share]:
    """Return what of each line is given back; an entry without a line of the order is passed over."""
    lines = {line.id: line for line in order.lines}
    shares = []
    for one in given if isinstance(given, list) else ():
        line = lines.get(php.integer(one.get("id"))) if isinstance(one, Mapping) else None
        if line is None:
            continue
        taxes = one.get("refund_tax") or ()
        tax = sum((php.amount(part.get("refund_total")) or Decimal(0) for part in taxes), Decimal(0))
        shares.append(
            _Share(
                line=line,
                quantity=php.integer(one.get("quantity", 0)),
                total=php.amount(one.get("refund_total", 0)) or Decimal(0),
                tax=tax,
            )
        )
    return shares


def _cannot(message: str) -> Refused:
    return Refused("woocommerce_rest_cannot_create_order_refund", message, 500)
