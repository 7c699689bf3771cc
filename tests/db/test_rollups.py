from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import BigInteger, select, type_coerce

from db import rollups as queries
from db import schema, spending
from db.batches import ATTEMPT_COLUMNS, CALL_COLUMNS, Batch
from db.closing import close_buckets
from db.engine import Database
from db.histogram import bin_of
from tests.conftest import NOON
from tests.records import call_ended, call_facts, ended, micros, started, store, traffic

AT = micros(NOON)
HOUR = timedelta(hours=1)


def _named(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _recounted(batch: Batch) -> dict[tuple[Any, ...], Counter[str]]:
    """Count rows the slow way: (width, start, vendor, operation) -> sums."""
    counts: dict[tuple[Any, ...], Counter[str]] = {}

    def add(row: dict[str, Any], **sums: float) -> None:
        mine = row["operation"]
        for width, operation in (
            (60, mine),
            (300, ""),
            (3600, ""),
            (3600, mine),
            (21600, ""),
            (86400, ""),
            (86400, mine),
        ):
            start = row["started_at"] // (width * 1_000_000) * width * 1_000_000
            counter = counts.setdefault((width, start, row["vendor"], operation), Counter())
            for name, value in sums.items():
                counter[name] += value  # type: ignore[assignment]

    for row in _named(CALL_COLUMNS, batch.calls):
        add(
            row,
            calls=1,
            calls_failed=row["outcome"] in ("error", "unknown"),
            calls_refused=row["outcome"] == "refused",
            throttle_wait=row["throttle_wait"],
        )
    for row in _named(ATTEMPT_COLUMNS, batch.attempts):
        add(
            row,
            attempts=1,
            attempts_failed=row["error_type"] is not None,
            retries=row["number"] > 1,
            duration=row["duration"] or 0.0,
        )
    return counts


async def test_rollups_equal_a_recount_of_the_rows(database: Database) -> None:
    batches = [
        await store(database, traffic(AT, 400, seconds=5400, seed=1)),
        await store(database, traffic(AT, 300, seconds=5400, seed=2)),
    ]
    expected = _recounted(
        Batch(
            calls=[row for batch in batches for row in batch.calls],
            attempts=[row for batch in batches for row in batch.attempts],
        )
    )

    table = schema.rollups
    query = select(table, type_coerce(table.c.started_at, BigInteger).label("start"))
    async with database.read() as connection:
        rows = (await connection.execute(query)).all()

    assert {(row.width, row.start, row.vendor, row.operation) for row in rows} == set(expected)
    for row in rows:
        counter = expected[row.width, row.start, row.vendor, row.operation]
        for name in ("calls", "calls_failed", "calls_refused", "attempts", "attempts_failed", "retries"):
            assert row._mapping[name] == counter[name]
        assert row.duration == pytest.approx(counter["duration"])
        assert row.throttle_wait == pytest.approx(counter["throttle_wait"])


async def test_bins_and_spend_hold_every_attempt(database: Database) -> None:
    batch = await store(database, traffic(AT, 300, seconds=600))
    attempts = _named(ATTEMPT_COLUMNS, batch.attempts)

    async with database.read() as connection:
        bins = (await connection.execute(select(schema.rollup_bins))).all()
        spent = await spending.spend(database, "vendor_0", since=NOON, until=NOON + HOUR)

    by_bin = Counter(bin_of(row["duration"]) for row in attempts)
    for width in (60, 300):
        found: Counter[int] = Counter()
        for row in bins:
            if row.width == width:
                found[row.bin] += row._mapping["count"]
        assert found == by_bin
    mine = [row for row in attempts if row["vendor"] == "vendor_0"]
    assert sum(one.attempts for one in spent) == len(mine)
    assert sum(one.retries for one in spent) == sum(row["number"] > 1 for row in mine)


async def test_totals_and_overview_agree_over_hours_and_edges(database: Database) -> None:
    await store(database, traffic(AT - 3_600_000_000 * 3, 900, seconds=4 * 3600))
    since, until = NOON - timedelta(hours=2, minutes=35), NOON + timedelta(minutes=40)

    found = await queries.overview(database, since=since, until=until)
    every = await queries.totals(database, since=since, until=until)

    assert [one.vendor for one in found] == [f"vendor_{number}" for number in range(6)]
    assert sum(one.totals.calls for one in found) == every.calls
    for one in found:
        single = await queries.totals(database, since=since, until=until, vendor=one.vendor)
        assert (single.calls, single.attempts, single.attempts_failed, single.p95) == (
            one.totals.calls,
            one.totals.attempts,
            one.totals.attempts_failed,
            one.totals.p95,
        )
        assert sum(bucket.attempts for bucket in one.buckets) == one.totals.attempts
        assert all(bucket.p95 is not None for bucket in one.buckets if bucket.attempts)


async def test_p95_of_an_open_bucket_is_within_one_percent(database: Database) -> None:
    facts = [ended(started(call_facts(AT)), duration=number / 100) for number in range(1, 101)]
    await store(database, facts)

    (found,) = await queries.overview(database, since=NOON, until=NOON + HOUR)

    assert found.buckets[0].p95 == pytest.approx(0.95, rel=0.02)
    assert found.totals.p50 == pytest.approx(0.50, rel=0.02)


async def test_closed_bucket_keeps_its_quantiles_until_something_late_arrives(database: Database) -> None:
    await store(database, [ended(started(call_facts(AT)), duration=0.5)])
    early = await close_buckets(database, NOON + timedelta(minutes=4))
    closed = await close_buckets(database, NOON + timedelta(minutes=5))
    again = await close_buckets(database, NOON + timedelta(minutes=5))
    await store(database, [ended(started(call_facts(AT)), duration=5.0)])
    reopened = await close_buckets(database, NOON + timedelta(minutes=6))

    (found,) = await queries.overview(database, since=NOON, until=NOON + HOUR)

    assert (early, closed, again, reopened) == (0, 1, 0, 1)
    assert found.buckets[0].p99 == pytest.approx(0.5, rel=0.01)
    async with database.read() as connection:
        stored = await connection.scalar(select(schema.rollups.c.p50).where(schema.rollups.c.width == 300))
    assert stored is not None
    assert math.isclose(stored, 0.5, rel_tol=0.01)


@pytest.mark.parametrize(("hours", "width"), [(2, 60), (24, 300), (72, 3600)])
async def test_series_picks_its_width_by_the_span(database: Database, hours: int, width: int) -> None:
    await store(database, traffic(AT, 200, seconds=3600, vendors=1))
    since, until = NOON, NOON + timedelta(hours=hours)

    found = await queries.series(database, "vendor_0", since=since, until=until)
    every = await queries.totals(database, since=since, until=until)

    assert found.width == width
    assert len(found.calls) == len(found.p95) == hours * 3600 // width
    assert sum(found.calls) == every.calls == 200
    assert sum(found.failed) == every.calls_failed
    assert sum(map(sum, found.errors.values())) == every.calls_failed
    assert all((p95 is None) == (attempts == 0) for p95, attempts in zip(found.p95, found.attempts, strict=True))


async def test_series_takes_wider_buckets_where_the_minutes_are_gone(database: Database) -> None:
    await store(database, traffic(AT, 50, seconds=3600, vendors=1))
    async with database.write() as connection:
        await connection.execute(schema.rollups.delete().where(schema.rollups.c.width == 60))

    found = await queries.series(database, "vendor_0", since=NOON, until=NOON + timedelta(hours=2))

    assert (found.width, sum(found.calls)) == (300, 50)


async def test_refused_calls_are_errors_apart(database: Database) -> None:
    call = call_facts(AT)
    await store(database, [call_ended(call, outcome="refused", error_type="circuit_open", fault="theirs", attempts=0)])
    until = NOON + HOUR

    (error,) = await queries.errors(database, "fedex", since=NOON, until=until)
    series = await queries.series(database, "fedex", since=NOON, until=until)

    assert (error.error_type, error.fault, error.calls) == ("circuit_open", "refused", 1)
    assert (sum(series.failed), sum(series.refused), series.errors) == (0, 1, {})


async def test_operations_show_steps_beside_operations(database: Database) -> None:
    call = call_facts(AT)
    sign_in = ended(started(call, operation="sign_in"), duration=0.1)
    await store(database, [sign_in, ended(started(call), duration=0.4), call_ended(call)])

    found = await queries.operations(database, "fedex", since=NOON - HOUR * 3, until=NOON + HOUR * 3)

    assert {name: (one.calls, one.attempts) for name, one in found.items()} == {
        "quote_rates": (1, 1),
        "sign_in": (0, 1),
    }
    assert found["sign_in"].p95 == pytest.approx(0.1, rel=0.01)


async def test_minutes_of_the_overview_are_the_sums_over_operations(database: Database) -> None:
    await store(database, traffic(AT, 400, seconds=3600, seed=1))

    fine = await queries.overview(database, since=NOON, until=NOON + HOUR, width=60)
    coarse = await queries.overview(database, since=NOON, until=NOON + HOUR, width=300)

    assert [one.vendor for one in fine] == [one.vendor for one in coarse]
    for by_minute, by_five in zip(fine, coarse, strict=True):
        assert by_minute.totals.calls == by_five.totals.calls
        assert sum(one.attempts for one in by_minute.buckets) == sum(one.attempts for one in by_five.buckets)
        assert all(one.p95 is not None for one in by_minute.buckets if one.attempts)
