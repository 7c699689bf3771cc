"""Voids: of a whole shipment or of some of its packages, as long as UPS has not got them.

For what it cannot void UPS has one sentence, whatever the reason; that a shipment is voided already has a code of its
own in its error lists (190117, unconfirmed).
"""

from __future__ import annotations

import re
from typing import Any

from integrations.sandbox.twin import World
from integrations.sandbox.ups.errors import Refused
from integrations.sandbox.ups.shipments import Parcel, Sent, Shipments
from integrations.sandbox.ups.tracking import Tracking

_DAY = 86_400.0
_MOST = 20
_NOT_FOUND = ("190102", "No shipment found within the allowed void period")
_ALREADY = ("190117", "The shipment has already been voided.")


class Voids:
    """Voids shipments.

    Settings: ``void_days`` (28), ``environment`` ("cie" answers with stray ``&#xD;`` in front of its codes, as UPS's
    test environment was seen to).
    """

    def __init__(self, world: World, shipments: Shipments, tracking: Tracking) -> None:
        self._world = world
        self._shipments = shipments
        self._tracking = tracking

    def void(self, number: str, asked: str) -> dict[str, Any]:
        """Return ``VoidShipmentResponse``; ``asked`` is the query's trackingnumber, "" for the whole shipment."""
        sent = self._shipments.sent.get(number)
        days = float(self._world.setting("ups", "void_days", 28))
        late = sent is not None and sent.held is None and self._world.now() > sent.made + days * _DAY
        if sent is None or late or self._tracking.has_left(sent):
            raise Refused(*_NOT_FOUND)
        if sent.voided:
            raise Refused(*_ALREADY)
        parcels = _named(sent, asked)
        results = [_package_result(parcel) for parcel in parcels]
        fresh = [parcel for parcel in parcels if not parcel.voided]
        for parcel in fresh:
            parcel.voided = True
        if fresh:
            self._note(sent, whole=len(parcels) == len(sent.parcels), parcels=fresh)
        response: dict[str, Any] = {
            "Response": {"ResponseStatus": self._status("Success")},
            "SummaryResult": {"Status": self._status("Voided")},
        }
        if asked:
            response["PackageLevelResults"] = results
        return {"VoidShipmentResponse": response}

    def _note(self, sent: Sent, *, whole: bool, parcels: list[Parcel]) -> None:
        named = [value for _, value in sent.references]
        named += [value for parcel in sent.parcels for _, value in parcel.package.references]
        for id_ in [sent.id] if whole else [parcel.number for parcel in parcels]:
            self._world.ledger.effect(vendor="ups", kind="void", reference=named[0] if named else "", id=id_)

    def _status(self, description: str) -> dict[str, str]:
        stray = "&#xD;" if self._world.setting("ups", "environment", "production") == "cie" else ""
        return {"Code": f"{stray}1", "Description": f"{stray}{description}"}


def _named(sent: Sent, asked: str) -> list[Parcel]:
    """Return the packages a query names: one number bare, several as ``["1Z…","1Z…"]``, and nothing else."""
    if not asked:
        return sent.parcels
    several = re.fullmatch(r'\[\s*"[^"]*"(\s*,\s*"[^"]*")*\s*\]', asked)
    numbers = re.findall(r'"([^"]*)"', asked) if several else [asked]
    found = {parcel.number: parcel for parcel in sent.parcels}
    if len(numbers) > _MOST or any(number not in found for number in numbers):
        raise Refused(*_NOT_FOUND)
    return [found[number] for number in numbers]


def _package_result(parcel: Parcel) -> dict[str, Any]:
    description = "Already Voided" if parcel.voided else "Voided"
    return {"TrackingNumber": parcel.number, "Status": {"Code": "1", "Description": description}}
