"""What FedEx answers, in our words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from integrations.errors import SchemaDrift
from integrations.reading import CamelAnswer, read
from integrations.types.base import Currency, Money
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    Label,
    RateQuote,
    Tracking,
    TrackingEvent,
)
from integrations.vendors.fedex.verdicts import NOT_FOUND

VENDOR_NAME = "fedex"
Status = Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]

# Codes of FedEx's "Tracking Status Codes"; every other code is a movement on the way.
_STATUSES: dict[str, Status] = {
    "OC": "created",
    "DR": "created",
    "EP": "created",
    "PD": "created",
    "CA": "cancelled",
    "DL": "delivered",
    "OD": "out_for_delivery",
    "CD": "exception",
    "DD": "exception",
    "DE": "exception",
    "DY": "exception",
    "RS": "exception",
    "SE": "exception",
}
_NUMBER_WORDS = (
    "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN SEVENTEEN "
    "EIGHTEEN NINETEEN TWENTY"
)
_DAYS = {
    f"{word}_DAYS" if number > 1 else "ONE_DAY": number for number, word in enumerate(_NUMBER_WORDS.split(), start=1)
}
_LABEL_FORMATS: dict[str, Literal["PDF", "PNG", "ZPL"]] = {"PDF": "PDF", "PNG": "PNG", "ZPLII": "ZPL", "ZPL": "ZPL"}


class _Charge(CamelAnswer):
    rate_type: str = ""
    total_net_charge: Decimal
    currency: Currency | None = None
    shipment_rate_detail: _RateDetail | None = None


class _RateDetail(CamelAnswer):
    currency: Currency | None = None


class _DateDetail(CamelAnswer):
    day_format: str = ""


class _TransitDays(CamelAnswer):
    minimum_transit_time: str = ""


class _Commit(CamelAnswer):
    days_in_transit: str = ""
    transit_days: _TransitDays = Field(default_factory=_TransitDays)
    date_detail: _DateDetail = Field(default_factory=_DateDetail)


class _Operational(CamelAnswer):
    transit_time: str = ""
    delivery_date: str = ""


class _RateReply(CamelAnswer):
    service_type: str
    service_name: str = ""
    commit: _Commit = Field(default_factory=_Commit)
    operational_detail: _Operational = Field(default_factory=_Operational)
    rated_shipment_details: tuple[_Charge, ...]


class _RateOutput(CamelAnswer):
    rate_reply_details: tuple[_RateReply, ...] = ()


class _RateAnswer(CamelAnswer):
    output: _RateOutput


class _Document(CamelAnswer):
    content_type: str = ""
    doc_type: str = ""
    encoded_label: str = ""
    url: str = ""


class _Piece(CamelAnswer):
    tracking_number: str = ""
    package_documents: tuple[_Document, ...] = ()


class _ShipmentRating(CamelAnswer):
    shipment_rate_details: tuple[_Charge, ...] = ()


class _Completed(CamelAnswer):
    shipment_rating: _ShipmentRating = Field(default_factory=_ShipmentRating)


class _CreatedAnswer(CamelAnswer):
    service_type: str = ""
    master_tracking_number: str = Field(min_length=1)
    piece_responses: tuple[_Piece, ...] = ()
    completed_shipment_detail: _Completed = Field(default_factory=_Completed)


class _ShipOutput(CamelAnswer):
    transaction_shipments: tuple[_CreatedAnswer, ...] = Field(min_length=1)


class _ShipAnswer(CamelAnswer):
    output: _ShipOutput


class _CancelOutput(CamelAnswer):
    cancelled_shipment: bool
    cancelled_history: bool = False
    success_message: str = ""
    message: str = ""


class _CancelAnswer(CamelAnswer):
    output: _CancelOutput


class _Place(CamelAnswer):
    city: str = ""
    country_code: str = ""


class _Scan(CamelAnswer):
    date: str = ""
    event_type: str = ""
    event_description: str = ""
    derived_status_code: str = ""
    scan_location: _Place = Field(default_factory=_Place)


class _Moment(CamelAnswer):
    type: str = ""
    date_time: str = ""


class _Latest(CamelAnswer):
    code: str = ""
    derived_code: str = ""


class _NumberInfo(CamelAnswer):
    tracking_number: str = ""
    tracking_number_unique_id: str = ""


class _NumberError(CamelAnswer):
    code: str = ""


class _Service(CamelAnswer):
    type: str = ""


class _TrackResult(CamelAnswer):
    tracking_number_info: _NumberInfo = Field(default_factory=_NumberInfo)
    latest_status_detail: _Latest = Field(default_factory=_Latest)
    service_detail: _Service = Field(default_factory=_Service)
    scan_events: tuple[_Scan, ...] = ()
    date_and_times: tuple[_Moment, ...] = ()
    error: _NumberError | None = None


class _CompleteResult(CamelAnswer):
    tracking_number: str = ""
    track_results: tuple[_TrackResult, ...]


class _TrackOutput(CamelAnswer):
    complete_track_results: tuple[_CompleteResult, ...]


class _TrackAnswer(CamelAnswer):
    output: _TrackOutput


def quotes(body: object, as_of: datetime) -> list[RateQuote]:
    """Return the quotes of a rate answer, the account's own price where FedEx gives it, else the list price."""
    return [_quote(reply, as_of) for reply in read(_RateAnswer, body).output.rate_reply_details]


def created(body: object, reference: str, service_code: str) -> CreatedShipment:
    """Return the created shipment with one label a piece."""
    shipment = read(_ShipAnswer, body).output.transaction_shipments[0]
    documents = [document for piece in shipment.piece_responses for document in piece.package_documents]
    labels = [
        Label(format=_LABEL_FORMATS.get(document.doc_type, "PDF"), content=document.encoded_label, url=document.url)
        for document in documents
        if document.encoded_label or document.url
    ]
    charges = shipment.completed_shipment_detail.shipment_rating.shipment_rate_details
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=shipment.master_tracking_number,
        service_code=shipment.service_type or service_code,
        labels=tuple(labels),
        price=_price(charges) if charges else None,
    )


def cancelled(body: object, tracking_number: str) -> CancelledShipment:
    """Return FedEx's word on a cancellation."""
    output = read(_CancelAnswer, body).output
    return CancelledShipment(
        vendor=VENDOR_NAME,
        tracking_number=tracking_number,
        # After a lost answer the second request finds it cancelled already, which is what was wanted.
        cancelled=output.cancelled_shipment or output.cancelled_history,
        message=output.success_message or output.message,
    )


def tracking(body: object, tracking_number: str) -> Tracking:
    """Return where the shipment is; ``unknown`` when FedEx does not know the number (yet)."""
    result = _newest(_results(body))
    if result is None:
        return Tracking(vendor=VENDOR_NAME, tracking_number=tracking_number, status="unknown")
    code = result.latest_status_detail.derived_code or result.latest_status_detail.code
    return Tracking(
        vendor=VENDOR_NAME,
        tracking_number=tracking_number,
        status=_STATUSES.get(code, "in_transit") if code else "unknown",
        events=tuple(_event(scan) for scan in result.scan_events),
        delivered_at=_delivered_at(result),
    )


def found_by_reference(body: object, reference: str, service_code: str) -> CreatedShipment | None:
    """Return the shipment that carries our reference, None when the answer names none. It comes without its label."""
    result = _newest([found for found in _results(body) if found.latest_status_detail.derived_code != "CA"])
    if result is None or not result.tracking_number_info.tracking_number:
        return None
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=result.tracking_number_info.tracking_number,
        service_code=result.service_detail.type or service_code,
    )


def _results(body: object) -> list[_TrackResult]:
    complete = read(_TrackAnswer, body).output.complete_track_results
    results = [result for each in complete for result in each.track_results]
    return [result for result in results if result.error is None or result.error.code not in NOT_FOUND]


def _newest(results: Sequence[_TrackResult]) -> _TrackResult | None:
    """Return the newest of the results: FedEx uses numbers again, and the unique id begins with a running number."""
    return max(results, key=_age_order, default=None)


def _age_order(result: _TrackResult) -> tuple[str, int]:
    latest = max((scan.date for scan in result.scan_events), default="")
    sequence = result.tracking_number_info.tracking_number_unique_id.partition("~")[0]
    return latest, int(sequence) if sequence.isdigit() else 0


def _quote(reply: _RateReply, as_of: datetime) -> RateQuote:
    words = (reply.commit.transit_days.minimum_transit_time, reply.commit.days_in_transit)
    transit = next((_DAYS[word] for word in (*words, reply.operational_detail.transit_time) if word in _DAYS), None)
    return RateQuote(
        vendor=VENDOR_NAME,
        service_code=reply.service_type,
        service_name=reply.service_name or reply.service_type.replace("_", " ").title(),
        price=_price(reply.rated_shipment_details),
        transit_days=transit,
        delivery_date=_day(reply.commit.date_detail.day_format or reply.operational_detail.delivery_date),
        as_of=as_of,
    )


def _price(charges: Sequence[_Charge]) -> Money:
    ours = [charge for charge in charges if charge.rate_type.endswith(("ACCOUNT", "ACCOUNT_SHIPMENT"))]
    chosen = next(iter(ours or charges), None)
    if chosen is None:
        raise SchemaDrift("The answer names a service without a price.", field="ratedShipmentDetails")
    detail = chosen.shipment_rate_detail
    currency = chosen.currency or (detail.currency if detail else None)
    if currency is None:
        raise SchemaDrift("The answer names a price without its currency.", field="currency")
    return Money(amount=chosen.total_net_charge, currency=currency)


def _event(scan: _Scan) -> TrackingEvent:
    place = ", ".join(part for part in (scan.scan_location.city, scan.scan_location.country_code) if part)
    return TrackingEvent(
        at=_moment(scan.date),
        status=scan.derived_status_code or scan.event_type,
        description=scan.event_description,
        place=place,
    )


def _delivered_at(result: _TrackResult) -> datetime | None:
    stated = [_moment(moment.date_time) for moment in result.date_and_times if moment.type == "ACTUAL_DELIVERY"]
    scanned = [_moment(scan.date) for scan in result.scan_events if scan.derived_status_code == "DL"]
    return next((moment for moment in [*stated, *scanned] if moment is not None), None)


def _moment(text: str) -> datetime | None:
    """Return a time with an offset as UTC; None without one, because FedEx does not say whose local time it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


_Charge.model_rebuild()
