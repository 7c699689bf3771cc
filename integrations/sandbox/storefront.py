"""What the stores sell: the sales they open with, and those that come in later.

Each store takes its sales from the same shopper, so that they have customers of the same kind and no sale in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import Any, Literal

import orjson

from integrations.sandbox.catalogue import Item
from integrations.sandbox.shopper import Basket, Customer, local_price, shopper, smallest
from integrations.sandbox.twin import World

STORES = ("shopify", "woocommerce")
OPENING = 48  # sales a store has made before anybody asks

Fate = Literal["unpaid", "paid", "held", "part_sent", "sent", "part_refunded", "refunded", "cancelled"]

_DAY = 86_400.0
_OLD = (96 * _DAY, 81 * _DAY, 66 * _DAY)  # before the 60 days that a store shows without a further scope
_YOUNGEST, _SPAN = 1_200.0, 42 * _DAY
_RECENT: tuple[Fate, ...] = ("paid", "paid", "unpaid", "paid", "held", "paid", "part_sent", "paid", "paid", "paid")
_SETTLED: tuple[Fate, ...] = ("sent", "sent", "part_refunded", "sent", "cancelled", "sent", "refunded", "sent")
TAX_RATES = {"US": Decimal("0.0825"), "CA": Decimal("0.13"), "GB": Decimal("0.2"), "AU": Decimal("0.1")}
_SHIPPING = Decimal("9.95")  # dollars of the price list
_FREE_FROM = Decimal(150)
_TRIES = 2_000  # baskets looked through for one of a wanted country or currency
_MOST_AT_ONCE = 200  # sales made up for at once after the sandbox was left alone for long


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine:
    """So many of an item. ``price`` is in the sale's currency, without tax; the item's own price is the price list's."""

    item: Item
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One customer's purchase. ``age`` is how many seconds ago it was made, 0 for one that comes in now."""

    customer: Customer
    currency: str
    lines: tuple[SaleLine, ...]
    tax_rate: Decimal
    shipping_dollars: Decimal
    fate: Fate = "paid"
    age: float = 0.0
    test: bool = False

    @property
    def goods(self) -> Decimal:
        """Return the sum of the lines, in the sale's currency."""
        return sum((line.price * line.quantity for line in self.lines), Decimal(0))

    @property
    def shipping(self) -> Decimal:
        """Return what shipping costs, in the sale's currency."""
        return local_price(self.shipping_dollars, self.currency)

    def tax_on(self, amount: Decimal) -> Decimal:
        """Return the tax on an amount, in the decimals of the sale's currency."""
        return (amount * self.tax_rate).quantize(smallest(self.currency), ROUND_HALF_UP)


class Sales:
    """One store's customers: those of its first weeks, and the next ones."""

    def __init__(self, world: World, store: str, items: Sequence[Item]) -> None:
        self._items = {item.sku: item for item in items}
        goods = [item for item in items if item.quantity >= 10] or list(items)
        self._baskets = islice(shopper(world.seed, goods), STORES.index(store), None, len(STORES))

    def opening(self) -> list[Sale]:
        """Return the sales made so far, oldest first: every currency and every fate among them."""
        baskets = _mixed(self._baskets, OPENING)
        settled = [
            *_OLD,
            *(_YOUNGEST + _SPAN * (place / (OPENING - 4)) ** 1.4 for place in reversed(range(OPENING - 3))),
        ]
        made = []
        for place, (basket, age) in enumerate(zip(baskets, settled, strict=True)):
            youth = OPENING - 1 - place
            fate = _RECENT[youth] if youth < len(_RECENT) else _SETTLED[youth % len(_SETTLED)]
            made.append(self._sale(basket, fate=fate, age=age, test=youth == len(_RECENT) - 1))
        return made

    def next(self, *, sku: str | None = None, country: str | None = None, currency: str | None = None) -> Sale | None:
        """Return the next sale, of this SKU, to this country, in this currency where given; None when nobody fits."""
        for basket in islice(self._baskets, _TRIES):
            if country in (None, basket.customer.country) and currency in (None, basket.currency):
                sale = self._sale(basket)
                return sale if sku is None else self._of(sale, sku)
        return None

    def _sale(self, basket: Basket, *, fate: Fate = "paid", age: float = 0.0, test: bool = False) -> Sale:
        lines = tuple(
            SaleLine(item=self._items[line.sku], quantity=line.quantity, price=line.unit_price) for line in basket.lines
        )
        if fate == "part_sent" and sum(line.quantity for line in lines) == 1:
            lines = (SaleLine(item=lines[0].item, quantity=2, price=lines[0].price),)
        dollars = sum((line.item.price * line.quantity for line in lines), Decimal(0))
        return Sale(
            customer=basket.customer,
            currency=basket.currency,
            lines=lines,
            tax_rate=TAX_RATES.get(basket.customer.country, Decimal(0)),
            shipping_dollars=_SHIPPING if dollars < _FREE_FROM else Decimal(0),
            fate=fate,
            age=age,
            test=test,
        )

    def _of(self, sale: Sale, sku: str) -> Sale | None:
        item = self._items.get(sku)
        if item is None:
            return None
        line = SaleLine(item=item, quantity=1, price=local_price(item.price, sale.currency))
        return Sale(
            customer=sale.customer,
            currency=sale.currency,
            lines=(line,),
            tax_rate=sale.tax_rate,
            shipping_dollars=sale.shipping_dollars,
        )


class Arrivals:
    """How many sales have come in by themselves: one every ``order_seconds`` (a setting: 0 is never; demo: 90)."""

    def __init__(self, world: World, store: str) -> None:
        self._world = world
        self._store = store
        self._tick = self._now()

    def due(self) -> int:
        """Return how many have come in since this was last asked."""
        before, self._tick = self._tick, self._now()
        if before is None or self._tick is None:
            return 0
        return max(0, min(self._tick - before, _MOST_AT_ONCE))

    def _now(self) -> int | None:
        usual = 90.0 if self._world.demo else 0.0
        seconds = float(self._world.setting(self._store, "order_seconds", usual))
        return int(self._world.now() // seconds) if seconds > 0 else None


def ordered(sales: Sales, body: bytes) -> list[Sale]:
    """Return the sales a test orders: ``{"count", "sku", "country", "currency"}``. Raise ValueError for what is wrong."""
    wanted = json_object(body or b"{}")
    if wanted is None or wanted.keys() - {"count", "sku", "country", "currency"}:
        raise ValueError("the body must be a JSON object of count, sku, country and currency")
    count = wanted.pop("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 500:
        raise ValueError("count must be a number from 1 to 500")
    found = []
    for _ in range(count):
        sale = sales.next(**wanted)
        if sale is None:
            raise ValueError("no customer buys that: look at sku, country and currency")
        found.append(sale)
    return found


def json_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a body, None where it is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _mixed(baskets: Iterator[Basket], count: int) -> list[Basket]:
    """Return ``count`` baskets in the order they came, at least one of each currency among the first few hundred."""
    seen = list(islice(baskets, 8 * count))
    first_of: dict[str, int] = {}
    for place, basket in enumerate(seen):
        first_of.setdefault(basket.currency, place)
    chosen = set(first_of.values())
    for place in range(len(seen)):
        if len(chosen) >= count:
            break
        chosen.add(place)
    return [seen[place] for place in sorted(chosen)]
