"""What SMSA's services cost, from the prices of our own contract: SMSA's API knows no rates.

``QUAYSIDE_SMSA_PRICES`` holds one price a service and route, set apart by semicolons::

    EDDL SA-SA 22+3 SAR; EIDL SA-AE 60+20 SAR; EIDL SA-* 95+38 SAR

that is: service code, origin and destination (``*`` is every other country), the first kilogram, each further kilogram
begun, currency. Of the lines of a service the first that fits counts. Weighed is what the parcels weigh together; what
they measure is left out, since how SMSA charges bulky parcels is a matter of the contract too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from integrations.errors import InvalidInput
from integrations.types.base import Money
from integrations.types.shipping import RateQuote, Shipment
from integrations.vendors.smsa.answers import VENDOR_NAME
from integrations.vendors.smsa.services import NAMES

_LINE = re.compile(
    r"(?P<service>[A-Z0-9]{2,10}) (?P<origin>[A-Z]{2})-(?P<to>[A-Z]{2}|\*) "
    r"(?P<first>\d{1,6}(?:\.\d{1,3})?)\+(?P<further>\d{1,6}(?:\.\d{1,3})?) (?P<currency>[A-Z]{3})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One line of the table."""

    service_code: str
    origin: str
    to: str
    first: Decimal
    further: Decimal
    currency: str

    def fits(self, shipment: Shipment) -> bool:
        """Return True when the line is of the shipment's route; ``*`` is no country's own."""
        if self.origin != shipment.origin.country:
            return False
        return shipment.international if self.to == "*" else self.to == shipment.destination.country

    def of(self, weight: Decimal) -> Money:
        """Return what the weight costs, in kilograms begun."""
        begun = max(Decimal(1), weight.to_integral_value(ROUND_CEILING))
        return Money(amount=self.first + self.further * (begun - 1), currency=self.currency).rounded()


def read_prices(text: str) -> list[Price]:
    """Return the lines of the table, in their order. Raise InvalidInput, fault configuration, for one that is none."""
    lines = [" ".join(line.split()) for line in text.split(";")]
    return [_price(number, line) for number, line in enumerate(lines, start=1) if line]


def quotes(prices: Sequence[Price], shipment: Shipment, as_of: datetime) -> list[RateQuote]:
    """Return a quote for each service with a line that fits; [] when none does."""
    weight = sum((parcel.weight_kg for parcel in shipment.parcels), Decimal(0))
    fitting: dict[str, Price] = {}
    for price in prices:
        if price.fits(shipment):
            fitting.setdefault(price.service_code, price)
    return [
        RateQuote(
            vendor=VENDOR_NAME,
            service_code=code,
            service_name=f"SMSA {NAMES.get(code, code)}",
            price=price.of(weight),
            as_of=as_of,
        )
        for code, price in fitting.items()
    ]


def _price(number: int, line: str) -> Price:
    found = _LINE.fullmatch(line)
    if found is None or Decimal(found["first"]) == 0:
        error = InvalidInput(
            f"Price {number} of QUAYSIDE_SMSA_PRICES is not understood; write it as EDDL SA-SA 22+3 SAR.",
            field="PRICES",
        )
        error.fault = "configuration"
        raise error
    return Price(
        service_code=found["service"],
        origin=found["origin"],
        to=found["to"],
        first=Decimal(found["first"]),
        further=Decimal(found["further"]),
        currency=found["currency"],
    )
