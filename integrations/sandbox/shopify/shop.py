"""The shop's state: what it sells and keeps where, its orders, and the moves that change both.

Ids of what is there at the start count from 6 100 000 000 001 and are the same in every life of the sandbox; those of
later objects contain the start time, so that a sandbox started again does not give out the ids of its former life.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.sandbox.catalogue import Item
from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.shopify.money import Amount
from integrations.sandbox.shopify.records import (
    Fulfilment,
    FulfilmentOrder,
    FulfilmentOrderLine,
    Level,
    Line,
    Location,
    Order,
    Refund,
    Transaction,
    Variant,
)
from integrations.sandbox.shopper import smallest
from integrations.sandbox.storefront import Sale
from integrations.sandbox.twin import World

VENDOR = "shopify"
GATEWAY = "shopify_payments"
FIRST_ORDER = 1001
WAREHOUSE = Location(
    id=68_000_000_001,
    name="Harbour Warehouse",
    lines="12 Dock Road",
    city="Newark",
    province="New Jersey",
    zip="07105",
    country="US",
)
CITY_STORE = Location(
    id=68_000_000_002,
    name="City Store",
    lines="401 Broadway",
    city="New York",
    province="New York",
    zip="10013",
    country="US",
)
_BASE = 6_100_000_000_000
_KEPT = 20_000  # orders; a demo that runs for weeks must not grow without end


class Shop:
    """One shop with two locations; ``events`` is told of every state change once the shop is open."""

    def __init__(self, world: World, items: Sequence[Item]) -> None:
        self.world = world
        self.locations = {location.id: location for location in (WAREHOUSE, CITY_STORE)}
        self.variants: dict[int, Variant] = {}
        self.orders: dict[int, Order] = {}
        self.fulfilment_orders: dict[int, FulfilmentOrder] = {}
        self.fulfilments: dict[int, Fulfilment] = {}
        self.refunds: dict[int, Refund] = {}
        self.happened: list[tuple[str, Any, float]] = []  # topic, what it happened to, when; read by the webhooks
        self.open = False
        self._counts: dict[str, int] = {}
        self._offset = 0
        self._catalogued: dict[str, Variant] = {}
        self._stock(items)

    def __repr__(self) -> str:
        return f"<Shop {len(self.variants)} variants, {len(self.orders)} orders>"

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self.world.now()

    def new_id(self, kind: str) -> int:
        """Return the next number of a kind of object."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return _BASE + self._offset + self._counts[kind]

    def start_trading(self) -> None:
        """End the opening: from now on what happens is news."""
        self.open = True
        self._offset = int(self.now()) * 1_000
        self._counts = {"number": self._counts.get("number", 0)}

    def happens(self, topic: str, thing: Any) -> None:
        """Note a state change for the webhooks."""
        if self.open:
            self.happened.append((topic, thing, self.now()))

    def effect(self, kind: str, *, reference: str, id: str, amount: str | None = None) -> None:
        """Tell the ledger of something that happened for good."""
        if self.open:
            self.world.ledger.effect(vendor=VENDOR, kind=kind, reference=reference, id=id, amount=amount)

    # Looking up

    def variant_of_item(self, number: int) -> Variant | None:
        """Return the variant whose inventory item has this number."""
        return next((one for one in self.variants.values() if one.inventory_item_id == number), None)

    def tags(self) -> list[str]:
        """Return every tag in use."""
        return sorted({tag for order in self.orders.values() for tag in order.tags})

    def visible_orders(self, *, all_of_them: bool) -> list[Order]:
        """Return the orders a caller sees: without ``read_all_orders`` those of the last 60 days."""
        since = 0.0 if all_of_them else self.now() - 60 * 86_400
        return [order for order in self.orders.values() if order.placed_at >= since]

    # Moves

    def place(self, sale: Sale, at: float) -> Order:
        """Take an order: it is promised from stock, and paid unless the sale is not."""
        self._counts["number"] = self._counts.get("number", 0) + 1
        order = Order(
            id=self.new_id("Order"),
            number=FIRST_ORDER - 1 + self._counts["number"],
            customer=sale.customer,
            currency=sale.currency,
            placed_at=at,
            updated_at=at,
            lines=[],
            shipping=Amount(sale.shipping_dollars, sale.shipping),
            tax_rate=sale.tax_rate,
            test=sale.test,
            email=sale.customer.email,
            phone=sale.customer.phone,
            tags=["wholesale"] if sum(line.quantity for line in sale.lines) > 3 else [],
        )
        for line in sale.lines:
            price = Amount(line.item.price, line.price)
            tax = (price * line.quantity).share(sale.tax_rate, smallest(sale.currency))
            variant = self._catalogued[line.item.sku]
            made = Line(id=self.new_id("LineItem"), variant=variant, quantity=line.quantity, price=price, tax=tax)
            order.lines.append(made)
            self._promise(order, made)
        self.orders[order.id] = order
        while len(self.orders) > _KEPT:
            self._forget(next(iter(self.orders.values())))
        if self.open:
            order.indexed = (at + self._search_lag(), 0.0)
        self.happens("orders/create", order)
        if sale.fate != "unpaid":
            self.pay(order, at)
        self.effect("order", reference=order.name, id=gid("Order", order.id), amount=f"{order.total.local:f}")
        return order

    def pay(self, order: Order, at: float) -> None:
        """Take the money that is owed."""
        order.transactions.append(
            Transaction(
                id=self.new_id("OrderTransaction"), kind="SALE", gateway=GATEWAY, amount=order.outstanding, at=at
            )
        )
        self.happens("orders/paid", order)

    def touch(self, order: Order, at: float | None = None) -> None:
        """Note that an order changed; the search index learns of it later when the shop's index is slow."""
        moment = self.now() if at is None else at
        until, before = order.indexed
        # What the index did not know yet when the order changed again, it does not know now.
        order.indexed = (moment + self._search_lag(), before if moment < until else order.updated_at)
        order.updated_at = moment
        self.happens("orders/updated", order)

    def moved(self, level: Level) -> None:
        """Note that a level changed."""
        level.updated_at = self.now()
        self.happens("inventory_levels/update", level)

    def _search_lag(self) -> float:
        return float(self.world.setting(VENDOR, "search_lag_seconds", 0.0))

    def _forget(self, order: Order) -> None:
        del self.orders[order.id]
        for one in order.fulfilment_orders:
            del self.fulfilment_orders[one.id]
        for fulfilment in order.fulfilments:
            del self.fulfilments[fulfilment.id]
        for refund in order.refunds:
            del self.refunds[refund.id]

    def _promise(self, order: Order, line: Line) -> None:
        """Promise the goods of a line from the location that is to send them."""
        location = WAREHOUSE
        if CITY_STORE.id in line.variant.levels and line.variant.number % 12 == 0:
            location = CITY_STORE
        level = line.variant.levels.get(location.id)
        if level is not None:
            level.available -= line.quantity
            level.committed += line.quantity
            if self.open:
                self.moved(level)
        found = next((one for one in order.fulfilment_orders if one.location is location), None)
        if found is None:
            found = FulfilmentOrder(
                id=self.new_id("FulfillmentOrder"),
                order=order,
                location=location,
                status="OPEN",
                lines=[],
                created_at=order.placed_at,
                updated_at=order.placed_at,
            )
            order.fulfilment_orders.append(found)
            self.fulfilment_orders[found.id] = found
        found.lines.append(
            FulfilmentOrderLine(
                id=self.new_id("FulfillmentOrderLineItem"), line=line, total=line.quantity, remaining=line.quantity
            )
        )

    def _stock(self, items: Sequence[Item]) -> None:
        opened = self.now() - 120 * 86_400
        for number, item in enumerate(items, 1):
            self._put(
                Variant(
                    number=number, title=item.name, sku=item.sku, item=item, price=item.price, category=item.category
                )
            )
            variant = self._catalogued[item.sku] = self.variants[number]
            self._keep(variant, WAREHOUSE, item.quantity)
            if number % 3 == 0:
                self._keep(variant, CITY_STORE, min(item.quantity, 12))
        # A SKU is not unique, some goods have none, some are not counted.
        twice = items[min(3, len(items) - 1)]
        size = len(items)
        outlet = Variant(
            number=size + 1,
            title=f"{twice.name} (Outlet)",
            sku=twice.sku,
            item=None,
            price=(twice.price / 2).quantize(Decimal("0.01")),
            category=twice.category,
        )
        self._put(outlet)
        self._keep(outlet, WAREHOUSE, 5)
        self._put(
            Variant(
                number=size + 2,
                title="Gift Card",
                sku="",
                item=None,
                price=Decimal(50),
                category="Gifts",
                tracked=False,
            )
        )
        self._put(
            Variant(
                number=size + 3,
                title="Engraving",
                sku="SRV-ENGRAVE",
                item=None,
                price=Decimal("9.00"),
                category="Services",
                tracked=False,
            )
        )
        for variant in self.variants.values():
            variant.created_at = variant.updated_at = opened

    def _put(self, variant: Variant) -> None:
        self.variants[variant.number] = variant

    def _keep(self, variant: Variant, location: Location, available: int) -> None:
        variant.levels[location.id] = Level(
            location=location, variant=variant, available=available, updated_at=self.now() - 30 * 86_400
        )


def moment(at: float | None) -> str | None:
    """Return a time as answers have it, in whole seconds UTC: ``2026-10-01T12:00:00Z``."""
    return None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
