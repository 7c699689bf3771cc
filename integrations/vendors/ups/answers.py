"""What UPS answers about rates, shipments, labels and voids, in our words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_pascal

from integrations.errors import BusinessFailed
from integrations.reading import Answer, read
from integrations.types.base import Currency, Money
from integrations.types.shipping import CancelledShipment, CreatedShipment, Label, RateQuote
from integrations.vendors.ups.values import Cleaned, Several, Text

VENDOR_NAME = "ups"
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


class _Part(Answer):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True)


class _Charge(_Part):
    currency_code: Annotated[Currency, Cleaned]
    monetary_value: Annotated[Decimal, Cleaned]


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


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
