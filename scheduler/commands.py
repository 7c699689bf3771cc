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
from scheduler.demo import Demo
from scheduler.jobs import all_jobs
from scheduler.lease import kept_alive
from scheduler.options import SchedulerOptions
from scheduler.service import Duty, Service, utc_now
from scheduler.syncs.run import Run, Work, execute

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
    job = all_jobs(options).get(name)
    if job is None:
        raise InvalidInput(f'No sync "{name}"; there are {", ".join(all_jobs(options))}.', field="name")
    holder, at = new_owner("cli"), now()
    until = at + timedelta(seconds=options.lease_seconds)
    grip, row = await _left_over(db, name, holder=holder, at=at, until=until) if not dry_run else (None, None)
    if grip is None or row is None:
        by = requested_by or _user_name()
        row, grip = await runs.begin_new(db, name, requested_by=by, dry_run=dry_run, holder=holder, now=at, until=until)
    if grip is None:
        missed = await run_history.get(db, row.id)
        raise LeaseHeld(f"The {name} sync is running elsewhere. {missed.message if missed else ''}".strip())
    await _work(db, job.work(calls), row.id, grip, options, now, sleep)
    ended = await run_history.get(db, row.id)
    return run_json(db, ended or row)


async def work_off(db: Database, calls: Calls, options: SchedulerOptions, run_id: str) -> None:
    """Work a queued run off in this process; nothing happens when it is no longer queued, or its sync is running."""
    row = await run_history.get(db, run_id)
    job = all_jobs(options).get(row.sync) if row is not None else None
    if row is None or job is None or row.state != "queued":
        return
    at = utc_now()
    until = at + timedelta(seconds=options.lease_seconds)
    grip = await runs.begin(db, row, holder=new_owner("worker"), now=at, until=until)
    if grip is not None:
        await _work(db, job.work(calls), row.id, grip, options, utc_now, asyncio.sleep)


async def _left_over(
    db: Database, name: str, *, holder: str, at: datetime, until: datetime
) -> tuple[Grip | None, RunRow | None]:
    for row in await runs.dead(db, now=at):
        if row.sync == name and not row.dry_run:
            return await runs.take_over(db, row, holder=holder, now=at, until=until), row
    return None, None


async def _work(
    db: Database,
    work: Work,
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
        await execute(run, work)


def run_json(db: Database, run: RunRow) -> dict[str, Any]:
    """Return a run as JSON values, its plan opened. Raise SealBroken when the plan cannot be read."""
    plan = db.seal.open(run.plan) if run.plan else None
    return run_history.facts(run) | {"plan": plan}


def exit_code(run: dict[str, Any]) -> int:
    """Return the exit code of ``sync``: 0 for a success, else 1."""
    return 0 if run["outcome"] == "success" else 1


def run_lines(run: dict[str, Any]) -> list[str]:
    """Return a run as lines for people."""
    counts = ", ".join(f"{number} {name}" for name, number in run["counts"].items() if number)
    lines = [f"{run['sync']}: {run['outcome'] or run['state']}{f' ({counts})' if counts else ''}"]
    if run["message"]:
        lines.append(run["message"])
    if run["plan"]:
        lines += [f"  {name}: {value}" for name, value in run["plan"].items() if name != "items" and value is not None]
        lines += [f"  {_line(item)}" for item in run["plan"].get("items", ())]
    return lines


def _line(item: object) -> str:
    if not isinstance(item, dict):
        return str(item)
    before = "nothing" if item["before"] is None else item["before"]
    return f"{item['target']}: {item['entity']} {item['field']} {before} -> {item['after']} ({item['rule']})"


async def serve(
    db: Database,
    calls: Calls,
    options: SchedulerOptions,
    *,
    owner: str | None = None,
    duties: Sequence[Duty] = (),
    demo: Demo | None = None,
    give: Callable[[str], Awaitable[None]] | None = None,
) -> None:
    """Be the scheduler process until told to stop (SIGINT, SIGTERM) or cancelled."""
    service = Service(db=db, calls=calls, options=options, owner=owner, duties=duties, give=give)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not on Windows, not off the main thread
            loop.add_signal_handler(number, service.stop.set)
    shopping = asyncio.create_task(demo.run()) if demo is not None else None
    try:
        await service.run()
    finally:
        if shopping is not None:
            shopping.cancel()
            await asyncio.gather(shopping, return_exceptions=True)


def _user_name() -> str:
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "command line"
