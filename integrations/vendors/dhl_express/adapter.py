"""DHL Express's operations: our types in, MyDHL requests out, our types back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import Unsupported
from integrations.oauth import basic
from integrations.outcome import Request, Response, Verdict
from integrations.paths import filled
from integrations.time_zone import zone_in, zone_named
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    RateQuote,
    Shipment,
    ShipmentOrder,
    Tracking,
    TrackingRequest,
)
from integrations.vendors.dhl_express import answers, messages, verdicts
from integrations.vendors.dhl_express.declaration import VENDOR

RATE_PATH = "/rates"
SHIP_PATH = "/shipments"
REFERENCE_PATH = "/tracking"
# DHL does not say how long a new waybill takes to be found by its reference; these waits are our allowance.
LOOK_UP_WAITS = (0.0, 2.0, 4.0)
# A waybill is found by the day it was made or is to leave on; the place of origin may be a day off ours.
LOOK_BACK = timedelta(days=2)
_HEADERS = {"x-version": "3.1.0", "accept-language": "eng"}


class DhlExpress(Adapter):
    """The MyDHL API, version 3."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_rates(self, exchange: Exchange, shipment: Shipment) -> list[RateQuote]:
        """Return the price of each product in the billing currency; [] where DHL sells none for this shipment."""
        leaves = self._leaves(shipment, exchange.now(), "ship_date")
        body = messages.rate_body(self.credential("ACCOUNT_NUMBER"), shipment, leaves)
        response = await exchange.send(_request("POST", RATE_PATH, json=body))
        return answers.quotes(response.exact_json(), exchange.now())

    async def create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment:
        """Create a shipment and its label. DHL knows no idempotency key; see look_up_create_shipment."""
        leaves = self._leaves(order.shipment, exchange.now(), "shipment.ship_date")
        body = messages.ship_body(self.credential("ACCOUNT_NUMBER"), order, leaves)
        response = await exchange.send(_request("POST", SHIP_PATH, json=body))
        return answers.created(response.exact_json(), order.shipment.reference, order.service_code)

    async def look_up_create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment | None:
        """Return the shipment that carries our reference; None when DHL still knows none after a while.

        DHL's test environment tracks none of the waybills made in it, so there the answer is always None; a second
        waybill costs nothing there.
        """
        reference = order.shipment.reference
        today = exchange.now().date()
        leaves = order.shipment.ship_date or today
        query = (
            ("shipmentReference", reference),
            ("shipmentReferenceType", messages.REFERENCE_TYPE),
            ("shipperAccountNumber", self.credential("ACCOUNT_NUMBER")),
            ("dateRangeFrom", (min(today, leaves) - LOOK_BACK).isoformat()),
            ("dateRangeTo", (max(today, leaves) + LOOK_BACK).isoformat()),
            ("trackingView", "shipment-details-only"),
            ("levelOfDetail", "shipment"),
        )
        for wait in LOOK_UP_WAITS:
            if wait:
                await exchange.sleep(wait)
            response = await exchange.send(_request("GET", REFERENCE_PATH, query=query, step="look_up"))
            found = answers.found_by_reference(response, reference, order.service_code)
            if found is not None:
                return found
        return None

    async def track_shipment(self, exchange: Exchange, value: TrackingRequest) -> Tracking:
        """Return where a shipment is; a number DHL has nothing on has the status unknown."""
        number = value.tracking_number
        query = (
            ("trackingView", "all-checkpoints"),
            ("levelOfDetail", "shipment"),
            ("requestGMTOffsetPerEvent", "true"),  # without it the times of events are of no zone
        )
        template = f"{SHIP_PATH}/{{tracking_number}}/tracking"
        path = filled(template, tracking_number=number)
        return answers.tracking(await exchange.send(_request("GET", path, template=template, query=query)), number)

    async def cancel_shipment(self, exchange: Exchange, value: TrackingRequest) -> CancelledShipment:
        """Refuse: DHL Express cancels pickups, never a shipment."""
        raise Unsupported(
            "DHL Express cannot cancel a shipment over its API; do not hand the parcel over: a label that is never "
            "scanned is not sent.",
            field="operation",
        )

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return HTTP Basic; DHL has no sign-in."""
        return {"authorization": basic(self.credential("USERNAME"), self.credential("PASSWORD"))}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    def _leaves(self, shipment: Shipment, now: datetime, field: str) -> datetime:
        home = self.setting("TIME_ZONE")
        zone = zone_in(shipment.origin.country, now, zone_named(VENDOR.name, home) if home else None)
        return messages.planned(shipment, now, zone, field)


def _request(method: str, path: str, **rest: Any) -> Request:
    return Request(**{"method": method, "path": path, "template": path, "headers": _HEADERS, **rest})
