from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.resilience.rate_limiter import MICROS, SAFETY, LimiterOptions, batch_share, pace


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


def test_options_refuse_a_reserve_of_everything() -> None:
    with pytest.raises(ValueError, match=r"limiter\.reserve"):
        LimiterOptions(reserve=1)
