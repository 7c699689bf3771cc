"""Snapshots of exchange rates: each with its source, the moment the source states, and the moment we fetched it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import rate_snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSnapshot:
    """``rates[code]`` units of ``code`` for one ``base``. ``id`` is given when it is stored."""

    base: str
    as_of: datetime
    fetched_at: datetime
    source: str
    rates: Mapping[str, Decimal]
    id: str = ""


async def save(connection: AsyncConnection, snapshot: RateSnapshot) -> bool:
    """Store a snapshot; return False when the latest says the same: then only its ``fetched_at`` moves on."""
    c = rate_snapshots.c
    latest_row = (
        await connection.execute(
            select(rate_snapshots).where(c.base == snapshot.base).order_by(c.fetched_at.desc()).limit(1)
        )
    ).one_or_none()
    if latest_row is not None:
        known = _snapshot(latest_row)
        same = (known.source, known.as_of, known.rates) == (snapshot.source, snapshot.as_of, dict(snapshot.rates))
        if same:
            await connection.execute(
                update(rate_snapshots).values(fetched_at=snapshot.fetched_at).where(c.id == latest_row.id)
            )
            return False
    await _insert(connection, snapshot)
    return True


async def _insert(connection: AsyncConnection, snapshot: RateSnapshot) -> None:
    await connection.execute(
        insert(rate_snapshots).values(
            id=uuid4().hex,
            base=snapshot.base,
            as_of=snapshot.as_of,
            fetched_at=snapshot.fetched_at,
            source=snapshot.source,
            rates={code: format(rate, "f") for code, rate in snapshot.rates.items()},
        )
    )


async def save_past(connection: AsyncConnection, snapshot: RateSnapshot) -> bool:
    """Store the rates of a past day; return False when that source's rates of that moment are there already."""
    c = rate_snapshots.c
    known = select(c.id).where(c.base == snapshot.base, c.as_of == snapshot.as_of, c.source == snapshot.source).limit(1)
    if await connection.scalar(known) is not None:
        return False
    await _insert(connection, snapshot)
    return True


async def latest(db: Database, base: str | None = None) -> RateSnapshot | None:
    """Return the snapshot fetched last, of a base or of any; None when there is none."""
    found = await history(db, base, limit=1)
    return found[0] if found else None


async def history(db: Database, base: str | None = None, *, limit: int = 50) -> list[RateSnapshot]:
    """Return snapshots, latest first."""
    c = rate_snapshots.c
    query = select(rate_snapshots).order_by(c.fetched_at.desc()).limit(limit)
    if base is not None:
        query = query.where(c.base == base)
    async with db.read() as connection:
        return [_snapshot(row) for row in await connection.execute(query)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one snapshot says of some currencies: ``rates[code]`` for one ``base``; a code it lacks is left out."""

    id: str
    base: str
    as_of: datetime
    fetched_at: datetime
    source: str
    rates: Mapping[str, Decimal]


async def quotes(db: Database, codes: Sequence[str], *, since: datetime, until: datetime) -> list[Quote]:
    """Return what was stated from then to then of some currencies, by the moment stated, and before it the quote that
    held when the time began. Only these currencies are read of each snapshot."""
    c = rate_snapshots.c
    fields = [c.rates[code].as_string().label(f"rate_{code}") for code in codes]
    query = select(c.id, c.base, c.as_of, c.fetched_at, c.source, *fields)
    # Nothing is stated after it was fetched, so that the index of fetched_at serves both.
    inside = query.where(c.fetched_at >= since, c.as_of >= since, c.as_of < until).order_by(c.as_of, c.fetched_at)
    earlier = query.where(c.fetched_at < until, c.as_of < since).order_by(c.fetched_at.desc()).limit(1)
    async with db.read() as connection:
        rows = [*await connection.execute(earlier), *await connection.execute(inside)]
    return [
        Quote(
            id=row.id,
            base=row.base,
            as_of=row.as_of,
            fetched_at=row.fetched_at,
            source=row.source,
            rates={code: Decimal(value) for code, value in zip(codes, row[5:], strict=True) if value is not None},
        )
        for row in rows
    ]


async def stored_since(db: Database) -> datetime | None:
    """Return the first moment any stored rates were fetched at; None when there are none."""
    async with db.read() as connection:
        at: datetime | None = await connection.scalar(select(func.min(rate_snapshots.c.fetched_at)))
    return at


async def forget(db: Database, *, before: datetime) -> int:
    """Drop snapshots fetched before then; return how many."""
    async with db.write() as connection:
        return (await connection.execute(delete(rate_snapshots).where(rate_snapshots.c.fetched_at < before))).rowcount


def _snapshot(row: Row[Any]) -> RateSnapshot:
    return RateSnapshot(
        base=row.base,
        as_of=row.as_of,
        fetched_at=row.fetched_at,
        source=row.source,
        rates={code: Decimal(rate) for code, rate in row.rates.items()},
        id=row.id,
    )
