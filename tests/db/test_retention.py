from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select, text

from db import placements, schema
from db.columns import to_micros
from db.commands import migrate_command, prune_command
from db.engine import Database, open_database
from db.migrate import migrate
from db.partitions import ensure_partitions
from db.retention import RetentionOptions, prune
from db.sealed import Seal
from db.sqlite_file import shrink
from tests.conftest import NOON, MovableClock
from tests.db.test_migrate import REVISION

OPTIONS = RetentionOptions()
DAY = timedelta(days=1)


def filled(table: Table, **values: Any) -> dict[str, Any]:
    """Return a row: what the table insists on and ``values`` do not say is empty."""
    row = dict(values)
    for column in table.columns:
        if column.name in row or column.nullable:
            continue
        kind = column.type.python_type
        if column.type.__class__.__name__ == "UtcTime":
            row[column.name] = NOON
        elif column.type.__class__.__name__ == "JSON":
            row[column.name] = {}
        elif column.type.__class__.__name__ == "Sealed":
            row[column.name] = "gAAAA"
        else:
            row[column.name] = kind() if kind is not type(None) else ""
    return row


async def put(db: Database, table: Table, *rows: dict[str, Any]) -> None:
    async with db.write() as connection:
        await connection.execute(insert(table), [filled(table, **row) for row in rows])


async def left(db: Database, table: Table, column: str) -> list[Any]:
    async with db.read() as connection:
        return sorted((await connection.execute(select(table.c[column]))).scalars())


async def count(db: Database, table: Table) -> int:
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


def days_ago(*days: float) -> Iterable[datetime]:
    return [NOON - DAY * number for number in days]


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"bodies": 0}, "retention.bodies is 0; give a number of days from 0.05 to 3650"),
        ({"calls": "30"}, "retention.calls is '30'; give a number of days from 0.05 to 3650"),
        ({"audit": True}, "retention.audit is True; give a number of days from 0.05 to 3650"),
        ({"incidents": float("nan")}, "retention.incidents is nan; give a number of days from 0.05 to 3650"),
        (
            {"bodies": 40},
            "retention.calls is 30 and retention.bodies is 40; give calls at least 40 days, or bodies at most 30",
        ),
        (
            {"minute_rollups": 60},
            "retention.five_minute_rollups is 35 and retention.minute_rollups is 60; "
            "give five_minute_rollups at least 60 days, or minute_rollups at most 35",
        ),
    ],
)
def test_nonsense_is_refused_with_the_remedy(values: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared below
        RetentionOptions(**values)

    assert str(caught.value) == remedy


async def test_bodies_go_before_their_calls(database: Database, clock: MovableClock) -> None:
    for number, at in enumerate(days_ago(0, 2, 10, 20, 45)):
        await put(database, schema.calls, {"started_at": at, "id": f"c{number}"})
        await put(database, schema.attempts, {"started_at": at, "id": f"a{number}"})
        await put(database, schema.bodies, {"started_at": at, "attempt_id": f"a{number}", "request": "x"})
        await put(database, schema.inputs, {"started_at": at, "call_id": f"c{number}"})

    gone = await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.bodies, "attempt_id") == ["a0", "a1"]
    assert await left(database, schema.inputs, "call_id") == ["c0", "c1"]
    assert await left(database, schema.attempts, "id") == ["a0", "a1", "a2", "a3"]
    assert await left(database, schema.calls, "id") == ["c0", "c1", "c2", "c3"]
    assert {name: gone[name] for name in ("bodies", "inputs", "attempts", "calls")} == {
        "bodies": 3,
        "inputs": 3,
        "attempts": 1,
        "calls": 1,
    }


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_whole_days_are_dropped_on_postgres(database: Database, clock: MovableClock) -> None:
    old = NOON - 40 * DAY
    await ensure_partitions(database, old)
    await put(database, schema.calls, {"started_at": old, "id": "old"}, {"started_at": NOON, "id": "new"})

    gone = await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.calls, "id") == ["new"]
    assert gone["calls_days"] == 9  # the day before `old` to the seventh after it, all over 30 days ago
    assert "calls" not in gone


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_day_that_is_being_read_is_dropped_the_next_time(database: Database, clock: MovableClock) -> None:
    old = NOON - 40 * DAY
    await ensure_partitions(database, old)
    async with database.read() as reader:
        await reader.execute(select(schema.bodies))

        gone = await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert "bodies_days" not in gone
    assert (await prune(database, OPTIONS, NOON, sleep=clock.sleep))["bodies_days"] == 9


async def test_rollups_go_by_their_width(database: Database, clock: MovableClock) -> None:
    rows = [
        {"width": width, "started_at": NOON - DAY * age, "vendor": "acme", "operation": "", "error_type": "x"}
        for width, kept in ((60, 7), (300, 35), (3600, 400))
        for age in (kept - 1, kept + 1)
    ]
    for table in (schema.rollups, schema.rollup_errors, schema.rollup_bins):
        await put(database, table, *({k: v for k, v in row.items() if k in table.c} for row in rows))

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    for table in (schema.rollups, schema.rollup_errors, schema.rollup_bins):
        async with database.read() as connection:
            found = (await connection.execute(select(table.c.width, table.c.started_at))).all()
        assert sorted((width, (NOON - at).days) for width, at in found) == [(60, 6), (300, 34), (3600, 399)]


async def test_the_newest_run_that_succeeded_is_kept(database: Database, clock: MovableClock) -> None:
    kinds = [("success", 200), ("success", 150), ("error", 140), ("error", 10)]
    for number, (outcome, age) in enumerate(kinds):
        await put(
            database,
            schema.sync_runs,
            {
                "id": f"r{number}",
                "sync": "inventory",
                "state": "finished",
                "outcome": outcome,
                "scheduled_at": NOON - DAY * age,
            },
        )
    await put(database, schema.sync_runs, {"id": "r9", "state": "running", "scheduled_at": NOON - DAY * 300})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.sync_runs, "id") == ["r1", "r3", "r9"]


async def test_dead_letters_nobody_dealt_with_are_kept(database: Database, clock: MovableClock) -> None:
    long_ago = NOON - DAY * 300
    await put(database, schema.dead_letters, {"id": "open", "created_at": long_ago})
    await put(database, schema.dead_letters, {"id": "dealt with", "created_at": long_ago, "resolved_at": long_ago})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.dead_letters, "id") == ["open"]


async def test_keys_go_when_they_expire_unless_unknown_or_found_to_have_happened(
    database: Database, clock: MovableClock
) -> None:
    over, ahead = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
    for state in ("claimed", "done", "failed", "unknown"):
        await put(database, schema.keys, {"key": f"{state} over", "state": state, "expires_at": over})
        await put(database, schema.keys, {"key": f"{state} ahead", "state": state, "expires_at": ahead})
    for found in ("happened", "did_not_happen"):
        settled = {"state": "settled", "found": found}
        await put(database, schema.keys, settled | {"key": f"{found} over", "expires_at": over})
        await put(database, schema.keys, settled | {"key": f"{found} ahead", "expires_at": ahead})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert [key for key in await left(database, schema.keys, "key") if key.endswith("over")] == [
        "claimed over",
        "happened over",
        "unknown over",
    ]
    assert await count(database, schema.keys) == 9


async def test_an_incident_goes_with_its_notices_once_it_is_resolved(database: Database, clock: MovableClock) -> None:
    old = NOON - DAY * 500
    await put(database, schema.incidents, {"id": "open", "state": "firing", "started_at": old})
    await put(database, schema.incidents, {"id": "over", "state": "resolved", "started_at": old, "resolved_at": old})
    await put(database, schema.notices, {"incident_id": "open"}, {"incident_id": "over"})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.incidents, "id") == ["open"]
    assert await left(database, schema.notices, "incident_id") == ["open"]


async def test_the_newest_rates_of_each_base_are_kept(database: Database, clock: MovableClock) -> None:
    for base, age in (("USD", 600), ("USD", 500), ("EUR", 700), ("EUR", 1)):
        await put(database, schema.rate_snapshots, {"id": f"{base}{age}", "base": base, "fetched_at": NOON - DAY * age})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.rate_snapshots, "id") == ["EUR1", "USD500"]


async def test_sessions_samples_and_trails_go_at_their_time(database: Database, clock: MovableClock) -> None:
    over, ahead = NOON - timedelta(hours=2), NOON + timedelta(hours=2)
    await put(database, schema.user_sessions, {"id": "over", "expires_at": over}, {"id": "ahead", "expires_at": ahead})
    await put(database, schema.login_links, {"id": "over", "expires_at": over}, {"id": "ahead", "expires_at": ahead})
    samples = [{"name": name, "second": int(at.timestamp())} for name, at in (("over", over), ("ahead", NOON))]
    await put(database, schema.circuit_samples, *samples)
    for table in (schema.audit, schema.circuit_transitions):
        await put(database, table, {"id": "over", "at": NOON - DAY * 401}, {"id": "ahead", "at": NOON - DAY * 399})
    await put(database, schema.answers, {"vendor": "a", "at": NOON - DAY * 31}, {"vendor": "b", "at": NOON - DAY * 29})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.user_sessions, "id") == ["ahead"]
    assert await left(database, schema.login_links, "id") == ["ahead"]
    assert await left(database, schema.circuit_samples, "name") == ["ahead"]
    assert await left(database, schema.audit, "id") == ["ahead"]
    assert await left(database, schema.circuit_transitions, "id") == ["ahead"]
    assert await left(database, schema.answers, "vendor") == ["b"]


async def test_orders_stock_and_errands_are_never_pruned(database: Database, clock: MovableClock) -> None:
    old = NOON - DAY * 3000
    await put(database, schema.orders, {"reference": "o", "placed_at": old, "changed_at": old})
    await put(database, schema.stock, {"sku": "s", "changed_at": old})
    await put(database, schema.outbox, {"id": "e", "created_at": old, "due_at": old, "done_at": old, "state": "done"})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert [await count(database, table) for table in (schema.orders, schema.stock, schema.outbox)] == [1, 1, 1]


async def test_rows_go_in_batches_with_a_pause_after_each(database: Database) -> None:
    rows = [{"id": str(number), "at": NOON - DAY * 500 + timedelta(seconds=number // 3)} for number in range(100)]
    await put(database, schema.audit, *rows)
    seen = [100]
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        seen.append(await count(database, schema.audit))

    gone = await prune(database, OPTIONS, NOON, batch=10, pause=0.25, sleep=sleep)

    assert gone == {"audit": 100}
    assert max(before - after for before, after in pairwise(seen)) <= 12
    assert set(pauses) == {0.25}
    assert len(pauses) >= 8


async def test_nothing_over_changes_nothing(database: Database, clock: MovableClock) -> None:
    assert await prune(database, OPTIONS, NOON, sleep=clock.sleep) == {}


async def test_prune_command_tells_what_went_and_makes_the_coming_days(database: Database) -> None:
    now = NOON + 20 * DAY
    await put(database, schema.audit, {"id": "old", "at": NOON - 500 * DAY})

    assert (await prune_command(database, OPTIONS, now))["deleted"]["audit"] == 1

    await put(database, schema.calls, {"id": "new", "started_at": now})
    if not database.is_sqlite:
        async with database.read() as connection:
            partition = await connection.scalar(text("SELECT tableoid::regclass::text FROM calls"))
        assert partition == f"calls_d{now:%Y%m%d}"


async def test_migrate_command_tells_the_database_and_its_revision(database: Database) -> None:
    assert await migrate_command(database) == {"database": database.dialect, "revision": REVISION}


@pytest.fixture
async def big(tmp_path: Path, seal: Seal) -> Database:
    """A SQLite database of a few MB that is over, still with its log."""
    db = open_database(f"sqlite:///{tmp_path}/quayside.db", seal)
    await migrate(db)
    body = "x" * 4000
    for part in range(4):
        await put(
            db,
            schema.bodies,
            *(
                {"started_at": to_micros(NOON - 9 * DAY) + n, "attempt_id": f"{part}-{n}", "response": body}
                for n in range(500)
            ),
        )
    return db


async def test_sqlite_file_and_log_shrink(big: Database, tmp_path: Path, clock: MovableClock) -> None:
    file, log = tmp_path / "quayside.db", tmp_path / "quayside.db-wal"
    await shrink(big, pause=0.0, sleep=clock.sleep)
    before = file.stat().st_size

    gone = await prune(big, OPTIONS, NOON, sleep=clock.sleep)

    assert gone["bodies"] == 2000
    assert file.stat().st_size == before - gone["file_bytes"]
    assert file.stat().st_size < before / 4
    assert log.stat().st_size == 0
    await big.close()


async def test_a_reader_keeps_the_log_but_stops_nothing(big: Database, clock: MovableClock) -> None:
    async with big.read() as reader:
        await reader.execute(select(schema.bodies).limit(1))

        gone = await prune(big, OPTIONS, NOON, sleep=clock.sleep)

        assert gone["bodies"] == 2000
    async with big.read() as connection:
        assert await connection.scalar(text("PRAGMA busy_timeout")) == 30_000
    await big.close()


async def test_writers_go_on_while_sqlite_is_pruned(big: Database) -> None:
    waits = []
    pruning = asyncio.create_task(prune(big, OPTIONS, NOON, batch=100, pause=0.02))
    loop = asyncio.get_running_loop()
    number = 0
    while not pruning.done() and number < 500:
        begun = loop.time()
        await put(big, schema.audit, {"id": str(number), "at": NOON})
        waits.append(loop.time() - begun)
        number += 1
        await asyncio.sleep(0)

    assert (await pruning)["bodies"] == 2000
    assert len(waits) >= 20
    assert max(waits) < 1.5
    await big.close()


async def test_events_that_wait_are_kept_however_old_they_are(database: Database, clock: MovableClock) -> None:
    old, young = NOON - DAY * 31, NOON - DAY * 29
    await put(
        database,
        schema.vendor_events,
        {"id": "old", "received_at": old, "state": "done"},
        {"id": "dead", "received_at": old, "state": "dead"},
        {"id": "waiting", "received_at": old, "state": "waiting"},
        {"id": "young", "received_at": young, "state": "done"},
    )

    gone = await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.vendor_events, "id") == ["waiting", "young"]
    assert gone["vendor_events"] == 2


async def test_what_the_checkout_has_settled_goes_and_nothing_else(database: Database, clock: MovableClock) -> None:
    old, young = NOON - DAY * 91, NOON - DAY * 89
    ended = {"state": "complete", "created_at": old, "changed_at": old}
    orders = {
        "ended": ended,
        "failed": {**ended, "state": "failed"},
        "failed_b": {**ended, "state": "failed"},  # the letter of another order that begins alike does not hold it
        "letter": {**ended, "state": "failed"},
        "under-way": {**ended, "state": "undoing"},
        "paying": {**ended, "state": "paying"},
        "young": {**ended, "changed_at": young},
    }
    rows = [{"reference": name, "key": f"k-{name}", **facts} for name, facts in orders.items()]
    await put(database, schema.placements, *rows)
    letters = {"letter:give_back": None, "failedXb:give_back": None, "ended:mail": NOON}
    for number, (item, resolved_at) in enumerate(letters.items()):
        row = {"id": str(number), "sync": "checkout", "item": item, "resolved_at": resolved_at}
        await put(database, schema.dead_letters, row)

    gone = await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.placements, "reference") == ["letter", "paying", "under-way", "young"]
    assert gone["placements"] == 3


async def test_the_request_of_a_complete_order_goes_once_nobody_will_retry_what_failed(
    database: Database, clock: MovableClock
) -> None:
    old, steps = NOON - DAY * 4, {"mail": {"state": "failed"}, "sms": {"state": "done"}}
    papers = database.seal.seal({"request": {"email": "ada@example.com"}, "tax": {}})
    ended = {"state": "complete", "changed_at": old, "steps": steps, "papers": papers}
    orders = {
        "given-up": ended,
        "waits": ended,
        "just-given-up": ended,
        "young": {**ended, "changed_at": NOON - DAY * 2},
        "back": {**ended, "state": "undoing"},
    }
    await put(database, schema.placements, *({"reference": name, "key": name, **row} for name, row in orders.items()))
    letters = {"given-up": old, "waits": None, "just-given-up": NOON - DAY}
    for name, resolved_at in letters.items():
        row = {"id": name, "sync": "checkout", "item": f"{name}:mail", "resolved_at": resolved_at}
        await put(database, schema.dead_letters, row)

    gone = [await prune(database, OPTIONS, NOON, sleep=clock.sleep) for _ in range(2)]
    found = {name: await placements.get(database, name) for name in orders}

    assert [one.get("requests_of_placements") for one in gone] == [1, None]
    assert {name for name, row in found.items() if row and "request" not in row.papers} == {"given-up"}
    assert {name: row.steps["mail"]["state"] for name, row in found.items() if row} == {
        **dict.fromkeys(orders, "failed"),
        "given-up": "given_up",
    }
    assert found["given-up"] is not None
    assert found["given-up"].papers == {"tax": {}}


async def test_a_step_whose_request_is_gone_is_not_tried_again(database: Database) -> None:
    row = {"reference": "S-1", "state": "complete", "steps": {"mail": {"state": "given_up"}}}
    await put(database, schema.placements, {**row, "papers": database.seal.seal({})})
    async with database.write() as connection:
        await placements.retry(connection, "S-1:mail", now=NOON)
    found = await placements.get(database, "S-1")

    assert found is not None
    assert (found.state, found.due_at) == ("complete", None)


async def test_an_answer_nobody_has_noted_outlives_its_key(database: Database, clock: MovableClock) -> None:
    over = {"state": "done", "operation": "create_payment", "expires_at": NOON - DAY}
    for key in ("noted", "unnoted", "no payment of ours"):
        await put(database, schema.keys, {**over, "key": key, "vendor": "stripe"})
    await put(database, schema.keys, {**over, "key": "unnoted", "operation": "refund_payment"})
    await put(
        database,
        schema.checkout_payments,
        {"key": "noted", "payment_id": "pi-1", "changed_at": NOON},
        {"key": "unnoted", "payment_id": None, "changed_at": NOON},
    )
    for state in ("placed", "complete"):
        row = {"reference": state, "key": state, "state": state, "correlation_id": f"c-{state}", "changed_at": NOON}
        await put(database, schema.placements, row)
        await put(database, schema.keys, {**over, "key": f"of {state}", "correlation_id": f"c-{state}"})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.keys, "key") == ["of placed", "unnoted"]


async def test_payments_that_are_not_settled_are_kept_however_old_they_are(
    database: Database, clock: MovableClock
) -> None:
    old = NOON - DAY * 401
    kept = ("asked", "authorized", "http_503", "pending", "requires_action", "unknown")
    gone = ("captured", "declined", "failed", "partially_refunded", "refunded")
    rows = [{"key": status, "status": status, "changed_at": old} for status in (*kept, *gone)]
    await put(database, schema.checkout_payments, *rows, {"key": "new", "status": "captured", "changed_at": NOON})

    await prune(database, OPTIONS, NOON, sleep=clock.sleep)

    assert await left(database, schema.checkout_payments, "key") == sorted([*kept, "new"])
