from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import CircuitIsOpen, HttpFailed
from integrations.resilience.retry import RetryBudget, RetryOptions, delay, may_retry

OPTIONS = RetryOptions()


def failed(*, retryable: bool = True, retry_after: float | None = None, sent: bool = True) -> HttpFailed:
    return HttpFailed(
        "no", error_type="http_503", fault="theirs", retryable=retryable, retry_after=retry_after, sent=sent
    )


@given(attempt=st.integers(1, 50), chance=st.floats(0, 1, exclude_max=True))
def test_delay_lies_between_nought_and_the_growing_ceiling(attempt: int, chance: float) -> None:
    ceiling = min(OPTIONS.cap, OPTIONS.base * 2.0 ** (attempt - 1))

    assert 0 <= delay(OPTIONS, attempt, chance, None) <= ceiling


@pytest.mark.parametrize(
    ("attempt", "chance", "expected"), [(1, 0.5, 0.5), (2, 0.5, 1.0), (3, 0.99, 3.96), (9, 0.5, 15.0)]
)
def test_delay_doubles_to_the_cap(attempt: int, chance: float, expected: float) -> None:
    assert delay(OPTIONS, attempt, chance, None) == pytest.approx(expected)


def test_delay_is_never_sooner_than_the_vendor_asked() -> None:
    assert delay(OPTIONS, 1, 0.0, 7.0) == 7.0


@pytest.mark.parametrize(
    ("error", "attempt", "remaining", "repeatable", "expected"),
    [
        pytest.param(failed(), 1, 30.0, True, True, id="retryable and repeatable"),
        pytest.param(failed(), 3, 30.0, True, False, id="attempts used up"),
        pytest.param(failed(retryable=False), 1, 30.0, True, False, id="will not help"),
        pytest.param(failed(), 1, 30.0, False, False, id="a write that may have happened"),
        pytest.param(failed(sent=False), 1, 30.0, False, True, id="a write that certainly did not happen"),
        pytest.param(failed(retry_after=31.0), 1, 30.0, True, False, id="beyond the deadline"),
        pytest.param(failed(retry_after=61.0), 1, 300.0, True, False, id="longer than we ever wait"),
        pytest.param(CircuitIsOpen("open"), 1, 30.0, True, False, id="our own refusal"),
    ],
)
def test_may_retry(error: HttpFailed, attempt: int, remaining: float, repeatable: bool, expected: bool) -> None:
    found = may_retry(OPTIONS, error, attempt=attempt, max_attempts=3, remaining=remaining, repeatable=repeatable)

    assert found is expected


def test_budget_allows_three_retries_however_few_calls() -> None:
    budget = RetryBudget(OPTIONS)

    taken = [budget.take(100.0) for _ in range(4)]

    assert taken == [True, True, True, False]


def test_budget_allows_a_fifth_of_many_calls_and_forgets_old_ones() -> None:
    budget = RetryBudget(OPTIONS)
    for _ in range(100):
        budget.note_call(100.0)

    taken = sum(budget.take(101.0) for _ in range(50))
    later = sum(budget.take(200.0) for _ in range(50))

    assert (taken, later) == (20, 3)


def test_options_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match=r"retry\.base"):
        RetryOptions(base=0)
