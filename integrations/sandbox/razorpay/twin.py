"""Razorpay's twin: keys, bodies, and the one header of idempotency around the endpoints.

Settings: ``processing_seconds`` (0; how long a capture or a refund runs, so that two can meet on one payment),
``fail_next_capture`` ("before" or "after": the next capture is answered 502 GATEWAY_ERROR, before or after it was made),
``auto_capture`` (false), ``international`` (true), ``unique_receipts`` (false), ``idempotency_mismatch_status`` (400),
and those of ``refunds`` and ``links``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from integrations.sandbox.razorpay import fields
from integrations.sandbox.razorpay.account import Account, Call, Object
from integrations.sandbox.razorpay.customer import Customer
from integrations.sandbox.razorpay.errors import Refused, not_served
from integrations.sandbox.razorpay.idempotency import Keys
from integrations.sandbox.razorpay.links import Links
from integrations.sandbox.razorpay.orders import Orders
from integrations.sandbox.razorpay.payments import Payments, still_running
from integrations.sandbox.razorpay.refunds import Refunds, refunded_payment
from integrations.sandbox.razorpay.samples import Samples
from integrations.sandbox.razorpay.settlements import Settlements
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_KEY = re.compile(r"rzp_test_[A-Za-z0-9_]+")
_ORDERS, _PAYMENTS, _REFUNDS = "/v1/orders", "/v1/payments", "/v1/refunds"
_LINKS, _SETTLEMENTS = "/v1/payment_links", "/v1/settlements"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MISLEADING = "The payment could not be completed because of a temporary issue at the gateway."

Handler = Callable[[Call], Object]


class RazorpayTwin:
    """One Indian account in test mode; every well-formed test key opens it."""

    name = "razorpay"
    latency = Latency(median=0.25, p95=0.8)
    # Razorpay publishes no numbers; this is ours.
    quotas: Sequence[Quota] = (Quota(name="requests", limit=600, seconds=60.0),)

    def __init__(self, world: World) -> None:
        self._world = world
        self._account = Account(world)
        self._keys = Keys()
        settlements = Settlements(self._account)
        self._settlements = settlements
        self._payments = Payments(self._account, settlements)
        self._refunds = Refunds(self._account, settlements)
        self._orders = Orders(self._account, self._payments)
        self._links = Links(self._account, self._orders, self._payments)
        self._customer = Customer(self._account, self._payments, self._links)
        self._samples = Samples(self._account, self._orders, self._payments, self._refunds)
        self._samples.make_history()

    def __repr__(self) -> str:
        return f"<RazorpayTwin {self._account!r} {self._keys!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints the shop uses, the page where a link is paid, and the 400 of every other path."""
        orders, payments, refunds = self._orders, self._payments, self._refunds
        links, settlements = self._links, self._settlements
        order, payment, link = (f"{path}/{{id}}" for path in (_ORDERS, _PAYMENTS, _LINKS))
        refund = f"{_REFUNDS}/{{refund}}"
        return (
            self._route("POST", _ORDERS, "create_payment", orders.create),
            self._route("GET", _ORDERS, "look_up", orders.page),
            self._route("GET", order, "get_payment", orders.retrieve),
            self._route("PATCH", order, "update_payment", orders.update),
            self._route("GET", f"{order}/payments", "get_payment", orders.payments),
            self._route("POST", _LINKS, "create_payment", links.create),
            self._route("GET", _LINKS, "look_up", links.page),
            self._route("GET", link, "get_payment", links.retrieve),
            self._route("PATCH", link, "update_payment", links.update),
            self._route("POST", f"{link}/cancel", "cancel_payment", links.cancel),
            self._route("GET", _PAYMENTS, "list_transactions", payments.page),
            self._route("GET", payment, "get_payment", payments.retrieve),
            self._route("PATCH", payment, "update_payment", payments.update),
            self._route("GET", f"{payment}/card", "look_up", payments.card),
            self._money(f"{payment}/capture", "capture_payment", self._capture),
            self._money(f"{payment}/refund", "refund_payment", self._refund),
            self._money(_REFUNDS, "refund_payment", self._refund),
            self._route("GET", f"{payment}/refunds", "look_up", refunds.page),
            self._route("GET", f"{payment}/refunds/{{refund}}", "look_up", refunds.retrieve),
            self._route("GET", _REFUNDS, "list_transactions", refunds.page),
            self._route("GET", refund, "look_up", refunds.retrieve),
            self._route("PATCH", refund, "update_refund", refunds.update),
            self._route("GET", _SETTLEMENTS, "get_settlements", settlements.page),
            self._route("GET", f"{_SETTLEMENTS}/recon/combined", "list_transactions", settlements.recon),
            self._route("GET", f"{_SETTLEMENTS}/{{id}}", "get_settlements", settlements.retrieve),
            Route(method="GET", path="/l/{id}", operation="pay", answer=self._customer.show, counts=False),
            Route(method="POST", path="/l/{id}", operation="pay", answer=self._customer.pay, counts=False),
            *(self._route(method, "/{rest:.*}", "unknown", _unknown) for method in _METHODS),
        )

    def controls(self) -> Sequence[Route]:
        """Return the checkout, which in life is a script in the shop's page."""
        return (Route(method="POST", path="/checkout", operation="control", answer=self._customer.check_out),)

    def credential(self, ask: Ask) -> str:
        """Return the key id."""
        return _pair(ask)[0]

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return Razorpay's 429, which says nothing of how long to wait."""
        return _refusal(Refused(429, "Too many requests"))

    def unavailable(self, status: int) -> Answer:
        """Return Razorpay's error object for a status."""
        if status in (502, 504):
            return _refusal(Refused(status, _MISLEADING, code="GATEWAY_ERROR"))
        if status >= 500:
            words = "We are facing some trouble completing your request at the moment. Please try again shortly."
            return _refusal(Refused(status, words, code="SERVER_ERROR"))
        return _refusal(Refused(status, {429: "Too many requests"}.get(status, "The request could not be completed.")))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its list or status gone and its amount as text with a point."""
        value = orjson.loads(answer.body) if answer.body.startswith(b"{") else None
        if not isinstance(value, dict):
            return answer
        for name in ("items", "payment_links", "status"):
            if value.pop(name, None) is not None:
                break
        if isinstance(value.get("amount"), int):
            value["amount"] = f"{value['amount'] / 100:.2f}"
        return _json(value, answer.status)

    # One request, from its headers to its answer

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def run(ask: Ask, call: Call) -> Answer:
            return _json(handler(call))

        return Route(method=method, path=path, operation=operation, answer=self._guarded(run))

    def _money(self, path: str, operation: str, run: Callable[[Ask, Call], Awaitable[Answer]]) -> Route:
        return Route(method="POST", path=path, operation=operation, answer=self._guarded(run))

    def _guarded(self, run: Callable[[Ask, Call], Awaitable[Answer]]) -> Callable[[Ask], Awaitable[Answer]]:
        """Return what answers a request: its key is looked at first, then time catches up, then it runs."""

        async def answer(ask: Ask) -> Answer:
            try:
                call = _call(ask)
                self._account.catch_up()
                for id in (*call.match.values(), str(call.params.get("payment_id", ""))):
                    self._samples.make_for(id)
                return await run(ask, call)
            except Refused as refused:
                return _refusal(refused)

        return answer

    async def _capture(self, ask: Ask, call: Call) -> Answer:
        """Capture once at a time; a gateway that fails after the capture is the trap of this vendor."""
        wish = self._world.settings.get("razorpay", {}).pop("fail_next_capture", None)
        if wish == "before":
            raise Refused(502, _MISLEADING, code="GATEWAY_ERROR")
        answer = await self._alone(call.match["id"], call, self._payments.capture)
        if wish:
            raise Refused(502, _MISLEADING, code="GATEWAY_ERROR")
        return answer

    async def _refund(self, ask: Ask, call: Call) -> Answer:
        """Refund, once per ``X-Refund-Idempotency`` where the header is sent."""
        key = ask.headers.get("X-Refund-Idempotency")
        payment_id = refunded_payment(call.match, call.params)
        if key is None:
            return await self._alone(payment_id, call, self._refunds.create)
        owner = self.credential(ask)
        status = int(self._account.setting("idempotency_mismatch_status", 400))
        asked = orjson.dumps([ask.path, call.params], option=orjson.OPT_SORT_KEYS)
        kept = self._keys.claim(owner, key, asked, mismatch_status=status)
        if kept is not None:
            return kept
        try:
            answer = await self._alone(payment_id, call, self._refunds.create)
        except BaseException:
            self._keys.give_back(owner, key)
            raise
        self._keys.keep(owner, key, answer)
        return answer

    async def _alone(self, payment_id: str, call: Call, handler: Handler) -> Answer:
        """Run what moves the money of a payment; raises ``Refused`` 400 while something else does."""
        busy = self._account.busy
        if payment_id in busy:
            raise still_running()
        busy.add(payment_id)
        try:
            seconds = float(self._account.setting("processing_seconds", 0))
            if seconds > 0:
                await asyncio.sleep(seconds)
            return _json(handler(call))
        finally:
            busy.discard(payment_id)


def _unknown(call: Call) -> Object:
    raise not_served()


def _pair(ask: Ask) -> tuple[str, str]:
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


def _call(ask: Ask) -> Call:
    """Return the request; raises ``Refused`` 401 for a key that opens nothing."""
    key, secret = _pair(ask)
    if not key:
        raise Refused(401, "Please provide your api key for authentication purposes.")
    if not _KEY.fullmatch(key) or not secret or "invalid" in (key + secret).lower():
        raise Refused(401, "The api key provided is invalid")
    params = fields.decode(ask.body) if ask.method != "GET" else {}
    return Call(params=params, match=dict(ask.match), query=ask.query, secret=secret, base_url=ask.base_url)


def _json(value: Any, status: int = 200) -> Answer:
    return Answer.json(value, status)


def _refusal(refused: Refused) -> Answer:
    return _json({"error": refused.error}, refused.status)
