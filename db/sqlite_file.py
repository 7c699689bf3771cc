"""SQLite's file after a prune: free pages go back to the disk, and the write-ahead log starts over."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from db.engine import Database

PAGES = 500  # given back in one transaction, 2 MB of the usual pages
PATIENCE_MS = 500  # how long new writers may be kept out while the log is emptied; it is tried again next time


async def shrink(db: Database, *, pause: float, sleep: Callable[[float], Awaitable[None]]) -> int:
    """Give free pages back and empty the log, and return the bytes given back; 0 on Postgres, which does it by itself.

    A file that was made without ``auto_vacuum`` keeps its size; its free pages are used again. What cannot be done now,
    because others read or write, is left for the next time.
    """
    if not db.is_sqlite:
        return 0
    async with db.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        before = await _number(raw, "page_count")
        with suppress(sqlite3.OperationalError):  # locked for longer than a writer waits
            await _give_back(raw, pause, sleep)
            await _empty_log(raw)
        return max(0, before - await _number(raw, "page_count")) * await _number(raw, "page_size")


async def _give_back(raw: Any, pause: float, sleep: Callable[[float], Awaitable[None]]) -> None:
    free = await _number(raw, "freelist_count")
    while free:
        # As a script: one page goes with each step, and the driver takes a single step where there are no columns.
        await raw.executescript(f"PRAGMA incremental_vacuum({PAGES})")
        left = await _number(raw, "freelist_count")
        if left >= free:
            return
        free = left
        await sleep(pause)


async def _empty_log(raw: Any) -> None:
    """Checkpoint outside a transaction, as SQLite wants it (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).

    While it waits for readers, TRUNCATE keeps new writers out; so it waits less than they do.
    """
    patience = await _number(raw, "busy_timeout")
    await raw.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
    try:
        await _number(raw, "wal_checkpoint(TRUNCATE)")
    finally:
        await raw.execute(f"PRAGMA busy_timeout={patience}")


async def _number(raw: Any, pragma: str) -> int:
    async with raw.execute(f"PRAGMA {pragma}") as cursor:
        row = await cursor.fetchone()
    return int(row[0])
