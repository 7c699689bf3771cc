"""The lanes of runs: where bars lie, what they say, when a lane is folded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from db.pauses import Pause
from db.run_times import RunSlice
from db.runs import RunRow
from monitoring.charts.run_lanes import COLUMNS, folded, lane, marks, window, word_of, worst
from monitoring.timerange import TimeRange, time_range
from tests.conftest import NOON

VIEW = time_range("?range=1h", "UTC", NOON)
EDGE = 3.6 / 3600  # the window is rounded up to a thousandth


def run(minutes: float, *, lasted: float | None = 60.0, outcome: str | None = "success", late: float = 0.0) -> RunRow:
    slot = NOON - timedelta(minutes=minutes)
    began = slot + timedelta(seconds=late)
    ended = began + timedelta(seconds=lasted) if lasted is not None else None
    missed = outcome == "missed"
    return RunRow(
        id=f"run-{minutes:g}",
        sync="orders",
        state="finished" if outcome else "running",
        trigger="schedule",
        scheduled_at=slot,
        correlation_id="c",
        outcome=outcome,
        started_at=None if missed else began,
        finished_at=slot if missed else ended,
        message="Run r1 was still running." if missed else None,
    )


def at(view: TimeRange, minutes: float) -> float:
    return window(view).left(NOON - timedelta(minutes=minutes))


def test_a_run_is_a_bar_from_its_start_to_its_end() -> None:
    (bar,) = lane("orders", [run(30, lasted=360)], [], window(VIEW), VIEW).pieces

    assert (bar.kind, bar.run_id) == ("success", "run-30")
    assert bar.left == pytest.approx(0.5, abs=EDGE)
    assert bar.width == pytest.approx(0.1, abs=EDGE)
    assert "succeeded" in bar.words
    assert "6\u202fmin" in bar.words


def test_a_run_that_goes_on_grows_up_to_now() -> None:
    going = run(6, lasted=None, outcome=None)
    (bar,) = lane("orders", [going], [], window(VIEW), VIEW).pieces
    later = time_range("?range=1h", "UTC", NOON + timedelta(minutes=6))
    (grown,) = lane("orders", [going], [], window(later), later).pieces

    assert bar.kind == "running"
    assert bar.width == pytest.approx(0.1, abs=EDGE)
    assert grown.width == pytest.approx(0.2, abs=EDGE)


def test_a_late_start_shows_its_wait_and_a_missed_slot_its_reason() -> None:
    wait, bar, missed = lane("orders", [run(30, late=180), run(20, outcome="missed")], [], window(VIEW), VIEW).pieces

    assert (wait.kind, bar.kind, missed.kind) == ("wait", "success", "missed")
    assert wait.left + wait.width == pytest.approx(bar.left)
    assert wait.width == pytest.approx(0.05, abs=EDGE)
    assert "begun 3\u202fmin late" in bar.words
    assert missed.width == 0.0
    assert missed.words.endswith("Run r1 was still running.")


def test_a_pause_without_an_end_reaches_to_the_edge() -> None:
    held = Pause(sync="orders", since=NOON - timedelta(minutes=15), until=None, by="ada", reason="Stocktaking")
    other = replace(held, sync="inventory")
    (shade,) = lane("orders", [], [held, other], window(VIEW), VIEW).pieces

    assert shade.kind == "pause"
    assert shade.left + shade.width == pytest.approx(1.0)
    assert shade.width == pytest.approx(0.25, abs=EDGE)
    assert shade.words == "paused by ada, 11:45:00, no end set: Stocktaking"


def test_too_many_runs_are_folded_into_columns_that_say_the_worst() -> None:
    slices = [RunSlice(place=0, became={"success": 9}), RunSlice(place=40, became={"success": 8, "error": 1})]
    found = folded("orders", slices, [], window(VIEW), VIEW)
    first, second = found.pieces

    assert found.folded == pytest.approx(3600 / COLUMNS)
    assert (first.kind, second.kind) == ("success", "error")
    assert second.left == 0.5
    assert second.span is not None
    assert second.span[1] - second.span[0] == timedelta(seconds=3600 / COLUMNS)
    assert second.words.endswith("9 runs, 1 failed")
    assert found.word == "18 runs, 1 failed"


def test_what_is_worst_comes_first_in_words_too() -> None:
    assert worst({"success": 3, "missed": 1, "cancelled": 1}) == "missed"
    assert word_of({"missed": 2, "error": 1}) == "3 runs, 1 failed, 2 missed"
    assert word_of({}) == "no run"


@pytest.mark.parametrize(
    ("search", "zone", "first"),
    [("?range=24h", "UTC", "12:00"), ("?range=24h", "Asia/Kolkata", "20:00"), ("?range=30d", "UTC", "5 Feb")],
)
def test_the_axis_is_marked_at_round_times_of_the_viewer(search: str, zone: str, first: str) -> None:
    view = time_range(search, zone, NOON)
    found = marks(window(view), view)

    assert found[0][1] == first
    assert all(0 <= left < 1 for left, _text in found)
    assert len(found) <= 7


def test_the_window_stands_still_between_two_steps() -> None:
    def at_second(seconds: float) -> tuple[datetime, datetime]:
        now = NOON + timedelta(seconds=seconds)
        whole = window(time_range("?range=24h", "UTC", now))
        assert whole.until >= now
        return whole.since, whole.until

    assert at_second(1) == at_second(60)
    assert at_second(1) != at_second(120)
