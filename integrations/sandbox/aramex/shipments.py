"""Shipments, their labels and pickups: what the Shipping service keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.sandbox import labels
from integrations.sandbox.aramex import rates
from integrations.sandbox.aramex.places import Notification, address_problems
from integrations.sandbox.twin import World

Value = dict[str, Any]
_REPORTS = (9201, 9729)
_KEPT = 50_000
SAMPLE = "44000000001"  # the waybill an example can ask for on a fresh sandbox


@dataclass(slots=True, kw_only=True)
class Waybill:
    """One shipment."""

    number: str
    account: str
    reference: str
    foreign: str | None
    origin: str
    destination: str
    cities: tuple[str, str]
    weight: str
    made: float  # Unix seconds
    days: int


@dataclass(slots=True, kw_only=True)
class Collection:
    """One pickup."""

    id: str
    guid: str
    account: str
    entity: str
    reference: str
    place: tuple[str, str, str]
    day: datetime
    made: float
    cancelled: bool = False


class Shipping:
    """The operations of the Shipping service, each from its request to its answer.

    Settings: ``unique_foreign_hawb`` (false: whether Aramex enforces it is not known).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"aramex.shipments:{world.now():.0f}")
        self._next = 40_000_000_000 + self._random.randrange(9_000_000) * 1000
        self.waybills: dict[str, Waybill] = {}
        self.collections: dict[str, Collection] = {}  # by GUID
        self._reserved: dict[str, str] = {}  # number -> account

    def __repr__(self) -> str:
        return f"<Shipping {len(self.waybills)} shipments, {len(self.collections)} pickups>"

    def create(self, request: Value, base_url: str) -> Value:
        """CreateShipments: each shipment by itself, so that one may fail and the next be made."""
        wanted = [item for item in (request["Shipments"] or {}).get("Shipment", []) if item is not None]
        if not wanted:
            return refused([("ERR10", "Shipments - At least one shipment is required")])
        account = request["ClientInfo"]["AccountNumber"]
        done = [self._make(item, account, request["LabelInfo"], base_url) for item in wanted]
        return {
            "HasErrors": any(item["HasErrors"] for item in done),
            "Notifications": {},
            "Shipments": {"ProcessedShipment": done},
        }

    def find(self, number: str) -> Waybill | None:
        """Return a waybill; the sample's exists from its first question on."""
        if number == SAMPLE and number not in self.waybills:
            self.waybills[number] = Waybill(
                number=number,
                account="",
                reference="SAMPLE",
                foreign="SAMPLE",
                origin="AE",
                destination="KW",
                cities=("Dubai", "Kuwait City"),
                weight="1.8",
                made=self._world.now(),
                days=3,
            )
        return self.waybills.get(number)

    def print_label(self, request: Value, base_url: str) -> Value:
        """PrintLabel: the label of a shipment that exists."""
        number = request["ShipmentNumber"] or ""
        waybill = self.waybills.get(number)
        if waybill is None:
            return refused([("ERR30", f"ShipmentNumber - Shipment does not exist ({number})")])
        problems = _label_problems(request["LabelInfo"], required=True)
        if problems:
            return refused(problems)
        label = self._label(waybill, request["LabelInfo"], base_url)
        return {"HasErrors": False, "Notifications": {}, "ShipmentNumber": number, "ShipmentLabel": label}

    def create_pickup(self, request: Value, base_url: str) -> Value:
        """CreatePickup: one collection a place, day and reference; the same again names the one there is."""
        pickup, client = request["Pickup"], request["ClientInfo"]
        if pickup is None:
            return refused([("ERR40", "Pickup - Pickup is required")])
        problems = address_problems(pickup["PickupAddress"], "PickupAddress")
        if not (pickup["PickupItems"] or {}).get("PickupItemDetail"):
            problems.append(("ERR41", "PickupItems - At least one item is required"))
        if pickup["LastPickupTime"] < pickup["ReadyTime"]:
            problems.append(("ERR42", "Pickup - LastPickupTime is before ReadyTime"))
        if problems:
            return refused(problems)
        address = pickup["PickupAddress"]
        place = (address["Line1"] or "", address["City"] or "", address["CountryCode"] or "")
        for known in self.collections.values():
            same = known.account == client["AccountNumber"] and known.place == place
            if (
                same
                and not known.cancelled
                and known.day.date() == pickup["PickupDate"].date()
                and known.reference == (pickup["Reference1"] or "")
            ):
                return refused([("ERR43", f"Duplicate collection already exists ({known.id})")])
        collection = Collection(
            id=f"{client['AccountEntity'][:3].upper()}{self._random.randrange(10**7, 10**8)}",
            guid=str(UUID(int=self._random.getrandbits(128), version=4)),
            account=client["AccountNumber"],
            entity=client["AccountEntity"],
            reference=pickup["Reference1"] or "",
            place=place,
            day=pickup["PickupDate"],
            made=self._world.now(),
        )
        self.collections[collection.guid] = collection
        self._effect("pickup", collection.reference, collection.id)
        shipments = [item for item in (pickup["Shipments"] or {}).get("Shipment", []) if item is not None]
        done = [self._make(item, client["AccountNumber"], request["LabelInfo"], base_url) for item in shipments]
        return {
            "HasErrors": any(item["HasErrors"] for item in done),
            "Notifications": {},
            "ProcessedPickup": {
                "ID": collection.id,
                "GUID": collection.guid,
                "Reference1": pickup["Reference1"],
                "Reference2": pickup["Reference2"],
                "ProcessedShipments": {"ProcessedShipment": done},
            },
        }

    def cancel_pickup(self, request: Value) -> Value:
        """CancelPickup by its GUID."""
        collection = self.collections.get((request["PickupGUID"] or "").lower())
        if collection is None:
            return refused([("ERR44", f"PickupGUID - Pickup does not exist ({request['PickupGUID'] or ''})")])
        if collection.cancelled:
            return refused([("ERR45", "PickupGUID - Pickup is already cancelled")])
        collection.cancelled = True
        self._effect("cancel", collection.reference, collection.id)
        return {"HasErrors": False, "Notifications": {}}

    def reserve(self, request: Value) -> Value:
        """ReserveShipmentNumberRange: waybill numbers to send as ``Shipment.Number``."""
        count = request["Count"] or 0
        if not 1 <= count <= 1000:
            return refused([("ERR46", "Count - must be from 1 to 1000")])
        numbers = [self._number() for _ in range(count)]
        self._reserved.update(dict.fromkeys(numbers, request["ClientInfo"]["AccountNumber"]))
        return {"HasErrors": False, "Notifications": {}, "FromWaybill": numbers[0], "ToWaybill": numbers[-1]}

    def _make(self, wanted: Value, account: str, label_info: Value | None, base_url: str) -> Value:
        problems = self._problems(wanted, account) + _label_problems(label_info, required=False)
        answer: Value = {
            "ID": None,
            "Reference1": wanted["Reference1"],
            "Reference2": wanted["Reference2"],
            "Reference3": wanted["Reference3"],
            "ForeignHAWB": wanted["ForeignHAWB"],
            "HasErrors": bool(problems),
            "Notifications": notifications(problems),
            "ShipmentLabel": None,
        }
        if problems:
            return answer
        sender, receiver = wanted["Shipper"]["PartyAddress"], wanted["Consignee"]["PartyAddress"]
        origin, destination = sender["CountryCode"].upper(), receiver["CountryCode"].upper()
        details = wanted["Details"]
        number = wanted["Number"] or self._number()
        self._reserved.pop(number, None)
        waybill = Waybill(
            number=number,
            account=account,
            reference=wanted["Reference1"] or wanted["ForeignHAWB"] or "",
            foreign=wanted["ForeignHAWB"],
            origin=origin,
            destination=destination,
            cities=(sender["City"], receiver["City"]),
            weight=f"{rates.kilograms(details['ActualWeight']):.2f}",
            made=self._world.now(),
            days=rates.TRANSIT_DAYS[rates.zone(origin, destination)],
        )
        self.waybills[number] = waybill
        if len(self.waybills) > _KEPT:
            del self.waybills[next(iter(self.waybills))]
        price, currency = rates.charge(details, origin, destination, None)
        self._effect("shipment", waybill.reference, number, f"{price} {currency}")
        answer["ID"] = number
        if label_info is not None:
            answer["ShipmentLabel"] = self._label(waybill, label_info, base_url)
        return answer

    def _problems(self, wanted: Value, account: str) -> list[Notification]:
        problems: list[Notification] = []
        countries = []
        for side in ("Shipper", "Consignee"):
            party = wanted[side]
            if party is None:
                problems.append(("ERR21", f"{side} - {side} is required"))
                continue
            problems += address_problems(party["PartyAddress"], f"{side}Address")
            contact = party["Contact"]
            if contact is None or not contact["PersonName"]:
                problems.append(("ERR22", f"{side} - Contact person name is required"))
            if contact is None or not (contact["PhoneNumber1"] or contact["CellPhone"]):
                problems.append(("ERR23", f"{side} - Contact phone number is required"))
            countries.append(((party["PartyAddress"] or {}).get("CountryCode") or "").upper())
        if len(countries) == 2:
            problems += rates.details_problems(wanted["Details"], *countries)
        if wanted["Details"] is not None and not wanted["Details"]["DescriptionOfGoods"]:
            problems.append(("ERR67", "ShipmentDetails - Description of goods is required"))
        number = wanted["Number"]
        if number and self._reserved.get(number) != account:
            problems.append(("ERR24", f"Number - not reserved for this account, or already used ({number})"))
        foreign = wanted["ForeignHAWB"]
        if (
            foreign
            and self._world.setting("aramex", "unique_foreign_hawb", False)
            and any(known.foreign == foreign and known.account == account for known in self.waybills.values())
        ):
            problems.append(("ERR25", f"ForeignHAWB - already used ({foreign})"))
        return problems

    def _label(self, waybill: Waybill, info: Value, base_url: str) -> Value:
        if (info["ReportType"] or "").upper() == "URL":
            return {"LabelURL": f"{base_url.rstrip('/')}/labels/{waybill.number}.pdf", "LabelFileContents": None}
        return {"LabelURL": None, "LabelFileContents": self.document(waybill)}

    @staticmethod
    def document(waybill: Waybill) -> bytes:
        """Return the label as a PDF."""
        route = f"{waybill.cities[0]} {waybill.origin} -> {waybill.cities[1]} {waybill.destination}"
        return labels.pdf(["SANDBOX - NOT FOR SHIPPING", f"AWB {waybill.number}", route, f"REF {waybill.reference}"])

    def _number(self) -> str:
        self._next += 1
        return str(self._next)

    def _effect(self, kind: str, reference: str, id: str, amount: str | None = None) -> None:
        self._world.ledger.effect(vendor="aramex", kind=kind, reference=reference, id=id, amount=amount)


def refused(problems: list[Notification]) -> Value:
    """Return an answer that holds nothing but its errors."""
    return {"HasErrors": True, "Notifications": notifications(problems)}


def notifications(problems: list[Notification]) -> Value:
    """Return the array of notifications."""
    return {"Notification": [{"Code": code, "Message": message} for code, message in problems]}


def _label_problems(info: Value | None, *, required: bool) -> list[Notification]:
    if info is None:
        return [("ERR31", "LabelInfo - Label information is required")] if required else []
    if info["ReportID"] not in _REPORTS:
        return [("ERR32", f"LabelInfo - Report is unknown ({info['ReportID']})")]
    if (info["ReportType"] or "").upper() not in ("URL", "RPT"):
        return [("ERR33", f"LabelInfo - Report type is invalid ({info['ReportType'] or ''})")]
    return []
