"""Whether an attempt is followed by another, and after how long. tenacity runs what is decided here.

Sources: full jitter after Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015); the retry budget
after Envoy (retries at most 20 % of calls, at least 3 a window); Retry-After after RFC 9110 §10.2.3.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from integrations.errors import CallFailed, QuaysideError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions:
    """Durations in seconds. ``max_attempts`` of an operation wins over nothing here: it is the operation's."""

    base: float = 1.0
    cap: float = 30.0
    longest_retry_after: float = 60.0  # a longer wish is not waited for: give up now
    budget_share: float = 0.2  # retries / calls
    budget_least: int = 3  # allowed in every window whatever the share
    budget_window: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.base <= self.cap:
            raise ValueError("retry.base must be above 0 and at most retry.cap")
        if not 0 <= self.budget_share <= 1:
            raise ValueError("retry.budget_share must be between 0 and 1")


def delay(options: RetryOptions, attempt: int, chance: float, retry_after: float | None) -> float:
    """Return the seconds to wait after attempt ``attempt`` (1 is the first); ``chance`` in [0, 1).

    The vendor's own wish is a floor: never sooner than it says.
    """
    ceiling = min(options.cap, options.base * 2.0 ** (attempt - 1))
    return max(chance * ceiling, retry_after or 0.0)


def may_retry(
    options: RetryOptions, error: QuaysideError, *, attempt: int, max_attempts: int, remaining: float, repeatable: bool
) -> bool:
    """Return True when another attempt is right: it can help, it does no harm, and there is time for it.

    A request that is not repeatable is sent again only when the vendor certainly did nothing with it.
    """
    if not isinstance(error, CallFailed) or not error.retryable or attempt >= max_attempts:
        return False
    if not repeatable and error.sent:
        return False
    wait = error.retry_after or 0.0
    return wait <= options.longest_retry_after and wait < remaining


class RetryBudget:
    """Retries of one vendor in this process over a sliding window; keeps a dead vendor from being asked three times
    as often as a healthy one."""

    __slots__ = ("_calls", "_options", "_retries")

    def __init__(self, options: RetryOptions) -> None:
        self._options = options
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()

    def __repr__(self) -> str:
        return f"<RetryBudget calls={len(self._calls)} retries={len(self._retries)}>"

    def note_call(self, at: float) -> None:
        self._calls.append(at)
        if len(self._calls) > 64 and self._calls[0] < at - self._options.budget_window:
            self._forget(at)

    def take(self, at: float) -> bool:
        """Take one retry; False when the budget is spent."""
        self._forget(at)
        allowed = max(self._options.budget_least, int(len(self._calls) * self._options.budget_share))
        if len(self._retries) >= allowed:
            return False
        self._retries.append(at)
        return True

    def _forget(self, at: float) -> None:
        oldest = at - self._options.budget_window
        for times in (self._calls, self._retries):
            while times and times[0] < oldest:
                times.popleft()
