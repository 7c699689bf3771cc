"""Postgres only: a partition a day for the tables that grow, made ahead; one for all other days, so nothing is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import to_micros
from db.engine import Database
from db.schema import PARTITIONED_BY_DAY

DAYS_AHEAD = 7
DAYS_BEHIND = 1
PARTITION_NAME = re.compile(rf"(?P<table>{'|'.join(PARTITIONED_BY_DAY)})_(?:d(?P<day>\d{{8}})|default)")
_LOCK = 7_482_901_335
_LOCK_TIMEOUT_MS = 1000
_LOCK_NOT_AVAILABLE = "55P03"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_DAY = timedelta(days=1)


async def ensure_partitions(db: Database, now: datetime) -> None:
    """Make the partitions of the days around ``now``; run it at start and daily. Nothing to do on SQLite.

    Rows of such a day that went to the default partition meanwhile are moved: Postgres refuses the partition otherwise.
    """
    if db.is_sqlite:
        return
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today + _DAY * offset for offset in range(-DAYS_BEHIND, DAYS_AHEAD + 1)]
    async with db.write() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        existing = await _names(connection)
        for table in PARTITIONED_BY_DAY:
            for day in days:
                if f"{table}_d{day:%Y%m%d}" not in existing:
                    await _make(connection, table, day)


async def drop_partitions(db: Database, table: str, before: datetime) -> int:
    """Drop the partitions whose whole day lies before a time, and return how many; 0 on SQLite.

    A day somebody is still reading stays until the next time: all who call would wait behind us for that reader.
    """
    dropped = 0
    for name in await ended_days(db, table, before):
        try:
            async with db.write() as connection:
                await connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
                await connection.execute(text(f'DROP TABLE IF EXISTS "{name}"'))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
            return dropped
        dropped += 1
    return dropped


async def ended_days(db: Database, table: str, before: datetime) -> list[str]:
    """Return the partitions of a table whose whole day lies before a time, oldest first; none on SQLite."""
    if db.is_sqlite:
        return []
    async with db.read() as connection:
        names = sorted(await _names(connection))
    ended = []
    for name in names:
        match = PARTITION_NAME.fullmatch(name)
        if not match or match["table"] != table or not match["day"]:
            continue
        day = datetime.strptime(match["day"], "%Y%m%d").replace(tzinfo=UTC)
        if day + _DAY <= before:
            ended.append(name)
    return ended


async def _names(connection: AsyncConnection) -> set[str]:
    rows = await connection.execute(
        text(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "JOIN pg_class parent ON parent.oid = inhparent "
            "WHERE parent.relname = ANY(:tables) AND parent.relkind = 'p'"
        ),
        {"tables": list(PARTITIONED_BY_DAY)},
    )
    return set(rows.scalars())


async def _make(connection: AsyncConnection, table: str, day: datetime) -> None:
    start, end = to_micros(day), to_micros(day + _DAY)
    name = f"{table}_d{day:%Y%m%d}"
    within = f"started_at >= {start} AND started_at < {end}"
    strays = await connection.scalar(text(f'SELECT EXISTS (SELECT 1 FROM "{table}_default" WHERE {within})'))  # noqa: S608
    if not strays:
        await connection.execute(
            text(f'CREATE TABLE "{name}" PARTITION OF "{table}" FOR VALUES FROM ({start}) TO ({end})')
        )
        return
    await connection.execute(text(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)'))
    await connection.execute(
        text(
            f'WITH strays AS (DELETE FROM "{table}_default" WHERE {within} RETURNING *) '  # noqa: S608
            f'INSERT INTO "{name}" SELECT * FROM strays'
        )
    )
    await connection.execute(
        text(f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" FOR VALUES FROM ({start}) TO ({end})')
    )
