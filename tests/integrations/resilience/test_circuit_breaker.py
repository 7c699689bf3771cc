from __future__ import annotations

import pytest

from integrations.resilience.circuit_breaker import BreakerOptions, reason_to_open, wait_in_open_state

OPTIONS = BreakerOptions()


@pytest.mark.parametrize(
    ("successful", "failed", "slow", "in_a_row", "opens"),
    [
        pytest.param(0, 4, 0, 4, False, id="too few to say"),
        pytest.param(0, 5, 0, 5, True, id="five in a row"),
        pytest.param(100, 5, 0, 5, True, id="five in a row among many"),
        pytest.param(4, 5, 0, 1, False, id="below the minimum number of calls"),
        pytest.param(5, 5, 0, 1, True, id="half of ten failed"),
        pytest.param(6, 4, 0, 1, False, id="less than half failed"),
        pytest.param(10, 0, 8, 0, True, id="four of five were slow"),
        pytest.param(10, 0, 7, 0, False, id="some were slow"),
    ],
)
def test_reason_to_open(successful: int, failed: int, slow: int, in_a_row: int, opens: bool) -> None:
    reason = reason_to_open(OPTIONS, successful=successful, failed=failed, slow=slow, consecutive_failures=in_a_row)

    assert (reason is not None) is opens


def test_wait_doubles_each_time_it_opens_again_up_to_the_maximum() -> None:
    waits = [wait_in_open_state(OPTIONS, times, None) for times in range(1, 7)]

    assert waits == [60, 120, 240, 480, 600, 600]


def test_wait_is_never_shorter_than_the_vendor_asked() -> None:
    assert wait_in_open_state(OPTIONS, 1, 900.0) == 900.0


def test_options_refuse_a_rate_above_one() -> None:
    with pytest.raises(ValueError, match=r"breaker\.failure_rate_threshold"):
        BreakerOptions(failure_rate_threshold=1.5)
