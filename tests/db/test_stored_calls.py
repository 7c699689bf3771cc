"""The generated month that benchmarks and page figures stand on is one the product itself could have written."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from db import rollups, schema
from db.engine import Database
from tests.benchmarks.stored_calls import fill
from tests.conftest import NOON


async def test_generated_rollups_sum_to_the_generated_calls(database: Database) -> None:
    await fill(database, calls=3000, days=4, now=NOON)

    found = await rollups.overview(database, since=NOON - timedelta(days=4), until=NOON, width=3600)
    async with database.read() as connection:
        stored = await connection.scalar(select(func.count()).select_from(schema.calls))
        failed = await connection.scalar(
            select(func.count()).select_from(schema.calls).where(schema.calls.c.outcome.in_(("error", "unknown")))
        )
        inputs = await connection.scalar(select(func.count()).select_from(schema.inputs))

    assert stored == 3000
    assert sum(one.totals.calls for one in found) == 3000
    assert sum(one.totals.calls_failed for one in found) == failed
    assert inputs is not None
    assert 0 < inputs < 120
    assert len(found) == 27
