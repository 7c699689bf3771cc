"""Notices: what a channel has been told of an incident. What is still to be sent is a row, never memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
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


async def due_notices(db: Database, channel: str, *, now: datetime, limit: int = 50) -> list[tuple[Incident, Notice]]:
    """Return what the channel has not read yet and is due, oldest incident first; rows are made where missing.

    An inhibited incident is left out unless the channel already has a message of it.
    """
    i, n = incidents.c, notices.c
    behind = and_(
        i.state.in_(("firing", "resolved")),
        or_(n.incident_id.is_(None), and_(n.sent_version < i.version, n.due_at <= now)),
        or_(i.inhibited_by.is_(None), n.message_id.is_not(None), n.draft.is_not(None)),
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


async def notice_sent(db: Database, notice: Notice, *, message_id: str, version: int, now: datetime) -> None:
    """Note what the channel now shows."""
    n = notices.c
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
            )
        )


async def notice_failed(db: Database, notice: Notice, *, error: str, due_at: datetime) -> None:
    """Note why it could not be sent and when to try again."""
    n = notices.c
    async with db.write() as connection:
        await connection.execute(
            update(notices)
            .where(n.incident_id == notice.incident_id, n.channel == notice.channel)
            .values(error=error[:500], due_at=due_at)
        )


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
