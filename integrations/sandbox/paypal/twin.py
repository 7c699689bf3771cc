"""PayPal's twin: tokens, bodies, request ids and headers around the endpoints.

Settings: ``token_seconds`` (32400), ``order_id_hours`` (6; how long orders keep a request id, 72 by contract),
``processing_seconds`` (0; how long a write runs, so that two requests can meet under one id), ``fail_next`` (an issue: the
next write is refused with it, as the header PayPal-Mock-Response does for one request), ``authorization_seconds`` (29 days),
``echeck_seconds`` (3 days), ``block_duplicate_invoices`` (true), ``report_delay_seconds`` (3 hours; 5 minutes in a demo),
``report_limit`` (10000), ``account_offset_hours`` (-7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from integrations.sandbox.deliveries import control
from integrations.sandbox.paypal import webhooks
from integrations.sandbox.paypal.account import Account, Call
from integrations.sandbox.paypal.checkout_page import CheckoutPage
from integrations.sandbox.paypal.checks import Reader
from integrations.sandbox.paypal.errors import Refused, malformed
from integrations.sandbox.paypal.funds import Funds
from integrations.sandbox.paypal.issues import status_of
from integrations.sandbox.paypal.orders import Orders
from integrations.sandbox.paypal.payments import Payments
from integrations.sandbox.paypal.reports import Reports
from integrations.sandbox.paypal.request_ids import RequestIds, View
from integrations.sandbox.paypal.samples import Samples
from integrations.sandbox.paypal.tokens import Tokens
from integrations.sandbox.paypal.webhooks import Webhooks
from integrations.sandbox.tokens import TokenRefused
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_ORDERS = "/v2/checkout/orders"
_AUTHORIZATIONS = "/v2/payments/authorizations/{id}"
_CAPTURES = "/v2/payments/captures/{id}"
_HOUR = 3_600.0
_PAYMENTS_KEEP = 45 * 24 * _HOUR
_LONGEST_REQUEST_ID = 108

Handler = Callable[[Call], View]
Sayer = Callable[[Ask], Answer]


class PaypalTwin:
    """One PayPal business account; every well-formed test client opens it."""

    name = "paypal"
    latency = Latency(median=0.35, p95=1.1)
    # PayPal publishes no numbers (developer.paypal.com/api/rest/reference/rate-limiting); these are ours.
    quotas: Sequence[Quota] = (
        Quota(name="requests", limit=600, seconds=60.0),
        Quota(name="tokens", limit=30, seconds=60.0, operations=("sign_in",)),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._account = Account(world)
        self._tokens = Tokens(world)
        self._ids = RequestIds(world.now)
        self._funds = Funds(self._account)
        self._orders = Orders(self._account, self._funds)
        self._payments = Payments(self._account, self._funds)
        self._reports = Reports(self._account)
        self._webhooks = Webhooks(self._account)
        self._samples = Samples(self._account)

    def __repr__(self) -> str:
        return f"<PaypalTwin {self._account!r} {self._ids!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints the shop uses, and the page where the buyer decides."""
        orders, payments, page = self._orders, self._payments, CheckoutPage(self._orders)
        own = f"{_ORDERS}/{{id}}"
        return (
            Route(method="POST", path="/v1/oauth2/token", operation="sign_in", answer=self._sign_in),
            self._write(_ORDERS, "create_payment", orders.create, "create"),
            self._read(own, "get_payment", orders.retrieve),
            self._plain("PATCH", own, "update_payment", self._patch, "patch"),
            self._write(f"{own}/authorize", "authorize_payment", orders.authorize, "authorize"),
            self._write(f"{own}/capture", "capture_payment", orders.capture, "capture"),
            self._read(_AUTHORIZATIONS, "look_up", payments.authorization),
            self._write(f"{_AUTHORIZATIONS}/capture", "capture_payment", payments.capture, "payment"),
            self._write(f"{_AUTHORIZATIONS}/reauthorize", "reauthorize_payment", payments.reauthorize, "reauthorize"),
            self._plain("POST", f"{_AUTHORIZATIONS}/void", "cancel_payment", self._void, "void"),
            self._read(_CAPTURES, "look_up", payments.capture_details),
            self._write(f"{_CAPTURES}/refund", "refund_payment", payments.refund, "refund"),
            self._read("/v2/payments/refunds/{id}", "look_up", payments.refund_details),
            self._plain("GET", "/v1/reporting/transactions", "list_transactions", self._transactions, "report"),
            self._plain("GET", "/v1/reporting/balances", "get_balances", self._balances, "report"),
            self._plain("POST", "/v1/notifications/verify-webhook-signature", "verify_event", self._verify, "event"),
            _aside("GET", webhooks.CERTIFICATE_PATH, "get_certificate", self._certificate),
            _aside("GET", "/checkoutnow", "approve_payment", page.show),
            _aside("POST", "/checkoutnow", "approve_payment", page.decide),
        )

    def controls(self) -> Sequence[Route]:
        """Return what a test asks for besides: the deliveries so far, with the public key they are signed by.

        The secret of the request is the webhook's id.
        """
        return (
            control(lambda _url, webhook_id: self._webhooks.deliveries(webhook_id), lambda: webhooks.key().public_pem),
        )

    def credential(self, ask: Ask) -> str:
        """Return the client a request comes from."""
        return self._tokens.holder(ask) or self._tokens.client(ask) or ""

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return PayPal's 429: a name, no numbers, no ``Retry-After``."""
        return self._refusal(Refused(429), "")

    def unavailable(self, status: int) -> Answer:
        """Return PayPal's error object for a status of its own."""
        return self._refusal(Refused(status), "")

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its status, list or token gone and its amount as a number."""
        value = orjson.loads(answer.body) if answer.body else None
        if not isinstance(value, dict):
            return answer
        for name in ("access_token", "transaction_details", "balances", "status", "verification_status"):
            if value.pop(name, None) is not None:
                break
        if isinstance(value.get("amount"), dict):
            value["amount"]["value"] = None
        kept = tuple(header for header in answer.headers if header[0].lower() != "content-type")
        return Answer.json(value, answer.status, kept)

    # One request, from its headers to its answer

    def _read(self, path: str, operation: str, handler: Handler) -> Route:
        def say(ask: Ask) -> Answer:
            return self._success(handler(self._call(ask, "", Reader({})))(ask.base_url, True), 200)

        return self._plain("GET", path, operation, say, "read")

    def _plain(self, method: str, path: str, operation: str, say: Sayer, endpoint: str) -> Route:
        """Return a route that knows no request id."""

        async def answer(ask: Ask) -> Answer:
            try:
                self._enter(ask)
                return say(ask)
            except Refused as refused:
                return self._refusal(refused, endpoint)
            except TokenRefused as refused:
                return self._oauth_refusal(refused)

        return Route(method=method, path=path, operation=operation, answer=answer)

    def _write(self, path: str, operation: str, handler: Handler, endpoint: str) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                client = self._enter(ask)
                _check_media_type(ask)
                call = self._call(ask, client, _body(ask))
                self._mock(ask)
                return await self._execute(ask, call, handler, orders=ask.path.startswith(_ORDERS))
            except Refused as refused:
                return self._refusal(refused, endpoint)
            except TokenRefused as refused:
                return self._oauth_refusal(refused)

        return Route(method="POST", path=path, operation=operation, answer=answer)

    def _enter(self, ask: Ask) -> str:
        """Return the client of a request; e-checks that have cleared meanwhile are booked first."""
        client = self._tokens.check(ask)
        self._account.clear_pending(lambda capture: self._funds.tell_of_capture(capture, ask.base_url))
        self._samples.make_for(ask.match.get("id", ""))
        return client

    def _call(self, ask: Ask, client: str, body: Reader) -> Call:
        full = "return=representation" in ask.headers.get("Prefer", "")
        return Call(client=client, base_url=ask.base_url, body=body, id=ask.match.get("id", ""), full=full)

    async def _execute(self, ask: Ask, call: Call, handler: Handler, *, orders: bool) -> Answer:
        """Run a write under its request id, or show what the id was used for: 200 for an order, 201 for a payment."""
        id = ask.headers.get("PayPal-Request-Id")
        if id is None:
            if ask.path == _ORDERS and "payment_source" in call.body:
                raise malformed("PAYPAL_REQUEST_ID_REQUIRED", "PayPal-Request-Id", location="header")
            return self._success((await self._run(call, handler))(call.base_url, call.full), 201)
        if not 1 <= len(id) <= _LONGEST_REQUEST_ID:
            raise malformed("INVALID_STRING_LENGTH", "PayPal-Request-Id", id, "header")
        hours = min(float(self._account.setting("order_id_hours", 6)), 72.0)
        kept = self._ids.claim(call.client, ask.path, id, hours * _HOUR if orders else _PAYMENTS_KEEP)
        if kept is not None:
            return self._success(kept(call.base_url, call.full), 200 if orders else 201)
        try:
            view = await self._run(call, handler)
        except BaseException:
            self._ids.give_back(call.client, ask.path, id)
            raise
        self._ids.keep(call.client, ask.path, id, view)
        return self._success(view(call.base_url, call.full), 201)

    async def _run(self, call: Call, handler: Handler) -> View:
        seconds = float(self._account.setting("processing_seconds", 0))
        if seconds > 0:
            await asyncio.sleep(seconds)
        return handler(call)

    def _mock(self, ask: Ask) -> None:
        """Refuse with the issue a test asked for: by PayPal's header, or by the setting ``fail_next``."""
        issue = self._world.settings.get("paypal", {}).pop("fail_next", None)
        header = ask.headers.get("PayPal-Mock-Response")
        if header is not None:
            try:
                issue = orjson.loads(header).get("mock_application_codes", issue)
            except (orjson.JSONDecodeError, AttributeError):
                raise malformed("MALFORMED_REQUEST_JSON", "PayPal-Mock-Response", location="header") from None
        if issue == "INTERNAL_SERVER_ERROR":
            raise Refused(500)
        status = status_of(str(issue)) if issue is not None else None
        if status is not None:
            raise Refused(status, {"issue": str(issue)})

    # The endpoints that are neither a plain look nor a write under an id

    async def _sign_in(self, ask: Ask) -> Answer:
        try:
            return self._success(self._tokens.issue(ask), 200)
        except TokenRefused as refused:
            return self._oauth_refusal(refused)

    def _patch(self, ask: Ask) -> Answer:
        _check_media_type(ask)
        self._mock(ask)
        self._orders.patch(ask.match["id"], _json(ask))
        return self._empty()

    def _void(self, ask: Ask) -> Answer:
        self._mock(ask)
        call = self._call(ask, "", Reader({}))
        view = self._payments.void(call)
        return self._success(view(ask.base_url, True), 200) if call.full else self._empty()

    def _transactions(self, ask: Ask) -> Answer:
        return self._success(self._reports.transactions(dict(ask.query), ask.base_url), 200)

    def _balances(self, ask: Ask) -> Answer:
        return self._success(self._reports.balances(dict(ask.query)), 200)

    def _verify(self, ask: Ask) -> Answer:
        _check_media_type(ask)
        return self._success(webhooks.verify(_body(ask), ask.body.decode()), 200)

    async def _certificate(self, ask: Ask) -> Answer:
        return Answer(headers=(("Content-Type", "application/x-pem-file"),), body=webhooks.key().certificate.encode())

    def _success(self, body: Any, status: int) -> Answer:
        return Answer.json(body, status, (("Paypal-Debug-Id", self._account.debug_id()),))

    def _empty(self) -> Answer:
        return Answer(status=204, headers=(("Paypal-Debug-Id", self._account.debug_id()),))

    def _refusal(self, refused: Refused, endpoint: str) -> Answer:
        id = self._account.debug_id()
        return Answer.json(refused.worded(endpoint, id), refused.status, (("Paypal-Debug-Id", id),))

    def _oauth_refusal(self, refused: TokenRefused) -> Answer:
        return Answer.json(refused.body, refused.status, (("Paypal-Debug-Id", self._account.debug_id()),))


def _aside(method: str, path: str, operation: str, answer: Any) -> Route:
    """Return a route that spends no quota."""
    return Route(method=method, path=path, operation=operation, answer=answer, counts=False)


def _check_media_type(ask: Ask) -> None:
    """Raise ``Refused`` 415 unless the request says it is JSON, be its body empty or not."""
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415)


def _body(ask: Ask) -> Reader:
    """Return the reader of the body; an empty one says nothing."""
    return Reader(_json(ask) if ask.body.strip() else {})


def _json(ask: Ask) -> Any:
    try:
        return orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise malformed("MALFORMED_REQUEST_JSON") from None
