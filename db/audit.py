"""Who did what, when and why: one row per act of a person or a token, never changed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. ``act`` is dotted past tense (``circuit.forced_open``), ``subject`` what it was done to."""

    id: str
    at: datetime
    user_name: str
    act: str
    subject: str
    reason: str | None
    facts: Mapping[str, Any]


async def note_act(
    connection: AsyncConnection,
    *,
    at: datetime,
    user_name: str,
    act: str,
    subject: str,
    reason: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Note an act inside the transaction that does it. ``facts`` must be JSON without personal data."""
    await connection.execute(
        insert(audit).values(
            id=secrets.token_hex(16),
            at=at,
            user_name=user_name[:64],
            act=act,
            subject=subject[:128],
            reason=reason,
            facts=dict(facts or {}),
        )
    )


async def record_act(
    db: Database,
    *,
    at: datetime,
    user_name: str,
    act: str,
    subject: str,
    reason: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Note an act in a transaction of its own."""
    async with db.write() as connection:
        await note_act(connection, at=at, user_name=user_name, act=act, subject=subject, reason=reason, facts=facts)


async def list_acts(db: Database, *, subject: str | None = None, limit: int = 100) -> list[Act]:
    """Return the latest acts, newest first."""
    query = select(audit).order_by(audit.c.at.desc(), audit.c.id).limit(limit)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [Act(**row) for row in rows]
