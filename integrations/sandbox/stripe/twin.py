"""Stripe's twin: keys, bodies, idempotency and headers around the endpoints.

Settings: ``settlement_currency`` ("usd"), ``authorization_days`` (7), ``processing_seconds`` (0; how long a write runs,
so that two requests can meet under one key), ``fail_next_create`` ("before" or "after": the next PaymentIntent is
answered with a 500 that is kept under its key, before or after it was made).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import html
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from integrations.sandbox.deliveries import Delivery, control
from integrations.sandbox.stripe import form, listing
from integrations.sandbox.stripe.account import Account, Call, Object
from integrations.sandbox.stripe.charges import Charges
from integrations.sandbox.stripe.deliveries import deliveries
from integrations.sandbox.stripe.errors import Refused
from integrations.sandbox.stripe.idempotency import Keys
from integrations.sandbox.stripe.payment_intents import PaymentIntents
from integrations.sandbox.stripe.records import Records
from integrations.sandbox.stripe.refunds import Refunds
from integrations.sandbox.stripe.samples import Samples
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9_]{1,250}")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z_]+)?")
_DEFAULT_VERSION = "2026-10-28.endive"
_INTENTS = "/v1/payment_intents"

Handler = Callable[[Call], Object]


class StripeTwin:
    """One Stripe account in test mode; every well-formed test key opens it."""

    name = "stripe"
    latency = Latency(median=0.18, p95=0.45)
    # 25 requests a second in a sandbox, 100 live (docs.stripe.com/rate-limits).
    quotas: Sequence[Quota] = (Quota(name="global-rate", limit=25, seconds=1.0),)

    def __init__(self, world: World) -> None:
        self._world = world
        self._account = Account(world)
        self._keys = Keys(world.now)
        charges = Charges(self._account)
        self._charges = charges
        self._intents = PaymentIntents(self._account, charges)
        self._refunds = Refunds(self._account)
        self._records = Records(self._account)
        self._samples = Samples(self._account, self._intents, charges)

    def __repr__(self) -> str:
        return f"<StripeTwin {self._account!r} {self._keys!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints the shop uses, the page of the bank, and Stripe's own 404 for all others."""
        intents, refunds, records = self._intents, self._refunds, self._records
        return (
            self._write(_INTENTS, "create_payment", self._create),
            self._read(_INTENTS, "look_up", intents.page),
            self._read(f"{_INTENTS}/search", "look_up", intents.search),
            self._read(f"{_INTENTS}/{{id}}", "get_payment", intents.retrieve),
            self._write(f"{_INTENTS}/{{id}}", "update_payment", intents.update),
            self._write(f"{_INTENTS}/{{id}}/confirm", "confirm_payment", intents.confirm),
            self._write(f"{_INTENTS}/{{id}}/capture", "capture_payment", intents.capture),
            self._write(f"{_INTENTS}/{{id}}/cancel", "cancel_payment", intents.cancel),
            self._write("/v1/refunds", "refund_payment", refunds.create),
            self._read("/v1/refunds", "look_up", refunds.page),
            self._read("/v1/refunds/{id}", "get_refund", refunds.retrieve),
            self._read("/v1/charges", "list_charges", self._charges.page),
            self._read("/v1/charges/{id}", "get_charge", self._charges.retrieve),
            self._read("/v1/balance", "get_balance", records.balance),
            self._read("/v1/balance_transactions", "list_transactions", records.transactions),
            self._read("/v1/balance_transactions/{id}", "get_transaction", records.transaction),
            self._read("/v1/events", "list_events", records.events),
            self._read("/v1/events/{id}", "get_event", records.event),
            _aside("GET", "/redirect/authenticate/{id}", "authenticate_payment", self._bank_page),
            _aside("POST", "/redirect/authenticate/{id}", "authenticate_payment", self._bank_decides),
            *(_aside(method, "/{rest:.*}", "unknown", self._unknown) for method in ("GET", "POST", "DELETE")),
        )

    def controls(self) -> Sequence[Route]:
        """Return what a test asks for besides: the webhook deliveries so far."""
        return (control(lambda _url, secret: self.deliveries(secret)),)

    def deliveries(self, secret: str) -> Sequence[Delivery]:
        """Return what would have been delivered to an endpoint with this secret so far, oldest first."""
        return deliveries(self._account, secret)

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return Stripe's 429: the reason in a header, no ``Retry-After`` and no remaining count."""
        refused = Refused(
            429,
            "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )
        reason = ("Stripe-Rate-Limited-Reason", quota.name if quota.name in _RATE_REASONS else "global-rate")
        return self._refusal(refused, self._account.new_id("req", 14), reason)

    def unavailable(self, status: int) -> Answer:
        """Return Stripe's error object for a status of its own; a 5xx before execution may be sent again."""
        if status == 429:
            return self.rate_limited(self.quotas[0], 0.0)
        message = "Sorry, there was a problem processing your request. Please try again."
        kind = "api_error" if status >= 500 else "invalid_request_error"
        refused = Refused(status, message, type=kind, should_retry=True if status >= 500 else None)
        return self._refusal(refused, self._account.new_id("req", 14))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its ``status`` or ``data`` gone and its amount as text."""
        value = orjson.loads(answer.body)
        if not isinstance(value, dict):
            return answer
        for name in ("data", "status", "available"):
            if value.pop(name, None) is not None:
                break
        if isinstance(value.get("amount"), int):
            value["amount"] = f"{value['amount']} minor"
        kept = tuple(header for header in answer.headers if header[0].lower() != "content-type")
        return Answer.json(value, answer.status, kept)

    # One request, from its headers to its answer

    def _read(self, path: str, operation: str, handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            request_id = self._account.new_id("req", 14)
            try:
                call = self._call(ask, form.nest(ask.query.items()), request_id)
                return self._success(call, handler)
            except Refused as refused:
                return self._refusal(refused, request_id)

        return Route(method="GET", path=path, operation=operation, answer=answer)

    def _write(self, path: str, operation: str, handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            request_id = self._account.new_id("req", 14)
            try:
                owner = _credential(ask)
                params = form.decode_body(ask.body, ask.headers.get("Content-Type", ""))
                call = self._call(ask, params, request_id)
                if call.idempotency_key is None:
                    return await self._execute(call, handler)
                return await self._execute_once(ask, call, handler, owner, call.idempotency_key)
            except Refused as refused:
                return self._refusal(refused, request_id)

        return Route(method="POST", path=path, operation=operation, answer=answer)

    def _call(self, ask: Ask, params: dict[str, Any], request_id: str) -> Call:
        _credential(ask)
        version = ask.headers.get("Stripe-Version", _DEFAULT_VERSION)
        if not _VERSION.fullmatch(version):
            raise Refused(400, f"Invalid API version: {version}")
        return Call(
            params=params,
            match=dict(ask.match),
            version=version,
            idempotency_key=ask.headers.get("Idempotency-Key") or None,
            request_id=request_id,
            base_url=ask.base_url,
        )

    async def _execute_once(self, ask: Ask, call: Call, handler: Handler, owner: str, key: str) -> Answer:
        """Run a write under its key: replay what is kept, keep what execution answers, give the key back otherwise."""
        params = orjson.dumps(call.params, option=orjson.OPT_SORT_KEYS).decode()
        kept = self._keys.claim(owner, key, path=ask.path, params=params, request_id=call.request_id)
        if kept is not None and kept.answer is not None:
            headers = (
                *(header for header in kept.answer.headers if header[0] != "Request-Id"),
                ("Request-Id", call.request_id),
                ("Original-Request", kept.request_id),
                ("Idempotent-Replayed", "true"),
            )
            return Answer(status=kept.answer.status, headers=headers, body=kept.answer.body)
        echo = ("Idempotency-Key", key)
        try:
            answer = await self._execute(call, handler, echo)
        except Refused as refused:
            if not refused.stored:
                self._keys.give_back(owner, key)
                raise
            answer = self._refusal(refused, call.request_id, echo)
        except BaseException:
            self._keys.give_back(owner, key)
            raise
        self._keys.keep(owner, key, answer)
        return answer

    async def _execute(self, call: Call, handler: Handler, *headers: tuple[str, str]) -> Answer:
        seconds = float(self._world.setting("stripe", "processing_seconds", 0))
        if seconds > 0:
            await asyncio.sleep(seconds)
        return self._success(call, handler, *headers)

    def _create(self, call: Call) -> Object:
        """Create a PaymentIntent, or fail in the way a test asked for."""
        wish = self._world.settings.get("stripe", {}).pop("fail_next_create", None)
        if not wish:
            return self._intents.create(call)
        if wish == "after":
            self._intents.create(call)
        raise Refused(
            500,
            "An unknown error occurred",
            type="api_error",
            stored=True,
            should_retry=False,
        )

    def _success(self, call: Call, handler: Handler, *headers: tuple[str, str]) -> Answer:
        self._samples.make_for(call)
        answer = listing.expand(self._account, handler(call), call.params.get("expand"))
        return Answer.json(
            answer, headers=(("Request-Id", call.request_id), ("Stripe-Version", call.version), *headers)
        )

    def _refusal(self, refused: Refused, request_id: str, *headers: tuple[str, str]) -> Answer:
        error = dict(refused.error)
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        if refused.should_retry is not None:
            headers = (*headers, ("Stripe-Should-Retry", str(refused.should_retry).lower()))
        return Answer.json({"error": error}, refused.status, (("Request-Id", request_id), *headers))

    async def _unknown(self, ask: Ask) -> Answer:
        message = f"Unrecognized request URL ({ask.method}: {ask.path})."
        return self._refusal(Refused(404, message), self._account.new_id("req", 14))

    # The page the customer is sent to by next_action

    async def _bank_page(self, ask: Ask) -> Answer:
        intent = self._account.intents.get(ask.match["id"])
        if intent is None or intent["status"] != "requires_action":
            return _page(404, "<p>Nothing to authenticate here.</p>")
        buttons = "".join(
            f'<button name="outcome" value="{value}">{label}</button>'
            for value, label in (("pass", "Complete authentication"), ("fail", "Fail authentication"))
        )
        about = html.escape(f"{intent['amount']} {intent['currency'].upper()} (minor units)")
        return _page(200, f'<p>Test bank: pay {about}?</p><form method="post">{buttons}</form>')

    async def _bank_decides(self, ask: Ask) -> Answer:
        wishes = dict(parse_qsl(ask.body.decode("utf-8", "replace")))
        before = self._account.intents.get(ask.match["id"])
        action = (before or {}).get("next_action") or {}
        passed = wishes.get("outcome") == "pass"
        intent = self._intents.authenticate(ask.match["id"], passed=passed)
        if intent is None:
            return _page(404, "<p>Nothing to authenticate here.</p>")
        return_url = action.get("redirect_to_url", {}).get("return_url")
        if return_url is None:
            return _page(200, "<p>Done. You can close this page.</p>")
        parts = urlsplit(return_url)
        query = urlencode(
            [
                *parse_qsl(parts.query),
                ("payment_intent", intent["id"]),
                ("payment_intent_client_secret", intent["client_secret"]),
                ("redirect_status", "succeeded" if passed else "failed"),
            ]
        )
        return Answer(status=303, headers=(("Location", urlunsplit(parts._replace(query=query))),))


_RATE_REASONS = frozenset(
    {"global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific"}
)


def _aside(method: str, path: str, operation: str, answer: Callable[[Ask], Awaitable[Answer]]) -> Route:
    """Return a route that spends no quota."""
    return Route(method=method, path=path, operation=operation, answer=answer, counts=False)


def _credential(ask: Ask) -> str:
    """Return the secret key of a bearer token or of Basic's user name; raises ``Refused`` 401 for any other."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    key = value.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    elif scheme.lower() != "bearer":
        key = ""
    if not key:
        raise Refused(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    if not _KEY.fullmatch(key) or "invalid" in key.lower():
        raise Refused(401, f"Invalid API Key provided: {key[:8]}{'*' * 12}{key[-4:] if len(key) > 16 else ''}")
    return key


def _page(status: int, body: str) -> Answer:
    document = f"<!doctype html><meta charset=utf-8><title>Test bank</title>{body}"
    return Answer(status=status, headers=(("Content-Type", "text/html; charset=utf-8"),), body=document.encode())
