"""Bring the database to this version's schema, safely however many processes start at once."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from db.engine import Database
from db.partitions import PARTITION_NAME, ensure_partitions

_LOCK = 7_482_901_334  # of pg_advisory_xact_lock; any number, the same in every process
_BUSY = re.compile("database is locked|database table is locked")


class SchemaIsNewer(Exception):
    """The database was migrated by a later version of Quayside; start that version, or restore a backup."""


def is_ours(_item: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Return whether the schema describes an object: partitions and Alembic's own table it does not."""
    return not (kind == "table" and name and (PARTITION_NAME.fullmatch(name) or name == "alembic_version"))


async def migrate(db: Database, now: datetime | None = None) -> str:
    """Migrate to the newest revision, make the coming days' partitions, and return the revision.

    One process does it, the others wait: an advisory lock on Postgres, the write lock on SQLite. Raise SchemaIsNewer
    when the database knows a revision we do not, StoreUnavailable when it does not answer.
    """
    await _open_file(db)
    async with db.write() as connection:
        if not db.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        revision = await connection.run_sync(_upgrade)
    await ensure_partitions(db, now or datetime.now(UTC))
    return revision


async def _open_file(db: Database) -> None:
    """Make SQLite's file. Two processes that make it at the same moment can find it locked past all waiting, because
    switching to WAL does not use the busy timeout (https://www.sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode)."""
    if not db.is_sqlite:
        return
    for attempt in range(20):
        try:
            async with db.engine.connect():
                return
        except OperationalError as error:
            if attempt == 19 or not _BUSY.search(str(error)):
                raise
            await asyncio.sleep(0.05)


def _upgrade(connection: Connection) -> str:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head() or ""
    current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return head
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaIsNewer(SchemaIsNewer.__doc__)
    command.upgrade(config, "head")
    return head
