"""What an admin changes of a user: role, the right to start runs, whether they may come in at all.

Each change is noted in the audit in its own transaction and leaves at least one admin who can sign in: without one
nobody could give the rights back. A user who is disabled is out at once, since the sessions go with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit import note_act
from db.engine import Database
from db.schema import login_links, user_sessions, users
from db.users import Role

Changed = Literal["done", "same", "missing", "last_admin"]


async def set_role(db: Database, name: str, role: Role, *, by: str, reason: str | None, now: datetime) -> Changed:
    """Give a user another role; open pages follow within seconds."""
    return await _change(db, name, "user.role_changed", {"role": role}, by=by, reason=reason, now=now)


async def set_trigger(
    db: Database, name: str, allowed: bool | None, *, by: str, reason: str | None, now: datetime
) -> Changed:
    """Give or take the right to start runs; None leaves it to the role."""
    return await _change(db, name, "user.trigger_changed", {"may_trigger": allowed}, by=by, reason=reason, now=now)


async def disable(db: Database, name: str, *, by: str, reason: str | None, now: datetime) -> Changed:
    """Keep a user out and close their sessions; the name stays, for the audit."""
    return await _change(db, name, "user.disabled", {"disabled_at": now}, by=by, reason=reason, now=now)


async def enable(db: Database, name: str, *, by: str, reason: str | None, now: datetime) -> Changed:
    """Let a disabled user in again, with the password of before and no lock."""
    values = {"disabled_at": None, "failed_logins": 0, "locked_until": None}
    return await _change(db, name, "user.enabled", values, by=by, reason=reason, now=now)


async def _change(
    db: Database, name: str, act: str, values: Mapping[str, Any], *, by: str, reason: str | None, now: datetime
) -> Changed:
    async with db.write() as connection:
        row = (await connection.execute(select(users).where(users.c.name == name))).mappings().first()
        if row is None:
            return "missing"
        changes = {key: value for key, value in values.items() if _differs(key, row[key], value)}
        if not changes:
            return "same"
        ends_admin = row["role"] == "admin" and ("disabled_at" in changes or changes.get("role", "admin") != "admin")
        if ends_admin and not await _another_admin(connection, name):
            return "last_admin"
        await connection.execute(update(users).where(users.c.name == name).values(**changes))
        if changes.get("disabled_at") is not None:
            await connection.execute(delete(user_sessions).where(user_sessions.c.user_name == name))
            await connection.execute(delete(login_links).where(login_links.c.user_name == name))
        facts = {
            key: {"from": row[key], "to": value} for key, value in changes.items() if key in ("role", "may_trigger")
        }
        await note_act(connection, at=now, user_name=by, act=act, subject=name, reason=reason, facts=facts)
    return "done"


def _differs(key: str, before: Any, after: Any) -> bool:
    return (before is None) != (after is None) if key == "disabled_at" else before != after


async def _another_admin(connection: AsyncConnection, name: str) -> bool:
    """Tell whether an enabled admin is left without this one; the rows are held, so that two cannot end each other."""
    admins = select(users.c.name).where(users.c.role == "admin", users.c.disabled_at.is_(None)).order_by(users.c.name)
    return any(other != name for other in (await connection.scalars(admins.with_for_update())).all())
