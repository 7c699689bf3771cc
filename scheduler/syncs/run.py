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

from db import runs
from db.engine import Database, StoreUnavailable
from db.runs import Connection, Counts, Grip, GripLost, RunRow
from integrations.correlation import origin
from integrations.errors import CallFailed, NotPermitted, OutcomeUnknown, QuaysideError

log = logging.getLogger(__name__)
T = TypeVar("T")
LONGEST_WAIT = 300.0  # seconds; a vendor that asks for more ends the run, the next one goes on


class RunCancelled(Exception):
    """Somebody asked for the run to stop."""


class RunStopped(Exception):
    """This process is about to end; another one goes on from the checkpoint."""


class RunFailed(Exception):
    """The run cannot go on; the message is a sentence for people."""

    def __init__(self, message: str, *, error_type: str) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type


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

    def __post_init__(self) -> None:
        self.cursor = dict(self.row.cursor or {})

    def __repr__(self) -> str:
        return f"<Run {self.row.sync} {self.row.id} takeovers={self.row.takeovers}>"

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
            )
        self.cursor = step.cursor
        self.raise_if_asked()

    async def beat(self) -> None:
        """Say that the run is alive. Raise GripLost when it is not ours any more."""
        async with self.db.write() as connection:
            self.cancelled_by = await runs.checkpoint(connection, self.grip, now=self.now(), until=self._until())

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
                await self.pause(max(wait, asked))
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
    with origin("sync", correlation_id=run.row.correlation_id, run_id=run.row.id):
        try:
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
            await _end(run, "error", message=error.message, error_type=error.error_type)
        except Exception as error:
            log.exception("run.broke", extra={"run": run.row.id, "sync": run.row.sync})
            text = f"The sync broke ({type(error).__name__}); the log of the scheduler has the details."
            await _end(run, "error", message=text, error_type="internal")
        else:
            await _end(run, "success", message=run.message)


async def _end(run: Run, outcome: str, *, message: str | None, error_type: str | None = None) -> None:
    plan = run.db.seal.seal(_plain(run.plan)) if run.row.dry_run else None
    at = run.now()

    async def write() -> None:
        async with run.db.write() as connection:
            await runs.finish(
                connection, run.grip, outcome=outcome, now=at, message=message, error_type=error_type, plan=plan
            )

    await _quietly(run, write())
    log.info("sync.finished", extra={"sync": run.row.sync, "run": run.row.id, "outcome": outcome})


async def _quietly(run: Run, act: Awaitable[None]) -> None:
    try:
        await act
    except StoreUnavailable:  # the lease runs out by itself, and the run is taken over then
        log.warning("run.end_not_stored", extra={"run": run.row.id})


def _plain(plan: Mapping[str, Any]) -> dict[str, Any]:
    return dict(plan)
