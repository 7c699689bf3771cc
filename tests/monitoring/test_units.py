"""Figures as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring import units

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0 ms"), (0.0004, "< 1 ms"), (0.0123, "12 ms"), (0.842, "842 ms"), (0.9996, "1.00 s"),
     (1.274, "1.27 s"), (15.0, "15.0 s"), (125.0, "2 min 5 s"), (3600.0, "1 h"), (90061.0, "1 d 1 h")],
)  # fmt: skip
def test_duration_has_three_digits_and_a_unit(seconds: float | None, text: str) -> None:
    assert units.duration(seconds).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0 %"), (0.0004, "<0.1 %"), (0.004, "0.4 %"), (0.1234, "12 %"), (0.998, "99.8 %"),
     (0.9999, "99.9 %"), (1.0, "100 %")],
)  # fmt: skip
def test_percent_never_rounds_trouble_away(share: float | None, text: str) -> None:
    assert units.percent(share).replace("\u202f", " ") == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (12345, "12,345"), (1_234_567, "1.23 M"), (250_000, "250 k")])
def test_count_is_grouped_and_shortened(number: float, text: str) -> None:
    assert units.count(number).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("before", "text"),
    [(0.2, "just now"), (12, "12 s ago"), (240, "4 min ago"), (-240, "in 4 min"), (172800, "2 d ago")],
)
def test_ago_has_one_unit(before: float, text: str) -> None:
    assert units.ago(NOW - timedelta(seconds=before), NOW).replace("\u202f", " ") == text


def test_clock_says_the_date_only_when_it_is_another_day() -> None:
    zone = ZoneInfo("Asia/Dubai")

    assert units.clock(NOW, zone, NOW) == "14:30:00"
    assert units.clock(NOW - timedelta(days=2), zone, NOW) == "21 Nov 14:30:00"
