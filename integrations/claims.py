"""Our own idempotency keys in use: claim, run once, keep the result; or wait for whoever is running it.

For writes whose vendor has no key of its own, or keeps ours for a known time. What becomes of a claim whose owner died,
or whose answer was lost, is decided in ``once.py``; what a person settled by hand stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db import keys as store
from db.engine import Database, StoreUnavailable
from db.keys import KeyRow
from db.owner import is_dead
from integrations.errors import KeyReused, LeaseHeld, QuaysideError, StoreIsUnavailable
from integrations.resilience.clock import Clock

KEPT = timedelta(hours=24)
WITHOUT = 2.0  # seconds of waiting for SQLite's lock, after which a call that can do without a claim does
POLL = 0.2  # seconds between two looks at somebody else's claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a claim found. ``result`` of an earlier call (a JSON value), or a claim that is ours: ``doubtful`` when an
    earlier one may have reached the vendor, so look before sending; ``age`` is how many seconds ago that one began.
    ``happened`` is the row of a write a person found to
    have happened: nobody claims it and nothing is sent."""

    done: bool = False
    result: Any = None
    doubtful: bool = False
    age: float = 0.0
    happened: KeyRow | None = None


class Claims:
    """The keys of this process, in the database all processes share."""

    def __init__(self, db: Database, owner: str, clock: Clock) -> None:
        self._db = db
        self._hurried = db.impatient(WITHOUT)
        self._owner = owner
        self._clock = clock

    async def acquire(
        self,
        vendor: str,
        operation: str,
        key: str,
        *,
        input_hash: str,
        call_id: str,
        correlation_id: str,
        reference: str | None,
        lease: float,
        remaining: Callable[[], float],
        needed: bool = True,
        kept: timedelta = KEPT,
    ) -> Claim:
        """Claim a key, or wait for the result of whoever has it. ``needed`` False: not for long when the database is busy.

        Raise KeyReused for other parameters, LeaseHeld when the other one does not finish in time, StoreIsUnavailable.
        """
        db = self._db if needed else self._hurried
        while True:
            now = self._clock.now()
            try:
                row = await store.claim(
                    db,
                    vendor,
                    operation,
                    key,
                    input_hash=input_hash,
                    owner=self._owner,
                    call_id=call_id,
                    correlation_id=correlation_id,
                    now=now,
                    claimed_until=now + timedelta(seconds=lease),
                    expires_at=now + kept,
                    reference=reference,
                )
                if row is None:
                    return Claim()
                if row.input_hash != input_hash:
                    raise KeyReused(
                        f'The idempotency key "{key}" was used with other parameters; use a new key for another call.',
                        field="idempotency_key",
                    )
                if row.state == "done":
                    return Claim(done=True, result=self._db.seal.open(row.result or ""))
                if row.state == "settled" and not row.is_free:
                    return Claim(happened=row)
                if row.is_free or row.state == "unknown" or self._is_over(row):
                    if await store.take_over(
                        db,
                        row,
                        owner=self._owner,
                        call_id=call_id,
                        correlation_id=correlation_id,
                        now=now,
                        claimed_until=now + timedelta(seconds=lease),
                        expires_at=now + kept,
                    ):
                        return Claim(doubtful=not row.is_free, age=(now - row.created_at).total_seconds())
                    continue
            except StoreUnavailable:
                raise StoreIsUnavailable(
                    "The database is away, and this write needs our claim in it so that it cannot happen twice."
                ) from None
            if remaining() <= POLL:
                raise LeaseHeld(f'The same call (key "{key}") is under way elsewhere and has not finished.')
            await self._clock.sleep(POLL)

    def _is_over(self, row: KeyRow) -> bool:
        return row.claimed_until <= self._clock.now() or is_dead(row.owner)

    async def settle(
        self,
        vendor: str,
        operation: str,
        key: str,
        state: str,
        *,
        result: Any = None,
        note: str | None = None,
        looked_up: QuaysideError | None = None,
        kept: timedelta = KEPT,
    ) -> bool:
        """Write the end of our claim; False when the database is away (the claim then ends as a dead owner's does).

        ``looked_up`` is what the look-up of an unknown outcome ended with, ``kept`` how long the result is.
        """
        sealed = self._db.seal.seal(result) if state == "done" else None
        now = self._clock.now()
        try:
            return await store.settle(
                self._db,
                vendor,
                operation,
                key,
                owner=self._owner,
                state=state,
                now=now,
                expires_at=now + kept,
                result=sealed,
                note=note,
                look_up_error=looked_up.error_type if looked_up else None,
                look_up_said=looked_up.message if looked_up else None,
            )
        except StoreUnavailable:
            return False
