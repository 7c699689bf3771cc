"""Changes to an order that move neither goods nor, but for ``mark_as_paid``, money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.sandbox.shopify.gid import gid, number_of
from integrations.sandbox.shopify.records import Order
from integrations.sandbox.shopify.refusal import UserRefused
from integrations.sandbox.shopify.shop import Shop

_LONGEST_TAG = 255
_MOST_TAGS = 250


def find(shop: Shop, id: str, field: Sequence[str]) -> Order:
    """Return the order of an id. Raises UserRefused."""
    order = shop.orders.get(number_of(id, "Order") or 0)
    if order is None:
        raise UserRefused("Order does not exist", field)
    return order


def update(shop: Shop, given: Mapping[str, Any]) -> Order:
    """Change what an ``OrderInput`` names; tags and attributes are replaced as a whole. Raises UserRefused."""
    order = find(shop, given["id"], ["id"])
    tags = _clean(given["tags"]) if given.get("tags") is not None else order.tags
    if "note" in given:
        order.note = given["note"]
    if given.get("email") is not None:
        order.email = given["email"]
    if "phone" in given:
        order.phone = given["phone"]
    if "poNumber" in given:
        order.po_number = given["poNumber"]
    if given.get("customAttributes") is not None:
        order.attributes = [(one["key"], one["value"]) for one in given["customAttributes"]]
    order.tags = tags
    _changed(shop, order)
    return order


def add_tags(shop: Shop, id: str, tags: Sequence[str]) -> Order:
    """Add tags that are not there. Raises UserRefused."""
    order = find(shop, id, ["id"])
    wanted = _clean([*order.tags, *tags])
    if wanted != order.tags:
        order.tags = wanted
        _changed(shop, order)
    return order


def remove_tags(shop: Shop, id: str, tags: Sequence[str]) -> Order:
    """Take tags away. Raises UserRefused."""
    order = find(shop, id, ["id"])
    gone = {tag.strip().casefold() for tag in tags}
    kept = [tag for tag in order.tags if tag.casefold() not in gone]
    if kept != order.tags:
        order.tags = kept
        _changed(shop, order)
    return order


def close(shop: Shop, id: str) -> Order:
    """Archive an order. Raises UserRefused."""
    order = find(shop, id, ["input", "id"])
    order.closed_at = order.closed_at or shop.now()
    _changed(shop, order)
    return order


def reopen(shop: Shop, id: str) -> Order:
    """Take an order out of the archive. Raises UserRefused."""
    order = find(shop, id, ["input", "id"])
    order.closed_at = None
    _changed(shop, order)
    return order


def mark_as_paid(shop: Shop, id: str) -> Order:
    """Note that the customer paid elsewhere. Raises UserRefused when nothing is owed."""
    order = find(shop, id, ["input", "id"])
    if order.cancelled_at is not None or order.outstanding.shop == 0:
        raise UserRefused("Order cannot be marked as paid.", ["id"])
    shop.pay(order, shop.now())
    paid = order.transactions[-1]
    shop.touch(order)
    shop.effect("payment", reference=order.name, id=gid("OrderTransaction", paid.id), amount=f"{paid.amount.shop:f}")
    return order


def _changed(shop: Shop, order: Order) -> None:
    shop.touch(order)
    shop.effect("order_update", reference=order.name, id=gid("Order", order.id))


def _clean(tags: Sequence[str]) -> list[str]:
    """Return tags without blanks around them and without doubles, in the alphabet's order as answers have them."""
    found: dict[str, str] = {}
    for tag in (part.strip() for text in tags for part in text.split(",")):
        if len(tag) > _LONGEST_TAG:
            raise UserRefused("Tags is invalid", ["tags"])
        if tag:
            found.setdefault(tag.casefold(), tag)
    if len(found) > _MOST_TAGS:
        raise UserRefused("Tags exceed the maximum of 250", ["tags"])
    return sorted(found.values(), key=str.casefold)
