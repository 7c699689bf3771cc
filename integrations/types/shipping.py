"""Shipping: what is sent where, what it costs, its label and its way."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from integrations.types.base import Country, Exact, Model, Money, Reference, UtcDatetime


class Address(Model):
    """A person or company at a place. ``state`` and ``postal_code`` where the country has them."""

    name: str = ""
    company: str = ""
    lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: Country
    phone: str = ""
    email: str = ""
    residential: bool = False


class Parcel(Model):
    """One parcel, in kilograms and centimetres."""

    weight_kg: Exact = Field(gt=0)
    length_cm: Exact | None = None
    width_cm: Exact | None = None
    height_cm: Exact | None = None


class ContentLine(Model):
    """What is inside, for customs. ``value`` and ``weight_kg`` are of the line, all its pieces together."""

    description: str
    quantity: int = Field(gt=0)
    value: Money
    sku: str = ""
    hs_code: str = ""
    origin_country: Country | None = None
    weight_kg: Exact | None = None


class Shipment(Model):
    """A shipment to quote or to send. ``ship_date`` None is today."""

    reference: Reference
    origin: Address
    destination: Address
    parcels: tuple[Parcel, ...] = Field(min_length=1)
    declared_value: Money | None = None
    ship_date: date | None = None
    contents: tuple[ContentLine, ...] = ()

    @property
    def international(self) -> bool:
        return self.origin.country != self.destination.country


class RateQuote(Model):
    """What a vendor would charge for one service."""

    vendor: str
    service_code: str
    service_name: str
    price: Money
    transit_days: int | None = None
    delivery_date: date | None = None
    stale: bool = False
    as_of: UtcDatetime


class ShipmentOrder(Model):
    """A shipment to be sent with one service of a quote."""

    shipment: Shipment
    service_code: str


class Label(Model):
    """A label: base64 content, or a URL where the vendor gives only that."""

    format: Literal["PDF", "PNG", "ZPL"]
    content: str = ""
    url: str = ""


class CreatedShipment(Model):
    """A shipment the vendor has accepted."""

    vendor: str
    reference: str
    tracking_number: str
    service_code: str
    labels: tuple[Label, ...] = ()
    price: Money | None = None


class TrackingRequest(Model):
    """Which shipment to track or cancel."""

    tracking_number: str = Field(min_length=1, max_length=64)


class TrackingEvent(Model):
    """One scan."""

    at: UtcDatetime | None = None
    status: str
    description: str
    place: str = ""


class Tracking(Model):
    """Where a shipment is."""

    vendor: str
    tracking_number: str
    status: Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]
    events: tuple[TrackingEvent, ...] = ()
    delivered_at: UtcDatetime | None = None


class CancelledShipment(Model):
    """The vendor's word on a cancellation."""

    vendor: str
    tracking_number: str
    cancelled: bool
    message: str = ""
