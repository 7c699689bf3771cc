"""Users, their sessions in a browser, and the one-time links that make the first of them.

Secrets never stand here: a password is an argon2id hash, a session and a link are the SHA-256 of what the browser
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit import note_act
from db.engine import Database
from db.schema import login_links, user_sessions, users

Role = Literal["viewer", "operator", "admin"]
Method = Literal["password", "proxy"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")

WRONG_GUESSES_ALLOWED = 5
_FIRST_LOCK = timedelta(seconds=30)
_LONGEST_LOCK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may sign in. ``locked_until`` is set after too many wrong guesses.

    ``may_trigger`` is None where starting runs is as the role has it. Without ``password_hash`` the only ways in are a
    one-time link and a proxy that vouches for the name.
    """

    name: str
    role: Role
    may_trigger: bool | None
    password_hash: str | None
    created_at: datetime
    disabled_at: datetime | None
    failed_logins: int
    locked_until: datetime | None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that counts now: not expired, not idle too long, its user not disabled."""

    id: str
    user_name: str
    role: Role
    may_trigger: bool | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str | None
    method: str
    time_zone: str | None = None


async def add_user(
    db: Database, *, name: str, role: Role, password_hash: str | None, now: datetime, by: str = "command"
) -> bool:
    """Add a user and note the act; return False when the name is taken."""
    try:
        async with db.write() as connection:
            await connection.execute(
                insert(users).values(name=name, role=role, password_hash=password_hash, created_at=now, failed_logins=0)
            )
            await note_act(connection, at=now, user_name=by, act="user.added", subject=name, facts={"role": role})
    except IntegrityError:
        return False
    return True


async def add_first_user(
    db: Database, *, link_id: str, name: str, role: Role, password_hash: str, now: datetime
) -> bool:
    """Use up a one-time link and add the user it was made for, with a note of it, in one transaction.

    Return False when the link is used, expired or unknown, or when a user exists by now.
    """
    async with db.write() as connection:
        used = await connection.execute(
            update(login_links)
            .where(login_links.c.id == link_id, login_links.c.used_at.is_(None), login_links.c.expires_at > now)
            .where(login_links.c.user_name.is_(None))
            .values(used_at=now)
        )
        if used.rowcount != 1 or await connection.scalar(select(func.count()).select_from(users)):
            return False
        await connection.execute(
            insert(users).values(name=name, role=role, password_hash=password_hash, created_at=now, failed_logins=0)
        )
        await note_act(connection, at=now, user_name=name, act="user.added", subject=name, facts={"role": role})
    return True


async def find_user(db: Database, name: str) -> User | None:
    """Return the user of that name, disabled or not; None when there is none."""
    async with db.read() as connection:
        row = (await connection.execute(select(users).where(users.c.name == name))).mappings().first()
    return User(**row) if row is not None else None


async def list_users(db: Database) -> list[User]:
    """Return all users by name."""
    async with db.read() as connection:
        rows = (await connection.execute(select(users).order_by(users.c.name))).mappings().all()
    return [User(**row) for row in rows]


async def any_user(db: Database) -> bool:
    """Say whether at least one user exists."""
    async with db.read() as connection:
        return await connection.scalar(select(users.c.name).limit(1)) is not None


async def set_password(
    db: Database, name: str, password_hash: str, *, now: datetime, by: str = "command", keep: str | None = None
) -> bool:
    """Set a password, lift the lock, close every session of the user but ``keep``, end every link that would set it
    again, and note the act; return False when there is no such user."""
    async with db.write() as connection:
        done = await put_password(connection, name, password_hash, keep=keep)
        if done:
            await note_act(connection, at=now, user_name=by, act="user.password_set", subject=name)
    return done


async def put_password(connection: AsyncConnection, name: str, password_hash: str, *, keep: str | None = None) -> bool:
    """Do what ``set_password`` does inside a transaction."""
    changed = await connection.execute(
        update(users)
        .where(users.c.name == name)
        .values(password_hash=password_hash, failed_logins=0, locked_until=None)
    )
    others = delete(user_sessions).where(user_sessions.c.user_name == name)
    await connection.execute(others if keep is None else others.where(user_sessions.c.id != keep))
    await connection.execute(delete(login_links).where(login_links.c.user_name == name))
    return changed.rowcount == 1


async def renew_hash(db: Database, name: str, *, old: str, new: str) -> None:
    """Replace the hash of the same password by one made with today's parameters; sessions stay."""
    async with db.write() as connection:
        await connection.execute(
            update(users).where(users.c.name == name, users.c.password_hash == old).values(password_hash=new)
        )


async def count_guess(db: Database, name: str, now: datetime) -> bool:
    """Count a guess at a password before it is checked; return False when the user is locked, disabled or unknown.

    Counting first keeps a hundred guesses at once from all being checked before the first is counted. From the fifth
    on, each guess locks the user, for 30 s, then twice as long each time up to 15 min; ``guess_was_right`` undoes it.
    """
    async with db.write() as connection:
        count = await connection.scalar(
            update(users)
            .where(
                users.c.name == name,
                users.c.disabled_at.is_(None),
                or_(users.c.locked_until.is_(None), users.c.locked_until <= now),
            )
            .values(failed_logins=users.c.failed_logins + 1)
            .returning(users.c.failed_logins)
        )
        if count is None:
            return False
        if count >= WRONG_GUESSES_ALLOWED:
            lock = min(_FIRST_LOCK * 2 ** min(count - WRONG_GUESSES_ALLOWED, 10), _LONGEST_LOCK)
            await connection.execute(update(users).where(users.c.name == name).values(locked_until=now + lock))
    return True


async def guess_was_right(db: Database, name: str) -> None:
    """Forget the wrong guesses of a user who has signed in."""
    async with db.write() as connection:
        await connection.execute(update(users).where(users.c.name == name).values(failed_logins=0, locked_until=None))


async def open_session(
    db: Database,
    *,
    session_id: str,
    user_name: str,
    now: datetime,
    expires_at: datetime,
    agent: str | None,
    method: Method = "password",
    instead_of: str = "",
) -> None:
    """Note a session; expired ones of the same user go.

    ``instead_of`` is the one the browser had until now, whoever's it was: it ends, since nobody holds its secret any more
    but who may have copied it. An unknown one is no error.
    """
    async with db.write() as connection:
        earlier = delete(user_sessions).where(user_sessions.c.id == instead_of).returning(user_sessions.c.user_name)
        if (owner := (await connection.scalars(earlier)).first()) is not None:
            facts = {"because": "signed in anew"}
            await note_act(connection, at=now, user_name=user_name, act="session.ended", subject=owner, facts=facts)
        await connection.execute(
            delete(user_sessions).where(user_sessions.c.user_name == user_name, user_sessions.c.expires_at <= now)
        )
        await connection.execute(
            insert(user_sessions).values(
                id=session_id,
                user_name=user_name,
                created_at=now,
                seen_at=now,
                expires_at=expires_at,
                agent=agent[:200] if agent else None,
                method=method,
            )
        )


async def find_session(db: Database, session_id: str, *, now: datetime, idle: timedelta) -> Session | None:
    """Return the session if it counts now, and note at most once a minute that it was seen."""
    query = (
        select(user_sessions, users.c.role, users.c.may_trigger, users.c.time_zone)
        .join(users, users.c.name == user_sessions.c.user_name)
        .where(
            user_sessions.c.id == session_id,
            user_sessions.c.expires_at > now,
            user_sessions.c.seen_at > now - idle,
            users.c.disabled_at.is_(None),
        )
    )
    async with db.read() as connection:
        row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    session = Session(**row)
    if now - session.seen_at > timedelta(minutes=1):
        async with db.write() as connection:
            await connection.execute(update(user_sessions).where(user_sessions.c.id == session_id).values(seen_at=now))
    return session


async def keep_time_zone(db: Database, name: str, time_zone: str | None) -> None:
    """Keep the time zone a user wants to see times in; None is their browser's own."""
    async with db.write() as connection:
        await connection.execute(update(users).where(users.c.name == name).values(time_zone=time_zone))


async def close_session(db: Database, session_id: str) -> None:
    """Close a session; an unknown one is no error."""
    async with db.write() as connection:
        await connection.execute(delete(user_sessions).where(user_sessions.c.id == session_id))


async def close_sessions_of(db: Database, user_name: str) -> int:
    """Close every session of a user; return how many there were."""
    async with db.write() as connection:
        closed = await connection.execute(delete(user_sessions).where(user_sessions.c.user_name == user_name))
    return closed.rowcount


async def add_login_link(db: Database, *, link_id: str, now: datetime, expires_at: datetime) -> None:
    """Note the one-time link that makes the first user; older ones count no more."""
    async with db.write() as connection:
        await connection.execute(delete(login_links).where(login_links.c.user_name.is_(None)))
        await connection.execute(insert(login_links).values(id=link_id, created_at=now, expires_at=expires_at))


async def login_link_counts(db: Database, link_id: str, now: datetime) -> bool:
    """Say whether a one-time link is unused, unexpired and still needed."""
    async with db.read() as connection:
        found = await connection.scalar(
            select(login_links.c.id).where(
                login_links.c.id == link_id,
                login_links.c.user_name.is_(None),
                login_links.c.used_at.is_(None),
                login_links.c.expires_at > now,
            )
        )
        return found is not None and await connection.scalar(select(users.c.name).limit(1)) is None
