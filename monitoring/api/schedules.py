"""Schedules: edited, paused and resumed; who, why and until when stay on them and in the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, StringConstraints

from db import schedules
from db.schedules import LONGEST, ScheduleEdit
from monitoring.api.access import HasSite, MayOperate, MayRead, Model, UtcDatetime, problems
from monitoring.facts import SyncFacts
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST as LONGEST_REASON
from monitoring.reasons import SHORTEST as SHORTEST_REASON
from monitoring.schedule import MOST_FAILURES, schedule_problem
from monitoring.site import Site

router = APIRouter(prefix="/syncs", tags=["syncs"])

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST_REASON, max_length=LONGEST_REASON)]
ScheduleText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST)]
_EXAMPLE: dict[str, Any] = {
    "sync": "inventory",
    "schedule": "every 30m",
    "pause_after": 20,
    "edited": True,
    "in_file": "every 15m",
    "file_pause_after": 20,
    "by": "ada",
    "reason": "The ERP is slow this week",
    "edited_at": "2026-10-01T11:40:00Z",
    "timezone": "UTC",
    "next_times": ["2026-10-01T12:00:00Z", "2026-10-01T12:30:00Z"],
    "paused": True,
    "paused_by": "ada",
    "pause_reason": "The warehouse is counting",
    "paused_at": "2026-10-01T11:50:00Z",
    "paused_until": "2026-10-01T13:00:00Z",
    "paused_by_failures": False,
}


class Schedule(Model):
    """When a sync runs: ``schedule`` holds now, ``in_file`` would without the edit. ``by`` and ``reason`` are of the
    edit. ``next_times`` are as if it were not paused; empty where this process cannot tell."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    sync: str
    schedule: str
    pause_after: int = Field(description="failed runs in a row that pause it; 0: never")
    edited: bool
    in_file: str
    file_pause_after: int
    by: str | None
    reason: str | None
    edited_at: datetime | None
    timezone: str = Field(description="in which a cron expression is read")
    next_times: list[datetime]
    paused: bool
    paused_by: str | None
    pause_reason: str | None
    paused_at: datetime | None
    paused_until: datetime | None
    paused_by_failures: bool = Field(description="it kept failing; it goes on only when somebody resumes it")


class ScheduleOrder(Model):
    """Another schedule, in force within a second; a pause stays as it is."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"schedule": "every 30m", "pause_after": 20, "reason": "The ERP is slow this week"}]
        },
    )

    schedule: ScheduleText | None = Field(
        default=None, description="every 15m, or a cron expression of five fields; null: as the file has it"
    )
    pause_after: int | None = Field(
        default=None,
        ge=0,
        le=MOST_FAILURES,
        description="failed runs in a row that pause it, 0 never; null: the file's",
    )
    reason: Reason = Field(description="why, for whoever finds it so; no personal data")


class PauseOrder(Model):
    """Hold the schedule back; runs by hand still work."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "Stocktaking in Jeddah", "until": "2026-10-01T18:00:00Z"}]},
    )

    reason: Reason
    until: UtcDatetime | None = Field(
        default=None, description="when it goes on by itself; null: when somebody resumes it"
    )


class NextTimes(Model):
    """The next times of a schedule."""

    next_times: list[datetime]


@router.get("/{name}/schedule", responses=problems(404))
async def show_schedule(name: str, site: HasSite, _who: MayRead) -> Schedule:
    """Show when a sync runs, by whose decision, and whether it is paused."""
    return await _shown(site, _known(site, name))


@router.get("/{name}/schedule/next", responses=problems(404))
async def try_schedule(
    name: str,
    site: HasSite,
    _who: MayRead,
    schedule: Annotated[
        str, Query(max_length=LONGEST, description="every 15m, or a cron expression", examples=["every 15m"])
    ],
) -> NextTimes:
    """Show the next five times of a schedule, without changing anything."""
    _known(site, name)
    return NextTimes(next_times=list(await _times(site, schedule, "query.schedule")))


@router.put("/{name}/schedule", responses=problems(404))
async def edit_schedule(name: str, order: ScheduleOrder, site: HasSite, who: MayOperate) -> Schedule:
    """Let another schedule hold, over the file and over restarts; it is in force within a second."""
    facts = _known(site, name)
    if order.schedule is not None:
        await _times(site, order.schedule, "body.schedule")
    await schedules.edit(
        site.db,
        name,
        schedule=None if order.schedule == facts.schedule else order.schedule,
        pause_after=None if order.pause_after == facts.pause_after else order.pause_after,
        reason=order.reason,
        by=who.label,
        now=site.now(),
    )
    return await _shown(site, facts)


@router.delete("/{name}/schedule", responses=problems(404))
async def back_to_file(name: str, site: HasSite, who: MayOperate) -> Schedule:
    """Let the file hold again. A pause stays as it is."""
    facts = _known(site, name)
    await schedules.back_to_file(site.db, name, reason=None, by=who.label, now=site.now())
    return await _shown(site, facts)


@router.post("/{name}/pause", responses=problems(404, 409))
async def pause_schedule(name: str, order: PauseOrder, site: HasSite, who: MayOperate) -> Schedule:
    """Hold a sync's schedule back, until a moment or until somebody resumes it."""
    facts, now = _known(site, name), site.now()
    if order.until is not None and order.until <= now:
        reason = "must lie ahead"
        raise Problem(422, "invalid_input", f"body.until {reason}.", errors=[("body.until", reason)])
    if not await schedules.pause(site.db, name, reason=order.reason, by=who.label, now=now, until=order.until):
        raise Problem(409, "paused_already", f"{facts.label} is paused already; resume it first to pause it otherwise.")
    return await _shown(site, facts)


@router.post("/{name}/resume", responses=problems(404, 409))
async def resume_schedule(name: str, site: HasSite, who: MayOperate) -> Schedule:
    """Let a paused sync go on from its next slot; failures of before count no more."""
    facts = _known(site, name)
    if not await schedules.resume(site.db, name, reason=None, by=who.label, now=site.now()):
        raise Problem(409, "not_paused", f"{facts.label} is not paused.")
    return await _shown(site, facts)


def _known(site: Site, name: str) -> SyncFacts:
    facts = site.syncs.get(name)
    if facts is None:
        raise unknown("sync", name, "path.name")
    return facts


async def _times(site: Site, text: str, field: str) -> list[datetime]:
    if site.hands.next_times is None:
        raise Problem(
            503, "not_here", "This process was started without the scheduler's options; it reads no schedule."
        )
    try:
        return list(await schedule_problem(site.hands.next_times, text, site.now()))
    except ValueError as error:
        raise Problem(422, "invalid_input", f"{field}: {error}", errors=[(field, str(error))]) from None


async def _shown(site: Site, facts: SyncFacts) -> Schedule:
    edit, now = await schedules.find(site.db, facts.name), site.now()
    text = (edit.schedule if edit is not None else None) or facts.schedule
    try:
        following = list(await site.hands.next_times(text, now)) if site.hands.next_times is not None else []
    except ValueError:
        following = []
    number = edit.pause_after if edit is not None else None
    edited = edit if edit is not None and edit.edited else None
    return Schedule(
        sync=facts.name,
        schedule=text,
        pause_after=facts.pause_after if number is None else number,
        edited=edited is not None,
        in_file=facts.schedule,
        file_pause_after=facts.pause_after,
        by=edited.by if edited else None,
        reason=edited.reason if edited else None,
        edited_at=edited.changed_at if edited else None,
        timezone=facts.timezone,
        next_times=following,
        **_pause(edit if edit is not None and edit.is_paused(now) else None),
    )


def _pause(edit: ScheduleEdit | None) -> dict[str, Any]:
    names = ("paused_by", "pause_reason", "paused_at", "paused_until")
    found = {name: getattr(edit, name) if edit is not None else None for name in names}
    return found | {"paused": edit is not None, "paused_by_failures": edit is not None and edit.paused_run is not None}
