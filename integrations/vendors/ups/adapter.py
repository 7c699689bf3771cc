"""UPS's operations: our types in, UPS's requests out, our types back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import CallFailed
from integrations.oauth import basic, bearer
from integrations.outcome import Request, Response, Verdict
from integrations.paths import filled
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
from integrations.vendors.ups import answers, messages, verdicts, whereabouts
from integrations.vendors.ups.declaration import VENDOR

RATE_PATH = "/api/rating/v2409"
SHIP_PATH = "/api/shipments/v2409/ship"
VOID_PATH = "/api/shipments/v2409/void/cancel"
RECOVERY_PATH = "/api/labels/v1/recovery"
TRACK_PATH = "/api/track/v1/details"
TOKEN_LIFETIME = 3600.0  # where UPS does not say; it has always said four hours
# UPS does not say how long a new shipment takes to be found by its reference, only that it may have to be waited for
# (error 300007); these waits are our allowance. A second label costs nothing until it is scanned, so after them a
# reference UPS does not know counts as not created.
LOOK_UP_WAITS = (0.0, 2.0, 4.0)
_SOURCE = {"transactionSrc": "quayside"}


class Ups(Adapter):
    """UPS Rating and Shipping v2409, Label Recovery and Tracking v1."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_rates(self, exchange: Exchange, shipment: Shipment) -> list[RateQuote]:
        """Return what each service would cost, by the account's own prices where it has any."""
        today = day_in(shipment.origin.country, exchange.now())
        body = messages.rate_body(self.credential("ACCOUNT_NUMBER"), shipment, today)
        path = f"{RATE_PATH}/{messages.rate_option(shipment)}"
        response = await exchange.send(_request("POST", path, json=body))
        return answers.quotes(response.json(), exchange.now())

    async def create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment:
        """Create a shipment and its labels. UPS knows no idempotency key; see look_up_create_shipment."""
        today = day_in(order.shipment.origin.country, exchange.now())
        body = messages.ship_body(self.credential("ACCOUNT_NUMBER"), order, today)
        response = await exchange.send(_request("POST", SHIP_PATH, json=body))
        return answers.created(response.json(), order.shipment.reference, order.service_code)

    async def look_up_create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment | None:
        """Return the shipment that carries our reference, labels included; None when UPS still knows none after a while.

        Raise where UPS knows several, or one whose label is gone: which it is is for a person to say.
        """
        body = messages.recovery_body(self.credential("ACCOUNT_NUMBER"), order.shipment.reference)
        for wait in LOOK_UP_WAITS:
            if wait:
                await exchange.sleep(wait)
            try:
                response = await exchange.send(
                    _request("POST", RECOVERY_PATH, json=body, step="look_up", repeatable=True)
                )
            except CallFailed as error:
                if error.error_type != verdicts.NOT_FOUND:
                    raise
            else:
                return answers.recovered(response.json(), order.shipment.reference, order.service_code)
        return None

    async def track_shipment(self, exchange: Exchange, value: TrackingRequest) -> Tracking:
        """Return where a parcel is; a number UPS does not know has the status unknown.

        The test environment tracks nothing that was made in it.
        """
        number = messages.inquiry_number(value.tracking_number)
        query = (("locale", "en_US"), ("returnSignature", "false"))
        template = f"{TRACK_PATH}/{{tracking_number}}"
        path = filled(template, tracking_number=number)
        return whereabouts.tracking(await exchange.send(_request("GET", path, template=template, query=query)), number)

    async def cancel_shipment(self, exchange: Exchange, value: TrackingRequest) -> CancelledShipment:
        """Void a whole shipment by its number, that of its first package. One that was voided before is cancelled."""
        number = messages.one_z(value.tracking_number)
        path, template = f"{VOID_PATH}/{number}", f"{VOID_PATH}/{{shipment}}"
        try:
            # The whole shipment: ?trackingnumber= would void single packages of it.
            response = await exchange.send(_request("DELETE", path, template=template))
        except CallFailed as error:
            if error.error_type not in (verdicts.ALREADY_VOIDED, verdicts.NOT_CANCELLABLE):
                raise
            return CancelledShipment(
                vendor=answers.VENDOR_NAME,
                tracking_number=number,
                cancelled=error.error_type == verdicts.ALREADY_VOIDED,
                message=error.message,
            )
        return answers.cancelled(response.json(), number)

    async def sign_in(self, exchange: Exchange) -> Access:
        """Get the token of the application, for the account we ship on."""
        request = Request(
            method="POST",
            path=verdicts.TOKEN_PATH,
            template=verdicts.TOKEN_PATH,
            headers={
                "authorization": basic(self.credential("CLIENT_ID"), self.credential("CLIENT_SECRET")),
                "x-merchant-id": self.credential("ACCOUNT_NUMBER"),
            },
            form=(("grant_type", "client_credentials"),),
            step="sign_in",
            signed=False,
            repeatable=True,
        )
        return await bearer(exchange, request, expires_in=TOKEN_LIFETIME)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the token, and the id UPS wants with each request, which is of one attempt only."""
        return {**(access.headers if access else {}), "transId": uuid4().hex}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)


def _request(method: str, path: str, **rest: Any) -> Request:
    return Request(**{"method": method, "path": path, "template": path, "headers": _SOURCE, **rest})
