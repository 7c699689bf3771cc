"""Six hours and days: equal to the sum of their hours whatever arrives when, and made of them when upgraded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import BigInteger, Connection, delete, select, text, type_coerce

from db import rollups as queries
from db import schema
from db.closing import close_buckets
from db.engine import Database
from db.histogram import add_packed, merge, pack, quantiles, unpack
from db.retention import RetentionOptions, prune
from db.stretches import cover, parts_of
from db.sums import ADDED_UP, DAY, FIVE_MINUTES, HOUR, MINUTE, SIX_HOURS
from tests.conftest import NOON
from tests.records import call_facts, ended, micros, started, store, traffic

MIDNIGHT = NOON.replace(hour=0)
AT = micros(MIDNIGHT)
DAYS = timedelta(days=3)
SECOND = 1_000_000
Sums = dict[tuple[int, int, str, str], tuple[Any, ...]]


async def _three_days(db: Database, seed: int = 1) -> None:
    await store(db, traffic(AT, 600, seconds=3 * 86400, seed=seed, vendors=3))


async def _stored(db: Database, width: int) -> Sums:
    """Return sums and closed histogram by (start, vendor, operation)."""
    r = schema.rollups.c
    query = select(type_coerce(r.started_at, BigInteger), r.vendor, r.operation, *(r[n] for n in ADDED_UP), r.histogram)
    async with db.read() as connection:
        rows = (await connection.execute(query.where(r.width == width))).all()
    return {(width, *row[:3]): tuple(row[3:]) for row in rows}


def _added_up(hours: Sums, width: int, *, whole_vendors: bool) -> Sums:
    found: Sums = {}
    for (_, start, vendor, operation), (*sums, histogram) in hours.items():
        if whole_vendors and operation:
            continue
        key = (width, start - start % (width * SECOND), vendor, operation)
        known = found.get(key, (*[0] * len(ADDED_UP), {}))
        bins = merge([known[-1], unpack(histogram) if histogram else {}])
        found[key] = (*(a + b for a, b in zip(known[:-1], sums, strict=True)), bins)
    return found


async def _assert_wide_are_the_sum_of_their_hours(db: Database) -> None:
    hours = await _stored(db, HOUR)
    for width in (SIX_HOURS, DAY):
        expected = _added_up(hours, width, whole_vendors=width == SIX_HOURS)
        found = await _stored(db, width)
        assert set(found) == set(expected)
        for key, (*sums, histogram) in found.items():
            assert sums == pytest.approx(list(expected[key][:-1]))
            assert (unpack(histogram) if histogram else {}) == expected[key][-1]


async def test_closed_days_equal_the_sum_of_their_hours_and_so_they_do_after_late_arrivals(database: Database) -> None:
    await _three_days(database)
    await close_buckets(database, MIDNIGHT + DAYS, at_once=97, sleep=_no_pause)
    await _assert_wide_are_the_sum_of_their_hours(database)

    await _three_days(database, seed=2)
    late = await close_buckets(database, MIDNIGHT + DAYS, at_once=97, sleep=_no_pause)

    await _assert_wide_are_the_sum_of_their_hours(database)
    assert late > 100
    assert await close_buckets(database, MIDNIGHT + DAYS) == 0


async def _no_pause(_seconds: float) -> None:
    """Go on at once."""


async def test_a_late_arrival_opens_its_day_and_counts_at_once(database: Database) -> None:
    await store(database, [ended(started(call_facts(AT)), duration=0.5)])
    await close_buckets(database, MIDNIGHT + DAYS)
    await store(database, [ended(started(call_facts(AT + 5 * 3600 * SECOND)), duration=5.0)])

    found = await queries.totals(database, since=MIDNIGHT, until=MIDNIGHT + DAYS, vendor="fedex")
    (overview,) = await queries.overview(database, since=MIDNIGHT, until=MIDNIGHT + DAYS, width=DAY)

    assert found.attempts == 2
    assert found.p50 == found.p99 == pytest.approx(0.5, rel=0.01)
    assert overview.totals == found
    assert [bucket.attempts for bucket in overview.buckets] == [2]
    assert (
        await close_buckets(database, MIDNIGHT + DAYS) == 6
    )  # five minutes, and the hour and the day twice, and between


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
async def test_long_stretches_count_what_is_recorded(database: Database, closed: bool) -> None:
    await _three_days(database)
    if closed:
        await close_buckets(database, MIDNIGHT + DAYS)
    since, until = MIDNIGHT + timedelta(hours=5), MIDNIGHT + timedelta(hours=67)
    a = schema.attempts.c
    async with database.read() as connection:
        rows = (
            await connection.execute(
                select(a.vendor, a.operation, a.duration).where(a.started_at >= since, a.started_at < until)
            )
        ).all()

    every = await queries.totals(database, since=since, until=until)
    overview = await queries.overview(database, since=since, until=until, width=SIX_HOURS)
    operations = await queries.operations(database, "vendor_0", since=since, until=until)

    assert every.attempts == len(rows) == sum(one.totals.attempts for one in overview)
    mine = [row for row in rows if row.vendor == "vendor_0"]
    assert {name: one.attempts for name, one in operations.items() if one.attempts} == {
        name: sum(row.operation == name for row in mine) for name in {row.operation for row in mine}
    }
    ranked = sorted(row.duration for row in rows if row.duration is not None)
    assert every.p95 == pytest.approx(ranked[int(0.95 * (len(ranked) - 1))], rel=0.0101)
    for one in overview:
        alone = await queries.totals(database, since=since, until=until, vendor=one.vendor)
        assert alone == one.totals


async def test_an_upgrade_makes_the_days_of_the_hours(database: Database) -> None:
    await _three_days(database)
    await close_buckets(database, MIDNIGHT + DAYS)
    before = {width: await _stored(database, width) for width in (SIX_HOURS, DAY)}
    errors = await queries.errors(database, None, since=MIDNIGHT, until=MIDNIGHT + DAYS)

    async with database.write() as connection:
        await connection.run_sync(_to, "0018")
        assert await connection.scalar(text("SELECT count(*) FROM rollups WHERE width > 3600")) == 0
        await connection.run_sync(_to, "head")
    unclosed = await queries.totals(database, since=MIDNIGHT, until=MIDNIGHT + DAYS, vendor="vendor_1")
    await close_buckets(database, MIDNIGHT + DAYS, at_once=50, sleep=_no_pause)
    closed = await queries.totals(database, since=MIDNIGHT, until=MIDNIGHT + DAYS, vendor="vendor_1")

    for width, rows in before.items():
        after = await _stored(database, width)
        assert set(after) == set(rows)
        for key, (*sums, histogram) in after.items():
            assert sums == pytest.approx(list(rows[key][:-1]))
            assert histogram == rows[key][-1]
    assert unclosed == closed
    assert await queries.errors(database, None, since=MIDNIGHT, until=MIDNIGHT + DAYS) == errors


def _to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "db/migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    (command.upgrade if revision == "head" else command.downgrade)(config, revision)


async def test_a_day_goes_when_the_last_of_its_hours_has_gone(database: Database) -> None:
    await store(database, [ended(started(call_facts(AT + hour * 3600 * SECOND)), duration=0.5) for hour in range(24)])
    options = RetentionOptions(bodies=1, calls=400, minute_rollups=1, five_minute_rollups=1, hour_rollups=10, audit=400)

    left = {}
    for hours in (12, 25):
        await prune(database, options, MIDNIGHT + timedelta(days=10, hours=hours), pause=0.0)
        left[hours] = {width: len(await _stored(database, width)) for width in (HOUR, SIX_HOURS, DAY)}

    assert left[12][HOUR] == 24  # two for each: the operation and the whole
    assert left[12][DAY] == 2
    assert left[25] == {HOUR: 0, SIX_HOURS: 0, DAY: 0}


async def test_what_comes_again_after_it_was_deleted_counts_in_hours_and_day_alike(database: Database) -> None:
    await _three_days(database)
    async with database.write() as connection:
        for table in (schema.rollup_bins, schema.rollup_errors, schema.rollups):
            await connection.execute(delete(table).where(table.c.started_at < MIDNIGHT + timedelta(days=1)))

    await _three_days(database, seed=3)
    await close_buckets(database, MIDNIGHT + DAYS)

    await _assert_wide_are_the_sum_of_their_hours(database)


def _random_stretches() -> Iterator[tuple[int, int]]:
    chance = random.Random(3)
    for _ in range(300):
        begin = AT + chance.randrange(0, 5 * 86400, 60) * SECOND
        yield begin, begin + chance.randrange(1, 6 * 86400) * SECOND


def test_parts_cover_a_stretch_once_and_are_few() -> None:
    for by_operation in (False, True):
        for begin, end in _random_stretches():
            parts = sorted(parts_of(begin, end, by_operation=by_operation), key=lambda part: part[1])
            at = begin
            for width, first, last in parts:
                assert first == at
                assert first % (width * SECOND) == 0
                at = last
            assert at == end
            assert all(
                last % (width * SECOND) == 0 or (last == end and width <= FIVE_MINUTES) for width, _, last in parts
            )
            assert all((last - first) // (width * SECOND) < 48 for width, first, last in parts if HOUR <= width < DAY)


def test_month_is_covered_by_days() -> None:
    begin, end = AT + 7 * 3600 * SECOND, AT + (30 * 86400 + 9 * 3600) * SECOND

    assert cover(begin, end, (MINUTE, HOUR, SIX_HOURS, DAY)) == [
        (HOUR, begin, AT + 12 * 3600 * SECOND),
        (SIX_HOURS, AT + 12 * 3600 * SECOND, AT + 86400 * SECOND),
        (DAY, AT + 86400 * SECOND, AT + 30 * 86400 * SECOND),
        (SIX_HOURS, AT + 30 * 86400 * SECOND, AT + (30 * 86400 + 6 * 3600) * SECOND),
        (HOUR, AT + (30 * 86400 + 6 * 3600) * SECOND, end),
    ]


def test_packed_histogram_is_the_same_when_unpacked_and_adds_up() -> None:
    one, other = {-300: 2, 5: 1, 40: 3_000_000_000}, {5: 4}
    both = unpack(pack(other))
    add_packed(both, pack(one))

    assert unpack(pack(one)) == one
    assert unpack(pack({})) == {}
    assert both == merge([one, other])
    assert quantiles(both, (0.5,)) == quantiles(merge([one, other]), (0.5,))
