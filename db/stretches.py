"""Which rollup buckets cover a stretch of time exactly once, and the histograms of a stretch or of single buckets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Table, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import to_micros
from db.schema import rollup_bins
from db.sums import FIVE_MINUTES, HOUR, MINUTE

MICROS = 1_000_000  # in a second
Bins = dict[int, int]


def floor(at: datetime, width: int) -> int:
    micros = to_micros(at)
    return micros - micros % (width * MICROS)


def _ceil(micros: int, width: int) -> int:
    return -(-micros // (width * MICROS)) * width * MICROS


def within(table: Table, begin: int, end: int, *, by_operation: bool = False) -> ColumnElement[bool]:
    """Return the condition that covers a stretch once: whole hours by the hour, its two edges by narrow buckets.

    Whole vendors have five-minute buckets; where the stretch does not begin with one, and for operations, minutes.
    """
    t = table.c
    narrow = MINUTE if by_operation or begin % (FIVE_MINUTES * MICROS) or end - begin <= HOUR * MICROS else FIVE_MINUTES
    first, last = _ceil(begin, HOUR), end - end % (HOUR * MICROS)
    any_operation = t.operation != ""

    def part(width: int, low: int, high: int) -> ColumnElement[bool]:
        of_all = any_operation if by_operation or width == MINUTE else t.operation == ""
        return (t.width == width) & (t.started_at >= low) & (t.started_at < high) & of_all

    if first >= last:
        return part(narrow, begin, end)
    return or_(part(HOUR, first, last), part(narrow, begin, first), part(narrow, last, end))


def within_hours(table: Table, begin: int, end: int) -> ColumnElement[bool]:
    """Return the condition that covers a stretch once in a table of minutes and hours: its whole hours by the hour, the
    edges by the minute."""
    t = table.c
    first, last = _ceil(begin, HOUR), end - end % (HOUR * MICROS)

    def part(width: int, low: int, high: int) -> ColumnElement[bool]:
        return (t.width == width) & (t.started_at >= low) & (t.started_at < high)

    if first >= last:
        return part(MINUTE, begin, end)
    return or_(part(HOUR, first, last), part(MINUTE, begin, first), part(MINUTE, last, end))


async def bins_by_vendor(
    connection: AsyncConnection, begin: int, end: int, vendor: str | None = None
) -> dict[str, Bins]:
    b = rollup_bins.c
    query = select(b.vendor, b.bin, func.sum(b.count)).where(within(rollup_bins, begin, end)).group_by(b.vendor, b.bin)
    if vendor is not None:
        query = query.where(b.vendor == vendor)
    bins: dict[str, Bins] = {}
    for name, index, count in (await connection.execute(query)).all():
        bins.setdefault(name, {})[index] = int(count)
    return bins


async def bins_by_bucket(
    connection: AsyncConnection, width: int, starts: set[int], vendor: str | None = None
) -> dict[tuple[str, int], Bins]:
    if not starts:
        return {}
    b = rollup_bins.c
    query = (
        select(b.vendor, type_coerce(b.started_at, BigInteger), b.bin, func.sum(b.count))
        .where(
            b.width == width,
            b.started_at.in_(sorted(starts)),
            (b.operation != "") if width == MINUTE else b.operation == "",
        )
        .group_by(b.vendor, b.started_at, b.bin)
    )
    if vendor is not None:
        query = query.where(b.vendor == vendor)
    bins: dict[tuple[str, int], Bins] = {}
    for name, start, index, count in (await connection.execute(query)).all():
        bins.setdefault((name, start), {})[index] = int(count)
    return bins
