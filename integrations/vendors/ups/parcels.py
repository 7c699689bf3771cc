"""Parcels in UPS's units and within its limits.

UPS wants pounds and inches where the account is American, kilograms and centimetres elsewhere, never mixed (its errors
120546 to 120548), every number as a text, and the longest side first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.types.shipping import Parcel, Shipment

MOST_PARCELS = 100  # of a larger shipment the labels cannot be recovered (error 300003), so nor can a lost answer
_CUSTOMER_PACKAGE = "02"


@dataclass(frozen=True, slots=True, kw_only=True)
class _System:
    """A system of units with UPS's limits in it.

    Limits: ups.com, "Weight & Size Guide" of the US and of other countries. The OpenAPI file has less for centimetres
    (270 and 330); what UPS may take is not refused here.
    """

    weight: tuple[str, str]
    size: tuple[str, str]
    kilograms: Decimal  # of one unit of weight
    centimetres: Decimal  # of one unit of size
    heaviest: int
    longest: int
    largest: int  # length and girth: the longest side and twice the others


_METRIC = _System(
    weight=("KGS", "Kilograms"),
    size=("CM", "Centimeters"),
    kilograms=Decimal(1),
    centimetres=Decimal(1),
    heaviest=70,
    longest=274,
    largest=400,
)
_IMPERIAL = _System(
    weight=("LBS", "Pounds"),
    size=("IN", "Inches"),
    kilograms=Decimal("0.45359237"),
    centimetres=Decimal("2.54"),
    heaviest=150,
    longest=108,
    largest=165,
)
_IMPERIAL_COUNTRIES = frozenset({"US", "PR", "VI"})


def packages(shipment: Shipment, field: str, packaging: str) -> list[dict[str, Any]]:
    """Return the parcels; ``packaging`` is what the API calls their type. Raise InvalidInput or Unsupported."""
    if len(shipment.parcels) > MOST_PARCELS:
        raise Unsupported(f"UPS takes at most {MOST_PARCELS} parcels from us at once; split the shipment.", field=field)
    system = _system(shipment)
    return [
        {packaging: {"Code": _CUSTOMER_PACKAGE}, **_package(parcel, system, f"{field}.{number}")}
        for number, parcel in enumerate(shipment.parcels)
    ]


def total_weight(shipment: Shipment) -> dict[str, Any]:
    """Return the weight of all parcels together."""
    system = _system(shipment)
    return _weight(sum((_in_units(parcel, system) for parcel in shipment.parcels), Decimal(0)), system)


def _system(shipment: Shipment) -> _System:
    return _IMPERIAL if shipment.origin.country in _IMPERIAL_COUNTRIES else _METRIC


def _package(parcel: Parcel, system: _System, field: str) -> dict[str, Any]:
    weight = _in_units(parcel, system)
    if weight > system.heaviest:
        raise InvalidInput(
            f"UPS takes parcels of at most {system.heaviest} {system.weight[1].lower()}; heavier ones are freight.",
            field=f"{field}.weight_kg",
        )
    package = {"PackageWeight": _weight(weight, system)}
    sides = [side for side in (parcel.length_cm, parcel.width_cm, parcel.height_cm) if side is not None]
    if len(sides) == 3:
        package["Dimensions"] = _dimensions(sides, system, field)
    return package


def _dimensions(sides: Sequence[Decimal], system: _System, field: str) -> dict[str, Any]:
    # UPS takes whole units; a parcel is never smaller than we say.
    whole = [int((side / system.centimetres).to_integral_value(ROUND_CEILING)) for side in sides]
    length, width, height = sorted(whole, reverse=True)
    if length > system.longest or length + 2 * (width + height) > system.largest:
        raise InvalidInput(
            f"UPS takes parcels of at most {system.longest} {system.size[1].lower()}, and {system.largest} in length "
            "and girth together.",
            field=field,
        )
    return {
        "UnitOfMeasurement": {"Code": system.size[0], "Description": system.size[1]},
        "Length": str(length),
        "Width": str(width),
        "Height": str(height),
    }


def _in_units(parcel: Parcel, system: _System) -> Decimal:
    return (parcel.weight_kg / system.kilograms).quantize(Decimal("0.1"), ROUND_CEILING)


def _weight(weight: Decimal, system: _System) -> dict[str, Any]:
    return {
        "UnitOfMeasurement": {"Code": system.weight[0], "Description": system.weight[1]},
        "Weight": str(weight),
    }
