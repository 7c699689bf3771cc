"""FedEx's operations: our types in, FedEx's requests out, our types back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.look_up import sent_or_unknown
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.reading import Answer, read
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
from integrations.vendors.fedex import answers, messages, verdicts
from integrations.vendors.fedex.declaration import DAILY_QUOTA, PROJECT_QUOTA, VENDOR

RATE_PATH = "/rate/v1/rates/quotes"
SHIP_PATH = "/ship/v1/shipments"
CANCEL_PATH = "/ship/v1/shipments/cancel"
TRACK_PATH = "/track/v1/trackingnumbers"
REFERENCE_PATH = "/track/v1/referencenumbers"
# FedEx does not say how long a new label takes to be found by its reference; these waits are our allowance. A second
# label costs nothing until it is scanned, so after them a reference FedEx does not know counts as not created.
LOOK_UP_WAITS = (0.0, 2.0, 4.0)
_HEADERS = {"x-locale": "en_US"}


class _Token(Answer):
    access_token: str = Field(min_length=1)
    expires_in: float = 3599.0


class Fedex(Adapter):
    """FedEx Ship, Rate and Track, version 1."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_rates(self, exchange: Exchange, shipment: Shipment) -> list[RateQuote]:
        """Return what each service would cost, discounts of the account included."""
        body = messages.rate_body(
            self.credential("ACCOUNT_NUMBER"), shipment, day_in(shipment.origin.country, exchange.now())
        )
        response = await exchange.send(_request("POST", RATE_PATH, body))
        return answers.quotes(response.exact_json(), exchange.now())

    async def create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment:
        """Create a shipment and its labels. FedEx knows no idempotency key; see look_up_create_shipment."""
        body = messages.ship_body(
            self.credential("ACCOUNT_NUMBER"), order, day_in(order.shipment.origin.country, exchange.now())
        )
        response = await exchange.send(_request("POST", SHIP_PATH, body))
        return answers.created(response.exact_json(), order.shipment.reference, order.service_code)

    async def look_up_create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment | None:
        """Return the shipment that carries our reference; None when FedEx still knows none after a while."""
        shipment = order.shipment
        body = messages.reference_body(
            self.credential("ACCOUNT_NUMBER"), shipment, day_in(shipment.origin.country, exchange.now())
        )
        for wait in LOOK_UP_WAITS:
            if wait:
                await exchange.sleep(wait)
            found = await self._find(exchange, body, shipment.reference, order.service_code)
            if found is not None:
                return found
        return None

    async def track_shipment(self, exchange: Exchange, value: TrackingRequest) -> Tracking:
        """Return where a shipment is; a number FedEx does not know has the status unknown."""
        response = await exchange.send(_request("POST", TRACK_PATH, messages.track_body(value.tracking_number)))
        return answers.tracking(response.json(), value.tracking_number)

    async def cancel_shipment(self, exchange: Exchange, value: TrackingRequest) -> CancelledShipment:
        """Cancel all packages of a shipment that was not yet tendered."""
        body = messages.cancel_body(self.credential("ACCOUNT_NUMBER"), value.tracking_number)
        response = await exchange.send(_request("PUT", CANCEL_PATH, body))
        return answers.cancelled(response.json(), value.tracking_number)

    async def sign_in(self, exchange: Exchange) -> Access:
        """Get the token of the project, and that of the tracking project where there is a second one."""
        main = await self._token(exchange, "CLIENT_ID", "CLIENT_SECRET")
        headers = {"authorization": f"Bearer {main.access_token}"}
        expires_in = main.expires_in
        if self.setting("TRACK_CLIENT_ID"):
            track = await self._token(exchange, "TRACK_CLIENT_ID", "TRACK_CLIENT_SECRET")
            headers["track-authorization"] = f"Bearer {track.access_token}"
            expires_in = min(expires_in, track.expires_in)
        return Access(headers=headers, expires_in=expires_in)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the token of the project the path belongs to."""
        if access is None:
            return {}
        authorization = access.headers["authorization"]
        if request.path in verdicts.TRACK_PATHS:
            authorization = access.headers.get("track-authorization", authorization)
        return {"authorization": authorization}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    def quotas_seen(self, response: Response) -> Sequence[QuotaSeen]:
        """Return what a 429 says of the quotas; FedEx announces nothing on other answers."""
        if response.status != 429:
            return ()
        if verdicts.is_daily(response):
            return (QuotaSeen(quota=DAILY_QUOTA, remaining=0, reset=verdicts.seconds_to_midnight(response)),)
        return (QuotaSeen(quota=PROJECT_QUOTA, remaining=0, reset=verdicts.SHORT_WINDOW),)

    async def _token(self, exchange: Exchange, client_id: str, client_secret: str) -> _Token:
        response = await exchange.send(
            Request(
                method="POST",
                path=verdicts.TOKEN_PATH,
                template=verdicts.TOKEN_PATH,
                form=(
                    ("grant_type", "client_credentials"),
                    ("client_id", self.credential(client_id)),
                    ("client_secret", self.credential(client_secret)),
                ),
                step="sign_in",
                signed=False,
                repeatable=True,
            )
        )
        return read(_Token, response.json(), status=response.status)

    async def _find(
        self, exchange: Exchange, body: Mapping[str, Any], reference: str, service_code: str
    ) -> CreatedShipment | None:
        request = Request(
            method="POST",
            path=REFERENCE_PATH,
            template=REFERENCE_PATH,
            headers=_HEADERS,
            json=body,
            step="look_up",
            repeatable=True,
        )
        response = await sent_or_unknown(exchange, request)
        return None if response is None else answers.found_by_reference(response.json(), reference, service_code)


def _request(method: str, path: str, body: Mapping[str, Any]) -> Request:
    return Request(method=method, path=path, template=path, headers=_HEADERS, json=body)
