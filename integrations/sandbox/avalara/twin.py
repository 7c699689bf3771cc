"""AvaTax's twin: credentials, bodies and headers around the transactions and the addresses.

Settings: ``companies`` (["DEFAULT"]; the first is the default one), ``nexus`` (where the company is registered: "US-TX",
"GB"; elsewhere no tax is owed), ``retry_after`` (false; whether a 429 says how long to wait, which no page promises),
``force_timeout_seconds`` (30; how long ``$include=ForceTimeout`` takes before its error), ``concurrent_requests`` (0: no
limit; more at once are refused as ConcurrentRequestLimitExceeded) and ``processing_seconds`` (0; how long each request
takes, so that some can be at once).
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from integrations.sandbox.avalara import access, addresses, lists, models, samples, shapes
from integrations.sandbox.avalara.documents import Document, Documents
from integrations.sandbox.avalara.errors import Nowhere, Refused, bad_enum, required, unavailable
from integrations.sandbox.avalara.refunds import refund_of
from integrations.sandbox.twin import Answer, Ask, BodyTells, Latency, Quota, Route, World

_TRANSACTIONS = "/api/v2/companies/{company}/transactions"
_ONE = f"{_TRANSACTIONS}/{{code}}"
_ENCODED = {"_-ava2f-_": "/", "_-ava2b-_": "+", "_-ava3f-_": "?", "_-ava25-_": "%", "_-ava23-_": "#"}
_CREATED = "Create or adjust transaction"  # the description when createoradjust is given no reason (recorded)

Act = Callable[[Ask], Answer]


class AvalaraTwin:
    """One test account with the companies of the settings; every well-formed credential opens it."""

    name = "avalara"
    latency = Latency(median=0.16, p95=0.55)
    # Avalara publishes no numbers and no headers; this is ours.
    quotas: Sequence[Quota] = (Quota(name="requests", limit=1_000, seconds=60.0),)

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = random.Random(f"{world.seed}:avalara:correlation:{world.now():.0f}")
        self._documents = Documents(world)
        self._running = 0
        samples.make_past(self._documents, world)

    def __repr__(self) -> str:
        return f"<AvalaraTwin {self._documents!r}, {self._running} running>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints a shop needs, and the paths that look like one and are nowhere."""
        tells = BodyTells(operations=("commit_tax",), operation=_is_stored)
        inner = BodyTells(operations=("commit_tax",), operation=_is_stored_inside)
        return (
            Route(method="GET", path="/api/v2/utilities/ping", operation="look_up", answer=self._ping),
            self._route("GET", "/api/v2/companies", "look_up", self._companies),
            self._route("POST", "/api/v2/transactions/create", "quote_tax", self._create, body=tells),
            self._route("POST", "/api/v2/transactions/createoradjust", "quote_tax", self._create_or_adjust, body=inner),
            self._route("GET", "/api/v2/transactions/{id}", "look_up", self._get_by_id),
            self._route("GET", _TRANSACTIONS, "look_up", self._list),
            self._route("GET", _ONE, "look_up", self._get),
            self._route("POST", f"{_ONE}/commit", "commit_tax", self._commit),
            self._route("POST", f"{_ONE}/void", "void_tax", self._void),
            self._route("POST", f"{_ONE}/adjust", "adjust_tax", self._adjust),
            self._route("POST", f"{_ONE}/refund", "refund_tax", self._refund),
            self._route("GET", "/api/v2/addresses/resolve", "resolve_address", self._resolve_query),
            self._route("POST", "/api/v2/addresses/resolve", "resolve_address", self._resolve_body),
            # An empty company or code, and a code with a slash that was not encoded the vendor's way.
            self._route("GET", "/api/v2/companies/{nowhere:.*}", "look_up", _nowhere),
            self._route("POST", "/api/v2/companies/{nowhere:.*}", "look_up", _nowhere),
        )

    def credential(self, ask: Ask) -> str:
        """Return the account or user, '' for none that is accepted."""
        found = access.caller(ask)
        return found.name if found is not None else ""

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429 (RateLimitExceededError); with ``Retry-After`` in whole seconds only where the setting wants it."""
        wait = bool(self._world.setting(self.name, "retry_after", False))
        headers = (("Retry-After", str(max(1, -int(-retry_after // 1)))),) if wait else ()
        return self._refusal(unavailable(429), headers)

    def unavailable(self, status: int) -> Answer:
        """Return AvaTax's error body for a status."""
        return self._refusal(unavailable(status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without its tax, its status, its addresses, its records or its truth."""
        if not answer.body:
            return answer
        value = orjson.loads(answer.body)
        for name in ("totalTax", "validatedAddresses", "value", "authenticated"):
            value.pop(name, None)
        if "status" in value:
            value["status"] = 4
        kept = [(name, text) for name, text in answer.headers if name.lower() != "content-type"]
        return Answer.json(value, answer.status, kept)

    # One request, from its headers to its answer

    def _route(self, method: str, path: str, operation: str, act: Act, *, body: BodyTells | None = None) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                access.check(ask)
                return self._headed(await self._admitted(ask, act))
            except Refused as refused:
                return self._refusal(refused)
            except Nowhere:
                return self._headed(Answer(status=404))

        return Route(method=method, path=path, operation=operation, answer=answer, body=body)

    async def _admitted(self, ask: Ask, act: Act) -> Answer:
        """Run a request; raises ``Refused`` when too many run already or a timeout is asked for."""
        most = int(self._world.setting(self.name, "concurrent_requests", 0))
        if most and self._running >= most:
            message = "Too many requests of this account run at once."
            raise Refused("ConcurrentRequestLimitExceeded", message, message, status=429, target="Unknown")
        self._running += 1
        try:
            if (
                ask.path.startswith("/api/v2/transactions/create")
                and "forcetimeout" in ask.query.get("$include", "").lower()
            ):
                await asyncio.sleep(float(self._world.setting(self.name, "force_timeout_seconds", 30)))
                raise _timeout(ask.query["$include"])
            seconds = float(self._world.setting(self.name, "processing_seconds", 0))
            if seconds > 0:
                await asyncio.sleep(seconds)
            return act(ask)
        finally:
            self._running -= 1

    async def _ping(self, ask: Ask) -> Answer:
        return self._headed(Answer.json(access.ping(ask)))

    def _refusal(self, refused: Refused, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        return self._headed(Answer.json(refused.body(), refused.status, headers))

    def _headed(self, answer: Answer) -> Answer:
        """Return the answer with the headers every one of AvaTax's has: the official client needs the first."""
        correlation = str(uuid.UUID(int=self._draw.getrandbits(128), version=4))
        headers = (
            ("x-correlation-id", correlation),
            ("x-avalara-uid", correlation),
            ("serverduration", f"00:00:00.{self._draw.randrange(10_000, 900_000):07d}"),
            ("api-supported-versions", "2.0"),
        )
        return Answer(status=answer.status, headers=(*answer.headers, *headers), body=answer.body)

    def _shown(self, ask: Ask, document: Document, status: int = 200, *, messages: bool = False) -> Answer:
        value = shapes.transaction(document, shapes.include(ask.query.get("$include")))
        if messages:
            value["messages"] = []
        location = f"/api/v2/companies/{document.company_id}/transactions/{document.id}"
        return Answer.json(value, status, (("Location", location),))

    # The operations

    def _companies(self, ask: Ask) -> Answer:
        return Answer.json(lists.companies(self._documents, ask))

    def _create(self, ask: Ask) -> Answer:
        return self._shown(ask, self._documents.create(models.read_transaction(models.decode(ask.body))), 201)

    def _create_or_adjust(self, ask: Ask) -> Answer:
        body = models.read(models.CREATE_OR_ADJUST, models.decode(ask.body))
        sale = body["createTransactionModel"]
        if sale is None:
            raise required("createTransactionModel")
        given = body["adjustmentReason"]
        explanation = body["adjustmentDescription"] or ("" if given else _CREATED)
        document, new = self._documents.create_or_adjust(sale, given or "Other", explanation)
        return self._shown(ask, document, 201 if new else 200)

    def _get(self, ask: Ask) -> Answer:
        return self._shown(ask, self._named(ask, kind="Transaction"))

    def _get_by_id(self, ask: Ask) -> Answer:
        return self._shown(ask, self._documents.by_id(ask.match["id"]))

    def _list(self, ask: Ask) -> Answer:
        return Answer.json(lists.transactions(self._documents, ask, _decoded(ask.match["company"]), self._world.now()))

    def _commit(self, ask: Ask) -> Answer:
        body = models.read(models.COMMIT, models.decode(ask.body))
        if body["commit"] is None:
            raise required("commit")
        document = self._named(ask)
        return self._shown(ask, self._documents.commit(document) if body["commit"] else document)

    def _void(self, ask: Ask) -> Answer:
        body = models.read(models.VOID, models.decode(ask.body))
        if body["code"] is None:
            raise required("code")
        return self._shown(ask, self._documents.void(self._named(ask)), messages=True)

    def _adjust(self, ask: Ask) -> Answer:
        body = models.read(models.ADJUST, models.decode(ask.body))
        for name in ("adjustmentReason", "newTransaction"):
            if body[name] is None:
                raise required(name)
        explanation = body["adjustmentDescription"] or ""
        document = self._named(ask)
        return self._shown(
            ask, self._documents.adjust(document, body["newTransaction"], body["adjustmentReason"], explanation)
        )

    def _refund(self, ask: Ask) -> Answer:
        body = models.read(models.REFUND, models.decode(ask.body))
        document = self._named(ask)
        by_tax_date = ask.query.get("useTaxDateOverride", "").lower() == "true"
        return self._shown(
            ask, self._documents.refund(document, refund_of(document, body, by_tax_date=by_tax_date)), 201
        )

    def _resolve_query(self, ask: Ask) -> Answer:
        asked: dict[str, Any] = {name: value or None for name, value in ask.query.items()}
        return Answer.json(addresses.resolve(models.read(models.RESOLVE, asked)))

    def _resolve_body(self, ask: Ask) -> Answer:
        return Answer.json(addresses.resolve(models.read(models.RESOLVE, models.decode(ask.body))))

    def _named(self, ask: Ask, *, kind: str = "Document") -> Document:
        company, code = _decoded(ask.match["company"]), _decoded(ask.match["code"])
        return self._documents.find(company, code, _document_type(ask), kind=kind)


def _nowhere(ask: Ask) -> Answer:
    raise Nowhere


def _decoded(segment: str) -> str:
    """Return a code from a path.

    Only the vendor's own encoding carries ``/ + ? % #``; what arrives as one of them any other way is read as a blank, so
    that the code is not found (the vendor says that they must be encoded; what happens otherwise is unconfirmed).
    """
    text = segment.translate(str.maketrans("+?%#", "    "))
    for encoded, letter in _ENCODED.items():
        text = text.replace(encoded, letter)
    return text


def _document_type(ask: Ask) -> str | None:
    """Return the type of document asked for, by name or number; raises ``Refused`` for another."""
    text = ask.query.get("documentType", "")
    if not text:
        return None
    if text.lower() in ("any", "-1"):
        return "Any"
    if text.isascii() and text.isdecimal() and int(text) < len(models.DOCUMENT_TYPES):
        return models.DOCUMENT_TYPES[int(text)]
    found = next((name for name in models.DOCUMENT_TYPES if name.lower() == text.lower()), None)
    if found is None:
        raise bad_enum("documentType", text, (*models.DOCUMENT_TYPES, "Any"))
    return found


def _timeout(asked: str) -> Refused:
    return Refused(
        "TimeoutRequested",
        "You requested a timeout error for this API call.",
        f"You passed the parameter `$include={asked}` to this API.  The `ForceTimeout` include option simulates a timeout "
        "error to make tests easier.  To stop receiving this error code, remove the word `ForceTimeout`.",
        target="HttpRequest",
    )


def _member(value: Any, wanted: str) -> Any:
    if not isinstance(value, dict):
        return None
    return next((member for name, member in value.items() if name.lower() == wanted), None)


def _names_invoice(value: Any) -> str | None:
    kind = _member(value, "type")
    if isinstance(kind, int) and 0 <= kind < len(models.DOCUMENT_TYPES):
        kind = models.DOCUMENT_TYPES[kind]
    return "commit_tax" if isinstance(kind, str) and kind.lower().endswith("invoice") else None


def _is_stored(ask: Ask) -> str | None:
    """Return commit_tax for a document that is stored; an estimate keeps the route's own name."""
    return _names_invoice(_body_of(ask))


def _is_stored_inside(ask: Ask) -> str | None:
    return _names_invoice(_member(_body_of(ask), "createtransactionmodel"))


def _body_of(ask: Ask) -> Any:
    try:
        return models.decode(ask.body)
    except Refused:
        return None
