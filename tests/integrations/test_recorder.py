from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from db import batches, calls, schema
from db.batches import ATTEMPT_COLUMNS, CALL_COLUMNS
from db.engine import Database, StoreUnavailable, open_database
from db.migrate import migrate
from db.sealed import Seal
from integrations import storing
from integrations.journal import JournalUnavailable
from integrations.record import AttemptEnded, AttemptStarted
from integrations.recorder import Recorder
from integrations.redact import Redactor
from integrations.rows import attempt_row, call_row
from integrations.take_over import take_over_abandoned
from tests.conftest import NOON
from tests.postgres import PostgresServer
from tests.records import Fact, call_ended, call_facts, ended, micros, started, traffic

AT = micros(NOON)


def note(recorder: Recorder, facts: list[Fact]) -> None:
    for fact in facts:
        if isinstance(fact, AttemptStarted):
            recorder.attempt_started(fact)
        elif isinstance(fact, AttemptEnded):
            recorder.attempt_ended(fact)
        else:
            recorder.call_ended(fact)


async def counted(db: Database) -> dict[str, int]:
    """Return how many calls and attempts there are, by their rows and by the rollups of both kinds of width."""
    r = schema.rollups.c
    async with db.read() as connection:
        found = {
            "calls": await connection.scalar(select(func.count()).select_from(schema.calls)) or 0,
            "attempts": await connection.scalar(select(func.count()).select_from(schema.attempts)) or 0,
        }
        for width in (60, 300):
            query = select(func.sum(r.calls), func.sum(r.attempts)).where(r.width == width)
            row = (await connection.execute(query)).one()
            found |= {f"calls_{width}": int(row[0] or 0), f"attempts_{width}": int(row[1] or 0)}
    return found


def all_of(facts: list[Fact]) -> dict[str, int]:
    attempts = sum(isinstance(fact, AttemptEnded) for fact in facts)
    ends = len(facts) - attempts - sum(isinstance(fact, AttemptStarted) for fact in facts)
    return {
        "calls": ends, "attempts": attempts,
        "calls_60": ends, "attempts_60": attempts, "calls_300": ends, "attempts_300": attempts,
    }  # fmt: skip


async def until(met: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Return when it is so; fail after a while."""
    give_up = time.monotonic() + seconds
    while not await met():
        assert time.monotonic() < give_up, "it did not come true in time"
        await asyncio.sleep(0.05)


@pytest.fixture
async def recorder(database: Database, tmp_path: Path) -> AsyncIterator[Recorder]:
    recorder = Recorder(database, tmp_path / "journal", "web-1", lambda: AT, take_over_every=3600)
    await recorder.open()
    yield recorder
    await recorder.close()


def test_rows_are_in_the_order_of_the_tables() -> None:
    call = call_facts(AT, run_id="run", user_name="noor", idempotency_key="key")
    start = started(call, throttle_wait=0.5, number=2)
    end = ended(start, error_type="http_503", fault="theirs", retryable=True, quota_limit=1.0, quota_remaining=2.0,
                quota_reset=3.0, vendor_request_id="r")  # fmt: skip
    attempt = dict(zip(ATTEMPT_COLUMNS, attempt_row(start, end), strict=True))
    row = dict(zip(CALL_COLUMNS, call_row(call_ended(call, stale=True, answered_by="ecb", message="m")), strict=True))

    for facts, found in ((call, attempt), (start, attempt), (end, attempt), (call, row)):
        for name in set(facts.__slots__) & set(found) - {"started_at", "operation", "id"}:
            assert found[name] == getattr(facts, name)
    assert (attempt["id"], attempt["call_id"], attempt["quota_reset"]) == (start.id, call.call_id, 3.0)
    assert (row["id"], row["stale"], row["answered_by"], row["attempts"]) == (call.call_id, True, "ecb", 1)


async def test_everything_noted_is_stored_once(recorder: Recorder, database: Database) -> None:
    facts = list(traffic(AT, 300, seconds=300))
    note(recorder, facts)
    await recorder.flush()

    assert await counted(database) == all_of(facts)
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(schema.bodies)) == all_of(facts)["attempts"]


async def test_background_stores_without_being_asked(recorder: Recorder, database: Database) -> None:
    facts = list(traffic(AT, 20, seconds=60))
    note(recorder, facts)

    async def stored() -> bool:
        return (await counted(database))["calls"] == 20

    await until(stored)


async def test_closing_stores_the_rest_and_leaves_no_file(database: Database, tmp_path: Path) -> None:
    recorder = Recorder(database, tmp_path / "journal", "cli", lambda: AT)
    await recorder.open()
    facts = list(traffic(AT, 20, seconds=60))
    note(recorder, facts)
    await recorder.close()

    assert await counted(database) == all_of(facts)
    assert list((tmp_path / "journal").iterdir()) == []
    assert repr(recorder) == "<Recorder cli: 0 waiting, 0 calls and 0 attempts under way, closed>"


async def test_lost_answer_to_a_commit_counts_nothing_twice(
    recorder: Recorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_batch = batches.store_batch
    lost = 0

    async def commit_and_lose_the_answer(*arguments: Any, **named: Any) -> None:
        nonlocal lost
        await store_batch(*arguments, **named)
        if lost < 2:
            lost += 1
            raise StoreUnavailable("the database does not answer")

    monkeypatch.setattr(storing, "store_batch", commit_and_lose_the_answer)
    facts = list(traffic(AT, 50, seconds=60))
    note(recorder, facts[:60])
    await recorder.flush()
    note(recorder, facts[60:])
    for _ in range(4):
        await recorder.flush()

    assert lost == 2
    assert await counted(database) == all_of(facts)


async def test_crash_after_the_commit_and_before_the_journal_is_removed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dead process's journal is whole and stored whole: taking it over adds nothing."""
    monkeypatch.setattr("integrations.journal.Journal.drop_before", lambda *_: None)
    recorder = Recorder(database, tmp_path, "web-1", lambda: AT, take_over_every=3600)
    await recorder.open()
    facts = list(traffic(AT, 50, seconds=60))
    note(recorder, facts)
    await recorder.flush()
    _die(recorder)

    assert await take_over_abandoned(database, tmp_path, lambda: AT) == 1
    assert await counted(database) == all_of(facts)
    assert _segments(tmp_path) == []


async def test_take_over_that_dies_half_way_is_finished_by_the_next(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(database, tmp_path, "web-1", lambda: AT, take_over_every=3600)
    await recorder.open()
    facts = list(traffic(AT, 60, seconds=60))
    open_call = call_facts(AT)
    note(recorder, [*facts, started(open_call)])
    _die(recorder)
    monkeypatch.setattr("integrations.take_over.BATCH", 20)
    store_batch = batches.store_batch
    stored = 0

    async def die_at_the_third(*arguments: Any, **named: Any) -> None:
        nonlocal stored
        stored += 1
        if stored == 3:
            raise StoreUnavailable("the database does not answer")
        await store_batch(*arguments, **named)

    monkeypatch.setattr(storing, "store_batch", die_at_the_third)
    with pytest.raises(StoreUnavailable):
        await take_over_abandoned(database, tmp_path, lambda: AT)
    await take_over_abandoned(database, tmp_path, lambda: AT)

    expected = {name: number + 1 for name, number in all_of(facts).items()}
    assert await counted(database) == expected


async def test_call_of_a_dead_process_is_unknown_and_its_attempt_has_no_duration(
    database: Database, tmp_path: Path
) -> None:
    recorder = Recorder(database, tmp_path, "web-1", lambda: AT, take_over_every=3600)
    await recorder.open()
    in_flight = call_facts(AT, correlation_id="in-flight")
    between = call_facts(AT, correlation_id="between-attempts")
    first, second = started(in_flight), started(in_flight, number=2, started_at=AT + 2_000_000, throttle_wait=0.5)
    waiting = started(between)
    note(recorder, [first, ended(first, status=503, error_type="http_503"), second, waiting,
                    ended(waiting, duration=1.5, status=503, error_type="http_503")])  # fmt: skip
    await recorder.flush()
    _die(recorder)
    await take_over_abandoned(database, tmp_path, lambda: AT)

    (call,) = await calls.search(database, correlation_id="in-flight")
    (other,) = await calls.search(database, correlation_id="between-attempts")

    assert (call.outcome, call.error_type, call.fault, call.attempts) == ("unknown", "process_died", "ours", 2)
    assert (call.duration, call.throttle_wait) == (2.0, 0.5)
    assert [(one.error_type, one.duration) for one in call.sent] == [("http_503", 0.2), ("process_died", None)]
    assert (other.outcome, other.duration, other.attempts) == ("unknown", 1.5, 1)


async def test_what_is_under_way_survives_the_removal_of_old_segments(database: Database, tmp_path: Path) -> None:
    recorder = Recorder(database, tmp_path, "web-1", lambda: AT, take_over_every=3600, segment_bytes=2000)
    await recorder.open()
    long = call_facts(AT, correlation_id="long")
    first, second = started(long), started(long, number=2)
    note(recorder, [first, ended(first, error_type="timeout", status=None), second])
    facts = list(traffic(AT, 60, seconds=60))
    for place in range(0, len(facts), 10):
        note(recorder, facts[place : place + 10])
        await recorder.flush()
    segments = len(_segments(tmp_path))
    _die(recorder)
    await take_over_abandoned(database, tmp_path, lambda: AT)

    (call,) = await calls.search(database, correlation_id="long")
    assert segments <= 2
    assert (call.outcome, call.attempts) == ("unknown", 2)
    assert [one.error_type for one in call.sent] == ["timeout", "process_died"]


async def test_more_than_memory_holds_is_read_back_from_the_journal(database: Database, tmp_path: Path) -> None:
    recorder = Recorder(
        database, tmp_path, "web-1", lambda: AT, memory_limit=50, take_over_every=3600, segment_bytes=20_000
    )
    await recorder.open()
    facts = list(traffic(AT, 400, seconds=60))
    note(recorder, facts)
    shown = repr(recorder)
    await recorder.flush()
    late = list(traffic(AT, 20, seconds=60, seed=9))
    note(recorder, late)
    await recorder.close()

    assert "50 waiting, more in the journal" in shown
    assert await counted(database) == all_of(facts + late)


async def test_record_the_database_never_takes_is_set_aside(
    recorder: Recorder, database: Database, tmp_path: Path
) -> None:
    facts = list(traffic(AT, 20, seconds=60))
    bad = call_ended(call_facts(AT), outcome=None)
    note(recorder, [*facts[:10], bad, *facts[10:]])
    await recorder.flush()

    assert await counted(database) == all_of(facts)
    (kept,) = (tmp_path / "journal").glob("*.rejected")
    assert bad.call.call_id in kept.read_text()


async def test_text_no_database_can_hold_is_mended(recorder: Recorder, database: Database) -> None:
    call = call_facts(AT, correlation_id="odd")
    note(recorder, [call_ended(call, message="nul \x00 and half a pair \ud83d", outcome="error")])
    await recorder.flush()

    (found,) = await calls.search(database, correlation_id="odd")
    assert found.message == "nul � and half a pair ?"


async def test_start_that_cannot_be_journaled_is_refused_and_an_end_is_kept(
    recorder: Recorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = call_facts(AT)
    start = started(call)
    recorder.attempt_started(start)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        note(recorder, [ended(start), call_ended(call)])
        with pytest.raises(JournalUnavailable, match="free some space"):
            recorder.attempt_started(started(call_facts(AT)))
    after = list(traffic(AT, 5, seconds=60))
    note(recorder, after)
    await recorder.flush()

    assert (await counted(database))["attempts"] == all_of(after)["attempts"] + 1


async def test_closed_recorder_refuses_a_start(database: Database, tmp_path: Path) -> None:
    recorder = Recorder(database, tmp_path, "web-1", lambda: AT)

    with pytest.raises(JournalUnavailable, match="not open"):
        recorder.attempt_started(started(call_facts(AT)))


CHILD = """
import asyncio, sys
from pathlib import Path
from db.engine import open_database
from db.sealed import Seal
from integrations.recorder import Recorder
from tests.records import call_ended, call_facts, ended, started

async def main():
    url, directory, at = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    recorder = Recorder(open_database(url, Seal(["a key that only the tests know"])), directory, "child", lambda: at)
    await recorder.open()
    for number in range(100):
        call = call_facts(at, call_id=f"child-{number}", correlation_id=f"child-{number}")
        start = started(call, id=f"child-a-{number}")
        recorder.attempt_started(start)
        if number < 99:
            recorder.attempt_ended(ended(start))
            recorder.call_ended(call_ended(call))
        if number % 10 == 0:
            await asyncio.sleep(0.03)
    print("in flight", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_killed_process_is_taken_over_within_ten_seconds(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    recorder = Recorder(database, tmp_path / "journal", "web-1", lambda: AT)
    await recorder.open()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, database_url, str(tmp_path / "journal"), str(AT), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"in flight\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()

    async def all_there() -> bool:
        return (await counted(database))["calls"] == 100

    await until(all_there, 10.0)
    (last,) = await calls.search(database, correlation_id="child-99")
    assert last.error_type == "process_died"
    assert await counted(database) == dict.fromkeys(await counted(database), 100)
    await recorder.close()


async def test_two_processes_record_side_by_side(database: Database, tmp_path: Path) -> None:
    facts = list(traffic(AT, 200, seconds=60)), list(traffic(AT, 200, seconds=60, seed=2))
    recorders = [Recorder(database, tmp_path, name, lambda: AT, take_over_every=0.05) for name in ("web-1", "web-2")]
    for recorder in recorders:
        await recorder.open()
    for recorder, mine in zip(recorders, facts, strict=True):
        note(recorder, mine)
    await asyncio.gather(*(recorder.flush() for recorder in recorders))
    for recorder in recorders:
        await recorder.close()

    assert await counted(database) == all_of([*facts[0], *facts[1]])


async def test_postgres_stopped_for_a_while_loses_and_doubles_nothing(
    postgres_template: str, seal: Seal, tmp_path: Path
) -> None:
    server = PostgresServer()
    try:
        server.execute("CREATE DATABASE away")
        db = open_database(server.url("away"), seal)
        await migrate(db, NOON)
        recorder = Recorder(db, tmp_path, "web-1", lambda: AT, memory_limit=100, take_over_every=3600)
        await recorder.open()
        facts = list(traffic(AT, 300, seconds=60))
        note(recorder, facts[:200])
        await recorder.flush()
        server.stop()
        note(recorder, facts[200:600])
        await recorder.flush()
        away = recorder.is_database_away
        note(recorder, facts[600:])
        server.start()

        async def back() -> bool:
            await recorder.flush()
            return not recorder.is_database_away

        await until(back, 30.0)
        await recorder.flush()

        assert away
        assert await counted(db) == all_of(facts)
        await recorder.close()
        await db.close()
    finally:
        server.remove()


async def test_planted_secrets_stand_in_no_file_and_no_table(
    recorder: Recorder, database: Database, tmp_path: Path
) -> None:
    planted = ("sk_test_51PlantedKeyPlantedKey", "4242424242424242", "jane.doe@example.com")
    redactor = Redactor([planted[0]])
    kept = frozenset({"id", "message", "note"})
    body = (
        f'{{"id":"{planted[0]}","message":"paid with {planted[1]} by {planted[2]}","card":{planted[1]},'
        f'"note":[{planted[1]}],"{planted[2]}":1}}'
    ).encode()
    call = call_facts(AT)
    start = started(call, path=redactor.path(f"/v1/customers/{planted[2]}?key={planted[0]}&page={planted[1]}"))
    recorder.attempt_started(start)
    recorder.attempt_ended(
        ended(start, request_body=redactor.body(body, "application/json", kept),
              response_body=redactor.body(b"<a><note>" + planted[2].encode() + b"</note></a>", "text/xml", kept))
    )  # fmt: skip
    sealed = database.seal.seal({"card": planted[1], "email": planted[2]})
    message = redactor.text(f"{planted[2]} used {planted[1]} with {planted[0]}")
    recorder.call_ended(call_ended(call, outcome="error", message=message, input_sealed=sealed))
    await recorder.flush()

    stored: list[str] = []
    async with database.read() as connection:
        for name in ("calls", "attempts", "bodies", "inputs"):
            stored += map(str, (await connection.execute(text(f"SELECT * FROM {name}"))).all())
    files = _everything_in(tmp_path)
    assert len(stored) == 4
    assert [secret for secret in planted if secret in files or secret in "".join(stored)] == []


def _segments(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsonl"))


def _everything_in(folder: Path) -> str:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).decode(errors="replace")


def _die(recorder: Recorder) -> None:
    """Leave everything as a killed process does: no flush, the lock free."""
    for task in recorder._tasks:
        task.cancel()
    assert recorder._journal is not None
    recorder._journal.close(remove=False)
    recorder._journal = None
