"""Mollie's twin: keys, modes, bodies, idempotency and headers around the endpoints.

An API key (``test_…``) is one profile in test mode: ``testmode`` and ``profileId`` must not be sent with it, and balances
are closed to it. A token of the organisation (``access_…``) sees live mode, which is empty here, unless it says
``testmode``: in the query of a GET, in the body of all else (a refund is cancelled with it in the query); creating a
payment it names a profile.

Settings: ``processing_seconds`` (0; how long a POST runs, so that two can meet under one key), ``duplicate_seconds`` (60),
``balance_short`` (false; refunds are queued), ``unavailable_methods`` (names of methods whose supplier is down), and the
times of ``lifecycle``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from integrations.sandbox.deliveries import control
from integrations.sandbox.mollie import samples, webhooks
from integrations.sandbox.mollie.account import PROFILE_ID, Account, Body, Call
from integrations.sandbox.mollie.balances import Balances
from integrations.sandbox.mollie.checkout_page import CheckoutPage
from integrations.sandbox.mollie.errors import Refused, invalid, missing, no_such
from integrations.sandbox.mollie.idempotency import Keys
from integrations.sandbox.mollie.lifecycle import Lifecycle
from integrations.sandbox.mollie.payments import Payments
from integrations.sandbox.mollie.refunds import Refunds
from integrations.sandbox.tokens import bearer
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_KEY = re.compile(r"test_[A-Za-z0-9_]+")
_TOKEN = re.compile(r"access_[A-Za-z0-9_]+")
_HAL = (("Content-Type", "application/hal+json"),)
_PAYMENTS, _PAYMENT = "/v2/payments", "/v2/payments/{id}"
_BALANCES = "/v2/balances"

Handler = Callable[[Call], Body | None]


class MollieTwin:
    """One organisation with one website profile; every well-formed test key or token opens it."""

    name = "mollie"
    latency = Latency(median=0.2, p95=0.6)
    # Mollie publishes no numbers; this is ours.
    quotas: Sequence[Quota] = (Quota(name="requests", limit=600, seconds=60.0),)

    def __init__(self, world: World) -> None:
        self._world = world
        self._account = Account(world)
        self._keys = Keys(world.now)
        self._lifecycle = Lifecycle(self._account)
        self._payments = Payments(self._account, self._lifecycle)
        self._refunds = Refunds(self._account, self._lifecycle, self._payments)
        self._balances = Balances(self._account)

    def __repr__(self) -> str:
        return f"<MollieTwin {self._account!r} {self._keys!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints the shop uses, and the page where the buyer pays."""
        payments, refunds, balances = self._payments, self._refunds, self._balances
        page = CheckoutPage(self._account, self._lifecycle)
        balance = f"{_BALANCES}/{{balance_id}}"
        return (
            self._route("POST", _PAYMENTS, "create_payment", self._create, 201),
            self._route("GET", _PAYMENTS, "look_up", payments.page),
            self._route("GET", _PAYMENT, "get_payment", payments.retrieve),
            self._route("PATCH", _PAYMENT, "update_payment", payments.update),
            self._route("DELETE", _PAYMENT, "cancel_payment", payments.cancel),
            self._route("POST", f"{_PAYMENT}/release-authorization", "cancel_payment", payments.release, 202),
            self._route("POST", f"{_PAYMENT}/captures", "capture_payment", payments.create_capture, 201),
            self._route("GET", f"{_PAYMENT}/captures", "look_up", payments.captures),
            self._route("GET", f"{_PAYMENT}/captures/{{capture_id}}", "look_up", payments.capture),
            self._route("POST", f"{_PAYMENT}/refunds", "refund_payment", refunds.create, 201),
            self._route("GET", f"{_PAYMENT}/refunds", "look_up", refunds.of_payment),
            self._route("GET", f"{_PAYMENT}/refunds/{{refund_id}}", "look_up", refunds.retrieve),
            self._route("DELETE", f"{_PAYMENT}/refunds/{{refund_id}}", "cancel_refund", refunds.cancel, 204),
            self._route("GET", "/v2/refunds", "look_up", refunds.page),
            self._route("GET", _BALANCES, "get_balances", balances.page, closed=True),
            self._route("GET", balance, "get_balances", balances.retrieve, closed=True),
            self._route("GET", f"{balance}/transactions", "list_transactions", balances.transactions, closed=True),
            self._route("GET", "/v2/events/{event_id}", "get_event", self._event, closed=True),
            _aside("GET", "/checkout/{token}", page.show),
            _aside("POST", "/checkout/{token}", page.decide),
        )

    def controls(self) -> Sequence[Route]:
        """Return what a test asks for besides: the deliveries so far, classic ones where the secret is empty."""

        def make(_url: str, secret: str) -> Any:
            return webhooks.deliveries(self._account, secret)

        return (control(make),)

    def credential(self, ask: Ask) -> str:
        """Return the key or token."""
        return bearer(ask)

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return Mollie's 429, which says nothing of how long to wait."""
        return _refusal(Refused(429))

    def unavailable(self, status: int) -> Answer:
        """Return Mollie's error object for a status of its own."""
        return _refusal(Refused(status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its list or status gone and its amount as a number."""
        value = orjson.loads(answer.body) if answer.body else None
        if not isinstance(value, dict):
            return answer
        for name in ("_embedded", "status", "currency"):
            if value.pop(name, None) is not None:
                break
        if isinstance(value.get("amount"), dict):
            value["amount"]["value"] = None
        return _hal(value, answer.status)

    # One request, from its headers to its answer

    def _route(
        self, method: str, path: str, operation: str, handler: Handler, status: int = 200, *, closed: bool = False
    ) -> Route:
        """Return a route; a ``closed`` one is for tokens of the organisation only."""

        async def answer(ask: Ask) -> Answer:
            try:
                key = _credential(ask)
                if closed and _KEY.fullmatch(key):
                    raise Refused(403, "This endpoint cannot be used with an API key")
                call = _call(ask, organization=_TOKEN.fullmatch(key) is not None)
                self._lifecycle.advance(ask.base_url)
                if not call.live:
                    samples.make_for(self._account, self._lifecycle, call.match.get("id", ""))
                if method != "POST":
                    return _answer(handler(call), status)
                return await self._post(ask, call, handler, status, key)
            except Refused as refused:
                return _refusal(refused)

        return Route(method=method, path=path, operation=operation, answer=answer)

    async def _post(self, ask: Ask, call: Call, handler: Handler, status: int, owner: str) -> Answer:
        """Run a POST under its key, or replay what is kept for it."""
        key = ask.headers.get("Idempotency-Key")
        if not key:
            return await self._run(call, handler, status)
        kept = self._keys.claim(owner, key, ask.path, ask.body)
        if kept is not None:
            return Answer(status=kept.status, headers=(*kept.headers, ("Idempotent-Replayed", "true")), body=kept.body)
        try:
            answer = await self._run(call, handler, status)
        except BaseException:
            self._keys.give_back(owner, key)
            raise
        self._keys.keep(owner, key, answer)
        return answer

    async def _run(self, call: Call, handler: Handler, status: int) -> Answer:
        seconds = self._account.seconds("processing_seconds", 0.0)
        if seconds > 0:
            await asyncio.sleep(seconds)
        return _answer(handler(call), status)

    def _create(self, call: Call) -> Body:
        if call.body.get("method") in self._account.setting("unavailable_methods", ()):
            raise Refused(503)
        return self._payments.create(call)

    def _event(self, call: Call) -> Body:
        event = None if call.live else self._account.events.get(call.match["event_id"])
        if event is None:
            raise no_such(call.match["event_id"])
        return webhooks.event_body(event)


def _aside(method: str, path: str, answer: Any) -> Route:
    """Return a route of the buyer's, which spends no quota."""
    return Route(method=method, path=path, operation="pay", answer=answer, counts=False)


def _credential(ask: Ask) -> str:
    """Return the key or token; raises ``Refused`` 401 for none or one that is not well-formed."""
    value = bearer(ask)
    if not (_KEY.fullmatch(value) or _TOKEN.fullmatch(value)) or "invalid" in value.lower():
        raise Refused(401)
    return value


def _call(ask: Ask, *, organization: bool) -> Call:
    """Return the request with ``testmode`` and ``profileId`` taken out of where they belong and may be."""
    query, body = dict(ask.query), _body(ask)
    asked = ask.method == "GET" or (ask.method == "DELETE" and "refund_id" in ask.match)
    place: dict[str, Any] = query if asked else body
    if not organization:
        for name in ("testmode", "profileId"):
            if name in place:
                where, status = ("query", 400) if asked else ("body", 422)
                raise Refused(status, f'Non-existent {where} parameter "{name}" for this API call.', name)
    testing = place.pop("testmode", None)
    if testing not in (None, True, False, "true", "false"):
        raise invalid("testmode", "testmode")
    profile = place.pop("profileId", None)
    if profile not in (None, PROFILE_ID):
        raise no_such(str(profile))
    if organization and profile is None and ask.method == "POST" and ask.path == _PAYMENTS:
        raise missing("profileId")
    live = organization and testing not in (True, "true")
    return Call(base_url=ask.base_url, path=ask.path, match=dict(ask.match), query=query, body=body, live=live)


def _body(ask: Ask) -> Body:
    """Return the JSON object of a request, empty for an empty body; raises ``Refused`` 415 or 400."""
    if not ask.body.strip():
        return {}
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415)
    try:
        value = orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise Refused(400, "The request body is not valid JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "The request body must be a JSON object")
    return value


def _answer(body: Body | None, status: int) -> Answer:
    return Answer(status=status) if body is None else _hal(body, status)


def _hal(value: Any, status: int) -> Answer:
    return Answer(status=status, headers=_HAL, body=orjson.dumps(value))


def _refusal(refused: Refused) -> Answer:
    return _hal(refused.body(), refused.status)
