"""Sessions as their owners and admins see them: which are open, which still stand, and ending one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select

from db.audit import note_act
from db.engine import Database
from db.schema import user_sessions, users
from db.users import Session

_AT_ONCE = 500  # ids in one query


async def open_sessions(
    db: Database, *, now: datetime, idle: timedelta, user_name: str | None = None, limit: int = 200
) -> list[Session]:
    """Return the sessions that count now, of one user or of all, the one seen last first."""
    query = _counting(now, idle).order_by(user_sessions.c.seen_at.desc(), user_sessions.c.id).limit(limit)
    if user_name is not None:
        query = query.where(user_sessions.c.user_name == user_name)
    async with db.read() as connection:
        return [Session(**row) for row in (await connection.execute(query)).mappings()]


async def standing(db: Database, ids: Collection[str], *, now: datetime, idle: timedelta) -> dict[str, Session]:
    """Return those of these sessions that count now, by id."""
    wanted, found = sorted(ids), {}
    async with db.read() as connection:
        for first in range(0, len(wanted), _AT_ONCE):
            query = _counting(now, idle).where(user_sessions.c.id.in_(wanted[first : first + _AT_ONCE]))
            for row in (await connection.execute(query)).mappings():
                found[row["id"]] = Session(**row)
    return found


async def end_session(
    db: Database, session_id: str, *, by: str, now: datetime, only_of: str | None = None
) -> str | None:
    """End a session and note who did; return whose it was, None when it is not there.

    ``only_of`` ends it only if it is this user's: what somebody may do who is no admin.
    """
    ended = delete(user_sessions).where(user_sessions.c.id == session_id).returning(user_sessions.c.user_name)
    if only_of is not None:
        ended = ended.where(user_sessions.c.user_name == only_of)
    async with db.write() as connection:
        owner = (await connection.scalars(ended)).first()
        if owner is None:
            return None
        await note_act(connection, at=now, user_name=by, act="session.ended", subject=owner)
    return str(owner)


async def end_others(db: Database, user_name: str, *, keep: str, by: str, now: datetime) -> int:
    """End every session of a user but one; return how many there were."""
    async with db.write() as connection:
        ended = await connection.execute(
            delete(user_sessions).where(user_sessions.c.user_name == user_name, user_sessions.c.id != keep)
        )
        if ended.rowcount:
            await note_act(
                connection,
                at=now,
                user_name=by,
                act="session.ended",
                subject=user_name,
                facts={"sessions": ended.rowcount},
            )
    return ended.rowcount


def _counting(now: datetime, idle: timedelta) -> Select[tuple[object, ...]]:
    return (
        select(user_sessions, users.c.role, users.c.may_trigger, users.c.time_zone)
        .join(users, users.c.name == user_sessions.c.user_name)
        .where(user_sessions.c.expires_at > now, user_sessions.c.seen_at > now - idle, users.c.disabled_at.is_(None))
    )
