"""Dead letters: what a sync gave up on, tried again or given up, one or all of a filter."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, StringConstraints

from db import letter_acts
from db.dead_letters import DeadLetter as LetterRow
from db.letter_acts import Filter, Verdict
from monitoring.api.access import HasSite, Limit, MayOperate, MayRead, MayTrigger, Model, UtcDatetime, problems
from monitoring.api.schedules import Reason
from monitoring.problem import Problem, unknown
from monitoring.site import Site

router = APIRouter(prefix="/dead-letters", tags=["syncs"])

_EXAMPLE: dict[str, Any] = {
    "id": "0d2f6c1b9a4e4f0f8a53c3b0a5c9f1de",
    "sync": "orders",
    "run_id": "5c1d2b7e0f3a4c69b1d28e5f6a7b8c90",
    "item": "SO-10042",
    "error_type": "http_422",
    "reason": "Acumatica does not know the warehouse WH-KSA2.",
    "created_at": "2026-10-01T12:00:00Z",
    "retries": 1,
    "state": "given_up",
    "resolved_at": "2026-10-01T12:30:00Z",
    "resolved_by": "ada",
    "resolved_reason": "Typed in by hand",
}
Word = Annotated[str, StringConstraints(min_length=1, max_length=48)]


class DeadLetter(Model):
    """One item a sync gave up on, with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    sync: str
    run_id: str
    item: str
    error_type: str
    reason: str
    created_at: datetime
    retries: int
    state: Literal["waiting", "retried", "given_up"]
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_reason: str | None


class DeadLetters(Model):
    """Dead letters, newest first."""

    dead_letters: list[DeadLetter]


class WhyGivenUp(Model):
    """Why nobody is to try again."""

    reason: Reason


class Many(Model):
    """Which of those that wait, and why."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"sync": "orders", "error_type": "http_422", "reason": "The warehouse is there now"}]
        },
    )

    sync: Word | None = Field(default=None, description="only of this sync")
    error_type: Word | None = Field(default=None, description="only with this error")
    seen: UtcDatetime | None = Field(default=None, description="only those made up to then; null: up to now")
    reason: Reason


class Settled(Model):
    """How many letters were dealt with; at most 1000 at once."""

    settled: int = Field(examples=[12])


@router.get("", responses=problems())
async def list_dead_letters(
    site: HasSite,
    _who: MayRead,
    state: Annotated[Literal["waiting", "retried", "given_up"], Query(description="which")] = "waiting",
    sync: Annotated[str | None, Query(max_length=32, description="only of this sync")] = None,
    error_type: Annotated[
        str | None, Query(max_length=48, description="only with this error, of those that wait")
    ] = None,
    limit: Limit = 50,
) -> DeadLetters:
    """List what waits for somebody, or what was dealt with."""
    if state == "waiting":
        rows = await letter_acts.waiting(site.db, Filter(sync=sync, error_type=error_type), limit=limit)
    else:
        rows = await letter_acts.closed(site.db, sync=sync, verdict=state, limit=limit)
    return DeadLetters(dead_letters=[_letter(row) for row in rows])


@router.post("/retry", responses=problems())
async def retry_dead_letters(many: Many, site: HasSite, who: MayTrigger) -> Settled:
    """Let the next runs try all letters of a filter again."""
    return Settled(settled=await _all(site, many, "retried", who.label))


@router.post("/give-up", responses=problems())
async def give_dead_letters_up(many: Many, site: HasSite, who: MayOperate) -> Settled:
    """Close all letters of a filter without another try."""
    return Settled(settled=await _all(site, many, "given_up", who.label))


@router.post("/{id}/retry", responses=problems(404, 409))
async def retry_dead_letter(id: str, site: HasSite, who: MayTrigger) -> DeadLetter:
    """Let the next run try an item again."""
    return await _one(site, id, "retried", None, who.label)


@router.post("/{id}/give-up", responses=problems(404, 409))
async def give_dead_letter_up(id: str, why: WhyGivenUp, site: HasSite, who: MayOperate) -> DeadLetter:
    """Close a letter without another try; the item stays as it is on both sides."""
    return await _one(site, id, "given_up", why.reason, who.label)


@router.post("/{id}/take-back", responses=problems(404, 409))
async def take_dead_letter_back(id: str, site: HasSite, who: MayOperate) -> DeadLetter:
    """Take a letter that was given up back to those that wait."""
    if not await letter_acts.reopen(site.db, id, by=who.label, now=site.now()):
        await _found(site, id)
        raise Problem(409, "not_given_up", "It was not given up, or its item is among those that wait again.")
    return _letter(await _found(site, id))


async def _all(site: Site, many: Many, verdict: Verdict, by: str) -> int:
    which, now = Filter(sync=many.sync, error_type=many.error_type), site.now()
    return await letter_acts.settle_all(
        site.db, which, verdict, seen=many.seen or now, reason=many.reason, by=by, now=now
    )


async def _one(site: Site, id: str, verdict: Verdict, reason: str | None, by: str) -> DeadLetter:
    done = await letter_acts.settle(site.db, id, verdict, reason=reason, by=by, now=site.now())
    if done is None:
        row = await _found(site, id)
        raise Problem(409, "settled_already", f"It was dealt with already, by {row.resolved_by}.")
    return _letter(done)


async def _found(site: Site, id: str) -> LetterRow:
    row = await letter_acts.find(site.db, id)
    if row is None:
        raise unknown("dead letter", id, "path.id")
    return row


def _letter(row: LetterRow) -> DeadLetter:
    plain = {
        name: getattr(row, name) for name in ("id", "sync", "run_id", "item", "error_type", "reason", "created_at")
    }
    state: Any = "waiting" if row.resolved_at is None else row.verdict or "retried"
    return DeadLetter(
        **plain,
        retries=row.retries,
        state=state,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        resolved_reason=row.verdict_reason,
    )
