from __future__ import annotations

import pytest

from integrations.sandbox.timeline import Timeline
from tests.integrations.sandbox.conftest import START, Clock


def test_what_is_due_happens_in_order_and_once_when_somebody_asks(clock: Clock) -> None:
    timeline = Timeline(clock)
    happened: list[tuple[str, float]] = []
    timeline.at(START + 20, lambda moment: happened.append(("second", moment)))
    timeline.at(START + 10, lambda moment: happened.append(("first", moment)))
    timeline.at(START + 99, lambda moment: happened.append(("later", moment)))
    timeline.catch_up()
    before = list(happened)
    clock.move(50)
    timeline.catch_up()
    timeline.catch_up()

    assert before == []
    assert happened == [("first", START + 10), ("second", START + 20)]


def test_what_happens_may_make_something_else_due(clock: Clock) -> None:
    timeline = Timeline(clock)
    happened: list[float] = []
    timeline.at(START, lambda moment: timeline.at(moment, happened.append))
    timeline.catch_up()

    assert happened == [START]


def test_the_past_ends_also_when_making_it_fails(clock: Clock) -> None:
    timeline = Timeline(clock)
    with timeline.past(START - 5):
        inside = (timeline.now(), timeline.is_past)
    with pytest.raises(ValueError, match="broken"), timeline.past(START - 9):
        raise ValueError("broken")

    assert inside == (START - 5, True)
    assert (timeline.now(), timeline.is_past) == (START, False)
