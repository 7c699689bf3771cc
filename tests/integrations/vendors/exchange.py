"""An exchange without a network, for the tests of every adapter: it notes the requests and answers from a list.

An answer of the list is a ``Response``, an error to raise, or a function of the request that returns either. A
``Response`` is judged by the adapter's own ``classify`` and raised as the error the gateway would make of it. SOAP
takes the same road, so an adapter's SOAP requests stand in ``requests`` as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson

from integrations.adapter import Access, Adapter, Operation, SoapService, VendorEvent
from integrations.errors import BusinessFailed, CallFailed, HttpFailed, LinkRefused, TransportFailed
from integrations.links import stays_with_vendor
from integrations.outcome import Request, Response, Verdict

Answer = Response | Exception | Callable[[Request], Response | Exception]
NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)


def answer(
    body: Any = b"", status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> Response:
    """Return a Response; a body that is neither bytes nor text is written as JSON."""
    if isinstance(body, str):
        body = body.encode()
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    lowered = {name.lower(): value for name, value in (headers or {}).items()}
    return Response(status=status, headers={"content-type": content_type, **lowered}, body=content)


def body_of(request: Request) -> bytes:
    """Return the bytes of a request's body."""
    if request.json is not None:
        return orjson.dumps(request.json, default=_number)
    if request.form is not None:
        return urlencode(list(request.form)).encode()
    return request.content or b""


def _number(value: Any) -> Any:
    return orjson.Fragment(format(value, "f")) if isinstance(value, Decimal) else value


def made_into_error(verdict: Verdict, response: Response) -> CallFailed:
    """Return the error a verdict becomes."""
    kind = BusinessFailed if verdict.business else HttpFailed
    return kind(
        verdict.message,
        error_type=verdict.error_type,
        fault=verdict.fault,
        retryable=verdict.retryable,
        retry_after=verdict.retry_after,
        status=response.status,
        sent=not verdict.untouched,
    )


class FakeExchange:
    """Answers an adapter from a list and notes what it sent. ``sleep`` moves the clock; nothing waits."""

    def __init__(
        self,
        adapter: Adapter,
        operation: str,
        answers: Sequence[Answer] = (),
        *,
        idempotency_key: str | None = "key-1",
        now: datetime = NOON,
        deadline: float = 45.0,
        access: Access | None = None,
        heard: Sequence[VendorEvent] = (),
    ) -> None:
        found = adapter.vendor.operation(operation)
        assert found is not None, f"{adapter.vendor.name} has no operation {operation}"
        self.operation: Operation = found
        self.idempotency_key = idempotency_key
        self.requests: list[Request] = []
        self.authorised: list[Mapping[str, str]] = []  # what authorise() gave for each request, same order
        self.slept: list[float] = []
        self._adapter = adapter
        self._answers = list(answers)
        self._now = now
        self._ends_at = now + timedelta(seconds=deadline)
        self._access = access
        self._heard = heard  # what the vendor has pushed to us
        self._base_url = adapter.vendor.base_url

    def __repr__(self) -> str:
        return f"<FakeExchange {self.operation.name} sent={len(self.requests)} left={len(self._answers)}>"

    @property
    def last(self) -> Request:
        return self.requests[-1]

    async def send(self, request: Request) -> Response:
        self.refuse_foreign_link(request)
        self.requests.append(request)
        self.authorised.append(self._adapter.authorise(request, self._access) if request.signed else {})
        assert self._answers, f"nothing left to answer {request.method} {request.path} with"
        given = self._answers.pop(0)
        if not isinstance(given, Response | Exception):
            given = given(request)
        if isinstance(given, Exception):
            raise given
        verdict = self._adapter.classify(request, given)
        if verdict is not None:
            raise made_into_error(verdict, given)
        return given

    def refuse_foreign_link(self, request: Request) -> None:
        vendor = self._adapter.vendor
        if request.link and not stays_with_vendor(request.link, self._base_url, vendor.file_hosts):
            raise LinkRefused(f"{vendor.label} gave a link that leads away from it; we do not follow it.")

    async def soap(self, service: SoapService, operation: str, message: Mapping[str, Any]) -> Any:
        from integrations.transport.soap import soap_call

        return await soap_call(self.send, service, "https://vendor.example", operation, message)

    async def events(self, reference: str) -> Sequence[VendorEvent]:
        return [event for event in self._heard if event.reference == reference]

    async def sleep(self, seconds: float) -> None:
        if seconds > self.remaining():
            raise TransportFailed("The deadline would pass.", error_type="deadline", fault="network")
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self._now

    def remaining(self) -> float:
        return (self._ends_at - self._now).total_seconds()


async def run(adapter: Adapter, exchange: FakeExchange, value: Mapping[str, Any] | Any) -> Any:
    """Call the exchange's operation on the adapter with a mapping or a model, as the gateway does."""
    typed = exchange.operation.input.model_validate(value) if isinstance(value, Mapping) else value
    return await getattr(adapter, exchange.operation.name)(exchange, typed)


def adapter_with_sandbox_credentials(kind: type[Adapter]) -> Adapter:
    """Return an adapter of the class with the credentials the sandbox takes."""
    return kind({credential.name: credential.sandbox or credential.default for credential in kind.vendor.credentials})


class WireExchange(FakeExchange):
    """The same over a real connection, to a sandbox: signs in at need, answers with what comes back, retries nothing."""

    def __init__(
        self, adapter: Adapter, operation: str, client: aiohttp.ClientSession, base_url: str, **rest: Any
    ) -> None:
        super().__init__(adapter, operation, **rest)
        self._client = client
        self._base_url = base_url

    async def send(self, request: Request) -> Response:
        self.refuse_foreign_link(request)
        if request.signed and self._adapter.vendor.sign_in is not None and self._access is None:
            self._access = await self._adapter.sign_in(self)
        content_type = "application/json" if request.json is not None else "application/x-www-form-urlencoded"
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers.setdefault("content-type", content_type)
        headers.update(self._adapter.authorise(request, self._access) if request.signed else {})
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = request.link or self._base_url + request.path + query
        async with self._client.request(request.method, url, data=body_of(request), headers=headers) as answered:
            lowered = {name.lower(): value for name, value in answered.headers.items()}
            cookies = {name: morsel.value for name, morsel in answered.cookies.items()}
            response = Response(status=answered.status, headers=lowered, body=await answered.read(), cookies=cookies)
        self._answers.append(response)
        return await super().send(request)
