"""Writing many rows at once: one prepared statement and tuples on SQLite, COPY or one statement over arrays on Postgres.

Row dictionaries and the types' conversions cost more than the insert itself, so the rows come as tuples in the table's
column order with times already in microseconds. Arrays suit the many small numbers of the rollups; long texts in an
array cost Postgres more than everything else together, so whole rows go through COPY.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import BigInteger, Boolean, Float, Integer, LargeBinary, Table
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import UtcTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """One insert that knows what to do with a row that is there already, said for both databases."""

    table: str
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
        table=table.name,
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
    if isinstance(kind, LargeBinary):
        return "bytea[]"
    return "float8[]" if isinstance(kind, Float) else "text[]"


async def write_rows(connection: AsyncConnection, statement: Upsert, rows: Sequence[Sequence[Any]]) -> None:
    """Run the statement for the rows, in the connection's transaction."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(statement.sqlite, [tuple(row) for row in rows])
    else:
        await connection.exec_driver_sql(statement.postgresql, tuple(map(list, zip(*rows, strict=True))))


async def copy_rows(connection: AsyncConnection, tables: Iterable[tuple[Upsert, Sequence[Sequence[Any]]]]) -> bool:
    """Copy new rows into several tables of Postgres; return False, with nothing copied, when one is there already.

    Raise DataError, and OperationalError when the connection breaks, as SQLAlchemy names them.
    """
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)  # noqa: S101 - for the type checker: the only driver we open
    try:
        async with connection.begin_nested(), raw.cursor() as cursor:
            for statement, rows in tables:
                if rows:
                    async with cursor.copy(f'COPY "{statement.table}" FROM STDIN'.encode()) as copy:
                        for row in rows:
                            await copy.write_row(row)
    except psycopg.errors.UniqueViolation:
        return False
    except psycopg.IntegrityError as error:
        raise IntegrityError("COPY", None, error) from error
    except psycopg.DataError as error:
        raise DataError("COPY", None, error) from error
    except psycopg.OperationalError as error:
        raise OperationalError("COPY", None, error) from error
    return True
