"""Into what the time of a trace went: the waits told apart, and sums that are all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from monitoring.trace_time import SHARES, Act, acts_of, busy, shares
from tests.monitoring.rows import at, attempt_row, call_row

NOW = at(1000)


def kinds(act: Act) -> list[tuple[str, float]]:
    return [(one.kind, round(one.seconds, 6)) for one in act.stretches]


def spent(acts: Sequence[Act], last: float) -> dict[str, float]:
    return {share: round(seconds, 6) for share, seconds in shares(acts, at(0), at(last)).items() if seconds}


def test_a_wait_for_the_limit_and_a_pause_before_a_retry_are_told_apart() -> None:
    first = attempt_row(0.7, 0.3, throttle_wait=0.5, error_type="http_503", status=503)
    second = attempt_row(3.0, 0.2, throttle_wait=0.4, number=2)
    (act,) = acts_of([call_row(0.0, 3.3, first, second)], [], NOW)

    assert kinds(act) == [
        ("ours", 0.2),
        ("limit", 0.5),
        ("bad", 0.3),
        ("retry", 1.6),
        ("limit", 0.4),
        ("ok", 0.2),
        ("ours", 0.1),
    ]


def test_a_pause_before_asking_again_is_no_retry() -> None:
    asked, again = attempt_row(0.0, 0.2), attempt_row(2.2, 0.2, operation="poll")
    (act,) = acts_of([call_row(0.0, 2.4, asked, again)], [], NOW)

    assert kinds(act) == [("ok", 0.2), ("poll", 2.0), ("ok", 0.2)]


@pytest.mark.parametrize(("error_type", "kind"), [("circuit_open", "circuit"), ("no_permit", "limit")])
def test_a_call_we_held_back_waits_until_its_vendor_is_let_through(error_type: str, kind: str) -> None:
    refused: dict[str, Any] = {"outcome": "refused", "error_type": error_type}
    calls = [
        call_row(0.0, 0.0, id="a", **refused),
        call_row(1.0, 0.0, id="b", **refused),
        call_row(2.0, 0.5, attempt_row(2.0, 0.5), id="other", vendor="fedex"),
        call_row(30.0, 1.0, attempt_row(30.0, 1.0), id="c"),
    ]
    first, second, other, last = acts_of(calls, [], NOW)

    assert kinds(first) == [(kind, 30.0)]
    assert kinds(second) == [(kind, 29.0)]
    assert [act.held_until for act in (first, second, other, last)] == [at(30), at(30), None, None]
    assert spent([first, second, other, last], 31.0) == {"vendor": 1.5, kind: 29.5}


def test_who_is_held_back_last_is_waited_for_only_while_the_whole_goes_on() -> None:
    refused = call_row(0.0, 0.0, outcome="refused", error_type="circuit_open")

    assert acts_of([refused], [], at(60), goes_on=True)[0].held_until == at(60)
    assert acts_of([refused], [], at(60))[0].held_until is None


def test_a_call_that_has_not_ended_lasts_until_now() -> None:
    (act,) = acts_of([], [attempt_row(0.0, 0.5, error_type="timeout"), attempt_row(2.0, None, number=2)], at(5))

    assert (act.outcome, act.seconds) == ("running", 5.0)
    assert kinds(act) == [("bad", 0.5), ("retry", 1.5), ("open", 3.0)]


def test_a_call_nothing_was_heard_of_for_minutes_is_lost() -> None:
    (act,) = acts_of([], [attempt_row(0.0, None)], at(500))

    assert (act.outcome, act.failed, act.seconds) == ("lost", True, 0.0)
    assert act.message == "Its end was never recorded: the process that made it died."


def test_the_time_after_a_failed_attempt_is_the_pause_before_one_that_never_came() -> None:
    failed = attempt_row(0.0, 0.5, error_type="http_503")
    (act,) = acts_of([call_row(0.0, 2.5, failed, outcome="error", error_type="http_503")], [], NOW)

    assert kinds(act) == [("bad", 0.5), ("retry", 2.0)]


def test_the_shares_are_all_of_the_time_and_a_vendors_work_comes_first() -> None:
    acts = acts_of(
        [
            call_row(0.0, 4.0, attempt_row(2.0, 2.0, throttle_wait=2.0), id="a"),
            call_row(1.0, 2.0, attempt_row(1.0, 2.0), id="b", vendor="fedex"),
            call_row(10.0, 1.0, attempt_row(10.0, 1.0), id="c"),
        ],
        [],
        NOW,
    )
    found = shares(acts, at(0), at(12))

    assert sum(found.values()) == pytest.approx(12.0)
    assert found == pytest.approx({**dict.fromkeys(SHARES, 0.0), "vendor": 4.0, "limit": 1.0, "idle": 7.0})
    assert busy(acts) == [(at(0), at(4)), (at(10), at(11))]


def test_a_clock_that_went_back_makes_no_negative_time() -> None:
    (act,) = acts_of([call_row(0.0, 0.5, attempt_row(-1.0, 0.2), attempt_row(0.4, 0.2, number=2))], [], NOW)

    assert all(one.seconds >= 0 for one in act.stretches)
