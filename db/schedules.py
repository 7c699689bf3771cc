"""Schedules edited in the browser: a row wins over the file; without a row the file holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEdit:
    """An edit: ``schedule`` None keeps the file's; ``paused`` holds the sync back, with who and why."""

    sync: str
    schedule: str | None
    paused: bool
    reason: str | None
    by: str
    changed_at: datetime


async def edits(db: Database) -> dict[str, ScheduleEdit]:
    """Return every edit by sync."""
    async with db.read() as connection:
        rows = await connection.execute(select(schedules))
        return {row.sync: ScheduleEdit(**row._mapping) for row in rows}


async def put(db: Database, edit: ScheduleEdit) -> None:
    """Store an edit over whatever was there. The caller has checked the schedule's text."""
    dialect = sqlite if db.is_sqlite else postgresql
    values = {
        "sync": edit.sync,
        "schedule": edit.schedule,
        "paused": edit.paused,
        "reason": edit.reason,
        "by": edit.by,
        "changed_at": edit.changed_at,
    }
    statement = dialect.insert(schedules).values(values)
    async with db.write() as connection:
        await connection.execute(statement.on_conflict_do_update(index_elements=["sync"], set_=values))


async def clear(db: Database, sync: str) -> None:
    """Go back to the file's schedule."""
    async with db.write() as connection:
        await connection.execute(delete(schedules).where(schedules.c.sync == sync))
