"""Tap's twin: keys, bodies, and the string of idempotency around the endpoints.

Settings: those of ``transactions``, ``refunds`` and ``lists``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from integrations.sandbox.tap import fields
from integrations.sandbox.tap.account import Account, Call, Object
from integrations.sandbox.tap.customer import Customer
from integrations.sandbox.tap.errors import Refused
from integrations.sandbox.tap.idempotency import Keys, string_in
from integrations.sandbox.tap.lists import Lists
from integrations.sandbox.tap.refunds import Refunds
from integrations.sandbox.tap.samples import Samples
from integrations.sandbox.tap.transactions import Transactions
from integrations.sandbox.twin import Answer, Ask, BodyTells, Latency, Quota, Route, World

_SECRET = re.compile(r"sk_test_\w+", re.ASCII)
_PUBLIC = re.compile(r"pk_test_\w+", re.ASCII)
_CHARGES, _AUTHORIZE, _REFUNDS = "/v2/charges", "/v2/authorize", "/v2/refunds"
_PAGE = "/test_gosell/v2/payment/tap_process.aspx"
_STATUS_CODES = {401: "2104", 404: "2102", 405: "2102", 500: "9999", 502: "2101", 503: "2101", 504: "2101"}

Handler = Callable[[Call], Object]


class TapTwin:
    """One merchant in test mode; every well-formed test key opens it."""

    name = "tap"
    latency = Latency(median=0.35, p95=1.1)
    # Tap publishes no numbers; this is ours.
    quotas: Sequence[Quota] = (Quota(name="requests", limit=600, seconds=60.0),)

    def __init__(self, world: World) -> None:
        self._account = Account(world)
        self._keys = Keys(world.now)
        self._transactions = Transactions(self._account)
        self._refunds = Refunds(self._account, self._transactions)
        self._lists = Lists(self._account)
        self._customer = Customer(self._account, self._transactions)
        self._samples = Samples(self._account, self._transactions)
        self._samples.make_history()

    def __repr__(self) -> str:
        return f"<TapTwin {self._account!r} {self._keys!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints the shop uses, a trailing slash allowed, and the page where a customer pays."""
        made, refunds, lists, customer = self._transactions, self._refunds, self._lists, self._customer
        charge = BodyTells(operations=("capture_payment",), operation=_is_capture, idempotency_key=_key_of)
        keyed = BodyTells(idempotency_key=_key_of)
        found = (
            self._route("POST", _CHARGES, "create_payment", made.charge, kind="charge", body=charge),
            self._route("POST", f"{_CHARGES}/list", "list_transactions", lists.charges),
            self._route("GET", f"{_CHARGES}/{{id}}", "get_payment", made.get_charge),
            self._route("PUT", f"{_CHARGES}/{{id}}", "update_payment", made.change_charge),
            self._route("POST", _AUTHORIZE, "create_payment", made.authorize, kind="authorize", body=keyed),
            self._route("GET", f"{_AUTHORIZE}/{{id}}", "get_payment", made.get_authorize),
            self._route("PUT", f"{_AUTHORIZE}/{{id}}", "update_payment", made.change_authorize),
            self._route("POST", f"{_AUTHORIZE}/{{id}}/void", "cancel_payment", made.void),
            self._route("POST", _REFUNDS, "refund_payment", refunds.create, kind="refund", body=keyed),
            self._route("POST", f"{_REFUNDS}/list", "list_transactions", lists.refunds),
            self._route("GET", f"{_REFUNDS}/{{id}}", "look_up", refunds.retrieve),
            self._route("PUT", f"{_REFUNDS}/{{id}}", "update_refund", refunds.change),
            self._route("POST", "/v2/tokens", "create_token", customer.tokenize, public=True),
        )
        slashed = (
            Route(
                method=route.method,
                path=f"{route.path}/",
                operation=route.operation,
                answer=route.answer,
                body=route.body,
            )
            for route in found
        )
        page = (
            Route(method="GET", path=_PAGE, operation="pay", answer=customer.show, counts=False),
            Route(method="POST", path=_PAGE, operation="pay", answer=customer.pay, counts=False),
        )
        return (*found, *slashed, *page)

    def credential(self, ask: Ask) -> str:
        """Return the key."""
        return _bearer(ask)

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return Tap's 429: no headers; that its code is the status, is unconfirmed."""
        return self.unavailable(429)

    def unavailable(self, status: int) -> Answer:
        """Return Tap's error object for a status."""
        if status == 429:
            return _refusal(Refused("429", 429, "Too Many Requests"))
        return _refusal(Refused(_STATUS_CODES.get(status, "1103" if status < 500 else "9999"), status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its list or status gone and its amount as text."""
        value = orjson.loads(answer.body) if answer.body.startswith(b"{") else None
        if not isinstance(value, dict):
            return answer
        for name in ("charges", "refunds", "status"):
            if value.pop(name, None) is not None:
                break
        if "amount" in value:
            value["amount"] = f"{value['amount']} {value.get('currency', '')}"
        return Answer.json(value, answer.status)

    # One request, from its headers to its answer

    def _route(
        self,
        method: str,
        path: str,
        operation: str,
        handler: Handler,
        *,
        kind: str = "",
        body: BodyTells | None = None,
        public: bool = False,
    ) -> Route:
        """Return a route; one with a ``kind`` keeps its answers under the string of idempotency."""

        async def answer(ask: Ask) -> Answer:
            try:
                _check_key(ask, public=public)
                call = Call(body=fields.decode(ask.body), match=dict(ask.match), base_url=ask.base_url)
                self._account.catch_up()
                for id in _named(call):
                    self._samples.make_for(id, ask.base_url)
                key = string_in(call.body) if kind else None
                if key is None:
                    return Answer.json(handler(call))
                kept = self._keys.kept(_bearer(ask), kind, key)
                if kept is None:
                    kept = Answer.json(handler(call))
                    self._keys.keep(_bearer(ask), kind, key, kept)
                return kept
            except Refused as refused:
                return _refusal(refused)

        return Route(method=method, path=path, operation=operation, answer=answer, body=body)


def _named(call: Call) -> list[str]:
    """Return the ids a request names, wherever they stand."""
    source = call.body.get("source")
    inside = source.get("id") if isinstance(source, dict) else None
    return [str(one) for one in (call.match.get("id"), call.body.get("charge_id"), inside) if one]


def _bearer(ask: Ask) -> str:
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme == "Bearer" else ""


def _check_key(ask: Ask, *, public: bool) -> None:
    """Raise ``Refused`` 401 unless the key opens the endpoint; only tokens can be made with a public one."""
    key = _bearer(ask)
    if not key:
        raise Refused("2107")
    if "invalid" in key.lower():
        raise Refused("2104")
    if _PUBLIC.fullmatch(key):
        if not public:
            raise Refused("2106")
    elif key.startswith(("sk_live_", "pk_live_")):
        raise Refused("1101")
    elif not _SECRET.fullmatch(key):
        raise Refused("2104")


def _body_of(ask: Ask) -> Any:
    try:
        return fields.decode(ask.body)
    except Refused:
        return {}


def _is_capture(ask: Ask) -> str | None:
    source = _body_of(ask).get("source")
    id = source.get("id") if isinstance(source, dict) else None
    return "capture_payment" if isinstance(id, str) and id.startswith("auth_") else None


def _key_of(ask: Ask) -> str | None:
    return string_in(_body_of(ask))


def _refusal(refused: Refused) -> Answer:
    return Answer.json(refused.body(), refused.status)
