"""One call's way to the vendor: what an adapter's ``send`` does.

Each attempt, in order: circuit breaker -> sign-in -> rate limiter -> journal -> transport -> classify -> record ->
circuit; tenacity repeats it as ``resilience/retry.py`` decides. There is no other way to reach a vendor.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from tenacity import AsyncRetrying, RetryCallState

from db.columns import from_micros
from integrations.adapter import Access, Adapter, Operation, SoapService, VendorEvent
from integrations.answer_notes import AnswerNotes
from integrations.circuit_board import CircuitBoard, Pass
from integrations.correlation import trace_id
from integrations.errors import (
    BusinessFailed,
    CallFailed,
    HttpFailed,
    InvalidInput,
    LinkRefused,
    NotPermitted,
    QuaysideError,
    SchemaDrift,
    StoreIsUnavailable,
    TransportFailed,
)
from integrations.journal import JournalUnavailable
from integrations.limits import Limits
from integrations.links import stays_with_vendor
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.permit_desk import PermitDesk
from integrations.record import AttemptEnded, AttemptStarted, CallFacts
from integrations.recorder import Recorder
from integrations.redact import Redactor
from integrations.resilience.circuit_breaker import Judgement
from integrations.resilience.clock import Clock
from integrations.resilience.gate import Gate
from integrations.resilience.retry import RetryBudget, RetryOptions, delay, may_retry
from integrations.transport.http import HttpTransport
from integrations.transport.soap import soap_call
from integrations.waiting import waiting_for

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Everything on the way to one vendor, the same for all its calls."""

    adapter: Adapter
    base_url: str
    limits: Callable[[], Limits]  # as they hold now
    board: CircuitBoard
    desk: PermitDesk
    transport: HttpTransport
    recorder: Recorder
    notes: AnswerNotes
    redactor: Redactor
    clock: Clock
    retry: RetryOptions
    budget: RetryBudget
    events: Callable[[str, str], Awaitable[Sequence[VendorEvent]]]
    in_flight: Gate = field(default_factory=Gate)
    attempt_timeout: float | None = None  # seconds, where it is shorter than the operation's

    def address(self, request: Request) -> str:
        """Return what stands before the request's path."""
        vendor = self.adapter.vendor
        return vendor.hosts.get(request.host, self.base_url) if self.base_url == vendor.base_url else self.base_url


class SignInRefused(HttpFailed):
    """The vendor no longer accepts the sign-in."""


@dataclass(slots=True, kw_only=True)
class LiveExchange:
    """What an adapter's method works with during one call. ``access`` gives the sign-in, ``renew`` drops it."""

    road: Road
    operation: Operation
    call: CallFacts
    ends_at: float  # Unix seconds
    idempotency_key: str | None
    access: Callable[[], Awaitable[Access | None]]
    renew: Callable[[Access], Awaitable[None]]
    step: str = ""
    attempts: int = 0
    throttle_wait: float = 0.0
    unanswered: bool = False  # a request that writes may have reached the vendor, and no answer says what came of it
    in_doubt: bool = False  # a request that is not repeatable may have reached the vendor, its answer is lost
    _sent: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the time, aware, UTC."""
        return self.road.clock.now()

    def remaining(self) -> float:
        """Return the seconds left until the call's deadline."""
        return self.ends_at - self.road.clock.time()

    async def events(self, reference: str) -> Sequence[VendorEvent]:
        """Return what this vendor has pushed to us about a reference of ours, oldest first. Raise StoreIsUnavailable."""
        return await self.road.events(self.road.adapter.vendor.name, reference)

    async def sleep(self, seconds: float) -> None:
        """Wait between polls. Raise TransportFailed when the deadline would pass."""
        if seconds >= self.remaining():
            raise self._deadline_passed()
        await self.road.clock.sleep(seconds)

    def _deadline_passed(self) -> TransportFailed:
        label = self.road.adapter.vendor.label
        return TransportFailed(
            f"{label} had not finished after {self.operation.deadline:g} s; we stopped waiting.",
            error_type="deadline",
            fault="theirs",
        )

    async def soap(self, service: SoapService, operation: str, message: Mapping[str, Any]) -> Any:
        """Send one SOAP request the same way; return zeep's object of the answer."""
        return await soap_call(self.send, service, self.road.base_url, operation, message)

    async def send(self, request: Request) -> Response:
        """Send one request, with retry, circuit, quota, sign-in and record. Raise CallFailed or CallRefused."""
        vendor = self.road.adapter.vendor
        if request.link and not stays_with_vendor(request.link, self.road.base_url, vendor.file_hosts):
            raise LinkRefused(f"{vendor.label} gave a link that leads away from it; we do not follow it.")
        repeatable = request.repeatable
        if repeatable is None:
            repeatable = self.operation.repeatable or request.method in ("GET", "HEAD") or bool(self.step)
        writes = self._writes(request)
        number = 0
        last: CallFailed | None = None
        held_back = False

        async def attempt() -> Response:
            nonlocal number, last, held_back
            number += 1
            try:
                return await self._attempt(request, number)
            except SignInRefused:
                if number > 1:
                    raise
                number += 1
                return await self._attempt(request, number)
            except CallFailed as error:
                last = error
                if writes and error.sent and error.fault in ("theirs", "network"):
                    self.unanswered = True
                raise
            except NotPermitted:
                held_back = True
                if last is not None:
                    raise last from None  # the vendor failed the call; that we then held back the next attempt did not
                raise

        def again(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, QuaysideError) or held_back:
                return False
            helpful = may_retry(
                self.road.retry,
                error,
                attempt=number,
                max_attempts=self.operation.max_attempts,
                remaining=self.remaining(),
                repeatable=repeatable,
            )
            return helpful and self.road.budget.take(self.road.clock.time())

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            wish = error.retry_after if isinstance(error, CallFailed) else None
            pause = delay(self.road.retry, state.attempt_number, self.road.clock.random(), wish)
            return min(pause, max(0.0, self.remaining()))

        self.road.budget.note_call(self.road.clock.time())
        try:
            response: Response
            try:
                response = await attempt()  # most calls need no second: they do not pay for what repeats them
            except QuaysideError as first:
                retrying = AsyncRetrying(retry=again, wait=wait, sleep=self.road.clock.sleep, reraise=True)
                response = await retrying(_after(first, attempt))
        except CallFailed as error:
            if not repeatable and error.sent and error.fault in ("theirs", "network"):
                self.in_doubt = True
            raise
        if not repeatable:
            self._sent.append(request.path)
        if writes:
            self.unanswered = False
        return response

    def _writes(self, request: Request) -> bool:
        return self.operation.writes and not (self.step or request.step) and request.method not in ("GET", "HEAD")

    @property
    def may_have_written(self) -> bool:
        """Return True when a request that is not repeatable reached the vendor, or may have."""
        return self.in_doubt or bool(self._sent)

    async def _attempt(self, request: Request, number: int) -> Response:
        road, vendor = self.road, self.road.adapter.vendor
        circuit = road.adapter.circuit(request)
        leave = await road.board.permit(circuit, vendor.name, vendor.label)
        if leave.probe and request.signed and vendor.sign_in is not None:
            # Signing in is a request of its own. It would find the probe taken by the one that waits for it, so it is the
            # probe, and this one is the next.
            await road.board.report(leave, "ignored", duration=0.0)
            await self.access()
            leave = await road.board.permit(circuit, vendor.name, vendor.label)
        reported = False
        try:
            if self.remaining() <= 0:
                raise self._deadline_passed()
            access = await self.access() if request.signed else None  # first: a permit is for a moment, and passes
            operation = request.step or self.step or self.operation.name
            quotas = [quota for quota in road.limits().quotas if quota.covers(operation)]
            with waiting_for(f"{vendor.label}'s quota"):
                permit = await road.desk.permit(
                    vendor.name, vendor.label, quotas, self.call.priority, cost=request.cost, wait=self.remaining()
                )
            throttled = permit.waited
            self.throttle_wait += throttled
            if road.in_flight.limit is None:
                response, ended = await self._wire(request, number, leave, throttled, access)
            else:
                async with road.in_flight:
                    response, ended = await self._wire(request, number, leave, throttled, access)
            verdict, error = self._judged(request, response)
            judgement = _judgement(error, verdict)
            self._record(request, ended, response, error, judgement)
            reported = True
            if permit.moments:
                at = ended.started.started_at
                await road.desk.sent(vendor.name, permit, at=at, duration=ended.duration)
            await self._tell(leave, ended, judgement)
            if not isinstance(response, CallFailed):
                await self._observe(response, error)
                await self._note(request, operation, response)
            if error is None:
                assert isinstance(response, Response)  # noqa: S101 - for the type checker: no error means an answer
                return response
            if isinstance(error, SignInRefused) and access is not None:
                await self.renew(access)
            raise error
        finally:
            if not reported:
                await road.board.report(leave, "ignored", duration=0.0)

    async def _wire(
        self, request: Request, number: int, leave: Pass, throttled: float, access: Access | None
    ) -> tuple[Response | CallFailed, AttemptEnded]:
        road = self.road
        adapter, clock = road.adapter, road.clock
        headers, content = _encoded(request)
        headers.update(adapter.authorise(request, access) if request.signed else {})
        span_id = secrets.token_hex(8)
        headers["traceparent"] = f"00-{trace_id(self.call.correlation_id)}-{span_id}-01"
        path = f"{request.path}?{urlencode(request.query)}" if request.query else request.path
        started = AttemptStarted(
            id=secrets.token_hex(16),
            call=self.call,
            started_at=clock.micros(),
            span_id=span_id,
            operation=request.step or self.step or self.operation.name,
            method=request.method,
            url_template=request.template or road.redactor.path(request.path),
            path=road.redactor.path(path),
            number=number,
            circuit_state=leave.state,
            throttle_wait=throttled,
            circuit=leave.name if leave.name != adapter.vendor.name else None,
        )
        try:
            road.recorder.attempt_started(started)
        except JournalUnavailable as error:
            raise StoreIsUnavailable(
                f"The journal cannot be written ({error.strerror or error}); nothing is sent that could not be recorded."
            ) from error
        self.attempts += 1
        ended = AttemptEnded(started=started, duration=0.0, request_body=None)
        begun = clock.time()
        longest = min(self.operation.attempt_timeout, road.attempt_timeout or self.operation.attempt_timeout)
        timeout = max(0.01, min(longest, self.remaining()))
        answer: Response | CallFailed
        try:
            answer = await road.transport.send(
                adapter.vendor.label,
                request.method,
                request.link or road.address(request) + path,
                headers,
                content,
                timeout,
            )
        except TransportFailed as error:
            answer = error
        except BaseException:
            ended.duration = clock.time() - begun
            ended.error_type, ended.fault = "cancelled", "ours"
            road.recorder.attempt_ended(ended)
            self.unanswered = self.unanswered or self._writes(request)
            self.in_doubt = self.in_doubt or not (self.operation.repeatable or request.method == "GET")
            raise
        ended.duration = clock.time() - begun
        kept = adapter.vendor.kept_fields
        ended.request_body = road.redactor.body(content, headers.get("content-type", ""), kept)
        return answer, ended

    def _judged(self, request: Request, answer: Response | CallFailed) -> tuple[Verdict | None, CallFailed | None]:
        if isinstance(answer, CallFailed):
            return None, answer
        try:
            verdict = self.road.adapter.classify(request, answer)
        except SchemaDrift as drift:
            return None, drift
        return verdict, self._error(verdict, answer) if verdict is not None else None

    def _error(self, verdict: Verdict, response: Response) -> CallFailed:
        kind: type[CallFailed] = BusinessFailed if verdict.business else HttpFailed
        if verdict.expired and self.road.adapter.vendor.sign_in is not None and not self.step:
            kind = SignInRefused
        return kind(
            self.road.redactor.text(verdict.message),
            error_type=verdict.error_type,
            fault=verdict.fault,
            retryable=verdict.retryable,
            retry_after=verdict.retry_after,
            status=response.status,
            vendor_request_id=self._request_id(response),
            sent=not verdict.untouched,
        )

    def _request_id(self, response: Response) -> str | None:
        header = self.road.adapter.vendor.request_id_header
        value = response.headers.get(header) if header else None
        return self.road.redactor.text(value)[:128] if value else None

    def _record(
        self,
        request: Request,
        ended: AttemptEnded,
        answer: Response | CallFailed,
        error: CallFailed | None,
        judgement: Judgement,
    ) -> None:
        if isinstance(answer, Response):
            ended.status = answer.status
            ended.vendor_request_id = self._request_id(answer)
            kept = self.road.adapter.vendor.kept_fields
            ended.response_body = self.road.redactor.body(answer.body, answer.headers.get("content-type", ""), kept)
            tightest = _tightest(self.road.adapter.quotas_seen(answer))
            if tightest is not None:
                ended.quota_limit, ended.quota_remaining = tightest.limit, tightest.remaining
                ended.quota_reset = tightest.reset
        else:
            ended.status = answer.status
        if error is not None:
            ended.error_type, ended.fault, ended.retryable = error.error_type, error.fault, error.retryable
            ended.counted, ended.retry_after = judgement == "failed", error.retry_after
            ended.message = self.road.redactor.text(error.message)
        self.road.recorder.attempt_ended(ended)

    async def _tell(self, leave: Pass, ended: AttemptEnded, judgement: Judgement) -> None:
        await self.road.board.report(
            leave,
            judgement,
            duration=ended.duration,
            what=ended.message or "",
            retry_after=ended.retry_after,
            correlation_id=self.call.correlation_id,
            ended_at=from_micros(ended.started.started_at + round(ended.duration * 1_000_000)),
        )

    async def _observe(self, response: Response, error: CallFailed | None) -> None:
        seen = self.road.adapter.quotas_seen(response)
        # A vendor that did nothing and wants us away for a while (throttling, a penalty on signing in, a refused login that
        # would soon block the account) is left alone that long, by every process.
        # But a full licence only keeps new sessions out: those that are open go on, and their end is what makes room.
        blocked = error.retry_after if error is not None and not error.sent else None
        if error is not None and error.error_type == "login_limit":
            blocked = None
        if blocked is None and error is not None and error.error_type == "rate_limited":
            blocked = 1.0
        if seen or blocked is not None:
            await self.road.desk.observe(self.road.adapter.vendor.name, seen, blocked_for=blocked)

    async def _note(self, request: Request, operation: str, response: Response) -> None:
        """Keep what the answer says in passing: its version, its end, the certificate it came under."""
        road, vendor = self.road, self.road.adapter.vendor
        await road.notes.headers(vendor.name, operation, self.call.trigger, response.headers, vendor.version_headers)
        url = request.link or road.address(request)
        if url.startswith("https"):
            host = urlsplit(url).hostname or ""
            await road.notes.certificate(vendor.name, host, road.transport.certificate_expires_at(host))


def _judgement(error: CallFailed | None, verdict: Verdict | None) -> Judgement:
    """Return how the circuit is to count an attempt."""
    if error is None:
        return "successful"
    counts = verdict.counts if verdict is not None else error.fault in ("theirs", "network")
    return "failed" if counts else "ignored"


def _after(first: QuaysideError, attempt: Callable[[], Awaitable[Response]]) -> Callable[[], Awaitable[Response]]:
    """Return an attempt that fails with ``first`` when it is called the first time: it has been made already."""
    seen: list[QuaysideError] = [first]

    async def repeated() -> Response:
        if seen:
            raise seen.pop()
        return await attempt()

    return repeated


def _tightest(seen: Any) -> QuotaSeen | None:
    known = [quota for quota in seen if quota.limit and quota.remaining is not None]
    return min(known, key=lambda quota: quota.remaining / quota.limit, default=None)


def _encoded(request: Request) -> tuple[dict[str, str], bytes | None]:
    """Return headers (lower case) and body of a request. Raise InvalidInput for what has no JSON form."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if request.json is not None:
        try:
            content = orjson.dumps(request.json, default=_number)
        except TypeError as error:
            raise InvalidInput(f"The request has no JSON form: {error}") from error
        headers.setdefault("content-type", JSON)
        return headers, content
    if request.form is not None:
        headers.setdefault("content-type", FORM)
        return headers, urlencode(request.form).encode()
    return headers, request.content


def _number(value: Any) -> Any:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} has no JSON form")
