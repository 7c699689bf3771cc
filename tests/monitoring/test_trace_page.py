"""The trace's page and its CSV, without a browser."""

from __future__ import annotations

import csv
import io
from time import process_time
from typing import Any

import pytest

from db import placements
from db.engine import Database
from db.traces import Beginning
from monitoring.context import DashboardContext
from monitoring.pages import trace, trace_rows, trace_sum
from monitoring.timerange import TimeRange, time_range
from monitoring.trace_csv import COLUMNS
from monitoring.trace_time import acts_of
from monitoring.tracing import Traced, read
from tests.conftest import NOON, MovableClock
from tests.db.test_traces import ORDER
from tests.monitoring.browser import signed_in, web
from tests.monitoring.cast import sync_facts, vendor_facts
from tests.monitoring.drawn import text_of
from tests.monitoring.rows import at, attempt_row, call_row
from tests.monitoring.seed import seed_day
from tests.records import call_ended, call_facts, ended, micros, started, store

FIRST = attempt_row(0.7, 0.3, throttle_wait=0.5, error_type="http_503", status=503, id="a1")
SECOND = attempt_row(3.0, 0.2, number=2, id="a2")
RETRIED = call_row(0.0, 3.2, FIRST, SECOND)
FAILED = call_row(
    4.0,
    1.0,
    attempt_row(4.0, 1.0, call_id="f", vendor="fedex", operation="quote_rates", error_type="timeout", status=None),
    id="f",
    vendor="fedex",
    operation="quote_rates",
    outcome="error",
    error_type="timeout",
    fault="network",
    message="FedEx did not answer within 15 s.",
)


@pytest.fixture
def context(database: Database, clock: MovableClock) -> DashboardContext:
    return DashboardContext(db=database, vendors=vendor_facts(), syncs=sync_facts(), now=clock.now)


@pytest.fixture
def view() -> TimeRange:
    return time_range("?range=1h", "UTC", NOON)


def traced(*found: Any, begun: Any = (), now: float = 100.0) -> Traced:
    acts = acts_of(found, [], at(now), goes_on=any(one.until is None for one in begun))
    return Traced(correlation_id="t", acts=acts, begun=begun, now=at(now), asked="A request to our API")


def test_each_wait_has_its_own_pattern_and_stands_in_words(context: DashboardContext, view: TimeRange) -> None:
    drawn = text_of(trace_rows.waterfall(traced(RETRIED), context, view, {}))

    for kind in ("limit", "retry", "bad", "ok"):
        assert f"q-wf q-wf-{kind}" in drawn
    assert "2 attempts · limit 500\u202fms · retry pause 2.00\u202fs" in drawn
    assert "attempt 1 · 503 http 503" in drawn
    assert "after retry pause 2.00\u202fs" in drawn


def test_the_headline_names_what_failed_first_and_what_to_do(context: DashboardContext, view: TimeRange) -> None:
    drawn = text_of(trace_sum.headline(traced(RETRIED, FAILED), context, view))

    assert "FedEx · quote rates" in drawn
    assert "FedEx did not answer within 15 s." in drawn
    assert "Replay it" in drawn
    assert "Every call succeeded." in text_of(trace_sum.headline(traced(RETRIED), context, view))


def test_what_is_under_way_says_so(context: DashboardContext, view: TimeRange) -> None:
    acts = acts_of([], [attempt_row(0.0, None)], at(5))
    found = Traced(correlation_id="t", acts=acts, begun=(), now=at(5))
    drawn = text_of([trace_sum.headline(found, context, view), trace_rows.waterfall(found, context, view, {})])

    assert found.goes_on
    assert "Under way: Stripe · create payment." in drawn
    assert "q-wf q-wf-open" in drawn
    assert "5.00\u202fs so far" in drawn


@pytest.mark.parametrize(
    ("kind", "name", "words", "link"),
    [
        ("order", "", "Order ", None),
        ("run", "orders", "Orders sync", "run=x"),
        ("replay", "", "Replay", "/replays/x"),
    ],
)
def test_what_it_began_with_is_the_first_row(
    context: DashboardContext, view: TimeRange, kind: Any, name: str, words: str, link: str | None
) -> None:
    begun = Beginning(
        kind=kind, id="x", name=name, at=at(-5), until=None, state="running", by="ada", steps={"tax": {"state": "done"}}
    )
    found = traced(RETRIED, begun=[begun])
    drawn = text_of(trace_rows.waterfall(found, context, view, {}))

    assert found.start == at(-5)
    assert words in drawn
    assert "goes on" in drawn
    assert "by ada · tax done" in drawn
    assert link is None or link in drawn


def test_the_list_is_narrowed_by_vendor_failure_and_waiting() -> None:
    acts = traced(RETRIED, FAILED).acts

    assert [act.id for act in trace_rows.narrowed(acts, {"vendor": "fedex"})] == ["f"]
    assert [act.id for act in trace_rows.narrowed(acts, {"show": "failed"})] == ["f"]
    assert [act.id for act in trace_rows.narrowed(acts, {"show": "waited"})] == ["c"]
    assert [act.id for act in trace_rows.narrowed(acts, {})] == ["c", "f"]


def test_an_idle_hour_is_cut_out_and_said(context: DashboardContext, view: TimeRange) -> None:
    late = call_row(3600.0, 0.5, attempt_row(3600.0, 0.5, call_id="z"), id="z")
    drawn = text_of(trace_rows.waterfall(traced(RETRIED, late), context, view, {}))

    assert "q-wf-cut" in drawn
    assert "1 idle stretch cut out" in drawn


async def test_an_id_nobody_knows_says_what_may_be_the_reason(
    context: DashboardContext, view: TimeRange, database: Database
) -> None:
    await placements.begin(database, ORDER)
    unknown = text_of(await trace.missing(context, "4bf92f35", view))
    broken = text_of(await trace.missing(context, "4bf9 2f35", view))
    elsewhere = text_of(await trace.missing(context, "W-1", view))

    assert await read(database, "4bf92f35", NOON) is None
    assert "Calls are kept for 30\u202fd" in unknown
    assert "This is no correlation id." in broken
    assert "/traces/basket-1" in elsewhere


async def test_a_trace_of_the_seed_is_drawn_whole(
    context: DashboardContext, view: TimeRange, database: Database
) -> None:
    day = await seed_day(database, NOON, hours=2, pace=0.2)
    found = await read(database, day.retried_correlation, NOON)
    assert found is not None
    drawn = text_of(trace.trace(found, context, view, {}))

    assert "attempt 2" in drawn
    assert "Where the time went" in drawn
    assert f"/traces/{day.retried_correlation}?range=1h&call=" in drawn


async def test_two_thousand_calls_are_read_and_drawn_a_page_at_a_time(
    context: DashboardContext, view: TimeRange, database: Database
) -> None:
    start = micros(NOON)
    facts: list[Any] = []
    for number in range(2000):
        call = call_facts(start + number * 20_000, correlation_id="big", vendor=("fedex", "stripe")[number % 2])
        bad = number % 50 == 0
        if bad:
            facts.append(ended(started(call), status=503, error_type="http_503", fault="theirs"))
        facts.append(ended(started(call, number=2 if bad else 1, started_at=start + number * 20_000 + 9_000)))
        facts.append(call_ended(call, duration=0.4, attempts=2 if bad else 1))
    await store(database, facts)
    begun = process_time()  # of ours, whatever else the machine does
    found = await read(database, "big", at(100))
    assert found is not None
    was_read = process_time()
    parts = trace.trace(found, context, view, {"page": "40"})
    drawn = text_of(parts)
    took = process_time() - was_read

    print(  # noqa: T201 - the figures
        f"\n{database.dialect}: 2,000 calls read in {was_read - begun:.3f} s of CPU, drawn in {took:.3f} s, "
        f"{len(drawn) // 1000} kB"
    )
    assert (len(found.acts), found.attempts) == (2000, 2040)
    assert len(drawn) < 400_000  # what a browser is sent, whatever the length of the trace
    assert "1,951 to 2,000 of 2,000" in drawn
    assert was_read - begun < 3.0
    assert took < 3.0


async def test_the_csv_has_a_line_a_call_and_a_line_an_attempt(database: Database, clock: MovableClock) -> None:
    call = call_facts(micros(NOON), correlation_id="basket-1", vendor="fedex")
    second = started(call, number=2, started_at=micros(NOON) + 1_000_000, throttle_wait=0.25)
    await store(
        database,
        [
            ended(started(call), status=503, error_type="http_503", fault="theirs", duration=0.2),
            ended(second, duration=0.1),
            call_ended(call, duration=1.1, attempts=2),
        ],
    )
    await placements.begin(database, ORDER)
    async with web(database, clock) as api:
        viewer = await signed_in(api, database, clock, "viewer")
        answer = await viewer.get("/traces.csv", params={"id": "basket-1"})
        missing = await viewer.get("/traces.csv", params={"id": "nobody"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert missing.status_code == 404
    assert list(rows[0]) == list(COLUMNS)
    assert [row["kind"] for row in rows] == ["order", "call", "attempt", "attempt"]
    assert (rows[0]["call_id"], rows[0]["outcome"]) == ("W-1", "placed")
    assert (rows[1]["retry_wait"], rows[1]["limit_wait"], rows[1]["at_vendor"]) == ("0.55", "0.25", "0.3")
    assert [row["attempt"] for row in rows[2:]] == ["1", "2"]
