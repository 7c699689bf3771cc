"""Where a shipment or a pickup is, by its age. Settings: ``tracking_speed`` (1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.aramex.shipments import Shipping, Waybill, refused
from integrations.sandbox.twin import World

Value = dict[str, Any]
# Update code, sentence, moment as a share of the transit time, and whether it happens at the destination.
_UPDATES = (
    ("SH014", "Record created.", 0.0, False),
    ("SH012", "Picked Up From Shipper", 0.15, False),
    ("SH047", "Received at Origin Facility", 0.25, False),
    ("SH022", "Departed Operations facility - In Transit", 0.4, False),
    ("SH001", "Shipment received at destination facility", 0.75, True),
    ("SH003", "Out for Delivery", 0.9, True),
    ("SH005", "Delivered", 1.0, True),
)
_HOURS_TO_COLLECT = 4


class Tracking:
    """The operations of the Tracking service."""

    def __init__(self, world: World, shipping: Shipping) -> None:
        self._world = world
        self._shipping = shipping

    def shipments(self, request: Value) -> Value:
        """TrackShipments: the updates of each waybill, newest first; unknown ones in a list of their own."""
        numbers = [number for number in (request["Shipments"] or {}).get("string", []) if number]
        if not numbers:
            return refused([("ERR70", "Shipments - At least one waybill number is required")])
        results, unknown = [], []
        for number in numbers:
            waybill = self._shipping.find(number)
            if waybill is None:
                unknown.append(number)
                continue
            updates = self._updates(waybill)
            shown = updates[:1] if request["GetLastTrackingUpdateOnly"] else updates
            results.append({"Key": number, "Value": {"TrackingResult": shown}})
        return {
            "HasErrors": False,
            "Notifications": {},
            "TrackingResults": {"KeyValueOfstringArrayOfTrackingResultmFAkxlpY": results},
            "NonExistingWaybills": {"string": unknown},
        }

    def pickup(self, request: Value) -> Value:
        """TrackPickup by the pickup's id or its reference."""
        wanted = request["Reference"] or ""
        account = request["ClientInfo"]["AccountNumber"]
        for found in self._shipping.collections.values():
            if wanted and found.account == account and wanted in (found.id, found.reference):
                age = (self._world.now() - found.made) * self._speed()
                if found.cancelled:
                    status = ("PK004", "Pickup cancelled")
                elif age >= _HOURS_TO_COLLECT * 3600:
                    status = ("PK003", "Pickup completed")
                else:
                    status = ("PK001", "Pickup scheduled")
                return {
                    "HasErrors": False,
                    "Notifications": {},
                    "Entity": found.entity,
                    "Reference": found.id,
                    "CollectionDate": _local(found.made) if status[0] == "PK003" else None,
                    "PickupDate": found.day,
                    "LastStatus": status[0],
                    "LastStatusDescription": status[1],
                }
        return refused([("ERR71", f"Reference - Pickup does not exist ({wanted})")])

    def _updates(self, waybill: Waybill) -> list[Value]:
        transit = timedelta(days=waybill.days)
        age = timedelta(seconds=(self._world.now() - waybill.made) * self._speed())
        made = _local(waybill.made)
        return [
            {
                "WaybillNumber": waybill.number,
                "UpdateCode": code,
                "UpdateDescription": sentence,
                "UpdateDateTime": made + transit * share,
                "UpdateLocation": f"{waybill.cities[there]}, {(waybill.origin, waybill.destination)[there]}",
                "Comments": "",
                "ProblemCode": "",
                "GrossWeight": waybill.weight,
                "ChargeableWeight": waybill.weight,
                "WeightUnit": "KG",
            }
            for code, sentence, share, there in reversed(_UPDATES)
            if age >= transit * share
        ]

    def _speed(self) -> float:
        return float(self._world.setting("aramex", "tracking_speed", 1))


def _local(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC).replace(microsecond=0)
