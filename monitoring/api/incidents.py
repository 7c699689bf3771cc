"""Incidents: what is wrong or was, and who looks after it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import incidents as incident_rows
from db.audit import record_act
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayOperate,
    MayRead,
    Model,
    UtcDatetime,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.problem import Problem, unknown

router = APIRouter(prefix="/incidents", tags=["incidents"])

_EXAMPLE: JsonDict = {
    "id": "0d2f6c1b9a4e4f0f8a53c3b0a5c9f1de",
    "rule": "circuit_open",
    "subject": "fedex",
    "state": "resolved",
    "severity": "page",
    "title": "The circuit of FedEx is open",
    "facts": {"sentence": "5 calls in a row failed.", "fault": "theirs", "dependents": ["Orders"]},
    "started_at": "2026-10-01T12:00:00Z",
    "fired_at": "2026-10-01T12:00:00Z",
    "resolved_at": "2026-10-01T12:13:00Z",
    "duration": 780.0,
    "acknowledged_by": "ada",
    "acknowledged_at": "2026-10-01T12:02:00Z",
    "inhibited_by": "7b1f0c6e2d5a4b3c9e8f70615243a1b0",
}


class Incident(Model):
    """One incident. ``inhibited_by`` is the incident it is only an effect of; ``duration`` in seconds once over."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    rule: str
    subject: str
    state: Literal["pending", "firing", "resolved"]
    severity: Literal["page", "ticket"]
    title: str
    facts: dict[str, Any]
    started_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    duration: float | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    inhibited_by: str | None


class Incidents(Model):
    """A page of incidents, newest first; ``next_cursor`` None at the end."""

    incidents: list[Incident]
    next_cursor: str | None = None


class Acknowledgement(Model):
    """A word on what is being done."""

    note: str = Field(default="", max_length=500, examples=["Called FedEx, they are on it"])


@router.get("", responses=problems())
async def list_incidents(
    site: HasSite,
    _who: MayRead,
    state: Annotated[Literal["pending", "firing", "resolved"] | None, Query(description="only these")] = None,
    subject: Annotated[str | None, Query(max_length=64, description="a vendor, sync or process")] = None,
    since: Annotated[UtcDatetime | None, Query(description="begun at or after")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Incidents:
    """List incidents, newest first; pending ones only when asked for."""
    rows = await incident_rows.list_incidents(
        site.db,
        states=(state,) if state else ("firing", "resolved"),
        subject=subject,
        since=since,
        before=from_cursor(cursor),
        limit=limit + 1,
    )
    more = to_cursor(rows[limit - 1].started_at, rows[limit - 1].id) if len(rows) > limit else None
    return Incidents(incidents=[_incident(row) for row in rows[:limit]], next_cursor=more)


@router.get("/{id}", responses=problems(404))
async def get_incident(id: str, site: HasSite, _who: MayRead) -> Incident:
    """Show one incident."""
    row = await incident_rows.find_incident(site.db, id)
    if row is None:
        raise unknown("incident", id, "path.id")
    return _incident(row)


@router.post("/{id}/acknowledge", responses=problems(404, 409))
async def acknowledge(id: str, site: HasSite, who: MayOperate, word: Acknowledgement | None = None) -> Incident:
    """Say that you look after a firing incident; its message in Slack says so too."""
    now = site.now()
    taken = await incident_rows.acknowledge(site.db, id, by=who.label, now=now)
    row = await incident_rows.find_incident(site.db, id)
    if row is None:
        raise unknown("incident", id, "path.id")
    if not taken:
        by = f"{row.acknowledged_by} looks after it already" if row.acknowledged_by else f"it is {row.state}"
        raise Problem(409, "not_acknowledged", f"Not noted: {by}.")
    await record_act(
        site.db,
        at=now,
        user_name=who.label,
        act="incident.acknowledged",
        subject=id,
        reason=(word.note or None) if word else None,
        facts={"rule": row.rule, "subject": row.subject},
    )
    return _incident(row)


def _incident(row: incident_rows.Incident) -> Incident:
    return Incident(
        id=row.id,
        rule=row.rule,
        subject=row.subject,
        state=row.state,
        severity=row.severity,
        title=row.title,
        facts=dict(row.facts),
        started_at=row.started_at,
        fired_at=row.fired_at,
        resolved_at=row.resolved_at,
        duration=row.duration,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        inhibited_by=row.inhibited_by,
    )
