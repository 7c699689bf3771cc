"""Canada Post's operations: our types in, its XML out, our types back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from integrations.adapter import Access, Adapter, Exchange, Vendor
from integrations.errors import BusinessFailed, InvalidInput, QuaysideError, SchemaDrift
from integrations.oauth import basic
from integrations.outcome import Request, Response, Verdict
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
from integrations.vendors.canada_post import answers, messages, tracking, verdicts
from integrations.vendors.canada_post.declaration import VENDOR
from integrations.vendors.canada_post.xml import Link

RATE = "application/vnd.cpc.ship.rate-v4+xml"
SHIPMENT = "application/vnd.cpc.shipment-v8+xml"
TRACK = "application/vnd.cpc.track-v2+xml"
LABELS = frozenset({"application/pdf", "application/zpl"})
SHIPMENTS_TEMPLATE = "/rs/{mailed_by}/{on_behalf_of}/shipment"
SHIPMENT_TEMPLATE = f"{SHIPMENTS_TEMPLATE}/{{shipment_id}}"
# Canada Post does not say how soon a shipment is found by its request id, nor how long a label takes; these waits are
# our allowance.
LOOK_UP_WAITS = (0.0, 2.0, 4.0)
LABEL_WAITS = (0.0, 1.0, 2.0, 4.0)
_PIN = re.compile(r"[A-Za-z0-9]{11,16}")
_NUMBER = re.compile(r"\d{1,10}")


class CanadaPost(Adapter):
    """Canada Post's rating v4, contract shipping v8 and tracking v2."""

    vendor: ClassVar[Vendor] = VENDOR

    async def quote_rates(self, exchange: Exchange, shipment: Shipment) -> list[RateQuote]:
        """Return what each service would cost in Canadian dollars under our contract, taxes included."""
        body = messages.rate_body(
            self._number("CUSTOMER_NUMBER"), self._number("CONTRACT_ID"), shipment, exchange.now()
        )
        response = await exchange.send(_request("POST", verdicts.RATE_PATH, RATE, content=body))
        return answers.quotes(response, exchange.now())

    async def create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment:
        """Create and transmit a shipment, then fetch its label.

        Whether Canada Post refuses a second shipment with the same request id is written nowhere, so it does not count
        as an idempotency key; see look_up_create_shipment. A label that cannot be fetched does not undo the shipment:
        its link is returned instead. A service without tracking gives no tracking number.
        """
        payment = self.setting("PAYMENT_METHOD") or "Account"
        body = messages.ship_body(self._number("CONTRACT_ID"), payment, order, exchange.now())
        path = self._shipments_path()
        response = await exchange.send(_request("POST", path, SHIPMENT, template=SHIPMENTS_TEMPLATE, content=body))
        return await self._made(exchange, answers.shipped(response), order, step="")

    async def look_up_create_shipment(self, exchange: Exchange, order: ShipmentOrder) -> CreatedShipment | None:
        """Return the shipment that carries our reference; None when Canada Post still knows none after a while.

        One whose refund was asked for is a cancelled one of the same reference, and is passed over.
        """
        reference = order.shipment.reference
        for wait in LOOK_UP_WAITS:
            if wait:
                await exchange.sleep(wait)
            for shipped in reversed(await self._find(exchange, ("requestId", reference))):
                if shipped.request_id in ("", reference) and not await self._refund_ticket(exchange, shipped):
                    return await self._made(exchange, shipped, order, step="look_up")
        return None

    async def track_shipment(self, exchange: Exchange, value: TrackingRequest) -> Tracking:
        """Return where a parcel is; a number Canada Post has no history of has the status unknown."""
        number = _checked(value)
        path, template = f"/vis/track/pin/{number}/detail", "/vis/track/pin/{tracking_number}/detail"
        response = await exchange.send(_request("GET", path, TRACK, template=template))
        return tracking.tracking(response, value.tracking_number)

    async def cancel_shipment(self, exchange: Exchange, value: TrackingRequest) -> CancelledShipment:
        """Void a shipment that is not transmitted yet; ask for the refund of one that is.

        Both may be repeated: a voided shipment is gone, and a second request for a refund is answered with the first.
        In the development environment all shipments have the same tracking number, so there several are found under
        it, and none is touched: BusinessFailed (ambiguous_number).
        """
        number = _checked(value)
        email = self.credential("REFUND_EMAIL")
        found = await self._find(exchange, ("trackingPIN", number))
        if not found:
            return answers.not_found(value.tracking_number)
        if len(found) > 1:
            raise BusinessFailed(
                "Canada Post has several shipments under this number, as in its development environment; none was "
                "cancelled. Cancel the right one on its site.",
                error_type="ambiguous_number",
                fault="ours",
                sent=False,
            )
        (shipped,) = found
        home = shipped.link("self")
        if home is None:
            raise SchemaDrift("Canada Post's answer does not say where the shipment is.", field="links.self")
        if not shipped.transmitted:
            await exchange.send(_request("DELETE", home.path, SHIPMENT, template=SHIPMENT_TEMPLATE))
            return answers.voided(value.tracking_number)
        link = shipped.link("refund")
        path = link.path if link is not None else f"{home.path}/refund"
        body = messages.refund_body(email)
        request = _request("POST", path, SHIPMENT, template=f"{SHIPMENT_TEMPLATE}/refund", content=body)
        return answers.refunding(await exchange.send(request), value.tracking_number)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return HTTP Basic of the API key's two halves; Canada Post has no sign-in."""
        return {"authorization": basic(self.credential("USERNAME"), self.credential("PASSWORD"))}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def _made(
        self, exchange: Exchange, shipped: answers.Shipped, order: ShipmentOrder, step: str
    ) -> CreatedShipment:
        link = shipped.link("label")
        label = await self._label(exchange, link, step) if link is not None else None
        return shipped.made(order.shipment.reference, order.service_code, label)

    async def _label(self, exchange: Exchange, link: Link, step: str) -> Label:
        """Fetch the label, waiting while it is not ready; return its link when it cannot be had."""
        media_type = link.media_type if link.media_type in LABELS else "application/pdf"
        try:
            for wait in LABEL_WAITS:
                if wait:
                    await exchange.sleep(wait)
                request = _request(
                    "GET", link.path, media_type, template="/rs/artifact/{artifact}", step="poll" if wait else step
                )
                label = answers.label(await exchange.send(request), link)
                if label is not None:
                    return label
        except QuaysideError:
            pass  # the attempt is on record; the shipment is made all the same, and must not be made again
        return answers.label_elsewhere(link)

    async def _find(self, exchange: Exchange, by: tuple[str, str]) -> Sequence[answers.Shipped]:
        """Return the shipments of a search, in Canada Post's order, without those that are gone meanwhile."""
        request = _request(
            "GET", self._shipments_path(), SHIPMENT, template=SHIPMENTS_TEMPLATE, query=(by,), step="look_up"
        )
        links, whole = answers.listed(await exchange.send(request))
        shipments = list(whole)
        for link in links:
            look = _request("GET", link.path, SHIPMENT, template=SHIPMENT_TEMPLATE, step="look_up")
            found = answers.found(await exchange.send(look))
            if found is not None:
                shipments.append(found)
        return shipments

    async def _refund_ticket(self, exchange: Exchange, shipped: answers.Shipped) -> str:
        """Return the service ticket of the shipment's refund, "" when none was asked for."""
        link = shipped.link("details")
        if link is None or not shipped.transmitted:
            return ""
        template = f"{SHIPMENT_TEMPLATE}/details"
        request = _request("GET", link.path, SHIPMENT, template=template, step="look_up")
        return answers.refund_ticket(await exchange.send(request))

    def _shipments_path(self) -> str:
        mailed_by = self._number("CUSTOMER_NUMBER")
        on_behalf_of = self._number("MAILED_ON_BEHALF_OF") if self.setting("MAILED_ON_BEHALF_OF") else mailed_by
        return f"/rs/{mailed_by.zfill(10)}/{on_behalf_of.zfill(10)}/shipment"

    def _number(self, name: str) -> str:
        value = self.credential(name)
        if not _NUMBER.fullmatch(value):
            error = InvalidInput(
                f"QUAYSIDE_CANADA_POST_{name} is not a number of up to 10 digits; mend it.", field=name
            )
            error.fault = "configuration"
            raise error
        return value


def _checked(value: TrackingRequest) -> str:
    if not _PIN.fullmatch(value.tracking_number):
        raise InvalidInput("Canada Post's tracking numbers have 11 to 16 letters and digits.", field="tracking_number")
    return quote(value.tracking_number, safe="")


def _request(method: str, path: str, media_type: str, **rest: Any) -> Request:
    # Canada Post refuses any other Accept, */* included.
    headers = {"accept": media_type, "accept-language": "en-CA"}
    if "content" in rest:
        headers["content-type"] = media_type
    return Request(**{"method": method, "path": path, "template": path, "headers": headers, **rest})
