"""What happened in a run, in words: one row per thing worth reading, at most ``MOST`` a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import run_notes

Tone = Literal["info", "warn", "bad"]
MOST = 300
LONGEST = 500  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """One line of a run's log."""

    run_id: str
    number: int
    at: datetime
    tone: Tone
    text: str


async def add(connection: AsyncConnection, run_id: str, text: str, *, tone: Tone = "info", now: datetime) -> bool:
    """Add a line to a run's log; return False when it is full. Only the run's holder writes, so numbers do not meet."""
    c = run_notes.c
    last = await connection.scalar(select(func.max(c.number)).where(c.run_id == run_id)) or 0
    if last >= MOST:
        return False
    await connection.execute(
        insert(run_notes).values(run_id=run_id, number=last + 1, at=now, tone=tone, text=text[:LONGEST])
    )
    return True


async def of_run(db: Database, run_id: str) -> list[RunNote]:
    """Return a run's log, oldest first."""
    c = run_notes.c
    async with db.read() as connection:
        rows = await connection.execute(select(run_notes).where(c.run_id == run_id).order_by(c.number))
        return [RunNote(**row._mapping) for row in rows]
