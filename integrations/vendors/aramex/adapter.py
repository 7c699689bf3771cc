"""Aramex's operations: our types in, SOAP messages out, our types back."""

from __future__ import annotations

from typing import Any, ClassVar

from integrations.adapter import Adapter, Exchange, Vendor
from integrations.errors import BusinessFailed, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.time_zone import day_in
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    RateQuote,
    Shipment,
    ShipmentOrder,
    Tracking,
    TrackingRequest,
)
from integrations.vendors.aramex import answers, messages, verdicts
from integrations.vendors.aramex.declaration import PRODUCTS, RATES, SHIPPING, TRACKING, VENDOR


class Aramex(Adapter):
    """Aramex's rate, shipping and tracking services. The credentials travel in every body, so there is no sign-in."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_rates(self, exchange: Exchange, shipment: Shipment) -> list[RateQuote]:
        """Return the price of each product that fits, one request a product.

        A product Aramex does not sell for this shipment is left out; when none fits, Aramex's first reason is raised.
        """
        group = messages.product_group(shipment)
        quotes: list[RateQuote] = []
        refusal: BusinessFailed | None = None
        for product_type in PRODUCTS[group]:
            message = messages.rate_message(self._client_info(), shipment, product_type)
            try:
                answer = await exchange.soap(RATES, "CalculateRate", message)
            except BusinessFailed as error:
                if error.error_type != "rejected":
                    raise
                refusal = refusal or error
                continue
            quotes.append(answers.quote(answer, group, product_type, exchange.now()))
        if not quotes and refusal is not None:
            raise refusal
        return quotes

    async def create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment:
        """Create a shipment and its label.

        Aramex has neither an idempotency key nor a look-up by reference, so a lost answer stays unknown until a person
        has looked for our reference in Aramex's own pages.
        """
        message = messages.creation_message(
            self._client_info(), order, day_in(order.shipment.origin.country, exchange.now())
        )
        answer = await exchange.soap(SHIPPING, "CreateShipments", message)
        return answers.created(answer, order.shipment.reference, order.service_code)

    async def track_shipment(self, exchange: Exchange, value: TrackingRequest) -> Tracking:
        """Return where a shipment is; a waybill Aramex does not know has the status unknown."""
        message = messages.tracking_message(self._client_info(), value.tracking_number)
        answer = await exchange.soap(TRACKING, "TrackShipments", message)
        return answers.tracking(answer, value.tracking_number)

    async def cancel_shipment(self, exchange: Exchange, value: TrackingRequest) -> CancelledShipment:
        """Refuse: no operation of Aramex cancels a shipment."""
        raise Unsupported(
            "Aramex cannot cancel a shipment over its API, only a pickup; do not hand the parcel over, or ask the "
            "Aramex office to stop it.",
            field="operation",
        )

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(response)

    def _client_info(self) -> dict[str, Any]:
        names = (credential.name for credential in self.vendor.credentials)
        return messages.client_info({name: self.credential(name) for name in names})
