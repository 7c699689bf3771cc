"""How many attempts of a vendor took how long, bucket by bucket: the histograms of the rollups, made coarse.

The wide bands are a factor of the square root of two, so that what a person can tell apart on a screen stays apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt

from sqlalchemy import BigInteger, Integer, cast, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import from_micros, to_micros
from db.engine import Database
from db.histogram import unpack, value_of
from db.schema import rollup_bins, rollups
from db.stretches import FIVE_MINUTES_UP_TO, MICROS, MINUTES_UP_TO, floor, histograms_of, in_part
from db.sums import DAY, FIVE_MINUTES, HOUR, MINUTE, SIX_HOURS

BINS = round(log(sqrt(2)) / log(value_of(1) / value_of(0)))  # of the histogram, in a band
_OFFSET = 10_000 * BINS  # keeps the division above zero: both databases cut towards it
COLUMNS = 120  # at most, or the cells are too narrow to point at


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Attempts by (bucket of ``width`` seconds from ``start``, band); a band is its number, see ``edges``."""

    start: datetime
    width: int
    buckets: int
    counts: Mapping[tuple[int, int], int]


def edges(band: int) -> tuple[float, float]:
    """Return between which durations, in seconds, a band lies."""
    return value_of(band * BINS), value_of((band + 1) * BINS)


def width_of(span: timedelta) -> tuple[int, int]:
    """Return the width of the stored buckets to read, and of those to show, in seconds."""
    seconds = span.total_seconds()
    narrowest = MINUTE if span <= MINUTES_UP_TO else FIVE_MINUTES if span <= FIVE_MINUTES_UP_TO else HOUR
    shown = narrowest * max(1, -(-int(seconds) // (narrowest * COLUMNS)))
    if shown > DAY:
        shown = -(-shown // DAY) * DAY
    if narrowest < HOUR:
        return narrowest, shown
    return next(width for width in (DAY, SIX_HOURS, HOUR) if shown % width == 0), shown


async def heat(db: Database, vendor: str, *, since: datetime, until: datetime) -> Heat:
    """Return the attempts of a vendor by time and duration."""
    stored, shown = width_of(until - since)
    begin, end, step = floor(since, shown), to_micros(until), shown * MICROS
    async with db.read() as connection:
        counts = (
            await _of_bins(connection, vendor, stored, begin, end, step)
            if stored < HOUR
            else await _of_histograms(connection, vendor, stored, begin, end, step)
        )
    return Heat(start=from_micros(begin), width=shown, buckets=max(1, -(-(end - begin) // step)), counts=counts)


async def _of_bins(
    connection: AsyncConnection, vendor: str, stored: int, begin: int, end: int, step: int
) -> dict[tuple[int, int], int]:
    b = rollup_bins.c
    started = type_coerce(b.started_at, BigInteger)
    bucket = cast((started - begin) // step, Integer)
    band = cast((b.bin + _OFFSET) // BINS, Integer)
    query = (
        select(bucket, band, func.sum(b.count))
        .where(
            in_part(rollup_bins, (stored, begin, end), vendor),
            (b.operation != "") if stored == MINUTE else b.operation == "",
        )
        .group_by(bucket, band)
    )
    counts: dict[tuple[int, int], int] = {}
    for place, number, count in await connection.execute(query):
        counts[int(place), int(number) - _OFFSET // BINS] = int(count)
    return counts


async def _of_histograms(
    connection: AsyncConnection, vendor: str, stored: int, begin: int, end: int, step: int
) -> dict[tuple[int, int], int]:
    r = rollups.c
    query = select(type_coerce(r.started_at, BigInteger), r.histogram).where(
        in_part(rollups, (stored, begin, end), vendor), r.operation == "", r.duration > 0
    )
    counts: dict[tuple[int, int], int] = {}

    def add(start: int, bins: Mapping[int, int]) -> None:
        place = (start - begin) // step
        for index, count in bins.items():
            cell = place, index // BINS
            counts[cell] = counts.get(cell, 0) + count

    still_open = set()
    for start, histogram in (await connection.execute(query)).all():
        if histogram is None:
            still_open.add(start)
        else:
            add(start, unpack(histogram))
    places = [(vendor, start) for start in still_open]
    for (_, start), bins in (await histograms_of(connection, stored, places, vendor=vendor)).items():
        add(start, bins)
    return counts
