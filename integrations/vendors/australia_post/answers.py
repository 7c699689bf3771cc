"""What Australia Post answers, in our words.

Money is in Australian dollars with the goods and services tax in it, as numbers without a currency.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from integrations.errors import SchemaDrift
from integrations.outcome import Response
from integrations.reading import Answer, read
from integrations.types.base import Money
from integrations.types.shipping import CreatedShipment, Label, RateQuote, ShipmentOrder, Tracking, TrackingEvent
from integrations.vendors.australia_post.messages import CURRENCY
from integrations.vendors.australia_post.verdicts import UNKNOWN_NUMBER, Problem, problems

VENDOR_NAME = "australia_post"
Status = Literal["created", "in_transit", "out_for_delivery", "delivered", "exception", "cancelled", "unknown"]

# The statuses of the reference's "Shipment statuses", in lower case. "Awaiting collection" is a parcel that waits at a
# post office for its receiver; "track items ..." says that the parcels of a shipment differ.
_STATUSES: dict[str, Status] = {
    **dict.fromkeys(("created", "sealed", "initiated"), "created"),
    **dict.fromkeys(("in transit", "possible delay", "awaiting collection", "ready for pickup"), "in_transit"),
    "on board for delivery": "out_for_delivery",
    **dict.fromkeys(("delivered", "item delivered", "delivered in full"), "delivered"),
    "cancelled": "cancelled",
    **dict.fromkeys(
        (
            *("unsuccessful pickup", "unsuccessful delivery", "article damaged", "cannot be delivered"),
            *("held by courier", "to be re-delivered"),
        ),
        "exception",
    ),
}
# Words of an event, which has a description and no code; the first that fits counts.
_WORDS: tuple[tuple[str, Status], ...] = (
    (r"unsuccessful|could not|cannot|damaged|return(ed|ing) to sender|card left|held", "exception"),
    (r"^(item )?delivered\b", "delivered"),
    (r"for delivery today|on ?board (for delivery|with driver)|out for delivery", "out_for_delivery"),
    (r"shipping information|label created|order created", "created"),
)
_FAR: Sequence[Status] = ("unknown", "created", "in_transit", "out_for_delivery", "delivered")


class _Price(Answer):
    product_id: str = Field(min_length=1)
    product_type: str = ""
    calculated_price: Decimal


class _PricedItem(Answer):
    prices: tuple[_Price, ...] = ()


class _Prices(Answer):
    items: tuple[_PricedItem, ...]


class _TrackingDetails(Answer):
    article_id: str = ""
    consignment_id: str = ""


class Item(Answer):
    """One parcel of a shipment."""

    item_id: str = ""
    product_id: str = ""
    tracking_details: _TrackingDetails = Field(default_factory=_TrackingDetails)


class _Summary(Answer):
    total_cost: Decimal | None = None
    status: str = ""


class _Place(Answer):
    postcode: str = ""


class Lodged(Answer):
    """A shipment as Australia Post has it."""

    shipment_id: str = Field(min_length=1)
    shipment_reference: str = ""
    shipment_creation_date: str = ""
    order_id: str = ""
    to: _Place | None = None
    items: tuple[Item, ...] = ()
    shipment_summary: _Summary = Field(default_factory=_Summary)

    @property
    def ordered(self) -> bool:
        """Whether it is in an order, and so on its way to be charged and sent."""
        return bool(self.order_id) or self.shipment_summary.status.lower() in ("sealed", "initiated")

    @property
    def tracking_number(self) -> str:
        """Return the number of the parcel, of the consignment where there are several; '' where there is neither."""
        articles = [item.tracking_details.article_id for item in self.items if item.tracking_details.article_id]
        consignments = [item.tracking_details.consignment_id for item in self.items]
        whole = next(filter(None, consignments), "")
        return whole if whole and len(self.items) != 1 else next(iter(articles), whole)

    def carries(self, number: str) -> bool:
        """Return True when one of its parcels, or all of them, are tracked by the number."""
        numbers = {
            known
            for item in self.items
            for known in (item.tracking_details.article_id, item.tracking_details.consignment_id)
        }
        return number in numbers

    def is_of(self, order: ShipmentOrder) -> bool:
        """Return True when it can only be what the order asked for. A reference alone is free text and not unique."""
        wanted = order.shipment
        return (
            self.shipment_reference == wanted.reference
            and len(self.items) == len(wanted.parcels)
            and {item.product_id for item in self.items} == {order.service_code}
            and (self.to is None or self.to.postcode in ("", wanted.destination.postal_code.strip()))
        )


class _Shipments(Answer):
    shipments: tuple[Lodged, ...]


class Printed(Answer):
    """A label that was asked for; ``url`` is there once it is made."""

    request_id: str = ""
    url: str = ""
    status: str = ""


class _Labels(Answer):
    labels: tuple[Printed, ...] = Field(min_length=1)


class _Event(Answer):
    location: str = ""
    description: str = ""
    date: str = ""


class _Tracked(Answer):
    status: str = ""
    events: tuple[_Event, ...] = ()
    items: tuple[_Tracked, ...] = ()  # the parcels of a consignment, where that was asked for

    def parcels(self) -> tuple[_Tracked, ...]:
        return self.items or (self,)


class _Result(Answer):
    status: str = ""
    consignment: _Tracked | None = None
    trackable_items: tuple[_Tracked, ...] = ()

    def parcels(self) -> tuple[_Tracked, ...]:
        return tuple(parcel for item in self.trackable_items for parcel in item.parcels())


class _TrackAnswer(Answer):
    tracking_results: tuple[_Result, ...]


def quotes(body: object, as_of: datetime) -> list[RateQuote]:
    """Return a quote of each product sold for all parcels: what they cost together, surcharges apart.

    A product that does not take every parcel (a warning tells, with HTTP 200) or has no price is left out.
    """
    items = read(_Prices, body).items
    priced = [{price.product_id: price for price in item.prices if price.calculated_price > 0} for item in items]
    shared = [product for product in priced[0] if all(product in prices for prices in priced)] if priced else []
    return [_quote([prices[product] for prices in priced], as_of) for product in shared]


def lodged(body: object) -> Lodged:
    """Return the one shipment of an answer that creates one."""
    shipments = read(_Shipments, body).shipments
    if len(shipments) != 1:
        raise SchemaDrift(f"The answer has {len(shipments)} shipments instead of one.", field="shipments")
    return shipments[0]


def listed(body: object) -> tuple[Lodged, ...]:
    """Return the shipments of a page."""
    return read(_Shipments, body).shipments


def created(shipment: Lodged, order: ShipmentOrder, labels: Iterable[Label]) -> CreatedShipment:
    """Return the created shipment. Its price has the surcharges in it; None where the answer has none."""
    if not shipment.tracking_number:
        raise SchemaDrift("The answer names no number to track by.", field="shipments.0.items.0.tracking_details")
    cost = shipment.shipment_summary.total_cost
    return CreatedShipment(
        vendor=VENDOR_NAME,
        reference=order.shipment.reference,
        tracking_number=shipment.tracking_number,
        service_code=order.service_code,
        labels=tuple(labels),
        price=Money(amount=cost, currency=CURRENCY) if cost else None,
    )


def newest(shipments: Iterable[Lodged]) -> Lodged | None:
    """Return the shipment made last, None when there is none."""
    return max(shipments, key=lambda one: _moment(one.shipment_creation_date) or _LONG_AGO, default=None)


def printed(body: object) -> Printed:
    """Return the label of an answer. Raise SchemaDrift when it claims to be there and is not."""
    label = read(_Labels, body).labels[0]
    if label.status == "AVAILABLE" and not label.url:
        raise SchemaDrift("The answer says that the label is there, and does not say where.", field="labels.0.url")
    if label.status != "AVAILABLE" and not label.request_id:
        raise SchemaDrift("The answer does not say how to ask for the label again.", field="labels.0.request_id")
    return label


def label(response: Response) -> Label:
    """Return the label behind a link."""
    if not response.body.startswith(b"%PDF"):
        raise SchemaDrift("The label is not a PDF file.", field="label", status=response.status)
    return Label(format="PDF", content=b64encode(response.body).decode())


def tracking(response: Response, number: str) -> Tracking:
    """Return where the parcels of a number are; ``unknown`` when Australia Post has nothing on it."""
    body = response.json()
    if _all_unknown(problems(body)):
        return Tracking(vendor=VENDOR_NAME, tracking_number=number, status="unknown")
    found = read(_TrackAnswer, body, status=response.status).tracking_results
    if not found or _all_unknown(problems(body["tracking_results"][0])):
        return Tracking(vendor=VENDOR_NAME, tracking_number=number, status="unknown")
    result = found[0]
    parts = [*([result.consignment] if result.consignment else []), *result.parcels()]
    events = sorted({_event(event) for part in parts for event in part.events}, key=_order, reverse=True)
    status = _status(result, events)
    delivered = [event.at for event in events if event.status == "delivered" and event.at is not None]
    return Tracking(
        vendor=VENDOR_NAME,
        tracking_number=number,
        status=status,
        events=tuple(events),
        delivered_at=delivered[0] if delivered and status == "delivered" else None,
    )


def _all_unknown(found: Sequence[Problem]) -> bool:
    return bool(found) and all(one.code in UNKNOWN_NUMBER for one in found)


def _quote(prices: Sequence[_Price], as_of: datetime) -> RateQuote:
    return RateQuote(
        vendor=VENDOR_NAME,
        service_code=prices[0].product_id,
        service_name=f"Australia Post {(prices[0].product_type or prices[0].product_id).title()}",
        price=Money(amount=sum((price.calculated_price for price in prices), Decimal(0)), currency=CURRENCY),
        as_of=as_of,
    )


def _status(result: _Result, events: Sequence[TrackingEvent]) -> Status:
    """Return the status: of one parcel as Australia Post says, of several that of the one that is least far."""
    said = _STATUSES.get(result.status.lower(), "unknown")
    each: list[Status] = [_STATUSES.get(parcel.status.lower(), "unknown") for parcel in result.parcels()]
    if said == "unknown" or len(each) > 1:
        odd = [one for one in each if one not in _FAR]
        said = odd[0] if odd else min(each, key=_FAR.index, default="unknown")
    if said == "unknown" and events:
        said = "in_transit"
    if said == "in_transit" and events and events[0].status == "out_for_delivery":
        return "out_for_delivery"
    return said


def _event(event: _Event) -> TrackingEvent:
    said = event.description.strip()
    status = next((status for words, status in _WORDS if re.search(words, said.lower())), "in_transit")
    return TrackingEvent(at=_moment(event.date), status=status, description=said, place=event.location.strip())


def _order(event: TrackingEvent) -> datetime:
    return event.at or _LONG_AGO


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _moment(text: str) -> datetime | None:
    """Return a time as UTC; None without an offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
