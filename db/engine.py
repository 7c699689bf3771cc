"""The database of this process: one async engine, on SQLite or Postgres.

``read()`` gives a connection for queries, ``write()`` one inside a transaction that is committed at the end. On SQLite
a write takes the write lock at its start (BEGIN IMMEDIATE), so that two processes wait for each other instead of
failing half-way, and readers never wait (WAL).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from db.sealed import Seal

Connection = AsyncConnection  # what read() and write() give

WRITE = "quayside_write"  # execution option: this transaction writes


class StoreUnavailable(Exception):
    """The database does not answer."""


class Database:
    """An engine, the seal for its sealed columns, and its dialect's name (``sqlite`` or ``postgresql``).

    Raise ValueError from ``open_database`` for a URL that is neither.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal) -> None:
        self.engine = engine
        self.seal = seal
        self.dialect = engine.dialect.name

    def __repr__(self) -> str:
        return f"<Database {self.engine.url.render_as_string(hide_password=True)}>"

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for queries. Raise StoreUnavailable when the database does not answer."""
        with _translated():
            async with self.engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction; commit at the end, roll back on an exception."""
        with _translated():
            async with self.engine.connect() as connection:
                await connection.execution_options(**{WRITE: True})
                async with connection.begin():
                    yield connection

    async def close(self) -> None:
        await self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's "cannot reach the database" into StoreUnavailable; leave every other error alone."""
    try:
        yield
    except (PoolTimeout, ConnectionError, TimeoutError) as error:
        raise StoreUnavailable("the database does not answer") from error
    except DBAPIError as error:
        if error.connection_invalidated or _is_away(error):
            raise StoreUnavailable("the database does not answer") from error
        raise


def _is_away(error: DBAPIError) -> bool:
    cause = error.orig
    name = type(cause).__name__
    if name == "OperationalError":
        text = str(cause)
        return "syntax" not in text and "no such" not in text
    return name in {"AdminShutdown", "CannotConnectNow", "CrashShutdown", "InterfaceError", "ConnectionTimeout"}


def open_database(url: str, seal: Seal, *, pool_size: int = 5) -> Database:
    """Return the database at a URL such as ``sqlite:///var/quayside.db`` or ``postgresql://user@host/name``.

    The folder of a SQLite file is made. Raise ValueError with the remedy for anything else.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 5, "pool_timeout": 10}
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError(
                "QUAYSIDE_DATABASE_URL needs a file that several processes can open: sqlite:///var/quayside.db"
            )
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": 30}, **options)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    elif backend == "postgresql":
        engine = create_async_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": 3, "prepare_threshold": 3},
            pool_pre_ping=True,
            **options,
        )
    else:
        raise ValueError(f"QUAYSIDE_DATABASE_URL is {backend}; use sqlite:///… or postgresql://…")
    return Database(engine, seal)


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # we say BEGIN ourselves
    cursor = dbapi_connection.cursor()
    for pragma in (
        "auto_vacuum=INCREMENTAL",  # before the first table, or it has no effect
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=30000",
        "foreign_keys=ON",
        "cache_size=-16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    write = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
