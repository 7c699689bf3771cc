"""What a trace began with, and how far it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from db import calls, placements, replays, run_history, runs, traces
from db.engine import Database
from db.placements import Placement
from db.replays import Replay
from tests.conftest import NOON
from tests.records import call_ended, call_facts, ended, micros, started, store

AT = micros(NOON)

ORDER = Placement(
    reference="W-1",
    key="k",
    input_hash="h",
    attempt=1,
    state="placed",
    steps={"payment": {"state": "done"}},
    papers={"name": "Jane Doe"},
    currency="EUR",
    correlation_id="basket-1",
    asked_by="token:shop",
    created_at=NOON,
    changed_at=NOON,
)


async def test_an_order_a_run_and_a_replay_are_what_their_calls_began_with(database: Database) -> None:
    await placements.begin(database, ORDER)
    run = await runs.claim_slot(database, "orders", scheduled_at=NOON, now=NOON, schedule=None)
    assert run is not None
    new = Replay(
        id="a" * 32,
        created_at=NOON,
        created_by="ada",
        reason="It is over",
        wanted={},
        state="running",
        total=0,
        changed_by=None,
        finished_at=None,
    )
    await replays.create(database, new, [])

    (order,) = await traces.beginnings(database, "basket-1")
    (by_id,) = await traces.beginnings(database, "another", {run.id})
    (by_correlation,) = await traces.beginnings(database, run.correlation_id)
    (replay,) = await traces.beginnings(database, "a" * 32)

    assert (order.kind, order.id, order.until, order.by) == ("order", "W-1", None, "token:shop")
    assert order.steps == {"payment": {"state": "done"}}
    assert (by_id.kind, by_id.name, by_id.state) == ("run", "orders", "queued")
    assert by_id == by_correlation
    assert (replay.kind, replay.by, replay.why) == ("replay", "ada", "It is over")
    assert await traces.beginnings(database, "nobody") == []


async def test_an_order_that_is_at_its_end_has_one(database: Database) -> None:
    await placements.begin(database, replace(ORDER, state="complete"))

    assert (await traces.beginnings(database, "basket-1"))[0].until == NOON


async def test_a_reference_or_a_runs_id_leads_to_its_trace(database: Database) -> None:
    await placements.begin(database, ORDER)
    run = await runs.claim_slot(database, "orders", scheduled_at=NOON, now=NOON, schedule=None)
    assert run is not None

    assert [(one.kind, one.name) for one in await traces.traces_of(database, "W-1")] == [("order", "basket-1")]
    assert [one.name for one in await traces.traces_of(database, run.id)] == [run.correlation_id]
    assert await traces.traces_of(database, "basket-1") == []
    assert await run_history.get(database, run.id) is not None


async def test_the_extent_changes_with_whatever_comes(database: Database) -> None:
    facts = call_facts(AT, correlation_id="t")
    await store(database, [ended(started(facts))])
    begun = await traces.extent(database, "t")
    await store(database, [call_ended(facts)])

    assert (begun.calls, begun.attempts) == (0, 1)
    assert (await traces.extent(database, "t")).calls == 1


async def test_one_call_of_a_trace_comes_with_its_bodies(database: Database) -> None:
    facts = call_facts(AT, correlation_id="t")
    await store(database, [ended(started(facts), request_body='{"a":1}'), call_ended(facts)])

    found = await calls.one(database, "t", facts.call_id)
    outline, light, _ = await calls.trace(database, "t", with_bodies=False)

    assert found is not None
    assert [one.request for one in found.sent] == ['{"a":1}']
    assert await calls.one(database, "other", facts.call_id) is None
    assert (outline[0].id, [one.request for one in light]) == (facts.call_id, [None])


@pytest.mark.parametrize("table", ["placements", "sync_runs"])
async def test_what_it_began_with_is_found_by_an_index(database: Database, table: str) -> None:
    async with database.read() as connection:
        if not database.is_sqlite:  # its planner would scan a table of a few rows
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        how = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        query = f"{how} SELECT * FROM {table} WHERE correlation_id = 't'"
        plan = str((await connection.execute(text(query))).all())

    assert f"ix_{table}_correlation_id" in plan
