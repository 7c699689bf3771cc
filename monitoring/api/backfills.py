"""Backfills: a range of the past worked off anew, slice by slice, as batch traffic; previewed, begun, watched, stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from db import backfill_progress, backfills
from db.backfill_progress import Progress
from monitoring.api.access import HasSite, Limit, MayRead, MayStop, MayTrigger, Model, UtcDatetime, problems
from monitoring.api.schedules import Reason
from monitoring.backfill_plan import LARGEST_SLICE, LONGEST_PAUSE, BackfillPlan, Unfit, plan
from monitoring.facts import SyncFacts
from monitoring.identity import Identity
from monitoring.problem import Problem, unknown
from monitoring.site import Site

router = APIRouter(prefix="/syncs/{name}/backfills", tags=["backfills"])

_RANGE: dict[str, Any] = {"since": "2026-09-01T00:00:00Z", "until": "2026-09-08T00:00:00Z"}
_PREVIEW: dict[str, Any] = {
    "sync": "currency",
    **_RANGE,
    "slices": 7,
    "slice_days": 1.0,
    "pause_seconds": 0,
    "calls": 7,
    "calls_at_least": False,
    "records": 7,
    "basis": "One call a day.",
    "seconds": 12.0,
    "costs": [
        {
            "vendor": "open_exchange_rates",
            "requests": 7,
            "seconds": 2.1,
            "quota": "month",
            "left": 640.0,
            "per_second": 0.00027,
        }
    ],
    "open_backfill": None,
}
_BACKFILL: dict[str, Any] = {
    "id": "0b7d1a52c3e94f68a1d2e3f405162738",
    "sync": "currency",
    **_RANGE,
    "slice_days": 1.0,
    "pause_seconds": 0,
    "state": "open",
    "by": "ada",
    "reason": "The source restated September",
    "created_at": "2026-10-01T12:00:00Z",
    "finished_at": None,
    "ended_by": None,
    "slices": {"waiting": 4, "running": 1, "done": 2, "failed": 0, "cancelled": 0},
    "pages": 2,
    "counts": {"read": 2, "written": 2, "unchanged": 0, "conflicted": 0, "failed": 0},
    "run_id": "5c1d2b7e0f3a4c69b1d28e5f6a7b8c90",
    "progress": 0.29,
    "seconds_left": 9.0,
}


class Range(Model):
    """Which stretch of the past, and in what slices. A sync that works off whole days takes those (UTC) it touches."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_RANGE]})

    since: UtcDatetime
    until: UtcDatetime = Field(description="the first moment after it; it must not lie ahead")
    slice_days: float | None = Field(
        default=None, gt=0, le=LARGEST_SLICE, description="days of a slice; null: as is usual for the sync"
    )
    pause_seconds: int = Field(default=0, ge=0, le=LONGEST_PAUSE, description="between two slices")


class BackfillOrder(Range):
    """A backfill to begin."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{**_RANGE, "reason": "The source restated September"}]},
    )

    reason: Reason = Field(description="why, for whoever finds it so; no personal data")


class BackfillCost(Model):
    """What it costs at one vendor: ``left`` requests are left to batch in the window of the quota that decides."""

    vendor: str
    requests: int
    seconds: float | None = Field(description="under batch's share of the quota; null: batch has no share of it")
    quota: str | None
    left: float | None
    per_second: float | None


class Preview(Model):
    """What a backfill would do; nothing is begun."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_PREVIEW]})

    sync: str
    since: datetime
    until: datetime
    slices: int
    slice_days: float
    pause_seconds: int
    calls: int
    calls_at_least: bool = Field(description="the calls may be more: nobody knows how many pages there are")
    records: int | None = Field(description="null: nobody knows")
    basis: str = Field(description="what the numbers rest on")
    seconds: float | None
    costs: list[BackfillCost]
    open_backfill: str | None = Field(description="one of the sync that is open; it has to end first")


class SliceCounts(Model):
    """How many slices are in each state."""

    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0


class Sums(Model):
    """What all its runs did."""

    read: int
    written: int
    unchanged: int
    conflicted: int
    failed: int


class Backfill(Model):
    """One backfill and how far it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_BACKFILL]})

    id: str
    sync: str
    since: datetime
    until: datetime
    slice_days: float
    pause_seconds: int
    state: Literal["open", "done", "failed", "cancelled"]
    by: str
    reason: str
    created_at: datetime
    finished_at: datetime | None
    ended_by: str | None
    slices: SliceCounts
    pages: int
    counts: Sums
    run_id: str | None = Field(description="the run of the slice that is worked off now")
    progress: float = Field(description="the part of its slices that ended well, 0 to 1")
    seconds_left: float | None = Field(description="if the rest is like what was; null while nobody can tell")


class BackfillSlice(Model):
    """One slice, with its last run and what that said."""

    number: int
    since: datetime
    until: datetime
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    run_id: str | None
    tries: int
    message: str | None


class BackfillInFull(Model):
    """One backfill with its slices, oldest first."""

    backfill: Backfill
    slices: list[BackfillSlice]


class Backfills(Model):
    """Backfills of a sync, newest first."""

    backfills: list[Backfill]


class Stop(Model):
    """Why a backfill is stopped."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"reason": "It costs too much of the quota"}]}
    )

    reason: Reason


@router.get("", responses=problems(404))
async def list_backfills(name: str, site: HasSite, _who: MayRead, limit: Limit = 20) -> Backfills:
    """List the backfills of a sync, newest first."""
    _known(site, name)
    found = await backfills.listed(site.db, name, limit=limit)
    far = await backfill_progress.progress(site.db, [one.id for one in found])
    return Backfills(backfills=[_backfill(one, far[one.id]) for one in found])


@router.post("/preview", responses=problems(404))
async def preview_backfill(name: str, asked: Range, site: HasSite, _who: MayRead) -> Preview:
    """Show what a backfill would do and cost, as far as that is known; nothing is begun."""
    return _preview(await _planned(site, name, asked))


@router.post("", status_code=202, responses=problems(404, 409))
async def begin_backfill(
    name: str, order: BackfillOrder, site: HasSite, who: MayTrigger, response: Response
) -> Backfill:
    """Begin a backfill; its slices run one after the other beside the schedule. One of a sync at a time."""
    planned = await _planned(site, name, order)
    new = await backfills.create(
        site.db,
        name,
        planned.since,
        planned.until,
        slice_seconds=planned.slice_seconds,
        pause_seconds=planned.pause_seconds,
        reason=order.reason,
        by=who.label,
        now=site.now(),
    )
    if new is None:
        raise Problem(409, "backfill_open", "A backfill of this sync is open; let it end or cancel it first.")
    response.headers["Location"] = f"/api/v1/syncs/{name}/backfills/{new.id}"
    return await _shown(site, new.id)


@router.get("/{id}", responses=problems(404))
async def get_backfill(name: str, id: str, site: HasSite, _who: MayRead) -> BackfillInFull:
    """Show one backfill with its slices."""
    found = await _found(site, name, id)
    slices = [
        BackfillSlice(
            number=one.number,
            since=one.since,
            until=one.until,
            state=one.state,
            run_id=one.run_id,
            tries=one.tries,
            message=one.message,
        )
        for one in await backfills.slices(site.db, id)
    ]
    return BackfillInFull(backfill=await _shown(site, found.id), slices=slices)


@router.post("/{id}/cancel", responses=problems(404, 409))
async def cancel_backfill(name: str, id: str, why: Stop, site: HasSite, who: MayStop) -> Backfill:
    """Stop a backfill: what waits will not run, what runs stops at its next checkpoint; what is done stays."""
    found = await _found(site, name, id)
    if not await backfills.cancel(site.db, id, reason=why.reason, by=who.label, now=site.now()):
        raise Problem(409, "backfill_ended", f"It is {found.state} already; there is nothing to stop.")
    return await _shown(site, id)


@router.post("/{id}/resume", status_code=202, responses=problems(404, 409))
async def resume_backfill(name: str, id: str, site: HasSite, who: MayTrigger) -> Backfill:
    """Go on with the slices that failed, were cancelled or still wait."""
    found = await _found(site, name, id)
    await _take_up(site, found, who)
    return await _shown(site, id)


async def _take_up(site: Site, found: backfills.Backfill, who: Identity) -> None:
    if await backfills.take_up(site.db, found.id, by=who.label, now=site.now()):
        return
    words = {"done": "It is done; begin another one to go through it again.", "open": "It is open already."}
    raise Problem(409, "not_resumed", words.get(found.state, "Another backfill of this sync is open."))


def _known(site: Site, name: str) -> SyncFacts:
    facts = site.syncs.get(name)
    if facts is None:
        raise unknown("sync", name, "path.name")
    return facts


async def _found(site: Site, name: str, id: str) -> backfills.Backfill:
    _known(site, name)
    found = await backfills.get(site.db, id)
    if found is None or found.sync != name:
        raise unknown("backfill", id, "path.id")
    return found


async def _planned(site: Site, name: str, asked: Range) -> BackfillPlan:
    facts = _known(site, name)
    fields: Mapping[str, str] = {"sync": "path.name", "slice": "body.slice_days", "pause": "body.pause_seconds"}
    try:
        return await plan(
            site.db,
            facts,
            site.vendors,
            asked.since,
            asked.until,
            slice_days=asked.slice_days,
            pause_seconds=asked.pause_seconds,
            now=site.now(),
        )
    except Unfit as error:
        field = fields.get(error.field, f"body.{error.field}")
        raise Problem(422, "invalid_input", f"{field}: {error}", errors=[(field, str(error))]) from None


async def _shown(site: Site, id: str) -> Backfill:
    found = await backfills.get(site.db, id)
    if found is None:
        raise unknown("backfill", id, "path.id")
    return _backfill(found, (await backfill_progress.progress(site.db, [id]))[id])


def _backfill(found: backfills.Backfill, far: Progress) -> Backfill:
    names = ("read", "written", "unchanged", "conflicted", "failed")
    left = far.seconds_left(found)
    return Backfill(
        id=found.id,
        sync=found.sync,
        since=found.since,
        until=found.until,
        slice_days=found.slice_seconds / 86_400,
        pause_seconds=found.pause_seconds,
        state=found.state,
        by=found.by,
        reason=found.reason,
        created_at=found.created_at,
        finished_at=found.finished_at,
        ended_by=found.ended_by,
        slices=SliceCounts(**far.slices),
        pages=far.pages,
        counts=Sums(**{name: getattr(far, name) for name in names}),
        run_id=far.running.id if far.running else None,
        progress=round(far.done / far.total, 4) if far.total else 0.0,
        seconds_left=round(left, 1) if left is not None else None,
    )


def _preview(planned: BackfillPlan) -> Preview:
    return Preview(
        sync=planned.sync,
        since=planned.since,
        until=planned.until,
        slices=planned.slices,
        slice_days=planned.slice_seconds / 86_400,
        pause_seconds=planned.pause_seconds,
        calls=planned.calls,
        calls_at_least=planned.at_least,
        records=planned.records,
        basis=planned.basis,
        seconds=_finite(planned.seconds),
        costs=[
            BackfillCost(
                vendor=cost.vendor,
                requests=cost.requests,
                seconds=_finite(cost.seconds),
                quota=cost.quota,
                left=cost.left,
                per_second=cost.per_second,
            )
            for cost in planned.costs
        ],
        open_backfill=planned.running.id if planned.running else None,
    )


def _finite(seconds: float) -> float | None:
    return round(seconds, 1) if math.isfinite(seconds) else None
