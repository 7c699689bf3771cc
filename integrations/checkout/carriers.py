"""Which carrier is asked about which shipment: what it serves at all, as data, so that nobody waits for a sure no.

A carrier that is not here, or an aspect that is None, is open to everything; its own answer decides then. Weights are of
the heaviest single parcel. Sources: the vendors' fact sheets and service guides.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from integrations.types.shipping import Shipment

_GULF = frozenset({"AE", "BH", "KW", "OM", "QA", "SA"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Where a carrier picks up and delivers, and how heavy one parcel may be."""

    origins: frozenset[str] | None = None
    destinations: frozenset[str] | None = None
    heaviest_kg: Decimal | None = None
    abroad_kg: Decimal | None = None  # where the limit for other countries is lower
    most_parcels: int | None = None
    most_abroad: int | None = None  # where there may be fewer to other countries

    def why_not(self, shipment: Shipment) -> str | None:
        """Return the sentence that says why the carrier does not take a shipment, None when it may."""
        origin, to = shipment.origin.country, shipment.destination.country
        if self.origins is not None and origin not in self.origins:
            return f"picks up nothing in {origin}"
        if self.destinations is not None and to not in self.destinations:
            return f"does not deliver to {to}"
        limit = self.abroad_kg if shipment.international and self.abroad_kg is not None else self.heaviest_kg
        heaviest = max(parcel.weight_kg for parcel in shipment.parcels)
        if limit is not None and heaviest > limit:
            return f"takes parcels up to {limit.normalize():f} kg"
        return None

    def too_many(self, shipment: Shipment) -> str | None:
        """Return the sentence that says how many parcels the carrier takes at once, None when it takes them all."""
        fewer = shipment.international and self.most_abroad is not None
        most = self.most_abroad if fewer else self.most_parcels
        if most is None or len(shipment.parcels) <= most:
            return None
        return f"takes {most} parcel{'s' if most > 1 else ''} at once; split the order, or choose another carrier"


COVERAGE: dict[str, Coverage] = {
    "australia_post": Coverage(
        origins=frozenset({"AU"}), heaviest_kg=Decimal(22), abroad_kg=Decimal(20), most_parcels=20, most_abroad=1
    ),
    "canada_post": Coverage(origins=frozenset({"CA"}), heaviest_kg=Decimal(30), most_parcels=1),
    "dhl_express": Coverage(heaviest_kg=Decimal(70), most_parcels=999),
    "fedex": Coverage(heaviest_kg=Decimal(68), most_parcels=40),
    "smsa": Coverage(origins=_GULF | {"JO", "EG"}),
    "ups": Coverage(heaviest_kg=Decimal(70), most_parcels=100),
}


def why_not(vendor: str, shipment: Shipment) -> str | None:
    """Return why a carrier is not asked about a shipment, None when it is."""
    coverage = COVERAGE.get(vendor)
    return coverage.why_not(shipment) if coverage is not None else None


def too_many(vendor: str, shipment: Shipment) -> str | None:
    """Return why a carrier does not take so many parcels at once, None when it does."""
    coverage = COVERAGE.get(vendor)
    return coverage.too_many(shipment) if coverage is not None else None
