"""How many attempts of a vendor took how long, bucket by bucket: the histograms of the rollups, made coarse.

The wide bands are a factor of the square root of two, so that what a person can tell apart on a screen stays apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt

from sqlalchemy import BigInteger, Integer, cast, func, select, type_coerce

from db.columns import from_micros, to_micros
from db.engine import Database
from db.histogram import value_of
from db.schema import rollup_bins
from db.stretches import MICROS, floor
from db.sums import FIVE_MINUTES, HOUR, MINUTE

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
    stored = MINUTE if seconds <= 3 * 3600 else FIVE_MINUTES if seconds <= 36 * 3600 else HOUR
    return stored, stored * max(1, -(-int(seconds) // (stored * COLUMNS)))


async def heat(db: Database, vendor: str, *, since: datetime, until: datetime) -> Heat:
    """Return the attempts of a vendor by time and duration."""
    stored, shown = width_of(until - since)
    begin, end, step = floor(since, shown), to_micros(until), shown * MICROS
    b = rollup_bins.c
    started = type_coerce(b.started_at, BigInteger)
    bucket = cast((started - begin) // step, Integer)
    band = cast((b.bin + _OFFSET) // BINS, Integer)
    starts = [begin + place * stored * MICROS for place in range(-(-(end - begin) // (stored * MICROS)))]
    query = (
        select(bucket, band, func.sum(b.count))
        .where(
            b.width == stored,
            b.started_at.in_(starts),  # each is found by the primary key: no other vendor's rows are walked over
            b.vendor == vendor,
            (b.operation != "") if stored == MINUTE else b.operation == "",
        )
        .group_by(bucket, band)
    )
    counts: dict[tuple[int, int], int] = {}
    async with db.read() as connection:
        for place, number, count in await connection.execute(query):
            counts[int(place), int(number) - _OFFSET // BINS] = int(count)
    return Heat(start=from_micros(begin), width=shown, buckets=max(1, -(-(end - begin) // step)), counts=counts)
