"""The database of this process: one async engine, on SQLite or Postgres.

``read()`` gives a connection for queries, ``write()`` one inside a transaction that is committed at the end. On SQLite
a write takes the write lock at its start (BEGIN IMMEDIATE), so that two processes wait for each other instead of
failing half-way, and readers never wait (WAL). How long it waits is the patience of the ``Database`` it is asked of:
background work has plenty, what a call waits for has little (``impatient``).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from db.sealed import Seal
from db.watch import Watch

Connection = AsyncConnection  # what read() and write() give

WRITE = "quayside_write"  # execution option: this transaction writes
PATIENCE = "quayside_patience"  # execution option: seconds to wait for SQLite's lock
PATIENT = 30.0
IMPATIENT = 1.0
LOCKED_PAUSE = 0.5  # seconds until an impatient one tries the lock again that it did not get: not every call waits


# Postgres' own words for "not now". A deadlock is one: what it broke off is rolled back, and may be tried again.
_AWAY = {
    *("AdminShutdown", "CannotConnectNow", "CrashShutdown", "InterfaceError", "ConnectionTimeout"),
    *("DeadlockDetected", "SerializationFailure"),
}


class StoreUnavailable(Exception):
    """The database does not answer."""


class Database:
    """An engine, the seal for its sealed columns, and its dialect's name (``sqlite`` or ``postgresql``).

    Raise ValueError from ``open_database`` for a URL that is neither.
    """

    def __init__(
        self, engine: AsyncEngine, seal: Seal, *, watch: Watch | None = None, patience: float = PATIENT
    ) -> None:
        self.engine = engine
        self.seal = seal
        self.dialect = engine.dialect.name
        self._watch = watch
        self._patience = patience
        self._locked_until = 0.0  # loop time until which an impatient one does not try SQLite's lock again

    def __repr__(self) -> str:
        return f"<Database {self.engine.url.render_as_string(hide_password=True)}>"

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for queries. Raise StoreUnavailable when the database does not answer."""
        with _translated(), self._watched():
            async with self.engine.connect() as connection:
                if self._patience != PATIENT:
                    await connection.execution_options(**{PATIENCE: self._patience})
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction; commit at the end, roll back on an exception. Raise StoreUnavailable."""
        if self._locked_until and self._locked_until > asyncio.get_running_loop().time():
            raise StoreUnavailable("the database is locked")
        with _translated(), self._watched():
            async with self.engine.connect() as connection:
                await connection.execution_options(**{WRITE: True, PATIENCE: self._patience})
                begun = False
                try:
                    async with connection.begin():
                        begun = True
                        yield connection
                except OperationalError:
                    if not begun and self._patience != PATIENT:
                        self._locked_until = asyncio.get_running_loop().time() + LOCKED_PAUSE
                    raise

    def impatient(self, patience: float = IMPATIENT) -> Database:
        """Return the same database for work that a call waits for: it rather goes without than wait for a lock."""
        return Database(self.engine, self.seal, watch=self._watch, patience=patience)

    async def close(self) -> None:
        if self._watch is not None:
            await self._watch.close()
        await self.engine.dispose()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self._watch is None:
            yield
            return
        if self._watch.is_away:
            raise StoreUnavailable("the database does not answer")
        with self._watch.work():
            yield


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
    return name in _AWAY


def open_database(url: str, seal: Seal) -> Database:
    """Return the database at a URL such as ``sqlite:///var/quayside.db`` or ``postgresql://user@host/name``.

    The folder of a SQLite file is made. Raise ValueError with the remedy for anything else.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    options: dict[str, Any] = {"pool_timeout": 10}
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError(
                "QUAYSIDE_DATABASE_URL needs a file that several processes can open: sqlite:///var/quayside.db"
            )
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        # No overflow: a connection beyond the pool is closed after each use, and opening one costs more than what it is for.
        options |= {"pool_size": 10, "max_overflow": 0, "pool_use_lifo": True}
        engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": 30}, **options)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    elif backend == "postgresql":
        options |= {"pool_size": 5, "max_overflow": 5}  # few to be found dead, one after the other, when it is away
        engine = create_async_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": 2, "prepare_threshold": 3},
            pool_pre_ping=True,
            **options,
        )
        watch = Watch(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
        event.listen(engine.sync_engine, "do_connect", watch.about_to_open)
        event.listen(engine.sync_engine, "connect", watch.opened)
        event.listen(engine.sync_engine, "close", watch.closed)
        return Database(engine, seal, watch=watch)
    else:
        raise ValueError(f"QUAYSIDE_DATABASE_URL is {backend}; use sqlite:///… or postgresql://…")
    return Database(engine, seal)


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # we say BEGIN ourselves
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA page_count")
    if cursor.fetchone()[0] == 0:  # before the first table, or it has no effect; it takes the write lock in any case
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=30000",
        "foreign_keys=ON",
        "cache_size=-16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    """Begin a transaction; a read waits for no lock, so only a write says how long.

    Said to the driver itself: each would otherwise be a cursor made, used and closed, and every one of these steps goes to
    the connection's thread and back.
    """
    asked = connection.get_execution_options()
    writes, patience = asked.get(WRITE, False), asked.get(PATIENCE, PATIENT)
    driver = connection.connection.driver_connection
    try:
        if writes and connection.info.get(PATIENCE, PATIENT) != patience:
            await_only(driver.execute_fetchall(f"PRAGMA busy_timeout={round(patience * 1000)}"))
            connection.info[PATIENCE] = patience
        await_only(driver.execute_fetchall("BEGIN IMMEDIATE" if writes else "BEGIN"))
    except sqlite3.Error as error:
        raise DBAPIError.instance("BEGIN", None, error, sqlite3.Error) from error
