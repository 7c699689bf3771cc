"""The last good answer of operations whose fallback is a cached one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import answers

AnswerKey = tuple[str, str, str]  # vendor, operation, hash of the input


async def keep(db: Database, found: Mapping[AnswerKey, tuple[Any, datetime]]) -> None:
    """Keep answers (JSON values) and their times, in place of those before."""
    if not found:
        return
    dialect = postgresql if db.dialect == "postgresql" else sqlite
    put = dialect.insert(answers)
    put = put.on_conflict_do_update(
        index_elements=["vendor", "operation", "input_hash"],
        set_={"at": put.excluded.at, "result": put.excluded.result},
    )
    rows = [
        {"vendor": vendor, "operation": operation, "input_hash": asked, "at": at, "result": db.seal.seal(result)}
        for (vendor, operation, asked), (result, at) in sorted(
            found.items()
        )  # in one order: no two wait for each other
    ]
    async with db.write() as connection:
        await connection.execute(put, rows)


async def last(db: Database, vendor: str, operation: str, input_hash: str) -> tuple[Any, datetime] | None:
    """Return the last good answer and its time, None when there is none."""
    a = answers.c
    query = select(a.result, a.at).where(a.vendor == vendor, a.operation == operation, a.input_hash == input_hash)
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return (db.seal.open(row[0]), row[1]) if row else None
