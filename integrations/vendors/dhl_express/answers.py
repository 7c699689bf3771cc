"""What DHL Express answers, in our words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from integrations.errors import SchemaDrift
from integrations.outcome import Response
from integrations.reading import Answer, CamelAnswer, read
from integrations.types.base import Money
from integrations.types.shipping import CreatedShipment, Label, RateQuote, Tracking, TrackingEvent

VENDOR_NAME = "dhl_express"
Status = Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]

# DHL Express's event codes; every other code is a movement on the way. The ``status`` of a shipment in an answer says
# only that it was found ("Success"), never where it is.
_EXCEPTIONS = "BA CD CM DD DS HP MD MS ND NH OH RD RT SS UD"
_STATUSES: dict[str, Status] = {
    "OK": "delivered",
    "WC": "out_for_delivery",
    **dict.fromkeys(_EXCEPTIONS.split(), "exception"),
}
_DELIVERED = ("OK", "DD")
_SILENT = frozenset({"BN", "CS", "PY", "RR"})  # papers move, the parcel does not
_CURRENCY_TYPES = ("BILLC", "PULCL", "BASEC")  # billed in, public rates of the country, EUR or USD
_LABEL_FORMATS: dict[str, Literal["PDF", "PNG", "ZPL"]] = {"PDF": "PDF", "PNG": "PNG", "ZPL": "ZPL"}


class _Price(CamelAnswer):
    currency_type: str = ""
    price_currency: str = ""
    price: Decimal


class _Delivery(CamelAnswer):
    estimated_delivery_date_and_time: str = ""
    total_transit_days: int | None = None


class _Product(CamelAnswer):
    product_code: str = Field(min_length=1)
    product_name: str = ""
    total_price: tuple[_Price, ...]
    delivery_capabilities: _Delivery = Field(default_factory=_Delivery)


class _RateAnswer(CamelAnswer):
    products: tuple[_Product, ...]


class _Document(CamelAnswer):
    image_format: str = ""
    content: str = ""
    type_code: str = ""


class _ShipAnswer(CamelAnswer):
    shipment_tracking_number: str = Field(min_length=1)
    documents: tuple[_Document, ...] = ()
    shipment_charges: tuple[_Price, ...] = ()


class _Area(CamelAnswer):
    description: str = ""


class _Event(CamelAnswer):
    date: str = ""
    time: str = ""
    gmt_offset: str = Field(default="", alias="GMTOffset")
    type_code: str = ""
    description: str = ""
    service_area: tuple[_Area, ...] = ()


class _Reference(Answer):
    value: str = ""


class _Tracked(CamelAnswer):
    shipment_tracking_number: str = ""
    shipment_timestamp: str = ""
    status: str = ""
    product_code: str = ""
    shipper_references: tuple[_Reference, ...] = ()
    events: tuple[_Event, ...] = ()


class _TrackAnswer(CamelAnswer):
    shipments: tuple[_Tracked, ...]


def quotes(body: object, as_of: datetime) -> list[RateQuote]:
    """Return the quotes of a rate answer. A product DHL names without a price is left out: it is not free."""
    priced = ((product, _price(product.total_price)) for product in read(_RateAnswer, body).products)
    return [_quote(product, price, as_of) for product, price in priced if price is not None]


def created(body: object, reference: str, service_code: str) -> CreatedShipment:
    """Return the created shipment with its label; invoices and receipts are no labels."""
    answer = read(_ShipAnswer, body)
    labels = [
        Label(format=_LABEL_FORMATS.get(document.image_format.upper(), "PDF"), content=document.content)
        for document in answer.documents
        if document.type_code == "label" and document.content
    ]
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=answer.shipment_tracking_number,
        service_code=service_code,
        labels=tuple(labels),
        price=_price(answer.shipment_charges),
    )


def found_by_reference(response: Response, reference: str, service_code: str) -> CreatedShipment | None:
    """Return the newest shipment that carries our reference, None when the answer has none. It comes without a label."""
    found = [
        shipment
        for shipment in _shipments(response)
        if shipment.shipment_tracking_number
        and (not shipment.shipper_references or reference in {each.value for each in shipment.shipper_references})
    ]
    if not found:
        return None
    newest = max(found, key=lambda shipment: shipment.shipment_timestamp)
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=reference,
        tracking_number=newest.shipment_tracking_number,
        service_code=newest.product_code or service_code,
    )


def tracking(response: Response, tracking_number: str) -> Tracking:
    """Return where the shipment is; ``unknown`` when DHL has nothing on the number."""
    tracked = _shipments(response)
    if not tracked:
        return Tracking(vendor=VENDOR_NAME, tracking_number=tracking_number, status="unknown")
    events = sorted(tracked[0].events, key=_order, reverse=True)
    delivered = [_moment(event) for event in events if event.type_code in _DELIVERED]
    return Tracking(
        vendor=VENDOR_NAME,
        tracking_number=tracking_number,
        status=_status(events),
        events=tuple(_event(event) for event in events),
        delivered_at=delivered[0] if delivered else None,
    )


def _shipments(response: Response) -> Sequence[_Tracked]:
    """Return the shipments DHL has found; one it has not may stand in a list with a status that says so."""
    if response.status == 404:
        return ()
    shipments = read(_TrackAnswer, response.json(), status=response.status).shipments
    return [shipment for shipment in shipments if shipment.status.lower() in ("", "success")]


def _quote(product: _Product, price: Money, as_of: datetime) -> RateQuote:
    return RateQuote(
        vendor=VENDOR_NAME,
        service_code=product.product_code,
        service_name=f"DHL {(product.product_name or product.product_code).title()}",
        price=price,
        transit_days=product.delivery_capabilities.total_transit_days,
        delivery_date=_day(product.delivery_capabilities.estimated_delivery_date_and_time),
        as_of=as_of,
    )


def _price(prices: Sequence[_Price]) -> Money | None:
    """Return the price in the billing currency, else the nearest DHL gives; None when there is none above nought."""
    named = {price.currency_type: price for price in reversed(prices) if price.price > 0}
    chosen = next((named[kind] for kind in _CURRENCY_TYPES if kind in named), None)
    if chosen is None:
        return None
    if len(chosen.price_currency) != 3:
        raise SchemaDrift("The answer names a price without its currency.", field="priceCurrency")
    return Money(amount=chosen.price, currency=chosen.price_currency)


def _status(events: Sequence[_Event]) -> Status:
    """Return the status of the newest event that says something of the parcel; events come newest first."""
    codes = [event.type_code for event in events if event.type_code not in _SILENT]
    if not codes:
        return "in_transit" if events else "created"
    return _STATUSES.get(codes[0], "in_transit")


def _event(event: _Event) -> TrackingEvent:
    at = _moment(event)
    said = event.description.strip()
    if event.type_code in _DELIVERED:
        said = said.partition(":")[0].strip()  # who signed follows ("Delivered : ..."), and is nobody's business
    if at is None and event.date:
        # The local time of the place, whose zone DHL did not give, so it stays a text.
        said = f"{said} ({event.date} {event.time} local time)"
    place = event.service_area[0].description if event.service_area else ""
    return TrackingEvent(at=at, status=event.type_code, description=said, place=place)


def _order(event: _Event) -> tuple[str, str]:
    at = _moment(event)
    return (f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}") if at is not None else (event.date, event.time)


def _moment(event: _Event) -> datetime | None:
    """Return the time of an event as UTC; None without its offset, which DHL gives only when asked."""
    try:
        at = datetime.fromisoformat(f"{event.date}T{event.time}{event.gmt_offset}")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
