"""Where parcels are, as SMSA tells it: ``Desination`` is spelled so, and some fields come with delivery only."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.journey import Scan
from integrations.sandbox.smsa.problems import Refused
from integrations.sandbox.smsa.shipments import STATUSES, Kept, Shipments, local
from integrations.sandbox.twin import World


class Tracking:
    """One, several, or by the customer's own reference."""

    def __init__(self, world: World, shipments: Shipments) -> None:
        self._world = world
        self._shipments = shipments

    def one(self, number: str, owner: str) -> dict[str, Any]:
        """Return the shipment of a number; raises Refused, 404, when there is none."""
        return self._told(self._shipments.find(number, owner), number)

    def many(self, numbers: list[str], owner: str) -> list[dict[str, Any]]:
        """Return the shipments of the numbers that are known; the others are left out (unconfirmed)."""
        found = []
        for number in numbers:
            try:
                found.append(self.one(number, owner))
            except Refused:
                continue
        return found

    def by_reference(self, reference: str, owner: str) -> dict[str, Any]:
        """Return the newest shipment of an order number; raises Refused, 404, when there is none."""
        kept = self._shipments.named(reference, owner)
        return self._told(kept, kept.number)

    def _told(self, kept: Kept, number: str) -> dict[str, Any]:
        wish = kept.wish
        scans = [] if kept.cancelled else kept.journey.scans(self._world.now(), self._shipments.speed)
        told: dict[str, Any] = {
            "AWB": number,
            "Reference": wish.order,
            "Pieces": wish.parcels,
            "CODAmount": wish.collect,
            "ContentDesc": wish.content,
            "RecipientName": wish.destination.name,
            "OriginCity": wish.origin.city,
            "OriginCountry": wish.origin.country,
            "DesinationCity": wish.destination.city,
            "DesinationCountry": wish.destination.country,
        }
        if scans and scans[0].stage.code == "DL":
            told["isDelivered"] = True
        if scans:  # a shipment nobody has scanned has no list of scans either
            told["Scans"] = [_scan(kept, scan) for scan in scans]
        return told


def statuses() -> list[dict[str, str]]:
    """Return the codes of scans with their words in two languages."""
    return [{"Code": code, "ScanDescEN": english, "ScanDescAR": arabic} for code, (english, arabic) in STATUSES.items()]


def _scan(kept: Kept, scan: Scan) -> dict[str, str]:
    place = kept.wish.destination if scan.stage.arrived else kept.wish.origin
    received = {"ReceivedBy": kept.wish.destination.name} if scan.stage.code == "DL" else {}
    return {
        **received,
        "City": place.city,
        "ScanType": scan.stage.code,
        "ScanDescription": scan.stage.text,
        "ScanDateTime": local(scan.at).isoformat(timespec="seconds"),
        "ScanTimeZone": "+03:00",
    }
