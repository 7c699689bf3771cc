from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.resilience.rate_limiter import (
    LONGEST_STANDSTILL,
    MICROS,
    SAFETY,
    WAY,
    LimiterOptions,
    arrived_by,
    batch_share,
    kept_for_interactive,
    pace,
    send_at,
    usual_duration,
)


@given(limit=st.integers(1, 2000), seconds=st.floats(0.5, 60), reserve=st.floats(0, 0.9))
def test_no_window_of_the_vendor_holds_more_than_it_allows(limit: int, seconds: float, reserve: float) -> None:
    rate = pace(limit, seconds, reserve)
    most = int(seconds * MICROS / rate.interval) + 1

    assert most <= limit + (1 if limit / SAFETY > limit - 1 and most > limit else 0)
    assert rate.batch_interval >= rate.interval


def test_a_slow_quota_is_leased_one_by_one_and_a_fast_one_in_chunks() -> None:
    assert pace(20, 1, 0.3).chunk == 1
    assert pace(1400, 10, 0.3).chunk == 6


def test_batch_has_what_the_reserve_leaves() -> None:
    assert batch_share(1000, 0.3) == 700
    assert batch_share(1, 0.3) == 1


def test_what_is_kept_for_interactive_is_what_batch_may_not_draw() -> None:
    assert kept_for_interactive(1000, 0.3, paced=False) == 300
    assert kept_for_interactive(1, 0.3, paced=False) == 0  # or batch could never move
    assert kept_for_interactive(1, 0.3, paced=True) == 0.3


def test_options_refuse_a_reserve_of_everything() -> None:
    with pytest.raises(ValueError, match=r"limiter\.reserve"):
        LimiterOptions(reserve=1)


@given(
    limit=st.integers(1, 30),
    lateness=st.lists(st.integers(0, 900_000) | st.just(0), min_size=50, max_size=120),
    idle=st.lists(st.integers(0, 200_000), min_size=1, max_size=5),
)
def test_requests_that_arrive_late_never_make_one_too_many(limit: int, lateness: list[int], idle: list[int]) -> None:
    rate = pace(limit, 1.0, 0.3)
    known: list[int] = []
    arrived: list[int] = []
    moment = 0
    for number, late in enumerate(lateness):
        at = send_at(moment, known, rate)
        arrived.append(at + late)
        known = sorted([*known, max(at + rate.slack, at + late)])[-rate.remembered :]
        moment += rate.interval + (idle[number % len(idle)] if number % 7 == 0 else 0)
    arrived.sort()

    windows = [sum(at <= other < at + rate.window for other in arrived) for at in arrived]
    assert max(windows) <= limit


def test_batch_leaves_room_in_a_window_that_is_nearly_full() -> None:
    rate = pace(20, 1, 0.3)
    known = [number * 1000 for number in range(18)]

    assert send_at(30_000, known, rate) == 30_000
    assert send_at(30_000, known, rate, spare=2) == known[0] + rate.window


def test_a_large_limit_remembers_no_arrivals_and_lets_nobody_go_early() -> None:
    rate = pace(1400, 10, 0.3)

    assert (rate.remembered, rate.early, send_at(5, [0] * 5000, rate)) == (0, 0, 5)


@pytest.mark.parametrize(
    ("duration", "usual", "seconds"),
    [
        (0.02, 0.5, 0.02),  # quick: it was there before it was answered
        (0.4, 0.01, 0.4),  # usually quick, slow now: something stood still
        (0.4, 0.5, WAY),  # always slow: says nothing of the way
        (30.0, 0.01, LONGEST_STANDSTILL),
    ],
)
def test_an_answer_bounds_when_its_request_arrived(duration: float, usual: float, seconds: float) -> None:
    assert arrived_by(1_000, duration, usual) == 1_000 + round(seconds * MICROS)


def test_the_usual_duration_follows_the_median_and_not_an_outlier() -> None:
    usual = 0.05
    for number in range(400):
        usual = usual_duration(usual, 9.0 if number % 10 == 0 else 0.2)

    assert usual == pytest.approx(0.2, rel=0.25)
