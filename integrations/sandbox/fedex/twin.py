"""FedEx's twin: tokens, transaction ids, gzip and error bodies around rates, shipments and tracking.

Settings: ``token_seconds`` (3599), ``token_penalty_seconds`` (600), ``tracking_speed`` (1), ``reference_lag_seconds``
(0), ``reused_numbers`` (false), ``gzip`` ("asked", "always" or "never").
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import orjson

from integrations.sandbox.fedex.checks import Reader
from integrations.sandbox.fedex.errors import Refused, unavailable
from integrations.sandbox.fedex.quotes import quote
from integrations.sandbox.fedex.shipments import Shipments
from integrations.sandbox.fedex.tokens import Tokens
from integrations.sandbox.fedex.tracking import Tracking
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_MEDIA_TYPES = {"PDF": "application/pdf", "PNG": "image/png", "ZPLII": "text/plain", "EPL2": "text/plain"}

Handler = Callable[[Reader, Ask], dict[str, Any]]


class FedexTwin:
    """One FedEx project; any client id and secret open it."""

    name = "fedex"
    latency = Latency(median=0.35, p95=0.9)
    # Per project; the daily one per organisation, until midnight GMT (developer.fedex.com, rate limits).
    quotas: Sequence[Quota] = (
        Quota(name="transactions", limit=1400, seconds=10.0),
        Quota(name="daily", limit=500_000, seconds=86_400.0),
        Quota(name="tracking_daily", limit=100_000, seconds=86_400.0, operations=("track_shipment", "look_up")),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"fedex.transactions:{world.now():.0f}")
        self._tokens = Tokens(world)
        self._shipments = Shipments(world)
        self._tracking = Tracking(world, self._shipments)

    def __repr__(self) -> str:
        return f"<FedexTwin {self._tokens!r} {self._shipments!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the token endpoint, the operations, and the labels that ``URL_ONLY`` points at."""
        return (
            Route(method="POST", path="/oauth/token", operation="sign_in", answer=self._sign_in, counts=False),
            self._route("POST", "/rate/v1/rates/quotes", "quote_rates", lambda body, _: quote(self._world, body)),
            self._route(
                "POST",
                "/ship/v1/shipments",
                "create_shipment",
                lambda body, ask: self._shipments.create(body, ask.base_url),
            ),
            self._route(
                "PUT", "/ship/v1/shipments/cancel", "cancel_shipment", lambda body, _: self._shipments.cancel(body)
            ),
            self._route(
                "POST", "/track/v1/trackingnumbers", "track_shipment", lambda body, _: self._tracking.by_number(body)
            ),
            self._route(
                "POST", "/track/v1/referencenumbers", "look_up", lambda body, _: self._tracking.by_reference(body)
            ),
            Route(
                method="GET",
                path="/document/v2/labels/{number}",
                operation="get_label",
                answer=self._label,
                counts=False,
            ),
        )

    def credential(self, ask: Ask) -> str:
        """Return the project a request's token was issued to."""
        return self._tokens.holder(ask) or ""

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return FedEx's 429: no header says how long to wait."""
        return self._refusal(unavailable(429), None)

    def unavailable(self, status: int) -> Answer:
        """Return FedEx's error body for a status."""
        return self._refusal(unavailable(status), None)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its ``output`` gone and what was in it one level too high."""
        headers = {name.lower(): value for name, value in answer.headers}
        body = gzip.decompress(answer.body) if headers.get("content-encoding") == "gzip" else answer.body
        value = orjson.loads(body) if body[:1] == b"{" else {}
        output = value.pop("output", None)
        if output is None:
            value.pop("access_token", None)
        else:
            value.update(output)
        return Answer.json(value, answer.status)

    async def _sign_in(self, ask: Ask) -> Answer:
        try:
            return Answer.json(self._tokens.issue(ask))
        except Refused as refused:
            return self._refusal(refused, None)

    async def _label(self, ask: Ask) -> Answer:
        found = self._shipments.documents.get(ask.match["number"])
        if found is None:
            return self._refusal(unavailable(404), None)
        return Answer(headers=(("Content-Type", _MEDIA_TYPES[found[0]]),), body=found[1])

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            customer = ask.headers.get("x-customer-transaction-id")
            try:
                self._tokens.check(ask)
                output = handler(_body(ask), ask)
            except Refused as refused:
                return self._packed(ask, self._refusal(refused, customer))
            value: dict[str, Any] = {"transactionId": self._transaction_id()}
            if customer:
                value["customerTransactionId"] = customer
            value["output"] = output
            return self._packed(ask, Answer.json(value))

        return Route(method=method, path=path, operation=operation, answer=answer)

    def _refusal(self, refused: Refused, customer: str | None) -> Answer:
        value: dict[str, Any] = {"transactionId": self._transaction_id()}
        if customer and refused.status not in (401, 403, 404):  # those bodies leave it out, says the contract
            value["customerTransactionId"] = customer
        value["errors"] = [refused.error]
        return Answer.json(value, refused.status)

    def _transaction_id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _packed(self, ask: Ask, answer: Answer) -> Answer:
        mode = self._world.setting("fedex", "gzip", "asked")
        asked = "gzip" in ask.headers.get("Accept-Encoding", "").lower()
        if mode == "never" or (mode == "asked" and not asked):
            return answer
        headers = (*answer.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
        return Answer(status=answer.status, headers=headers, body=gzip.compress(answer.body, 1, mtime=0))


def _body(ask: Ask) -> Reader:
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(
            "UNSUPPORTED.MEDIA.TYPE.ERROR", "Content type must be application/json.", status=415, field="content-type"
        )
    try:
        return Reader(orjson.loads(ask.body))
    except orjson.JSONDecodeError:
        raise Refused("INVALID.INPUT.EXCEPTION", "Invalid field value in the input: the body is not JSON.") from None
