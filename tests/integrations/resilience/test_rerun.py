"""The breaker run again over what is on record: the same decisions, and what nobody saw is not guessed."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from integrations.resilience.circuit_breaker import BreakerOptions, Judgement
from integrations.resilience.rerun import MICROS, Recorded, Rerun, SetByHand, Start, rerun

OPTIONS = BreakerOptions(consecutive_failures=3, wait_duration_in_open_state=60.0)


@dataclass
class Story:
    """Attempts one after the other; each begins where the last ended, or after a pause."""

    at: float = 1000.0
    told: list[Recorded] = field(default_factory=list)

    def tell(
        self, judgement: Judgement, times: int = 1, *, took: float = 0.1, pause: float = 0.9, **more: object
    ) -> Story:
        for _ in range(times):
            begun = self.at
            self.at += took
            self.told.append(
                Recorded(
                    begun=round(begun * MICROS),
                    ended=round(self.at * MICROS),
                    duration=took,
                    judgement=judgement,
                    **more,  # type: ignore[arg-type]  # message and retry_after
                )
            )
            self.at += pause
        return self


def states(found: Rerun) -> list[str]:
    return [change.to_state for change in found.changes]


def test_failures_in_a_row_open_it_and_probes_close_it() -> None:
    story = Story().tell("successful", 2).tell("failed", 3, message="Acme is broken.").tell("successful", 4, pause=61)
    found = rerun(OPTIONS, story.told, since=0)

    assert states(found) == ["open", "half_open", "closed"]
    assert [change.reason for change in found.changes] == [
        "3 calls in a row failed; the last: Acme is broken.",
        "the wait is over; a probe goes out",
        "3 probes succeeded",
    ]
    assert (found.changes[0].at, found.changes[0].wait) == (story.told[4].ended, 60.0)
    assert (found.attempts, found.refused) == (9, 1)  # the first after the opening came a second after it


def test_what_it_would_have_refused_is_told_apart_by_how_it_ended() -> None:
    story = Story().tell("failed", 3).tell("failed", 2, took=2.0).tell("successful", 4).tell("ignored")
    found = rerun(OPTIONS, story.told, since=0)

    assert (found.refused, found.refused_failed, found.refused_successful) == (7, 2, 4)
    assert found.seconds_saved == 4.0


def test_a_failed_probe_doubles_the_wait_and_the_vendor_s_wish_is_a_floor() -> None:
    story = Story().tell("failed", 3)
    story.at += 60
    story.tell("failed", message="still down")
    story.at += 120
    story.tell("failed", retry_after=1000.0)
    found = rerun(OPTIONS, story.told, since=0)

    assert states(found) == ["open", "half_open", "open", "half_open", "open"]
    assert [change.wait for change in found.changes if change.to_state == "open"] == [60.0, 120.0, 1000.0]
    assert found.changes[2].reason == "the probe failed: still down"


def test_only_one_probe_is_under_way() -> None:
    story = Story().tell("failed", 3)
    story.at += 60
    probe = Story(at=story.at).tell("successful", took=5.0).told
    beside = Story(at=story.at + 1).tell("successful", 3).told
    found = rerun(OPTIONS, [*story.told, *probe, *beside], since=0)

    assert states(found) == ["open", "half_open"]
    assert found.refused == 3


def test_a_probe_whose_process_died_is_replaced_after_its_time() -> None:
    story = Story().tell("failed", 3)
    story.at += 60
    dead = Recorded(begun=round(story.at * MICROS), ended=None, duration=0.0, judgement="ignored")
    story.at += OPTIONS.max_wait_duration_in_half_open_state
    later = Story(at=story.at).tell("successful", 3).told
    found = rerun(OPTIONS, [*story.told, dead, *later], since=0)

    assert states(found) == ["open", "half_open", "closed"]


@pytest.mark.parametrize(("pause", "opened"), [(0.9, ["open"]), (7.0, [])])
def test_a_rate_is_judged_over_the_window_alone(pause: float, opened: list[str]) -> None:
    options = BreakerOptions(consecutive_failures=100, minimum_number_of_calls=10)
    story = Story()
    for _ in range(5):
        story.tell("successful", pause=pause).tell("failed", pause=pause)

    assert states(rerun(options, story.told, since=0)) == opened


def test_slow_successes_open_it() -> None:
    found = rerun(OPTIONS, Story().tell("successful", 10, took=11.0, pause=-10.5).told, since=0)

    assert [change.reason for change in found.changes] == ["10 of 10 calls were slower than 10 s in 60 s"]


def test_what_the_real_breaker_refused_is_unknown_where_it_would_have_been_sent() -> None:
    story = Story().tell("failed", 5)
    refused = [round((story.at + number) * MICROS) for number in range(4)]
    lenient = rerun(BreakerOptions(consecutive_failures=6), story.told, since=0, refused=refused)
    same = rerun(BreakerOptions(consecutive_failures=5), story.told, since=0, refused=refused)

    assert (lenient.unknown, lenient.refused_by_both, lenient.changes) == (4, 0, [])
    assert (same.unknown, same.refused_by_both) == (0, 4)


def test_before_the_time_looked_at_attempts_only_fill_the_window() -> None:
    story = Story().tell("failed", 3)
    found = rerun(OPTIONS, story.told, since=round(story.at * MICROS))
    more = rerun(OPTIONS, story.tell("failed").told, since=story.told[3].begun)

    assert (found.attempts, found.changes) == (0, [])
    assert (more.attempts, states(more)) == (1, ["open"])
    assert more.changes[0].reason == "4 calls in a row failed"


def test_it_begins_as_the_real_one_stood() -> None:
    story = Story(at=2000.0).tell("failed")
    early = rerun(OPTIONS, story.told, since=0, start=Start(state="open", open_until=2001 * MICROS, opened_in_a_row=2))
    due = rerun(OPTIONS, story.told, since=0, start=Start(state="open", open_until=2000 * MICROS, opened_in_a_row=2))

    assert (early.refused, early.changes) == (1, [])
    assert states(due) == ["half_open", "open"]
    assert due.changes[1].wait == 240.0


def by_hand(at: float, state: str) -> SetByHand:
    return SetByHand(at=round(at * MICROS), to_state=state, reason="a test", by="ada")


def test_held_open_by_hand_stays_held_open_and_starts_anew_afterwards() -> None:
    story = Story().tell("failed", 2)
    acts = [by_hand(story.at, "forced_open"), by_hand(story.at + 100, "closed")]
    refused = [round((story.at + 50) * MICROS)]
    story.at += 101
    story.tell("failed", 2)
    found = rerun(OPTIONS, story.told, since=0, set_by_hand=acts, refused=refused)

    assert [(change.to_state, change.by) for change in found.changes] == [("forced_open", "ada"), ("closed", "ada")]
    assert (found.unknown, found.refused_by_both) == (0, 1)


@pytest.mark.parametrize("state", ["watch_only", "disabled"])
def test_where_a_person_had_it_only_watching_it_is_judged_all_the_same(state: str) -> None:
    story = Story()
    acts: Sequence[SetByHand] = [by_hand(story.at - 1, state)]
    found = rerun(OPTIONS, story.tell("failed", 5).told, since=0, set_by_hand=acts)

    assert states(found) == ["open"]
    assert found.refused_failed == 2


def test_a_long_day_costs_no_more_by_attempt_than_a_short_one() -> None:
    options = BreakerOptions(consecutive_failures=100, sliding_window_size=3600.0, failure_rate_threshold=0.06)

    def cost(attempts: int) -> float:
        story = Story()
        for number in range(attempts):
            story.tell("failed" if number % 97 < 5 else "successful", took=0.2, pause=0.6)
        gc.disable()  # it would look through all that the tests before have left
        try:
            begun = time.process_time()
            found = rerun(options, story.told, since=0)
            took = time.process_time() - begun
        finally:
            gc.enable()
        assert found.attempts == attempts
        return took / attempts

    few = max(cost(10_000) for _ in range(3))  # 4,500 fill the window
    many = min(cost(100_000) for _ in range(2))

    assert many < 5 * few  # it would be ten times as much, were each attempt compared with all before it
