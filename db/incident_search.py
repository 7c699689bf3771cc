"""Incidents as people look for them: filtered, page by page, with how long they took and what follows from what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, or_, select, tuple_, type_coerce

from db.columns import to_micros
from db.engine import Database
from db.incidents import Incident
from db.schema import incidents

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How quickly incidents were taken up and ended: counts, and averages in seconds from firing (None: none were)."""

    fired: int
    acknowledged: int
    resolved: int
    to_acknowledge: float | None
    to_resolve: float | None


def about(subject: str) -> ColumnElement[bool]:
    """Return the condition that an incident is about a vendor, a sync or a process, or about a part of it."""
    s = incidents.c.subject
    return or_(s == subject, s.startswith(f"{subject}/", autoescape=True))


async def search(
    db: Database,
    *,
    states: Sequence[str] = ("pending", "firing", "resolved"),
    rule: str | None = None,
    severity: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Incident]:
    """Return the incidents that fit all that is given and touch the stretch, newest first.

    ``before`` is the (started_at, id) of the last one seen: the list goes on after it.
    """
    c = incidents.c
    query = (
        _fitting(rule=rule, severity=severity, subject=subject, since=since, until=until)
        .where(c.state.in_(states))
        .order_by(c.started_at.desc(), c.id.desc())
        .limit(limit)
    )
    if before is not None:
        at = to_micros(before[0])
        query = query.where(c.started_at <= at, tuple_(c.started_at, c.id) < tuple_(at, before[1]))
    async with db.read() as connection:
        return [Incident(**row._mapping) for row in await connection.execute(query)]


async def pace(
    db: Database,
    *,
    since: datetime,
    until: datetime,
    rule: str | None = None,
    severity: str | None = None,
    subject: str | None = None,
) -> Pace:
    """Return how quickly the incidents that fired and touch the stretch were taken up and ended."""
    c = incidents.c
    fitting = (
        _fitting(rule=rule, severity=severity, subject=subject, since=since, until=until)
        .where(c.fired_at.is_not(None))
        .subquery()
    )
    f = fitting.c

    def seconds(end: Any) -> ColumnElement[Any]:
        return func.avg((type_coerce(end, BigInteger) - type_coerce(f.fired_at, BigInteger)) / float(_SECOND))

    query = select(
        func.count(),
        func.count(f.acknowledged_at),
        func.count(f.resolved_at),
        seconds(f.acknowledged_at),
        seconds(f.resolved_at),
    ).select_from(fitting)
    async with db.read() as connection:
        fired, acknowledged, resolved, to_acknowledge, to_resolve = (await connection.execute(query)).one()
    return Pace(
        fired=fired,
        acknowledged=acknowledged,
        resolved=resolved,
        to_acknowledge=None if to_acknowledge is None else float(to_acknowledge),
        to_resolve=None if to_resolve is None else float(to_resolve),
    )


async def effects_of(db: Database, incident_id: str, *, limit: int = 20) -> list[Incident]:
    """Return the incidents that are only effects of one, oldest first."""
    c = incidents.c
    query = select(incidents).where(c.inhibited_by == incident_id).order_by(c.started_at, c.id).limit(limit)
    async with db.read() as connection:
        return [Incident(**row._mapping) for row in await connection.execute(query)]


def _fitting(
    *,
    rule: str | None,
    severity: str | None,
    subject: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Select[Any]:
    c = incidents.c
    query = select(incidents)
    if rule is not None:
        query = query.where(c.rule == rule)
    if severity is not None:
        query = query.where(c.severity == severity)
    if subject is not None:
        query = query.where(about(subject))
    if since is not None:
        query = query.where(or_(c.resolved_at.is_(None), c.resolved_at >= since))
    if until is not None:
        query = query.where(c.started_at < until)
    return query
