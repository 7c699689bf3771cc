"""SQLite's file after a prune: free pages go back to the disk, and the write-ahead log starts over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import text

from db.engine import Database

PAGES = 500  # given back in one transaction, 2 MB of the usual pages
PATIENCE_MS = 500  # how long new writers may be kept out while the log is emptied; it is tried again next time


async def shrink(db: Database, *, pause: float, sleep: Callable[[float], Awaitable[None]]) -> int:
    """Give free pages back and empty the log, and return the bytes given back; 0 on Postgres, which does it by itself.

    A file that was made without ``auto_vacuum`` keeps its size; its free pages are used again.
    """
    if not db.is_sqlite:
        return 0
    before = await _pages(db, "page_count")
    free = await _pages(db, "freelist_count")
    while free:
        async with db.write() as connection:
            (await connection.execute(text(f"PRAGMA incremental_vacuum({PAGES})"))).fetchall()
        left = await _pages(db, "freelist_count")
        if left >= free:
            break
        free = left
        await sleep(pause)
    await _empty_log(db)
    freed = before - await _pages(db, "page_count")
    return max(0, freed) * await _pages(db, "page_size")


async def _pages(db: Database, name: str) -> int:
    async with db.read() as connection:
        return await connection.scalar(text(f"PRAGMA {name}")) or 0


async def _empty_log(db: Database) -> None:
    """Checkpoint outside a transaction, as SQLite wants it (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).

    While it waits for readers, TRUNCATE keeps new writers out; so it waits less than they do.
    """
    async with db.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None  # noqa: S101 - for the type checker: an open connection has a driver
        patience = await (await raw.execute("PRAGMA busy_timeout")).fetchone()
        await raw.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        try:
            await (await raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")).fetchone()
        finally:
            await raw.execute(f"PRAGMA busy_timeout={patience[0]}")
