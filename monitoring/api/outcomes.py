"""Unknown outcomes: writes whose answer was lost and that no look-up could settle, and settling them by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from db import keys as key_rows
from db import outcomes as outcome_rows
from db.keys import KeyRow
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayOperate,
    MayRead,
    Model,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.outcome_id import id_of, named_by
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST, SHORTEST

router = APIRouter(prefix="/outcomes", tags=["outcomes"])

_EXAMPLE: JsonDict = {
    "id": "YXJhbWV4L2NyZWF0ZV9zaGlwbWVudC9jcmVhdGVfc2hpcG1lbnQtUy0xMDA0Mg",
    "age": 1260.0,
    "since": "2026-10-01T11:39:00Z",
    "vendor": "aramex",
    "operation": "create_shipment",
    "key": "create_shipment-S-10042",
    "reference": "S-10042",
    "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "call_id": "a3b1c5d7e9f0412836475a5b6c7d8e9f",
    "look_up": {"error_type": "unsupported", "sentence": "Aramex has no look-up for create_shipment."},
    "note": (
        "Aramex cut the connection off. Whether create_shipment happened is unknown; "
        "this vendor has no look-up; settle it by hand."
    ),
    "state": "settled",
    "outcome": "did_not_happen",
    "settled_by": "ada",
    "settled_at": "2026-10-01T12:00:00Z",
    "reason": "Asked Aramex by phone; they have no such shipment",
}


class LookUp(Model):
    """What the last look-up ended with."""

    error_type: str = Field(description="`unsupported`: this vendor has no look-up")
    sentence: str


class Outcome(Model):
    """A write whose answer was lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    age: float = Field(description="seconds since it was first tried; once settled, how long it was unknown")
    since: datetime
    vendor: str
    operation: str
    key: str
    reference: str | None = Field(description="ours, such as the order's number")
    correlation_id: str = Field(description="of the call that tried last; see /api/v1/traces/{correlation_id}")
    call_id: str = Field(description="of the call that tried last")
    look_up: LookUp | None = Field(description="null: the call ended before any look-up")
    note: str | None = Field(description="how it came to be unknown")
    state: outcome_rows.State
    outcome: outcome_rows.Found | None
    settled_by: str | None
    settled_at: datetime | None
    reason: str | None


class Outcomes(Model):
    """A page of outcomes; ``next_cursor`` None at the end."""

    outcomes: list[Outcome]
    next_cursor: str | None = None


class Verdict(Model):
    """What a person found.

    ``happened``: it is never sent again; the same key is answered from the look-up, or refused as ``already_happened``.
    ``did_not_happen``: the same key may be tried again, and is then sent.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"outcome": "happened", "reason": "The label is in the carrier's portal"}]},
    )

    outcome: outcome_rows.Found
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST, max_length=LONGEST)] = Field(
        description="how you know, for whoever finds it so; no personal data"
    )


Id = Annotated[str, Path(max_length=2000, description="`id` of the list")]


@router.get("", responses=problems())
async def list_outcomes(
    site: HasSite,
    _who: MayRead,
    vendor: Annotated[str | None, Query(max_length=32)] = None,
    state: Annotated[
        Literal["unknown", "settled"],
        Query(description="unknown ones come oldest first, settled ones newest first"),
    ] = "unknown",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Outcomes:
    """List writes whose outcome nobody knows, or those that a person has settled."""
    now = site.now()
    rows = await outcome_rows.listed(
        site.db, state=state, vendor=vendor, now=now, after=from_cursor(cursor), limit=limit + 1
    )
    more = to_cursor(*outcome_rows.place(rows[limit - 1])) if len(rows) > limit else None
    return Outcomes(outcomes=[_outcome(row, now) for row in rows[:limit]], next_cursor=more)


@router.get("/{id}", responses=problems(404))
async def get_outcome(id: Id, site: HasSite, _who: MayRead) -> Outcome:
    """Show one outcome that is unknown, or that a person has settled."""
    now = site.now()
    row = await outcome_rows.find(site.db, *_named(id), now=now)
    if row is None:
        raise unknown("outcome", id, "path.id")
    return _outcome(row, now)


@router.post("/{id}/settle", responses=problems(404, 409))
async def settle(id: Id, verdict: Verdict, site: HasSite, who: MayOperate) -> Outcome:
    """Say what an unknown outcome was found to be, once; who and why stay on it, and in the audit."""
    now, named = site.now(), _named(id)
    settled = await outcome_rows.settle(
        site.db, *named, found=verdict.outcome, reason=verdict.reason, by=who.label, now=now
    )
    if settled is not None:
        return _outcome(settled, now)
    row = await key_rows.find(site.db, *named)
    if row is None:
        raise unknown("outcome", id, "path.id")
    raise Problem(409, "not_settled", f"Nothing was changed: {outcome_rows.why_not(row)}")


def _named(id: str) -> tuple[str, str, str]:
    named = named_by(id)
    if named is None:
        raise unknown("outcome", id, "path.id")
    return named


def _outcome(row: KeyRow, now: datetime) -> Outcome:
    settled = row.state == "settled"
    return Outcome.model_validate(
        {
            "id": id_of(row),
            "age": max(0.0, ((row.changed_at if settled else now) - row.created_at).total_seconds()),
            "since": row.created_at,
            "vendor": row.vendor,
            "operation": row.operation,
            "key": row.key,
            "reference": row.reference,
            "correlation_id": row.correlation_id,
            "call_id": row.call_id,
            "look_up": {"error_type": row.look_up_error, "sentence": row.look_up_said} if row.look_up_error else None,
            "note": row.note,
            "state": row.state,
            "outcome": row.found,
            "settled_by": row.settled_by,
            "settled_at": row.changed_at if settled else None,
            "reason": row.reason,
        }
    )
