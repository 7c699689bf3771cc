"""What Canada Post answers, in our words. Its money is in Canadian dollars and names no currency."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from lxml import etree
from pydantic import Field

from integrations.errors import SchemaDrift
from integrations.outcome import Response
from integrations.types.base import Money
from integrations.types.shipping import CancelledShipment, CreatedShipment, Label, RateQuote
from integrations.vendors.canada_post import xml
from integrations.vendors.canada_post.xml import Link, XmlAnswer

VENDOR_NAME = "canada_post"
CURRENCY = "CAD"
_LABEL_MAGIC = (b"%PDF", b"^XA")


class _Quote(XmlAnswer):
    service_code: str
    service_name: str = ""
    due: Decimal = Field(alias="price-details/due")  # options, adjustments and taxes included
    transit_days: int | None = Field(default=None, alias="service-standard/expected-transit-time")
    delivery_date: date | None = Field(default=None, alias="service-standard/expected-delivery-date")


class _Shipped(XmlAnswer):
    customer_request_id: str = ""
    shipment_id: str
    shipment_status: str
    tracking_pin: str = ""
    service_code: str = Field(default="", alias="shipment-price/service-code")
    due: Decimal | None = Field(default=None, alias="shipment-price/due-amount")


class _Refund(XmlAnswer):
    service_ticket_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A shipment as Canada Post has it. ``tracking_pin`` is "" for a service that is not tracked."""

    request_id: str
    status: str  # created, transmitted or suspended
    tracking_pin: str
    service_code: str
    price: Money | None
    links: Sequence[Link]

    @property
    def transmitted(self) -> bool:
        return self.status == "transmitted"

    def link(self, rel: str) -> Link | None:
        """Return the link of a kind, None when the shipment has none."""
        return next((link for link in self.links if link.rel == rel), None)

    def made(self, reference: str, service_code: str, label: Label | None) -> CreatedShipment:
        """Return the shipment in our words."""
        return CreatedShipment(
            vendor=VENDOR_NAME,
            reference=reference,
            tracking_number=self.tracking_pin,
            service_code=self.service_code or service_code,
            labels=(label,) if label is not None else (),
            price=self.price,
        )


def quotes(response: Response, as_of: datetime) -> list[RateQuote]:
    """Return the quotes of a rate answer, [] when Canada Post sells nothing here. What has no price is not free."""
    if xml.messages(response.body) is not None:
        return []
    root = xml.document(response, "price-quotes")
    priced = [xml.fields(_Quote, element) for element in xml.each(root, "price-quote")]
    return [
        RateQuote(
            vendor=VENDOR_NAME,
            service_code=quote.service_code,
            service_name=f"Canada Post {quote.service_name or quote.service_code}",
            price=_money(quote.due),
            transit_days=quote.transit_days,
            delivery_date=quote.delivery_date,
            as_of=as_of.astimezone(UTC),
        )
        for quote in priced
        if quote.due > 0
    ]


def shipped(response: Response) -> Shipped:
    """Return the shipment of a ``shipment-info`` answer."""
    return _shipped(xml.document(response, "shipment-info"))


def found(response: Response) -> Shipped | None:
    """Return the shipment a link leads to, None when it is gone."""
    return None if xml.messages(response.body) is not None else shipped(response)


def listed(response: Response) -> tuple[Sequence[Link], Sequence[Shipped]]:
    """Return the shipments of a list: as links to them, or whole where Canada Post gives them so; none when it says
    that nothing is found."""
    if xml.messages(response.body) is not None:
        return (), ()
    root = xml.document(response, "shipments")
    links = [link for link in xml.links(root, "link") if link.rel == "shipment"]
    return links, [_shipped(element) for element in xml.each(root, "shipment-info")]


def refund_ticket(response: Response) -> str:
    """Return the service ticket of a refund that was asked for, "" when the shipment's details know of none."""
    root = xml.document(response, "shipment-details")
    for element in xml.each(root, "shipment-detail/refund-request-info"):
        return xml.fields(_Refund, element).service_ticket_id
    return ""


def voided(number: str) -> CancelledShipment:
    return CancelledShipment(vendor=VENDOR_NAME, tracking_number=number, cancelled=True, message="Voided.")


def refunding(response: Response, number: str) -> CancelledShipment:
    """Return that a refund is on its way; Canada Post checks first that the label was not used."""
    if xml.messages(response.body) is not None:
        said = "A refund was asked for before; Canada Post takes a few days to decide."
    else:
        ticket = xml.fields(_Refund, xml.document(response, "shipment-refund-request-info")).service_ticket_id
        said = f"A refund is asked for under service ticket {ticket}; Canada Post takes a few days to decide."
    return CancelledShipment(vendor=VENDOR_NAME, tracking_number=number, cancelled=True, message=said)


def not_found(number: str) -> CancelledShipment:
    said = "Canada Post has no shipment of ours under this number: it was voided before, or is older than 90 days."
    return CancelledShipment(vendor=VENDOR_NAME, tracking_number=number, cancelled=False, message=said)


def label(response: Response, link: Link) -> Label | None:
    """Return the label, None while it is not ready (202). Raise SchemaDrift when what came is none."""
    if response.status == 202:
        return None
    if not response.body.lstrip().startswith(_LABEL_MAGIC):
        raise SchemaDrift("Canada Post's label is neither PDF nor ZPL.", field="label", status=response.status)
    return Label(format=_format(link), content=b64encode(response.body).decode())


def label_elsewhere(link: Link) -> Label:
    """Return where the label can be had with the API key, for 90 days."""
    return Label(format=_format(link), url=link.href)


def _format(link: Link) -> Literal["PDF", "ZPL"]:
    return "ZPL" if "zpl" in link.media_type else "PDF"


def _shipped(element: etree._Element) -> Shipped:
    told = xml.fields(_Shipped, element)
    return Shipped(
        request_id=told.customer_request_id,
        status=told.shipment_status.lower(),
        tracking_pin=told.tracking_pin,
        service_code=told.service_code,
        price=_money(told.due) if told.due is not None else None,
        links=xml.links(element, "links/link"),
    )


def _money(amount: Decimal) -> Money:
    return Money(amount=amount, currency=CURRENCY)
