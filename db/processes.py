"""The processes that are up: one row each, with a heartbeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from db.engine import Database
from db.schema import processes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """One process; it is up when its heartbeat is recent and ``stopped_at`` is None."""

    id: str
    kind: str
    started_at: datetime
    heartbeat_at: datetime
    stopped_at: datetime | None = None


async def started(db: Database, id: str, kind: str, *, now: datetime) -> None:
    """Note that a process is up."""
    async with db.write() as connection:
        await connection.execute(insert(processes).values(id=id, kind=kind, started_at=now, heartbeat_at=now))


async def beat(db: Database, id: str, *, now: datetime) -> None:
    """Note that the process is still up."""
    async with db.write() as connection:
        await connection.execute(update(processes).values(heartbeat_at=now).where(processes.c.id == id))


async def stopped(db: Database, id: str, *, now: datetime) -> None:
    """Note that the process ended in order."""
    async with db.write() as connection:
        await connection.execute(update(processes).values(heartbeat_at=now, stopped_at=now).where(processes.c.id == id))


async def seen(db: Database, *, since: datetime) -> list[ProcessRow]:
    """Return the processes with a heartbeat since then, newest first."""
    c = processes.c
    query = select(processes).where(c.heartbeat_at >= since).order_by(c.heartbeat_at.desc())
    async with db.read() as connection:
        return [ProcessRow(**row._mapping) for row in await connection.execute(query)]


async def forget(db: Database, *, before: datetime) -> int:
    """Drop the rows of processes last seen before then; return how many."""
    async with db.write() as connection:
        return (await connection.execute(delete(processes).where(processes.c.heartbeat_at < before))).rowcount
