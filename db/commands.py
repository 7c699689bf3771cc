"""The commands ``migrate`` and ``prune``, for ``app.py`` to dispatch; each returns what it did, fit for JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from db.engine import Database
from db.kept import retention_now
from db.migrate import migrate
from db.partitions import ensure_partitions
from db.retention import RetentionOptions, prune


async def migrate_command(db: Database) -> dict[str, Any]:
    """Bring the database to this version's schema: ``{"database": "sqlite", "revision": "0001"}``.

    Raise SchemaIsNewer and StoreUnavailable, as ``db.migrate`` does.
    """
    return {"database": db.dialect, "revision": await migrate(db)}


async def prune_command(db: Database, options: RetentionOptions, now: datetime | None = None) -> dict[str, Any]:
    """Delete what is over and make the coming days' partitions: ``{"deleted": {"calls": 120, …}}``.

    What was edited in the browser wins over ``options``.

    Raise StoreUnavailable when the database does not answer.
    """
    now = now or datetime.now(UTC)
    await ensure_partitions(db, now)
    ages, _edits = await retention_now(db, options)
    return {"deleted": await prune(db, ages, now)}
