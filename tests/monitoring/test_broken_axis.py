"""A time axis with its idle parts cut out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring.charts.broken_axis import MOST_CUTS, axis
from tests.conftest import NOON
from tests.monitoring.rows import at


def test_what_happened_keeps_one_scale_across_a_cut() -> None:
    found = axis(NOON, at(3612), [(at(0), at(6)), (at(3606), at(3612))])
    first, cut, last = found.pieces

    assert (cut.cut, cut.first, cut.last) == (True, 6.0, 3606.0)
    assert first.right - first.left == pytest.approx(last.right - last.left)
    assert (first.left, last.right) == pytest.approx((0.0, 1.0))
    assert found.at(at(3)) == pytest.approx(first.right / 2)
    assert found.at(at(3609)) - last.left == pytest.approx(first.right / 2)


def test_a_pause_that_is_short_beside_the_work_is_shown() -> None:
    found = axis(NOON, at(20), [(at(0), at(9)), (at(11), at(20))])

    assert found.cuts == []
    assert found.at(at(10)) == pytest.approx(0.5)


def test_nothing_is_cut_when_that_is_asked_for() -> None:
    assert axis(NOON, at(3612), [(at(0), at(6)), (at(3606), at(3612))], cut=False).cuts == []


def test_only_the_longest_of_many_idle_stretches_are_cut() -> None:
    spans = [(at(100 * number), at(100 * number + 0.1)) for number in range(40)]
    found = axis(NOON, spans[-1][1], spans)

    assert len(found.cuts) <= MOST_CUTS
    assert found.pieces[-1].right == pytest.approx(1.0)
    assert all(one.right <= two.left + 1e-9 for one, two in zip(found.pieces, found.pieces[1:], strict=False))


def test_a_bar_stays_inside_and_marks_keep_apart() -> None:
    found = axis(NOON, at(10), [(at(0), at(10))])
    bar = found.bar(at(9), NOON + timedelta(days=1), "ok")

    assert (bar.left, bar.width) == pytest.approx((0.9, 0.1))
    assert found.marks() == [(0.0, 0.0), (2.0, 0.2), (4.0, 0.4), (6.0, 0.6), (8.0, 0.8)]


def test_an_instant_has_a_width() -> None:
    assert axis(NOON, NOON, [(NOON, NOON)]).seconds > 0
