"""Incidents: pending, firing, resolved. One open incident per rule and subject, whoever evaluates the rules.

The unique ``open_key`` arbitrates: it is set while an incident is open and NULL once it is resolved, so two evaluators
that see the same thing at once still make one incident. Every change is a conditional update. ``version`` moves only
when people should read something else than before.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import incidents

State = Literal["pending", "firing", "resolved"]
Severity = Literal["page", "ticket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident as stored. ``subject`` is a vendor, a circuit, a sync or a process."""

    id: str
    rule: str
    subject: str
    open_key: str | None
    state: State
    severity: Severity
    title: str
    facts: Mapping[str, Any]
    started_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    changed_at: datetime
    version: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    calm_since: datetime | None
    inhibited_by: str | None
    silenced_until: datetime | None = None
    silenced_by: str | None = None
    silenced_reason: str | None = None

    @property
    def duration(self) -> float | None:
        """Seconds from its start to its end; None while it is open."""
        return None if self.resolved_at is None else (self.resolved_at - self.started_at).total_seconds()


def _incident(row: Row[Any]) -> Incident:
    return Incident(**row._mapping)


def open_key(rule: str, subject: str) -> str:
    """Return what is unique among open incidents."""
    return f"{rule}:{subject}"


async def open_incidents(db: Database) -> list[Incident]:
    """Return what is pending or firing, oldest first."""
    query = select(incidents).where(incidents.c.open_key.is_not(None)).order_by(incidents.c.started_at, incidents.c.id)
    async with db.read() as connection:
        return [_incident(row) for row in await connection.execute(query)]


async def find_incident(db: Database, incident_id: str) -> Incident | None:
    """Return one incident; None when there is none of that id."""
    async with db.read() as connection:
        row = (await connection.execute(select(incidents).where(incidents.c.id == incident_id))).one_or_none()
    return _incident(row) if row else None


async def list_incidents(
    db: Database,
    *,
    states: Sequence[str] = ("firing", "resolved"),
    rule: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Incident]:
    """Return incidents, newest first. ``before`` is the (started_at, id) of the last one of the page before."""
    c = incidents.c
    query = select(incidents).where(c.state.in_(states)).order_by(c.started_at.desc(), c.id.desc()).limit(limit)
    if rule is not None:
        query = query.where(c.rule == rule)
    if subject is not None:
        query = query.where(c.subject == subject)
    if since is not None:
        query = query.where(c.started_at >= since)
    if before is not None:
        query = query.where(or_(c.started_at < before[0], and_(c.started_at == before[0], c.id < before[1])))
    async with db.read() as connection:
        return [_incident(row) for row in await connection.execute(query)]


async def open_incident(
    db: Database,
    *,
    rule: str,
    subject: str,
    state: State,
    severity: Severity,
    title: str,
    facts: Mapping[str, Any],
    started_at: datetime,
    inhibited_by: str | None,
    now: datetime,
) -> bool:
    """Open an incident unless one is open for the same rule and subject; return whether this call opened it."""
    dialect = sqlite if db.is_sqlite else postgresql
    statement = (
        dialect.insert(incidents)
        .values(
            id=secrets.token_hex(16),
            rule=rule,
            subject=subject,
            open_key=open_key(rule, subject),
            state=state,
            severity=severity,
            title=title,
            facts=dict(facts),
            started_at=started_at,
            fired_at=now if state == "firing" else None,
            changed_at=now,
            version=1,
            inhibited_by=inhibited_by,
        )
        .on_conflict_do_nothing(index_elements=["open_key"])
        .returning(incidents.c.id)
    )
    async with db.write() as connection:
        return await connection.scalar(statement) is not None


async def reopen_incident(
    db: Database,
    *,
    rule: str,
    subject: str,
    resolved_since: datetime,
    title: str,
    facts: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Take up again the incident that was resolved a moment ago, if there is one: flapping is one incident.

    Its ``facts`` get ``times``, how often it has begun.
    """
    c = incidents.c
    key = open_key(rule, subject)
    recent = (
        select(c.id, c.facts)
        .where(c.rule == rule, c.subject == subject, c.state == "resolved", c.resolved_at >= resolved_since)
        .order_by(c.resolved_at.desc())
        .limit(1)
    )
    async with db.write() as connection:
        if await connection.scalar(select(c.id).where(c.open_key == key)):
            return False
        row = (await connection.execute(recent)).one_or_none()
        if row is None:
            return False
        taken = await connection.execute(
            update(incidents)
            .where(c.id == row.id, c.state == "resolved")
            .values(
                state="firing",
                open_key=key,
                resolved_at=None,
                calm_since=None,
                title=title,
                facts={**facts, "times": int(row.facts.get("times", 1)) + 1},
                changed_at=now,
                version=c.version + 1,
            )
        )
        return taken.rowcount == 1


async def change_incident(
    db: Database, before: Incident, *, now: datetime, say: bool, values: Mapping[str, Any]
) -> bool:
    """Change an open incident if it is still as it was. ``say``: people should read it, so the version moves.

    Return False when another evaluator was first, or when it was resolved meanwhile.
    """
    c = incidents.c
    changes = dict(values)
    if say:
        changes |= {"version": before.version + 1, "changed_at": now}
    async with db.write() as connection:
        result = await connection.execute(
            update(incidents)
            .where(c.id == before.id, c.version == before.version, c.state == before.state)
            .values(**changes)
        )
    return result.rowcount == 1


async def resolve_incident(db: Database, before: Incident, *, now: datetime) -> bool:
    """Resolve a firing incident; return False when somebody else did."""
    return await change_incident(
        db, before, now=now, say=True, values={"state": "resolved", "resolved_at": now, "open_key": None}
    )


async def drop_pending(db: Database, before: Incident) -> bool:
    """Forget an incident that was gone before it fired; nobody was ever told of it."""
    async with db.write() as connection:
        result = await connection.execute(
            delete(incidents).where(incidents.c.id == before.id, incidents.c.state == "pending")
        )
    return result.rowcount == 1


async def acknowledge(db: Database, incident_id: str, *, by: str, now: datetime) -> bool:
    """Note who looks after a firing incident; return False when it is not firing or somebody already does."""
    c = incidents.c
    async with db.write() as connection:
        result = await connection.execute(
            update(incidents)
            .where(c.id == incident_id, c.state == "firing", c.acknowledged_by.is_(None))
            .values(acknowledged_by=by[:64], acknowledged_at=now, version=c.version + 1, changed_at=now)
        )
    return result.rowcount == 1


async def forget_resolved(db: Database, *, before: datetime) -> int:
    """Drop incidents resolved before then, with their notices; return how many."""
    async with db.write() as connection:
        result = await connection.execute(
            delete(incidents).where(incidents.c.state == "resolved", incidents.c.resolved_at < before)
        )
    return result.rowcount


def is_stale(pending: Incident, now: datetime, silence: timedelta) -> bool:
    """Say whether a pending incident was last seen too long ago to count the time in between."""
    return now - pending.changed_at > silence
