"""Permits of a vendor's quotas, shared by all processes: one row per vendor and quota.

A *paced* quota hands out moments in time: ``next_at`` is when the next permit is due, and taking ``n`` permits moves it
by ``n`` intervals (the generic cell rate algorithm, ITU-T I.371); where the limit is small, ``arrivals`` remembers by
when the last requests reach the vendor, so that a late one is not followed by one too many. A *counted* quota counts
what a window has spent.
Batch has a clock and a count of its own beside the common ones, so that it never draws the reserve.
All times are whole microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Function, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import from_micros
from db.engine import Database
from db.schema import permits


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Permits taken: when the first is due, and by when the last requests before reach the vendor, oldest first."""

    first: int
    arrivals: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitRow:
    """One quota of one vendor as stored; times in microseconds."""

    vendor: str
    quota: str
    next_at: int
    next_batch_at: int
    window_started_at: int
    used: float
    used_batch: float
    blocked_until: int
    seen_limit: float | None
    seen_remaining: float | None
    seen_reset_at: int | None
    seen_at: int | None
    arrivals: list[int] | None = None

    def blocked_until_time(self) -> datetime | None:
        """Return until when the vendor told us to stay away, None when it never did."""
        return from_micros(self.blocked_until) if self.blocked_until else None


async def ensure(connection: AsyncConnection, vendor: str, quotas: Sequence[str]) -> None:
    """Make the rows of a vendor's quotas unless they are there."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    if not quotas:
        return
    empty = {"next_at": 0, "next_batch_at": 0, "window_started_at": 0, "used": 0, "used_batch": 0, "blocked_until": 0}
    await connection.execute(
        dialect.insert(permits).on_conflict_do_nothing(),
        [{"vendor": vendor, "quota": quota, **empty} for quota in quotas],
    )


async def headroom(db: Database, vendor: str | None = None) -> list[PermitRow]:
    """Return the quotas as they stand, by vendor and quota."""
    query = select(permits).order_by(permits.c.vendor, permits.c.quota)
    if vendor is not None:
        query = query.where(permits.c.vendor == vendor)
    async with db.read() as connection:
        return [PermitRow(**row._mapping) for row in await connection.execute(query)]


def _later(connection: AsyncConnection, *values: Any) -> Function[Any]:
    return func.greatest(*values) if connection.dialect.name == "postgresql" else func.max(*values)


async def reserve_paced(
    connection: AsyncConnection, vendor: str, quota: str, *, now: int, span: int, latest: int, early: int = 0
) -> Taken | None:
    """Reserve permits over ``span`` for an interactive call; return them.

    They may be used ``early`` before their turn. None when that would be after ``latest``; nothing is taken then.
    """
    c = permits.c
    start = _later(connection, c.next_at, c.blocked_until, now)
    row = (
        await connection.execute(
            update(permits)
            .where(
                c.vendor == vendor,
                c.quota == quota,
                _later(connection, c.next_at - early, c.blocked_until, now) <= latest,
            )
            .values(next_at=start + span)
            .returning(c.next_at, c.blocked_until, c.arrivals)
        )
    ).one_or_none()
    if row is None:
        return None
    first = max(int(row.next_at) - span - early, int(row.blocked_until), now)
    return Taken(first=first, arrivals=row.arrivals or ())


async def take_paced_batch(
    connection: AsyncConnection, vendor: str, quota: str, *, now: int, span: int, batch_span: int, latest: int
) -> Taken | None:
    """Take permits for batch; return them, None when none is due by ``latest``.

    With ``latest`` = now batch never queues in front of an interactive call. Its own clock may run one span behind, so
    that a late wake-up costs nothing.
    """
    c = permits.c
    start = _later(connection, c.next_at, c.next_batch_at, c.blocked_until, now)
    row = (
        await connection.execute(
            update(permits)
            .where(c.vendor == vendor, c.quota == quota, start <= latest)
            .values(
                next_at=start + span,
                next_batch_at=_later(connection, c.next_batch_at, now - batch_span) + batch_span,
            )
            .returning(c.next_at, c.arrivals)
        )
    ).one_or_none()
    return None if row is None else Taken(first=int(row[0]) - span, arrivals=row[1] or ())


async def keep_arrivals(connection: AsyncConnection, vendor: str, quota: str, arrivals: Sequence[int]) -> None:
    """Store by when the last requests reach the vendor, in the transaction that took the newest one's permit."""
    c = permits.c
    await connection.execute(
        update(permits).where(c.vendor == vendor, c.quota == quota).values(arrivals=list(arrivals))
    )


async def correct_arrival(connection: AsyncConnection, vendor: str, quota: str, *, expected: int, arrived: int) -> None:
    """Put the real arrival of a request in the place of the expected one; nothing when that is long over."""
    c = permits.c
    here = (c.vendor == vendor, c.quota == quota)
    known = (await connection.execute(select(c.arrivals).where(*here).with_for_update())).scalar_one_or_none()
    if known and expected in known:
        known.remove(expected)
        await connection.execute(update(permits).where(*here).values(arrivals=sorted([*known, arrived])))


async def when_due(connection: AsyncConnection, vendor: str, quota: str, *, batch: bool) -> int:
    """Return when a permit of a paced quota would be due."""
    c = permits.c
    row = (
        await connection.execute(
            select(c.next_at, c.next_batch_at, c.blocked_until).where(c.vendor == vendor, c.quota == quota)
        )
    ).one()
    return max(int(row[0]), int(row[2]), int(row[1]) if batch else 0)


async def take_counted(
    connection: AsyncConnection,
    vendor: str,
    quota: str,
    *,
    now: int,
    cost: float,
    limit: float,
    window: int,
    batch_limit: float | None,
) -> int | None:
    """Count ``cost`` against a window; None when it is granted, else the moment to ask again.

    ``batch_limit`` is batch's share of the window, None for an interactive call.
    """
    c = permits.c
    over = c.window_started_at <= now - window
    used = case((over, 0.0), else_=c.used)
    used_batch = case((over, 0.0), else_=c.used_batch)
    allowed = [c.vendor == vendor, c.quota == quota, used + cost <= limit, c.blocked_until <= now]
    if batch_limit is not None:
        allowed.append(used_batch + cost <= batch_limit)
    row = (
        await connection.execute(
            update(permits)
            .where(*allowed)
            .values(
                window_started_at=case((over, now), else_=c.window_started_at),
                used=used + cost,
                used_batch=used_batch + (cost if batch_limit is not None else 0.0),
            )
            .returning(c.vendor)
        )
    ).one_or_none()
    if row is not None:
        return None
    found = (
        await connection.execute(
            select(c.window_started_at, c.used, c.used_batch, c.blocked_until).where(
                c.vendor == vendor, c.quota == quota
            )
        )
    ).one()
    ends = int(found.window_started_at) + window
    if ends <= now:  # the window is over: what is asked for is more than a whole one has, or the vendor wants us away
        has_room = cost <= limit and (batch_limit is None or cost <= batch_limit)
        return int(found.blocked_until) if has_room else now + window
    has_room = found.used + cost <= limit and (batch_limit is None or found.used_batch + cost <= batch_limit)
    return int(found.blocked_until) if has_room else max(ends, int(found.blocked_until))


async def block(connection: AsyncConnection, vendor: str, until: int) -> None:
    """Keep every permit of the vendor back until a moment (the vendor said so); never shortens."""
    c = permits.c
    await connection.execute(
        update(permits).where(c.vendor == vendor, c.blocked_until < until).values(blocked_until=until)
    )


async def note_seen(
    connection: AsyncConnection,
    vendor: str,
    quota: str,
    *,
    at: int,
    limit: float | None,
    remaining: float | None,
    reset_at: int | None,
) -> None:
    """Note what the vendor announced, and correct our own count where the vendor has counted more."""
    c = permits.c
    values: dict[str, Any] = {
        "seen_limit": limit,
        "seen_remaining": remaining,
        "seen_reset_at": reset_at,
        "seen_at": at,
    }
    if limit is not None and remaining is not None:
        values["used"] = _later(connection, c.used, limit - remaining)
    if remaining is not None and remaining <= 0 and reset_at is not None:
        values["next_at"] = _later(connection, c.next_at, reset_at)
    await connection.execute(update(permits).where(c.vendor == vendor, c.quota == quota).values(**values))
