"""Incidents: what is wrong or was, who looks after it, what happened in order; as JSON, CSV and Markdown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Response
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import incident_search
from db import incidents as incident_rows
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayRead,
    Model,
    UtcDatetime,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.csv_text import MEDIA_TYPE, csv_text
from monitoring.incident_story import Story, story_of
from monitoring.incident_summary import summary
from monitoring.problem import unknown
from monitoring.site import Site

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
    "silenced": False,
    "resolved_by": "ada",
    "resolved_reason": "FedEx confirmed that it is over",
}
MOST_LINES = 20_000  # of a CSV


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
    silenced: bool = Field(description="nobody is told of it now")
    silenced_by: str | None = None
    silenced_until: datetime | None = Field(default=None, description="null while silenced: until it is resolved")
    silenced_reason: str | None = None
    resolved_by: str | None = Field(default=None, description="null: its rule found it over")
    resolved_reason: str | None = None
    kept_open_by: str | None = Field(default=None, description="who reopened it: only a person ends it")


class Incidents(Model):
    """A page of incidents, newest first; ``next_cursor`` None at the end."""

    incidents: list[Incident]
    next_cursor: str | None = None


class Happening(Model):
    """One thing on the timeline; ``kind`` tells what, ``path`` leads to the page behind it. ``note`` is a note's id."""

    at: datetime
    kind: str = Field(examples=["circuit"])
    title: str = Field(examples=["Circuit open"])
    text: str
    by: str | None
    path: str | None
    note: str | None


class Timeline(Model):
    """An incident and what happened, oldest first: with itself, with calls, circuits, runs, limits and messages."""

    incident: Incident
    happenings: list[Happening]


State = Annotated[Literal["pending", "firing", "resolved"] | None, Query(description="only these")]
Rule = Annotated[str | None, Query(max_length=48, description="only of this rule", examples=["circuit_open"])]
Severity = Annotated[Literal["page", "ticket"] | None, Query(description="only these")]
Subject = Annotated[str | None, Query(max_length=64, description="a vendor and its parts, a sync or a process")]
Since = Annotated[UtcDatetime | None, Query(description="still open then, or begun after")]
Until = Annotated[UtcDatetime | None, Query(description="begun before")]
Id = Annotated[str, Path(max_length=64, description="`id` of the list")]


@router.get("", responses=problems())
async def list_incidents(
    site: HasSite,
    _who: MayRead,
    state: State = None,
    rule: Rule = None,
    severity: Severity = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Incidents:
    """List incidents, newest first; pending ones only when asked for."""
    rows = await incident_search.search(
        site.db,
        states=(state,) if state else ("firing", "resolved"),
        rule=rule,
        severity=severity,
        subject=subject,
        since=since,
        until=until,
        before=from_cursor(cursor),
        limit=limit + 1,
    )
    more = to_cursor(rows[limit - 1].started_at, rows[limit - 1].id) if len(rows) > limit else None
    return Incidents(incidents=[shown(row, site) for row in rows[:limit]], next_cursor=more)


@router.get(
    "/csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems()},
)
async def incidents_csv(
    site: HasSite,
    _who: MayRead,
    state: State = None,
    rule: Rule = None,
    severity: Severity = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Give the same as CSV, the newest 20,000 at most."""
    rows = await incident_search.search(
        site.db,
        states=(state,) if state else ("firing", "resolved"),
        rule=rule,
        severity=severity,
        subject=subject,
        since=since,
        until=until,
        limit=MOST_LINES,
    )
    names = ("started_at", "fired_at", "acknowledged_at", "resolved_at", "duration", "state", "severity", "rule")
    text = csv_text(
        (*names, "subject", "title", "fault", "times", "acknowledged_by", "resolved_by", "id"),
        [
            (
                *(getattr(row, name) for name in names),
                *(row.subject, row.title, row.facts.get("fault"), row.facts.get("times", 1)),
                *(row.acknowledged_by, row.resolved_by, row.id),
            )
            for row in rows
        ],
    )
    return Response(
        text, media_type=MEDIA_TYPE, headers={"Content-Disposition": 'attachment; filename="incidents.csv"'}
    )


@router.get("/{id}", responses=problems(404))
async def get_incident(id: Id, site: HasSite, _who: MayRead) -> Incident:
    """Show one incident."""
    return await found(site, id)


@router.get("/{id}/timeline", responses=problems(404))
async def get_timeline(id: Id, site: HasSite, _who: MayRead) -> Timeline:
    """Show what happened, oldest first."""
    story = await _story(site, id)
    return Timeline(
        incident=shown(story.incident, site),
        happenings=[
            Happening(
                at=point.at,
                kind=point.kind,
                title=point.title,
                text=point.text,
                by=point.by,
                path=point.path or None,
                note=point.id or None,
            )
            for point in story.points
        ],
    )


@router.get(
    "/{id}/summary",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}, **problems(404)},
)
async def get_summary(id: Id, site: HasSite, _who: MayRead) -> Response:
    """Give it as Markdown, to begin a post-mortem with; times are in UTC."""
    labels = {facts.name: facts.label for facts in site.syncs.values()}
    labels |= {facts.name: facts.label for facts in site.vendors.values()}
    text = summary(
        await _story(site, id),
        label_of=lambda name: labels.get(name, name),
        zone=ZoneInfo("UTC"),
        url=site.options.url,
    )
    return Response(text, media_type="text/markdown; charset=utf-8")


async def found(site: Site, id: str) -> Incident:
    """Return an incident as the API shows it. Raise Problem 404 when there is none."""
    row = await incident_rows.find_incident(site.db, id)
    if row is None:
        raise unknown("incident", id, "path.id")
    return shown(row, site)


async def _story(site: Site, id: str) -> Story:
    story = await story_of(site.db, id, syncs=list(site.syncs.values()), now=site.now())
    if story is None:
        raise unknown("incident", id, "path.id")
    return story


def shown(row: incident_rows.Incident, site: Site) -> Incident:
    """Return a stored incident as the API shows it."""
    names = set(Incident.model_fields) - {"silenced", "duration", "facts"}
    return Incident(
        **{name: getattr(row, name) for name in names},
        facts=dict(row.facts),
        duration=row.duration,
        silenced=row.state != "resolved" and row.is_silenced(site.now()),
    )
