"""What Aramex asks for a shipment: by zone, weight and product, in dinars, dirhams or whatever is preferred."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

from integrations.sandbox.aramex.places import COUNTRIES, PER_US_DOLLAR, Notification, unit

# Product types and how dear they are. Express: priority and deferred parcels and documents, ground, economy.
_EXPRESS = {"PDX": "1.25", "PPX": "1.2", "PLX": "1.1", "DDX": "0.9", "DPX": "0.85", "GDX": "0.7", "GPX": "0.68",
            "EPX": "0.8", "EDX": "0.82"}  # fmt: skip
_DOMESTIC = {"OND": "1", "ONP": "1.05", "CDS": "0.9", "BLK": "0.8", "SMD": "1.3"}
_ZONE_BASE = (Decimal(11), Decimal(17), Decimal(27), Decimal(38))
_ZONE_KG = (Decimal("2.2"), Decimal("3.5"), Decimal("6"), Decimal("8.5"))
_HEAVIEST = 10_000  # kilograms
_SIDES = ("Length", "Width", "Height")
_POUND = Decimal("0.45359237")
TRANSIT_DAYS = (2, 3, 4, 6)


def kilograms(weight: dict[str, Any] | None) -> Decimal:
    """Return a weight in kilograms, 0 when there is none or its unit is unknown."""
    if weight is None:
        return Decimal(0)
    factor = {"KG": Decimal(1), "LB": _POUND, "G": Decimal("0.001")}.get((weight["Unit"] or "").upper(), Decimal(0))
    kg: Decimal = weight["Value"] * factor
    return kg


def details_problems(details: dict[str, Any] | None, origin: str, destination: str) -> list[Notification]:
    """Return what is wrong with shipment details. The codes are this sandbox's own."""
    if details is None:
        return [("ERR60", "ShipmentDetails - Details are required")]
    problems = []
    group, product = (details["ProductGroup"] or "").upper(), (details["ProductType"] or "").upper()
    products = {"EXP": _EXPRESS, "DOM": _DOMESTIC}.get(group)
    if products is None:
        problems.append(("ERR61", f"ShipmentDetails - Product group is invalid ({group})"))
    elif product not in products:
        problems.append(("ERR62", f"ShipmentDetails - Product type is invalid ({product})"))
    elif (group == "DOM") != (origin == destination):
        problems.append(("ERR63", "ShipmentDetails - Product group does not suit origin and destination"))
    if (details["PaymentType"] or "").upper() not in ("P", "C", "3"):
        problems.append(("ERR64", f"ShipmentDetails - Payment type is invalid ({details['PaymentType'] or ''})"))
    if not 0 < kilograms(details["ActualWeight"]) <= _HEAVIEST or kilograms(details["ChargeableWeight"]) > _HEAVIEST:
        problems.append(("ERR65", "ShipmentDetails - Actual weight is invalid"))
    if any(not 0 <= details["Dimensions"][side] <= 1000 for side in _SIDES if details["Dimensions"]):
        problems.append(("ERR68", "ShipmentDetails - Dimensions are invalid"))
    if not 1 <= details["NumberOfPieces"] <= 999:
        problems.append(("ERR66", "ShipmentDetails - Number of pieces is invalid"))
    return problems


def zone(origin: str, destination: str) -> int:
    """Return the zone between two countries: 0 for the same, else the farther of both."""
    return 0 if origin == destination else max(COUNTRIES[origin].zone, COUNTRIES[destination].zone)


def charge(details: dict[str, Any], origin: str, destination: str, currency: str | None) -> tuple[Decimal, str]:
    """Return price and currency: the preferred one where it is known, else the origin's."""
    wanted = (currency or "").upper()
    paid_in = wanted if wanted in PER_US_DOLLAR else COUNTRIES[origin].currency
    heavy = max(kilograms(details["ActualWeight"]), kilograms(details["ChargeableWeight"]), _volume(details))
    half_kilos = (heavy * 2).quantize(Decimal(1), rounding=ROUND_CEILING)
    far = zone(origin, destination)
    products = _DOMESTIC if (details["ProductGroup"] or "").upper() == "DOM" else _EXPRESS
    dollars = (_ZONE_BASE[far] + _ZONE_KG[far] * half_kilos / 2) * Decimal(products[details["ProductType"].upper()])
    if origin == destination:
        dollars /= 3
    price = dollars * Decimal(PER_US_DOLLAR[paid_in])
    return price.quantize(unit(paid_in), rounding=ROUND_HALF_UP), paid_in


def _volume(details: dict[str, Any]) -> Decimal:
    size = details["Dimensions"]
    if size is None:
        return Decimal(0)
    volume: Decimal = size["Length"] * size["Width"] * size["Height"]
    in_centimetres = volume * (1_000_000 if (size["Unit"] or "").upper() == "M" else 1)
    pieces: int = details["NumberOfPieces"]
    return in_centimetres / 5000 * pieces
