"""One setting edited by a person: its row wins over what the file or nobody says, and each edit is noted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit import note_act
from db.engine import Database
from db.overrides import Override
from db.schema import overrides


async def edited(db: Database, group: str) -> dict[str, Override]:
    """Return the edited settings of a group (``retention``) by what follows its dot."""
    async with db.read() as connection:
        return await edited_in(connection, group)


async def edited_in(connection: AsyncConnection, group: str) -> dict[str, Override]:
    """Do what ``edited`` does inside a transaction."""
    begin = f"{group}."
    query = select(overrides).where(overrides.c.name.startswith(begin, autoescape=True))
    rows = (await connection.execute(query)).mappings()
    return {row["name"].removeprefix(begin): Override(**row) for row in rows}


async def edit(
    connection: AsyncConnection,
    dialect: str,
    name: str,
    value: Any,
    *,
    before: Any,
    act: str,
    by: str,
    reason: str,
    now: datetime,
) -> None:
    """Put a value that wins until it is taken away, and note the act with what it was ``before``."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    values: Mapping[str, Any] = {"value": value, "by": by, "reason": reason, "at": now, "expires_at": None}
    statement = insert(overrides).values(name=name, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    await note_act(
        connection,
        at=now,
        user_name=by,
        act=act,
        subject=name.partition(".")[2],
        reason=reason,
        facts={"before": before, "after": value},
    )


async def go_back(db: Database, name: str, *, act: str, by: str, reason: str, now: datetime) -> bool:
    """Take an edit away, and note the act; return False when nothing was edited."""
    async with db.write() as connection:
        gone = (
            await connection.execute(delete(overrides).where(overrides.c.name == name).returning(overrides.c.value))
        ).all()
        if gone:
            await note_act(
                connection,
                at=now,
                user_name=by,
                act=act,
                subject=name.partition(".")[2],
                reason=reason,
                facts={"before": gone[0].value},
            )
    return bool(gone)
