"""Signifyd's twin: the team's key, bodies and error answers around the events of an order.

Settings: ``decision`` and ``decisions`` (what is decided, see decisions.py), ``review_seconds`` (600; how long HOLD
lasts), ``decision_seconds`` (5; how long ASYNC_ONLY takes), ``processing_seconds`` (0; how long an event runs, so that
two can meet over one order, which is a 409).

What the vendor has not published, and is taken from its own connectors or marked unconfirmed in the docstrings: the
required fields, 200 rather than 201 for an order known before, 404 for an order that is not known.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import random
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from integrations.sandbox.signifyd import checks
from integrations.sandbox.signifyd.checks import Fields
from integrations.sandbox.signifyd.errors import Refused, unavailable
from integrations.sandbox.signifyd.orders import Orders
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

VENDOR = "signifyd"
_EVENTS = "/v3/orders/events"
_DELIVERIES = frozenset(("SYNC", "ASYNC_ONLY"))

Event = Callable[[dict[str, Any]], tuple[dict[str, Any], int]]


class SignifydTwin:
    """One test team; any API key that does not contain "invalid" opens it.

    The key is the user name of HTTP Basic, with an empty password or with none at all: the vendor's connectors send
    both ``key:`` and ``key``. Signifyd gives no quota away; one can be set, its 429 bears no header.
    """

    name = VENDOR
    latency = Latency(median=0.35, p95=0.95)
    quotas: Sequence[Quota] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = random.Random(f"{world.seed}:signifyd:traces:{world.now():.0f}")
        self._orders = Orders(world)
        self._running: set[str] = set()  # orders an event runs over

    def __repr__(self) -> str:
        return f"<SignifydTwin {self._orders!r}, {len(self._running)} running>"

    def routes(self) -> Sequence[Route]:
        """Return the events of an order and the look at its decision."""
        return (
            self._event("sales", "screen_order", self._sale),
            self._event("checkouts", "screen_order", self._checkout),
            self._event("transactions", "report_transaction", self._transaction),
            self._event("reroutes", "reroute_order", self._reroute),
            self._event("repricings", "reprice_order", self._reprice),
            self._event("fulfillments", "report_fulfilment", self._fulfil),
            # An order id may hold a slash, which comes percent-encoded.
            Route(
                method="GET", path="/v3/orders/{order:.+}/decision", operation="get_decision", answer=self._get_decision
            ),
        )

    def credential(self, ask: Ask) -> str:
        """Return the team's key."""
        return _key(ask)

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429: no header says how long to wait."""
        return self._refusal(unavailable(429))

    def unavailable(self, status: int) -> Answer:
        """Return Signifyd's error body for a status."""
        return self._refusal(unavailable(status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without the action of its decision, or without its order."""
        value = orjson.loads(answer.body)
        if value.get("decision"):
            del value["decision"]["checkpointAction"]
        else:
            value.pop("orderId", None)
        return Answer.json(value, answer.status)

    # One request, from its headers to its answer

    def _event(self, path: str, operation: str, act: Event) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                _check_key(ask)
                body = _body(ask)
                return await self._alone(body, act)
            except Refused as refused:
                return self._refusal(refused)

        return Route(method="POST", path=f"{_EVENTS}/{path}", operation=operation, answer=answer)

    async def _alone(self, body: dict[str, Any], act: Event) -> Answer:
        """Run an event; raises ``Refused`` 409 while another runs over the same order."""
        order_id = str(body.get("orderId") or body.get("checkoutId") or "")
        seconds = float(self._world.setting(VENDOR, "processing_seconds", 0))
        if order_id in self._running:
            raise unavailable(409)
        self._running.add(order_id)
        try:
            if seconds > 0:
                await asyncio.sleep(seconds)
            value, status = act(body)
        finally:
            self._running.discard(order_id)
        return Answer.json(value, status)

    async def _get_decision(self, ask: Ask) -> Answer:
        try:
            _check_key(ask)
            return Answer.json(self._orders.answer(self._orders.find(ask.match["order"])))
        except Refused as refused:
            return self._refusal(refused)

    def _refusal(self, refused: Refused) -> Answer:
        value: dict[str, Any] = {
            "messages": [refused.message],
            "traceId": f"{self._draw.getrandbits(64):016x}",
            "errors": refused.errors,
        }
        headers = (("WWW-Authenticate", "Bearer"),) if refused.status == 401 else ()
        return Answer.json(value, refused.status, headers)

    # The events

    def _sale(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        fields = _checked(body, checks.check_order)
        fields.one_of("decisionDelivery", _DELIVERIES)
        _refuse(fields)
        order, new = self._orders.screen(body, asynchronous=body.get("decisionDelivery") == "ASYNC_ONLY")
        return self._orders.answer(order), 201 if new else 200

    def _checkout(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        fields = _checked(body, checks.check_order)
        fields.required("checkoutId")
        _refuse(fields)
        order, new = self._orders.screen(body)
        answer = self._orders.answer(order)
        if "SCA_EVALUATION" in (body.get("additionalEvalRequests") or []):
            answer["scaEvaluation"] = {"outcome": "NOT_EVALUATED", "exemptionDetails": None, "exclusionDetails": None}
        return answer, 201 if new else 200

    def _transaction(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        fields = _checked(body, checks.check_transactions)
        fields.required("checkoutId", "transactions")
        _refuse(fields)
        order = self._orders.checked_out(str(body["checkoutId"]))
        order = self._orders.change(order.body["orderId"], {"transactions": body["transactions"]})
        return self._orders.answer(order), 201

    def _reroute(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        fields = _checked(body, checks.check_shipments)
        fields.required("orderId", "shipments")
        _refuse(fields)
        order = self._orders.change(body["orderId"], {"purchase": {"shipments": body["shipments"]}})
        return self._orders.answer(order), 201

    def _reprice(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        fields = _checked(body, lambda fields: checks.check_price(fields.object("purchase")))
        fields.required("orderId", "purchase")
        _refuse(fields)
        order = self._orders.change(body["orderId"], {"purchase": body["purchase"]})
        return self._orders.answer(order), 201

    def _fulfil(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        _refuse(_checked(body, checks.check_fulfillments))
        return {"orderId": body["orderId"], "shipmentIds": self._orders.fulfil(body)}, 201


def _checked(body: dict[str, Any], check: Callable[[Fields], None]) -> Fields:
    fields = Fields(body, {})
    check(fields)
    return fields


def _refuse(fields: Fields) -> None:
    """Raise ``Refused`` 400 when a fault was found."""
    if fields.errors:
        raise Refused(400, "The request holds fields that are missing or not valid.", fields.errors)


def _body(ask: Ask) -> dict[str, Any]:
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "Content-Type must be application/json.")
    try:
        value = orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise unavailable(400) from None
    if not isinstance(value, dict):
        raise unavailable(400)
    return value


def _key(ask: Ask) -> str:
    """Return the user name of Basic, '' when there is none."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _check_key(ask: Ask) -> None:
    key = _key(ask)
    if not key or "invalid" in key.lower():
        raise unavailable(401)
