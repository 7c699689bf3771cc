"""The next slot of an interval is the one every scheduler computes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitoring.schedule import next_run

NOW = datetime(2026, 11, 23, 10, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "at"),
    [
        ("every 15m", datetime(2026, 11, 23, 10, 45, tzinfo=UTC)),
        ("every 2m", datetime(2026, 11, 23, 10, 32, tzinfo=UTC)),
        ("every 6h", datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),
        ("0 6 * * 1", None),
        ("every 0m", None),
    ],
)
def test_next_run_counts_from_1970_and_leaves_the_calendar_alone(schedule: str, at: datetime | None) -> None:
    assert next_run(schedule, NOW) == at


def test_slot_that_is_now_is_not_next() -> None:
    assert next_run("every 15m", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)) == datetime(
        2026, 11, 23, 10, 45, tzinfo=UTC
    )
