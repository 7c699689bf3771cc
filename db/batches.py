"""The write side of calls and attempts: a batch of rows, its rollups and the journal's position, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db import schema
from db.engine import Database
from db.statements import copy_rows, upsert_statement, write_rows
from db.sums import Sums, add_sums

CALL_COLUMNS = tuple(column.name for column in schema.calls.columns)
ATTEMPT_COLUMNS = tuple(column.name for column in schema.attempts.columns)

_PUT_CALLS = upsert_statement(schema.calls)
_PUT_ATTEMPTS = upsert_statement(schema.attempts)
_PUT_BODIES = upsert_statement(schema.bodies)
_PUT_INPUTS = upsert_statement(schema.inputs)


class PositionMoved(Exception):
    """Another transaction has stored this journal up to ``position``; what lies before it is not to be stored again."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the journal is stored up to {position}")
        self.position = position


class RowRefused(Exception):
    """The database will never take one of these rows; the cause says why."""


@dataclass(slots=True)
class Batch:
    """Rows in the order of the tables' columns, times in microseconds, nothing in clear that must be sealed."""

    calls: list[Sequence[Any]] = field(default_factory=list)
    attempts: list[Sequence[Any]] = field(default_factory=list)
    bodies: list[Sequence[Any]] = field(default_factory=list)
    inputs: list[Sequence[Any]] = field(default_factory=list)


async def store_batch(db: Database, batch: Batch, *, journal: str, start: int, end: int, now: int) -> None:
    """Store what a journal says between the positions ``start`` and ``end``, all of it or nothing. ``now`` in µs.

    Raise PositionMoved when the journal is not stored up to ``start`` exactly (a commit whose answer was lost),
    RowRefused when a row can never be stored, StoreUnavailable when the database is away.
    """
    try:
        sums = Sums(batch.calls, batch.attempts)
        await _store(db, batch, sums, journal, start, end, now)
    except (DataError, IntegrityError, OverflowError, TypeError, ValueError) as error:
        raise RowRefused(str(error)) from error


async def _store(db: Database, batch: Batch, sums: Sums, journal: str, start: int, end: int, now: int) -> None:
    async with db.write() as connection:
        await _advance(connection, journal, start, end, now)
        tables = (
            (_PUT_CALLS, batch.calls),
            (_PUT_ATTEMPTS, batch.attempts),
            (_PUT_BODIES, batch.bodies),
            (_PUT_INPUTS, batch.inputs),
        )
        if db.is_sqlite or not await copy_rows(connection, tables):
            for statement, rows in tables:
                await write_rows(connection, statement, rows)
        await add_sums(connection, sums)  # last: their rows are shared, so their locks are held for the shortest time


async def _advance(connection: AsyncConnection, journal: str, start: int, end: int, now: int) -> None:
    table = schema.journals
    moved = await connection.execute(
        update(table).where(table.c.id == journal, table.c.position == start).values(position=end, updated_at=now)
    )
    if moved.rowcount == 1:
        return
    position = await connection.scalar(select(table.c.position).where(table.c.id == journal))
    if position is not None:
        raise PositionMoved(position)
    await connection.execute(insert(table).values(id=journal, position=end, updated_at=now))


async def stored_position(db: Database, journal: str) -> int:
    """Return how far a journal is stored; 0 for one the database has not heard of."""
    table = schema.journals
    async with db.read() as connection:
        return await connection.scalar(select(table.c.position).where(table.c.id == journal)) or 0


async def forget_journal(db: Database, journal: str) -> None:
    """Remove the position of a journal whose files are gone."""
    async with db.write() as connection:
        await connection.execute(delete(schema.journals).where(schema.journals.c.id == journal))
