from __future__ import annotations

from datetime import timedelta

import pytest

from db import calls
from db.calls import AttemptRow, CallRow
from db.engine import Database
from db.schema import attempts
from db.schema import calls as calls_table
from tests.conftest import NOON
from tests.records import Fact, call_ended, call_facts, ended, micros, started, store

AT = micros(NOON)


def test_rows_have_the_columns_of_their_tables() -> None:
    assert set(CallRow.__dataclass_fields__) == {*calls_table.c.keys(), "sent"}
    assert set(AttemptRow.__dataclass_fields__) == {*attempts.c.keys(), "request", "response"}


async def _three_calls(db: Database) -> None:
    first = call_facts(AT, correlation_id="order-1", vendor="stripe", operation="create_payment")
    second = call_facts(AT + 1_000_000, correlation_id="order-1")
    third = call_facts(AT + 1_000_000, correlation_id="run-9", trigger="user")
    facts: list[Fact] = [
        ended(started(first), request_body='{"amount":1}'),
        call_ended(first),
        ended(started(second), status=503, error_type="http_503", fault="theirs"),
        ended(started(second, number=2, started_at=AT + 3_000_000), response_body="{}"),
        call_ended(second, attempts=2),
        call_ended(third, attempts=0, outcome="refused", error_type="circuit_open", message="FedEx rests until 12:05."),
    ]
    await store(db, facts)


async def test_newest_calls_come_first_with_their_attempts(database: Database) -> None:
    await _three_calls(database)

    found = await calls.search(database)

    assert [(call.correlation_id, [attempt.number for attempt in call.sent]) for call in found] == [
        ("run-9", []),
        ("order-1", [1, 2]),
        ("order-1", [1]),
    ]
    assert found[2].started_at == NOON


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"vendor": "stripe"}, 1),
        ({"outcome": "failed"}, 1),
        ({"outcome": "success"}, 2),
        ({"correlation_id": "order-1"}, 2),
        ({"operation": "quote_rates"}, 2),
        ({"error_type": "circuit_open"}, 1),
        ({"trigger": "user"}, 1),
        ({"text": "RESTS until"}, 1),
        ({"text": "100%"}, 0),
        ({"since": NOON + timedelta(seconds=1)}, 2),
        ({"until": NOON + timedelta(seconds=1)}, 1),
        ({"vendor": "stripe", "trigger": "user"}, 0),
    ],
)
async def test_calls_are_found_by_every_filter(database: Database, filters: dict[str, object], expected: int) -> None:
    await _three_calls(database)

    found = await calls.search(database, **filters)  # type: ignore[arg-type]

    assert len(found) == expected


async def test_pages_of_a_list_meet_without_gap_or_overlap(database: Database) -> None:
    same_moment = [call_ended(call_facts(AT)) for _ in range(7)]
    await store(database, [*same_moment])
    seen: list[str] = []
    before = None
    while page := await calls.search(database, limit=3, before=before):
        seen += [call.id for call in page]
        before = (page[-1].started_at, page[-1].id)

    assert seen == sorted((fact.call.call_id for fact in same_moment), reverse=True)


async def test_trace_shows_calls_under_way_and_bodies(database: Database) -> None:
    await _three_calls(database)
    running = call_facts(AT + 9_000_000, correlation_id="order-1")
    await store(database, [ended(started(running), status=503, error_type="http_503")])

    found, made, more = await calls.trace(database, "order-1")

    assert [call.vendor for call in found] == ["stripe", "fedex"]
    assert [(one.call_id == running.call_id, one.request, one.response) for one in made] == [
        (False, '{"amount":1}', None),
        (False, None, None),
        (False, None, "{}"),
        (True, None, None),
    ]
    assert not more
    assert await calls.attempts_of(database, running.call_id) == [made[-1]]


async def test_a_trace_that_is_cut_off_says_so_and_shows_no_ended_call_as_under_way(database: Database) -> None:
    told: list[Fact] = []
    for second in range(5):
        facts = call_facts(AT + second * 1_000_000, correlation_id="long")
        told += [ended(started(facts)), call_ended(facts)]
    await store(database, told)

    found, made, more = await calls.trace(database, "long", limit=3)
    whole = await calls.trace(database, "long", limit=5)

    assert more
    assert [row.call_id for row in made] == [call.id for call in found]
    assert [len(found), len(whole[0]), whole[2]] == [3, 5, False]


async def test_input_is_opened_with_our_seal_while_it_is_kept(database: Database) -> None:
    call = call_facts(AT)
    sealed = database.seal.seal({"sku": "A"})
    await store(database, [call_ended(call, outcome="error", error_type="timeout", input_sealed=sealed)])

    assert await calls.input_of(database, call.call_id, NOON) == {"sku": "A"}
    assert await calls.input_of(database, "unknown", NOON) is None
