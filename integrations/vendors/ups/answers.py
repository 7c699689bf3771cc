"""What UPS answers, in our words.

Every number is a text. Lists of one are lists from v2403 on and a lone object before it and in Label Recovery v1; both
are read. The test environment has been seen to put ``&#xD;`` before values (api-documentation issue 63).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from integrations.errors import BusinessFailed
from integrations.outcome import Response
from integrations.reading import Answer, CamelAnswer, read
from integrations.types.base import Currency, Money
from integrations.types.shipping import CancelledShipment, CreatedShipment, Label, RateQuote, Tracking, TrackingEvent

VENDOR_NAME = "ups"
STRAY = "&#xD;"
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
_SERVICES = {
    "01": "UPS Next Day Air",
    "02": "UPS 2nd Day Air",
    "03": "UPS Ground",
    "07": "UPS Worldwide Express",
    "08": "UPS Worldwide Expedited",
    "11": "UPS Standard",
    "12": "UPS 3 Day Select",
    "13": "UPS Next Day Air Saver",
    "14": "UPS Next Day Air Early",
    "17": "UPS Worldwide Economy DDU",
    "54": "UPS Worldwide Express Plus",
    "59": "UPS 2nd Day Air A.M.",
    "65": "UPS Worldwide Saver",
    "70": "UPS Access Point Economy",
    "72": "UPS Worldwide Economy DDP",
    "74": "UPS Express 12:00",
}
_LABEL_FORMATS: dict[str, Literal["PDF", "PNG", "ZPL"]] = {"PDF": "PDF", "PNG": "PNG", "ZPL": "ZPL"}


def _clean(value: Any) -> Any:
    return value.replace(STRAY, "").strip() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    return [value] if value else []


Text = Annotated[str, BeforeValidator(_clean)]
Several = BeforeValidator(_listed)


class _Part(Answer):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True)


class _Charge(_Part):
    currency_code: Annotated[Currency, BeforeValidator(_clean)]
    monetary_value: Annotated[Decimal, BeforeValidator(_clean)]


class _OwnCharge(_Part):
    total_charge: _Charge | None = None


class _Service(_Part):
    code: Text = ""
    description: Text = ""


class _Guarantee(_Part):
    business_days_in_transit: Text = ""


class _Moment(_Part):
    date: Text = ""


class _Arrival(_Part):
    arrival: _Moment = Field(default_factory=_Moment)
    business_days_in_transit: Text = ""


class _Summary(_Part):
    service: _Service = Field(default_factory=_Service)
    estimated_arrival: _Arrival = Field(default_factory=_Arrival)


class _Transit(_Part):
    service_summary: _Summary = Field(default_factory=_Summary)


class _Rated(_Part):
    service: _Service
    total_charges: _Charge
    negotiated_rate_charges: _OwnCharge = Field(default_factory=_OwnCharge)
    guaranteed_delivery: _Guarantee = Field(default_factory=_Guarantee)
    time_in_transit: _Transit = Field(default_factory=_Transit)


class _RateResponse(_Part):
    rated_shipment: Annotated[tuple[_Rated, ...], Several]


class _RateAnswer(_Part):
    rate_response: _RateResponse


class _Format(_Part):
    code: Text = ""


class _ShippingLabel(_Part):
    image_format: _Format = Field(default_factory=_Format)
    graphic_image: Text = ""


class _Package(_Part):
    tracking_number: Text = ""
    shipping_label: _ShippingLabel = Field(default_factory=_ShippingLabel)


class _Charges(_Part):
    total_charges: _Charge | None = None


class _Results(_Part):
    shipment_identification_number: Annotated[Text, Field(min_length=1)]
    shipment_charges: _Charges = Field(default_factory=_Charges)
    negotiated_rate_charges: _OwnCharge = Field(default_factory=_OwnCharge)
    package_results: Annotated[tuple[_Package, ...], Several] = ()


class _ShipmentResponse(_Part):
    shipment_results: _Results


class _ShipAnswer(_Part):
    shipment_response: _ShipmentResponse


class _LabelImage(_Part):
    label_image_format: _Format = Field(default_factory=_Format)
    graphic_image: Text = ""


class _Recovered(_Part):
    tracking_number: Text = ""
    label_image: _LabelImage = Field(default_factory=_LabelImage)


class _RecoveryResponse(_Part):
    shipment_identification_number: Text = ""
    label_results: Annotated[tuple[_Recovered, ...], Several] = ()


class _RecoveryAnswer(_Part):
    label_recovery_response: _RecoveryResponse


class _VoidStatus(_Part):
    code: Text
    description: Text = ""


class _VoidSummary(_Part):
    status: _VoidStatus


class _VoidResponse(_Part):
    summary_result: _VoidSummary


class _VoidAnswer(_Part):
    void_shipment_response: _VoidResponse


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


def quotes(body: object, as_of: datetime) -> list[RateQuote]:
    """Return the quotes of a rate answer, the account's own price where UPS gives it, else the published one.

    A service UPS names without a price is left out: it is not free.
    """
    priced = ((one, _price(one.negotiated_rate_charges, one.total_charges)) for one in _rated(body))
    return [_quote(one, price, as_of) for one, price in priced if price is not None]


def created(body: object, reference: str, service_code: str) -> CreatedShipment:
    """Return the created shipment with one label a package; its number is that of the first package."""
    results = read(_ShipAnswer, body).shipment_response.shipment_results
    labels = (package.shipping_label for package in results.package_results)
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=results.shipment_identification_number,
        service_code=service_code,
        labels=tuple(_label(label.image_format, label.graphic_image) for label in labels if label.graphic_image),
        price=_price(results.negotiated_rate_charges, results.shipment_charges.total_charges),
    )


def recovered(body: object, reference: str, service_code: str) -> CreatedShipment:
    """Return the shipment whose labels were recovered; what it cost is not said again.

    Raise BusinessFailed where UPS names several that carry the reference.
    """
    answer = read(_RecoveryAnswer, body).label_recovery_response
    number = answer.shipment_identification_number or next((one.tracking_number for one in answer.label_results), "")
    if not number:
        raise BusinessFailed(
            "UPS names no single shipment with this reference; look for it on ups.com and settle it by hand.",
            error_type="several_found",
            fault="ours",
        )
    images = (one.label_image for one in answer.label_results)
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=number,
        service_code=service_code,
        labels=tuple(_label(image.label_image_format, image.graphic_image) for image in images if image.graphic_image),
    )


def cancelled(body: object, tracking_number: str) -> CancelledShipment:
    """Return UPS's word on a cancellation."""
    status = read(_VoidAnswer, body).void_shipment_response.summary_result.status
    return CancelledShipment(
        vendor=VENDOR_NAME,
        tracking_number=tracking_number,
        cancelled=status.code == "1",
        message=status.description,
    )


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


def _rated(body: object) -> Sequence[_Rated]:
    return read(_RateAnswer, body).rate_response.rated_shipment


def _quote(rated: _Rated, price: Money, as_of: datetime) -> RateQuote:
    code, summary = rated.service.code, rated.time_in_transit.service_summary
    name = summary.service.description or _SERVICES.get(code) or rated.service.description or f"UPS {code}"
    days = summary.estimated_arrival.business_days_in_transit or rated.guaranteed_delivery.business_days_in_transit
    return RateQuote(
        vendor=VENDOR_NAME,
        service_code=code,
        service_name=name,
        price=price,
        transit_days=int(days) if days.isdecimal() else None,
        delivery_date=_day(summary.estimated_arrival.arrival.date),
        as_of=as_of,
    )


def _price(own: _OwnCharge, published: _Charge | None) -> Money | None:
    for charge in (own.total_charge, published):
        if charge is not None and charge.monetary_value > 0:
            return Money(amount=charge.monetary_value, currency=charge.currency_code)
    return None


def _label(kind: _Format, content: str) -> Label:
    return Label(format=_LABEL_FORMATS.get(kind.code.upper(), "ZPL"), content=content)


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


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
