"""Which fields the search text of each connection knows, and how a search is applied and its warnings are noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from integrations.sandbox.shopify.records import FulfilmentOrder, Level, Order, Variant
from integrations.sandbox.shopify.search import Filter, understand
from integrations.sandbox.shopify.shop import VENDOR, Shop

TIME_ZONE = "America/New_York"

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The filters of a connection by name, and what a word without a field is looked for in."""

    filters: Mapping[str, Filter]
    words: Callable[[Any], str]


def searched(shop: Shop, things: Sequence[Thing], fields: Fields, text: str | None, info: Any) -> list[Thing]:
    """Return the things a search text finds, all of them without one; warnings go to the answer's extensions."""
    if not text or not text.strip():
        return list(things)
    query = understand(text, fields.filters, fields.words, ZoneInfo(zone_name(shop)))
    if query.warnings:
        path = [part for part in info.path.as_list() if isinstance(part, str)]
        info.context.warnings.append({"path": path, "query": text, "parsed": query.parsed, "warnings": query.warnings})
    return [thing for thing in things if query.test(thing)]


def zone_name(shop: Shop) -> str:
    """Return the shop's time zone."""
    return str(shop.world.setting(VENDOR, "time_zone", TIME_ZONE))


def _order_status(order: Order) -> list[str]:
    if order.cancelled_at is not None:
        return ["cancelled", "closed"]
    return ["closed"] if order.closed_at is not None else ["open", "not_closed"]


_FULFILMENT_WORDS = {
    "UNFULFILLED": ["unfulfilled", "unshipped"],
    "PARTIALLY_FULFILLED": ["partial", "unfulfilled"],
    "FULFILLED": ["fulfilled", "shipped"],
    "ON_HOLD": ["on_hold", "unfulfilled", "unshipped"],
    "IN_PROGRESS": ["unfulfilled", "unshipped"],
}


def _indexed(now: float, order: Order) -> list[float]:
    """Return ``updated_at`` as the search index has it."""
    until, before = order.indexed
    return [before if now < until else order.updated_at]


def in_index(now: float, found: Sequence[Order]) -> list[Order]:
    """Return the orders that a search can find already."""
    return [order for order in found if now >= order.indexed[0] or order.indexed[1] > 0]


def orders(shop: Shop) -> Fields:
    """Return the filters of ``orders`` and ``ordersCount``; the index is behind when ``search_lag_seconds`` is set."""
    now = shop.now()
    return Fields(
        filters={
            "id": Filter(kind="number", read=lambda one: [one.id]),
            "name": Filter(read=lambda one: [one.name, str(one.number)]),
            "email": Filter(read=lambda one: [one.email]),
            "created_at": Filter(kind="time", read=lambda one: [one.placed_at]),
            "processed_at": Filter(kind="time", read=lambda one: [one.placed_at]),
            "updated_at": Filter(kind="time", read=lambda one: _indexed(now, one)),
            "status": Filter(
                kind="choice",
                choices=frozenset({"open", "closed", "cancelled", "not_closed", "any"}),
                read=lambda one: [*_order_status(one), "any"],
            ),
            "financial_status": Filter(
                kind="choice",
                choices=frozenset(
                    {
                        *("paid", "pending", "authorized", "partially_paid"),
                        *("partially_refunded", "refunded", "voided", "expired"),
                    }
                ),
                read=lambda one: [one.financial_status.lower()],
            ),
            "fulfillment_status": Filter(
                kind="choice",
                choices=frozenset(
                    {
                        *("unshipped", "shipped", "fulfilled", "partial", "scheduled"),
                        *("on_hold", "unfulfilled", "request_declined"),
                    }
                ),
                read=lambda one: _FULFILMENT_WORDS[one.fulfilment_status],
            ),
            "tag": Filter(read=lambda one: one.tags),
            "tag_not": Filter(read=lambda one: one.tags, negated=True),
            "test": Filter(
                kind="choice", choices=frozenset({"true", "false"}), read=lambda one: [str(one.test).lower()]
            ),
            "sku": Filter(read=lambda one: [line.variant.sku for line in one.lines]),
            "po_number": Filter(read=lambda one: [one.po_number] if one.po_number else []),
            "fulfillment_location_id": Filter(
                kind="number", read=lambda one: [each.location.id for each in one.fulfilment_orders]
            ),
            "gateway": Filter(read=lambda one: [each.gateway for each in one.transactions]),
        },
        words=lambda one: f"{one.name} {one.email} {one.customer.name} {one.note or ''} {' '.join(one.tags)}",
    )


def _variant_words(one: Variant) -> str:
    return f"{one.title} {one.sku} {one.category}"


PRODUCTS = Fields(
    filters={
        "id": Filter(kind="number", read=lambda one: [one.product_id]),
        "sku": Filter(read=lambda one: [one.sku]),
        "title": Filter(read=lambda one: [one.title]),
        "product_type": Filter(read=lambda one: [one.category]),
        "vendor": Filter(read=lambda one: ["Quayside"]),
        "status": Filter(
            kind="choice", choices=frozenset({"active", "archived", "draft", "unlisted"}), read=lambda one: ["active"]
        ),
        "tag": Filter(read=lambda one: []),
        "inventory_total": Filter(kind="number", read=lambda one: [one.available]),
        "created_at": Filter(kind="time", read=lambda one: [one.created_at]),
        "updated_at": Filter(kind="time", read=lambda one: [one.updated_at]),
    },
    words=_variant_words,
)
VARIANTS = Fields(
    filters={
        "id": Filter(kind="number", read=lambda one: [one.id]),
        "sku": Filter(read=lambda one: [one.sku]),
        "product_id": Filter(kind="number", read=lambda one: [one.product_id]),
        "title": Filter(read=lambda one: ["Default Title"]),
        "product_type": Filter(read=lambda one: [one.category]),
        "vendor": Filter(read=lambda one: ["Quayside"]),
        "inventory_quantity": Filter(kind="number", read=lambda one: [one.available]),
        "location_id": Filter(kind="number", read=lambda one: list(one.levels)),
        "managed": Filter(
            kind="choice", choices=frozenset({"true", "false"}), read=lambda one: [str(one.tracked).lower()]
        ),
        "updated_at": Filter(kind="time", read=lambda one: [one.updated_at]),
    },
    words=_variant_words,
)
ITEMS = Fields(
    filters={
        "id": Filter(kind="number", read=lambda one: [one.inventory_item_id]),
        "sku": Filter(read=lambda one: [one.sku]),
        "created_at": Filter(kind="time", read=lambda one: [one.created_at]),
        "updated_at": Filter(kind="time", read=lambda one: [one.updated_at]),
    },
    words=_variant_words,
)


def _level_item(one: Level) -> list[int]:
    return [one.variant.inventory_item_id]


LEVELS = Fields(
    filters={
        # Not location_id: the vendor warns of it and filters nothing.
        "id": Filter(kind="number", read=_level_item),
        "inventory_item_id": Filter(kind="number", read=_level_item),
        "created_at": Filter(kind="time", read=lambda one: [one.variant.created_at]),
        "updated_at": Filter(kind="time", read=lambda one: [one.updated_at]),
    },
    words=lambda one: one.variant.sku,
)
LOCATIONS = Fields(
    filters={
        "id": Filter(kind="number", read=lambda one: [one.id]),
        "name": Filter(read=lambda one: [one.name]),
        "active": Filter(kind="choice", choices=frozenset({"true", "false"}), read=lambda one: ["true"]),
    },
    words=lambda one: one.name,
)


def _fulfilment_order_status(one: FulfilmentOrder) -> list[str]:
    return [one.status.lower()]


FULFILMENT_ORDERS = Fields(
    filters={
        "id": Filter(kind="number", read=lambda one: [one.id]),
        "order_id": Filter(kind="number", read=lambda one: [one.order.id]),
        "assigned_location_id": Filter(kind="number", read=lambda one: [one.location.id]),
        "status": Filter(
            kind="choice",
            choices=frozenset({"open", "in_progress", "cancelled", "incomplete", "closed", "scheduled", "on_hold"}),
            read=_fulfilment_order_status,
        ),
        "updated_at": Filter(kind="time", read=lambda one: [one.updated_at]),
    },
    words=lambda one: one.order.name,
)
