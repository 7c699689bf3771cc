"""A run while it works: steps that are stored whole, waits that can be cut short, and how it ends.

What a sync does falls into steps. A step is one transaction: what it writes, the counts, the cursor from which another
process can go on, the heartbeat and the lease. So a run that is killed between two steps goes on exactly where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from db import run_notes, runs
from db.engine import Database, StoreUnavailable
from db.run_notes import Tone
from db.runs import Connection, Counts, Grip, GripLost, RunRow
from integrations.correlation import origin
from integrations.errors import CallFailed, NotPermitted, OutcomeUnknown, QuaysideError
from integrations.waiting import Waits, watched

log = logging.getLogger(__name__)
T = TypeVar("T")
LONGEST_WAIT = 300.0  # seconds; a vendor that asks for more ends the run, the next one goes on


class RunCancelled(Exception):
    """Somebody asked for the run to stop."""


class RunStopped(Exception):
    """This process is about to end; another one goes on from the checkpoint."""


class RunFailed(Exception):
    """The run cannot go on; the message is a sentence for people."""

    def __init__(self, message: str, *, error_type: str, passing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.passing = passing  # what ended it passes by itself


@dataclass(slots=True, kw_only=True)
class Step:
    """One step under way: the transaction to write in, and what the step adds to the run."""

    connection: Connection
    cursor: dict[str, Any]
    counts: Counts = field(default_factory=Counts)
    total: int | None = None


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of a sync in this process. ``cursor`` is as stored; ``plan`` is filled by a dry run."""

    db: Database
    row: RunRow
    grip: Grip
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    lease_seconds: float = 30.0
    patience: tuple[float, ...] = ()
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    cursor: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    message: str | None = None
    cancelled_by: str | None = None
    waits: Waits = field(default_factory=Waits)
    patient_for: str | None = None

    def __post_init__(self) -> None:
        self.cursor = dict(self.row.cursor or {})

    def __repr__(self) -> str:
        return f"<Run {self.row.sync} {self.row.id} takeovers={self.row.takeovers}>"

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """Return the stretch of the past this run is to work off (from, before); None for a run that is no slice of a
        backfill."""
        options = self.row.options or {}
        if self.row.backfill_id is None:
            return None
        return datetime.fromisoformat(options["since"]), datetime.fromisoformat(options["until"])

    @property
    def waiting_for(self) -> str | None:
        """Return what it waits for at this moment, None while it works."""
        return self.patient_for or self.waits.now

    async def note(self, text: str, *, tone: Tone = "info") -> None:
        """Add a line to the run's log."""
        async with self.db.write() as connection:
            await run_notes.add(connection, self.row.id, text, tone=tone, now=self.now())

    @asynccontextmanager
    async def step(self) -> AsyncIterator[Step]:
        """Do one step. Raise RunCancelled or RunStopped after it is stored, GripLost (nothing stored) when the run is
        not ours any more."""
        async with self.db.write() as connection:
            step = Step(connection=connection, cursor=dict(self.cursor))
            yield step
            self.cancelled_by = await runs.checkpoint(
                connection,
                self.grip,
                now=self.now(),
                until=self._until(),
                cursor=step.cursor,
                counts=step.counts,
                total=step.total,
                waiting_for=self.waiting_for,
            )
            phase = step.cursor.get("phase")
            if phase is not None and phase != self.cursor.get("phase"):
                await run_notes.add(connection, self.row.id, f"Phase: {phase}.", now=self.now())
        self.cursor = step.cursor
        self.raise_if_asked()

    async def beat(self) -> None:
        """Say that the run is alive. Raise GripLost when it is not ours any more."""
        async with self.db.write() as connection:
            self.cancelled_by = await runs.checkpoint(
                connection, self.grip, now=self.now(), until=self._until(), waiting_for=self.waiting_for
            )

    async def pause(self, seconds: float) -> None:
        """Wait, but not past a cancel or a stop. Raise RunCancelled or RunStopped."""
        left = seconds
        while left > 0:
            self.raise_if_asked()
            await self.sleep(min(left, 1.0))
            left -= 1.0
        self.raise_if_asked()

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call; while the vendor is in trouble that may pass, wait and make it again.

        Only for calls that may be made twice. Raise what the last one raised when patience is at its end.
        """
        for wait in (*self.patience, None):
            try:
                return await call()
            except (CallFailed, NotPermitted) as error:
                passing = error.retryable or isinstance(error, OutcomeUnknown)
                asked = error.retry_after or 0.0
                if wait is None or not passing or asked > LONGEST_WAIT:
                    raise
                log.info("run.waits", extra={"run": self.row.id, "reason": error.message})
                await self.note(f"{error.message} It tries again in {max(wait, asked):g} s.", tone="warn")
                self.patient_for = error.message
                try:
                    await self.pause(max(wait, asked))
                finally:
                    self.patient_for = None
        raise AssertionError("the last wait is None")

    def raise_if_asked(self) -> None:
        """Raise RunCancelled or RunStopped when somebody wants that."""
        if self.cancelled_by is not None:
            raise RunCancelled(f"Cancelled by {self.cancelled_by}.")
        if self.stop.is_set():
            raise RunStopped("This process is about to end.")

    def _until(self) -> datetime:
        return self.now() + timedelta(seconds=self.lease_seconds)


Work = Callable[[Run], Awaitable[None]]


async def execute(run: Run, work: Work) -> None:
    """Do the work of a run and store how it ended.

    A run that was stopped, or whose database went away, stays running in the database: it is taken over from its
    checkpoint. A cancelled task (or a killed process) stores nothing for the same reason.
    """
    with origin("sync", correlation_id=run.row.correlation_id, run_id=run.row.id), watched() as run.waits:
        try:
            await run.note(_begun(run))
            await work(run)
        except RunStopped:
            await _quietly(run, runs.let_go(run.db, run.grip))
        except GripLost as error:
            log.warning("run.lost", extra={"run": run.row.id, "reason": str(error)})
        except StoreUnavailable:
            log.warning("run.store_unavailable", extra={"run": run.row.id})
            await _quietly(run, runs.let_go(run.db, run.grip))
        except RunCancelled as error:
            await _end(run, "cancelled", message=str(error))
        except (RunFailed, QuaysideError) as error:
            passing = error.passing if isinstance(error, RunFailed) else passes_by_itself(error)
            await _end(run, "error", message=error.message, error_type=error.error_type, passing=passing)
        except Exception as error:
            log.exception("run.broke", extra={"run": run.row.id, "sync": run.row.sync})
            text = f"The sync broke ({type(error).__name__}); the log of the scheduler has the details."
            await _end(run, "error", message=text, error_type="internal")
        else:
            await _end(run, "success", message=run.message)


def _begun(run: Run) -> str:
    asked = f", asked for by {run.row.requested_by}" if run.row.requested_by else ""
    if run.row.takeovers:
        return f"Taken over by {run.grip.holder} from a process that ended; it goes on from the checkpoint."
    span = f", for {run.span[0]:%Y-%m-%d %H:%M} to {run.span[1]:%Y-%m-%d %H:%M} UTC" if run.span else ""
    return f"Begun by {run.grip.holder}{asked}{span}."


def passes_by_itself(error: QuaysideError) -> bool:
    """Whether what ended a run passes by itself: the next one may do better, and nobody has to mend anything."""
    return (error.retryable and error.fault in ("theirs", "network")) or isinstance(error, NotPermitted)


async def _end(
    run: Run, outcome: str, *, message: str | None, error_type: str | None = None, passing: bool | None = None
) -> None:
    plan = run.db.seal.seal(_plain(run.plan)) if run.row.dry_run else None
    at = run.now()

    async def write() -> None:
        async with run.db.write() as connection:
            mine = await runs.finish(
                connection,
                run.grip,
                outcome=outcome,
                now=at,
                message=message,
                error_type=error_type,
                plan=plan,
                passing=passing,
            )
            if mine:
                said = f"Ended with {outcome}. {message or ''}".strip()
                tone: Tone = "bad" if outcome == "error" else "info"
                await run_notes.add(connection, run.row.id, said, tone=tone, now=at)

    await _quietly(run, write())
    log.info("sync.finished", extra={"sync": run.row.sync, "run": run.row.id, "outcome": outcome})


async def _quietly(run: Run, act: Awaitable[None]) -> None:
    try:
        await act
    except StoreUnavailable:  # the lease runs out by itself, and the run is taken over then
        log.warning("run.end_not_stored", extra={"run": run.row.id})


def _plain(plan: Mapping[str, Any]) -> dict[str, Any]:
    return dict(plan)
