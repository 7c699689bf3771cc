"""Is the database at the revision this version of Quayside was written for?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.engine import Database


async def is_migrated(db: Database) -> bool:
    """Say whether it is. Raise StoreUnavailable when the database does not answer."""
    try:
        async with db.read() as connection:
            stored = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        return False  # never migrated: the table is not there
    return bool(stored == _newest())


@cache
def _newest() -> str | None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config).get_current_head()
