"""One-time links that set a user's password: made by an admin, good once, for an hour or a day, and for one user."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from db.audit import note_act
from db.engine import Database
from db.schema import login_links, users
from db.users import put_password


async def add_password_link(
    db: Database, *, link_id: str, user_name: str, by: str, reason: str | None, now: datetime, expires_at: datetime
) -> bool:
    """Note a link and the act; older links of the same user count no more. Return False without such an enabled user.

    The old password stays good until the link is used: a reset nobody asked for must not lock anybody out.
    """
    async with db.write() as connection:
        known = await connection.scalar(
            select(users.c.name).where(users.c.name == user_name, users.c.disabled_at.is_(None))
        )
        if known is None:
            return False
        await connection.execute(delete(login_links).where(login_links.c.user_name == user_name))
        await connection.execute(
            insert(login_links).values(id=link_id, user_name=user_name, created_at=now, expires_at=expires_at)
        )
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="user.password_link_made",
            subject=user_name,
            reason=reason,
            facts={"until": expires_at.isoformat()},
        )
    return True


async def owner_of_link(db: Database, link_id: str, now: datetime) -> str | None:
    """Return whose password a link sets; None when it is used, expired or unknown."""
    links = login_links.c
    query = (
        select(links.user_name)
        .join(users, users.c.name == links.user_name)
        .where(links.id == link_id, links.used_at.is_(None), links.expires_at > now, users.c.disabled_at.is_(None))
    )
    async with db.read() as connection:
        owner = await connection.scalar(query)
    return None if owner is None else str(owner)


async def use_password_link(db: Database, link_id: str, password_hash: str, now: datetime) -> str | None:
    """Use up a link: set the password, lift the lock, close the sessions. Return whose; None when it counts no more."""
    links = login_links.c
    enabled = select(users.c.name).where(users.c.disabled_at.is_(None))
    async with db.write() as connection:
        owner = (
            await connection.scalars(
                update(login_links)
                .where(links.id == link_id, links.used_at.is_(None), links.expires_at > now)
                .where(links.user_name.in_(enabled))
                .values(used_at=now)
                .returning(links.user_name)
            )
        ).first()
        if owner is None:
            return None
        await put_password(connection, owner, password_hash)
        await note_act(connection, at=now, user_name=owner, act="user.password_set", subject=owner)
    return str(owner)
