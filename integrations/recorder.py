"""Every call on disk before it goes on, then in the database: journal first, batches behind it.

The gateway reports three facts (``record.py``). Each is appended to this process's journal at once, and kept in memory
until a batch has been stored together with its rollups and the journal's position. While the database is away the
batches wait; beyond ``memory_limit`` records only the journal keeps them, and they are read back from it. The journals
of dead processes of this machine are stored by whoever finds them first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from db.batches import PositionMoved, forget_journal
from db.engine import Database, StoreUnavailable
from integrations.journal import SEGMENT_BYTES, Journal, JournalUnavailable
from integrations.record import AttemptEnded, AttemptStarted, CallEnded
from integrations.rows import ATTEMPT, CALL, HEADER, STARTED, Entry, attempt_row, call_row, decode, encode
from integrations.storing import store_entries
from integrations.take_over import take_over_abandoned
from integrations.under_way import UnderWay

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.2
SYNC_SECONDS = 0.8
BATCH = 500
# A batch keeps other writers out of SQLite while it is stored; on Postgres only its rollups are shared, and the more
# calls a batch has, the fewer rollup rows each of them costs.
LARGEST_BATCH = {"sqlite": 4_000, "postgresql": 20_000}
RETRY_SECONDS = (0.5, 1.0, 2.0, 3.0)


def _micros() -> int:
    return time.time_ns() // 1000


class Recorder:
    """Records what the gateway reports. Its methods without ``async`` only append to the journal: a few microseconds.

    ``directory`` holds the journals of this machine's processes, ``owner`` names this one. All methods belong to the
    loop that opened it.
    """

    def __init__(
        self,
        db: Database,
        directory: Path,
        owner: str,
        now: Callable[[], int] = _micros,
        *,
        memory_limit: int = 20_000,
        segment_bytes: int = SEGMENT_BYTES,
        take_over_every: float = 3.0,
    ) -> None:
        self._db = db
        self._directory = directory
        self._owner = owner
        self._now = now
        self._memory_limit = memory_limit
        self._largest_batch = LARGEST_BATCH[db.dialect]
        self._segment_bytes = segment_bytes
        self._take_over_every = take_over_every
        self._journal: Journal | None = None
        self._under_way = UnderWay()
        self._waiting: deque[Entry] = deque()
        self._stored = 0  # the journal's position in the database
        self._only_in_journal = False  # what follows the waiting ones is not in memory
        self._batch = BATCH
        self._away = False
        self._some = asyncio.Event()
        self._many = asyncio.Event()
        self._storing = asyncio.Lock()  # one batch of this journal at a time
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        place = f"stored to {self._stored} of {self._journal.end}" if self._journal else "closed"
        away = ", database away" if self._away else ""
        spilled = ", more in the journal" if self._only_in_journal else ""
        return f"<Recorder {self._owner}: {len(self._waiting)} waiting{spilled}, {self._under_way!r}, {place}{away}>"

    @property
    def is_database_away(self) -> bool:
        """Whether the last batch found no database."""
        return self._away

    async def open(self) -> None:
        """Begin the journal and the work behind it. Raise JournalUnavailable when the folder cannot be written."""
        self._journal = Journal.create(
            self._directory, self._owner, HEADER, carry=self._under_way.records, segment_bytes=self._segment_bytes
        )
        self._tasks = [
            asyncio.create_task(self._store_batches(), name="recorder.store"),
            asyncio.create_task(self._sync_journal(), name="recorder.sync"),
            asyncio.create_task(self._take_over(), name="recorder.take_over"),
        ]

    async def close(self) -> None:
        """Store what waits if the database answers, and let go of the journal; another process stores the rest."""
        if self._journal is None:
            return
        async with self._storing:  # a batch that has begun is finished
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush()
        journal, self._journal = self._journal, None
        done = not self._waiting and not self._only_in_journal and self._under_way.is_empty()
        journal.close(remove=done)
        if done:
            with contextlib.suppress(StoreUnavailable):
                await forget_journal(self._db, journal.id)

    def attempt_started(self, fact: AttemptStarted) -> None:
        """Note that a request is about to be sent. Raise JournalUnavailable: then it must not be sent."""
        payload = encode([STARTED, attempt_row(fact), fact.call.started_at, fact.call.operation])
        self._opened().append(payload)
        self._under_way.attempt_started(fact, payload)

    def attempt_ended(self, fact: AttemptEnded) -> None:
        """Note the answer of a request, or what came instead."""
        started = fact.started
        self._keep([ATTEMPT, attempt_row(started, fact), fact.request_body, fact.response_body])
        self._under_way.attempt_ended(started, fact.duration)

    def call_ended(self, fact: CallEnded) -> None:
        """Note how a call ended."""
        self._keep([CALL, call_row(fact), fact.input_sealed])
        self._under_way.call_ended(fact.call.call_id)

    async def flush(self) -> None:
        """Return when all that was noted is stored, or the database is away."""
        while self._waiting or self._only_in_journal:
            if not await self._store_some():
                return

    def _opened(self) -> Journal:
        if self._journal is None:
            raise JournalUnavailable(0, "The recorder is not open")
        return self._journal

    def _keep(self, record: list[Any]) -> None:
        journal = self._opened()
        payload = encode(record)
        try:
            end = journal.append(payload)
        except JournalUnavailable:
            # It happened, so it is recorded: in memory it still reaches the database, at a position no file holds.
            end = journal.skip(len(payload))
            log.exception("journal.append_failed")
            if self._only_in_journal:
                log.error("journal.record_lost")
        if self._only_in_journal:
            return
        if len(self._waiting) >= self._memory_limit:
            self._only_in_journal = True
            return
        self._waiting.append((end, record))
        if not self._some.is_set():
            self._some.set()
        if len(self._waiting) >= BATCH and not self._many.is_set():
            self._many.set()

    async def _store_batches(self) -> None:
        failures = 0
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._many.wait()
            self._some.clear()
            self._many.clear()
            # One batch, not flush(): what arrives while it is stored waits for the next, or every call would be a batch.
            if await self._store_some():
                failures = 0
            else:
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
            if self._waiting or self._only_in_journal:
                self._some.set()
                if len(self._waiting) >= BATCH or self._only_in_journal or failures:
                    self._many.set()

    async def _sync_journal(self) -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            try:
                await asyncio.to_thread(self._opened().sync)
            except OSError:
                log.exception("journal.sync_failed")

    async def _take_over(self) -> None:
        while True:
            try:
                await take_over_abandoned(self._db, self._directory, self._now)
            except (StoreUnavailable, PositionMoved):
                pass  # next time
            except Exception:
                log.exception("recorder.take_over_failed")
            await asyncio.sleep(self._take_over_every)

    async def _store_some(self) -> bool:
        """Store one batch; return False when the database would not take it now."""
        async with self._storing:
            journal = self._opened()
            if self._only_in_journal and not self._waiting:
                self._read_back(journal)
            entries = list(islice(self._waiting, self._largest_batch))
            if not entries:
                return True
            try:
                self._stored = await store_entries(
                    self._db, self._directory, journal.id, entries, start=self._stored, now=self._now()
                )
            except PositionMoved as moved:
                self._stored = moved.position  # the answer to a commit was lost, or to half of a batch
            except StoreUnavailable:
                if not self._away:
                    log.warning("recorder.database_away")
                self._away = True
                return False
            except Exception:
                log.exception("recorder.store_failed")
                return False
            self._away = False
            while self._waiting and self._waiting[0][0] <= self._stored:
                self._waiting.popleft()
            everything = not self._waiting and not self._only_in_journal
            journal.drop_before(journal.end if everything else self._stored)
            return True

    def _read_back(self, journal: Journal) -> None:
        """Fetch the next records that memory had no room for."""
        for entry in decode(journal.records(self._stored)):
            self._waiting.append(entry)
            if len(self._waiting) >= self._largest_batch:
                return
        self._only_in_journal = False
