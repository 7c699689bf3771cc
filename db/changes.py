"""Has anything been written? One cheap question a second instead of every page asking for everything.

SQLite counts the commits of other connections in ``PRAGMA data_version``, which must always be read on the same
connection (sqlite.org/pragma.html#pragma_data_version). Postgres moves its write-ahead log forward with every write.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database, StoreUnavailable

_QUESTIONS = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_wal_insert_lsn()::text"}


class ChangeCounter:
    """Reads one value that differs as soon as anybody has written. Holds one connection; ``close`` gives it back."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._connection: AsyncConnection | None = None

    async def read(self) -> str:
        """Return the value. Raise StoreUnavailable when the database does not answer; the next read connects anew."""
        try:
            if self._connection is None:
                self._connection = await self._db.engine.connect()
            value = await self._connection.scalar(text(_QUESTIONS[self._db.dialect]))
            await self._connection.rollback()  # else SQLite keeps showing the moment of the first read
        except (SQLAlchemyError, OSError) as error:
            await self.close()
            raise StoreUnavailable("the database does not answer") from error
        return str(value)

    async def close(self) -> None:
        """Give the connection back; it may be read again later."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close()
            except (SQLAlchemyError, OSError):
                await connection.invalidate()
