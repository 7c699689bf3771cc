"""Leases: who may do a thing, until when. The database arbitrates by conditional updates; a lease ends by its time.

A holder is an id of ``db.owner.new_owner``: a lease whose process is gone from this machine may be taken at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.owner import is_dead
from db.schema import leases


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """One lease as stored; it is held while ``acquired_until`` is ahead."""

    name: str
    acquired_by: str
    acquired_until: datetime


async def acquire(connection: AsyncConnection, name: str, holder: str, *, now: datetime, until: datetime) -> bool:
    """Take the lease when nobody holds it; return whether it was given. A holder is not given it twice."""
    c = leases.c
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(leases)
    new = insert.values(name=name, acquired_by=holder, acquired_until=until).on_conflict_do_nothing()
    if (await connection.execute(new.returning(c.name))).one_or_none() is not None:
        return True
    update_row = update(leases).values(acquired_by=holder, acquired_until=until).where(c.name == name)
    if (await connection.execute(update_row.where(c.acquired_until <= now))).rowcount:
        return True
    current = await connection.scalar(select(c.acquired_by).where(c.name == name))
    if current is None or not is_dead(current):
        return False
    return bool((await connection.execute(update_row.where(c.acquired_by == current))).rowcount)


async def extend(connection: AsyncConnection, name: str, holder: str, *, until: datetime) -> bool:
    """Hold the lease longer; return False when somebody else has it."""
    c = leases.c
    kept = await connection.execute(
        update(leases).values(acquired_until=until).where(c.name == name, c.acquired_by == holder)
    )
    return bool(kept.rowcount)


async def release(connection: AsyncConnection, name: str, holder: str) -> None:
    """Give the lease back; nothing happens when it is not ours any more."""
    await connection.execute(delete(leases).where(leases.c.name == name, leases.c.acquired_by == holder))


async def holder(db: Database, name: str, *, now: datetime) -> LeaseRow | None:
    """Return who holds the lease, None when nobody does."""
    c = leases.c
    async with db.read() as connection:
        row = (await connection.execute(select(leases).where(c.name == name, c.acquired_until > now))).one_or_none()
    return LeaseRow(**row._mapping) if row and not is_dead(row.acquired_by) else None
