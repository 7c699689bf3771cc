"""The scheduler process: fires slots, starts what people ask for, takes over what others left, keeps other duties.

APScheduler is a timer in memory and nothing more. What is to run, what runs and what ran stands in the database, so any
number of these processes may be up: a slot is claimed by one, a sync runs under its lease, and the run of a process that
died is taken over by the next that looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from db import backfills, plans, processes, run_history, runs, schedules
from db.engine import Database, StoreUnavailable
from db.owner import new_owner
from db.runs import Grip, GripLost, RunRow
from db.schedules import ScheduleEdit
from scheduler.calls import Calls
from scheduler.jobs import Job, all_jobs
from scheduler.lease import kept_alive
from scheduler.listener import LISTENED, Listener
from scheduler.options import SchedulerOptions
from scheduler.syncs.run import Run, execute
from scheduler.triggers import last_fire, parse

log = logging.getLogger(__name__)
PAUSE_LOOKED_AT = 2.0  # seconds between two looks at what keeps failing
LATE = 60  # seconds a slot may come late and still run; later it is noted as missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something else to be done again and again in this process, for whoever wired it."""

    name: str
    every_seconds: float
    act: Callable[[], Awaitable[object]]


def failed_too_often(ended: Sequence[RunRow], *, limit: int, since: datetime | None) -> str | None:
    """Return the sentence that pauses a sync, None while it may go on. ``ended`` are its latest runs that count, newest
    first; those that ended before ``since``, when it was last resumed, count no more."""
    counted = [run for run in ended if since is None or (run.finished_at is not None and run.finished_at > since)]
    if len(counted) < limit or any(run.outcome == "success" for run in counted):
        return None
    times = "Its last run failed" if limit == 1 else f"Its last {limit} runs failed in a row"
    said = f"; the last one said: {counted[0].message}" if counted[0].message else "."
    return f"{times}{said}"


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Service:
    """One scheduler process. ``owner`` is its id; ``run`` is its life."""

    def __init__(
        self,
        *,
        db: Database,
        calls: Calls,
        options: SchedulerOptions,
        owner: str | None = None,
        duties: Sequence[Duty] = (),
        give: Callable[[str], Awaitable[None]] | None = None,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.db = db
        self.calls = calls
        self.jobs = all_jobs(options)
        self.options = options
        self.owner = owner or new_owner("scheduler")
        self.duties = duties
        self.give = give  # hands a run out to workers
        self.now = now
        self.sleep = sleep
        self.stop = asyncio.Event()
        self._timer = AsyncIOScheduler(timezone=UTC)
        self._listener = Listener()
        self._running: dict[str, asyncio.Task[None]] = {}  # run id -> its task in this process
        self._firing: set[asyncio.Task[None]] = set()  # slots that are being claimed
        self._triggers: dict[str, BaseTrigger] = {}
        self._edits: dict[str, ScheduleEdit] = {}
        self._paused: set[str] = set()

    def __repr__(self) -> str:
        return f"<Service {self.owner} running={sorted(self._running)}>"

    async def run(self) -> None:
        """Work until ``stop`` is set, then let runs reach a checkpoint and end."""
        await processes.started(self.db, self.owner, "scheduler", now=self.now())
        await self.read_schedules()
        await self.catch_up()
        self._timer.add_listener(self._listener, LISTENED)
        self._timer.start()
        tasks = [
            asyncio.create_task(self._again("watch", self.options.poll_every, self.watch)),
            asyncio.create_task(self._again("heartbeat", self.options.heartbeat_every, self.beat)),
            asyncio.create_task(self._again("pause_failing", PAUSE_LOOKED_AT, self.pause_failing)),
            *(asyncio.create_task(self._again(duty.name, duty.every_seconds, duty.act)) for duty in self.duties),
        ]
        log.info("scheduler.started", extra={"owner": self.owner, "syncs": sorted(self.jobs)})
        try:
            await self.stop.wait()
        finally:
            self.stop.set()
            await self._end(tasks)

    # --- schedules -------------------------------------------------------------------------------------------------

    async def read_schedules(self) -> None:
        """Take the schedules of the file, and the edits and pauses over them; what has changed is in force at once."""
        edits = await schedules.edits(self.db)
        for name, job in self.jobs.items():
            edit, now = edits.get(name), self.now()
            before, paused = self._edits.get(name), edit is not None and edit.is_paused(now)
            if name in self._triggers and edit == before and paused == (name in self._paused):
                continue
            self._triggers[name] = self._trigger(job, edit)
            if edit is not None:
                self._edits[name] = edit
            else:
                self._edits.pop(name, None)
            (self._paused.add if paused else self._paused.discard)(name)
            if self._timer.get_job(name) is not None:
                self._timer.remove_job(name)
            if not paused:
                self._timer.add_job(
                    self.fire,
                    self._triggers[name],
                    args=[name],
                    id=name,
                    misfire_grace_time=LATE,
                    coalesce=True,
                    max_instances=1,
                )
            log.info("schedule.in_force", extra={"sync": name, "paused": paused})

    def is_paused(self, sync: str) -> bool:
        """Return True while the schedule of the sync is held back."""
        return sync in self._paused

    async def pause_failing(self) -> None:
        """Hold back each sync whose runs failed too often in a row, so that somebody looks before it goes on."""
        edits, now = await schedules.edits(self.db), self.now()
        for name, job in self.jobs.items():
            edit = edits.get(name)
            limit = job.pause_after if edit is None or edit.pause_after is None else edit.pause_after
            if limit == 0 or (edit is not None and edit.is_paused(now)):
                continue
            ended = await run_history.ended_lately(self.db, name, limit=limit)
            reason = failed_too_often(ended, limit=limit, since=edit.held_until(now) if edit else None)
            if reason is not None and await schedules.pause_failing(
                self.db, name, run_id=ended[0].id, reason=reason, now=now
            ):
                log.warning("schedule.paused", extra={"sync": name, "reason": reason})

    def _trigger(self, job: Job, edit: ScheduleEdit | None) -> BaseTrigger:
        text = edit.schedule if edit is not None and edit.schedule else job.schedule
        try:
            return parse(text, timezone=self.options.timezone, field=f"{job.name}.schedule")
        except ValueError as error:
            log.warning("schedule.refused", extra={"sync": job.name, "reason": str(error)})
            return parse(job.schedule, timezone=self.options.timezone, field=f"{job.name}.schedule")

    async def catch_up(self) -> None:
        """Note the latest slot nobody was up for as missed, and run the sync once instead."""
        now = self.now()
        for name in self.jobs:
            before = await run_history.last_slot(self.db, name)
            slot = last_fire(self._triggers[name], now)
            if before is None or slot is None or slot <= before or self.is_paused(name):
                continue
            if now - slot < timedelta(seconds=2 * self.options.poll_every):
                continue  # this very moment: the slot is being claimed, not missed
            edit = self._edits.get(name)
            if edit is not None and slot <= max(edit.changed_at, edit.held_until(now) or edit.changed_at):
                continue  # it was no slot then, or it lay in a pause
            reason = f"No scheduler was running at {slot:%Y-%m-%d %H:%M:%S} UTC; it runs once now."
            if await runs.note_missed(self.db, name, scheduled_at=slot, now=now, reason=reason):
                await runs.queue(self.db, name, trigger="start", requested_by=None, now=now)

    # --- starting ----------------------------------------------------------------------------------------------------

    async def fire(self, sync: str) -> None:
        """Handle a slot of the schedule: claim it for this process and start it, or leave it to who was faster."""
        slot, task = last_fire(self._triggers[sync], self.now()), asyncio.current_task()
        if slot is None or task is None or self.stop.is_set():
            return
        self._firing.add(task)
        try:
            edit = self._edits.get(sync)
            schedule = edit.schedule if edit is not None else None
            run = await runs.claim_slot(self.db, sync, scheduled_at=slot, now=self.now(), schedule=schedule)
            if run is not None:
                await self.take_over_dead()
                await self.start(run)
        finally:
            self._firing.discard(task)

    async def watch(self) -> None:
        """Look once at what others have written: edits, dead runs, queued runs; store what the timer could not do."""
        if self.stop.is_set():
            return  # what this process lets go of now is for another one
        for slip in self._listener.taken():
            await runs.note_missed(
                self.db, slip.sync, scheduled_at=slip.scheduled_at, now=self.now(), reason=slip.reason
            )
        await self.read_schedules()
        await self.take_over_dead()
        await backfills.advance(self.db, now=self.now())
        queued = await run_history.queued(self.db)
        busy = {run.sync for run in await run_history.running(self.db)} if queued else set()
        for run in queued:
            if run.sync not in self.jobs or self._is_fresh_slot(run):
                continue
            if run.sync in busy and await plans.acted_on_by(self.db, run.id) is not None:
                continue  # what a person has decided waits for its turn, instead of being missed
            busy.add(run.sync)
            await self.start(run)

    def _is_fresh_slot(self, run: RunRow) -> bool:
        """A slot claimed this moment is started by its claimer; one left lying is anybody's."""
        return run.trigger == "schedule" and self.now() - run.scheduled_at < timedelta(seconds=LATE)

    async def start(self, run: RunRow) -> None:
        """Start a queued run in this process; it is noted as missed when another run of the sync is under way.

        With workers it is handed out to them instead.
        """
        if self.give is not None and not run.dry_run:
            await self.give(run.id)
            return
        holder = new_owner("scheduler")
        grip = await runs.begin(self.db, run, holder=holder, now=self.now(), until=self._until())
        if grip is not None:
            await self._launch(grip)

    async def take_over_dead(self) -> None:
        """Go on with runs whose process died or let go; abandon those that keep killing their processes."""
        for run in await runs.dead(self.db, now=self.now()):
            if run.sync not in self.jobs or run.id in self._running:
                continue
            holder = new_owner("scheduler")
            grip = await runs.take_over(self.db, run, holder=holder, now=self.now(), until=self._until())
            if grip is None:
                continue
            log.warning("run.taken_over", extra={"sync": run.sync, "run": run.id, "takeovers": run.takeovers + 1})
            if run.dry_run or run.takeovers >= self.options.max_takeovers:
                await self._abandon(grip, run)
            else:
                await self._launch(grip)

    async def _abandon(self, grip: Grip, run: RunRow) -> None:
        message = (
            "Its process ended before the dry run did; start it again."
            if run.dry_run
            else f"It was taken over {run.takeovers} times and never ended; the next run goes on from its checkpoint."
        )
        async with self.db.write() as connection:
            await runs.finish(connection, grip, outcome="abandoned", now=self.now(), message=message)

    async def _launch(self, grip: Grip) -> None:
        row = await run_history.get(self.db, grip.run_id)
        if row is None:
            return
        run = Run(
            db=self.db,
            row=row,
            grip=grip,
            now=self.now,
            sleep=self.sleep,
            lease_seconds=self.options.lease_seconds,
            patience=self.options.patience,
            stop=self.stop,
        )
        task = asyncio.create_task(self._work(run), name=f"run:{row.sync}")
        self._running[row.id] = task
        task.add_done_callback(lambda _: self._running.pop(row.id, None))

    async def _work(self, run: Run) -> None:
        try:
            async with kept_alive(run, every=self.options.heartbeat_every, sleep=self.sleep):
                await execute(run, self.jobs[run.row.sync].work(self.calls))
        except GripLost as error:
            log.warning("run.lost", extra={"run": run.row.id, "reason": str(error)})

    # --- the process -------------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """Say that this process is up."""
        await processes.beat(self.db, self.owner, now=self.now())

    async def idle(self) -> None:
        """Wait until no run is under way in this process."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def _again(self, name: str, every: float, act: Callable[[], Awaitable[object]]) -> None:
        away = False
        while True:
            try:
                await act()
                away = False
            except StoreUnavailable:
                if not away:
                    log.warning("duty.store_unavailable", extra={"duty": name})
                away = True
            except Exception:  # one duty that fails must not take the others, or the syncs, with it
                log.exception("duty.failed", extra={"duty": name})
            await self.sleep(every)

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        self._timer.remove_all_jobs()
        if self._firing:
            await asyncio.wait(set(self._firing), timeout=self.options.stop_grace)
        if self._running:
            log.info("scheduler.stopping", extra={"runs": sorted(self._running)})
            await asyncio.wait(list(self._running.values()), timeout=self.options.stop_grace)
        for task in (*tasks, *self._running.values()):
            task.cancel()
        await asyncio.gather(*tasks, *self._running.values(), return_exceptions=True)
        self._timer.shutdown(wait=False)
        with suppress(StoreUnavailable):
            await processes.stopped(self.db, self.owner, now=self.now())
        log.info("scheduler.stopped", extra={"owner": self.owner})

    def _until(self) -> datetime:
        return self.now() + timedelta(seconds=self.options.lease_seconds)
