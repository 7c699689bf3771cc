"""When a circuit opens, for how long, and when it closes: pure decisions over counts that others keep.

Words and behaviour after resilience4j's CircuitBreakerConfig; the growing wait after Polly's BreakDurationGenerator;
the numbers (5 in a row, 60 s, 3 probes) are the ones this shop has lived with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CircuitState = Literal["closed", "open", "half_open", "forced_open", "disabled", "watch_only"]
Judgement = Literal["successful", "failed", "ignored"]
LONGEST_WINDOW = 3600.0  # seconds; counts older than that are not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    """Durations in seconds, rates between 0 and 1."""

    failure_rate_threshold: float = 0.5
    slow_call_rate_threshold: float = 0.8
    slow_call_duration_threshold: float = 10.0
    minimum_number_of_calls: int = 10
    sliding_window_size: float = 60.0
    consecutive_failures: int = 5
    wait_duration_in_open_state: float = 60.0
    max_wait_duration_in_open_state: float = 600.0
    permitted_number_of_calls_in_half_open_state: int = 3
    max_wait_duration_in_half_open_state: float = 30.0  # a probe that takes longer has failed to report

    def __post_init__(self) -> None:
        for name in ("failure_rate_threshold", "slow_call_rate_threshold"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"breaker.{name} must be above 0 and at most 1")
        for name in (
            "slow_call_duration_threshold",
            "minimum_number_of_calls",
            "consecutive_failures",
            "permitted_number_of_calls_in_half_open_state",
            "sliding_window_size",
            "wait_duration_in_open_state",
            "max_wait_duration_in_open_state",
            "max_wait_duration_in_half_open_state",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"breaker.{name} must be above 0")
        if self.sliding_window_size > LONGEST_WINDOW:
            raise ValueError(f"breaker.sliding_window_size must be at most {LONGEST_WINDOW:.0f} s")


def reason_to_open(
    options: BreakerOptions, *, successful: int, failed: int, slow: int, consecutive_failures: int
) -> str | None:
    """Return why a closed circuit should open now, None while it should not.

    ``slow`` counts among ``successful`` and ``failed``; ignored calls are in none of the counts.
    """
    if consecutive_failures >= options.consecutive_failures:
        return f"{consecutive_failures} calls in a row failed"
    calls = successful + failed
    if calls < options.minimum_number_of_calls:
        return None
    window = f"in {options.sliding_window_size:.0f} s"
    if failed / calls >= options.failure_rate_threshold:
        return f"{failed} of {calls} calls failed {window}"
    if slow / calls >= options.slow_call_rate_threshold:
        return f"{slow} of {calls} calls were slower than {options.slow_call_duration_threshold:g} s {window}"
    return None


def wait_in_open_state(options: BreakerOptions, opened_in_a_row: int, retry_after: float | None) -> float:
    """Return the seconds to stay open the ``opened_in_a_row``-th time (1 is the first): doubling up to the maximum, and
    never shorter than the vendor asked for."""
    own = min(
        options.max_wait_duration_in_open_state,
        options.wait_duration_in_open_state * 2.0 ** (max(1, opened_in_a_row) - 1),
    )
    return max(own, retry_after or 0.0)
