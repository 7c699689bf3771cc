"""The commands ``sync NAME`` and ``scheduler``, for ``app.py`` to dispatch."""

from __future__ import annotations

import asyncio
import getpass
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from db import run_history, runs
from db.engine import Database
from db.owner import new_owner
from db.runs import Grip, RunRow
from integrations.errors import InvalidInput, LeaseHeld
from scheduler.calls import Calls
from scheduler.jobs import Job, all_jobs
from scheduler.lease import kept_alive
from scheduler.options import SchedulerOptions
from scheduler.service import Duty, Service, utc_now
from scheduler.syncs.run import Run, execute

log = logging.getLogger(__name__)


async def sync_once(
    db: Database,
    calls: Calls,
    options: SchedulerOptions,
    name: str,
    *,
    dry_run: bool = False,
    requested_by: str | None = None,
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> dict[str, Any]:
    """Run a sync in this process and return the run as JSON values, with the plan of a dry run.

    A run whose process died is gone on with instead of a new one. Raise InvalidInput (exit 2) for an unknown sync,
    LeaseHeld (exit 3) when it is running elsewhere. ``exit_code`` of the result tells how it ended.
    """
    job = all_jobs(calls, options).get(name)
    if job is None:
        names = ", ".join(all_jobs(calls, options))
        raise InvalidInput(f'No sync "{name}"; there are {names}.', field="name")
    holder, at = new_owner("cli"), now()
    until = at + timedelta(seconds=options.lease_seconds)
    grip, row = await _left_over(db, name, holder=holder, at=at, until=until) if not dry_run else (None, None)
    if grip is None or row is None:
        by = requested_by or _user_name()
        row, grip = await runs.begin_new(db, name, requested_by=by, dry_run=dry_run, holder=holder, now=at, until=until)
    if grip is None:
        missed = await run_history.get(db, row.id)
        raise LeaseHeld(f"The {name} sync is running elsewhere. {missed.message if missed else ''}".strip())
    await _work(db, job, row.id, grip, options, now, sleep)
    ended = await run_history.get(db, row.id)
    return run_json(db, ended or row)


async def _left_over(
    db: Database, name: str, *, holder: str, at: datetime, until: datetime
) -> tuple[Grip | None, RunRow | None]:
    for row in await runs.dead(db, now=at):
        if row.sync == name and not row.dry_run:
            return await runs.take_over(db, row, holder=holder, now=at, until=until), row
    return None, None


async def _work(
    db: Database,
    job: Job,
    run_id: str,
    grip: Grip,
    options: SchedulerOptions,
    now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    row = await run_history.get(db, run_id)
    if row is None:
        return
    run = Run(
        db=db,
        row=row,
        grip=grip,
        now=now,
        sleep=sleep,
        lease_seconds=options.lease_seconds,
        patience=options.patience,
    )
    async with kept_alive(run, every=options.heartbeat_every):
        await execute(run, job.work)


def run_json(db: Database, run: RunRow) -> dict[str, Any]:
    """Return a run as JSON values, its plan opened. Raise SealBroken when the plan cannot be read."""
    plan = db.seal.open(run.plan) if run.plan else None
    return run_history.facts(run) | {"plan": plan}


def exit_code(run: dict[str, Any]) -> int:
    """Return the exit code of ``sync``: 0 for a success, else 1."""
    return 0 if run["outcome"] == "success" else 1


async def serve(
    db: Database, calls: Calls, options: SchedulerOptions, *, owner: str | None = None, duties: Sequence[Duty] = ()
) -> None:
    """Be the scheduler process until told to stop (SIGINT, SIGTERM) or cancelled."""
    service = Service(db=db, jobs=all_jobs(calls, options), options=options, owner=owner, duties=duties)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not on Windows, not off the main thread
            loop.add_signal_handler(number, service.stop.set)
    await service.run()


def _user_name() -> str:
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "command line"
