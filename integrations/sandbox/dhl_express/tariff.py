"""What DHL Express carries between two countries, what that costs and how long it takes.

Not DHL's tariff, but one of the same shape: dearer with distance, weight and speed, a fuel surcharge on top, public
rates above the account's. Product codes and names are those of DHL's reference data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any

from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.geography import (
    COUNTRIES,
    business_days_after,
    distance,
    dollars_in,
    same_customs_territory,
)

_POUND = Decimal("0.45359237")
_INCH = Decimal("2.54")
_HEAVIEST_KG = Decimal(70)
_FUEL = Decimal("0.2125")
_PUBLIC_ABOVE_ACCOUNT = Decimal("1.35")
BASE_CURRENCY = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product. ``days`` are working days by distance (0 to 3), ``by`` the time of the day it promises."""

    code: str
    name: str
    factor: str
    days: tuple[int, int, int, int]
    by: str = "23:59"
    network: str = "TD"  # time definite, or DD: day definite
    agreement: bool = False  # sold only to who has signed for it


def _products(*lines: tuple[str, str, str, tuple[int, int, int, int], str]) -> tuple[Product, ...]:
    return tuple(
        Product(code=code, name=name, factor=factor, days=days, by=by) for code, name, factor, days, by in lines
    )


_DOMESTIC = _products(
    ("I", "EXPRESS DOMESTIC 9:00", "1.9", (1, 1, 1, 1), "09:00"),
    ("1", "EXPRESS DOMESTIC 12:00", "1.25", (1, 1, 1, 1), "12:00"),
    ("N", "EXPRESS DOMESTIC", "1", (1, 1, 1, 1), "23:59"),
)
_UNION = (
    *_products(
        ("K", "EXPRESS 9:00", "1.7", (1, 1, 1, 1), "09:00"),
        ("T", "EXPRESS 12:00", "1.2", (1, 1, 1, 1), "12:00"),
        ("U", "EXPRESS WORLDWIDE", "1", (1, 1, 1, 1), "23:59"),
    ),
    Product(code="W", name="ECONOMY SELECT", factor="0.6", days=(3, 3, 3, 3), network="DD"),
)
_DOCUMENTS = _products(
    ("K", "EXPRESS 9:00", "1.7", (1, 2, 3, 3), "09:00"),
    ("T", "EXPRESS 12:00", "1.2", (1, 2, 3, 3), "12:00"),
    ("D", "EXPRESS WORLDWIDE", "0.9", (1, 2, 3, 4), "23:59"),
)
_GOODS = (
    *_products(
        ("E", "EXPRESS 9:00 NONDOC", "1.7", (1, 2, 3, 3), "09:00"),
        ("Y", "EXPRESS 12:00 NONDOC", "1.2", (1, 2, 3, 3), "12:00"),
        ("P", "EXPRESS WORLDWIDE NONDOC", "1", (2, 2, 3, 4), "23:59"),
    ),
    Product(code="Q", name="MEDICAL EXPRESS", factor="1.3", days=(1, 2, 3, 3), agreement=True),
    Product(code="H", name="ECONOMY SELECT NONDOC", factor="0.7", days=(4, 5, 6, 7), network="DD"),
)


def products(origin: str, destination: str, *, declarable: bool) -> tuple[Product, ...]:
    """Return what is carried between two countries, fastest first; nothing declarable within one customs territory."""
    if same_customs_territory(origin, destination):
        if declarable:
            return ()
        return _DOMESTIC if origin == destination else _UNION
    return _GOODS if declarable else _DOCUMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent, in kilograms: on the scale, by its volume (5 000 cm³ to the kilogram), and what is charged."""

    provided: Decimal
    volumetric: Decimal
    charged: Decimal


def load(packages: Sequence[dict[str, Any]], unit: str) -> Load:
    """Return what packages weigh together, each the heavier of scale and volume, in steps of half a kilogram."""
    metric = unit == "metric"
    provided = volumetric = charged = Decimal(0)
    for package in packages:
        kg = Decimal(str(package["weight"])) * (1 if metric else _POUND)
        if kg > _HEAVIEST_KG:
            raise Refused(400, "410106: The piece weight exceeds the maximum allowed weight.")
        size = package.get("dimensions")
        sides = (
            [Decimal(str(size[side])) * (1 if metric else _INCH) for side in ("length", "width", "height")]
            if size
            else []
        )
        space = sides[0] * sides[1] * sides[2] / 5000 if sides else Decimal(0)
        provided += kg
        volumetric += space
        charged += (max(kg, space) * 2).quantize(Decimal(1), rounding=ROUND_CEILING) / 2
    return Load(provided=provided, volumetric=volumetric, charged=charged)


def in_unit(kg: Decimal, unit: str) -> Decimal:
    """Return kilograms in the unit of a request: themselves when metric, else pounds."""
    return (kg if unit == "metric" else kg / _POUND).quantize(Decimal("0.001"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price in one currency: of which type it is (BILLC, PULCL, BASEC), the freight, the fuel on it."""

    type: str
    currency: str
    freight: Decimal
    fuel: Decimal

    @property
    def total(self) -> Decimal:
        return self.freight + self.fuel


def prices(
    product: Product, origin: str, destination: str, kg: Decimal, *, seed: int, at: float, billed_in: str
) -> tuple[Price, ...]:
    """Return the price in the three currencies MyDHL tells: the country's public one, what is billed, the base."""
    far = distance(origin, destination)
    abroad = origin != destination
    dollars = (
        Decimal(31 if abroad else 12) + Decimal(13 if abroad else 0) * far + kg * Decimal("5.20" if abroad else "1.10")
        * (1 + Decimal(far) / 4)
    ) * Decimal(product.factor)  # fmt: skip

    def price(type: str, currency: str, factor: Decimal = Decimal(1)) -> Price:
        freight = dollars_in(seed, currency, at, dollars * factor)
        fuel = dollars_in(seed, currency, at, dollars * factor * _FUEL)
        return Price(type=type, currency=currency, freight=freight, fuel=fuel)

    public = price("PULCL", COUNTRIES[origin].currency, _PUBLIC_ABOVE_ACCOUNT)
    return public, price("BILLC", billed_in), price("BASEC", BASE_CURRENCY)


def transit_days(product: Product, origin: str, destination: str, *, with_clearance: bool = False) -> int:
    """Return the working days from pickup to delivery; clearance at a border adds one where it is asked for."""
    clearance = with_clearance and not same_customs_territory(origin, destination)
    return product.days[distance(origin, destination)] + clearance


def arrival(product: Product, leaves: date, days: int) -> str:
    """Return when a shipment arrives, local at its destination, as MyDHL writes it: no offset."""
    return f"{business_days_after(leaves, days).isoformat()}T{product.by}:00"
