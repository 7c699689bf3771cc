"""What a parcel costs and how long it takes: not Canada Post's tariff, but one of the same shape, in Canadian dollars.

Base by distance and weight, options on top, an automation discount, a fuel surcharge, and the taxes of the province the
parcel goes to; none are asked for a parcel that leaves Canada.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.sandbox.canada_post.errors import business
from integrations.sandbox.canada_post.places import COUNTRIES, distance, province
from integrations.sandbox.geography import business_days_after

_CENT = Decimal("0.01")
FUEL_PERCENT = Decimal("18.75")
DISCOUNT_PERCENT = Decimal("3")
_CUBIC_CM_PER_KG = Decimal(6000)
_HEAVIEST = Decimal(30)
_LONGEST = Decimal(200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. ``days`` by distance 0–3; without days the vendor promises no time. ``most`` is in kilograms."""

    code: str
    name: str
    nom: str
    factor: Decimal
    days: tuple[int, int, int, int] | None
    most: Decimal = _HEAVIEST
    guaranteed: bool = False
    am: bool = False

    @property
    def country(self) -> str:
        """Where it goes: CA, US, or nothing for any other country."""
        return {"DOM": "CA", "USA": "US"}.get(self.code.partition(".")[0], "")


def _service(
    code: str, name: str, nom: str, factor: str, days: tuple[int, int, int, int] | None, **more: Any
) -> Service:
    return Service(code=code, name=name, nom=nom, factor=Decimal(factor), days=days, **more)


SERVICES = {
    service.code: service
    for service in (
        _service("DOM.RP", "Regular Parcel", "Colis standard", "1", (2, 4, 7, 11)),
        _service("DOM.EP", "Expedited Parcel", "Colis accélérés", "0.98", (1, 3, 6, 9), guaranteed=True),
        _service("DOM.XP", "Xpresspost", "Xpresspost", "1.35", (1, 2, 2, 4), guaranteed=True),
        _service("DOM.PC", "Priority", "Priorité", "1.9", (1, 1, 2, 3), guaranteed=True, am=True),
        _service("USA.EP", "Expedited Parcel USA", "Colis accélérés É.-U.", "1.9", (5, 5, 7, 9)),
        _service("USA.XP", "Xpresspost USA", "Xpresspost É.-U.", "2.6", (3, 3, 4, 6), guaranteed=True),
        _service("USA.TP", "Tracked Packet - USA", "Paquet repérable É.-U.", "1.1", (5, 5, 7, 9), most=Decimal(2)),
        _service("USA.SP.AIR", "Small Packet USA Air", "Petit paquet É.-U. - Avion", "0.8", None, most=Decimal(2)),
        _service("INT.XP", "Xpresspost International", "Xpresspost international", "5.2", (4, 4, 5, 7), guaranteed=True),
        _service("INT.IP.AIR", "International Parcel Air", "Colis international - Avion", "4.4", (6, 6, 8, 10)),
        _service("INT.IP.SURF", "International Parcel Surface", "Colis international - Surface", "2.6", None),
        _service("INT.TP", "Tracked Packet - International", "Paquet repérable international", "2.1", (6, 6, 8, 10),
                 most=Decimal(2)),
        _service("INT.SP.AIR", "Small Packet International Air", "Petit paquet international - Avion", "1.4", None,
                 most=Decimal(2)),
    )
}  # fmt: skip

# Option -> name, price, and what each hundred dollars of its amount above the first costs.
OPTIONS = {
    "DC": ("Delivery confirmation", "0", "0"),
    "SO": ("Signature", "2.25", "0"),
    "COV": ("Coverage", "0", "2.75"),
    "COD": ("Collect on delivery", "7.25", "0"),
    "PA18": ("Proof of age 18", "0", "0"),
    "PA19": ("Proof of age 19", "0", "0"),
    "HFP": ("Card for pickup", "0", "0"),
    "DNS": ("Do not safe drop", "0", "0"),
    "LAD": ("Leave at door", "0", "0"),
    "D2PO": ("Deliver to post office", "0", "0"),
    "RASE": ("Return at sender's expense", "0", "0"),
    "RTS": ("Return to sender", "0", "0"),
    "ABAN": ("Abandon", "0", "0"),
}
NON_DELIVERY = frozenset(("RASE", "RTS", "ABAN"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One price, all parts rounded to the cent; ``due`` is their sum."""

    base: Decimal
    options: Sequence[tuple[str, Decimal]]
    discount: Decimal
    fuel: Decimal
    gst: Decimal
    pst: Decimal
    hst: Decimal
    rates: Mapping[str, Decimal]  # of each tax, in percent
    cubed: Decimal | None
    rated: Decimal

    @property
    def before_tax(self) -> Decimal:
        return self.base + sum((price for _, price in self.options), Decimal(0)) + self.discount + self.fuel

    @property
    def due(self) -> Decimal:
        return self.before_tax + self.gst + self.pst + self.hst


def services_to(country: str) -> list[Service]:
    """Return the services that go to a country; raises Refused for a country that is none."""
    wanted = country.upper()
    if wanted not in COUNTRIES:
        raise business("10033")
    own = wanted if wanted in ("CA", "US") else ""
    return [service for service in SERVICES.values() if service.country == own]


def fits(service: Service, parcel: Mapping[str, Any]) -> bool:
    """Return True when the service takes a parcel of this weight and size."""
    sides = [Decimal(side) for side in parcel.get("dimensions", {}).values()]
    return Decimal(parcel["weight"]) <= service.most and all(side <= _LONGEST for side in sides)


def charge(
    service: Service, origin: str, destination: str, parcel: Mapping[str, Any], options: Sequence[Mapping[str, Any]]
) -> Charge:
    """Return the price; ``destination`` is a Canadian postal code, or anything else for abroad."""
    home = service.country == "CA"
    zone = distance(province(origin), province(destination)) if home else 2
    cubed = _cubed(parcel)
    rated = max(Decimal(parcel["weight"]), cubed or Decimal(0))
    base = _cents((Decimal("9.40") + 2 * zone + rated * (Decimal("0.9") + zone * Decimal("0.45"))) * service.factor)
    priced = [("DC", Decimal(0)), *((option["option-code"], _option(option)) for option in options)]
    discount = -_cents(base * DISCOUNT_PERCENT / 100)
    fuel = _cents((base + discount) * FUEL_PERCENT / 100)
    taxed = base + sum((price for _, price in priced), Decimal(0)) + discount + fuel
    taxes = province(destination) if home else None
    rates = {name: getattr(taxes, name) if taxes else Decimal(0) for name in ("gst", "pst", "hst")}
    parts = {name: _cents(taxed * rate / 100) for name, rate in rates.items()}
    return Charge(
        base=base, options=priced, discount=discount, fuel=fuel, rates=rates, cubed=cubed, rated=rated, **parts
    )


def transit(service: Service, origin: str, destination: str) -> int | None:
    """Return the working days a parcel takes, None where the vendor promises none."""
    if service.days is None:
        return None
    near = province(origin), province(destination)
    return service.days[distance(*near) if service.country == "CA" else 2]


def delivery_date(service: Service, origin: str, destination: str, mailed: date) -> date | None:
    """Return the day a parcel is expected, None where the vendor promises none."""
    days = transit(service, origin, destination)
    return None if days is None else business_days_after(mailed, days)


def _cubed(parcel: Mapping[str, Any]) -> Decimal | None:
    size = parcel.get("dimensions")
    if size is None:
        return None
    volume = Decimal(size["length"]) * Decimal(size["width"]) * Decimal(size["height"])
    return (volume / _CUBIC_CM_PER_KG).quantize(Decimal("0.001"), ROUND_HALF_UP)


def _option(option: Mapping[str, Any]) -> Decimal:
    _, price, per_hundred = OPTIONS.get(option["option-code"], ("", "0", "0"))
    above = max(Decimal(0), Decimal(option.get("option-amount", "0")) - 100)
    return _cents(Decimal(price) + Decimal(per_hundred) * above / 100)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
