"""One call on its way: validated input, claim, adapter method, look-up after a lost answer, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from integrations.adapter import Adapter, Idempotency, Operation
from integrations.claims import KEPT
from integrations.correlation import current_origin, new_id, origin
from integrations.errors import (
    CallFailed,
    CallRefused,
    InvalidInput,
    OutcomeUnknown,
    QuaysideError,
    SchemaDrift,
    StoreIsUnavailable,
    TransportFailed,
    UnknownOperation,
)
from integrations.exchange import LiveExchange, Road
from integrations.once import Once
from integrations.outcome import CallOutcome, CallResult, Priority
from integrations.record import CallEnded, CallFacts
from integrations.resilience.idempotency import default_key, reference_of

if TYPE_CHECKING:
    from integrations.gateway import Gateway

log = logging.getLogger(__name__)


class Nothing(BaseModel):
    """The input of a sign-in."""


NOTHING = Nothing()


class Walk:
    """One call on its way: the facts, the exchange, and how it ends."""

    def __init__(
        self,
        gateway: Gateway,
        road: Road,
        operation: Operation,
        asked: BaseModel,
        priority: Priority,
        key: str | None,
        deadline: float,
        claimed: bool = False,
        call_id: str | None = None,
        kept: timedelta = KEPT,
    ) -> None:
        self.gateway = gateway
        self.road = road
        self.operation = operation
        self.asked = asked
        self.begun = road.clock.time()
        cause = current_origin()
        if key is None and operation.writes:
            key = _key_of(road.adapter, operation, asked)
        self.call = CallFacts(
            call_id=call_id or new_id(),
            started_at=int(self.begun * 1_000_000),
            correlation_id=cause.correlation_id,
            vendor=road.adapter.vendor.name,
            operation=operation.name,
            priority=priority,
            trigger=cause.trigger,
            run_id=cause.run_id,
            user_name=cause.user_name,
            idempotency_key=key,
        )
        self.deadline = deadline
        self.claimed = claimed
        self.kept = kept
        self.exchange = LiveExchange(
            road=road,
            operation=operation,
            call=self.call,
            ends_at=self.begun + deadline,
            idempotency_key=key if operation.idempotency is Idempotency.NATIVE else None,
            access=no_access,
            renew=lambda access: gateway.renew(road, access),
        )
        self.exchange.access = gateway.accessor(road, self.exchange)

    async def run(self) -> CallResult:
        """Make the call, within a session of its own where the vendor needs one."""
        sign_in = self.road.adapter.vendor.sign_in
        vendor = self.road.adapter.vendor.name
        with origin_of(self.call):
            if sign_in is not None and sign_in.kind == "session" and not self.gateway.in_session(vendor):
                async with self.gateway.session(vendor):
                    return await self._run()
            return await self._run()

    async def _run(self) -> CallResult:
        idempotency = self.operation.idempotency
        claimed = idempotency is Idempotency.NATIVE and self.road.adapter.vendor.key_kept is not None
        if idempotency is Idempotency.OURS or claimed:
            value, replayed = await Once(self).run()
            return self.result(value, replayed=replayed)
        if idempotency is Idempotency.NATIVE:
            return self.result(await Once(self).natively())
        return self.result(await self.method(self.operation.name))

    async def method(self, name: str) -> Any:
        """Run one method of the adapter; whatever it ends with is an error of ours."""
        method = getattr(self.road.adapter, name)
        try:
            async with asyncio.timeout(max(0.0, self.exchange.remaining()) + 1.0):  # requests end sooner by themselves
                return await method(self.exchange, self.asked)
        except QuaysideError as error:
            # From here on the message is stored, logged and shown in many places; an adapter may have quoted a vendor.
            error.message = self.road.redactor.text(error.message)
            error.args = (error.message,)
            raise
        except TimeoutError as error:
            label = self.road.adapter.vendor.label
            raise TransportFailed(
                f"{label} had not finished after {self.deadline:g} s; we stopped waiting.",
                error_type="deadline",
                fault="theirs",
            ) from error
        except ValidationError as error:
            field = self.road.redactor.text(".".join(str(part) for part in error.errors()[0]["loc"]))
            raise SchemaDrift(
                f"{self.road.adapter.vendor.label} answered something we do not understand at {field or 'the top'}.",
                field=field,
            ) from error
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            label = self.road.adapter.vendor.label
            # Where, but not what: the exception's own text may quote the answer.
            at = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{at.name}:{at.lineno} in {Path(at.filename).name}"
            facts = {"vendor": self.call.vendor, "operation": name, "error": type(error).__name__, "where": where}
            log.error("answer.not_understood", extra=facts)
            raise SchemaDrift(
                f"{label} answered something we do not understand ({type(error).__name__} in {name}).", field=""
            ) from error

    def stored(self, result: Any) -> Any:
        """Return the result of an earlier call, of what ``to_store`` made of it."""
        return result_adapter(self.operation.result).validate_python(result)

    def to_store(self, value: Any) -> Any:
        """Return a result as a JSON value."""
        return result_adapter(self.operation.result).dump_python(value, mode="json")

    def unknown(
        self, cause: CallFailed | None, advice: str, *, looked_up: QuaysideError | None = None
    ) -> OutcomeUnknown:
        """Return the error of a write of which nobody knows whether it happened."""
        label = self.road.adapter.vendor.label
        why = cause.message if cause else f"An earlier call to {label} ended without an answer."
        message = f"{why} Whether {self.operation.name} happened is unknown; {advice}"
        return OutcomeUnknown(f"{message.removesuffix('.')}.", cause=cause, looked_up=looked_up)

    def store_lost(self) -> QuaysideError:
        """Return what a call ends with that lost the database under way, where there was no going on without it."""
        if self.exchange.may_have_written:
            return self.unknown(None, "the database went away under way; look it up")
        return StoreIsUnavailable("The database went away under way, and the call could not go on without it.")

    def result(
        self, value: Any, *, stale: bool = False, age: float = 0.0, answered: bool = True, replayed: bool = False
    ) -> CallResult:
        """Return the result people get."""
        return CallResult(
            value=value,
            vendor=self.call.vendor,
            operation=self.call.operation,
            correlation_id=self.call.correlation_id,
            call_id=self.call.call_id,
            stale=stale,
            age=age,
            answered=answered,
            replayed=replayed,
        )

    def end(
        self, outcome: CallOutcome, error: QuaysideError | None, *, answered_by: str | None = None, stale: bool = False
    ) -> None:
        """Record how the call ended."""
        road = self.road
        sealed = None
        if error is not None and not isinstance(self.asked, Nothing):
            sealed = self.gateway.seal(self.asked)
        road.recorder.call_ended(
            CallEnded(
                call=self.call,
                duration=road.clock.time() - self.begun,
                outcome=outcome,
                error_type=error.error_type if error else None,
                fault=error.fault if error else None,
                message=road.redactor.text(error.message) if error else None,
                attempts=self.exchange.attempts,
                throttle_wait=self.exchange.throttle_wait,
                stale=stale,
                answered_by=answered_by if answered_by != self.call.vendor else None,
                input_sealed=sealed,
                owner=self.gateway.owner,
            )
        )


async def no_access() -> None:
    return None


def origin_of(call: CallFacts) -> Any:
    """Return the origin of a call as a context, so that what it causes (a sign-in, a fallback) belongs to it."""
    return origin(call.trigger, correlation_id=call.correlation_id, run_id=call.run_id, user_name=call.user_name)


def find_operation(adapter: Adapter, name: str) -> Operation:
    operation = adapter.vendor.operation(name)
    if operation is None:
        names = ", ".join(operation.name for operation in adapter.vendor.operations)
        raise UnknownOperation(f'{adapter.vendor.label} has no operation "{name}"; it has {names}.', field="operation")
    return operation


def validated(operation: Operation, value: BaseModel | Mapping[str, Any]) -> BaseModel:
    if isinstance(value, operation.input):
        return value
    raw = value.model_dump() if isinstance(value, BaseModel) else value
    try:
        return operation.input.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "input"
        raise InvalidInput(f"{field}: {first['msg']}.", field=field) from None


def _key_of(adapter: Adapter, operation: Operation, asked: BaseModel) -> str:
    reference = reference_of(asked, operation.reference)
    if reference:
        return default_key(adapter.vendor.kind, operation.name, reference)
    return f"{operation.name}-{new_id()}"


def outcome_of(error: QuaysideError) -> CallOutcome:
    if isinstance(error, OutcomeUnknown):
        return "unknown"
    return "refused" if isinstance(error, CallRefused) else "error"


def cancelled(road: Road, doubtful: bool) -> QuaysideError:
    label = road.adapter.vendor.label
    text = f"The call to {label} was cancelled{'; it may have happened all the same' if doubtful else ''}."
    return TransportFailed(text, error_type="cancelled", fault="ours")


@lru_cache(maxsize=256)
def result_adapter(result: Any) -> TypeAdapter[Any]:
    return TypeAdapter(result)


def marked_stale(value: Any) -> Any:
    if isinstance(value, list):
        return [marked_stale(item) for item in value]
    if isinstance(value, BaseModel) and "stale" in type(value).model_fields:
        return value.model_copy(update={"stale": True})
    return value
