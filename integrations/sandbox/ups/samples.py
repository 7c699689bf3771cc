"""Shipments that stand still somewhere on their way, one for each state, of the account ``A1B2C3``."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from integrations.sandbox.twin import World
from integrations.sandbox.ups import tariff
from integrations.sandbox.ups.consignment import Package, Place
from integrations.sandbox.ups.numbers import tracking_number
from integrations.sandbox.ups.shipments import Parcel, Sent

ACCOUNT = "A1B2C3"
_SERVICE = "03"
_DAY = 86_400.0
# Serial number: share of the way it stands at. The tracking numbers follow from them (1ZA1B2C30300000012 is the first).
_STATES = {
    1: 1.0,  # delivered
    2: 0.92,  # out for delivery
    3: 0.5,  # on its way
    4: 0.2,  # picked up
    5: 0.0,  # only its label was made: can be voided
    6: 1.0,  # delivery was tried in vain
    7: 0.0,  # voided
}
_TROUBLED, _VOIDED = 6, 7


def samples(world: World) -> list[Sent]:
    """Return the samples, sent by ground across the United States when the sandbox began."""
    return [_sent(world, serial, share) for serial, share in _STATES.items()]


def sample_number(serial: int) -> str:
    """Return a sample's tracking number."""
    return tracking_number(ACCOUNT, _SERVICE, serial)


def _sent(world: World, serial: int, share: float) -> Sent:
    origin = Place(country="US", state="MD", city="Timonium", postal_code="21093")
    destination = Place(country="US", state="GA", city="Alpharetta", postal_code="30005")
    service = next(each for each in tariff.services("US", "US") if each.code == _SERVICE)
    days = service.days[tariff.zone("US", "US", (origin.postal_code, destination.postal_code))]
    number = sample_number(serial)
    package = Package(
        weight=Decimal(4),
        unit="LBS",
        billed_kg=tariff.kilograms(Decimal(4), "LBS"),
        references=(("", f"SAMPLE-{serial}"),),
    )
    made = world.now() - (share * days) * _DAY
    return Sent(
        id=number,
        shipper=ACCOUNT,
        parcels=[Parcel(number=number, package=package, voided=serial == _VOIDED)],
        references=(),
        service=service,
        origin=origin,
        destination=destination,
        receiver="Sample Receiver",
        ship_date=datetime.fromtimestamp(made, UTC).date(),
        made=made,
        days=days,
        held=share,
        troubled=serial == _TROUBLED,
    )
