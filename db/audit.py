"""Who did what, when and why: one row per act of a person or a token, never changed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import to_micros
from db.engine import Database
from db.schema import audit

came_from: ContextVar[str | None] = ContextVar("quayside_came_from", default=None)
"""Where the one who acts is: ``page 10.0.0.7``, ``api 10.0.0.7``; set by who lets them in, None for a process of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. ``act`` is dotted past tense (``circuit.forced_open``), ``subject`` what it was done to.

    ``origin`` is where it came from (see ``came_from``), None for a command and for the processes themselves.
    """

    id: str
    at: datetime
    user_name: str
    act: str
    subject: str
    reason: str | None
    facts: Mapping[str, Any]
    origin: str | None = None


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
            origin=came_from.get(),
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


async def list_acts(
    db: Database,
    *,
    person: str | None = None,
    act: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Act]:
    """Return the acts that fit all that is given, newest first, at most ``limit``.

    ``act`` is the beginning of one: ``circuit`` finds ``circuit.forced_open``. ``before`` is the (at, id) of the last
    act seen: the list goes on after it, at the same cost at any depth.
    """
    a = audit.c
    query = select(audit).order_by(a.at.desc(), a.id.desc()).limit(limit)
    if person:
        query = query.where(a.user_name == person)
    if act:
        query = query.where(a.act >= act, a.act < act + "\U0010ffff")
    if subject:
        query = query.where(a.subject == subject)
    if since:
        query = query.where(a.at >= since)
    if until:
        query = query.where(a.at < until)
    if before:
        at = to_micros(before[0])
        query = query.where(a.at <= at, tuple_(a.at, a.id) < tuple_(at, before[1]))
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [Act(**row) for row in rows]


async def known_acts(db: Database, *, latest: int = 2000) -> tuple[list[str], list[str]]:
    """Return the people and the acts among the latest rows, by name: what a filter can offer."""
    recent = select(audit.c.user_name, audit.c.act).order_by(audit.c.at.desc()).limit(latest).subquery()
    async with db.read() as connection:
        rows = (await connection.execute(select(recent.c.user_name, recent.c.act).distinct())).all()
    return sorted({row.user_name for row in rows}), sorted({row.act for row in rows})
