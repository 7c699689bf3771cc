"""Where UPS says a parcel is, in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from integrations.outcome import Response
from integrations.reading import CamelAnswer, read
from integrations.types.shipping import Tracking, TrackingEvent
from integrations.vendors.ups.answers import VENDOR_NAME
from integrations.vendors.ups.values import Several, Text

Status = Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]

# The types of a status; those without an entry are movements on the way. D, X and M are in UPS's own examples, the
# rest in public integrations only (unconfirmed).
_STATUSES: dict[str, Status] = {
    "D": "delivered",
    "M": "created",
    "MV": "cancelled",
    "NA": "unknown",
    "O": "out_for_delivery",
    "RS": "exception",
    "X": "exception",
}
_OUT_FOR_DELIVERY = "021"  # comes with the type of a movement (unconfirmed)


class _TrackStatus(CamelAnswer):
    type: Text = ""
    code: Text = ""
    status_code: Text = ""
    description: Text = ""


class _Address(CamelAnswer):
    city: Text = ""
    country_code: Text = ""


class _Location(CamelAnswer):
    address: _Address = Field(default_factory=_Address)


class _Activity(CamelAnswer):
    status: _TrackStatus = Field(default_factory=_TrackStatus)
    location: _Location = Field(default_factory=_Location)
    date: Text = ""
    time: Text = ""
    gmt_date: Text = ""
    gmt_time: Text = ""
    gmt_offset: Text = ""


class _Tracked(CamelAnswer):
    tracking_number: Text = ""
    current_status: _TrackStatus = Field(default_factory=_TrackStatus)
    activity: Annotated[tuple[_Activity, ...], Several] = ()


class _TrackedShipment(CamelAnswer):
    package: Annotated[tuple[_Tracked, ...], Several] = ()


class _TrackResponse(CamelAnswer):
    shipment: Annotated[tuple[_TrackedShipment, ...], Several]


class _TrackAnswer(CamelAnswer):
    track_response: _TrackResponse


def tracking(response: Response, tracking_number: str) -> Tracking:
    """Return where the parcel is; ``unknown`` when UPS has nothing on the number (yet): a 404, or a warning in a 200."""
    tracked = None if response.status == 404 else _tracked(response, tracking_number)
    if tracked is None:
        return Tracking(vendor=VENDOR_NAME, tracking_number=tracking_number, status="unknown")
    delivered = [_at(one) for one in tracked.activity if one.status.type == "D"]
    return Tracking(
        vendor=VENDOR_NAME,
        tracking_number=tracking_number,
        status=_status(tracked),
        events=tuple(_event(one) for one in tracked.activity),
        delivered_at=delivered[0] if delivered else None,
    )


def _tracked(response: Response, tracking_number: str) -> _Tracked | None:
    shipments = read(_TrackAnswer, response.json(), status=response.status).track_response.shipment
    found = [package for shipment in shipments for package in shipment.package]
    mine = [package for package in found if package.tracking_number.upper() == tracking_number.upper()]
    return next(iter(mine or found), None)


def _status(tracked: _Tracked) -> Status:
    """Return the package's own status, else that of the newest activity; UPS lists the newest first."""
    known = [tracked.current_status, *(one.status for one in tracked.activity)]
    latest = next((status for status in known if status.type), None)
    if latest is None:
        return "in_transit" if tracked.activity else "unknown"
    if _OUT_FOR_DELIVERY in (tracked.current_status.code, latest.status_code) and latest.type not in _STATUSES:
        return "out_for_delivery"
    return _STATUSES.get(latest.type, "in_transit")


def _event(activity: _Activity) -> TrackingEvent:
    at = _at(activity)
    said = activity.status.description
    if at is None and activity.date:
        # The local time of the place, whose zone UPS did not give, so it stays a text.
        said = f"{said} ({activity.date} {activity.time} local time)"
    address = activity.location.address
    return TrackingEvent(
        at=at,
        status=activity.status.code or activity.status.type,
        description=said,
        place=", ".join(part for part in (address.city, address.country_code) if part),
    )


def _at(activity: _Activity) -> datetime | None:
    """Return the time of an activity as UTC; None where UPS gives only a local time without its offset."""
    if activity.gmt_date:
        return _moment(activity.gmt_date, activity.gmt_time, "+00:00")
    return _moment(activity.date, activity.time, activity.gmt_offset)


def _moment(day: str, clock: str, offset: str) -> datetime | None:
    digits = clock.replace(":", "").zfill(6)  # UPS's own example has 74700 for 07:47:00
    try:
        at = datetime.strptime(f"{day}{digits}{offset}", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
    return at.astimezone(UTC)
