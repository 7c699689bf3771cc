"""What is left of a quota: the smaller of our own count and the vendor's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db.columns import to_micros
from db.permits import PermitRow
from monitoring.facts import QuotaFacts
from monitoring.headroom import headroom, of_vendor
from tests.monitoring.cast import vendor_facts

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
MICROS = to_micros(NOW)
MINUTE = QuotaFacts(name="minute", limit=50.0, seconds=60.0)
UNUSED = PermitRow(
    vendor="acumatica", quota="minute", next_at=0, next_batch_at=0, window_started_at=0, used=0.0, used_batch=0.0,
    blocked_until=0, seen_limit=None, seen_remaining=None, seen_reset_at=None, seen_at=None,
)  # fmt: skip


def test_untouched_quota_is_whole() -> None:
    assert headroom(UNUSED, MINUTE, NOW).share == 1.0


def test_counted_window_leaves_what_it_has_not_spent() -> None:
    row = replace(UNUSED, used=39.0, window_started_at=MICROS - 10_000_000)

    assert headroom(row, MINUTE, NOW).share == pytest.approx(0.22)


def test_window_that_has_passed_counts_no_more() -> None:
    row = replace(UNUSED, used=39.0, window_started_at=MICROS - 61_000_000)

    assert headroom(row, MINUTE, NOW).share == 1.0


def test_paced_quota_leaves_what_nobody_waits_for() -> None:
    row = replace(UNUSED, next_at=MICROS + 45_000_000)

    assert headroom(row, MINUTE, NOW).share == pytest.approx(0.25)


def test_vendor_who_counted_more_is_believed() -> None:
    row = replace(UNUSED, used=10.0, window_started_at=MICROS, seen_limit=50.0, seen_remaining=5.0, seen_at=MICROS)
    left = headroom(row, MINUTE, NOW)

    assert (left.share, left.announced) == (0.1, True)


def test_announcement_of_a_window_that_has_ended_is_forgotten() -> None:
    row = replace(UNUSED, seen_limit=50.0, seen_remaining=5.0, seen_at=MICROS - 61_000_000)

    assert headroom(row, MINUTE, NOW).share == 1.0


def test_told_to_stay_away_leaves_nothing_and_says_until_when() -> None:
    left = headroom(replace(UNUSED, blocked_until=MICROS + 5_000_000), MINUTE, NOW)

    assert left.share == 0.0
    assert left.blocked_until is not None


def test_tightest_quota_comes_first_and_unused_ones_are_whole() -> None:
    fedex = next(facts for facts in vendor_facts() if facts.name == "fedex")
    row = replace(UNUSED, vendor="fedex", quota="day", used=90000.0, window_started_at=MICROS)
    found = of_vendor(fedex, [row], NOW)

    assert [(one.quota, round(one.share, 2)) for one in found] == [("day", 0.1), ("burst", 1.0)]
