"""Sums and quantiles over time, for the pages: per vendor, per bucket, per operation, per error.

Everything is read from the rollups, so that it costs the same however many calls there were. Quantiles are over
attempts, in seconds, within 1 % (``histogram.py``): closed buckets keep theirs (``closing.py``), open ones are computed
from the bins. Which buckets a stretch of time consists of, ``stretches.py`` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, func, null, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from db.closing import SHARES
from db.columns import from_micros, to_micros
from db.engine import Database
from db.histogram import merge, quantiles
from db.schema import rollup_errors, rollups
from db.stretches import (
    FIVE_MINUTES_UP_TO,
    MICROS,
    MINUTES_UP_TO,
    bounds,
    floor,
    histograms_of,
    in_part,
    sums_of,
    within,
)
from db.sums import ADDED_UP, FIVE_MINUTES, HOUR, MINUTE, REFUSED, SIX_HOURS

HOURS_UP_TO = timedelta(days=35)  # spans drawn by the hour; shorter ones by what they are read by
_IN_A_BUCKET = ("calls", "calls_failed", "calls_refused", "attempts", "attempts_failed", "duration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over a stretch of time; ``calls_failed`` are outcomes error and unknown, refused calls are apart.

    ``throttle_wait`` and ``duration`` in seconds, over calls and over attempts; the quantiles None without an attempt.
    """

    calls: int = 0
    calls_failed: int = 0
    calls_refused: int = 0
    attempts: int = 0
    attempts_failed: int = 0
    retries: int = 0
    throttle_wait: float = 0.0
    duration: float = 0.0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(slots=True)
class Bucket:
    """One bucket of a vendor, not frozen because thousands are made for a page."""

    started_at: datetime
    calls: int
    calls_failed: int
    calls_refused: int
    attempts: int
    attempts_failed: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOverview:
    """One vendor over the whole time, and bucket by bucket where it was called."""

    vendor: str
    totals: Totals
    buckets: Sequence[Bucket]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One vendor over time, as columns: a value per bucket of ``width`` seconds from ``start``, none left out.

    ``errors`` counts failed calls by (error type, fault); refused calls are only in ``refused``.
    """

    vendor: str
    width: int
    start: datetime
    calls: Sequence[int]
    failed: Sequence[int]
    refused: Sequence[int]
    attempts: Sequence[int]
    attempts_failed: Sequence[int]
    p50: Sequence[float | None]
    p95: Sequence[float | None]
    p99: Sequence[float | None]
    errors: Mapping[tuple[str, str], Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """How often something went wrong, over calls and over attempts; fault is "refused" for what we did not send."""

    error_type: str
    fault: str
    calls: int
    attempts: int


async def overview(
    db: Database, *, since: datetime, until: datetime, width: int = FIVE_MINUTES
) -> list[VendorOverview]:
    """Return every vendor that was called, by name, with its buckets of ``width`` seconds.

    Minutes are summed over operations, so they are for short ranges. The first bucket may begin before the totals do.
    """
    begin, end = floor(since, width), to_micros(until)
    r = rollups.c
    start = type_coerce(r.started_at, BigInteger).label("start")
    asked = (r.width == width, r.started_at >= begin, r.started_at < end)
    if width == MINUTE:
        names = [func.sum(r[name]) for name in _IN_A_BUCKET]
        query = select(r.vendor, start, *names, *_no_quantiles()).where(*asked).group_by(r.vendor, r.started_at)
    else:
        columns = (r[name] for name in (*_IN_A_BUCKET, "p50", "p95", "p99"))
        query = select(r.vendor, start, *columns).where(*asked, r.operation == "")
    async with db.read() as connection:
        sums = await sums_of(connection, *bounds(since, until))
        rows = (await connection.execute(query.order_by(r.started_at))).all()
        still_open = {(row[0], row[1]) for row in rows if row[9] is None and row[7]}  # without p95, with a duration
        open_bins = await histograms_of(connection, width, still_open)
    starts = {start: from_micros(start) for start in {row[1] for row in rows}}
    buckets: dict[str, list[Bucket]] = {vendor: [] for vendor in sums}
    for vendor, start, calls, failed, refused, attempts, bad, duration, p50, p95, p99 in rows:
        if vendor not in buckets:
            continue  # it was called before the totals begin only
        if p95 is None and duration:
            p50, p95, p99 = quantiles(open_bins.get((vendor, start), {}), SHARES)
        buckets[vendor].append(Bucket(starts[start], calls, failed, refused, attempts, bad, p50, p95, p99))
    return [
        VendorOverview(vendor=vendor, totals=_totals(*sums[vendor]), buckets=buckets[vendor]) for vendor in sorted(sums)
    ]


async def totals(
    db: Database, *, since: datetime, until: datetime, vendor: str | None = None, narrowest: int | None = None
) -> Totals:
    """Return the totals of a vendor, or of all together; ``narrowest`` as ``stretches.bounds`` takes it."""
    begin, end = bounds(since, until, narrowest)
    async with db.read() as connection:
        found = await sums_of(connection, begin, end, vendor=vendor)
    return _totals(
        [sum(column) for column in zip(*(sums for sums, _ in found.values()), strict=True)] or [0] * len(ADDED_UP),
        merge(bins for _, bins in found.values()),
    )


async def series(
    db: Database,
    vendor: str,
    *,
    since: datetime,
    until: datetime,
    width: int | None = None,
    with_errors: bool = True,
) -> Series:
    """Return a vendor over time. Without ``width``: minutes up to 3 h, 5 minutes up to 36 h, hours up to 35 days, else six
    hours, and the next wider where the narrow ones are not kept any more. ``with_errors`` False leaves ``errors`` out
    (cheaper)."""
    widths = [width] if width is not None else _widths(until - since)
    async with db.read() as connection:
        for candidate in widths:
            begin, end = floor(since, candidate), to_micros(until)
            rows = await _series_rows(connection, vendor, candidate, begin, end)
            if rows or candidate == widths[-1]:
                break
        errors = await _series_errors(connection, vendor, candidate, begin, end) if with_errors else ()
        still_open = {(vendor, row.start) for row in rows if row.p95 is None and row.duration}
        bins = await histograms_of(connection, candidate, still_open, vendor=vendor)
    step = candidate * MICROS
    length = max(0, -(-(end - begin) // step))
    columns: dict[str, list[Any]] = {
        name: [0] * length for name in ("calls", "calls_failed", "calls_refused", "attempts", "attempts_failed")
    }
    shares: list[list[float | None]] = [[None] * length for _ in SHARES]
    for row in rows:
        place = (row.start - begin) // step
        for name, column in columns.items():
            column[place] = int(row._mapping[name])
        found = [row.p50, row.p95, row.p99]
        if row.p95 is None and row.duration:
            found = list(quantiles(bins.get((vendor, row.start), {}), SHARES))
        for column, value in zip(shares, found, strict=True):
            column[place] = value
    by_error: dict[tuple[str, str], list[int]] = {}
    for error in errors:
        counts = by_error.setdefault((error.error_type, error.fault), [0] * length)
        counts[(error.start - begin) // step] += int(error.calls)
    return Series(
        vendor=vendor,
        width=candidate,
        start=from_micros(begin),
        calls=columns["calls"],
        failed=columns["calls_failed"],
        refused=columns["calls_refused"],
        attempts=columns["attempts"],
        attempts_failed=columns["attempts_failed"],
        p50=shares[0],
        p95=shares[1],
        p99=shares[2],
        errors=by_error,
    )


async def errors(
    db: Database, vendor: str | None, *, since: datetime, until: datetime, narrowest: int | None = None
) -> list[ErrorCount]:
    """Return what went wrong with a vendor, or with all, most failed calls first."""
    begin, end = bounds(since, until, narrowest)
    e = rollup_errors.c
    query = (
        select(e.error_type, e.fault, func.sum(e.calls), func.sum(e.attempts))
        .where(within(rollup_errors, begin, end, vendor=vendor))
        .group_by(e.error_type, e.fault)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).all()
    found = [ErrorCount(error_type=kind, fault=fault, calls=int(c), attempts=int(a)) for kind, fault, c, a in rows]
    return sorted(found, key=lambda one: (-one.calls, -one.attempts, one.error_type))


async def operations(db: Database, vendor: str, *, since: datetime, until: datetime) -> dict[str, Totals]:
    """Return the totals of each operation of a vendor, and of its sign_in, poll and other steps, by name."""
    begin, end = bounds(since, until, HOUR if until - since > FIVE_MINUTES_UP_TO else MINUTE)
    async with db.read() as connection:
        found = await sums_of(connection, begin, end, vendor=vendor, by_operation=True)
    return {name: _totals(*found[name]) for name in sorted(found)}


def _widths(span: timedelta) -> list[int]:
    if span > HOURS_UP_TO:
        return [SIX_HOURS]
    widths = [MINUTE, FIVE_MINUTES, HOUR]
    return widths[0 if span <= MINUTES_UP_TO else 1 if span <= FIVE_MINUTES_UP_TO else 2 :]


def _totals(sums: Sequence[Any], bins: Mapping[int, int]) -> Totals:
    p50, p95, p99 = quantiles(bins, SHARES)
    counts = [int(value) for value in sums[:6]]
    return Totals(
        calls=counts[0],
        calls_failed=counts[1],
        calls_refused=counts[2],
        attempts=counts[3],
        attempts_failed=counts[4],
        retries=counts[5],
        throttle_wait=float(sums[6]),
        duration=float(sums[7]),
        p50=p50,
        p95=p95,
        p99=p99,
    )


def _summed() -> list[Any]:
    return [func.sum(rollups.c[name]).label(name) for name in ADDED_UP]


def _no_quantiles() -> list[Any]:
    """Minutes keep none: theirs come from the bins of all operations together."""
    return [null().label(name) for name in ("p50", "p95", "p99")]


async def _series_rows(connection: AsyncConnection, vendor: str, width: int, begin: int, end: int) -> Sequence[Any]:
    r = rollups.c
    start = type_coerce(r.started_at, BigInteger).label("start")
    mine = in_part(rollups, (width, begin, end), vendor)
    if width != MINUTE:
        query = select(start, *(r[name] for name in ADDED_UP), r.p50, r.p95, r.p99).where(mine, r.operation == "")
    else:
        query = select(start, *_summed(), *_no_quantiles()).where(mine).group_by(r.started_at)
    return (await connection.execute(query)).all()


async def _series_errors(connection: AsyncConnection, vendor: str, width: int, begin: int, end: int) -> Sequence[Any]:
    e = rollup_errors.c
    query = select(type_coerce(e.started_at, BigInteger).label("start"), e.error_type, e.fault, e.calls).where(
        in_part(rollup_errors, (width, begin, end), vendor),
        e.fault != REFUSED,
        e.calls > 0,
        (e.operation != "") if width == MINUTE else e.operation == "",
    )
    return (await connection.execute(query)).all()
