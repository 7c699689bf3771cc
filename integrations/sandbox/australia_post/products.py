"""The postage products of the sandbox's contract and what they cost: not the vendor's tariff, but one of its shape.

Product ids and names differ from contract to contract: ``GET /accounts/{account}`` tells them. Prices are in Australian
dollars; at home they hold ten percent GST, abroad none.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.sandbox.australia_post import places

_CENT = Decimal("0.01")
_FUEL = Decimal("0.05")
_BUNDLED = Decimal("0.9")
CUBING_FACTOR = Decimal(250)  # kilograms a cubic metre counts
INCLUDED_COVER = Decimal(200)
MAXIMUM_COVER = Decimal(5000)
_COVER_RATE = Decimal("1.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product. Prices include GST; ``days`` are those a parcel takes near by."""

    id: str
    type: str
    group: str
    base: str
    per_kg: str
    days: int
    heaviest: int = 22
    abroad: bool = False
    signature: bool = False


PRODUCTS = {
    product.id: product
    for product in (
        Product(id="T28", type="PARCEL POST", group="Parcel Post", base="7.20", per_kg="0.95", days=3),
        Product(
            id="T28S",
            type="PARCEL POST + SIGNATURE",
            group="Parcel Post",
            base="8.05",
            per_kg="0.95",
            days=3,
            signature=True,
        ),
        Product(
            id="7D55",
            type="PARCEL POST + SIGNATURE",
            group="Parcel Post",
            base="8.40",
            per_kg="0.90",
            days=3,
            signature=True,
        ),
        Product(
            id="T28V1N0", type="PARCEL POST LIGHT", group="Parcel Post", base="6.40", per_kg="0.80", days=4, heaviest=3
        ),
        Product(id="E34", type="EXPRESS POST", group="Express Post", base="11.90", per_kg="1.85", days=1),
        Product(
            id="7J55",
            type="EXPRESS POST + SIGNATURE",
            group="Express Post",
            base="12.75",
            per_kg="1.85",
            days=1,
            signature=True,
        ),
        Product(
            id="PTI8",
            type="INTL STANDARD/PACK & TRACK",
            group="International",
            base="18.60",
            per_kg="14.30",
            days=10,
            heaviest=20,
            abroad=True,
        ),
        Product(
            id="ECM8",
            type="INTL EXPRESS MERCH/ECI MERCH",
            group="International",
            base="36.40",
            per_kg="18.70",
            days=4,
            heaviest=20,
            abroad=True,
            signature=True,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A sum with its parts: ``cost`` is ``ex_gst`` and ``gst`` together."""

    cost: Decimal
    gst: Decimal

    @property
    def ex_gst(self) -> Decimal:
        return self.cost - self.gst

    def told(self, prefix: str = "calculated_") -> dict[str, Any]:
        """Return the price as a quote tells it."""
        return {
            f"{prefix}price": self.cost,
            f"{prefix}price_ex_gst": self.ex_gst,
            f"{prefix}gst": self.gst,
        }

    def summed(self) -> dict[str, Any]:
        """Return the price as a summary tells it."""
        return {"total_cost": self.cost, "total_cost_ex_gst": self.ex_gst, "total_gst": self.gst}


def price(product: Product, origin: str, destination: str, kg: Decimal, cover: Decimal | None = None) -> Price:
    """Return what one item costs; ``kg`` is what it counts for, ``cover`` above what is included costs more."""
    zone = 0 if product.abroad else places.distance(origin, destination)
    cost = Decimal(product.base) + Decimal(product.per_kg) * kg * (1 + Decimal(zone) / 2)
    return with_gst(cost + cover_cost(cover), product.abroad)


def cover_cost(cover: Decimal | None) -> Decimal:
    """Return what transit cover costs above the cover every item has."""
    above = max(Decimal(0), (cover or Decimal(0)) - INCLUDED_COVER)
    return (above * _COVER_RATE / 100).quantize(_CENT, ROUND_HALF_UP)


def bundled(single: Price, abroad: bool) -> Price:
    """Return the price of an item that goes with others to one address."""
    return with_gst(single.cost * _BUNDLED, abroad)


def with_gst(cost: Decimal, abroad: bool) -> Price:
    """Return a price rounded to cents, with the GST it holds."""
    cost = cost.quantize(_CENT, ROUND_HALF_UP)
    return Price(cost=cost, gst=Decimal("0.00") if abroad else (cost / 11).quantize(_CENT, ROUND_HALF_UP))


def with_fuel(items: list[Price], abroad: bool) -> tuple[Price, Decimal]:
    """Return the total of a shipment and the fuel surcharge in it: quotes of single items leave it out."""
    net = sum((item.cost for item in items), Decimal(0))
    fuel = (net * _FUEL).quantize(_CENT, ROUND_HALF_UP)
    return with_gst(net + fuel, abroad), fuel


def transit_days(product: Product, origin: str, destination: str) -> int:
    """Return the days an item takes."""
    return product.days if product.abroad else product.days * (1 + places.distance(origin, destination))


def cover_feature(amount: Decimal) -> dict[str, Any]:
    """Return the feature as a quote tells it."""
    told = with_gst(cover_cost(amount), False).told()
    return {
        "TRANSIT_COVER": {
            "type": "TRANSIT_COVER",
            "attributes": {
                "rate": _COVER_RATE,
                "maximum_cover": int(MAXIMUM_COVER),
                "cover_amount": amount,
                "included_cover": int(INCLUDED_COVER),
            },
            "price": told,
            "bundled": amount <= INCLUDED_COVER,
        }
    }
