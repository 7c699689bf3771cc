"""Syncs and their runs: what there is, running one now, watching it, cancelling it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import run_history, run_notes, runs, schedules
from db.freshness import freshness
from monitoring.api.access import HasSite, Limit, MayRead, MayStop, MayTrigger, Model, problems
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST, SHORTEST
from monitoring.site import Site

router = APIRouter(prefix="/syncs", tags=["syncs"])

_RUN: JsonDict = {
    "id": "5c1d2b7e0f3a4c69b1d28e5f6a7b8c90",
    "sync": "inventory",
    "state": "finished",
    "outcome": "error",
    "trigger": "api",
    "requested_by": "token:shop",
    "scheduled_at": "2026-10-01T12:00:00Z",
    "started_at": "2026-10-01T12:00:01Z",
    "finished_at": "2026-10-01T12:01:10Z",
    "heartbeat_at": "2026-10-01T12:00:04Z",
    "owner": "scheduler@ops1:4711:9f3c21aa",
    "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "cursor": {"after": "SKU-01200"},
    "pages": 12,
    "counts": {"read": 1200, "written": 31, "unchanged": 1169, "conflicted": 2, "failed": 0},
    "total": 4000,
    "progress": 0.3,
    "cancel_requested_by": "ada",
    "takeovers": 0,
    "dry_run": False,
    "backfill_id": None,
    "waiting_for": None,
    "error_type": "circuit_open",
    "message": "The circuit of Acumatica is open.",
}


class RunCounts(Model):
    """What a run did with its items."""

    read: int
    written: int
    unchanged: int
    conflicted: int
    failed: int


class Run(Model):
    """One run of a sync."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"examples": [_RUN]})

    id: str
    sync: str
    state: Literal["queued", "running", "finished"]
    outcome: Literal["success", "error", "missed", "cancelled", "abandoned"] | None
    trigger: str
    requested_by: str | None
    scheduled_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    owner: str | None
    correlation_id: str
    cursor: dict[str, Any] | None
    pages: int
    counts: RunCounts
    total: int | None
    progress: float | None
    cancel_requested_by: str | None
    takeovers: int
    dry_run: bool
    backfill_id: str | None = Field(description="it works off a slice of this backfill")
    waiting_for: str | None = Field(description="what it waits for, as of its last heartbeat")
    error_type: str | None
    message: str | None


class Runs(Model):
    """Runs of a sync, newest first."""

    runs: list[Run]


class Note(Model):
    """One line a run has noted."""

    at: datetime
    tone: Literal["info", "warn", "bad"]
    text: str = Field(examples=["Phase: apply."])


class Notes(Model):
    """What a run has noted, oldest first; at most 300 lines are kept."""

    notes: list[Note]


class RunOrder(Model):
    """How to run it."""

    dry_run: bool = Field(default=False, description="only plan, change nothing on either side")


class Sync(Model):
    """A sync: what it does, when, and how it stands."""

    name: str = Field(examples=["inventory"])
    label: str
    description: str
    schedule: str = Field(description="as it holds now: an edit made in the browser wins over the file")
    edited: bool
    paused: bool = Field(description="its schedule is held back; `/syncs/{name}/schedule` says by whom and why")
    vendors: list[str]
    succeeded_at: datetime | None
    failures_in_a_row: int
    last_run: Run | None


class Syncs(Model):
    """All syncs."""

    syncs: list[Sync]


@router.get("", responses=problems())
async def list_syncs(site: HasSite, _who: MayRead) -> Syncs:
    """List the syncs and how each stands."""
    edits = await schedules.edits(site.db)
    stands = await freshness(site.db)
    found = []
    for facts in site.syncs.values():
        edit, fresh = edits.get(facts.name), stands.get(facts.name)
        last = await run_history.last(site.db, facts.name)
        found.append(
            Sync(
                name=facts.name,
                label=facts.label,
                description=facts.description,
                schedule=(edit.schedule if edit and edit.schedule else None) or facts.schedule,
                edited=edit is not None and edit.edited,
                paused=edit is not None and edit.is_paused(site.now()),
                vendors=list(facts.vendors),
                succeeded_at=fresh.succeeded_at if fresh else None,
                failures_in_a_row=fresh.failures if fresh else 0,
                last_run=_run(last) if last else None,
            )
        )
    return Syncs(syncs=found)


@router.get("/{name}/runs", responses=problems(404))
async def list_runs(name: str, site: HasSite, _who: MayRead, limit: Limit = 50) -> Runs:
    """List the runs of a sync, newest first."""
    _known(site, name)
    return Runs(runs=[_run(row) for row in await run_history.recent(site.db, name, limit=limit)])


@router.post("/{name}/runs", status_code=202, responses=problems(404))
async def start_run(
    name: str, site: HasSite, who: MayTrigger, response: Response, order: RunOrder | None = None
) -> Run:
    """Ask for a run now; the scheduler starts it within two seconds. One that waits already is given back instead."""
    _known(site, name)
    row = await runs.queue(
        site.db,
        name,
        trigger="api" if who.role is None else "user",
        requested_by=who.label,
        now=site.now(),
        dry_run=order.dry_run if order else False,
    )
    response.headers["Location"] = f"/api/v1/syncs/{name}/runs/{row.id}"
    return _run(row)


@router.get("/{name}/runs/{id}", responses=problems(404))
async def get_run(name: str, id: str, site: HasSite, _who: MayRead) -> Run:
    """Show one run."""
    return _run(await _found(site, name, id))


@router.get("/{name}/runs/{id}/notes", responses=problems(404))
async def list_notes(name: str, id: str, site: HasSite, _who: MayRead) -> Notes:
    """Show what a run has noted while it worked: phases, waits, what failed, how it ended."""
    row = await _found(site, name, id)
    found = await run_notes.of_run(site.db, row.id)
    return Notes(notes=[Note(at=one.at, tone=one.tone, text=one.text) for one in found])


class WhyCancel(Model):
    """Why a run is cancelled."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"reason": "The ERP is being restarted"}]}
    )

    reason: str | None = Field(
        default=None,
        min_length=SHORTEST,
        max_length=LONGEST,
        description="for whoever reads the audit; no personal data",
    )


@router.post("/{name}/runs/{id}/cancel", status_code=202, responses=problems(404, 409))
async def cancel_run(name: str, id: str, site: HasSite, who: MayStop, why: WhyCancel | None = None) -> Run:
    """Ask a run to stop: a queued one is cancelled at once, a running one at its next checkpoint."""
    row = await _found(site, name, id)
    reason = why.reason if why is not None else None
    if not await runs.request_cancel(site.db, id, by=who.label, now=site.now(), reason=reason):
        raise Problem(409, "run_finished", f"The run is finished already: {row.outcome}.")
    return _run(await _found(site, name, id))


def _known(site: Site, name: str) -> None:
    if name not in site.syncs:
        raise unknown("sync", name, "path.name")


async def _found(site: Site, name: str, id: str) -> runs.RunRow:
    _known(site, name)
    row = await run_history.get(site.db, id)
    if row is None or row.sync != name:
        raise unknown("run", id, "path.id")
    return row


def _run(row: runs.RunRow) -> Run:
    return Run.model_validate(run_history.facts(row))
