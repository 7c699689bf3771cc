"""What people do with an incident, each with its event and its line in the audit in one transaction.

An act is a conditional update: one that comes too late, or twice, changes nothing and says so by returning False. All
of them hold for every process at once, since the alerts read the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit import note_act
from db.columns import to_micros
from db.engine import Database
from db.incident_events import Kind, note_event
from db.incidents import NOT_SILENCED, Incident, open_key, tell_again
from db.schema import incident_events, incidents, notices

LONGEST_SILENCE = timedelta(days=30)
GRACE = timedelta(minutes=15)  # what was resolved by hand and still holds opens again after that


async def add_note(db: Database, incident_id: str, text: str, *, by: str, now: datetime) -> str | None:
    """Put a note on the timeline; return its id, None when there is no such incident.

    The same words of the same person within a minute are one note: a click that came twice.
    """
    said = hashlib.sha256(f"{incident_id}\n{by}\n{text}\n{to_micros(now) // 60_000_000}".encode()).hexdigest()[:32]
    dialect = sqlite if db.is_sqlite else postgresql
    statement = (
        dialect.insert(incident_events)
        .values(id=said, incident_id=incident_id, at=now, kind="note", by=by[:64], text=text)
        .on_conflict_do_nothing()
        .returning(incident_events.c.id)
    )
    async with db.write() as connection:
        if await _find(connection, incident_id) is None:
            return None
        if await connection.scalar(statement) is not None:
            await _audit(connection, "noted", incident_id, by=by, now=now, facts={"note": said})
    return said


async def remove_note(db: Database, incident_id: str, note_id: str, *, by: str, now: datetime) -> bool:
    """Take a note of one's own back; return False when there is none. That it was there stays in the audit."""
    e = incident_events.c
    async with db.write() as connection:
        gone = await connection.execute(
            delete(incident_events).where(
                e.id == note_id, e.incident_id == incident_id, e.kind == "note", e.by == by[:64]
            )
        )
        if gone.rowcount == 1:
            await _audit(connection, "note_removed", incident_id, by=by, now=now, facts={"note": note_id})
    return gone.rowcount == 1


async def acknowledge(
    db: Database, incident_id: str, *, by: str, now: datetime, note: str = "", instead_of: str | None = None
) -> bool:
    """Note who looks after a firing incident; Slack is not told again of it from then on.

    ``instead_of`` is who did until now. Return False when it is not firing, or somebody else does.
    """
    c = incidents.c
    held = c.acknowledged_by.is_(None) if instead_of is None else c.acknowledged_by == instead_of
    text = " ".join(part for part in (f"Took over from {instead_of}." if instead_of else "", note) if part)
    return await _act(
        db,
        incident_id,
        (c.state == "firing", held),
        {"acknowledged_by": by[:64], "acknowledged_at": now},
        kind="acknowledged",
        did="acknowledged",
        text=text,
        by=by,
        now=now,
        remind=None,
    )


async def hand_back(db: Database, incident_id: str, *, by: str, now: datetime, reason: str) -> bool:
    """Note that nobody looks after a firing incident any more: people are told again. False when nobody did."""
    c = incidents.c
    return await _act(
        db,
        incident_id,
        (c.state == "firing", c.acknowledged_by.is_not(None)),
        {"acknowledged_by": None, "acknowledged_at": None},
        kind="handed_back",
        did="handed_back",
        text=reason,
        by=by,
        now=now,
        remind=now,
    )


async def silence(
    db: Database,
    incident: Incident,
    *,
    until: datetime | None,
    reason: str,
    by: str,
    now: datetime,
) -> bool:
    """Let nobody be told of an open incident, until a moment or (None) until it is resolved.

    ``incident`` is as it was looked at: return False when it is over, or somebody silenced it otherwise meanwhile.
    """
    c = incidents.c
    as_seen = (
        _same(c.silenced_by, incident.silenced_by),
        _same(c.silenced_until, incident.silenced_until),
    )
    return await _act(
        db,
        incident.id,
        (c.open_key.is_not(None), *as_seen),
        {"silenced_until": until, "silenced_by": by[:64], "silenced_reason": reason},
        kind="silenced",
        did="silenced",
        text=f"{f'Until {_clock(until)}' if until else 'Until it is resolved'}: {reason}",
        reason=reason,
        by=by,
        now=now,
        facts={"until": until.isoformat() if until else None},
        news=False,
    )


async def end_silence(db: Database, incident_id: str, *, by: str, now: datetime) -> bool:
    """End a silence at once: people are told of what still fires. Return False when it was not silenced."""
    c = incidents.c
    return await _act(
        db,
        incident_id,
        (c.open_key.is_not(None), c.silenced_by.is_not(None)),
        dict(NOT_SILENCED),
        kind="unsilenced",
        did="silence_ended",
        text="Ended by hand.",
        by=by,
        now=now,
        news=False,
        remind=now,
    )


async def resolve_by_hand(db: Database, incident_id: str, *, reason: str, by: str, now: datetime) -> bool:
    """Call a firing incident over. Return False when it is not firing.

    It opens again at once when it ends in fact and begins anew, or when another run fails; else after ``GRACE`` if it
    still holds (``monitoring/alerts/incidents.py``).
    """
    c = incidents.c
    return await _act(
        db,
        incident_id,
        (c.state == "firing",),
        {
            "state": "resolved",
            "resolved_at": now,
            "resolved_by": by[:64],
            "resolved_reason": reason,
            "open_key": None,
            "calm_since": None,
            "kept_open_by": None,
        },
        kind="resolved",
        did="resolved",
        text=reason,
        reason=reason,
        by=by,
        now=now,
    )


async def reopen_by_hand(db: Database, incident_id: str, *, reason: str, by: str, now: datetime) -> bool:
    """Make a resolved incident firing again. Return False when it is open, or another one is for the same trouble.

    One that a person has resolved, and that has not been calm since, is judged by its rule again. Any other stays open
    until a person resolves it: its rule finds nothing and would end it at once.
    """
    c = incidents.c
    try:
        async with db.write() as connection:
            row = await _find(connection, incident_id)
            if row is None or row.state != "resolved":
                return False
            kept = row.resolved_by is None or row.calm_since is not None
            return await _act_in(
                connection,
                incident_id,
                (c.state == "resolved",),
                {
                    "state": "firing",
                    "open_key": open_key(row.rule, row.subject),
                    "resolved_at": None,
                    "resolved_by": None,
                    "resolved_reason": None,
                    "calm_since": None,
                    "kept_open_by": by[:64] if kept else None,
                    **NOT_SILENCED,
                },
                kind="reopened",
                did="reopened",
                text=reason,
                reason=reason,
                by=by,
                now=now,
                remind=now,
            )
    except IntegrityError:  # the key of what is open is taken
        return False


_KEEP = object()


async def _act(
    db: Database, incident_id: str, conditions: tuple[ColumnElement[bool], ...], values: Mapping[str, Any], **more: Any
) -> bool:
    async with db.write() as connection:
        return await _act_in(connection, incident_id, conditions, values, **more)


async def _act_in(
    connection: AsyncConnection,
    incident_id: str,
    conditions: tuple[ColumnElement[bool], ...],
    values: Mapping[str, Any],
    *,
    kind: Kind,
    did: str,
    by: str,
    now: datetime,
    text: str = "",
    reason: str | None = None,
    facts: Mapping[str, Any] | None = None,
    news: bool = True,
    remind: Any = _KEEP,
) -> bool:
    """Change, note and audit. ``news``: its message in Slack says otherwise from now on; ``remind``: when people are
    told by a message of its own, None for not any more."""
    c = incidents.c
    moved = {"version": c.version + 1, "changed_at": now} if news else {}
    result = await connection.execute(
        update(incidents).where(c.id == incident_id, *conditions).values(**values, **moved)
    )
    if result.rowcount != 1:
        return False
    await note_event(connection, incident_id, kind, text, at=now, by=by)
    await _audit(connection, did, incident_id, by=by, now=now, reason=reason or text or None, facts=facts)
    if remind is None:
        await connection.execute(update(notices).where(notices.c.incident_id == incident_id).values(remind_at=None))
    elif remind is not _KEEP:
        await tell_again(connection, incident_id, remind)
    return True


async def _find(connection: AsyncConnection, incident_id: str) -> Any:
    return (await connection.execute(select(incidents).where(incidents.c.id == incident_id))).one_or_none()


async def _audit(
    connection: AsyncConnection,
    did: str,
    incident_id: str,
    *,
    by: str,
    now: datetime,
    reason: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    row = await _find(connection, incident_id)
    about = {"rule": row.rule, "subject": row.subject} if row is not None else {}
    await note_act(
        connection,
        at=now,
        user_name=by,
        act=f"incident.{did}",
        subject=incident_id,
        reason=reason,
        facts={**about, **(facts or {})},
    )


def _same(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
