"""Giving back: refunds of lines and of money, and the cancellation of an order.

Not settled by a source, and so told as Shopify's own words elsewhere put it: the texts for a line that is not the
order's, for a quantity and for an amount that are too large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.sandbox.shopify.gid import gid, number_of
from integrations.sandbox.shopify.money import ZERO, Amount
from integrations.sandbox.shopify.records import Line, Location, Order, Refund, RefundLine, Transaction
from integrations.sandbox.shopify.refusal import UserRefused
from integrations.sandbox.shopify.shop import GATEWAY, Shop

_LONGEST_NOTE = 255


def refund(shop: Shop, given: Mapping[str, Any]) -> Refund:
    """Do what a ``RefundInput`` asks for. Raises UserRefused."""
    order = shop.orders.get(number_of(given["orderId"], "Order") or 0)
    if order is None:
        raise UserRefused("Order does not exist", ["orderId"])
    lines = [_line(shop, order, row, place) for place, row in enumerate(given.get("refundLineItems") or ())]
    wanted = given.get("transactions") or ()
    payments = [_payment(order, row) for row in wanted]
    amount = sum((one for _, one in payments), Decimal(0))
    left = order.received.shop - order.refunded.shop
    if amount > left and not given.get("allowOverRefunding"):
        raise UserRefused(f"Refund amount cannot be greater than the remaining {left:f}", ["transactions"])
    if not lines and not wanted:
        raise UserRefused("Refund must contain at least one line item, shipping or transaction", ["refundLineItems"])
    made = give_back(
        shop, order, lines, [(parent, Amount(one, _local(order, one))) for parent, one in payments], shop.now()
    )
    made.note = given.get("note")
    shop.effect("refund", reference=order.name, id=gid("Refund", made.id), amount=f"{made.total.shop:f}")
    return made


def give_back(
    shop: Shop,
    order: Order,
    lines: Sequence[tuple[Line, int, str, Location | None]],
    payments: Sequence[tuple[Transaction, Amount]],
    at: float,
) -> Refund:
    """Refund lines (with how they are restocked, and where) and money."""
    made = Refund(id=shop.new_id("Refund"), order=order, at=at, note=None, lines=[], transactions=[])
    for line, quantity, restock, location in lines:
        made.lines.append(_taken_back(shop, order, line, quantity, restock, location))
    for parent, amount in payments:
        transaction = Transaction(
            id=shop.new_id("OrderTransaction"),
            kind="REFUND",
            gateway=parent.gateway,
            amount=amount,
            at=at,
            parent=parent,
        )
        made.transactions.append(transaction)
        order.transactions.append(transaction)
    order.refunds.append(made)
    shop.refunds[made.id] = made
    shop.happens("refunds/create", made)
    shop.touch(order, at)
    return made


def cancel(shop: Shop, order: Order, *, reason: str, restock: bool, refund: bool, note: str | None, at: float) -> None:
    """Cancel an order that nothing has left of: its goods go back on the shelf, its money to the customer."""
    for line in order.lines:
        how = "CANCEL" if restock else "NO_RESTOCK"
        quantity = line.current - line.fulfilled
        if quantity > 0:
            _taken_off(shop, order, line, quantity, how)
            line.removed += quantity
    for one in order.fulfilment_orders:
        if one.status != "CLOSED":
            one.status, one.updated_at = "CLOSED", at
    paid = next((one for one in order.transactions if one.kind == "SALE"), None)
    if refund and paid is not None and order.received.shop > order.refunded.shop:
        give_back(shop, order, (), [(paid, order.received - order.refunded)], at)
    elif paid is None:
        order.transactions.append(
            Transaction(id=shop.new_id("OrderTransaction"), kind="VOID", gateway=GATEWAY, amount=ZERO, at=at)
        )
    order.cancelled_at = order.closed_at = at
    order.cancel_reason, order.staff_note = reason, note
    shop.happens("orders/cancelled", order)
    shop.touch(order, at)


def check_cancel(order: Order | None, arguments: Mapping[str, Any]) -> Order:
    """Return the order when it may be cancelled. Raises UserRefused."""
    if order is None:
        raise UserRefused("Order does not exist", ["orderId"], "NOT_FOUND")
    if arguments.get("refund") is not None and arguments.get("refundMethod") is not None:
        raise UserRefused("Only one of the arguments `refund` or `refund_method` is allowed.", ["refund"], "INVALID")
    if len(arguments.get("staffNote") or "") > _LONGEST_NOTE:
        raise UserRefused("Staff note is too long. Maximum length is 255 characters.", ["staffNote"], "INVALID")
    if order.cancelled_at is not None:
        raise UserRefused("Cannot cancel an order that has already been canceled", ["orderId"], "INVALID")
    if any(not one.cancelled for one in order.fulfilments):
        raise UserRefused("Cannot cancel an order that has outstanding fulfillments", ["orderId"], "INVALID")
    return order


def _line(shop: Shop, order: Order, row: Mapping[str, Any], place: int) -> tuple[Line, int, str, Location | None]:
    number = number_of(row["lineItemId"], "LineItem")
    line = next((one for one in order.lines if one.id == number), None)
    where = ["refundLineItems", str(place)]
    if line is None:
        raise UserRefused("Line item does not exist", [*where, "lineItemId"])
    if not 0 < row["quantity"] <= line.current:
        raise UserRefused("Quantity cannot refund more items than were purchased", [*where, "quantity"])
    how = row.get("restockType") or "NO_RESTOCK"
    location = shop.locations.get(number_of(row.get("locationId") or "", "Location") or 0)
    if how == "RETURN" and location is None:
        raise UserRefused("Location is required when restocking", [*where, "locationId"])
    return line, row["quantity"], how, location


def _payment(order: Order, row: Mapping[str, Any]) -> tuple[Transaction, Decimal]:
    if row["kind"] != "REFUND":
        raise UserRefused(f"Kind {row['kind'].lower()} is not a valid transaction")
    number = number_of(row.get("parentId") or "", "OrderTransaction")
    parent = next((one for one in order.transactions if one.id == number and one.kind == "SALE"), None)
    if parent is None:
        raise UserRefused("Transactions require a parent_id associated with the order", ["transactions"])
    return parent, Decimal(str(row["amount"]))


def _local(order: Order, shop_amount: Decimal) -> Decimal:
    """Return an amount in the presentment currency, at the rate the order was placed at."""
    total = order.total
    whole = shop_amount == order.received.shop
    if whole:
        return order.received.local
    return (total.local * shop_amount / total.shop).quantize(total.local) if total.shop else Decimal(0)


def _taken_back(
    shop: Shop, order: Order, line: Line, quantity: int, restock: str, location: Location | None
) -> RefundLine:
    unsent = line.current - line.fulfilled
    if restock == "RETURN" and location is not None:
        level = line.variant.levels.get(location.id)
        if level is not None:
            level.available += quantity
            if shop.open:
                shop.moved(level)
    elif unsent > 0:
        _taken_off(shop, order, line, min(quantity, unsent), restock)
    line.removed += quantity
    share = Decimal(quantity) / line.quantity
    smallest = Decimal(1).scaleb(int(line.tax.local.as_tuple().exponent))
    return RefundLine(
        id=shop.new_id("RefundLineItem"),
        line=line,
        quantity=quantity,
        restock=restock,  # type: ignore[arg-type]  # the schema's enum has let nothing else through
        location=location,
        subtotal=line.price * quantity,
        tax=line.tax.share(share, smallest),
    )


def _taken_off(shop: Shop, order: Order, line: Line, quantity: int, restock: str) -> None:
    """Send a number of a line no more: it is no longer promised, and can be sold again unless it is not restocked."""
    for one in order.fulfilment_orders:
        for row in one.lines:
            if row.line is line and row.remaining:
                taken = min(quantity, row.remaining)
                row.remaining -= taken
                quantity -= taken
                level = line.variant.levels.get(one.location.id)
                if level is not None:
                    level.committed -= taken
                    level.available += taken if restock == "CANCEL" else 0
                    if shop.open:
                        shop.moved(level)
        if one.status in ("OPEN", "IN_PROGRESS", "ON_HOLD") and not any(row.remaining for row in one.lines):
            one.status = "CLOSED"
