"""Replays: calls that are made once more, under their own keys and within the vendors' limits."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from db import replays as replay_rows
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayRead,
    MayStop,
    MayTrigger,
    Model,
    UtcDatetime,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.call_filters import asked_of
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST, SHORTEST
from monitoring.replay_plan import MOST, WHY, Plan, plan
from monitoring.replaying import begun, progress_of
from monitoring.site import Site
from monitoring.timerange import stamp

router = APIRouter(prefix="/replays", tags=["calls"])

_CALLS: JsonDict = {
    "vendor": "fedex",
    "outcome": "failed",
    "since": "2026-10-01T11:00:00Z",
    "until": "2026-10-01T12:00:00Z",
}
_REASON = "FedEx is back after its outage"
_PROGRESS: JsonDict = {
    "waiting": 0,
    "under_way": 0,
    "success": 992,
    "error": 3,
    "unknown": 0,
    "refused": 5,
    "cancelled": 0,
}
_REPLAY: JsonDict = {
    "id": "5c1d2b7e0f3a4c69b1d28e5f6a7b8c90",
    "state": "finished",
    "created_at": "2026-10-01T12:05:00Z",
    "created_by": "ada",
    "reason": _REASON,
    "calls": {"vendor": "fedex", "outcome": "failed", "from": "2026-10-01T11:00:00Z", "to": "2026-10-01T12:00:00Z"},
    "total": 1000,
    "progress": _PROGRESS,
    "finished_at": "2026-10-01T12:07:40Z",
}

Text = Annotated[str, StringConstraints(max_length=255)]


class CallsWanted(Model):
    """Which calls: all that fit everything given. One call is named by its ``id`` and ``correlation_id``."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_CALLS]})

    since: UtcDatetime = Field(description="started at or after")
    until: UtcDatetime = Field(description="started before")
    id: Text | None = None
    vendor: Text | None = None
    outcome: Text | None = Field(None, description="failed, error, refused or unknown")
    operation: Text | None = None
    error_type: Text | None = None
    text: Text | None = Field(None, description="in message, path, id or key")
    fault: Text | None = None
    status: Text | None = Field(None, description="503, 5xx or 400-429")
    trigger: Text | None = None
    priority: Text | None = None
    correlation_id: Text | None = None
    key: Text | None = Field(None, description="the idempotency key")
    run: Text | None = None
    user: Text | None = None
    slower: Text | None = Field(None, description="1.5, 250ms or 2min")
    faster: Text | None = None
    attempts: Text | None = Field(None, description="at least so many")
    circuit: Text | None = None


class ReplayWanted(Model):
    """What to replay, and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"calls": _CALLS, "reason": _REASON}]}
    )

    calls: CallsWanted
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST, max_length=LONGEST)] = Field(
        description="it stays with the replay and in the audit; no personal data"
    )


class Line(Model):
    """The calls of one operation."""

    vendor: str
    operation: str
    calls: int = Field(description="how many go out")
    looked_up: int = Field(description="writes whose answer was lost: looked up before anything is sent")
    overwrites: int = Field(description="writes that set a value: what was set since is overwritten")
    refused: Mapping[str, int] = Field(description=f"how many do not, by reason: {', '.join(WHY)}")


class Cost(Model):
    """What a vendor's calls cost under batch's share of its quotas."""

    vendor: str
    requests: int
    seconds: float | None = Field(description="null: batch has no share of this quota")
    quota: str | None
    left: float | None
    per_second: float | None


class Preview(Model):
    """What a replay would do. ``problem`` says why it cannot be begun as it is asked for."""

    calls: int
    refused: int
    seconds: float | None = Field(description="about how long it takes")
    problem: str | None
    lines: list[Line]
    costs: list[Cost]


class Progress(Model):
    """How many of its calls are where; success, error and unknown are of the new calls."""

    waiting: int
    under_way: int
    success: int
    error: int = Field(description="failed again, or was refused by us for good")
    unknown: int
    refused: int = Field(description="not replayed; the item says why")
    cancelled: int


class Replay(Model):
    """One replay. Its calls carry its id as correlation id and run, and the trigger ``replay``."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_REPLAY]})

    id: str
    state: Literal["running", "finished", "cancelled"]
    created_at: datetime
    created_by: str
    reason: str
    calls: Mapping[str, str] = Field(description="the filter, as the call list's URL has it")
    total: int
    progress: Progress
    finished_at: datetime | None


class Replays(Model):
    """A page of replays, newest first; ``next_cursor`` None at the end."""

    replays: list[Replay]
    next_cursor: str | None = None


class Item(Model):
    """One call of a replay: what it ended with, and what it ended with this time."""

    number: int
    call_id: str
    started_at: datetime
    vendor: str
    operation: str
    idempotency_key: str | None
    state: Literal["waiting", "claimed", "done", "refused", "cancelled"]
    why: str | None
    old_outcome: str
    old_error_type: str | None
    new_call_id: str | None
    outcome: str | None
    error_type: str | None
    message: str | None
    duration: float | None


class Items(Model):
    """A page of items by number; ``next_after`` None at the end."""

    items: list[Item]
    next_after: int | None = None


Id = Annotated[str, Path(max_length=32)]


@router.get("", responses=problems())
async def list_replays(site: HasSite, _who: MayRead, limit: Limit = 50, cursor: Cursor = None) -> Replays:
    """List replays, newest first."""
    rows = await replay_rows.listed(site.db, before=from_cursor(cursor), limit=limit + 1)
    more = to_cursor(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
    counts = await replay_rows.counts(site.db, [row.id for row in rows[:limit]])
    return Replays(replays=[_replay(row, counts[row.id]) for row in rows[:limit]], next_cursor=more)


@router.post("/preview", responses=problems())
async def preview_replay(calls: CallsWanted, site: HasSite, _who: MayRead) -> Preview:
    """Say what replaying these calls would do: how many, which not and why, the cost and the time. Nothing is changed."""
    return _preview((await _planned(site, calls))[0])


@router.post("", status_code=202, responses=problems(409))
async def start_replay(
    wanted: ReplayWanted,
    site: HasSite,
    who: MayTrigger,
    response: Response,
    idempotency_key: Annotated[
        str | None, Header(max_length=255, description="the same key begins the same replay once")
    ] = None,
) -> Replay:
    """Make these calls once more; the scheduler begins within two seconds."""
    planned, kept = await _planned(site, wanted.calls)
    if planned.problem is not None:
        raise Problem(422, "invalid_input", planned.problem, errors=[("body.calls", planned.problem)])
    id = hashlib.sha256(f"{who.label}:{idempotency_key}".encode()).hexdigest()[:32] if idempotency_key else None
    row = await begun(
        site.db, planned, kept, id=id or secrets.token_hex(16), reason=wanted.reason, by=who.label, now=site.now()
    )
    response.headers["Location"] = f"/api/v1/replays/{row.id}"
    return await _shown(site, row)


@router.get("/{id}", responses=problems(404))
async def get_replay(id: Id, site: HasSite, _who: MayRead) -> Replay:
    """Show one replay and how far it is."""
    return await _shown(site, await _found(site, id))


@router.get("/{id}/items", responses=problems(404))
async def list_items(
    id: Id,
    site: HasSite,
    _who: MayRead,
    changed: Annotated[bool, Query(description="only those that ended differently this time")] = False,
    after: Annotated[int, Query(ge=0, le=MOST)] = 0,
    limit: Limit = 50,
) -> Items:
    """List the calls of a replay with their old and new outcome; their bodies are in the traces."""
    await _found(site, id)
    rows = await replay_rows.items(site.db, id, changed=changed, after=after, limit=limit + 1)
    found = [Item.model_validate({name: getattr(row, name) for name in Item.model_fields}) for row in rows[:limit]]
    return Items(items=found, next_after=found[-1].number if len(rows) > limit else None)


@router.post("/{id}/cancel", status_code=202, responses=problems(404, 409))
async def cancel_replay(id: Id, site: HasSite, who: MayStop) -> Replay:
    """Cancel what has not begun; calls under way end by themselves."""
    await _found(site, id)
    if not await replay_rows.cancel(site.db, id, by=who.label, reason="cancelled over the API", now=site.now()):
        raise Problem(409, "replay_finished", "The replay is over already; there is nothing to cancel.")
    return await _shown(site, await _found(site, id))


async def _planned(site: Site, calls: CallsWanted) -> tuple[Plan, dict[str, str]]:
    if calls.until <= calls.since:
        sentence = "must be later than since"
        raise Problem(422, "invalid_input", f"calls.until: {sentence}", errors=[("body.calls.until", sentence)])
    given = {name: str(value) for name, value in calls.model_dump(exclude={"since", "until"}).items() if value}
    asked = asked_of(given)
    if asked.problems:
        errors = [(f"body.calls.{name}", sentence) for name, sentence in asked.problems.items()]
        raise Problem(422, "invalid_input", errors[0][1], errors=errors)
    found = await plan(site.db, site.vendors, asked, since=calls.since, until=calls.until, now=site.now())
    return found, {**given, "from": stamp(calls.since), "to": stamp(calls.until)}


async def _found(site: Site, id: str) -> replay_rows.Replay:
    row = await replay_rows.get(site.db, id)
    if row is None:
        raise unknown("replay", id, "path.id")
    return row


async def _shown(site: Site, row: replay_rows.Replay) -> Replay:
    return _replay(row, (await replay_rows.counts(site.db, [row.id]))[row.id])


def _replay(row: replay_rows.Replay, counts: Mapping[tuple[str, str], int]) -> Replay:
    return Replay.model_validate(
        {
            "id": row.id,
            "state": row.state,
            "created_at": row.created_at,
            "created_by": row.created_by,
            "reason": row.reason,
            "calls": row.wanted,
            "total": row.total,
            "progress": progress_of(counts),
            "finished_at": row.finished_at,
        }
    )


def _finite(seconds: float) -> float | None:
    return round(seconds, 3) if seconds < float("inf") else None


def _preview(found: Plan) -> Preview:
    lines = [
        Line(
            vendor=line.vendor,
            operation=line.operation,
            calls=line.calls,
            looked_up=line.looked_up,
            overwrites=line.overwrites,
            refused=dict(line.refused),
        )
        for line in found.lines
    ]
    costs = [
        Cost(
            vendor=cost.vendor,
            requests=cost.requests,
            seconds=_finite(cost.seconds),
            quota=cost.quota,
            left=cost.left,
            per_second=cost.per_second,
        )
        for cost in found.costs
    ]
    return Preview(
        calls=found.calls,
        refused=found.refused,
        seconds=_finite(found.seconds),
        problem=found.problem,
        lines=lines,
        costs=costs,
    )
