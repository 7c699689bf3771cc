"""What a rehearsal did to a vendor, as lanes on one time axis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from db.reactions import Reaction, Slice
from monitoring.charts.reaction_lanes import SLICES, lanes, marks, stretch
from monitoring.charts.waterfall import Extent
from tests.conftest import NOON

SECOND = timedelta(seconds=1)
WHOLE = Extent(start=NOON, seconds=120.0)


def reaction(seconds: float, kind: Any, word: str, **other: Any) -> Reaction:
    return Reaction(at=NOON + seconds * SECOND, kind=kind, subject="fedex", word=word, text="", **other)


def test_the_axis_ends_a_while_after_the_fault_or_after_the_last_reaction() -> None:
    assert stretch(NOON, 60.0, [], 7200.0).seconds == 120.0
    assert stretch(NOON, 60.0, [reaction(300, "recovered", "success")], 7200.0).seconds == 315.0
    assert stretch(NOON, 60.0, [reaction(300, "recovered", "success")], 200.0).seconds == 200.0


def test_the_axis_is_marked_at_round_moments() -> None:
    assert marks(Extent(start=NOON, seconds=180.0)) == [0.0, 60.0, 120.0]
    assert marks(Extent(start=NOON, seconds=7200.0)) == [0.0, 1800.0, 3600.0, 5400.0]


def test_a_circuit_is_drawn_from_the_state_it_was_in_to_where_it_is_now() -> None:
    found = [reaction(12, "circuit", "open", before="closed"), reaction(72, "circuit", "half_open", before="open")]
    fault, calls, circuit = lanes("fedex", WHOLE, ended=60.0, counted=[], found=found, now=NOON + 90 * SECOND)

    assert [(bar.kind, round(bar.left, 2), round(bar.width, 2)) for bar in circuit.bars] == [
        ("closed", 0.0, 0.1),
        ("open", 0.1, 0.5),
        ("half_open", 0.6, 0.15),
    ]
    assert (fault.word, calls.word, circuit.word) == ("over", "no call yet", "half open")


def test_a_slice_is_painted_as_the_worst_that_became_of_a_call_in_it() -> None:
    counted = [
        Slice(vendor="fedex", place=0, successful=3, fell_back=0, refused=0, failed=0),
        Slice(vendor="fedex", place=1, successful=3, fell_back=1, refused=0, failed=0),
        Slice(vendor="fedex", place=2, successful=3, fell_back=1, refused=2, failed=0),
        Slice(vendor="fedex", place=3, successful=3, fell_back=1, refused=2, failed=1),
        Slice(vendor="ups", place=9, successful=0, fell_back=0, refused=0, failed=7),
    ]
    _, calls = lanes("fedex", WHOLE, ended=60.0, counted=counted, found=[], now=NOON)

    assert [(bar.kind, bar.left) for bar in calls.bars] == [
        ("good", 0.0),
        ("fell-back", 1 / SLICES),
        ("refused", 2 / SLICES),
        ("failed", 3 / SLICES),
    ]
    assert calls.word == "12 ok, 3 by fallback, 4 refused, 1 failed"


def test_an_incident_lasts_until_it_is_resolved() -> None:
    fired, resolved = reaction(30, "incident", "firing"), reaction(90, "resolved", "resolved")
    *_, firing = lanes("fedex", WHOLE, ended=60.0, counted=[], found=[fired], now=NOON + 60 * SECOND)
    *_, over = lanes("fedex", WHOLE, ended=60.0, counted=[], found=[fired, resolved], now=NOON + 120 * SECOND)

    assert (firing.word, firing.bars[0].left, firing.bars[0].width) == ("firing", 0.25, 0.25)
    assert (over.word, over.bars[0].width) == ("resolved", 0.5)
