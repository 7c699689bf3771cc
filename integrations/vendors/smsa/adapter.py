"""SMSA's operations: our types in, eCom API requests out, our types back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import OutcomeUnknown, QuaysideError, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.paths import filled
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    RateQuote,
    Shipment,
    ShipmentOrder,
    Tracking,
    TrackingRequest,
)
from integrations.vendors.smsa import answers, messages, prices, verdicts
from integrations.vendors.smsa.declaration import VENDOR

SHIP_PATH = "/api/shipment/b2c/new"
SHIPPED_PATH = "/api/shipment/b2c/query"
RETURN_PATH = "/api/c2b/new"
RETURNED_PATH = "/api/c2b/query"
CANCEL_PATH = "/api/c2b/cancel"
TRACK_PATH = "/api/track/single"
REFERENCE_PATH = "/api/track/reference"
# SMSA does not say how long a new waybill takes to be found by its reference; these waits are our allowance.
LOOK_UP_WAITS = (0.0, 2.0, 5.0, 8.0)


class Smsa(Adapter):
    """The eCom REST API. The older SOAP service knows nothing that this one does not, and says no in a 200."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_rates(self, exchange: Exchange, shipment: Shipment) -> list[RateQuote]:
        """Return the prices of our own contract, since SMSA tells none; [] for a route that has none.

        Nothing is sent. Raise Unsupported when no prices are set, InvalidInput (configuration) when they are not
        understood.
        """
        table = self.setting("PRICES")
        if not table:
            raise Unsupported(
                "SMSA Express tells no rates over its API; set QUAYSIDE_SMSA_PRICES to the prices of the contract.",
                field="operation",
            )
        return prices.quotes(prices.read_prices(table), shipment, exchange.now())

    async def create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment:
        """Create a shipment and its labels; with the service EDCR a pickup at the origin, brought to the destination.

        SMSA knows no idempotency key, and whether it refuses a repeated OrderNumber is written nowhere; see
        look_up_create_shipment. The invoice customs want (``POST /api/invoice``) is not sent: SMSA takes it apart from
        the shipment, and its loss could not be looked up.
        """
        now = exchange.now()
        if messages.is_return(order):
            request = _request("POST", RETURN_PATH, json=messages.return_body(order, now))
        else:
            request = _request("POST", SHIP_PATH, json=messages.shipment_body(order, now))
        return answers.created(await exchange.send(request), order.shipment.reference, order.service_code)

    async def look_up_create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment | None:
        """Return the shipment that carries our reference; None when SMSA still knows none after a while.

        Raise OutcomeUnknown for a pickup return that is not found: the search is documented for shipments to consumers
        only, so it proves nothing.
        """
        reference = messages.checked_reference(order.shipment.reference)
        for wait in LOOK_UP_WAITS:
            if wait:
                await exchange.sleep(wait)
            response = await exchange.send(_get(REFERENCE_PATH, "reference", reference, step="look_up"))
            number = answers.found_by_reference(response, reference)
            if number is not None:
                return await self._made(exchange, order, number)
        if messages.is_return(order):
            raise OutcomeUnknown(
                "SMSA Express does not find this pickup return by its reference, which does not prove that there is "
                "none; look for it in SMSA's own pages."
            )
        return None

    async def track_shipment(self, exchange: Exchange, value: TrackingRequest) -> Tracking:
        """Return where a shipment is; a number SMSA does not know has the status unknown."""
        number = messages.waybill_number(value.tracking_number)
        return answers.tracking(await exchange.send(_get(TRACK_PATH, "tracking_number", number)), number)

    async def cancel_shipment(self, exchange: Exchange, value: TrackingRequest) -> CancelledShipment:
        """Cancel a pickup return. SMSA cancels nothing else, so any other number is asked after and left alone."""
        number = messages.waybill_number(value.tracking_number)
        known = await exchange.send(_get(RETURNED_PATH, "tracking_number", number, step="look_up"))
        if not answers.is_known(known):
            return answers.kept(
                number,
                "SMSA Express cancels only pickup returns over its API, and knows none of this number; do not hand the "
                "parcel over, or ask SMSA to stop it.",
            )
        path, template = f"{CANCEL_PATH}/{number}", f"{CANCEL_PATH}/{{tracking_number}}"
        return answers.cancellation(await exchange.send(_request("POST", path, template=template)), number)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the key's header; SMSA has no sign-in."""
        return {"apikey": self.credential("API_KEY")}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def _made(self, exchange: Exchange, order: ShipmentOrder, number: str) -> CreatedShipment:
        """Return a shipment that was found, with its labels where SMSA gives them: it is made all the same."""
        path = RETURNED_PATH if messages.is_return(order) else SHIPPED_PATH
        try:
            labels = answers.labels(await exchange.send(_get(path, "tracking_number", number, step="look_up")))
        except QuaysideError:
            labels = ()  # the attempt is on record
        return CreatedShipment(
            vendor=answers.VENDOR_NAME,
            reference=order.shipment.reference,
            tracking_number=number,
            service_code=order.service_code,
            labels=labels,
        )


def _get(path: str, name: str, value: str, **rest: Any) -> Request:
    template = f"{path}/{{{name}}}"
    return _request("GET", filled(template, **{name: value}), template=template, **rest)


def _request(method: str, path: str, **rest: Any) -> Request:
    headers = {"accept": "application/json"}
    return Request(**{"method": method, "path": path, "template": path, "headers": headers, **rest})
