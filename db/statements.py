"""Writing many rows at once: one prepared statement and tuples on SQLite, one statement over arrays on Postgres.

Row dictionaries and the types' conversions cost more than the insert itself, so the rows come as tuples in the table's
column order with times already in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, Integer, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import UtcTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """One insert that knows what to do with a row that is there already, said for both databases."""

    sqlite: str
    postgresql: str


def upsert_statement(table: Table, *, add: Iterable[str] = (), clear: Iterable[str] = ()) -> Upsert:
    """Return the insert of whole rows: columns in ``add`` are added up, in ``clear`` set to NULL.

    With neither, a row that is there already is left as it is.
    """
    columns = [column.name for column in table.columns]
    names = ", ".join(f'"{name}"' for name in columns)
    key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    changes = [f'"{name}" = "{table.name}"."{name}" + excluded."{name}"' for name in add]
    changes += [f'"{name}" = NULL' for name in clear]
    conflict = f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(changes)}" if changes else "ON CONFLICT DO NOTHING"
    into = f'INSERT INTO "{table.name}" ({names})'
    marks = ", ".join("?" * len(columns))
    arrays = ", ".join(f"%s::{_array_type(column.type)}" for column in table.columns)
    return Upsert(
        sqlite=f"{into} VALUES ({marks}) {conflict}",
        postgresql=f"{into} SELECT * FROM unnest({arrays}) {conflict}",  # noqa: S608 - names of our own schema
    )


def _array_type(kind: Any) -> str:
    if isinstance(kind, UtcTime | BigInteger):
        return "bigint[]"
    if isinstance(kind, Boolean):
        return "boolean[]"
    if isinstance(kind, Integer):
        return "integer[]"
    return "float8[]" if isinstance(kind, Float) else "text[]"


async def write_rows(connection: AsyncConnection, statement: Upsert, rows: Sequence[Sequence[Any]]) -> None:
    """Run the statement for the rows, in the connection's transaction."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(statement.sqlite, [tuple(row) for row in rows])
    else:
        await connection.exec_driver_sql(statement.postgresql, tuple(map(list, zip(*rows, strict=True))))
