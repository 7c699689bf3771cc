"""Sending: fulfilments made from fulfilment orders, their tracking and their cancellation.

The texts and the order of the checks are those of recorded exchanges with API version 2026-04. No idempotency key is
honoured here: a second request sends what is left, or is refused because nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.shopify.gid import gid, number_of
from integrations.sandbox.shopify.records import Fulfilment, FulfilmentOrder, FulfilmentOrderLine
from integrations.sandbox.shopify.refusal import UserRefused
from integrations.sandbox.shopify.shop import Shop

_FIELD = ("fulfillment",)
_FULFILLABLE = ("OPEN", "IN_PROGRESS")

Share = tuple[FulfilmentOrder, list[tuple[FulfilmentOrderLine, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """How a parcel is followed."""

    numbers: Sequence[str] = ()
    urls: Sequence[str] = ()
    company: str | None = None


def tracking_of(given: Mapping[str, Any] | None) -> Tracking:
    """Return the tracking of a ``FulfillmentTrackingInput``: one number or several."""
    given = given or {}
    numbers = [given["number"]] if given.get("number") else list(given.get("numbers") or ())
    urls = [given["url"]] if given.get("url") else list(given.get("urls") or ())
    return Tracking(numbers=numbers, urls=urls, company=given.get("company") or None)


def create(shop: Shop, given: Mapping[str, Any]) -> Fulfilment:
    """Send what a ``FulfillmentInput`` asks for. Raises UserRefused."""
    groups = given["lineItemsByFulfillmentOrder"]
    _check_quantities(groups)
    found = [_fulfilment_order(shop, group["fulfillmentOrderId"]) for group in groups]
    _check_together(found)
    shares = [_share(one, group.get("fulfillmentOrderLineItems")) for one, group in zip(found, groups, strict=True)]
    made = send(shop, shares, tracking_of(given.get("trackingInfo")), shop.now())
    shop.effect("fulfilment", reference=made.numbers[0] if made.numbers else made.name, id=gid("Fulfillment", made.id))
    return made


def send(shop: Shop, shares: Sequence[Share], tracking: Tracking, at: float) -> Fulfilment:
    """Let the goods leave; the fulfilment orders close when nothing remains, the order when it is paid and sent."""
    order = shares[0][0].order
    made = Fulfilment(
        id=shop.new_id("Fulfillment"),
        name=f"{order.name}-F{len(order.fulfilments) + 1}",
        order=order,
        fulfilment_orders=[one for one, _ in shares],
        lines=[],
        company=tracking.company,
        numbers=tracking.numbers,
        urls=tracking.urls,
        created_at=at,
        updated_at=at,
    )
    for one, lines in shares:
        for row, quantity in lines:
            row.remaining -= quantity
            row.line.fulfilled += quantity
            made.lines.append((shop.new_id("FulfillmentLineItem"), row.line, quantity))
            level = row.line.variant.levels.get(one.location.id)
            if level is not None:
                level.committed -= quantity
                if shop.open:
                    shop.moved(level)
        one.status = "IN_PROGRESS" if any(row.remaining for row in one.lines) else "CLOSED"
        one.updated_at = at
    order.fulfilments.append(made)
    shop.fulfilments[made.id] = made
    shop.happens("fulfillments/create", made)
    if order.fulfilment_status == "FULFILLED":
        shop.happens("orders/fulfilled", order)
        if order.outstanding.shop == 0:
            order.closed_at = at
    else:
        shop.happens("orders/partially_fulfilled", order)
    shop.touch(order, at)
    return made


def track(shop: Shop, id: str, given: Mapping[str, Any]) -> Fulfilment:
    """Change the tracking; a cancelled fulfilment takes it too. Raises UserRefused when there is none of the id."""
    found = _fulfilment(shop, id, "fulfillmentId")
    tracking = tracking_of(given)
    found.numbers, found.urls, found.company = tracking.numbers, tracking.urls, tracking.company
    found.updated_at = shop.now()
    shop.happens("fulfillments/update", found)
    shop.touch(found.order)
    shop.effect("fulfilment_update", reference=next(iter(found.numbers), found.name), id=gid("Fulfillment", found.id))
    return found


def cancel(shop: Shop, id: str) -> Fulfilment:
    """Take a fulfilment back: its goods are promised again and can be sent again; done twice it is done once."""
    found = _fulfilment(shop, id, "id")
    if found.cancelled:
        return found
    found.cancelled, found.updated_at = True, shop.now()
    for _, line, quantity in found.lines:
        line.fulfilled -= quantity
        for one in found.fulfilment_orders:
            for row in one.lines:
                if row.line is line and row.total - row.remaining >= quantity:
                    row.remaining += quantity
                    one.status, one.updated_at = "OPEN", shop.now()
                    level = line.variant.levels.get(one.location.id)
                    if level is not None:
                        level.committed += quantity
                        shop.moved(level)
                    break
    found.order.closed_at = None
    shop.happens("fulfillments/update", found)
    shop.touch(found.order)
    shop.effect("void", reference=next(iter(found.numbers), found.name), id=gid("Fulfillment", found.id))
    return found


def _fulfilment(shop: Shop, id: str, argument: str) -> Fulfilment:
    found = shop.fulfilments.get(number_of(id, "Fulfillment") or 0)
    if found is None:
        raise UserRefused("Fulfillment does not exist.", [argument])
    return found


def _fulfilment_order(shop: Shop, id: str) -> FulfilmentOrder:
    found = shop.fulfilment_orders.get(number_of(id, "FulfillmentOrder") or 0)
    if found is None:
        raise UserRefused("Fulfillment order does not exist.", _FIELD)
    return found


def _check_quantities(groups: Sequence[Mapping[str, Any]]) -> None:
    for place, group in enumerate(groups):
        for number, row in enumerate(group.get("fulfillmentOrderLineItems") or ()):
            if row["quantity"] <= 0:
                where = (
                    "lineItemsByFulfillmentOrder",
                    str(place),
                    "fulfillmentOrderLineItems",
                    str(number),
                    "quantity",
                )
                raise UserRefused("Quantity must be greater than 0", (*_FIELD, *where))


def _check_together(found: Sequence[FulfilmentOrder]) -> None:
    if not found:
        raise UserRefused("Fulfillment order does not exist.", _FIELD)
    orders = sorted({one.order.id for one in found})
    if len(orders) > 1:
        raise UserRefused(
            f"All fulfillment orders must belong to the same order. Multiple orders with ids {orders} were found.",
            _FIELD,
        )
    locations = sorted({one.location.id for one in found})
    if len(locations) > 1:
        raise UserRefused(
            "All fulfillment orders must be assigned to a single location. "
            f"Multiple locations with ids {locations} were found.",
            _FIELD,
        )
    for one in found:
        if one.status not in _FULFILLABLE:
            raise UserRefused(f"Fulfillment order {one.id} has an unfulfillable status= {one.status.lower()}.", _FIELD)


def _share(one: FulfilmentOrder, wanted: Sequence[Mapping[str, Any]] | None) -> Share:
    if not wanted:
        return one, [(row, row.remaining) for row in one.lines if row.remaining]
    rows = {row.id: row for row in one.lines}
    share = []
    for entry in wanted:
        row = rows.get(number_of(entry["id"], "FulfillmentOrderLineItem") or 0)
        if row is None:
            raise UserRefused("Fulfillment order line item does not exist.", _FIELD)
        if entry["quantity"] > row.remaining:
            raise UserRefused("Invalid fulfillment order line item quantity requested.", _FIELD)
        share.append((row, entry["quantity"]))
    return one, share
