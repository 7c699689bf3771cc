"""Canada Post's twin: keys, media types, languages and links around rating, shipping, manifests and tracking.

Settings of its own, beside those of the services: ``account_error`` (unset, or AA001 to AA006: every call is refused
with it), ``throttle_status`` (500: the vendor does not publish it), ``links`` ("here", or "vendor": links name the
vendor's own host).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence

from lxml import etree

from integrations.sandbox.canada_post import answers, checks
from integrations.sandbox.canada_post.errors import ACCOUNT, THROTTLED, Refused, business, not_found, refusal
from integrations.sandbox.canada_post.links import Links
from integrations.sandbox.canada_post.manifests import Manifests
from integrations.sandbox.canada_post.noncontract import NonContractShipments
from integrations.sandbox.canada_post.parcels import Parcel, Parcels
from integrations.sandbox.canada_post.quotes import Quotes
from integrations.sandbox.canada_post.shipments import Shipments
from integrations.sandbox.canada_post.tracking import Tracking
from integrations.sandbox.canada_post.xml import (
    MANIFEST,
    MEDIA_TYPES,
    MESSAGES,
    NCSHIPMENT,
    RATE,
    SHIPMENT,
    TRACK,
    Value,
    document,
)
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_VENDOR_HOST = "https://soa-gw.canadapost.ca"
_LINK_DAYS = 90
_MINUTE = 60.0
_SHIP = "/rs/{mb}/{mobo}/shipment"
_NC = "/rs/{mb}/ncshipment"
_GROUP = "/rs/{mb}/{mobo}/group"
_MANIFEST = "/rs/{mb}/{mobo}/manifest"


class Call:
    """One request with what a handler may need of it."""

    def __init__(self, ask: Ask, namespace: str, host: str) -> None:
        self._ask = ask
        self._namespace = namespace
        owner, behalf = (_customer(ask.match.get(name)) for name in ("mb", "mobo"))
        self.id = ask.match.get("id", "")
        self.links = Links(host=host, owner=owner, behalf=behalf)
        self.french = ask.headers.get("Accept-Language", "").lower().startswith("fr")
        self.query = dict(ask.query)

    def body(self, name: str) -> Value:
        """Return the body, whose root element must be ``name``."""
        media_type = self._ask.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != MEDIA_TYPES[self._namespace]:
            raise Refused(415)
        return checks.read(self._ask.body, self._namespace, name, self._ask.path)


Handler = Callable[[Call], Value | None]  # None: done, nothing to tell


class CanadaPostTwin:
    """One e-commerce platform of Canada Post; any two halves of an API key open it, for any customer number."""

    name = "canada_post"
    latency = Latency(median=0.45, p95=1.6)
    # Per API key, over sixty seconds; the vendor's defaults (developers' page on throttle limits).
    quotas: Sequence[Quota] = (
        Quota(name="rating", limit=840, seconds=_MINUTE, operations=("quote_rates",)),
        Quota(name="shipping", limit=646, seconds=_MINUTE, operations=("create_shipment", "get_shipment", "get_label")),
        Quota(name="voids", limit=468, seconds=_MINUTE, operations=("cancel_shipment",)),
        Quota(
            name="lists",
            limit=730,
            seconds=_MINUTE,
            operations=("look_up", "get_groups", "transmit_shipments", "get_manifest"),
        ),
        Quota(name="tracking", limit=20, seconds=_MINUTE, operations=("track_shipment",)),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._parcels = Parcels(world)
        self._quotes = Quotes(world)
        self._shipments = Shipments(world, self._parcels)
        self._others = NonContractShipments(world, self._parcels)
        self._manifests = Manifests(world, self._parcels)
        self._tracking = Tracking(world, self._parcels)

    def __repr__(self) -> str:
        return f"<CanadaPostTwin {self._parcels!r} {self._manifests!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the routes of all services; what a link names is one of them."""
        label = Route(
            method="GET",
            path="/rs/artifact/{key}/{artifact}/{page}",
            operation="get_label",
            answer=self._artifact,
        )
        services = (self._rating, self._shipping, self._shipping_without_contract, self._transmitting, self._following)
        return (label, *(route for service in services for route in service()))

    def credential(self, ask: Ask) -> str:
        """Return the API key; its halves are counted as one."""
        return ask.headers.get("Authorization", "")

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the throttle's message; no header says how long to wait, it is a minute at most."""
        return refusal(Refused(int(self._world.setting("canada_post", "throttle_status", 500)), *THROTTLED))

    def unavailable(self, status: int) -> Answer:
        """Return messages for a status: for 503 the throttle's words, as the vendor says in an outage; else none."""
        return refusal(Refused(status, *THROTTLED) if status == 503 else Refused(status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its first element of text gone and words where a sum of money was."""
        try:
            root = etree.fromstring(answer.body)
        except etree.XMLSyntaxError:
            return answer
        leaf = next((item for item in root.iter() if isinstance(item.tag, str) and not len(item) and item.text), None)
        if leaf is not None and leaf.getparent() is not None:
            leaf.getparent().remove(leaf)
        for element in root.iter("{*}due", "{*}due-amount"):
            element.text = "not a number"
        return Answer(status=answer.status, headers=answer.headers, body=etree.tostring(root))

    def _rating(self) -> Sequence[Route]:
        quotes = self._quotes

        def price(call: Call) -> Value:
            return quotes.price(call.body("mailing-scenario"), call.french, call.links)

        def services(call: Call) -> Value:
            return quotes.services(call.query.get("country"), call.french, call.links)

        def service(call: Call) -> Value:
            return quotes.service(call.id, call.french, call.links)

        def option(call: Call) -> Value:
            return quotes.option(call.id)

        return (
            self._route("POST", "/rs/ship/price", "quote_rates", RATE, "price-quotes", price),
            self._route("GET", "/rs/ship/service", "get_services", RATE, "services", services),
            self._route("GET", "/rs/ship/service/{id}", "get_services", RATE, "service", service),
            self._route("GET", "/rs/ship/option/{id}", "get_services", RATE, "option", option),
        )

    def _shipping(self) -> Sequence[Route]:
        ships, one = self._shipments, f"{_SHIP}/{{id}}"

        def create(call: Call) -> Value:
            return ships.create(call.body("shipment"), call.links)

        def find(call: Call) -> Value:
            return ships.find(call.query, call.links)

        def info(call: Call) -> Value:
            return answers.info(ships.one(call.id, call.links), call.links, priced=True)

        def void(call: Call) -> None:
            ships.void(ships.one(call.id, call.links))

        def refund(call: Call) -> Value:
            call.body("shipment-refund-request")
            return ships.refund(ships.one(call.id, call.links))

        def told(answer: Callable[[Parcel], Value]) -> Handler:
            return lambda call: answer(ships.one(call.id, call.links))

        get = "get_shipment"
        return (
            self._route("POST", _SHIP, "create_shipment", SHIPMENT, "shipment-info", create),
            self._route("GET", _SHIP, "look_up", SHIPMENT, "shipments", find),
            self._route("GET", one, get, SHIPMENT, "shipment-info", info),
            self._route("DELETE", one, "cancel_shipment", SHIPMENT, "", void),
            self._route("POST", f"{one}/refund", "cancel_shipment", SHIPMENT, "shipment-refund-request-info", refund),
            self._route("GET", f"{one}/details", get, SHIPMENT, "shipment-details", told(answers.details)),
            self._route("GET", f"{one}/price", get, SHIPMENT, "shipment-price", told(answers.price)),
            self._route("GET", f"{one}/receipt", get, SHIPMENT, "shipment-receipt", told(answers.receipt)),
            self._route("GET", _GROUP, "get_groups", SHIPMENT, "groups", lambda call: ships.groups(call.links)),
        )

    def _shipping_without_contract(self) -> Sequence[Route]:
        others, one, kind = self._others, f"{_NC}/{{id}}", "non-contract-shipment"

        def create(call: Call) -> Value:
            return others.create(call.body(kind), call.links)

        def find(call: Call) -> Value:
            return others.find(call.query, call.links)

        def info(call: Call) -> Value:
            return others.info(others.one(call.id, call.links), call.links)

        def refund(call: Call) -> Value:
            call.body(f"{kind}-refund-request")
            return others.refund(others.one(call.id, call.links))

        def told(answer: Callable[[Parcel], Value]) -> Handler:
            return lambda call: answer(others.one(call.id, call.links))

        get = "get_shipment"
        return (
            self._route("POST", _NC, "create_shipment", NCSHIPMENT, f"{kind}-info", create),
            self._route("GET", _NC, "look_up", NCSHIPMENT, f"{kind}s", find),
            self._route("GET", one, get, NCSHIPMENT, f"{kind}-info", info),
            self._route("POST", f"{one}/refund", "cancel_shipment", NCSHIPMENT, f"{kind}-refund-request-info", refund),
            self._route("GET", f"{one}/details", get, NCSHIPMENT, f"{kind}-details", told(others.details)),
            self._route("GET", f"{one}/receipt", get, NCSHIPMENT, f"{kind}-receipt", told(others.receipt)),
        )

    def _transmitting(self) -> Sequence[Route]:
        manifests, one, get = self._manifests, f"{_MANIFEST}/{{id}}", "get_manifest"

        def transmit(call: Call) -> Value:
            return manifests.transmit(call.body("transmit-set"), call.links)

        def find(call: Call) -> Value:
            return manifests.find(call.query, call.links)

        def info(call: Call) -> Value:
            return manifests.info(manifests.one(call.id, call.links), call.links)

        def details(call: Call) -> Value:
            return manifests.details(manifests.one(call.id, call.links))

        return (
            self._route("POST", _MANIFEST, "transmit_shipments", MANIFEST, "manifests", transmit),
            self._route("GET", _MANIFEST, get, MANIFEST, "manifests", find),
            self._route("GET", one, get, MANIFEST, "manifest", info),
            self._route("GET", f"{one}/details", get, MANIFEST, "manifest-details", details),
        )

    def _following(self) -> Sequence[Route]:
        tracking, operation = self._tracking, "track_shipment"

        def detail(call: Call) -> Value:
            return tracking.detail(call.id, call.french)

        def summary(call: Call) -> Value:
            return tracking.summary(call.id, call.french)

        def by_reference(call: Call) -> Value:
            return tracking.by_reference(call.query, call.french)

        return (
            self._route("GET", "/vis/track/pin/{id}/detail", operation, TRACK, "tracking-detail", detail),
            self._route("GET", "/vis/track/pin/{id}/summary", operation, TRACK, "tracking-summary", summary),
            self._route("GET", "/vis/track/ref/summary", operation, TRACK, "tracking-summary", by_reference),
        )

    def _route(self, method: str, path: str, operation: str, namespace: str, root: str, handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                self._check(ask, MEDIA_TYPES[namespace])
                value = handler(Call(ask, namespace, self._host(ask)))
            except Refused as refused:
                return self._told(refusal(refused), namespace)
            return Answer(status=204) if value is None else document(namespace, root, value)

        return Route(method=method, path=path, operation=operation, answer=answer)

    async def _artifact(self, ask: Ask) -> Answer:
        found = self._parcels.artifacts.get(ask.path)
        now = self._world.now()
        try:
            self._check(ask, None)
            if found is None or now >= found.made + _LINK_DAYS * 86_400:
                raise not_found()
            if ask.headers.get("Accept", "").strip() != found.media_type:
                raise Refused(406)
        except Refused as refused:
            return refusal(refused)
        if now < found.ready:
            return Answer(status=202)
        return Answer(headers=(("Content-Type", found.media_type),), body=found.content)

    def _check(self, ask: Ask, media_type: str | None) -> None:
        """Raise Refused for a key that is none, an account out of order, or an ``Accept`` that is not exact."""
        user, password = _basic(ask.headers.get("Authorization", ""))
        if not user or not password or "invalid" in f"{user} {password}".lower():
            raise Refused(401, "E002", "AAA Authentication Failure")
        problem = self._world.setting("canada_post", "account_error", None)
        if problem is not None:
            raise Refused(403, problem, ACCOUNT[problem])
        if media_type is not None and ask.headers.get("Accept", "").strip().lower() != media_type:
            raise Refused(406)

    def _host(self, ask: Ask) -> str:
        vendor = self._world.setting("canada_post", "links", "here") == "vendor"
        return _VENDOR_HOST if vendor else ask.base_url.rstrip("/")

    def _told(self, answer: Answer, namespace: str) -> Answer:
        """Return a refusal; tracking's may stand in its own namespace, for sources disagree."""
        if namespace != TRACK or not self._world.setting("canada_post", "tracking_namespace", False):
            return answer
        body = answer.body.replace(MESSAGES.encode(), TRACK.encode())
        return Answer(status=answer.status, headers=answer.headers, body=body)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _customer(number: str | None) -> str:
    if number is None:
        return ""
    if not (number.isascii() and number.isdigit() and len(number) <= 10):
        raise business("9152")
    return number.zfill(10)
