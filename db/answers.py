"""The last good answer of operations whose fallback is a cached one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import answers


async def keep(db: Database, vendor: str, operation: str, input_hash: str, result: Any, at: datetime) -> None:
    """Keep an answer (a JSON value), in place of the one before."""
    dialect = postgresql if db.dialect == "postgresql" else sqlite
    values = {"at": at, "result": db.seal.seal(result)}
    async with db.write() as connection:
        await connection.execute(
            dialect.insert(answers)
            .values(vendor=vendor, operation=operation, input_hash=input_hash, **values)
            .on_conflict_do_update(index_elements=["vendor", "operation", "input_hash"], set_=values)
        )


async def last(db: Database, vendor: str, operation: str, input_hash: str) -> tuple[Any, datetime] | None:
    """Return the last good answer and its time, None when there is none."""
    a = answers.c
    query = select(a.result, a.at).where(a.vendor == vendor, a.operation == operation, a.input_hash == input_hash)
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return (db.seal.open(row[0]), row[1]) if row else None
