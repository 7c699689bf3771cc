"""What people do with dead letters: try them again or give them up, one or all of a filter, each act in the audit.

An act on all of a filter is one transaction and one act; it takes only letters that were there when the person looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from db import dead_letters as letters
from db.audit import note_act
from db.dead_letters import DeadLetter
from db.engine import Database
from db.schema import dead_letters

Verdict = Literal["retried", "given_up"]
AT_ONCE = 1000  # letters of one act


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which letters that wait: of a sync, with an error; None is any."""

    sync: str | None = None
    error_type: str | None = None

    def clause(self) -> ColumnElement[bool]:
        c = dead_letters.c
        parts = [column == value for column, value in ((c.sync, self.sync), (c.error_type, self.error_type)) if value]
        return and_(c.resolved_at.is_(None), *parts)


async def waiting(db: Database, which: Filter, *, limit: int = 100) -> list[DeadLetter]:
    """Return the letters of a filter that wait for somebody, newest first."""
    c = dead_letters.c
    query = select(dead_letters).where(which.clause()).order_by(c.created_at.desc(), c.id).limit(limit)
    async with db.read() as connection:
        return [DeadLetter(**row._mapping) for row in await connection.execute(query)]


async def counts(db: Database) -> dict[tuple[str, str], int]:
    """Return how many letters wait, by sync and error."""
    c = dead_letters.c
    query = select(c.sync, c.error_type, func.count()).where(c.resolved_at.is_(None)).group_by(c.sync, c.error_type)
    async with db.read() as connection:
        return {(sync, error): number for sync, error, number in await connection.execute(query)}


async def closed(
    db: Database,
    *,
    sync: str | None = None,
    verdict: Verdict | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 20,
) -> list[DeadLetter]:
    """Return letters that are dealt with, the latest first. ``before`` is (resolved_at, id) of the last of a page."""
    c = dead_letters.c
    query = select(dead_letters).where(c.resolved_at.is_not(None)).order_by(c.resolved_at.desc(), c.id.desc())
    if sync is not None:
        query = query.where(c.sync == sync)
    if verdict is not None:
        query = query.where(c.verdict == verdict)
    if before is not None:
        query = query.where(or_(c.resolved_at < before[0], and_(c.resolved_at == before[0], c.id < before[1])))
    async with db.read() as connection:
        return [DeadLetter(**row._mapping) for row in await connection.execute(query.limit(limit))]


async def find(db: Database, id: str) -> DeadLetter | None:
    """Return one letter, None when there is none of that id."""
    async with db.read() as connection:
        row = (await connection.execute(select(dead_letters).where(dead_letters.c.id == id))).one_or_none()
    return DeadLetter(**row._mapping) if row else None


async def settle(
    db: Database, id: str, verdict: Verdict, *, reason: str | None, by: str, now: datetime
) -> DeadLetter | None:
    """Try one letter again, or give it up; return None when it is unknown or dealt with already."""
    async with db.write() as connection:
        done = (
            await letters.retry_one(connection, id, by=by, now=now, reason=reason)
            if verdict == "retried"
            else await letters.give_up_one(connection, id, by=by, now=now, reason=reason or "")
        )
        if not done:
            return None
        letter = DeadLetter(
            **(await connection.execute(select(dead_letters).where(dead_letters.c.id == id))).one()._mapping
        )
        await note_act(
            connection,
            at=now,
            user_name=by,
            act=f"dead_letter.{verdict}",
            subject=letter.sync,
            reason=reason,
            facts={"id": id, "item": letter.item, "error_type": letter.error_type},
        )
    return letter


async def settle_all(
    db: Database, which: Filter, verdict: Verdict, *, seen: datetime, reason: str, by: str, now: datetime
) -> int:
    """Try all letters of a filter again, or give them up: those made up to ``seen``, at most ``AT_ONCE``. Return how
    many."""
    c = dead_letters.c
    done = 0
    async with db.write() as connection:
        query = select(c.id).where(which.clause(), c.created_at <= seen).order_by(c.created_at, c.id).limit(AT_ONCE)
        ids: Sequence[str] = (await connection.execute(query)).scalars().all()
        for id in ids:
            if verdict == "retried":
                done += await letters.retry_one(connection, id, by=by, now=now, reason=reason)
            else:
                done += await letters.give_up_one(connection, id, by=by, now=now, reason=reason)
        if done:
            await note_act(
                connection,
                at=now,
                user_name=by,
                act=f"dead_letters.{verdict}",
                subject=which.sync or "all syncs",
                reason=reason,
                facts={**asdict(which), "letters": done},
            )
    return done


async def reopen(db: Database, id: str, *, by: str, now: datetime) -> bool:
    """Take a letter that was given up back to those that wait; return False when it was not, or the item has a newer
    one."""
    c = dead_letters.c
    other = dead_letters.alias()
    newer = select(other.c.id).where(other.c.sync == c.sync, other.c.item == c.item, other.c.resolved_at.is_(None))
    async with db.write() as connection:
        back = await connection.execute(
            update(dead_letters)
            .values(resolved_at=None, resolved_by=None, verdict=None, verdict_reason=None)
            .where(c.id == id, c.verdict == "given_up", ~newer.exists())
            .returning(c.sync, c.item)
        )
        row = back.one_or_none()
        if row is None:
            return False
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="dead_letter.taken_back",
            subject=row.sync,
            facts={"id": id, "item": row.item},
        )
    return True
