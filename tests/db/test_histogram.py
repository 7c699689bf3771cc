from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.histogram import ACCURACY, bin_of, merge, quantile, quantiles, value_of

durations = st.floats(min_value=1e-5, max_value=1e5, allow_nan=False)


@given(durations)
def test_every_duration_is_within_one_percent_of_its_bin(seconds: float) -> None:
    assert value_of(bin_of(seconds)) == pytest.approx(seconds, rel=ACCURACY * 1.0001)


@given(st.lists(durations, min_size=1, max_size=300), st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_quantile_is_within_one_percent_of_the_exact_one(values: list[float], q: float) -> None:
    exact = sorted(values)[int(q * (len(values) - 1))]

    assert quantile(Counter(map(bin_of, values)), q) == pytest.approx(exact, rel=ACCURACY * 1.0001)


@given(st.lists(durations, max_size=50), st.lists(durations, max_size=50))
def test_merged_histogram_is_that_of_all_durations(first: list[float], second: list[float]) -> None:
    assert merge([Counter(map(bin_of, first)), Counter(map(bin_of, second))]) == Counter(map(bin_of, first + second))


def test_nothing_has_no_quantile() -> None:
    assert quantiles({}, (0.5, 0.95)) == [None, None]


@pytest.mark.parametrize("nonsense", [0.0, -1.0])
def test_nonsense_counts_as_the_shortest(nonsense: float) -> None:
    assert math.isclose(value_of(bin_of(nonsense)), 1e-6, rel_tol=0.02)
