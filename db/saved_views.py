"""Addresses of pages kept under a name, for oneself or for everybody. What others see is noted in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from db.audit import note_act
from db.engine import Database
from db.schema import saved_views

MOST = 200  # of one owner
Changed = Literal["done", "taken", "missing", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A page kept under a name. ``address`` is its path and query; ``shared`` ones are seen by everybody."""

    id: str
    owner: str
    name: str
    address: str
    shared: bool
    created_at: datetime


async def seen_by(db: Database, person: str) -> Sequence[SavedView]:
    """Return a person's own views, then what others share, each by name."""
    v = saved_views.c
    query = (
        select(v.id, v.owner, v.name, v.address, v.shared, v.created_at)
        .where(or_(v.owner == person, v.shared))
        .order_by(v.owner != person, v.name_key, v.owner)
        .limit(5 * MOST)
    )
    async with db.read() as connection:
        return [SavedView(**row) for row in (await connection.execute(query)).mappings()]


async def find(db: Database, id: str, person: str) -> SavedView | None:
    """Return a view the person can see."""
    return next((view for view in await seen_by(db, person) if view.id == id), None)


async def save(db: Database, *, owner: str, name: str, address: str, shared: bool, now: datetime) -> Changed:
    """Keep an address under a name; ``taken`` when the owner has one of that name, ``full`` when they have too many."""
    v = saved_views.c
    try:
        async with db.write() as connection:
            count = select(func.count()).select_from(saved_views).where(v.owner == owner)
            if int((await connection.execute(count)).scalar_one()) >= MOST:
                return "full"
            await connection.execute(
                insert(saved_views).values(
                    id=uuid4().hex,
                    owner=owner,
                    name=name,
                    name_key=name.casefold(),
                    address=address,
                    shared=shared,
                    created_at=now,
                )
            )
            if shared:
                await note_act(connection, at=now, user_name=owner, act="view.shared", subject=name)
    except IntegrityError:
        return "taken"
    return "done"


async def change(db: Database, id: str, *, owner: str, name: str, shared: bool, now: datetime) -> Changed:
    """Rename a view of one's own, and share it or not."""
    v = saved_views.c
    mine = and_(v.id == id, v.owner == owner)
    try:
        async with db.write() as connection:
            before = (await connection.execute(select(v.name, v.shared).where(mine))).first()
            values = {"name": name, "name_key": name.casefold(), "shared": shared}
            done = await connection.execute(update(saved_views).where(mine).values(**values))
            if before is None or done.rowcount != 1:
                return "missing"
            if before.shared or shared:
                facts = {
                    "before": {"name": before.name, "shared": before.shared},
                    "after": {"name": name, "shared": shared},
                }
                act = "view.changed" if before.shared else "view.shared"
                await note_act(connection, at=now, user_name=owner, act=act, subject=name, facts=facts)
    except IntegrityError:
        return "taken"
    return "done"


async def remove(db: Database, id: str, *, by: str, admin: bool, now: datetime) -> bool:
    """Remove a view of one's own, or, as an admin, one that somebody shares; return whether this call did it."""
    v = saved_views.c
    allowed = or_(v.owner == by, v.shared) if admin else v.owner == by
    async with db.write() as connection:
        before = (await connection.execute(select(v.owner, v.name, v.shared).where(v.id == id, allowed))).first()
        done = await connection.execute(delete(saved_views).where(v.id == id, allowed))
        if before is None or done.rowcount != 1:
            return False
        if before.shared:
            facts = {"owner": before.owner}
            await note_act(connection, at=now, user_name=by, act="view.removed", subject=before.name, facts=facts)
    return True
