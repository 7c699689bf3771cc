"""Pairs of currencies over time, missing days, and how a rate is written."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from db.rates import Quote
from monitoring.rate_pairs import missing_days, pair, rate_text, stretches
from tests.conftest import NOON


def quote(days: float, **rates: str) -> Quote:
    at = NOON - timedelta(days=days)
    given = {code: Decimal(rate) for code, rate in rates.items()}
    return Quote(id="", base="USD", as_of=at, fetched_at=at, source="ecb", rates=given)


def test_a_cross_rate_is_one_division_as_at_the_checkout() -> None:
    found = pair(
        "EUR", "AED", [quote(2, EUR="0.80", AED="3.60"), quote(1, AED="3.60"), quote(0, EUR="0.90", AED="3.6")]
    )

    assert found is not None
    assert [rate for _at, rate in found.points] == [Decimal("4.5"), Decimal(4)]
    assert (found.lowest, found.highest, found.latest) == (Decimal(4), Decimal("4.5"), Decimal(4))
    assert found.change == pytest.approx(-1 / 9)


def test_the_base_of_a_snapshot_counts_as_one() -> None:
    found = pair("EUR", "USD", [quote(0, EUR="0.80")])

    assert found is not None
    assert found.latest == Decimal("1.25")
    assert pair("EUR", "GBP", [quote(0, EUR="0.80")]) is None


def test_days_without_rates_are_missing_but_today_is_not_over() -> None:
    stated = [NOON - timedelta(days=days) for days in (6, 5, 2)]
    days = missing_days(stated, since=NOON - timedelta(days=6), until=NOON)
    today = NOON.date()

    assert days == [today - timedelta(days=days) for days in (4, 3, 1)]
    assert stretches(days) == [
        (today - timedelta(days=4), today - timedelta(days=3)),
        (today - timedelta(days=1), today - timedelta(days=1)),
    ]
    assert stretches([]) == []
    assert missing_days([], since=NOON, until=NOON) == []
    assert isinstance(days[0], date)


@pytest.mark.parametrize(
    ("rate", "text"),
    [("0.917431", "0.917431"), ("151.25", "151.250"), ("0.0000651234567", "0.0000651235"), ("89500", "89,500.0")],
)
def test_a_rate_has_six_digits_and_no_powers(rate: str, text: str) -> None:
    assert rate_text(Decimal(rate)) == text
