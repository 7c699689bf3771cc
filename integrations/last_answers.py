"""The last good answers of operations with a cached fallback: in memory at once, in the database a little later, together.

A basket is quoted by several vendors in one moment: a transaction for each of their answers would cost more than getting
them. What is not stored yet stands in from memory; a process that is killed loses what it was told in its last moment.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from db import answers
from db.answers import AnswerKey
from db.engine import Database, StoreUnavailable
from integrations.resilience.clock import Clock
from integrations.resilience.idempotency import input_hash

STORE_AFTER = 0.5  # seconds
log = logging.getLogger(__name__)


class LastAnswers:
    """The last answers by vendor, operation and input. ``_waiting`` is touched on the event loop only."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._waiting: dict[AnswerKey, tuple[Any, datetime]] = {}  # not stored yet
        self._storing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<LastAnswers {len(self._waiting)} not stored yet>"

    def keep(self, vendor: str, operation: str, asked: BaseModel, answer: Any) -> None:
        """Keep an answer (a JSON value), in place of the one before."""
        self._waiting[vendor, operation, input_hash(asked)] = (answer, self._clock.now())
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_by_and_by(), name="answers.store")

    async def last(self, vendor: str, operation: str, asked: BaseModel) -> tuple[Any, datetime] | None:
        """Return the last good answer and its time, None when there is none. Raise StoreUnavailable."""
        key = (vendor, operation, input_hash(asked))
        return self._waiting.get(key) or await answers.last(self._db, *key)

    async def close(self) -> None:
        """Store what is not stored yet."""
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.cancel()  # asleep or half-way: what it has not stored is waiting still
            await asyncio.gather(storing, return_exceptions=True)
        await self._store()

    async def _store_by_and_by(self) -> None:
        while self._waiting:
            await self._clock.sleep(STORE_AFTER)
            await self._store()

    async def _store(self) -> None:
        batch = dict(self._waiting)
        try:
            await answers.keep(self._db, batch)
        except StoreUnavailable:
            log.warning("answers.not_stored", extra={"count": len(batch)})
        for key, kept in batch.items():
            if self._waiting.get(key) is kept:
                del self._waiting[key]
