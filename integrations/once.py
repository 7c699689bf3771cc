"""A write that must not happen twice: our claim around it, and what a lost answer means.

Where only our claim prevents a duplicate (``ours``), a lost answer is looked up before anything is sent again. Where the
vendor honours a key for a known time (``native`` and ``Vendor.key_kept``), the same key is sent again within that time;
later that would be a new write, and it is looked up as well. There our claim lets the second of two callers wait for the
first, refuses another input under the key whatever the vendor compares, and lists what nobody knows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from db.keys import KeyRow
from integrations.adapter import Idempotency
from integrations.claims import Claim
from integrations.errors import (
    AlreadyHappened,
    CallFailed,
    InvalidInput,
    OutcomeUnknown,
    QuaysideError,
    StoreIsUnavailable,
    Unsupported,
    is_final,
)
from integrations.resilience.idempotency import input_hash, reference_of

if TYPE_CHECKING:
    from integrations.walk import Walk

SAME_KEY = "send it again with the same key, or look it up"


class Once:
    """The write of one walk."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._exchange = walk.exchange
        self._operation = walk.operation
        self._adapter = walk.road.adapter
        self._native = walk.operation.idempotency is Idempotency.NATIVE
        self._needed = walk.claimed or not self._native  # the claim, without which nothing is sent

    async def run(self) -> tuple[Any, bool]:
        """Return what came of the write, and whether that is the answer of an earlier call. Raise as ``Gateway.call``."""
        try:
            claim = await self._claim()
        except StoreIsUnavailable:
            if self._needed:
                raise
            return await self.natively(), False  # the vendor's own key needs no claim of ours
        if claim.done:
            return self._walk.stored(claim.result), True
        if claim.happened is not None:
            return await self._answer_of(claim.happened), False
        try:
            value = await (self._under_their_key(claim) if self._native else self._send_once(doubtful=claim.doubtful))
        except OutcomeUnknown as error:
            await self._settle("unknown", note=error.message, looked_up=error.looked_up)
            raise
        except QuaysideError as error:
            await self._settle("failed", note=error.message)
            raise
        except BaseException as error:
            doubtful = claim.doubtful or self._exchange.may_have_written or self._exchange.unanswered
            how = "was cancelled" if isinstance(error, asyncio.CancelledError) else "broke off"
            note = f"The call to {self._adapter.vendor.label} {how} before it ended."
            settling = self._settle("unknown" if doubtful else "failed", note=note)
            await asyncio.shield(asyncio.ensure_future(settling))
            raise
        await self._settle("done", result=self._walk.to_store(value))
        return value, False

    async def natively(self) -> Any:
        """Send a write under the vendor's own key."""
        try:
            return await self._walk.method(self._operation.name)
        except CallFailed as error:
            if is_ambiguous(error) or (self._exchange.unanswered and not self._proves_nothing_happened(error)):
                raise self._walk.unknown(error, SAME_KEY) from error
            raise

    async def _claim(self) -> Claim:
        walk = self._walk
        assert walk.call.idempotency_key is not None  # noqa: S101 - a write always has a key
        return await walk.gateway.claims.acquire(
            walk.call.vendor,
            self._operation.name,
            walk.call.idempotency_key,
            input_hash=input_hash(walk.asked),
            call_id=walk.call.call_id,
            correlation_id=walk.call.correlation_id,
            reference=reference_of(walk.asked, self._operation.reference)[:128] or None,
            lease=walk.deadline + 15.0,
            remaining=self._exchange.remaining,
            needed=self._needed,
            kept=walk.kept,
        )

    async def _settle(self, state: str, **more: Any) -> None:
        call = self._walk.call
        assert call.idempotency_key is not None  # noqa: S101 - a write always has a key
        claims, kept = self._walk.gateway.claims, self._walk.kept
        await claims.settle(call.vendor, call.operation, call.idempotency_key, state, kept=kept, **more)

    async def _under_their_key(self, claim: Claim) -> Any:
        """Send a write that the vendor does once for its key, unless it may have forgotten the key by now."""
        kept = self._adapter.vendor.key_kept
        if not claim.doubtful:
            return await self.natively()
        if not self._operation.looks_first and (kept is None or claim.age >= kept):
            found = await self._look_up(None)
            return await self.natively() if found is None else found
        try:
            return await self.natively()
        except OutcomeUnknown:
            raise
        except QuaysideError as error:
            # What an earlier call did is as unknown as before, unless the vendor said no to this very write.
            if self._proves_nothing_happened(error):
                raise
            cause = error if isinstance(error, CallFailed) else None
            raise self._walk.unknown(cause, f"{SAME_KEY}: {error.message}") from error

    def _proves_nothing_happened(self, error: QuaysideError) -> bool:
        """Whether an error tells that no earlier send of this write has done anything either."""
        said_no = isinstance(error, InvalidInput) or is_final(error)
        return said_no and error.error_type not in self._adapter.vendor.happened_before

    async def _send_once(self, *, doubtful: bool) -> Any:
        """Send a write that must not happen twice; after a lost answer look before sending again."""
        lost: CallFailed | None = None
        for _ in range(max(1, self._operation.max_attempts)):
            if doubtful:
                found = await self._look_up(lost)
                if found is not None:
                    return found
            try:
                return await self._walk.method(self._operation.name)
            except CallFailed as error:
                if not is_ambiguous(error):
                    if self._exchange.may_have_written:
                        advice = "part of it may have happened; it is looked up next time"
                        raise self._walk.unknown(error, advice) from error
                    raise
                doubtful, lost = True, error
                self._exchange.in_doubt = True
        assert lost is not None  # noqa: S101 - the loop ends only after a lost answer
        found = await self._look_up(lost)
        if found is not None:
            return found
        self._exchange.in_doubt = False
        raise lost  # the look-up proved that nothing happened

    async def _look_up(self, lost: CallFailed | None) -> Any:
        """Return what the vendor did, None when it is proven that it did nothing. Raise OutcomeUnknown."""
        try:
            found = await self._ask_what_happened()
        except Unsupported as error:
            advice = "this vendor has no look-up; settle it by hand"
            raise self._walk.unknown(lost, advice, looked_up=error) from error
        except QuaysideError as error:
            cause = lost or (error if isinstance(error, CallFailed) else None)
            advice = f"the look-up failed too: {error.message}"
            raise self._walk.unknown(cause, advice, looked_up=error) from error
        if found is None:
            self._exchange.in_doubt = False
        return found

    async def _ask_what_happened(self) -> Any:
        """Return what the adapter's look-up gives. Raise Unsupported where there is none."""
        method = f"look_up_{self._operation.name}"
        if not hasattr(self._adapter, method):
            label = self._adapter.vendor.label
            raise Unsupported(f"{label} has no look-up for {self._operation.name}.", field="operation")
        step, self._exchange.step = self._exchange.step, "look_up"
        try:
            return await self._walk.method(method)
        finally:
            self._exchange.step = step

    async def _answer_of(self, settled: KeyRow) -> Any:
        """Return the answer of a write that a person found to have happened, where the look-up still has it.

        Raise AlreadyHappened otherwise: whatever the look-up says, it is not sent again.
        """
        said = (
            f'{settled.operation} under the key "{settled.key}" has happened: {settled.settled_by} found so on '
            f"{settled.changed_at:%Y-%m-%d at %H:%M} UTC. It is not sent again; use a new key for another one."
        )
        try:
            found = await self._ask_what_happened()
        except Unsupported:
            raise AlreadyHappened(f"{said} Its answer is lost, as this vendor has no look-up.") from None
        except QuaysideError as error:
            retryable = error.retryable
            raise AlreadyHappened(
                f"{said} The look-up for its answer failed: {error.message}", retryable=retryable
            ) from error
        if found is None:
            raise AlreadyHappened(f"{said} The look-up does not find it, though; see with the vendor who is right.")
        return found


def is_ambiguous(error: CallFailed) -> bool:
    """Whether the vendor may have done what it was asked, although the call failed."""
    return error.sent and error.fault in ("theirs", "network")
