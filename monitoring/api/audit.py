"""The audit: who did what, when and why, as JSON and as CSV."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict
from pydantic.config import JsonDict

from db import audit as audit_rows
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayOperate,
    Model,
    UtcDatetime,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.audit_words import facts_in_words
from monitoring.csv_text import MEDIA_TYPE, csv_text

router = APIRouter(prefix="/audit", tags=["audit"])

MOST_LINES = 20_000  # of a CSV
_EXAMPLE: JsonDict = {
    "id": "0d2f6c1b9a4e4f0f8a53c3b0a5c9f1de",
    "at": "2026-10-01T12:00:00Z",
    "person": "ada",
    "act": "circuit.forced_open",
    "subject": "fedex",
    "reason": "FedEx announced maintenance",
    "origin": "page 10.0.0.7",
    "facts": {"expires_at": "2026-10-01T14:00:00+00:00"},
}

Person = Annotated[str | None, Query(max_length=70, description="who; a token is token:NAME", examples=["ada"])]
ActBegin = Annotated[str | None, Query(max_length=48, description="how the act begins", examples=["circuit"])]
Subject = Annotated[str | None, Query(max_length=128, description="to what it was done", examples=["fedex"])]
Since = Annotated[UtcDatetime | None, Query(description="done at or after")]
Until = Annotated[UtcDatetime | None, Query(description="done before")]


class Act(Model):
    """One act. ``person`` is a user, ``token:NAME``, ``command`` for the command line, ``nobody`` for a failed sign-in.

    ``origin`` is the way and the address it came from, null for a command and for what the processes do themselves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    at: datetime
    person: str
    act: str
    subject: str
    reason: str | None
    origin: str | None
    facts: dict[str, Any]


class Acts(Model):
    """A page of acts, newest first; ``next_cursor`` None at the end."""

    acts: list[Act]
    next_cursor: str | None = None


@router.get("", responses=problems())
async def list_acts(
    site: HasSite,
    _who: MayOperate,
    person: Person = None,
    act: ActBegin = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Acts:
    """List what people and tokens did, sign-ins and failed ones too, newest first."""
    rows = await audit_rows.list_acts(
        site.db,
        person=person,
        act=act,
        subject=subject,
        since=since,
        until=until,
        before=from_cursor(cursor),
        limit=limit + 1,
    )
    more = to_cursor(rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
    return Acts(acts=[_act(row) for row in rows[:limit]], next_cursor=more)


@router.get(
    "/csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems()},
)
async def audit_csv(
    site: HasSite,
    _who: MayOperate,
    person: Person = None,
    act: ActBegin = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Give the same as CSV, the newest 20,000 at most."""
    rows = await audit_rows.list_acts(
        site.db, person=person, act=act, subject=subject, since=since, until=until, limit=MOST_LINES
    )
    text = csv_text(
        ("at", "person", "origin", "act", "subject", "reason", "facts"),
        [
            (row.at, row.user_name, row.origin, row.act, row.subject, row.reason, facts_in_words(row.facts))
            for row in rows
        ],
    )
    return Response(text, media_type=MEDIA_TYPE, headers={"Content-Disposition": 'attachment; filename="audit.csv"'})


def _act(row: audit_rows.Act) -> Act:
    return Act(
        id=row.id,
        at=row.at,
        person=row.user_name,
        act=row.act,
        subject=row.subject,
        reason=row.reason,
        origin=row.origin,
        facts=dict(row.facts),
    )
