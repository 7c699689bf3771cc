"""When people held a vendor's circuit open by hand, and since when anything is recorded: what a report must know."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, func, select, type_coerce

from db.columns import from_micros
from db.engine import Database
from db.schema import circuit_transitions, rollups
from db.sums import HOUR


async def held_open(db: Database, vendor: str, *, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Return the stretches in which the whole vendor's circuit was forced open, cut to the time asked for."""
    t = circuit_transitions.c
    query = (
        select(t.at, t.to_state)
        .where(t.vendor == vendor, t.name == vendor, t.at < until)
        .order_by(t.at.desc())
        .limit(2000)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).all()
    stretches: list[tuple[datetime, datetime]] = []
    end = until
    for at, state in rows:
        if state == "forced_open" and end > since:
            stretches.append((max(at, since), end))
        end = at
        if at <= since:
            break
    return stretches[::-1]


async def first_recorded(db: Database) -> datetime | None:
    """Return the first hour of which any sum is kept; None when nothing is."""
    query = select(type_coerce(func.min(rollups.c.started_at), BigInteger)).where(rollups.c.width == HOUR)
    async with db.read() as connection:
        micros = await connection.scalar(query)
    return None if micros is None else from_micros(int(micros))
