"""Australia Post's operations: our types in, requests of the Shipping & Tracking API out, our types back.

A shipment comes with its label and waits for an order: the order charges it and is the manifest the parcels are handed
over with, made once or twice a day for all that wait. No operation of ours makes it: that is left to whoever closes the
shop's day. Until then a shipment can be cancelled, and tracking does not know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import BusinessFailed, CallFailed, HttpFailed, LinkRefused
from integrations.oauth import basic
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.paths import filled
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    Label,
    RateQuote,
    Shipment,
    ShipmentOrder,
    Tracking,
    TrackingRequest,
)
from integrations.vendors.australia_post import answers, messages, verdicts
from integrations.vendors.australia_post.answers import Lodged, Printed
from integrations.vendors.australia_post.declaration import VENDOR
from integrations.vendors.australia_post.verdicts import LABELS, PRICES, SHIPMENTS, TRACK

# Australia Post does not say how soon a new shipment is listed; these waits are our allowance.
LOOK_UP_WAITS = (0.0, 2.0, 4.0)
# A label is waited for by the request itself; where that comes back early we ask again after these.
LABEL_WAITS = (1.0, 2.0, 4.0, 8.0, 8.0)
NOT_SENT_YET = "Created,Sealed,Initiated"
PAGE = 100
MOST_PAGES = 20
_HEADERS = {"accept": "application/json"}


class AustraliaPost(Adapter):
    """The Shipping & Tracking API, version 1, for a contract of eParcel."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_rates(self, exchange: Exchange, shipment: Shipment) -> list[RateQuote]:
        """Return the contract's price of each product, tax included; surcharges for fuel come on top."""
        body = messages.price_body(shipment)
        response = await exchange.send(_request("POST", PRICES, json=body, repeatable=True))
        return answers.quotes(response.exact_json(), exchange.now())

    async def create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment:
        """Create a shipment, then its label. Australia Post knows no idempotency key; see look_up_create_shipment.

        Where the label fails the shipment stands, and is found again by the look-up.
        """
        response = await exchange.send(_request("POST", SHIPMENTS, json=messages.shipment_body(order)))
        shipment = answers.lodged(response.exact_json())
        return answers.created(shipment, order, [await self._label(exchange, shipment)])

    async def look_up_create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment | None:
        """Return the newest unsent shipment with our reference, product, parcels and destination; None without one.

        It comes without its label where Australia Post cannot make one for good.
        """
        for wait in LOOK_UP_WAITS:
            if wait:
                await exchange.sleep(wait)
            found = answers.newest(one for one in await self._unsent(exchange) if one.is_of(order))
            if found is not None:
                return answers.created(found, order, await self._label_if_any(exchange, found))
        return None

    async def track_shipment(self, exchange: Exchange, value: TrackingRequest) -> Tracking:
        """Return where a parcel is, by the number of its article or consignment; ``unknown`` for one nobody knows.

        A new number is unknown until Australia Post has scanned it.
        """
        query = (("tracking_ids", messages.tracking_id(value.tracking_number)),)
        return answers.tracking(await exchange.send(_request("GET", TRACK, query=query)), value.tracking_number)

    async def cancel_shipment(self, exchange: Exchange, value: TrackingRequest) -> CancelledShipment:
        """Delete a shipment that is in no order yet. It is deleted by an id of its own, so it is looked for first."""
        number = messages.tracking_id(value.tracking_number)
        found = next((one for one in await self._unsent(exchange) if one.carries(number)), None)
        if found is None:
            return _kept(number, "Australia Post has no shipment of ours with this number that still waits to be sent.")
        if not found.ordered:
            template = f"{SHIPMENTS}/{{shipment_id}}"
            path = filled(template, shipment_id=found.shipment_id)
            try:
                await exchange.send(_request("DELETE", path, template=template))
            except HttpFailed as error:
                if error.error_type == "already_ordered":
                    return _kept(number, error.message)
                if error.error_type != "not_found":  # an earlier attempt, whose answer was lost, has deleted it
                    raise
            return CancelledShipment(vendor=answers.VENDOR_NAME, tracking_number=number, cancelled=True)
        return _kept(number, verdicts.ORDERED[2])

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return HTTP Basic and the account; Australia Post has no sign-in."""
        return {
            "authorization": basic(self.credential("API_KEY"), self.credential("PASSWORD")),
            "account-number": self.credential("ACCOUNT_NUMBER"),
        }

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    def quotas_seen(self, response: Response) -> Sequence[QuotaSeen]:
        """Return what the headers say of each window."""
        return verdicts.quotas_seen(response)

    async def _unsent(self, exchange: Exchange) -> list[Lodged]:
        """Return all shipments that wait for an order or for their first scan.

        Raise BusinessFailed when there are more than we read: then one that is not among them may still be there.
        """
        found: list[Lodged] = []
        for page in range(MOST_PAGES):
            query = (
                ("offset", str(page * PAGE)),
                ("number_of_shipments", str(PAGE)),
                ("status", NOT_SENT_YET),
            )
            response = await exchange.send(_request("GET", SHIPMENTS, query=query, step="look_up"))
            shipments = answers.listed(response.exact_json())
            found += shipments
            if len(shipments) < PAGE:
                return found
        raise BusinessFailed(
            f"More than {MOST_PAGES * PAGE} shipments wait at Australia Post; put them into orders, then try again.",
            error_type="too_many_shipments",
            fault="ours",
        )

    async def _label_if_any(self, exchange: Exchange, shipment: Lodged) -> list[Label]:
        try:
            return [await self._label(exchange, shipment)]
        except CallFailed as error:
            if error.retryable:
                raise
            return []

    async def _label(self, exchange: Exchange, shipment: Lodged) -> Label:
        """Make the label and fetch it at once: the link to it expires. Where the link leads away it is returned."""
        printed = await self._printed(exchange, shipment)
        try:
            return await self._fetched(exchange, printed)
        except HttpFailed as error:
            if error.error_type != "link_expired":
                raise
            return await self._fetched(exchange, await self._printed(exchange, shipment))

    async def _printed(self, exchange: Exchange, shipment: Lodged) -> Printed:
        body = messages.label_body(shipment.shipment_id, [item.item_id for item in shipment.items if item.item_id])
        # Asking twice makes the same label again; it is not lodged by that.
        response = await exchange.send(_request("POST", LABELS, json=body, repeatable=True))
        printed = answers.printed(response.json())
        for wait in LABEL_WAITS:
            if printed.status == "AVAILABLE":
                return printed
            await exchange.sleep(wait)
            template = f"{LABELS}/{{request_id}}"
            path = filled(template, request_id=printed.request_id)
            response = await exchange.send(_request("GET", path, template=template, step="poll"))
            printed = answers.printed(response.json())
        if printed.status == "AVAILABLE":
            return printed
        raise BusinessFailed(
            "Australia Post has not made the label yet; the shipment stands, ask for it again in a while.",
            error_type="label_pending",
            fault="theirs",
            retryable=True,
        )

    async def _fetched(self, exchange: Exchange, printed: Printed) -> Label:
        request = Request(
            method="GET",
            path=urlsplit(printed.url).path,
            template=f"{LABELS}/{{file}}",
            link=printed.url,
            signed=False,
            cost=0,
        )
        try:
            response = await exchange.send(request)
        except LinkRefused:
            return Label(format="PDF", url=printed.url)
        return answers.label(response)


def _request(method: str, path: str, **rest: Any) -> Request:
    return Request(**{"method": method, "path": path, "template": path, "headers": _HEADERS, **rest})


def _kept(number: str, why: str) -> CancelledShipment:
    return CancelledShipment(vendor=answers.VENDOR_NAME, tracking_number=number, cancelled=False, message=why)
