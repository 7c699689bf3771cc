"""What UPS carries between two countries, what that costs and how long it takes.

Not UPS's tariff, but one of the same shape: dearer with distance, weight and speed, fuel on top, a contract's rates
below the published ones. Service codes are UPS's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from integrations.sandbox.geography import COUNTRIES, distance, dollars_in

_FUEL = Decimal("0.185")
_CONTRACT = Decimal("0.72")
_CONTRACT_IN_TESTS = Decimal("0.99")  # the test environment knows no contract: a hundredth below what is published
_POUND = Decimal("0.45359237")
_INCH = Decimal("2.54")
_CUBIC_CM_PER_KG = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. ``days`` are working days by distance (0 to 3); ``by`` is when it promises to be there, or ""."""

    code: str
    name: str
    factor: str
    days: tuple[int, int, int, int]
    by: str = ""


_US = (
    Service(code="14", name="UPS Next Day Air Early", factor="4.6", days=(1, 1, 1, 1), by="8:00 A.M."),
    Service(code="01", name="UPS Next Day Air", factor="3.8", days=(1, 1, 1, 1), by="10:30 A.M."),
    Service(code="13", name="UPS Next Day Air Saver", factor="3.5", days=(1, 1, 1, 1), by="3:00 P.M."),
    Service(code="59", name="UPS 2nd Day Air A.M.", factor="2.1", days=(2, 2, 2, 2), by="10:30 A.M."),
    Service(code="02", name="UPS 2nd Day Air", factor="1.9", days=(2, 2, 2, 2), by="11:00 P.M."),
    Service(code="12", name="UPS 3 Day Select", factor="1.5", days=(3, 3, 3, 3), by="11:00 P.M."),
    Service(code="03", name="UPS Ground", factor="1", days=(1, 2, 4, 5)),
)
_STANDARD = Service(code="11", name="UPS Standard", factor="0.7", days=(3, 3, 3, 3))
_EXPRESS = (
    Service(code="54", name="UPS Worldwide Express Plus", factor="1.9", days=(1, 2, 2, 3), by="9:00 A.M."),
    Service(code="07", name="UPS Worldwide Express", factor="1.5", days=(1, 2, 2, 3), by="12:00 P.M."),
    Service(code="65", name="UPS Worldwide Saver", factor="1.35", days=(1, 2, 3, 3), by="11:00 P.M."),
)
_EXPEDITED = Service(code="08", name="UPS Worldwide Expedited", factor="1.1", days=(3, 4, 5, 5))


def services(origin: str, destination: str) -> tuple[Service, ...]:
    """Return what is carried between two countries, fastest first."""
    if origin == destination == "US":
        return _US
    if distance(origin, destination) == 0:
        return *_EXPRESS, _STANDARD
    return *_EXPRESS, _EXPEDITED


def kilograms(weight: Decimal, unit: str) -> Decimal:
    """Return a weight in kilograms; ``unit`` is KGS, LBS or OZS."""
    return weight * {"KGS": Decimal(1), "LBS": _POUND, "OZS": _POUND / 16}[unit]


def centimetres(length: Decimal, unit: str) -> Decimal:
    """Return a length in centimetres; ``unit`` is CM or IN."""
    return length * (_INCH if unit == "IN" else 1)


def billed_kg(kg: Decimal, sides: tuple[Decimal, Decimal, Decimal] | None) -> Decimal:
    """Return what one package is charged for: the heavier of scale and volume; sides are in centimetres."""
    return max(kg, sides[0] * sides[1] * sides[2] / _CUBIC_CM_PER_KG) if sides else kg


def billed(kg: Decimal, unit: str) -> Decimal:
    """Return a billed weight in its unit: whole pounds, or half kilograms."""
    if unit == "KGS":
        return (kg * 2).quantize(Decimal(1), rounding=ROUND_CEILING) / 2
    return (kg / _POUND).quantize(Decimal(1), rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price: freight and fuel as published, and what a contract makes of both."""

    currency: str
    base: Decimal
    fuel: Decimal
    contract: Decimal

    @property
    def published(self) -> Decimal:
        return self.base + self.fuel


def price(
    service: Service, origin: str, destination: str, far: int, kg: Decimal, *, seed: int, at: float, tests: bool
) -> Price:
    """Return the price of ``kg`` kilograms in the origin's currency; ``far`` is the zone (0 to 3)."""
    abroad = origin != destination
    dollars = (
        Decimal(28 if abroad else 9) + Decimal(11 if abroad else 2) * far
        + kg * Decimal("4.60" if abroad else "1.05") * (1 + Decimal(far) / 4)
    ) * Decimal(service.factor)  # fmt: skip
    currency = COUNTRIES[origin].currency
    base = _in_cents(dollars_in(seed, currency, at, dollars))
    fuel = _in_cents(dollars_in(seed, currency, at, dollars * _FUEL))
    share = _CONTRACT_IN_TESTS if tests else _CONTRACT
    return Price(currency=currency, base=base, fuel=fuel, contract=_in_cents((base + fuel) * share))


def zone(origin: str, destination: str, postal_codes: tuple[str, str]) -> int:
    """Return 0 (next door) to 3 (the far side of the world, or of the United States)."""
    first, second = (code[:1] for code in postal_codes)
    if origin == destination == "US" and first.isdecimal() and second.isdecimal():
        return min(3, (abs(int(first) - int(second)) + 1) // 2)
    return distance(origin, destination)


def _in_cents(amount: Decimal) -> Decimal:
    """Return an amount with two decimals: the document knows no amount with three."""
    return amount.quantize(Decimal("0.01"))
