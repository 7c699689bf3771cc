"""Who spent a quota, and how long each lane waited: against a recount of the attempts, and at a day's size."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import ClauseElement, Connection, select, text

from db import schema, spending
from db.engine import Database
from db.spending import LaneWaits
from db.statements import upsert_statement, write_rows
from db.sums import Row
from tests.conftest import NOON
from tests.records import call_ended, call_facts, ended, micros, started, store, traffic

AT = micros(NOON)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SOURCES = (("sync", "batch"), ("api", "interactive"), ("demo", "interactive"))


def attempt(at: datetime, wait: float = 0.0, priority: str = "batch", trigger: str = "sync", number: int = 1) -> Any:
    call = call_facts(micros(at), priority=priority, trigger=trigger)
    return ended(started(call, number=number, throttle_wait=wait))


async def test_sources_sum_to_every_attempt_whatever_the_stretch(database: Database) -> None:
    await store(database, traffic(AT - 3 * 3_600_000_000, 900, seconds=4 * 3600, vendors=1))
    c = schema.attempts.c

    for before, after in ((25, 40), (185, 5), (60, 60), (179, -61)):
        since, until = NOON - before * MINUTE, NOON + after * MINUTE
        found = await spending.spend(database, "vendor_0", since=since, until=until)
        async with database.read() as connection:
            query = select(c.trigger, c.priority, c.number).where(c.started_at >= since, c.started_at < until)
            rows = (await connection.execute(query)).all()

        assert {(one.trigger, one.priority): (one.attempts, one.retries) for one in found} == {
            key: (
                sum((row.trigger, row.priority) == key for row in rows),
                sum((row.trigger, row.priority) == key and row.number > 1 for row in rows),
            )
            for key in {(row.trigger, row.priority) for row in rows}
        }


async def test_waits_are_told_apart_by_lane_within_one_percent(database: Database) -> None:
    waits = [number / 10 for number in range(1, 101)]
    facts = [attempt(NOON + number * MINUTE, wait) for number, wait in enumerate(waits)]
    await store(database, [*facts, *(attempt(NOON, 0.0, "interactive", "api") for _ in range(20))])

    interactive, batch = await spending.lane_waits(database, "fedex", since=NOON, until=NOON + 2 * HOUR)

    assert (interactive.priority, interactive.attempts, batch.priority, batch.attempts) == (
        "interactive",
        20,
        "batch",
        100,
    )
    assert interactive.p95 == pytest.approx(0.0, abs=0.00001)
    for found, share in ((batch.p50, 0.5), (batch.p95, 0.95)):
        assert found == pytest.approx(waits[int(share * 99)], rel=0.0101)


async def test_a_call_we_refused_spent_nothing(database: Database) -> None:
    await store(database, [call_ended(call_facts(AT), outcome="refused", error_type="no_permit", attempts=0)])

    assert await spending.spend(database, "fedex", since=NOON, until=NOON + HOUR) == []
    assert await spending.lane_waits(database, "fedex", since=NOON, until=NOON + HOUR) == [
        LaneWaits(priority="interactive", attempts=0, p50=None, p95=None),
        LaneWaits(priority="batch", attempts=0, p50=None, p95=None),
    ]


async def test_a_long_stretch_is_read_from_hours_when_the_minutes_have_gone(database: Database) -> None:
    long_ago = NOON - timedelta(days=60)
    await store(database, [attempt(long_ago + number * MINUTE, 2.0) for number in range(90)])
    async with database.write() as connection:
        for table in (schema.spend, schema.wait_bins):
            await connection.execute(table.delete().where(table.c.width == 60))

    stretch = {"since": long_ago - timedelta(days=1, minutes=7), "until": long_ago + timedelta(days=1, minutes=3)}
    (found,) = await spending.spend(database, "fedex", **stretch)
    _, batch = await spending.lane_waits(database, "fedex", **stretch)

    assert (found.attempts, batch.attempts) == (90, 90)


def a_day() -> tuple[list[Row], list[Row]]:
    """Return rows of spend and of waits as a day of a million attempts leaves them."""
    spent: list[Row] = []
    waits: list[Row] = []
    for width, count in ((60, 1440), (3600, 24)):
        for at in range(AT - count * width * 1_000_000, AT, width * 1_000_000):
            for vendor in (f"vendor_{number:02d}" for number in range(9)):
                spent += [(width, at, vendor, trigger, lane, 26 * width // 60, 1) for trigger, lane in SOURCES]
                waits += [(width, at, vendor, lane, 40 * bin - 600, 2) for lane in spending.LANES for bin in range(8)]
    return spent, waits


async def fill(database: Database) -> None:
    spent, waits = a_day()
    async with database.write() as connection:
        await write_rows(connection, upsert_statement(schema.spend), spent)
        await write_rows(connection, upsert_statement(schema.wait_bins), waits)
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))


async def plan_of(database: Database, query: ClauseElement) -> str:
    compiled = query.compile(dialect=database.engine.dialect, compile_kwargs={"literal_binds": True})
    async with database.read() as connection:
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        return "\n".join(str(tuple(row)) for row in await connection.execute(text(f"{explain} {compiled}")))


async def test_a_days_questions_are_ranges_of_an_index(database: Database) -> None:
    await fill(database)
    since = NOON - timedelta(hours=23, minutes=37)

    for query in (spending.spend_query, spending.waits_query):
        plan = await plan_of(database, query("vendor_03", since, NOON - 11 * MINUTE))

        assert "SCAN " not in plan, plan  # SQLite's word for reading the whole table
        assert "Seq Scan" not in plan, plan  # and Postgres'


async def test_minutes_of_an_older_version_are_kept_and_summed_by_the_hour(database: Database) -> None:
    def moved(connection: Connection, where: str) -> None:
        config = Config()
        config.set_main_option("script_location", "db:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        (command.downgrade if where == "0006" else command.upgrade)(config, where)

    await store(database, [attempt(NOON + number * MINUTE, trigger="api") for number in range(90)])
    before = await spending.spend(database, "fedex", since=NOON, until=NOON + 2 * HOUR)
    async with database.write() as connection:
        await connection.run_sync(moved, "0006")
        await connection.run_sync(moved, "head")

    assert await spending.spend(database, "fedex", since=NOON, until=NOON + 2 * HOUR) == before
    async with database.read() as connection:
        rows = (await connection.execute(select(schema.spend).where(schema.spend.c.width == 3600))).all()
    assert sorted(row.attempts for row in rows) == [30, 60]
