"""Where a package is: its activities follow from its age, newest first, each on the clock of its place and on GMT's.

A number UPS does not know is answered with 200 and a warning where its packages would stand (recorded); the document
has 404 for it, which the setting ``unknown_is_404`` plays.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from multidict import MultiMapping

from integrations.sandbox.geography import business_days_after, local
from integrations.sandbox.journey import Journey, Scan, Stage
from integrations.sandbox.twin import World
from integrations.sandbox.ups.errors import Refused, for_status, wrong
from integrations.sandbox.ups.numbers import is_tracking_number
from integrations.sandbox.ups.request import read_day
from integrations.sandbox.ups.shipments import Parcel, Sent, Shipments

_UNKNOWN = {"code": "TW0001", "message": "Tracking Information Not Found"}
_INVALID = ("TV1002", "Invalid inquiry number")
_SHORTEST, _LONGEST = 7, 34
_LOOK_BACK = timedelta(days=14)  # where a look-up by reference begins unless it says
_MOST_PACKAGES = 50
_PICKED_UP = 0.15

# Type, code and status code stand in a stage's code. Letters of the types and most numbers are from recorded answers.
_LABEL = Stage(share=0.0, code="M/MP/003", text="Shipper created a label, UPS has not received the package yet. ")
_VOID = Stage(share=0.0, code="MV/VP/007", text="Shipment was voided")
_WAY = (
    _LABEL,
    Stage(share=_PICKED_UP, code="P/PU/038", text="Pickup Scan "),
    Stage(share=0.25, code="I/OR/005", text="Origin Scan"),
    Stage(share=0.4, code="I/DP/005", text="Departed from Facility"),
    Stage(share=0.75, code="I/AR/005", text="Arrived at Facility", arrived=True),
    Stage(share=0.85, code="I/YP/071", text="Processing at UPS Facility", arrived=True),
    Stage(share=0.9, code="I/OT/021", text="Out For Delivery Today", arrived=True),
)
_DELIVERED = Stage(share=1.0, code="D/F4/011", text="DELIVERED ", arrived=True)
_IN_VAIN = Stage(share=1.0, code="X/48/016", text="The customer was not available on the 1st attempt.", arrived=True)


class Tracking:
    """The three ways to ask for packages.

    Settings: ``tracking_speed`` (1: days pass in days), ``reference_lag_seconds`` (0), ``unknown_is_404`` (false),
    ``gmt_as_digits`` (false: GMT times as the document's sample has them, ``74700``, rather than as recorded),
    ``environment`` ("cie" tracks nothing that was made in it).
    """

    def __init__(self, world: World, shipments: Shipments) -> None:
        self._world = world
        self._shipments = shipments

    def one(self, number: str) -> dict[str, Any]:
        """Return ``trackResponse`` for one package."""
        sent = self._find(number)
        if sent is None:
            return self._unknown(number)
        parcels = [parcel for parcel in sent.parcels if parcel.number == number]
        return _response([self._shipment(number, sent, parcels)])

    def by_reference(self, reference: str, asked: MultiMapping[str]) -> dict[str, Any]:
        """Return ``trackResponse`` for the packages of a reference that were to be picked up in a range of days."""
        today = datetime.fromtimestamp(self._world.now(), UTC).date()
        begin = _day(asked, "fromPickUpDate", today - _LOOK_BACK)
        end = _day(asked, "toPickUpDate", today)
        if asked.get("refNumType", "SmallPackage") not in ("SmallPackage", "fgv"):
            raise wrong("refNumType", asked["refNumType"])
        account = asked.get("shipperNum", "").upper()
        lag = float(self._world.setting("ups", "reference_lag_seconds", 0))
        found = [
            sent
            for sent in self._shipments.sent.values()
            if sent.has_reference(reference)
            and account in ("", sent.shipper)
            and begin <= sent.ship_date <= end
            and self._world.now() >= sent.made + lag
            and self._find(sent.id)
        ]
        if not found:
            return self._unknown(reference)
        return _response([self._shipment(reference, sent, sent.parcels) for sent in found])

    def shipment(self, number: str, asked: MultiMapping[str]) -> dict[str, Any]:
        """Return ``trackResponse`` for the packages of a number's shipment, a page of them."""
        sent = self._find(number)
        if sent is None:
            return self._unknown(number)
        begin, most = _whole(asked, "offset", 0), _whole(asked, "count", _MOST_PACKAGES)
        return _response([self._shipment(number, sent, sent.parcels[begin : begin + min(most, _MOST_PACKAGES)])])

    def has_left(self, sent: Sent) -> bool:
        """Say whether UPS has the packages already: then they cannot be voided."""
        return any(not scan.stage.code.startswith("M") for scan in self._scans(sent))

    def _find(self, number: str) -> Sent | None:
        bad = not _SHORTEST <= len(number) <= _LONGEST or (number.startswith("1Z") and not is_tracking_number(number))
        if bad:
            raise Refused(*_INVALID)
        sent = self._shipments.find(number)
        if sent is not None and sent.held is None and self._world.setting("ups", "environment", "production") == "cie":
            return None
        return sent

    def _unknown(self, asked: str) -> dict[str, Any]:
        if self._world.setting("ups", "unknown_is_404", False):
            raise Refused(_UNKNOWN["code"], _UNKNOWN["message"], status=404)
        return _response([{"inquiryNumber": asked, "warnings": [_UNKNOWN]}])

    def _scans(self, sent: Sent) -> list[Scan]:
        stages = (*_WAY, _IN_VAIN if sent.troubled else _DELIVERED)
        journey = Journey(stages=stages, made=sent.made, days=sent.days, pinned=sent.held)
        return journey.scans(self._world.now(), float(self._world.setting("ups", "tracking_speed", 1)))

    def _shipment(self, asked: str, sent: Sent, parcels: list[Parcel]) -> dict[str, Any]:
        return {
            "inquiryNumber": asked,
            "package": [self._package(sent, parcel) for parcel in parcels],
            "userRelation": ["SHIPPER"],
        }

    def _package(self, sent: Sent, parcel: Parcel) -> dict[str, Any]:
        scans = self._scans(sent)
        if parcel.voided:
            scans = [Scan(stage=_VOID, at=scans[-1].at), scans[-1]]
        newest = scans[0]
        delivered = newest.stage is _DELIVERED
        named = [("SHIPMENT", value) for _, value in sent.references]
        named += [("PACKAGE", value) for _, value in parcel.package.references]
        place = sent.destination
        told: dict[str, Any] = {
            "trackingNumber": parcel.number,
            "deliveryDate": [self._delivery_date(sent, newest if delivered else None)],
            "activity": [self._activity(sent, scan) for scan in scans],
            "currentStatus": _status(newest.stage),
            "packageAddress": [
                {"type": "DESTINATION", "address": _address(place.country, place.city, place.state)},
            ],
            "weight": {"unitOfMeasurement": parcel.package.unit, "weight": str(parcel.package.weight)},
            "service": {"code": sent.service.code, "levelCode": sent.service.code, "description": sent.service.name},
            "referenceNumber": [{"type": kind, "number": value} for kind, value in named],
            "packageCount": len(sent.parcels),
        }
        if delivered:
            moment = local(place.country, newest.at)
            told["deliveryTime"] = {"type": "DEL", "endTime": moment.strftime("%H%M%S")}
            told["deliveryInformation"] = {"location": "Front Door", "receivedBy": sent.receiver.upper()}
        else:
            told["deliveryTime"] = {"type": "EOD", "endTime": ""}
        return told

    def _delivery_date(self, sent: Sent, delivery: Scan | None) -> dict[str, str]:
        if delivery is not None:
            return {"type": "DEL", "date": local(sent.destination.country, delivery.at).strftime("%Y%m%d")}
        return {"type": "SDD", "date": business_days_after(sent.ship_date, sent.days).strftime("%Y%m%d")}

    def _activity(self, sent: Sent, scan: Scan) -> dict[str, Any]:
        place = sent.destination if scan.stage.arrived else sent.origin
        moment, gmt = local(place.country, scan.at), datetime.fromtimestamp(scan.at, UTC)
        logical = scan.stage.code.startswith("M")
        as_digits = self._world.setting("ups", "gmt_as_digits", False)
        where = _address(place.country, "" if logical else place.city, "" if logical else place.state)
        return {
            "location": {"address": where, **({} if logical else {"slic": "0761"})},
            "status": _status(scan.stage),
            "date": moment.strftime("%Y%m%d"),
            "time": moment.strftime("%H%M%S"),
            "gmtDate": gmt.strftime("%Y%m%d"),
            "gmtOffset": f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5],
            "gmtTime": str(int(gmt.strftime("%H%M%S"))) if as_digits else gmt.strftime("%H:%M:%S"),
            "logicalScan": logical,
        }


def check_headers(trans_id: str, source: str) -> None:
    """Raise Refused 400 unless a tracking request says what it is and where it comes from."""
    if not trans_id or len(trans_id) > 32 or not source or len(source) > 512:
        raise for_status(400)


def _response(shipments: list[dict[str, Any]]) -> dict[str, Any]:
    return {"trackResponse": {"shipment": shipments}}


def _status(stage: Stage) -> dict[str, str]:
    kind, code, number = stage.code.split("/")
    return {"type": kind, "description": stage.text, "code": code, "statusCode": number}


def _address(country: str, city: str, state: str) -> dict[str, str]:
    told = {"city": city.upper(), "stateProvince": state}
    return {**{name: value for name, value in told.items() if value}, "countryCode": country, "country": country}


def _day(asked: MultiMapping[str], name: str, default: date) -> date:
    value = asked.get(name, "")
    try:
        return read_day(value) if value else default
    except ValueError:
        raise wrong(name, value) from None


def _whole(asked: MultiMapping[str], name: str, default: int) -> int:
    value = asked.get(name, "")
    if value and not value.isdecimal():
        raise wrong(name, value)
    return int(value) if value else default
