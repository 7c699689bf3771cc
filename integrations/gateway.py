"""One call from question to answer, stages in order.

correlation -> input -> idempotency -> deadline -> adapter method (each request: ``exchange.py``) -> result; when the
vendor cannot answer: fallback. Whatever happens, the call ends as one recorded fact.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

from pydantic import BaseModel

from db.engine import Database, StoreUnavailable
from integrations.adapter import Access, Adapter, Delivery, Exchange, Fallback, Idempotency, Operation, VendorEvent
from integrations.claims import KEPT, Claims
from integrations.errors import (
    CallFailed,
    InvalidInput,
    NotPermitted,
    QuaysideError,
    UnknownVendor,
)
from integrations.exchange import LiveExchange, Road
from integrations.follow_up import follow_up
from integrations.last_answers import LastAnswers
from integrations.outcome import CallResult, Priority
from integrations.record import CallFacts
from integrations.resilience.clock import Clock
from integrations.sign_in import Session, SignInDesk
from integrations.walk import (
    NOTHING,
    Walk,
    cancelled,
    find_operation,
    marked_stale,
    no_access,
    origin_of,
    outcome_of,
    result_adapter,
    validated,
)

log = logging.getLogger(__name__)
SIGN_IN = Operation(
    name="sign_in", input=BaseModel, result=dict, example={}, idempotency=Idempotency.NATURAL, deadline=30.0
)
SIGN_OUT = Operation(
    name="sign_out",
    input=BaseModel,
    result=dict,
    example={},
    idempotency=Idempotency.NATURAL,
    deadline=10.0,
    max_attempts=2,
)
RECEIVE = Operation(
    name="receive_event",
    input=BaseModel,
    result=dict,
    example={},
    idempotency=Idempotency.NATURAL,
    deadline=8.0,
    attempt_timeout=4.0,
)


@dataclass(slots=True)
class _Stretch:
    """A session shared by the calls inside ``Gateway.session``; opened at the first request that needs it."""

    session: Session | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_stretches: ContextVar[Mapping[str, _Stretch]] = ContextVar("quayside_sessions", default={})  # noqa: B039 - never changed


class Gateway:
    """The only way to a vendor. ``roads`` holds one per vendor; ``owner`` is this process."""

    def __init__(
        self, *, db: Database, roads: Mapping[str, Road], claims: Claims, desk: SignInDesk, owner: str, clock: Clock
    ) -> None:
        self._db = db
        self._roads = roads
        self._claims = claims
        self._desk = desk
        self._owner = owner
        self._answers = LastAnswers(db, clock)

    def __repr__(self) -> str:
        return f"<Gateway {self._owner} vendors={len(self._roads)}>"

    def adapter(self, vendor: str) -> Adapter:
        """Return a vendor's adapter. Raise UnknownVendor."""
        return self._road(vendor).adapter

    async def call(
        self,
        vendor: str,
        operation: str,
        value: BaseModel | Mapping[str, Any],
        *,
        priority: Priority = "batch",
        idempotency_key: str | None = None,
        deadline: float | None = None,
        claimed: bool = False,
        call_id: str | None = None,
        kept: timedelta = KEPT,
    ) -> CallResult:
        """Make one call and return its result; where a fallback answered, ``cause`` says what the vendor failed with.

        ``deadline`` in seconds replaces the operation's. ``claimed``: while the database is away or busy, a write is refused
        rather than sent without a claim of ours, also where the vendor has keys of its own. ``call_id`` is what the call is
        recorded under, for whoever has to know before. ``kept``: how long the same key gives the same answer. Raise an
        error of ``errors.py``; a write whose answer is lost and cannot be looked up raises OutcomeUnknown and stays listed
        until it is settled.
        """
        road = self._road(vendor)
        chosen = find_operation(road.adapter, operation)
        asked = validated(chosen, value)
        if idempotency_key is not None and not 1 <= len(idempotency_key) <= 255:
            raise InvalidInput("An idempotency key has 1 to 255 characters.", field="idempotency_key")
        ends = deadline or chosen.deadline
        walk = Walk(self, road, chosen, asked, priority, idempotency_key, ends, claimed, call_id, kept)
        try:
            found = await walk.run()
        except (CallFailed, NotPermitted) as error:
            fallen = await self._fall_back(chosen, asked, walk, error)
            if fallen is None:
                walk.end(outcome_of(error), error)
                raise
            walk.end(outcome_of(error), error, answered_by=fallen.vendor, stale=fallen.stale)
            return replace(fallen, cause=error)
        except QuaysideError as error:
            walk.end("refused", error)
            raise
        except StoreUnavailable as away:
            lost = walk.store_lost()
            walk.end(outcome_of(lost), lost)
            raise lost from away
        except asyncio.CancelledError:
            doubtful = walk.exchange.may_have_written or walk.exchange.unanswered
            walk.end("unknown" if doubtful else "error", cancelled(road, doubtful))
            raise
        walk.end("success", None)
        await follow_up(self._db, road.clock, asked, found)
        if chosen.fallback is not None and chosen.fallback.keeps_answers and not found.replayed:
            self._answers.keep(vendor, chosen.name, asked, walk.to_store(found.value))
        return found

    async def receive(self, vendor: str, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the events of a webhook delivery; it is a call of its own only where the vendor has to be asked.

        Raise DeliveryRefused, InvalidInput when the delivery cannot be read, or what asking the vendor raises.
        """
        road = self._road(vendor)
        label = road.adapter.vendor.label
        exchange, end = self._aside(road, RECEIVE, "interactive", step="")
        try:
            events = await road.adapter.receive(cast(Exchange, exchange), delivery)
        except QuaysideError as error:
            if exchange.attempts:
                end(outcome_of(error), error)
            raise
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            log.warning("delivery.not_understood", extra={"vendor": vendor, "error": type(error).__name__})
            raise InvalidInput(f"The delivery is not as {label} sends it.", field="body") from error
        if exchange.attempts:
            end("success", None)
        return events

    @asynccontextmanager
    async def session(self, vendor: str) -> AsyncIterator[None]:
        """Let the calls to a vendor inside share one session; signed in at first need, always signed out at the end."""
        road = self._road(vendor)
        stretch = _Stretch()
        token = _stretches.set({**_stretches.get(), vendor: stretch})
        try:
            yield
        finally:
            _stretches.reset(token)
            await self._close(road, stretch)

    async def close(self) -> None:
        """Store the answers that are kept for the cached fallback."""
        await self._answers.close()

    async def close_orphans(self) -> None:
        """Close the sessions that were left open, by the dead or in vain, at every vendor with sessions."""
        for road in self._roads.values():
            sign_in = road.adapter.vendor.sign_in
            if sign_in is not None and sign_in.kind == "session":
                await self._desk.close_orphans(road.adapter.vendor.name, sign_in, partial(self._sign_out, road))

    def _road(self, vendor: str) -> Road:
        road = self._roads.get(vendor)
        if road is None:
            raise UnknownVendor(f'No vendor "{vendor}"; there are {", ".join(sorted(self._roads))}.', field="vendor")
        return road

    # --- sign-in ---------------------------------------------------------------------------------------------------

    def in_session(self, vendor: str) -> bool:
        """Return True inside ``session`` of the vendor."""
        return vendor in _stretches.get()

    def accessor(self, road: Road, exchange: LiveExchange) -> Any:
        """Return the function that gives an exchange its sign-in."""
        options = road.adapter.vendor.sign_in
        if options is None:
            return no_access

        async def token() -> Access:
            wait = exchange.remaining()
            return await self._desk.token(road.adapter, partial(self._sign_in, road, exchange.call), wait=wait)

        async def session() -> Access:
            stretch = _stretches.get().get(road.adapter.vendor.name)
            if stretch is None:
                raise RuntimeError("a session vendor is only called inside a stretch")
            async with stretch.lock:
                if stretch.session is None:
                    stretch.session = await self._desk.open_session(
                        road.adapter,
                        options,
                        partial(self._sign_in, road, exchange.call),
                        partial(self._sign_out, road),
                        wait=exchange.remaining(),
                    )
                return stretch.session.access

        return token if options.kind == "token" else session

    async def renew(self, road: Road, access: Access) -> None:
        """Drop a sign-in the vendor refused."""
        options = road.adapter.vendor.sign_in
        if options is not None and options.kind == "token":
            await self._desk.forget(road.adapter.vendor.name, access)
            return
        stretch = _stretches.get().get(road.adapter.vendor.name)
        if stretch is not None and stretch.session is not None and stretch.session.access is access:
            await self._close(road, stretch)

    async def _close(self, road: Road, stretch: _Stretch) -> None:
        session, stretch.session = stretch.session, None
        if session is not None:
            closing = self._desk.close_session(session, partial(self._sign_out, road))
            await asyncio.shield(asyncio.ensure_future(closing))  # a cancelled run still signs out

    async def _sign_in(self, road: Road, cause: CallFacts) -> Access:
        exchange, end = self._aside(road, SIGN_IN, cause.priority)
        try:
            access = await road.adapter.sign_in(cast(Exchange, exchange))
        except QuaysideError as error:
            end(outcome_of(error), error)
            raise
        except BaseException:
            end("error", cancelled(road, False))
            raise
        end("success", None)
        return access

    async def _sign_out(self, road: Road, access: Access) -> None:
        exchange, end = self._aside(road, SIGN_OUT, "interactive")
        try:
            await road.adapter.sign_out(cast(Exchange, exchange), access)
        except QuaysideError as error:
            end(outcome_of(error), error)
            raise
        except BaseException:
            end("error", cancelled(road, False))
            raise
        end("success", None)

    def _aside(
        self, road: Road, operation: Operation, priority: Priority, *, step: str | None = None
    ) -> tuple[LiveExchange, Any]:
        walk = Walk(self, road, operation, NOTHING, priority, None, operation.deadline)
        walk.exchange.step = operation.name if step is None else step
        return walk.exchange, walk.end

    # --- fallback ------------------------------------------------------------------------------------------------------

    async def _fall_back(
        self, operation: Operation, asked: BaseModel, walk: Walk, error: QuaysideError
    ) -> CallResult | None:
        fallback = operation.fallback
        if fallback is None or (error.fault == "ours" and not isinstance(error, NotPermitted)):
            return None
        if fallback.kind == "vendor":
            found = await self._from_another(fallback.vendor, operation, asked, walk)
            if found is not None or not fallback.then_cached:
                return found
        try:
            found = await self._cached(operation, asked, walk, fallback)
        except StoreUnavailable:
            log.warning("fallback.failed", extra={"vendor": walk.call.vendor, "operation": operation.name})
            found = None
        if found is None:
            value = walk.road.adapter.unanswered(operation, asked, error, walk.road.clock.now())
            found = None if value is None else walk.result(value, answered=False)
        return found

    async def _from_another(self, vendor: str, operation: Operation, asked: BaseModel, walk: Walk) -> CallResult | None:
        try:
            with origin_of(walk.call):
                return await self.call(vendor, operation.name, asked, priority=walk.call.priority)
        except (QuaysideError, StoreUnavailable):
            log.warning("fallback.failed", extra={"vendor": walk.call.vendor, "operation": operation.name})
            return None

    async def _cached(
        self, operation: Operation, asked: BaseModel, walk: Walk, fallback: Fallback
    ) -> CallResult | None:
        vendor = walk.call.vendor
        kept = await self._answers.last(vendor, operation.name, asked)
        if kept is None:
            return None
        age = (walk.road.clock.now() - kept[1]).total_seconds()
        if age > fallback.max_age:
            return None
        value = marked_stale(result_adapter(operation.result).validate_python(kept[0]))
        return walk.result(value, stale=True, age=age)

    # --- what a walk needs -----------------------------------------------------------------------------------------------

    @property
    def claims(self) -> Claims:
        return self._claims

    @property
    def owner(self) -> str:
        return self._owner

    def seal(self, value: BaseModel) -> str:
        return self._db.seal.seal(value.model_dump(mode="json"))
