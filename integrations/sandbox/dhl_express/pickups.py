"""Pickups: booked with a shipment or by themselves, cancelled by their number. Cancelling one cancels no shipment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.dhl_express.lane import account_number
from integrations.sandbox.dhl_express.planned import check_moment, read_moment
from integrations.sandbox.geography import COUNTRIES
from integrations.sandbox.twin import World


@dataclass(slots=True, kw_only=True)
class Pickup:
    """One pickup and the moment it was booked for."""

    number: str
    account: str
    planned: datetime
    cancelled: bool = False


class Pickups:
    """The pickups by dispatch confirmation number."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._booked: dict[str, Pickup] = {}

    def __repr__(self) -> str:
        return f"<Pickups {len(self._booked)} booked>"

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """Book a pickup and return MyDHL's answer to ``POST /pickups``."""
        account = account_number(
            body["accounts"],
            "8003: Account not allowed for this service. Please contact your DHL Express representative.",
        )
        planned = read_moment(body["plannedPickupDateAndTime"])
        check_moment(planned, self._world.now())
        country = body["customerDetails"]["shipperDetails"]["postalAddress"]["countryCode"]
        reference = next((item.get("shipmentTrackingNumber", "") for item in body["shipmentDetails"]), "")
        number = self.book(account, reference, country, planned)
        return {"dispatchConfirmationNumbers": [number]}

    def book(self, account: str, reference: str, country: str, planned: datetime) -> str:
        """Book a pickup and return its dispatch confirmation number."""
        airport = COUNTRIES[country].airport if country in COUNTRIES else "XXX"
        number = f"{airport}{planned:%y%m%d}{len(self._booked) + 1:06}"
        self._booked[number] = Pickup(number=number, account=account, planned=planned)
        self._world.ledger.effect(vendor="dhl_express", kind="pickup", reference=reference, id=number)
        return number

    def cancel(self, number: str) -> None:
        """Cancel a pickup; MyDHL says nothing in its answer."""
        booked = self._booked.get(number)
        if booked is None:
            raise Refused(
                404,
                "Cancellation of booking was not successful. Requested Pickup was not found",
                title="Pickup not found",
            )
        if booked.cancelled or booked.planned.timestamp() < self._world.now():
            raise Refused(400, "Cancellation of booking was not successful. Pickup already cancelled or completed")
        booked.cancelled = True
        self._world.ledger.effect(vendor="dhl_express", kind="void", reference="", id=number)
