"""Where a shipment is: its checkpoints follow from its age, each with date and time on the clock of its place.

A shipment nobody has collected is known, and has no checkpoint. ``status`` tells how the question went, not the parcel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.dhl_express.parameters import Parameters
from integrations.sandbox.dhl_express.samples import Samples
from integrations.sandbox.dhl_express.shipments import Sent, Shipments, weight
from integrations.sandbox.geography import business_days_after, local, same_customs_territory
from integrations.sandbox.twin import World

_MOST_NUMBERS = 200
_VIEWS = (
    "all-checkpoints", "all-checkpoints-with-remarks", "last-checkpoint", "shipment-details-only", "advance-shipment",
    "bbx-children",
)  # fmt: skip
_LEVELS = ("shipment", "piece", "all")
# When a checkpoint is reached, as a share of the way (0 to 1); its code and text; whether it is at the destination.
_WAY = (
    (0.2, "PU", "Shipment picked up", False),
    (0.3, "PL", "Processed at {place}", False),
    (0.4, "DF", "Shipment has departed from a DHL facility {place}", False),
    (0.6, "RR", "Customs clearance status updated", True),
    (0.7, "CR", "Clearance processing complete at {place}", True),
    (0.75, "AF", "Arrived at DHL Sort Facility {place}", True),
    (0.85, "AR", "Arrived at DHL Delivery Facility {place}", True),
    (0.9, "WC", "Shipment is out with courier for delivery", True),
)
_CUSTOMS = frozenset(("RR", "CR"))
# How a way may end, and where on it.
_ENDINGS = {
    "OK": (1.0, "Delivered : {receiver}"),
    "UD": (0.65, "Clearance event"),
    "OH": (0.8, "Shipment is on hold"),
    "BA": (0.95, "Address information needed; contact DHL"),
    "NH": (1.0, "Delivery attempted; recipient not home"),
    "RD": (1.0, "Recipient refused delivery"),
    "RT": (1.0, "Returned to shipper"),
}


class Tracking:
    """The two ways to ask for shipments.

    Settings: ``tracking_speed`` (1: days pass in days), ``environment`` ("production"; in "test" only DHL's own sample
    waybills are known, and no reference), ``reference_lag_seconds`` (0), ``newest_first`` (false: the order of
    checkpoints is promised nowhere).
    """

    def __init__(self, world: World, shipments: Shipments) -> None:
        self._world = world
        self._shipments = shipments
        self._samples = Samples(world)

    def one(self, waybill: str, asked: Parameters) -> dict[str, Any]:
        """Return MyDHL's answer for one waybill; raises Refused 404 when there is no such shipment."""
        view, level = _detail(asked)
        sent = self._find(waybill)
        if sent is None:
            raise _no_data()
        return {"shipments": [self._told(sent, view, level, offsets=asked.flag("requestGMTOffsetPerEvent"))]}

    def many(self, asked: Parameters) -> dict[str, Any]:
        """Return MyDHL's answer for waybills, pieces or a reference; its checkpoints never have an offset.

        A number that is unknown has a ``status`` of its own beside the others (unconfirmed); raises Refused 404 when
        none is known.
        """
        view, level = _detail(asked)
        if asked.text("shipmentReference"):
            found = self._by_reference(asked)
            return {"shipments": [self._told(sent, view, level) for sent in found]}
        waybills = asked.texts("shipmentTrackingNumber", _MOST_NUMBERS)
        pieces = asked.texts("pieceTrackingNumber", _MOST_NUMBERS)
        if not waybills and not pieces:
            asked.require("shipmentTrackingNumber")
        known = [(number, self._find(number)) for number in waybills]
        known += [(number, self._find_piece(number)) for number in pieces]
        if not any(sent for _, sent in known):
            raise _no_data()
        return {
            "shipments": [
                self._told(sent, view, level)
                if sent
                else {"shipmentTrackingNumber": number, "status": "No Shipments Found", "events": []}
                for number, sent in known
            ]
        }

    def document(self, waybill: str, account: str, month: str) -> Sent:
        """Return the shipment whose papers are asked for; raises Refused 404 unless account and month are its own."""
        sent = self._shipments.sent.get(waybill)
        if sent is None or sent.account != account or f"{sent.planned:%Y-%m}" != month:
            raise Refused(404, "1504: No document images found for the provided search criteria.")
        return sent

    def _find(self, waybill: str) -> Sent | None:
        sample = self._samples.get(waybill)
        if sample is not None or self._world.setting("dhl_express", "environment", "production") == "test":
            return sample
        return self._shipments.sent.get(waybill)

    def _find_piece(self, number: str) -> Sent | None:
        for sent in (*self._samples.all(), *self._shipments.sent.values()):
            if number in sent.pieces:
                return self._find(sent.waybill)
        return None

    def _by_reference(self, asked: Parameters) -> list[Sent]:
        reference, kind = asked.text("shipmentReference"), asked.text("shipmentReferenceType", "CU")
        asked.require("shipperAccountNumber")
        asked.require("dateRangeFrom", "dateRangeTo")
        begin, end = asked.day("dateRangeFrom"), asked.day("dateRangeTo")
        account = asked.text("shipperAccountNumber")
        lag = float(self._world.setting("dhl_express", "reference_lag_seconds", 0))
        found = [
            sent
            for sent in self._shipments.sent.values()
            if (kind, reference) in sent.references
            and sent.account == account
            and begin <= sent.planned.date() <= end
            and self._world.now() >= sent.made + lag
            and self._find(sent.waybill)
        ]
        if not found:
            raise Refused(
                404,
                f"No Shipments Found for ReferenceID | {reference}",
                title="Not data found",
                message="Not data found",
            )
        return found

    def _share(self, sent: Sent) -> float:
        if sent.held is not None:
            return sent.held
        speed = float(self._world.setting("dhl_express", "tracking_speed", 1))
        return (self._world.now() - sent.made) * speed / 86_400 / sent.days

    def _told(self, sent: Sent, view: str, level: str, *, offsets: bool = False) -> dict[str, Any]:
        events = list(self._events(sent, offsets=offsets))
        if view == "last-checkpoint":
            events = events[-1:]
        elif view == "shipment-details-only":
            events = []
        if self._world.setting("dhl_express", "newest_first", False):
            events.reverse()
        origin, destination = sent.lane.origin, sent.lane.destination
        told: dict[str, Any] = {
            "shipmentTrackingNumber": sent.waybill,
            "status": "Success",
            "shipmentTimestamp": local(origin.country, sent.made).strftime("%Y-%m-%dT%H:%M:%S"),
            "productCode": sent.product.code,
            "description": sent.description,
            # Who and where exactly is left empty, because of the GDPR (the document says so).
            "shipperDetails": {"name": "", "postalAddress": _blank(origin.country), "serviceArea": [origin.area]},
            "receiverDetails": {
                "name": "",
                "postalAddress": _blank(destination.country),
                "serviceArea": [destination.area],
            },
            "totalWeight": weight(sent),
            "unitOfMeasurements": sent.unit,
            "shipperReferences": [{"value": value, "typeCode": kind} for kind, value in sent.references],
            "events": events,
            "numberOfPieces": len(sent.pieces),
            "estimatedDeliveryDate": self._estimate(sent).isoformat(),
        }
        if level != "shipment":
            told["pieces"] = [
                {"number": place, "trackingNumber": piece, "shipmentTrackingNumber": sent.waybill, "events": events}
                for place, piece in enumerate(sent.pieces, start=1)
            ]
        return told

    def _estimate(self, sent: Sent) -> date:
        return business_days_after(local(sent.lane.origin.country, sent.made).date(), sent.days)

    def _events(self, sent: Sent, *, offsets: bool) -> Iterable[dict[str, Any]]:
        share = self._share(sent)
        origin, destination = sent.lane.origin, sent.lane.destination
        customs = not same_customs_territory(origin.country, destination.country)
        ends, text = _ENDINGS[sent.ending]
        way = [point for point in _WAY if point[0] < ends and (customs or point[1] not in _CUSTOMS)]
        speed = 1.0 if sent.held is not None else float(self._world.setting("dhl_express", "tracking_speed", 1))
        for at, code, template, there in [*way, (ends, sent.ending, text, True)]:
            if at > share:
                return
            place = destination if there else origin
            moment = local(place.country, sent.made + at * sent.days * 86_400 / speed)
            yield {
                "date": moment.strftime("%Y-%m-%d"),
                "time": moment.strftime("%H:%M:%S"),
                **({"GMTOffset": f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5]} if offsets else {}),
                "typeCode": code,
                # The live service puts the signatory into the text of a delivery.
                "description": template.format(place=place.area["description"], receiver=sent.receiver.upper()),
                "serviceArea": [place.area],
                **({"signedBy": ""} if code == "OK" else {}),
            }


def _detail(asked: Parameters) -> tuple[str, str]:
    return asked.choice("trackingView", _VIEWS, _VIEWS[0]), asked.choice("levelOfDetail", _LEVELS, _LEVELS[0])


def _no_data() -> Refused:
    return Refused(404, "No data found", title="Not data found", message="Not data found")


def _blank(country: str) -> dict[str, str]:
    return {"cityName": "", "postalCode": "", "provinceCode": "", "countryCode": country}


def label_lines(sent: Sent) -> Sequence[str]:
    """Return what stands on a waybill document printed again."""
    return [sent.product.name, f"WAYBILL {sent.waybill}", *(value for _, value in sent.references[:3])]
