"""The map of durations against a recount of the attempts themselves."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from db import schema
from db.closing import close_buckets
from db.columns import to_micros
from db.engine import Database
from db.heat import BINS, edges, heat, width_of
from db.histogram import bin_of
from tests.conftest import NOON
from tests.records import micros, store, traffic


@pytest.mark.parametrize("hours", [1, 4, 40, 190, 720])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
async def test_every_attempt_is_in_its_bucket_and_band(database: Database, hours: int, closed: bool) -> None:
    await store(database, traffic(micros(NOON - timedelta(hours=hours)), 400, seconds=hours * 3600, vendors=2))
    if closed:
        await close_buckets(database, NOON)
    found = await heat(database, "vendor_0", since=NOON - timedelta(hours=hours), until=NOON)
    a = schema.attempts.c
    async with database.read() as connection:
        rows = (
            await connection.execute(
                select(a.started_at, a.duration).where(
                    a.vendor == "vendor_0", a.started_at >= found.start, a.started_at < NOON
                )
            )
        ).all()
    start = to_micros(found.start)
    counted = Counter(
        ((to_micros(at) - start) // (found.width * 1_000_000), bin_of(duration) // BINS) for at, duration in rows
    )

    assert found.counts == counted
    assert max(place for place, _band in found.counts) < found.buckets <= 121


def test_bands_follow_each_other_by_the_root_of_two() -> None:
    low, high = edges(-3)

    assert high / low == pytest.approx(2**0.5, rel=0.02)
    assert edges(-2)[0] == high


def test_a_span_is_read_from_what_is_kept_for_it_and_shown_in_few_columns() -> None:
    assert width_of(timedelta(hours=1)) == (60, 60)
    assert width_of(timedelta(hours=24)) == (300, 900)
    assert width_of(timedelta(days=30)) == (21600, 21600)
