from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db import call_search
from db.call_filter import CallFilter
from db.call_search import Order, Place, count, find
from db.engine import Database
from db.schema import attempts, calls
from tests.benchmarks.stored_calls import fill
from tests.conftest import NOON

Row = Any
SINCE = NOON - timedelta(days=3)


def _failed(call: Row, _made: list[Row]) -> bool:
    return bool(call.outcome != "success")


CASES: list[tuple[CallFilter, Callable[[Row, list[Row]], bool]]] = [
    (CallFilter(), lambda _call, _made: True),
    (CallFilter(vendor="fedex"), lambda call, _made: call.vendor == "fedex"),
    (CallFilter(outcome="failed"), _failed),
    (CallFilter(outcome="success", operation="track_shipment"), lambda call, _made: call.outcome == "success" and call.operation == "track_shipment"),  # noqa: E501
    (CallFilter(error_type="http_503", vendor="ups"), lambda call, _made: call.error_type == "http_503" and call.vendor == "ups"),  # noqa: E501
    (CallFilter(fault="network"), lambda call, _made: call.fault == "network"),
    (CallFilter(status=(500, 599)), lambda _call, made: any(500 <= (one.status or 0) <= 599 for one in made)),
    (CallFilter(trigger="user", priority="interactive"), lambda call, _made: call.trigger == "user"),
    (CallFilter(slower=0.5, faster=1.0), lambda call, _made: 0.5 <= call.duration <= 1.0),
    (CallFilter(circuit_state="closed", outcome="failed"), lambda call, made: _failed(call, made) and bool(made)),
    (CallFilter(attempts=2), lambda call, _made: call.attempts >= 2),
    (CallFilter(user_name="mira"), lambda call, _made: call.user_name == "mira"),
    (CallFilter(text="POSTAL CODE"), lambda call, _made: "postal code" in (call.message or "")),
    (CallFilter(text="v1/list_s"), lambda _call, made: any("v1/list_s" in one.path for one in made)),
    (CallFilter(text="100%_"), lambda _call, _made: False),
]  # fmt: skip


@pytest.fixture
async def month(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Three days of calls, and slices so small that every search takes several."""
    await fill(database, calls=1000, days=4, now=NOON)
    monkeypatch.setattr(call_search, "FEW", 40)
    monkeypatch.setattr(call_search, "FIRST_SLICE", 90)
    monkeypatch.setattr(call_search, "LARGEST_SLICE", 300)
    return database


async def _all(db: Database) -> list[tuple[Row, list[Row]]]:
    async with db.read() as connection:
        found = (await connection.execute(select(calls))).all()
        made = (await connection.execute(select(attempts))).all()
    return [(call, [one for one in made if one.call_id == call.id]) for call in found if call.started_at >= SINCE]


KEYS: dict[Order, Callable[[Row], Any]] = {
    "newest": lambda call: (call.started_at, call.id),
    "oldest": lambda call: (call.started_at, call.id),
    "slowest": lambda call: (call.duration, call.started_at, call.id),
    "fastest": lambda call: (call.duration, call.started_at, call.id),
}


async def test_every_filter_in_every_order_finds_what_reading_all_finds(month: Database) -> None:
    everything = await _all(month)
    for number, (wanted, fits) in enumerate(CASES):
        expected = [call for call, made in everything if fits(call, made)]
        order = list(KEYS)[number % 4]
        for each in {order, "newest"} if number else KEYS:
            seen = await _pages(month, wanted, each)

            ids = [call.id for call in sorted(expected, key=KEYS[each], reverse=each in ("newest", "slowest"))]
            assert [call.id for call in seen] == ids, (wanted, each)
        counted = await count(month, wanted, since=SINCE, until=NOON, patience=60.0)
        assert (counted.number, counted.exact) == (len(expected), True), wanted


async def _pages(db: Database, wanted: CallFilter, order: Order) -> list[Row]:
    """Return all that is found by going on from page to page, without any patience: each looks at one slice."""
    seen: list[Row] = []
    after: Place | None = None
    for _ in range(200):
        found = await find(db, wanted, since=SINCE, until=NOON, order=order, limit=70, after=after, patience=0.0)
        seen += found.rows
        after = found.next
        if after is None:
            return seen
    raise AssertionError("the list has no end")


async def test_search_that_gives_up_says_how_far_it_looked(month: Database) -> None:
    found = await find(month, CallFilter(text="nowhere"), since=SINCE, until=NOON, patience=0.0)
    counted = await count(month, CallFilter(text="nowhere"), since=SINCE, until=NOON, patience=0.0)

    assert found.rows == []
    assert found.reached is not None
    assert SINCE < found.reached.started_at < NOON
    assert (counted.number, counted.exact) == (0, False)
    assert counted.reached is not None


async def test_count_stops_at_its_most(month: Database) -> None:
    counted = await count(month, CallFilter(), since=SINCE, until=NOON, most=100)

    assert (counted.number, counted.exact) == (100, False)


async def test_calls_of_one_duration_are_walked_once_each(month: Database) -> None:
    async with month.write() as connection:
        await connection.execute(calls.update().values(duration=0.25))

    seen = await _pages(month, CallFilter(), "fastest")
    back = await _pages(month, CallFilter(), "slowest")

    everything = await _all(month)
    assert [call.id for call in seen] == [call.id for call in reversed(back)]
    assert len(seen) == len({call.id for call in seen}) == len(everything)
