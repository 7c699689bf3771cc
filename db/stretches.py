"""Which buckets cover a stretch of time exactly once, and the sums and histograms of a stretch.

A stretch is covered by the widest buckets that fit: whole days by the day, what is left at both ends by six hours, by
the hour, and by the narrow ones. However long it is, that is about a day's worth of rows and one for each day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, and_, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import to_micros
from db.histogram import add_packed, unpack
from db.schema import rollup_bins, rollups
from db.sums import ADDED_UP, DAY, FIVE_MINUTES, HOUR, MINUTE, SIX_HOURS

MICROS = 1_000_000  # in a second
MINUTES_UP_TO = timedelta(hours=3)  # spans read by the minute
FIVE_MINUTES_UP_TO = timedelta(hours=36)  # longer ones are read by whole hours: narrower buckets are not kept as long
_FEW_STARTS = 1000  # below, each bucket of a vendor is looked up by itself
Bins = dict[int, int]
Part = tuple[int, int, int]  # width, first start, end
Place = tuple[str, int]  # vendor or operation, start of a bucket


def floor(at: datetime, width: int) -> int:
    micros = to_micros(at)
    return micros - micros % (width * MICROS)


def _ceil(micros: int, width: int) -> int:
    return -(-micros // (width * MICROS)) * width * MICROS


def bounds(since: datetime, until: datetime, narrowest: int | None = None) -> tuple[int, int]:
    """Return where the buckets of a stretch begin and end, in microseconds.

    ``narrowest`` is the width in seconds the stretch may begin with. Unless it is given, up to three hours begin with
    a minute and up to 36 with five; a longer stretch consists of whole hours, those of both its ends among them.
    """
    span = until - since
    if narrowest is None:
        narrowest = MINUTE if span <= MINUTES_UP_TO else FIVE_MINUTES if span <= FIVE_MINUTES_UP_TO else HOUR
    end = to_micros(until)
    return floor(since, narrowest), _ceil(end, HOUR) if narrowest >= HOUR else end


def cover(begin: int, end: int, widths: Sequence[int]) -> list[Part]:
    """Return the parts that cover a stretch once, ``widths`` ascending; the narrowest may reach over the end."""
    width, *_ = widths
    if len(widths) > 1:
        step = widths[-1] * MICROS
        first, last = -(-begin // step) * step, end - end % step
        if first < last:
            narrower = widths[:-1]
            return [*cover(begin, first, narrower), (widths[-1], first, last), *cover(last, end, narrower)]
        return cover(begin, end, widths[:-1])
    return [(width, begin, end)] if begin < end else []


def parts_of(begin: int, end: int, *, by_operation: bool = False) -> list[Part]:
    """Return the parts that cover a stretch of ``rollups`` and ``rollup_errors``.

    Whole vendors have five-minute buckets; where the stretch does not begin with one, or a short one does not end with
    one, and for operations, minutes.
    """
    if by_operation:
        return cover(begin, end, (MINUTE, HOUR, DAY))
    widths = (FIVE_MINUTES, HOUR, SIX_HOURS, DAY)
    five = FIVE_MINUTES * MICROS
    return cover(
        begin, end, (MINUTE, *widths) if begin % five or (end % five and end - begin <= HOUR * MICROS) else widths
    )


def within(
    table: Table, begin: int, end: int, *, vendor: str | None = None, by_operation: bool = False
) -> ColumnElement[bool]:
    """Return the condition that covers a stretch of ``rollups`` or ``rollup_errors`` once, of a vendor or of all."""
    operation = table.c.operation
    return _any_of(
        and_(
            in_part(table, part, vendor),
            operation != "" if by_operation or part[0] == MINUTE else operation == "",
        )
        for part in parts_of(begin, end, by_operation=by_operation)
    )


def within_hours(table: Table, begin: int, end: int, vendor: str) -> ColumnElement[bool]:
    """Return the condition that covers a stretch of a vendor once in a table of minutes and hours."""
    return _any_of(in_part(table, part, vendor) for part in cover(begin, end, (MINUTE, HOUR)))


def in_part(table: Table, part: Part, vendor: str | None = None) -> ColumnElement[bool]:
    """Return the condition of a part. The key has the vendor behind the start: a vendor's buckets are named one by one
    where they are not too many, so that nobody walks over all the other vendors' rows."""
    t, (width, first, end) = table.c, part
    if vendor is None:
        return and_(t.width == width, t.started_at >= first, t.started_at < end)
    if end - first > _FEW_STARTS * width * MICROS:
        return and_(t.width == width, t.started_at >= first, t.started_at < end, t.vendor == vendor)
    return and_(t.width == width, t.started_at.in_(list(range(first, end, width * MICROS))), t.vendor == vendor)


def _any_of(parts: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    return or_(False, *parts)


async def sums_of(
    connection: AsyncConnection,
    begin: int,
    end: int,
    *,
    vendor: str | None = None,
    by_operation: bool = False,
    with_bins: bool = True,
) -> dict[str, tuple[list[Any], Bins]]:
    """Return the sums (as ``ADDED_UP`` names them) and the histogram of a stretch, by vendor or by operation.

    Without ``with_bins`` the histograms are empty.
    """
    r = rollups.c
    key = r.operation if by_operation else r.vendor
    query = select(
        key, r.width, type_coerce(r.started_at, BigInteger), *(r[name] for name in ADDED_UP), r.histogram
    ).where(within(rollups, begin, end, vendor=vendor, by_operation=by_operation))
    found: dict[str, tuple[list[Any], Bins]] = {}
    unpacked: dict[int, set[Place]] = {}
    for name, width, start, *sums, histogram in (await connection.execute(query)).all():
        known = found.get(name)
        if known is None:
            known = found[name] = sums, {}
        else:
            known[0][:] = [a + b for a, b in zip(known[0], sums, strict=True)]
        if not with_bins or not sums[-1]:
            continue
        if histogram is None:
            unpacked.setdefault(width, set()).add((name, start))
        else:
            add_packed(known[1], histogram)
    for width, places in unpacked.items():
        if width == MINUTE:  # which are never packed
            rows = await _summed(connection, width, {start for _, start in places}, vendor, by_operation)
        else:
            histograms = await histograms_of(connection, width, places, vendor=vendor, by_operation=by_operation)
            rows = [(name, *bin) for (name, _), bins in histograms.items() for bin in bins.items()]
        for name, index, count in rows:
            mine = found[name][1]
            mine[index] = mine.get(index, 0) + count
    return found


async def _summed(
    connection: AsyncConnection, width: int, starts: set[int], vendor: str | None, by_operation: bool
) -> list[tuple[str, int, int]]:
    """Return the bins of all buckets that begin at ``starts``, added up: (vendor or operation, bin, count)."""
    b = rollup_bins.c
    name = b.operation if by_operation else b.vendor
    query = (
        select(name, b.bin, func.sum(b.count))
        .where(
            b.width == width,
            b.started_at.in_(sorted(starts)),
            b.operation != "" if by_operation or width == MINUTE else b.operation == "",
        )
        .group_by(name, b.bin)
    )
    if vendor is not None:
        query = query.where(b.vendor == vendor)
    return [(who, index, int(count)) for who, index, count in (await connection.execute(query)).all()]


async def histograms_of(
    connection: AsyncConnection,
    width: int,
    places: Iterable[Place],
    *,
    vendor: str | None = None,
    by_operation: bool = False,
) -> dict[Place, Bins]:
    """Return the histograms of buckets that have not been closed, by place: of vendors, or of one's operations.

    Up to the hour they are stored bin by bin; six hours and days are made of the hours in them.
    """
    wanted = set(places)
    inner = min(width, HOUR)
    starts = sorted({at for _, start in wanted for at in range(start, start + width * MICROS, inner * MICROS)})
    found: dict[Place, Bins] = {}
    for first in range(0, len(starts), _FEW_STARTS):
        some = starts[first : first + _FEW_STARTS]
        read = _from_hours if width > HOUR else _from_bins
        for (name, at), bins in (await read(connection, inner, some, vendor, by_operation)).items():
            place = name, at - at % (width * MICROS)
            if place not in wanted:
                continue
            mine = found.setdefault(place, {})
            for index, count in bins.items():
                mine[index] = mine.get(index, 0) + count
    return found


async def _from_bins(
    connection: AsyncConnection, width: int, starts: Sequence[int], vendor: str | None, by_operation: bool
) -> dict[Place, Bins]:
    b = rollup_bins.c
    name, start = b.operation if by_operation else b.vendor, type_coerce(b.started_at, BigInteger)
    query = select(name, start, b.bin, b.count).where(
        b.width == width,
        b.started_at.in_(starts),
        b.operation != "" if by_operation or width == MINUTE else b.operation == "",
    )
    if vendor is not None:
        query = query.where(b.vendor == vendor)
    found: dict[Place, Bins] = {}
    for who, at, index, count in (await connection.execute(query)).all():
        bins = found.setdefault((who, at), {})
        bins[index] = bins.get(index, 0) + count
    return found


async def _from_hours(
    connection: AsyncConnection, _width: int, starts: Sequence[int], vendor: str | None, by_operation: bool
) -> dict[Place, Bins]:
    r = rollups.c
    name, start = r.operation if by_operation else r.vendor, type_coerce(r.started_at, BigInteger)
    query = select(name, start, r.histogram).where(
        r.width == HOUR,
        r.started_at.in_(starts),
        r.operation != "" if by_operation else r.operation == "",
        r.duration > 0,
    )
    if vendor is not None:
        query = query.where(r.vendor == vendor)
    rows = (await connection.execute(query)).all()
    found = {(who, at): unpack(histogram) for who, at, histogram in rows if histogram is not None}
    still_open = {(who, at) for who, at, histogram in rows if histogram is None}
    if still_open:
        known = await _from_bins(connection, HOUR, sorted({at for _, at in still_open}), vendor, by_operation)
        found |= {place: bins for place, bins in known.items() if place in still_open}
    return found
