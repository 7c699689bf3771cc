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

from sqlalchemy import ColumnElement, Row, and_, case, delete, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.incident_events import Kind, note_event
from db.schema import incidents, notices

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
    resolved_by: str | None = None
    resolved_reason: str | None = None
    kept_open_by: str | None = None

    def is_silenced(self, now: datetime) -> bool:
        """Say whether nobody is to be told of it now."""
        if self.silenced_by is None:
            return False
        return self.silenced_until is None or self.silenced_until > now

    @property
    def duration(self) -> float | None:
        """Seconds from its start to its end; None while it is open."""
        return None if self.resolved_at is None else (self.resolved_at - self.started_at).total_seconds()


NOT_SILENCED: Mapping[str, None] = {"silenced_until": None, "silenced_by": None, "silenced_reason": None}


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
    incident_id = secrets.token_hex(16)
    statement = (
        dialect.insert(incidents)
        .values(
            id=incident_id,
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
        opened = await connection.scalar(statement) is not None
        if opened:
            await note_event(connection, incident_id, "opened", str(facts.get("sentence", "")), at=started_at)
        return opened


async def begin_again(
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

    Its ``facts`` get ``times``, how often it has begun. A silence until its end has ended with it; one until a moment
    goes on. Where it was resolved by hand, people are told anew.
    """
    c = incidents.c
    key = open_key(rule, subject)
    recent = (
        select(c.id, c.facts, c.resolved_by)
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
                resolved_by=None,
                resolved_reason=None,
                calm_since=None,
                title=title,
                facts={**facts, "times": int(row.facts.get("times", 1)) + 1},
                changed_at=now,
                version=c.version + 1,
                **still_silenced(now),
            )
        )
        if taken.rowcount != 1:
            return False
        await note_event(connection, row.id, "again", str(facts.get("sentence", "")), at=now)
        if row.resolved_by is not None:
            await tell_again(connection, row.id, now)
        return True


def still_silenced(now: datetime) -> dict[str, ColumnElement[Any]]:
    """Return the columns of a silence as they stand when an incident begins again: kept only until its moment."""
    c = incidents.c
    goes_on = c.silenced_until > now
    return {
        name: case((goes_on, c[name]), else_=null()) for name in ("silenced_until", "silenced_by", "silenced_reason")
    }


async def tell_again(connection: AsyncConnection, incident_id: str, now: datetime) -> None:
    """Let each channel that has a message of an incident get one more, since an edit of the first wakes nobody."""
    n = notices.c
    await connection.execute(
        update(notices).where(n.incident_id == incident_id, n.message_id.is_not(None)).values(remind_at=now)
    )


async def change_incident(
    db: Database,
    before: Incident,
    *,
    now: datetime,
    say: bool,
    values: Mapping[str, Any],
    events: Sequence[tuple[Kind, str]] = (),
    alarm: bool = False,
) -> bool:
    """Change an open incident if it is still as it was. ``say``: people should read it, so the version moves;
    ``alarm``: they are told by a message of its own. ``events`` go to its timeline.

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
        if result.rowcount != 1:
            return False
        for kind, text in events:
            await note_event(connection, before.id, kind, text, at=now)
        if alarm:
            await tell_again(connection, before.id, now)
        return True


async def resolve_incident(db: Database, before: Incident, *, now: datetime, why: str = "") -> bool:
    """Resolve a firing incident that its rule finds over; return False when somebody else did.

    One that was silenced keeps saying so: a channel that never heard of it is not told of its end either.
    """
    return await change_incident(
        db,
        before,
        now=now,
        say=True,
        values={"state": "resolved", "resolved_at": now, "open_key": None},
        events=[("resolved", why)],
    )


async def drop_pending(db: Database, before: Incident) -> bool:
    """Forget an incident that was gone before it fired; nobody was ever told of it."""
    async with db.write() as connection:
        result = await connection.execute(
            delete(incidents).where(incidents.c.id == before.id, incidents.c.state == "pending")
        )
    return result.rowcount == 1


async def end_silences(db: Database, *, now: datetime) -> int:
    """End the silences whose moment has come, so that people are told once of what still fires; return how many."""
    c = incidents.c
    over = and_(c.open_key.is_not(None), c.silenced_by.is_not(None), c.silenced_until <= now)
    async with db.read() as connection:
        due = (await connection.execute(select(c.id, c.silenced_until).where(over))).all()
    ended = 0
    for row in due:
        async with db.write() as connection:
            result = await connection.execute(
                update(incidents)
                .where(c.id == row.id, over, c.silenced_until == row.silenced_until)
                .values(**NOT_SILENCED)
            )
            if result.rowcount == 1:
                ended += 1
                await note_event(connection, row.id, "unsilenced", "Its time was over.", at=row.silenced_until)
                await tell_again(connection, row.id, now)
    return ended


async def resolved_by_hand(db: Database, *, since: datetime) -> list[Incident]:
    """Return the incidents that people have resolved since then and that have not begun again, the latest first."""
    c = incidents.c
    query = (
        select(incidents)
        .where(c.state == "resolved", c.resolved_by.is_not(None), c.resolved_at >= since)
        .order_by(c.resolved_at.desc())
    )
    async with db.read() as connection:
        return [_incident(row) for row in await connection.execute(query)]


async def note_calm(db: Database, incident: Incident, *, now: datetime) -> None:
    """Note that what was resolved by hand is over in fact: from now on it is news when it begins again."""
    c = incidents.c
    async with db.write() as connection:
        await connection.execute(
            update(incidents)
            .where(c.id == incident.id, c.state == "resolved", c.calm_since.is_(None))
            .values(calm_since=now)
        )


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
