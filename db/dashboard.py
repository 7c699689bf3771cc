"""What the pages ask beside calls and rollups: the pulse of the processes, runs of the syncs, waiting work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, func, select, type_coerce

from db.columns import from_micros
from db.engine import Database
from db.outcomes import is_unknown
from db.schema import attempts, incidents, keys, outbox, processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """When a scheduler was last alive (None: never), how many incidents are firing, how many outcomes unknown."""

    scheduler_seen_at: datetime | None
    firing: int
    unknown: int


async def pulse(db: Database, now: datetime) -> Pulse:
    """Return the pulse, read in one go."""
    alive = select(func.max(processes.c.heartbeat_at)).where(processes.c.kind == "scheduler")
    firing = select(func.count()).select_from(incidents).where(incidents.c.state == "firing")
    unknown = select(func.count()).select_from(keys).where(is_unknown(now))
    async with db.read() as connection:
        return Pulse(
            scheduler_seen_at=await connection.scalar(alive),
            firing=await connection.scalar(firing) or 0,
            unknown=await connection.scalar(unknown) or 0,
        )


async def waiting(db: Database) -> Mapping[str, int]:
    """Return how many items of each kind wait in the outbox."""
    query = select(outbox.c.kind, func.count()).where(outbox.c.state == "waiting").group_by(outbox.c.kind)
    async with db.read() as connection:
        return {row[0]: row[1] for row in await connection.execute(query)}


async def announced(
    db: Database, vendor: str, since: datetime, until: datetime, *, width: int
) -> Mapping[datetime, float]:
    """Return the least share of a quota the vendor announced in each bucket of ``width`` seconds, by its start.

    Empty for more than two days: it is read from the attempts themselves.
    """
    if until - since > timedelta(days=2):
        return {}
    c = attempts.c
    started = type_coerce(c.started_at, BigInteger)
    bucket = (started - started % (width * 1_000_000)).label("bucket")
    query = (
        select(bucket, func.min(c.quota_remaining / c.quota_limit))
        .where(c.vendor == vendor, c.started_at >= since, c.started_at < until, c.quota_limit > 0)
        .where(c.quota_remaining.is_not(None))
        .group_by(bucket)
    )
    async with db.read() as connection:
        return {from_micros(int(start)): float(share) for start, share in await connection.execute(query)}
