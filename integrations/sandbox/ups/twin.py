"""UPS's twin: tokens, versions and error bodies around rates, shipments, voids, label recovery and tracking.

The vendor's prefix stands for ``https://onlinetools.ups.com``, so the interfaces are below ``/api`` and the tokens are
not. Settings: those named in ``tokens``, ``quotes``, ``voids``, ``recovery`` and ``tracking``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from integrations.sandbox.twin import Answer, Ask, BodyTells, Latency, Quota, Route, World
from integrations.sandbox.ups.errors import Refused, for_status, written
from integrations.sandbox.ups.quotes import Quotes
from integrations.sandbox.ups.recovery import Recovery
from integrations.sandbox.ups.request import Node
from integrations.sandbox.ups.samples import samples
from integrations.sandbox.ups.shipments import Shipments
from integrations.sandbox.ups.tokens import Tokens, client
from integrations.sandbox.ups.tracking import Tracking, check_headers
from integrations.sandbox.ups.versions import as_version, read_version
from integrations.sandbox.ups.voids import Voids

_LONGEST_TRANS_ID, _LONGEST_SOURCE = 32, 512
# What a broken answer lacks: the first of these that it has.
_HEARTS = (
    "RatedShipment", "ShipmentResults", "SummaryResult", "LabelResults", "shipment", "access_token",
)  # fmt: skip

Handler = Callable[[Ask], dict[str, Any]]


class UpsTwin:
    """UPS's interfaces, for any client id and secret and any account of six letters and digits."""

    name = "ups"
    latency = Latency(median=0.45, p95=1.2)
    # UPS limits each application and publishes no numbers: these are ours. Many tokens in a short time are refused.
    quotas: Sequence[Quota] = (
        Quota(name="spike", limit=25, seconds=1.0),
        Quota(name="token", limit=30, seconds=60.0, operations=("sign_in",)),
    )

    def __init__(self, world: World) -> None:
        self._tokens = Tokens(world)
        self._quotes = Quotes(world)
        self._shipments = Shipments(world, self._quotes)
        self._tracking = Tracking(world, self._shipments)
        self._voids = Voids(world, self._shipments, self._tracking)
        self._recovery = Recovery(world, self._shipments)
        for sent in samples(world):
            self._shipments.keep(sent)

    def __repr__(self) -> str:
        return f"<UpsTwin {self._tokens!r} {self._shipments!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the token's route and those below ``/api``."""
        recovery = BodyTells(operations=("get_label",), operation=_recovery_operation)
        void = "/api/shipments/{version}/void/cancel/{number}"
        return (
            Route(method="POST", path="/security/v1/oauth/token", operation="sign_in", answer=self._sign_in),
            self._route("POST", "/api/rating/{version}/{option}", "quote_rates", self._rate),
            self._route("POST", "/api/shipments/{version}/ship", "create_shipment", self._ship),
            self._route("DELETE", void, "cancel_shipment", self._void),
            self._route("POST", "/api/labels/{version}/recovery", "look_up", self._recover, recovery),
            self._route("GET", "/api/track/v1/details/{number}", "track_shipment", self._track),
            self._route("GET", "/api/track/v1/reference/details/{reference}", "look_up", self._track_reference),
            self._route("GET", "/api/track/v1/shipment/details/{number}", "track_shipment", self._track_shipment),
        )

    def credential(self, ask: Ask) -> str:
        """Return the client a request comes from, by its token or, when it asks for one, by its credentials."""
        return self._tokens.holder(ask) or client(ask) or ""

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return UPS's 429: no header says how long to wait."""
        return written(for_status(429))

    def unavailable(self, status: int) -> Answer:
        """Return UPS's body for a status."""
        return written(for_status(status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without what it is about."""
        value = orjson.loads(answer.body) if answer.body[:1] == b"{" else {}
        for holder in (value, *(member for member in value.values() if isinstance(member, dict))):
            for name in _HEARTS:
                holder.pop(name, None)
        return replace(answer, body=orjson.dumps(value))

    async def _sign_in(self, ask: Ask) -> Answer:
        try:
            return Answer.json(self._tokens.issue(ask))
        except Refused as refused:
            return written(refused)

    def _route(self, method: str, path: str, operation: str, handler: Handler, tells: BodyTells | None = None) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                self._tokens.check(ask)
                long_id = len(ask.headers.get("transId", "")) > _LONGEST_TRANS_ID
                if long_id or len(ask.headers.get("transactionSrc", "")) > _LONGEST_SOURCE:
                    raise for_status(400)
                return Answer.json(handler(ask))
            except Refused as refused:
                return written(refused)

        return Route(method=method, path=path, operation=operation, answer=answer, body=tells)

    def _rate(self, ask: Ask) -> dict[str, Any]:
        version = _version(ask)
        with_times = ask.query.get("additionalinfo", "").lower() == "timeintransit"
        told = self._quotes.answer(_body(ask), ask.match["option"], version, with_times=with_times)
        return _as_version(told, version)

    def _ship(self, ask: Ask) -> dict[str, Any]:
        version = _version(ask)
        return _as_version(self._shipments.create(_body(ask)), version)

    def _void(self, ask: Ask) -> dict[str, Any]:
        version = _version(ask)
        return _as_version(self._voids.void(ask.match["number"], ask.query.get("trackingnumber", "")), version)

    def _recover(self, ask: Ask) -> dict[str, Any]:
        version = _version(ask)
        return _as_version(self._recovery.recover(_body(ask)), version)

    def _track(self, ask: Ask) -> dict[str, Any]:
        _check_tracking(ask)
        return self._tracking.one(ask.match["number"])

    def _track_reference(self, ask: Ask) -> dict[str, Any]:
        _check_tracking(ask)
        return self._tracking.by_reference(ask.match["reference"], ask.query)

    def _track_shipment(self, ask: Ask) -> dict[str, Any]:
        _check_tracking(ask)
        return self._tracking.shipment(ask.match["number"], ask.query)


def _check_tracking(ask: Ask) -> None:
    check_headers(ask.headers.get("transId", ""), ask.headers.get("transactionSrc", ""))


def _recovery_operation(ask: Ask) -> str | None:
    return None if b'"ReferenceValues"' in ask.body else "get_label"


def _version(ask: Ask) -> int:
    version = read_version(ask.match["version"])
    if version is None:
        raise for_status(404)
    return version


def _as_version(told: dict[str, Any], version: int) -> dict[str, Any]:
    made: dict[str, Any] = as_version(told, version)
    return made


def _body(ask: Ask) -> Node:
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("10007", "Requested Content Type is not supported")
    try:
        return Node(orjson.loads(ask.body), "")
    except orjson.JSONDecodeError:
        raise Refused("10001", "The JSON is not well formed.") from None
