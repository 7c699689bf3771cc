"""The database of a process, and its gateway to the vendors, from the settings: opened for a while, closed at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.engine import Database, open_database
from db.migrate import migrate
from db.owner import new_owner
from db.sealed import Seal
from db.secret_key import made_once
from integrations.options import BadSetting
from integrations.runtime import Runtime, open_runtime
from integrations.settings import Settings


@asynccontextmanager
async def store(settings: Settings) -> AsyncIterator[Database]:
    """Give the migrated database. Raise BadSetting."""
    try:
        keys = settings.secret_keys or (made_once(settings.var / "secret_key"),)
        db = open_database(settings.database_url, Seal(keys))
    except ValueError as error:
        raise BadSetting(f"{error}.") from None
    try:
        await migrate(db)
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def calling(settings: Settings, kind: str) -> AsyncIterator[tuple[Database, Runtime]]:
    """Give the database and a gateway for one process of this kind."""
    async with store(settings) as db, open_runtime(db, settings.integrations, new_owner(kind)) as runtime:
        yield db, runtime
