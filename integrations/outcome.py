"""The frozen facts of a call: what is sent, what came back, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar

import orjson

from integrations.errors import Fault, QuaysideError, SchemaDrift

Priority = Literal["interactive", "batch"]
Trigger = Literal["sync", "api", "user", "replay", "demo"]
CallOutcome = Literal["success", "error", "refused", "unknown"]
Pairs = Sequence[tuple[str, str]]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as an adapter wants it sent; the gateway adds the base URL, sign-in and trace headers.

    ``path`` is what goes on the wire below the base URL; ``template`` the same with ``{names}`` for what varies, and is
    what charts and logs group by. ``host`` names one of the vendor's further addresses; "" is its base URL, and so is
    every name where somebody has set a base URL of their own (the sandbox, a proxy). ``link`` is a whole address the
    vendor gave (a signed link to a file): it is used as it is, ``path`` then only names it in the record, and one that
    leads away from the vendor is LinkRefused. At most one of ``json``, ``form`` and ``content`` is given. ``step``
    names a request that is not the operation itself: sign_in, sign_out, poll or look_up. ``repeatable`` says that a
    second send does no harm (reads, upserts by key, natively idempotent writes); None takes it from the operation.
    """

    method: str
    path: str
    host: str = ""
    template: str = ""
    query: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Pairs | None = None
    content: bytes | None = None
    step: Literal["", "sign_in", "sign_out", "poll", "look_up"] = ""
    repeatable: bool | None = None
    signed: bool = True  # False: goes out without the vendor's sign-in (the sign-in itself, public files)
    link: str = ""
    cost: float = 1.0  # of the vendor's quota; 0: the vendor does not count it, and it waits for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole answer. Header names are lower case; a repeated header is joined with ``, `` except in ``cookies``."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict)
    _read: dict[Callable[[bytes], Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def read_by(self, reader: Callable[[bytes], Read]) -> Read:
        """Return what a reader makes of the body, made once for all who look at it; none of them may change it."""
        if reader not in self._read:
            self._read[reader] = reader(self.body)
        found: Read = self._read[reader]
        return found

    def text(self) -> str:
        """Return the body as UTF-8 text. Raise SchemaDrift when it is not."""
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SchemaDrift("The answer is not UTF-8 text.", field="body", status=self.status) from error

    def json(self) -> Any:
        """Return the body as JSON; a number with a fraction comes as float: use ``exact_json`` where digits matter."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise SchemaDrift("The answer is not JSON.", field="body", status=self.status) from error

    def exact_json(self) -> Any:
        """Return the body as JSON with every fractional number as Decimal, digits kept."""
        import json

        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise SchemaDrift("The answer is not JSON.", field="body", status=self.status) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an answer that is not a success is judged. A vendor's ``classify`` returns one, or None for a success.

    ``counts`` False: not the vendor's failing (our fault, a decline, throttling): the circuit ignores it.
    ``untouched`` True: the vendor certainly did nothing (429, 401), so a write may be sent again.
    ``expired`` True: the sign-in was refused; the gateway signs in anew and sends once more.
    ``business``: a business answer inside a success status; the error is BusinessFailed instead of HttpFailed.
    """

    error_type: str
    fault: Fault
    message: str
    retryable: bool = False
    retry_after: float | None = None
    counts: bool = True
    untouched: bool = False
    expired: bool = False
    business: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSeen:
    """What an answer said of a quota. ``reset`` is seconds from the answer. ``quota`` names the vendor's policy."""

    quota: str
    limit: float | None = None
    remaining: float | None = None
    reset: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What a call gives back. ``value`` is of the operation's result type."""

    value: Any
    vendor: str  # who answered; another than asked when a fallback did
    operation: str
    correlation_id: str
    call_id: str
    stale: bool = False  # a cached answer, as old as ``age`` seconds
    age: float = 0.0
    answered: bool = True  # False: nobody did, and ``value`` says that it is not known
    replayed: bool = False  # the stored result of an earlier call with the same key
    cause: QuaysideError | None = None  # why a fallback answered; None: who was asked did
