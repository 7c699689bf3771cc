"""What one vendor's stand-in gives the sandbox server, and what the server hands it.

A twin is written from the vendor's published contract and fact sheet, never from our adapter: the two must be able to
disagree. It keeps its state in memory, takes time and chance from the ``World`` it is given, and reports every effect
(a payment, a shipment, an order, a message, a stock move) to the ledger at the moment it happens.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

import orjson
from multidict import CIMultiDictProxy, MultiMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request as the twin sees it, body read whole. ``path`` is without the vendor's prefix."""

    method: str
    path: str
    match: Mapping[str, str]  # path parameters of the route
    query: MultiMapping[str]
    headers: CIMultiDictProxy[str]
    body: bytes
    base_url: str  # how the caller addressed this vendor, e.g. "http://127.0.0.1:8060/acumatica"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. ``headers`` may repeat a name (Set-Cookie)."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """Return a JSON answer; a ``Decimal`` is written as a JSON number with its digits kept."""
        return cls(
            status=status,
            headers=(("Content-Type", "application/json"), *headers),
            body=orjson.dumps(value, default=_json_number),
        )


def _json_number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} has no JSON form")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """``limit`` requests in ``seconds``; counted per credential as the vendor does. Changed through the settings.

    ``operations`` names those it covers as the ledger calls them; () is all of them.
    """

    name: str
    limit: int
    seconds: float
    operations: tuple[str, ...] = ()

    def covers(self, operation: str) -> bool:
        """Return True when a request of the operation spends this quota."""
        return not self.operations or operation in self.operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one quota stands once a request was taken from it: what is left, and the seconds until its window ends."""

    quota: Quota
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Believable time to answer, in seconds, log-normal between ``median`` and ``p95``; nought outside demo mode."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyTells:
    """What only the body tells of a request: the ledger's row is completed with it, and a fault waits for it.

    ``operation`` returns one of ``operations``, or None for the route's own; ``idempotency_key`` is for vendors that
    have it in the body. Both must bear a body of any kind.
    """

    operations: Sequence[str] = ()
    operation: Callable[[Ask], str | None] = lambda ask: None
    idempotency_key: Callable[[Ask], str | None] = lambda ask: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``path`` in aiohttp's form below the vendor's prefix (``/v1/payment_intents/{id}/capture``).

    ``operation`` names the request in the ledger; a callable decides by the headers and the query alone, because a
    request is noted before its body is read (SOAP: by SOAPAction). ``counts`` is False for what spends no quota.
    """

    method: str
    path: str
    operation: str | Callable[[Ask], str]
    answer: Callable[[Ask], Awaitable[Answer]]
    counts: bool = True
    body: BodyTells | None = None


class Effects(Protocol):
    """The part of the ledger a twin writes to."""

    def effect(self, *, vendor: str, kind: str, reference: str, id: str, amount: str | None = None) -> None:
        """Note that something happened for good: kind is payment, refund, shipment, order, message, stock …"""


@dataclass(slots=True, kw_only=True)
class World:
    """Time, chance, settings and the ledger: all a twin may know of the outside."""

    now: Callable[[], float]  # Unix seconds; tests move it
    seed: int
    ledger: Effects
    demo: bool = False
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)  # vendor -> name -> value, changed at run time

    def chance(self, purpose: str) -> random.Random:
        """Return a generator of its own for one purpose, so that one twin's draws do not shift another's."""
        return random.Random(f"{self.seed}:{purpose}")

    def setting(self, vendor: str, name: str, default: Any) -> Any:
        """Return a setting as it stands now."""
        return self.settings.get(vendor, {}).get(name, default)


class Twin(Protocol):
    """One vendor's stand-in. Built with a ``World``."""

    name: str
    latency: Latency
    # May be overridden by the setting "quotas": [[name, limit, seconds], …]; a name known here keeps its operations.
    quotas: Sequence[Quota]

    def routes(self) -> Sequence[Route]:
        """Return the routes; the server adds the prefix, the ledger, faults, quotas and latency."""

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the vendor's own answer to one request too many, with that vendor's headers (or lack of them)."""

    def unavailable(self, status: int) -> Answer:
        """Return the vendor's own error body for an injected status (fault ``status:503``)."""

    def schema_broken(self, answer: Answer) -> Answer:
        """Return a good answer with one required field gone or of another type (fault ``schema``)."""


@runtime_checkable
class Metered(Protocol):
    """A twin whose quotas are counted apart for each credential; without this, one count serves the whole vendor.

    A short-lived bearer token is not the credential: name what it was issued to.
    """

    def credential(self, ask: Ask) -> str:
        """Return what the quotas are counted for, read from the headers and the query (the body is there too)."""


@runtime_checkable
class Announcing(Protocol):
    """A twin whose answers tell how its quotas stand, because the vendor's headers do."""

    def announce(self, answer: Answer, standings: Sequence[Standing]) -> Answer:
        """Return the answer with the vendor's headers; ``standings`` are the quotas that cover the request, in order.

        Not asked about what the server refuses for a quota: ``rate_limited`` answers that.
        """


@runtime_checkable
class Steered(Protocol):
    """A twin that tests may look into or change from outside; its routes stand below ``/_sandbox/<vendor>``."""

    def controls(self) -> Sequence[Route]:
        """Return the routes; they are no vendor's, so they are not noted in the ledger and know no fault or quota."""
