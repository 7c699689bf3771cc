"""What a shipment costs and how long it takes: zones, weights, services, and the currency of the shipper's country.

Not FedEx's tariff, but one of the same shape: dearer with distance, weight and speed; a fuel surcharge on top; list
rates above account rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from integrations.sandbox.fedex.checks import Reader, wrong
from integrations.sandbox.fedex.errors import Refused

_REGIONS = {
    "NA": "US CA MX PR",
    "EU": "DE FR IT ES NL BE AT PL CZ SE DK FI NO CH GB IE PT GR HU RO",
    "ME": "AE SA KW BH OM QA JO EG LB IL TR",
    "AS": "CN JP KR HK SG IN TH MY VN PH ID TW AU NZ PK",
    "AF": "ZA NG KE MA TN GH",
    "SA": "BR AR CL CO PE",
}
_REGION = {country: region for region, countries in _REGIONS.items() for country in countries.split()}
_CURRENCY = {
    "US": "USD", "PR": "USD", "CA": "CAD", "MX": "MXN", "GB": "GBP", "CH": "CHF", "SE": "SEK", "DK": "DKK",
    "NO": "NOK", "PL": "PLN", "CZ": "CZK", "HU": "HUF", "RO": "RON", "AE": "AED", "SA": "SAR", "KW": "KWD",
    "BH": "BHD", "OM": "OMR", "QA": "QAR", "JO": "JOD", "EG": "EGP", "IL": "ILS", "TR": "TRY", "CN": "CNY",
    "JP": "JPY", "KR": "KRW", "HK": "HKD", "SG": "SGD", "IN": "INR", "TH": "THB", "AU": "AUD", "NZ": "NZD",
    "ZA": "ZAR", "BR": "BRL",
}  # fmt: skip
_PER_US_DOLLAR = {
    "USD": "1", "EUR": "0.92", "CAD": "1.37", "MXN": "18.9", "GBP": "0.79", "CHF": "0.88", "SEK": "10.5",
    "DKK": "6.85", "NOK": "10.6", "PLN": "4.0", "CZK": "23.2", "HUF": "370", "RON": "4.55", "AED": "3.6725",
    "SAR": "3.75", "KWD": "0.307", "BHD": "0.377", "OMR": "0.385", "QAR": "3.64", "JOD": "0.709", "EGP": "48.7",
    "ILS": "3.7", "TRY": "33", "CNY": "7.25", "JPY": "152", "KRW": "1370", "HKD": "7.81", "SGD": "1.35", "INR": "83.5",
    "THB": "36", "AUD": "1.52", "NZD": "1.64", "ZAR": "18.5", "BRL": "5.5",
}  # fmt: skip
_DECIMALS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3}
_EURO = frozenset("DE FR IT ES NL BE AT FI IE PT GR".split())  # noqa: SIM905 - a list of words reads better here
# "Postal code is required for postal aware countries" (Rate API, RateAddress): those this tariff knows.
_POSTAL_AWARE = frozenset(_REGION) - frozenset(("AE", "QA", "HK", "JO", "EG", "KE", "NG", "GH", "IE", "BH", "OM"))
_POUNDS_PER_KG = Decimal("2.20462")
_HEAVIEST_KG = Decimal(68)
_LONGEST = 400.0  # centimetres; in inches the weight limit comes first
FUEL = Decimal("0.129")
_LIST_ABOVE_ACCOUNT = Decimal("1.18")
_DAYS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN", "TWELVE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: its price factor, how much it depends on distance, and its days in transit by zone 0–3."""

    type: str
    name: str
    factor: Decimal
    days: tuple[int, int, int, int]
    express: bool = True


_US = (
    Service(type="PRIORITY_OVERNIGHT", name="FedEx Priority Overnight®", factor=Decimal("4.1"), days=(1, 1, 1, 1)),
    Service(type="STANDARD_OVERNIGHT", name="FedEx Standard Overnight®", factor=Decimal("3.6"), days=(1, 1, 1, 1)),
    Service(type="FEDEX_2_DAY", name="FedEx 2Day®", factor=Decimal("1.9"), days=(2, 2, 2, 2)),
    Service(type="FEDEX_EXPRESS_SAVER", name="FedEx Express Saver®", factor=Decimal("1.6"), days=(3, 3, 3, 3)),
    Service(type="FEDEX_GROUND", name="FedEx Ground®", factor=Decimal("0.9"), days=(1, 2, 4, 5), express=False),
)
_HOME = Service(
    type="GROUND_HOME_DELIVERY",
    name="FedEx Home Delivery®",
    factor=Decimal("0.98"),
    days=(1, 2, 4, 5),
    express=False,
)
_DOMESTIC = (
    Service(type="FEDEX_FIRST", name="FedEx First®", factor=Decimal("3.4"), days=(1, 1, 1, 1)),
    Service(type="FEDEX_PRIORITY", name="FedEx Priority®", factor=Decimal("1.7"), days=(1, 1, 2, 2)),
    Service(type="FEDEX_ECONOMY", name="FedEx Economy®", factor=Decimal("1.1"), days=(2, 2, 3, 4), express=False),
)
_INTERNATIONAL = (
    Service(type="INTERNATIONAL_FIRST", name="FedEx International First®", factor=Decimal("3.0"), days=(1, 2, 2, 3)),
    Service(
        type="FEDEX_INTERNATIONAL_PRIORITY_EXPRESS",
        name="FedEx International Priority® Express",
        factor=Decimal("2.3"),
        days=(1, 2, 3, 3),
    ),
    Service(
        type="FEDEX_INTERNATIONAL_PRIORITY",
        name="FedEx International Priority®",
        factor=Decimal("2.0"),
        days=(2, 2, 3, 4),
    ),
    Service(
        type="INTERNATIONAL_ECONOMY", name="FedEx International Economy®", factor=Decimal("1.5"), days=(4, 4, 5, 6)
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a shipment starts or ends."""

    country: str
    postal_code: str
    residential: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """The price of one service in the shipper's currency: freight before surcharges, fuel, and both together."""

    base: Decimal
    fuel: Decimal
    net: Decimal
    currency: str


def place(party: Reader) -> Place:
    """Return the place of a party's address; the country must be one FedEx serves from this tariff."""
    address = party.object("address")
    country = address.text("countryCode")
    if len(country) != 2 or not country.isalpha() or not country.isupper():
        raise wrong(address.at("countryCode"))
    if country not in _REGION:
        raise Refused(
            "RATE.LOCATION.NOSERVICE",
            "No service is available for the origin and destination.",
            field=address.at("countryCode"),
        )
    postal_code = address.text("postalCode", None if country in _POSTAL_AWARE else "-")
    return Place(country=country, postal_code=postal_code, residential=address.flag("residential", False))


def weight_kg(lines: list[Reader]) -> Decimal:
    """Return what the packages weigh together, each the heavier of scale and volume (5 000 cm³ to the kilogram)."""
    total = Decimal(0)
    for line in lines:
        weight = line.object("weight")
        value = Decimal(str(weight.number("value")))
        kg = value / _POUNDS_PER_KG if weight.one_of("units", ("KG", "LB")) == "LB" else value
        if kg > _HEAVIEST_KG:
            raise Refused(
                "PACKAGE.WEIGHT.EXCEEDED",
                "The package weight exceeds the maximum for this service.",
                field=weight.at("value"),
            )
        count = int(line.number("groupPackageCount")) if "groupPackageCount" in line else 1
        total += max(kg, _volume_kg(line)) * count
    return total


def _volume_kg(line: Reader) -> Decimal:
    size = line.optional("dimensions")
    if size is None:
        return Decimal(0)
    volume = Decimal(1)
    for side in ("length", "width", "height"):
        length = size.number(side)
        if length > _LONGEST:
            raise Refused("PACKAGE.DIMENSION.EXCEEDED", "The package is too large.", field=size.at(side))
        volume *= Decimal(str(length))
    return volume / (5000 if size.one_of("units", ("CM", "IN")) == "CM" else 305)


def services(origin: Place, destination: Place) -> tuple[Service, ...]:
    """Return the services between two places, fastest first."""
    if origin.country != destination.country:
        return _INTERNATIONAL
    if origin.country != "US":
        return _DOMESTIC
    return (*_US[:-1], _HOME) if destination.residential else _US


def zone(origin: Place, destination: Place) -> int:
    """Return 0 (next door) to 3 (the far side of the world, or of the country)."""
    if origin.country != destination.country:
        regions = _REGION[origin.country], _REGION[destination.country]
        if regions[0] == regions[1]:
            return 0
        return 1 if set(regions) in ({"EU", "ME"}, {"NA", "EU"}, {"ME", "AS"}, {"EU", "AF"}) else 2 + ("SA" in regions)
    first, second = origin.postal_code[:1], destination.postal_code[:1]
    if not (first.isdecimal() and second.isdecimal()):
        return 0 if first == second else 1
    return min(3, (abs(int(first) - int(second)) + 1) // 2)


def charge(service: Service, origin: Place, destination: Place, kg: Decimal, *, at_list: bool = False) -> Charge:
    """Return the price of carrying ``kg`` kilograms."""
    international = origin.country != destination.country
    far = zone(origin, destination)
    dollars = (
        Decimal(22 if international else 9) + Decimal(9 if international else 2) * far
        + kg.quantize(Decimal("0.5"), rounding=ROUND_HALF_UP) * (Decimal("3.10") if international else Decimal("0.85"))
        * (1 + Decimal(far) / 4)
    ) * service.factor  # fmt: skip
    if destination.residential and service.express:
        dollars += Decimal("5.95")
    if at_list:
        dollars *= _LIST_ABOVE_ACCOUNT
    currency = "EUR" if origin.country in _EURO else _CURRENCY.get(origin.country, "USD")
    unit = Decimal(1).scaleb(-_DECIMALS.get(currency, 2))
    base = (dollars * Decimal(_PER_US_DOLLAR[currency])).quantize(unit, rounding=ROUND_HALF_UP)
    fuel = (base * FUEL).quantize(unit, rounding=ROUND_HALF_UP)
    return Charge(base=base, fuel=fuel, net=base + fuel, currency=currency)


def transit(service: Service, origin: Place, destination: Place) -> int:
    """Return the business days between pickup and delivery."""
    return service.days[zone(origin, destination)]


def day_code(days: int) -> str:
    """Return FedEx's word for a number of days: ``TWO_DAYS``."""
    return "ONE_DAY" if days == 1 else f"{_DAYS[days]}_DAYS"


def delivery(shipped: datetime, days: int) -> datetime:
    """Return the delivery moment, ``days`` business days after ``shipped``, at 16:30."""
    day = shipped
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day.replace(hour=16, minute=30, second=0, microsecond=0, tzinfo=UTC)
