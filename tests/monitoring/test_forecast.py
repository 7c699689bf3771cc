"""When a quota runs out at the present spend, and which planned syncs will not fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from db.permits import PermitRow
from monitoring.facts import QuotaFacts
from monitoring.forecast import Pace, Window, forecast, left_for_sync, look, pace_of, shortfalls
from monitoring.headroom import window
from tests.conftest import NOON
from tests.records import micros

DAY = 86400.0
HOUR = timedelta(hours=1)
HALF_SPENT = Window(
    quota="day",
    limit=1000,
    seconds=DAY,
    remaining=500,
    batch_remaining=300,
    batch_limit=700,
    as_of=NOON,
    ends_at=NOON + 10 * HOUR,
)
NOTHING = PermitRow(
    vendor="fedex", quota="day", next_at=0, next_batch_at=0, window_started_at=0, used=0, used_batch=0, blocked_until=0,
    seen_limit=None, seen_remaining=None, seen_reset_at=None, seen_at=None,
)  # fmt: skip
QUOTA = QuotaFacts(name="day", limit=1000, seconds=DAY, reserve=300)


def test_what_is_left_is_sent_at_the_pace_of_lately() -> None:
    found = forecast(HALF_SPENT, Pace(requests=100, seconds=3600), NOON)

    assert (found.outlook, found.empty_at) == ("runs_out", NOON + 5 * HOUR)
    assert found.basis == (
        "500 of 1,000 left by our own count; spent at 1.67 a minute, the pace of the last 1\u202fh; "
        "the window ends in 10\u202fh."
    )


def test_a_window_that_ends_before_lasts_and_says_what_is_left_then() -> None:
    found = forecast(HALF_SPENT, Pace(requests=20, seconds=3600), NOON)

    assert (found.outlook, found.empty_at) == ("lasts", None)
    assert found.left_at_end == pytest.approx(300)


def test_a_paced_window_never_runs_out_but_can_be_crowded() -> None:
    paced = replace(HALF_SPENT, paced=True, limit=20, seconds=1.0, remaining=0)

    assert forecast(paced, Pace(requests=600, seconds=60), NOON).outlook == "paced"
    assert forecast(paced, Pace(requests=1200, seconds=60), NOON).outlook == "crowded"


def test_nothing_sent_lately_forecasts_nothing() -> None:
    found = forecast(HALF_SPENT, Pace(requests=0, seconds=3600), NOON)

    assert (found.outlook, found.empty_at) == ("idle", None)


@pytest.mark.parametrize(
    "known", [replace(HALF_SPENT, remaining=0), replace(HALF_SPENT, blocked_until=NOON + HOUR)], ids=["spent", "told"]
)
def test_an_empty_window_is_empty_now(known: Window) -> None:
    found = forecast(known, Pace(requests=100, seconds=3600), NOON)

    assert (found.outlook, found.empty_at) == ("empty", NOON)


def test_pace_begins_with_the_first_request_once_there_are_enough() -> None:
    since = NOON - timedelta(seconds=60)

    assert pace_of(41, NOON - timedelta(seconds=4), since=since, now=NOON).per_second == 10.0
    assert pace_of(5, NOON - timedelta(seconds=4), since=since, now=NOON).per_second == pytest.approx(5 / 60)
    assert pace_of(0, None, since=since, now=NOON).per_second == 0.0


def test_a_window_is_judged_by_its_last_thirtieth_within_a_minute_and_a_day() -> None:
    assert [look(seconds).total_seconds() for seconds in (1.0, 3600.0, DAY, 30 * DAY)] == [60, 120, 2880, DAY]


def test_the_smaller_of_our_count_and_the_vendors_word_is_left() -> None:
    began = replace(NOTHING, window_started_at=micros(NOON - HOUR), used=400, used_batch=350)
    told = replace(
        began, seen_limit=1000.0, seen_remaining=90.0, seen_at=micros(NOON), seen_reset_at=micros(NOON + HOUR)
    )
    ours, theirs, whole = window(began, QUOTA, NOON), window(told, QUOTA, NOON), window(None, QUOTA, NOON)

    assert (ours.remaining, ours.batch_remaining, ours.ends_at, ours.announced) == (600, 350, NOON + 23 * HOUR, False)
    assert (theirs.remaining, theirs.ends_at, theirs.announced) == (90, NOON + HOUR, True)
    assert (whole.remaining, whole.batch_remaining, whole.ends_at) == (1000, 700, None)


def test_a_window_that_is_over_is_whole() -> None:
    over = replace(NOTHING, window_started_at=micros(NOON - 25 * HOUR), used=999, used_batch=700)

    assert window(over, QUOTA, NOON).remaining == 1000


def test_a_sync_may_take_what_the_pace_leaves_of_its_share() -> None:
    known = forecast(HALF_SPENT, Pace(requests=100, seconds=3600), NOON)

    assert left_for_sync(known, NOON) == 300  # the rest is kept for interactive calls
    assert left_for_sync(known, NOON + 3 * HOUR) == 200
    assert left_for_sync(known, NOON + 11 * HOUR) == 700  # a new window


def test_a_planned_sync_that_needs_more_than_is_left_is_named_before_it_starts() -> None:
    known = forecast(HALF_SPENT, Pace(requests=100, seconds=3600), NOON)
    plans = [
        ("inventory", "fedex", NOON + 3 * HOUR, 201),
        ("orders", "fedex", NOON + 3 * HOUR, 200),
        ("tracking", "ups", NOON + HOUR, 9999),
    ]
    (short,) = shortfalls(plans, [("fedex", known)])

    assert (short.sync, short.needs, short.left, short.quota) == ("inventory", 201, 200, "day")


def test_a_short_or_paced_window_only_makes_a_sync_wait() -> None:
    minute = forecast(replace(HALF_SPENT, seconds=60.0), Pace(requests=100, seconds=60), NOON)
    paced = forecast(replace(HALF_SPENT, paced=True), Pace(requests=100, seconds=60), NOON)

    assert shortfalls([("inventory", "fedex", NOON, 9999)], [("fedex", minute), ("fedex", paced)]) == []
