"""The waybills DHL's document lists for tests, each standing still somewhere on its way.

DHL tells the numbers, not what becomes of them; the states here are the sandbox's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from integrations.sandbox.dhl_express import tariff
from integrations.sandbox.dhl_express.lane import Lane, Place
from integrations.sandbox.dhl_express.shipments import Sent
from integrations.sandbox.dhl_express.tariff import Load
from integrations.sandbox.geography import COUNTRIES, same_customs_territory
from integrations.sandbox.twin import World

# Waybill: share of the way it stands at, how it ends, from where, to where.
_STATES = {
    "9356579890": (1.0, "OK", "DE", "AE"),  # delivered
    "4818240420": (0.92, "OK", "GB", "US"),  # out with the courier
    "5584773180": (0.5, "OK", "US", "KW"),  # on its way
    "5786694550": (0.2, "OK", "FR", "JP"),  # collected
    "2449648740": (0.0, "OK", "AE", "SA"),  # not yet collected: no checkpoint
    "5980622760": (0.7, "UD", "CN", "BR"),  # held by customs
    "5980622970": (0.9, "OH", "DE", "CH"),  # on hold
    "5980623180": (1.0, "NH", "NL", "DE"),  # nobody at home
    "5980770460": (1.0, "RT", "GB", "IE"),  # sent back
    "6781059250": (1.0, "BA", "IT", "EG"),  # address unknown
    "9077880070": (1.0, "RD", "ES", "MX"),  # refused
    "5786694760": (1.0, "OK", "DE", "DE"),  # delivered at home
    "7957673080": (0.75, "OK", "JP", "AU"),  # cleared, in the destination's sorting
    "5786696720": (0.86, "OK", "SE", "FI"),  # in the delivery facility
    "8066924740": (0.4, "OK", "TR", "GB"),  # left its origin
}


class Samples:
    """The sample shipments; they began so long before the sandbox did as they are on their way."""

    def __init__(self, world: World) -> None:
        self._made = {number: _sent(number, world.now()) for number in _STATES}

    def get(self, waybill: str) -> Sent | None:
        """Return a sample shipment, None when the waybill is none."""
        return self._made.get(waybill)

    def all(self) -> Iterable[Sent]:
        """Return every sample shipment."""
        return self._made.values()


def _sent(waybill: str, now: float) -> Sent:
    share, ending, origin, destination = _STATES[waybill]
    offered = tariff.products(origin, destination, declarable=not same_customs_territory(origin, destination))
    product = next(item for item in offered if item.by == "23:59")
    days = tariff.transit_days(product, origin, destination)
    made = now - (share * days + 1) * 86_400
    kg = Decimal("1.5")
    return Sent(
        waybill=waybill,
        pieces=(f"JD0146{waybill:0>14}",),
        references=(("CU", f"SAMPLE-{waybill[:4]}"),),
        account="123456789",
        product=product,
        lane=Lane(origin=_gateway(origin), destination=_gateway(destination)),
        receiver="Sample Receiver",
        description="Sample",
        load=Load(provided=kg, volumetric=kg, charged=kg),
        unit="metric",
        planned=datetime.fromtimestamp(made, UTC),
        made=made,
        days=days,
        held=share,
        ending=ending,
    )


def _gateway(country: str) -> Place:
    return Place(country=country, city=COUNTRIES[country].city, postal_code="")
