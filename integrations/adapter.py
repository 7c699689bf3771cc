"""What a vendor file declares, and what it is given to work with.

A vendor file holds one ``Vendor`` (facts), its ``Operation``s, and one ``Adapter`` subclass with a method per
operation: ``async def quote_rates(self, exchange, shipment) -> list[RateQuote]``. The method builds the vendor's
request, sends it with ``exchange.send``, and turns the answer into our types; nothing else. Retry, circuit, quota,
sign-in, record and idempotency happen inside ``send`` and around the method, the same for all vendors.

A write without a key of the vendor's own may have a look-up, ``async def look_up_<operation>(self, exchange, value)``:
it returns the result when the vendor did it, None when it is proven that the vendor did not, and raises when it cannot
tell. Without one, a lost answer stays unknown until a person settles it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol

import orjson
from pydantic import BaseModel

from integrations.errors import InvalidInput, MissingCredential, QuaysideError, Unsupported
from integrations.outcome import QuotaSeen, Request, Response, Verdict

Region = Literal["worldwide", "north_america", "europe", "middle_east", "asia_pacific"]


class Idempotency(StrEnum):
    """What makes a second send harmless."""

    READ = "read"  # nothing is written
    NATURAL = "natural"  # writing the same twice is writing it once (an update by key)
    NATIVE = "native"  # the vendor honours an idempotency key
    OURS = "ours"  # only our claim and the adapter's look-up prevent a duplicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What answers when the vendor cannot. ``max_age`` in seconds bounds a cached answer; ``then_cached`` lets one answer
    when the other vendor cannot either."""

    kind: Literal["cached", "vendor"]
    vendor: str = ""
    max_age: float = 3600.0
    then_cached: bool = False

    @property
    def keeps_answers(self) -> bool:
        """Whether an answer may be asked for again later."""
        return self.kind == "cached" or self.then_cached


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One named thing a vendor can do. Durations in seconds."""

    name: str
    input: type[BaseModel]
    result: Any  # a type pydantic can validate and describe
    example: Mapping[str, Any]  # an input that succeeds against the sandbox
    idempotency: Idempotency = Idempotency.READ
    reference: str = ""  # the input's field the default idempotency key is made of
    fallback: Fallback | None = None
    deadline: float = 45.0  # the whole call, retries and waits included
    attempt_timeout: float = 15.0
    max_attempts: int = 3  # the first included
    looks_first: bool = False  # its method looks whether it has happened, so at any age it may be done again
    supported: bool = True  # False: the vendor cannot do what others of its kind do, and its method raises Unsupported

    @property
    def writes(self) -> bool:
        return self.idempotency is not Idempotency.READ

    @property
    def repeatable(self) -> bool:
        return self.idempotency is not Idempotency.OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential or account setting, read from ``QUAYSIDE_<VENDOR>_<NAME>``; ``sandbox`` is what the sandbox takes."""

    name: str  # e.g. "CLIENT_ID"
    sandbox: str
    required: bool = True
    secret: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaPolicy:
    """``limit`` permits in ``seconds``. Paced spreads them evenly; counted lets them be spent at once (long windows).

    ``operations`` names those it covers (and steps: sign_in, sign_out, poll, look_up); () is all of them.
    """

    name: str
    limit: float
    seconds: float
    paced: bool = True
    operations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.limit <= 0 or self.seconds <= 0:
            raise ValueError(f"quota {self.name}: limit and seconds must be above 0")

    def covers(self, operation: str) -> bool:
        """Return True when a request of the operation (or step) spends this quota."""
        return not self.operations or operation in self.operations


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How the vendor knows us. ``token``: one token shared by all processes until it expires. ``session``: opened for a
    stretch of work, closed at its end, at most ``slots`` at once over all processes. ``header`` is the one that carries
    what the sign-in gave, for people to read; ``authorization`` takes it as a bearer."""

    kind: Literal["token", "session"]
    header: str = "authorization"
    slots: int = 1
    slot_seconds: float = 600.0  # after this the vendor itself frees the slot of a session left open


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a sign-in gave: headers for the requests that follow. Never logged, stored only sealed."""

    headers: Mapping[str, str] = field(repr=False)
    expires_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoapService:
    """A SOAP service: the WSDL's bytes (shipped beside the adapter), the binding's QName and the path below the base."""

    name: str
    wsdl: bytes = field(repr=False)
    binding: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook delivery as it came. ``url`` is the public one the vendor called; header names are lower case."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime

    def json(self) -> Any:
        """Return the body as JSON; only what is proven to be the vendor's is worth reading. Raise InvalidInput."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise InvalidInput("The delivery is not JSON.", field="body") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorEvent:
    """One event of a delivery that was proven to be the vendor's.

    ``id`` is what the vendor itself tells one event from another by: a repeated delivery has the same. ``data`` is what
    may be kept, names and values that are neither personal nor secret. ``resource`` is the vendor's id of what changed,
    ``reference`` ours where the event carries it.
    """

    id: str
    type: str
    occurred_at: datetime | None = None
    resource: str = ""
    reference: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """That the vendor sends events, and the credential its signature is checked with. ``events`` are those we use."""

    credential: str  # its name, e.g. "WEBHOOK_SECRET"; an optional one, and without it deliveries are refused
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """The facts of one vendor."""

    name: str  # registry key
    label: str  # as people write it
    kind: Literal["shipping", "payments", "tax", "currency", "erp", "store", "fraud", "messages", "marketing"]
    base_url: str  # production; "" where every customer has their own
    hosts: Mapping[str, str] = field(default_factory=dict)  # further addresses by name, for ``Request.host``
    file_hosts: Sequence[str] = ()  # domains the vendor's links to files lead to, for ``Request.link``
    docs_url: str
    operations: Sequence[Operation]
    check: str  # the operation that proves the credential cheaply, called with its example
    credentials: Sequence[Credential] = ()
    quotas: Sequence[QuotaPolicy] = ()
    concurrency: int | None = None  # requests in flight at once, over all processes
    sign_in: SignIn | None = None
    kept_fields: frozenset[str] = frozenset()  # names whose values may stand in a recorded body; all else is masked
    request_id_header: str = ""  # the vendor's id of a request, lower case
    slow_call_duration: float = 10.0  # seconds; slower counts as slow for the circuit
    webhook: Webhook | None = None
    region: Region = "worldwide"  # where it is used, for people who look at one market
    version_headers: tuple[str, ...] = ()  # of its answers, lower case: which version of its API answered
    key_kept: float | None = None  # seconds it honours an idempotency key; a claim of ours then stands beside its own
    happened_before: frozenset[str] = frozenset()  # error types that say: an earlier write of this reference happened

    def operation(self, name: str) -> Operation | None:
        return next((operation for operation in self.operations if operation.name == name), None)


class Exchange(Protocol):
    """What an adapter's method works with during one call."""

    operation: Operation
    idempotency_key: str | None  # to be sent where the vendor honours one

    async def send(self, request: Request) -> Response:
        """Send one request, with retry, circuit, quota, sign-in and record. Raise CallFailed or CallRefused."""

    async def soap(self, service: SoapService, operation: str, message: Mapping[str, Any]) -> Any:
        """Send one SOAP request the same way; return zeep's object of the answer. A SOAP Fault is BusinessFailed."""

    async def sleep(self, seconds: float) -> None:
        """Wait between polls. Raise TransportFailed (deadline) when the call's deadline would pass."""

    async def events(self, reference: str) -> Sequence[VendorEvent]:
        """Return what this vendor has pushed to us about a reference of ours, oldest first.

        For the look-up of a write at a vendor that can only be heard, not asked. Raise StoreIsUnavailable.
        """

    def now(self) -> datetime:
        """Return the time, aware, UTC."""

    def remaining(self) -> float:
        """Return the seconds left until the call's deadline."""


class Adapter:
    """Base of all adapters; a vendor overrides what differs and nothing else."""

    vendor: ClassVar[Vendor]

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Take the credentials by name (``{"CLIENT_ID": "…"}``), defaults already filled in."""
        self._settings = settings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.vendor.name}>"

    def credential(self, name: str) -> str:
        """Return a credential. Raise MissingCredential with the name of the setting."""
        value = self._settings.get(name, "")
        if not value:
            setting = f"QUAYSIDE_{self.vendor.name.upper()}_{name}"
            raise MissingCredential(f"{setting} is not set; set it in the environment or in .env.")
        return value

    def setting(self, name: str) -> str:
        """Return an optional setting, '' when it is not set."""
        return self._settings.get(name, "")

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the headers that prove who we are; by default those of the sign-in."""
        return access.headers if access else {}

    def circuit(self, request: Request) -> str:
        """Return the circuit a request belongs to; by default there is one for the vendor."""
        return self.vendor.name

    @classmethod
    def probe(cls, circuit: str) -> Mapping[str, Any]:
        """Return the input with which the vendor's ``check`` proves a circuit; by default its example."""
        operation = cls.vendor.operation(cls.vendor.check)
        return operation.example if operation else {}

    def unanswered(self, operation: Operation, asked: Any, error: QuaysideError, now: datetime) -> Any:
        """Return what an operation with a fallback answers when neither the vendor nor the fallback did.

        For a result that can say itself that it is not known. None, the default, leaves the call with its error; the
        call is recorded as failed either way.
        """
        return None

    async def sign_in(self, exchange: Exchange) -> Access:
        """Sign in. Only called when the vendor declares a SignIn."""
        raise InvalidInput(f"{self.vendor.label} needs no sign-in.")

    async def sign_out(self, exchange: Exchange, access: Access) -> None:
        """Close a session. Only called for SignIn(kind="session")."""

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the events of a delivery, in its order; () for a greeting that needs no more than an answer.

        Raise DeliveryRefused when the delivery is not proven to be the vendor's, InvalidInput when it cannot be read.
        Only called when the vendor declares a Webhook. ``exchange`` is for a vendor that has to be asked.
        """
        raise Unsupported(f"{self.vendor.label} sends no events that we use.", field="vendor")

    def classify(self, request: Request, response: Response) -> Verdict | None:
        """Judge an answer: None is a success. Override for the vendor's own errors and fall back on this table."""
        from integrations.classify import by_status

        return by_status(self.vendor.label, response)

    def quotas_seen(self, response: Response) -> Sequence[QuotaSeen]:
        """Return what the answer says of the quotas; by default the IETF RateLimit headers."""
        from integrations.classify import ratelimit_headers

        return ratelimit_headers(response)
