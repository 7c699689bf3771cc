"""What is kept and for how long: the file's ages with the edits that win over them, the size, the next prune."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, text

from db.edited import edit, edited, edited_in
from db.engine import Database
from db.overrides import Override
from db.partitions import ended_days
from db.retention import RetentionOptions, by_day, expiries, is_over

COUNTED_UP_TO = 10_000  # rows of one table: what is more is said as more
NAMES = tuple(option.name for option in fields(RetentionOptions))


async def retention_now(db: Database, options: RetentionOptions) -> tuple[RetentionOptions, dict[str, Override]]:
    """Return the ages that hold, and the edits among them. An edit that no longer fits the file is left out."""
    edits = await edited(db, "retention")
    return with_edits(options, edits), edits


def with_edits(options: RetentionOptions, edits: dict[str, Override]) -> RetentionOptions:
    """Return the file's ages with the edits over them; together they must make sense, else the file's hold."""
    try:
        return replace(options, **{name: edits[name].value for name in NAMES if name in edits})
    except ValueError:
        return options


async def edit_age(
    db: Database, options: RetentionOptions, name: str, days: float, *, by: str, reason: str, now: datetime
) -> None:
    """Keep one kind this many days from now on. Raise ValueError, saying the remedy, when the ages do not fit."""
    async with db.write() as connection:
        before = with_edits(options, await edited_in(connection, "retention"))
        replace(before, **{name: days})
        await edit(
            connection,
            db.dialect,
            f"retention.{name}",
            days,
            before=asdict(before)[name],
            act="retention.changed",
            by=by,
            reason=reason,
            now=now,
        )


async def size_of(db: Database) -> int:
    """Return how many bytes the database takes now; on SQLite with what waits in its log."""
    if db.is_sqlite:
        path = Path(str(db.engine.url.database))
        parts = (path, path.with_name(f"{path.name}-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())
    async with db.read() as connection:
        return int(await connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


async def next_prune(db: Database, options: RetentionOptions, now: datetime) -> dict[str, int]:
    """Return how many rows of each table the next prune would delete, tables with none left out.

    More than ``COUNTED_UP_TO`` are counted as one more than that. On Postgres days that go as a whole partition are
    counted by partition, as ``calls (days)``.
    """
    found: dict[str, int] = {}
    for expiry in by_day(options, now):
        if days := len(await ended_days(db, expiry.table.name, expiry.before)):
            found[f"{expiry.table.name} (days)"] = days
    async with db.read() as connection:
        for expiry in expiries(db, options, now):
            rows = select(expiry.at).where(is_over(expiry)).limit(COUNTED_UP_TO + 1).subquery()
            count = int(await connection.scalar(select(func.count()).select_from(rows)) or 0)
            if count:
                name = expiry.table.name
                found[name] = min(found.get(name, 0) + count, COUNTED_UP_TO + 1)
    return found
