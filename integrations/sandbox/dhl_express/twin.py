"""DHL Express's twin: credentials, message references and problem documents around rates, shipments and tracking.

Settings, beside those named in ``quotes``, ``shipments`` and ``tracking``: ``x_version_required`` (false: the document
requires the header, and clients that leave it out are served).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson

from integrations.sandbox.dhl_express import documents, errors
from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.dhl_express.lane import Place
from integrations.sandbox.dhl_express.parameters import Parameters
from integrations.sandbox.dhl_express.pickups import Pickups
from integrations.sandbox.dhl_express.quotes import Quotes
from integrations.sandbox.dhl_express.shapes import PICKUP, RATES
from integrations.sandbox.dhl_express.shipment_shape import SHIPMENT
from integrations.sandbox.dhl_express.shipments import Shipments
from integrations.sandbox.dhl_express.tracking import Tracking, label_lines
from integrations.sandbox.dhl_express.validation import Shape
from integrations.sandbox.geography import COUNTRIES, local
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_LONGEST_REFERENCE = 36
_IDENTIFIERS = ("SID", "PID", "ASID3", "ASID6", "ASID12", "ASID24", "HUID")
_PAPERS = (
    "waybill", "commercial-invoice", "customs-entry", "transport-accompanying-document", "generic-entry-summary",
    "dhl-issued-proforma-invoice",
)  # fmt: skip
_CREATED = 201

Handler = Callable[[Ask, Parameters], Answer]


class DhlExpressTwin:
    """MyDHL API, for any user and password."""

    name = "dhl_express"
    latency = Latency(median=0.9, p95=2.4)
    # DHL sets limits by credential, per second and per day, and publishes no numbers for this API: these are ours.
    quotas: Sequence[Quota] = (
        Quota(name="spike", limit=10, seconds=1.0),
        Quota(name="daily", limit=20_000, seconds=86_400.0),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"dhl_express.invocations:{world.now():.0f}")
        self._quotes = Quotes(world)
        self._pickups = Pickups(world)
        self._shipments = Shipments(world, self._quotes, self._pickups)
        self._tracking = Tracking(world, self._shipments)

    def __repr__(self) -> str:
        return f"<DhlExpressTwin {self._shipments!r} {self._pickups!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the routes below ``/mydhlapi``. Nothing deletes a shipment: there is no such thing at DHL."""
        return (
            self._route("POST", "/rates", "quote_rates", self._rate_many),
            self._route("GET", "/rates", "quote_rates", self._rate_one),
            self._route("POST", "/shipments", "create_shipment", self._ship),
            self._route("GET", "/shipments/{waybill}/tracking", "track_shipment", self._track),
            self._route("GET", "/tracking", _tracking_operation, self._track_many),
            self._route("GET", "/shipments/{waybill}/get-image", "get_label", self._image),
            self._route("GET", "/identifiers", "reserve_numbers", self._reserve),
            self._route("GET", "/address-validate", "validate_address", self._validate_address),
            self._route("POST", "/pickups", "create_pickup", self._book),
            self._route("DELETE", "/pickups/{number}", "cancel_pickup", self._cancel_pickup),
        )

    def credential(self, ask: Ask) -> str:
        """Return the user a request comes from."""
        return _user(ask) or ""

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the gateway's 429: no header says how long to wait."""
        return errors.too_many_requests()

    def unavailable(self, status: int) -> Answer:
        """Return DHL's body for a status."""
        if status == 401:
            return errors.wrong_credentials(self._message_id())
        if status == 429:
            return errors.too_many_requests()
        if status >= 500:
            return errors.process_failure(status, "", self._random.randrange(10**9, 10**10))
        return errors.plain(status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without what it is about: its products, its waybill number, its shipments' events."""
        value = orjson.loads(answer.body) if answer.body[:1] == b"{" else {}
        value.pop("products", None)
        value.pop("shipmentTrackingNumber", None)
        for shipment in value.get("shipments", []):
            shipment.pop("events", None)
        return replace(answer, body=orjson.dumps(value))

    def _route(self, method: str, path: str, operation: str | Callable[[Ask], str], handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            if _user(ask) is None:
                return errors.wrong_credentials(self._message_id())
            try:
                self._check_headers(ask)
                made = handler(ask, Parameters(ask.query))
            except Refused as refused:
                query = f"?{urlencode(list(ask.query.items()))}" if ask.query else ""
                made = errors.problem(refused, ask.path + query)
            reference = ask.headers.get("Message-Reference") or str(UUID(int=self._random.getrandbits(128), version=4))
            told = (("Message-Reference", reference), ("Invocation-Id", self._invocation()))
            return replace(made, headers=(*made.headers, *told))

        return Route(method=method, path=path, operation=operation, answer=answer)

    def _check_headers(self, ask: Ask) -> None:
        version = ask.headers.get("x-version")
        if version is None and not self._world.setting("dhl_express", "x_version_required", False):
            version = "3.1.0"
        if not re.fullmatch(r"\d+\.\d+\.\d+", version or ""):
            raise Refused(400, "9001: The x-version header value is invalid.")
        if len(ask.headers.get("Message-Reference", "")) > _LONGEST_REFERENCE:
            raise errors.wrong_format("Message-Reference", f"maxLength={_LONGEST_REFERENCE}")

    def _rate_many(self, ask: Ask, asked: Parameters) -> Answer:
        return Answer.json(self._quotes.many_pieces(_body(ask, RATES), strict=asked.flag("strictValidation")))

    def _rate_one(self, ask: Ask, asked: Parameters) -> Answer:
        return Answer.json(self._quotes.one_piece(asked))

    def _ship(self, ask: Ask, asked: Parameters) -> Answer:
        strict, only_validate = asked.flag("strictValidation"), asked.flag("validateDataOnly")
        body = _body(ask, SHIPMENT)
        made = self._shipments.create(body, ask.base_url, strict=strict, only_validate=only_validate)
        where = made.get("shipmentTrackingNumber")
        return Answer.json(made, _CREATED, (("Location", f"/shipments/{where}"),) if where else ())

    def _track(self, ask: Ask, asked: Parameters) -> Answer:
        return _in_english(self._tracking.one(ask.match["waybill"], asked))

    def _track_many(self, ask: Ask, asked: Parameters) -> Answer:
        return _in_english(self._tracking.many(asked))

    def _image(self, ask: Ask, asked: Parameters) -> Answer:
        asked.require("shipperAccountNumber", "typeCode", "pickupYearAndMonth")
        kind = asked.choice("typeCode", _PAPERS)
        sent = self._tracking.document(
            ask.match["waybill"], asked.text("shipperAccountNumber"), asked.text("pickupYearAndMonth")
        )
        if kind != "waybill":
            raise Refused(404, "1504: No document images found for the provided search criteria.")
        content = documents.waybill_document(list(label_lines(sent)))
        paper = {"shipmentTrackingNumber": sent.waybill, "typeCode": kind, "encodingFormat": "PDF", "content": content}
        return _in_english({"documents": [paper]})

    def _reserve(self, ask: Ask, asked: Parameters) -> Answer:
        asked.require("accountNumber", "type", "size")
        kind, size = asked.choice("type", _IDENTIFIERS), int(asked.number("size"))
        return Answer.json(self._shipments.reserve(asked.text("accountNumber"), kind, size))

    def _validate_address(self, ask: Ask, asked: Parameters) -> Answer:
        asked.require("type", "countryCode")
        asked.choice("type", ("pickup", "delivery"))
        for name, most in (("countryCode", 2), ("postalCode", 12), ("cityName", 45), ("countyName", 45)):
            if len(asked.text(name)) > most:
                raise errors.wrong_format(name, f"maxLength={most}")
        country = COUNTRIES.get(asked.text("countryCode"))
        if country is None:
            raise Refused(400, "420501: The country code is invalid. Please check and retry.")
        city, postal_code = asked.text("cityName"), asked.text("postalCode")
        if not city and not postal_code:
            raise Refused(400, "3010: Either the city name or the postcode must be provided.")
        if city.lower() == "nowhere":
            return Answer.json({"address": []})
        place = Place(country=country.code, city=city, postal_code=postal_code)
        offset = local(country.code, self._world.now()).strftime("%z")
        area = {**place.area, "GMTOffset": f"{offset[:3]}:{offset[3:5]}"}
        found = {
            "countryCode": country.code,
            "postalCode": postal_code,
            "cityName": (city or country.city).upper(),
            "serviceArea": area,
        }
        return Answer.json({"address": [found]})

    def _book(self, ask: Ask, asked: Parameters) -> Answer:
        return Answer.json(self._pickups.request(_body(ask, PICKUP)), _CREATED)

    def _cancel_pickup(self, ask: Ask, asked: Parameters) -> Answer:
        asked.require("requestorName", "reason")
        self._pickups.cancel(ask.match["number"])
        return Answer()  # 200 with nothing in it, says the document

    def _invocation(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def _message_id(self) -> str:
        return f"{self._random.getrandbits(96):024x}"


def _tracking_operation(ask: Ask) -> str:
    return "look_up" if ask.query.get("shipmentReference") else "track_shipment"


def _user(ask: Ask) -> str | None:
    """Return the user of well-formed Basic credentials; None for others, and for those that say they are invalid."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not (user and colon and password) or "invalid" in text.lower():
        return None
    return user


def _body(ask: Ask, shape: Shape) -> dict[str, Any]:
    """Return the body once it is of the shape; raises Refused 422 with everything that is wrong with it."""
    try:
        value = orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise Refused(400, "The request body is not well-formed JSON.") from None
    problems = list(shape.problems(value, "#"))
    if problems:
        raise Refused(422, *problems)
    body: dict[str, Any] = value
    return body


def _in_english(value: Any) -> Answer:
    return Answer.json(value, headers=(("Content-Language", "eng"),))
