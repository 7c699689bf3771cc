"""Notices: what a channel has been told of an incident. What is still to be sent is a row, never memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.incident_events import note_event
from db.incidents import Incident
from db.schema import incidents, notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message per incident and channel. ``message_id`` is None until it is posted.

    ``draft`` is what the first post says: until that is known to be out, every try sends exactly the same under the
    same key, so that a post whose answer was lost is not made twice.
    """

    incident_id: str
    channel: str
    message_id: str | None
    sent_version: int
    tries: int
    due_at: datetime
    error: str | None
    draft: Mapping[str, Any] | None
    draft_version: int | None
    remind_at: datetime | None = None
    reminders: int = 0


async def due_notices(db: Database, channel: str, *, now: datetime, limit: int = 50) -> list[tuple[Incident, Notice]]:
    """Return what the channel has not read yet and is due, oldest incident first; rows are made where missing.

    An inhibited incident is left out unless the channel already has a message of it. So is one that is silenced, until
    its silence is over; when it is resolved before, only the message that a channel has is told so.
    """
    i, n = incidents.c, notices.c
    known = or_(n.message_id.is_not(None), n.draft.is_not(None))
    behind = and_(
        or_(n.incident_id.is_(None), and_(n.sent_version < i.version, n.due_at <= now)),
        or_(i.inhibited_by.is_(None), known),
        or_(
            and_(i.state == "firing", ~silenced(now)),
            and_(i.state == "resolved", or_(i.silenced_by.is_(None), known)),
        ),
    )
    joined = incidents.outerjoin(notices, and_(n.incident_id == i.id, n.channel == channel))
    query = (
        select(incidents, *(column.label(f"notice_{column.name}") for column in n))
        .select_from(joined)
        .where(behind)
        .order_by(i.started_at, i.id)
        .limit(limit)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    found = []
    for row in rows:
        incident = Incident(**{column.name: row[column.name] for column in incidents.c})
        if row["notice_incident_id"] is None:
            notice = await _begin(db, incident.id, channel, now)
        else:
            notice = Notice(**{column.name: row[f"notice_{column.name}"] for column in n})
        found.append((incident, notice))
    return found


def silenced(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody is to be told of an incident now."""
    i = incidents.c
    return and_(i.silenced_by.is_not(None), or_(i.silenced_until.is_(None), i.silenced_until > now))


async def due_reminders(db: Database, channel: str, *, now: datetime, limit: int = 50) -> list[tuple[Incident, Notice]]:
    """Return the incidents that a channel is to be told of again by a message of its own, oldest first."""
    i, n = incidents.c, notices.c
    query = (
        select(incidents, *(column.label(f"notice_{column.name}") for column in n))
        .select_from(incidents.join(notices, n.incident_id == i.id))
        .where(n.channel == channel, n.remind_at <= now, n.message_id.is_not(None))
        .where(i.state == "firing", i.inhibited_by.is_(None), ~silenced(now))
        .order_by(i.started_at, i.id)
        .limit(limit)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [
        (
            Incident(**{column.name: row[column.name] for column in incidents.c}),
            Notice(**{column.name: row[f"notice_{column.name}"] for column in n}),
        )
        for row in rows
    ]


async def claim_reminder(db: Database, notice: Notice, *, remind_at: datetime | None) -> bool:
    """Take a reminder for sending and say when the next one is due (None: none); False when another sender has it."""
    n = notices.c
    async with db.write() as connection:
        result = await connection.execute(
            update(notices)
            .where(
                n.incident_id == notice.incident_id,
                n.channel == notice.channel,
                n.reminders == notice.reminders,
                n.remind_at == notice.remind_at,
            )
            .values(reminders=notice.reminders + 1, remind_at=remind_at)
        )
    return result.rowcount == 1


async def reminded(
    db: Database, notice: Notice, *, said: str, arrived: bool, again_at: datetime | None = None, now: datetime
) -> None:
    """Note on the timeline what became of a reminder; ``again_at``: when one that did not arrive is tried again."""
    n = notices.c
    async with db.write() as connection:
        if again_at is not None:
            await connection.execute(
                update(notices)
                .where(n.incident_id == notice.incident_id, n.channel == notice.channel)
                .values(remind_at=again_at)
            )
        await note_event(connection, notice.incident_id, "told" if arrived else "not_told", said, at=now)


async def notices_of(db: Database, incident_id: str) -> list[Notice]:
    """Return what each channel has been told of an incident, by channel."""
    n = notices.c
    query = select(notices).where(n.incident_id == incident_id).order_by(n.channel)
    async with db.read() as connection:
        return [Notice(**row._mapping) for row in await connection.execute(query)]


async def _begin(db: Database, incident_id: str, channel: str, now: datetime) -> Notice:
    dialect = sqlite if db.is_sqlite else postgresql
    statement = (
        dialect.insert(notices)
        .values(incident_id=incident_id, channel=channel, sent_version=0, tries=0, due_at=now)
        .on_conflict_do_nothing()
    )
    n = notices.c
    async with db.write() as connection:
        await connection.execute(statement)
        query = select(notices).where(n.incident_id == incident_id, n.channel == channel)
        return Notice(**(await connection.execute(query)).mappings().one())


async def claim_notice(
    db: Database, notice: Notice, *, until: datetime, draft: Mapping[str, Any] | None, draft_version: int | None
) -> bool:
    """Take a notice for sending until then; return False when another sender has it. Keeps the draft of a first post.

    When this process dies, the notice is due again at ``until``.
    """
    n = notices.c
    async with db.write() as connection:
        result = await connection.execute(
            update(notices)
            .where(
                n.incident_id == notice.incident_id,
                n.channel == notice.channel,
                n.tries == notice.tries,
                n.due_at == notice.due_at,
                n.sent_version == notice.sent_version,
            )
            .values(
                tries=notice.tries + 1,
                due_at=until,
                draft=dict(draft) if draft is not None else null(),
                draft_version=draft_version,
            )
        )
    return result.rowcount == 1


async def notice_sent(
    db: Database,
    notice: Notice,
    *,
    message_id: str,
    version: int,
    now: datetime,
    remind_at: datetime | None = None,
    said: str = "",
) -> None:
    """Note what the channel now shows. ``remind_at``: when people are told again, of a first post; ``said`` goes to the
    incident's timeline."""
    n = notices.c
    values = {} if remind_at is None else {"remind_at": remind_at}
    async with db.write() as connection:
        await connection.execute(
            update(notices)
            .where(n.incident_id == notice.incident_id, n.channel == notice.channel)
            .values(
                message_id=message_id,
                sent_version=version,
                tries=0,
                due_at=now,
                error=None,
                draft=null(),
                draft_version=None,
                **values,
            )
        )
        if said:
            await note_event(connection, notice.incident_id, "told", said, at=now)


async def notice_failed(
    db: Database, notice: Notice, *, error: str, due_at: datetime, now: datetime | None = None, said: str = ""
) -> None:
    """Note why it could not be sent and when to try again; ``said`` goes to the incident's timeline."""
    n = notices.c
    async with db.write() as connection:
        await connection.execute(
            update(notices)
            .where(n.incident_id == notice.incident_id, n.channel == notice.channel)
            .values(error=error[:500], due_at=due_at)
        )
        if said and now is not None:
            await note_event(connection, notice.incident_id, "not_told", said, at=now)


async def unsent(db: Database) -> int:
    """Return how many notices wait for a channel that does not take them."""
    i, n = incidents.c, notices.c
    query = (
        select(func.count())
        .select_from(notices.join(incidents, n.incident_id == i.id))
        .where(n.sent_version < i.version, n.error.is_not(None))
    )
    async with db.read() as connection:
        return await connection.scalar(query) or 0
