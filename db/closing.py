"""What a bucket is given once it has ended: its quantiles, and its histogram in one piece.

Up to the hour it is packed from the bins; six hours and days have none and are made of the hours'. What arrives late opens
its buckets again, the hour and the day alike, and the next run closes them in this order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, bindparam, cast, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import to_micros
from db.engine import Database
from db.histogram import add_packed, pack, quantiles
from db.schema import rollup_bins, rollups
from db.schema.rollups import OPEN
from db.stretches import MICROS, Bins
from db.sums import HOUR, MADE_AT_THE_END

SHARES = (0.5, 0.95, 0.99)
AT_ONCE = 400  # buckets in a transaction: recorders wait for one at most
MOST = 40_000  # buckets in a run; more are there only after a long silence, or an upgrade
PAUSE = 0.05  # seconds between two transactions
Sleep = Callable[[float], Awaitable[None]]
Place = tuple[str, str]  # vendor, operation

_CLOSE = (
    update(rollups)
    .where(
        rollups.c.width == bindparam("of_width"),
        rollups.c.started_at == bindparam("of_start"),
        rollups.c.vendor == bindparam("of_vendor"),
        rollups.c.operation == bindparam("of_operation"),
    )
    .values({name: bindparam(f"to_{name}") for name in MADE_AT_THE_END})
)


async def close_buckets(db: Database, now: datetime, *, at_once: int = AT_ONCE, sleep: Sleep = asyncio.sleep) -> int:
    """Close the buckets that have ended, and return how many; run it every minute."""
    closed = 0
    while closed < MOST:
        some = await _close_some(db, to_micros(now), at_once)
        closed += some
        if some < at_once:
            break
        await sleep(PAUSE)
    return closed


async def _close_some(db: Database, end: int, at_once: int) -> int:
    r = rollups.c
    start = type_coerce(r.started_at, BigInteger)
    query = (
        select(r.width, start, r.vendor, r.operation)
        .where(OPEN, start + cast(r.width, BigInteger) * MICROS <= end)
        .order_by(r.width, r.started_at, r.vendor, r.operation)
        .limit(at_once)
    )
    if not db.is_sqlite:
        query = query.with_for_update()  # nothing may arrive between our reading of the bins and our writing
    changes: list[dict[str, Any]] = []
    async with db.write() as connection:
        rows = (await connection.execute(query)).all()
        for (width, started_at), group in groupby(rows, key=lambda row: (row[0], row[1])):
            places = [(row[2], row[3]) for row in group]
            if width > HOUR and changes:  # the hours it is made of may be among those that wait to be written
                await connection.execute(_CLOSE, changes)
                changes = []
            histograms = await _histograms(connection, width, started_at, places)
            changes += [_change(width, started_at, place, histograms.get(place, {})) for place in places]
        if changes:
            await connection.execute(_CLOSE, changes)
    return len(rows)


def _change(width: int, start: int, place: Place, bins: Bins) -> dict[str, Any]:
    p50, p95, p99 = quantiles(bins, SHARES)
    return {
        "of_width": width,
        "of_start": start,
        "of_vendor": place[0],
        "of_operation": place[1],
        "to_p50": p50,
        "to_p95": p95,
        "to_p99": p99,
        "to_histogram": pack(bins),
    }


async def _histograms(
    connection: AsyncConnection, width: int, start: int, places: Sequence[Place]
) -> dict[Place, Bins]:
    """Return the histograms of the buckets of a width that begin at a moment."""
    if width <= HOUR:
        return await _from_bins(connection, width, [start], places)
    r = rollups.c
    hours = list(range(start, start + width * MICROS, HOUR * MICROS))
    query = select(r.vendor, r.operation, type_coerce(r.started_at, BigInteger), r.histogram).where(
        r.width == HOUR, r.started_at.in_(hours), r.vendor.in_(_vendors(places)), r.duration > 0
    )
    wanted, found = set(places), {place: Bins() for place in places}
    still_open: dict[int, set[Place]] = {}
    for vendor, operation, at, histogram in (await connection.execute(query)).all():
        place = (vendor, operation)
        if place not in wanted:
            continue
        if histogram is None:
            still_open.setdefault(at, set()).add(place)
        else:
            add_packed(found[place], histogram)
    for at, open_places in still_open.items():
        for place, bins in (await _from_bins(connection, HOUR, [at], sorted(open_places))).items():
            known = found[place]
            for index, count in bins.items():
                known[index] = known.get(index, 0) + count
    return found


async def _from_bins(
    connection: AsyncConnection, width: int, starts: Sequence[int], places: Sequence[Place]
) -> dict[Place, Bins]:
    b = rollup_bins.c
    query = select(b.vendor, b.operation, b.bin, b.count).where(
        b.width == width,
        b.started_at.in_(starts),
        b.vendor.in_(_vendors(places)),
        b.operation.in_(sorted({operation for _, operation in places})),
    )
    wanted, found = set(places), {place: Bins() for place in places}
    for vendor, operation, index, count in (await connection.execute(query)).all():
        if (vendor, operation) in wanted:
            bins = found[vendor, operation]
            bins[index] = bins.get(index, 0) + int(count)
    return found


def _vendors(places: Sequence[Place]) -> list[str]:
    return sorted({vendor for vendor, _ in places})
