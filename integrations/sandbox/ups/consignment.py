"""What a rate request and a shipment request say alike: from where, to where, which packages.

UPS numbers its errors alike for both: 11 or 12 in front, and four digits that say which.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from integrations.sandbox.geography import COUNTRIES
from integrations.sandbox.ups import tariff
from integrations.sandbox.ups.errors import Refused
from integrations.sandbox.ups.request import Node

_MOST_PACKAGES = 200
_HEAVIEST_KG = Decimal("68.04")  # 150 pounds
_LONGEST_CM = Decimal("419.1")  # length and girth together: 165 inches
_POUNDS_ONLY = frozenset(("US",))
_BOTH_SYSTEMS = frozenset(("CA",))
_PACKAGINGS = frozenset(("00", "01", "02", "03", "04", "21", "24", "25", "30", "2a", "2b", "2c"))
# The states of the United States by the first digit of their ZIP codes.
_STATES = {
    state: digit
    for digit, states in enumerate(
        (
            "CT MA ME NH NJ RI VT", "DE NY PA", "DC MD NC SC VA WV", "AL FL GA MS TN", "IN KY MI OH",
            "IA MN MT ND SD WI", "IL KS MO NE", "AR LA OK TX", "AZ CO ID NM NV UT WY", "AK CA HI OR WA",
        )
    )
    for state in states.split()
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The errors of one API: ``11`` for rates, ``12`` for shipments."""

    digits: str

    def refuse(self, code: str, message: str) -> Refused:
        """Return the refusal with this family's code."""
        return Refused(self.digits + code, message)


RATES = Family(digits="11")
SHIPMENTS = Family(digits="12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a shipment begins or ends."""

    country: str
    state: str
    city: str
    postal_code: str
    residential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package: its weight and unit as told, and what it is charged for, in kilograms."""

    weight: Decimal
    unit: str
    billed_kg: Decimal
    references: tuple[tuple[str, str], ...]


def place(address: Node, family: Family, side: str, words: str) -> Place:
    """Return the place of an address; ``side`` is 1 for the shipper, 2 for the receiver, 3 for where it is sent from."""
    no_country = family.refuse(f"0{side}08", f"Missing or invalid {words} country code")
    country = address.text("CountryCode", no_country)
    if country not in COUNTRIES:
        raise no_country
    state, postal_code = address.optional("StateProvinceCode").upper(), address.optional("PostalCode").upper()
    if country == "US":
        _check_zip(state, postal_code, family, side, words)
    elif country == "CA" and not re.fullmatch(r"[A-Z]\d[A-Z] ?\d[A-Z]\d", postal_code):
        raise family.refuse(f"0{side}07", f"Missing or invalid {words} postal code")
    return Place(
        country=country,
        state=state,
        city=address.optional("City"),
        postal_code=postal_code,
        residential="ResidentialAddressIndicator" in address,
    )


def packages(shipment: Node, family: Family, origin: Place, kind: str) -> list[Package]:
    """Return the packages, each checked; ``kind`` is the member that names the packaging, different in both requests."""
    found = shipment.nodes("Package")
    if not found:
        raise family.refuse("0002", "No packages found in shipment")
    if len(found) > _MOST_PACKAGES:
        raise family.refuse("0003", "Maximum number of packages exceeded (200)")
    return [_package(item, family, origin, kind) for item in found]


def service(code: str, origin: Place, destination: Place, family: Family) -> tariff.Service:
    """Return the service of a code between two places; raises Refused when UPS has none."""
    offered = tariff.services(origin.country, destination.country)
    for item in offered:
        if item.code == code:
            return item
    everywhere = {item.code for other in COUNTRIES for item in tariff.services(origin.country, other)}
    if code in everywhere:
        raise family.refuse("1210", "The requested service is unavailable between the selected locations.")
    raise family.refuse("1100", "The requested service is invalid from the selected origin.")


def references(holder: Node, family: Family) -> tuple[tuple[str, str], ...]:
    """Return the reference numbers of a shipment or package, their code (which may be blank) before their value."""
    found = []
    for item in holder.nodes("ReferenceNumber"):
        value = item.text("Value")
        if len(value) > 35:
            raise family.refuse("0501", "Invalid reference number value")
        code = item.optional("Code")
        if len(code) > 2:
            raise family.refuse("0506", "Invalid reference number code")
        found.append((code, value))
    return tuple(found)


def total_kg(items: Sequence[Package]) -> Decimal:
    """Return what packages are charged for together, in kilograms."""
    return sum((item.billed_kg for item in items), Decimal(0))


def _check_zip(state: str, postal_code: str, family: Family, side: str, words: str) -> None:
    if not re.fullmatch(r"\d{5}(-?\d{4})?", postal_code):
        raise family.refuse(f"0{side}07", f"Missing or invalid {words} postal code")
    if state and state not in _STATES:
        raise family.refuse("1286", f"{state} is not a valid state abbreviation for United States.")
    if state and _STATES[state] != int(postal_code[0]):
        raise family.refuse("1285", f"The postal code {postal_code} is invalid for {state} United States.")


def _package(item: Node, family: Family, origin: Place, kind: str) -> Package:
    no_packaging = family.refuse("0600", "Missing or invalid package type")
    if (item.maybe(kind) or Node({}, item.at(kind))).text("Code", no_packaging) not in _PACKAGINGS:
        raise no_packaging
    weighed = item.maybe("PackageWeight")
    if weighed is None:
        raise family.refuse("0608", "The package weight is required.")
    no_unit = family.refuse("0601", "Missing or invalid package weight")
    unit = weighed.node("UnitOfMeasurement").text("Code", no_unit)
    if unit not in ("LBS", "KGS", "OZS"):
        raise no_unit
    weight = weighed.number("Weight", no_unit)
    if weight == 0:
        unit_word = "kgs" if unit == "KGS" else "pounds"
        raise family.refuse("1030" if unit == "KGS" else "1031", f"Packages must weigh more than zero {unit_word}.")
    kg = tariff.kilograms(weight, unit)
    if kg > _HEAVIEST_KG:
        raise family.refuse(
            "1036" if unit == "KGS" else "1035",
            "The maximum per package weight for the selected service from the selected country or territory is "
            + ("70.00 kg." if unit == "KGS" else "150.00 pounds."),
        )
    sides = _sides(item, unit, family)
    _check_system(unit, origin, family)
    return Package(weight=weight, unit=unit, billed_kg=tariff.billed_kg(kg, sides), references=references(item, family))


def _sides(item: Node, weight_unit: str, family: Family) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return the sides in centimetres, None when they are not told; UPS mixes no kilograms with inches."""
    size = item.maybe("Dimensions")
    if size is None:
        return None
    unit = size.node("UnitOfMeasurement").text("Code")
    if (unit, weight_unit == "KGS") not in (("CM", True), ("IN", False)):
        raise family.refuse("0548", "A shipment cannot have a KGS/IN or LBS/CM or OZS/CM as its unit of measurements")
    bad = family.refuse(
        "0609", "All dimensions (length, width, height) are required and each must be greater than zero."
    )
    length, width, height = (tariff.centimetres(size.number(side, bad), unit) for side in ("Length", "Width", "Height"))
    if not (length and width and height):
        raise bad
    if length + 2 * (width + height) > _LONGEST_CM:
        raise family.refuse("1050", "This package exceeds the maximum size total constraint of 165 inches (419 cm).")
    return length, width, height


def _check_system(unit: str, origin: Place, family: Family) -> None:
    """Refuse kilograms from the United States and pounds from elsewhere; Canada weighs in both."""
    if origin.country not in _BOTH_SYSTEMS and (origin.country in _POUNDS_ONLY) == (unit == "KGS"):
        raise family.refuse("1057", "This measurement system is not valid for the selected country or territory.")
