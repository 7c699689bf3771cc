"""SMSA Express's twin: keys and paths of the eCom REST API around shipments, tracking and lookups.

There is no quote here and no way to cancel what goes to a buyer: SMSA's API has neither. Paths are read in any case, as
ASP.NET does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson

from integrations.sandbox.smsa import places, problems, reading
from integrations.sandbox.smsa.problems import Refused
from integrations.sandbox.smsa.shipments import Shipments, told
from integrations.sandbox.smsa.tracking import Tracking, statuses
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_INVOICE_DAY = re.compile(r"(0[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])/\d{4}")
_MOST_ITEMS = 100

Handler = Callable[[Ask, str], Answer]  # the request and whose it is


class SmsaTwin:
    """The eCom API, for any key."""

    name = "smsa"
    latency = Latency(median=0.8, p95=2.6)
    quotas: Sequence[Quota] = ()  # none is published

    def __init__(self, world: World) -> None:
        self._world = world
        self._shipments = Shipments(world)
        self._tracking = Tracking(world, self._shipments)

    def __repr__(self) -> str:
        return f"<SmsaTwin {self._shipments!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the routes; no case of a path matters."""
        return (
            self._route("POST", "shipment/b2c/new", "create_shipment", self._deliver),
            self._route("GET", "shipment/b2c/query", "get_label", self._show_delivery, "awb"),
            self._route("POST", "c2b/new", "create_return", self._pick_up),
            self._route("GET", "c2b/query", "get_label", self._show_pickup, "awb"),
            self._route("POST", "c2b/cancel", "cancel_shipment", self._cancel, "awb"),
            self._route("GET", "track/single", "track_shipment", self._track, "awb"),
            self._route("POST", "track/bulk", "track_shipment", self._track_many),
            self._route("GET", "track/reference", "look_up", self._track_reference, "reference"),
            self._route("GET", "track/statuslookup", "get_statuses", lambda ask, owner: Answer.json(statuses())),
            self._route("GET", "lookup/cities", "get_cities", self._cities, "country"),
            self._route("GET", "lookup/servicetypes", "get_services", self._services),
            self._route(
                "GET", "lookup/currency", "get_currencies", lambda ask, owner: Answer.json(places.currencies())
            ),
            self._route("GET", "lookup/smsaoffices", "get_offices", lambda ask, owner: Answer.json(places.OFFICES)),
            self._route("POST", "invoice", "send_invoice", self._invoice),
        )

    def credential(self, ask: Ask) -> str:
        """Return the key."""
        return ask.headers.get("apikey", "")

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return a plain 429: SMSA publishes no limit, so none of its own form is known."""
        return problems.plain(429)

    def unavailable(self, status: int) -> Answer:
        """Return the vendor's body for a status."""
        return problems.plain(status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without its shipment's number, or its parcels' number and places."""
        value = orjson.loads(answer.body) if answer.body[:1] in (b"{", b"[") else {}
        for one in value if isinstance(value, list) else [value]:
            for name in ("sawb", "waybills", "AWB", "OriginCountry", "cityName"):
                one.pop(name, None)
        return replace(answer, body=orjson.dumps(value)) if value else answer

    def _route(self, method: str, path: str, operation: str, handler: Handler, parameter: str = "") -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                return handler(ask, _owner(ask))
            except Refused as refused:
                return problems.refusal(refused)

        rest = f"/{{{parameter}}}" if parameter else "{slash:/?}"
        return Route(method=method, path=f"/{{path:(?i:api/{path})}}{rest}", operation=operation, answer=answer)

    def _deliver(self, ask: Ask, owner: str) -> Answer:
        return Answer.json(self._shipments.create(reading.delivery(_form(ask)), owner))

    def _pick_up(self, ask: Ask, owner: str) -> Answer:
        self._check_pickups()
        return Answer.json(self._shipments.create(reading.pickup(_form(ask)), owner))

    def _show_delivery(self, ask: Ask, owner: str) -> Answer:
        return Answer.json(told(self._shipments.find(ask.match["awb"], owner, "B2C")))

    def _show_pickup(self, ask: Ask, owner: str) -> Answer:
        self._check_pickups()
        return Answer.json(told(self._shipments.find(ask.match["awb"], owner, "C2B")))

    def _cancel(self, ask: Ask, owner: str) -> Answer:
        self._check_pickups()
        self._shipments.cancel(ask.match["awb"], owner)
        return problems.text("Shipment Cancelled Successfully!")

    def _check_pickups(self) -> None:
        """Raise Refused, 401, for a key without the right to have parcels picked up."""
        if not self._world.setting("smsa", "c2b", True):
            raise Refused(401, "Unauthorized")

    def _track(self, ask: Ask, owner: str) -> Answer:
        return Answer.json(self._tracking.one(ask.match["awb"], owner))

    def _track_many(self, ask: Ask, owner: str) -> Answer:
        _check_media_type(ask)
        try:
            numbers = orjson.loads(ask.body)
        except orjson.JSONDecodeError:
            numbers = None
        if not isinstance(numbers, list) or not all(isinstance(number, str) for number in numbers):
            raise Refused(400, errors={"$": ["The JSON value could not be converted to System.String[]. Path: $"]})
        return Answer.json(self._tracking.many(numbers, owner))

    def _track_reference(self, ask: Ask, owner: str) -> Answer:
        return Answer.json(self._tracking.by_reference(ask.match["reference"], owner))

    def _cities(self, ask: Ask, owner: str) -> Answer:
        found = places.cities(ask.match["country"].upper())
        if not found:
            raise Refused(404, "No cities found")
        return Answer.json(found)

    def _services(self, ask: Ask, owner: str) -> Answer:
        allowed: Sequence[str] = self._world.setting("smsa", "services", tuple(places.SERVICES))
        return Answer.json(
            [
                {
                    "serviceDescription": service.description,
                    "serviceCode": service.code,
                    "serviceType": service.kind,
                    "destination": "International" if service.abroad else "Domestic",
                }
                for service in places.SERVICES.values()
                if service.code in allowed
            ]
        )

    def _invoice(self, ask: Ask, owner: str) -> Answer:
        """Check a customs invoice and note it; what is done with it cannot be asked for."""
        asked = _form(ask)
        number = asked.text("AWB", needed=True, low=12, high=12)
        asked.text("Currency", needed=True, low=3, high=3)
        asked.one_of("WeightUnit", ("KG", "LB"))
        day = asked.text("InvoiceDate", needed=True)
        if day and not _INVOICE_DAY.fullmatch(day):
            asked.wrong("InvoiceDate", "The field InvoiceDate must be of the form dd/mm/yyyy.")
        items = asked.forms("Items")
        if len(items) > _MOST_ITEMS:
            asked.wrong("Items", f"At most {_MOST_ITEMS} items are allowed.")
        for item in items:
            for name in ("ItemDescription", "ItemHSCode", "ItemReference", "QuantityUnit"):
                item.text(name, needed=True)
            item.text("CountryOfOrigin", low=2, high=2)
            item.number("ItemValue", "0.01")
            item.number("Weight", "0.01")
            item.count("Quantity")
            item.count("Sequence")
        asked.done()
        self._shipments.find(number, owner)
        return problems.text("Invoice logged successfully")


def _owner(ask: Ask) -> str:
    """Return the key a request comes with; raises Refused, 401, without one or for one that says it is invalid."""
    key = ask.headers.get("apikey", "").strip()
    if not key or "invalid" in key.lower():
        raise Refused(401, "Unauthorized")
    return key


def _form(ask: Ask) -> reading.Form:
    _check_media_type(ask)
    return reading.form(ask.body)


def _check_media_type(ask: Ask) -> None:
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "Unsupported Media Type")
