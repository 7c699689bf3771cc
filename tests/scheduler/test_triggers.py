"""Schedules as text: intervals, cron, days of the week, daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scheduler.triggers import last_fire, next_fire, parse

THURSDAY = datetime(2026, 10, 1, 12, 7, 30, tzinfo=UTC)


def _slots(text: str, after: datetime, number: int, timezone: str = "UTC") -> list[str]:
    trigger, found = parse(text, timezone=timezone), []
    at: datetime | None = after
    for _ in range(number):
        assert at is not None
        at = next_fire(trigger, at)
        assert at is not None
        found.append(f"{at:%a %m-%d %H:%M}")
    return found


def test_intervals_count_from_the_same_moment_in_every_process() -> None:
    assert _slots("every 15m", THURSDAY, 2) == ["Thu 10-01 12:15", "Thu 10-01 12:30"]
    assert _slots("every 6h", THURSDAY, 2) == ["Thu 10-01 18:00", "Fri 10-02 00:00"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 6 * * 0", ["Sun 10-04 06:00", "Sun 10-11 06:00"]),
        ("0 6 * * 7", ["Sun 10-04 06:00", "Sun 10-11 06:00"]),
        ("0 6 * * 1-2", ["Mon 10-05 06:00", "Tue 10-06 06:00"]),
        ("0 6 * * 5-7", ["Fri 10-02 06:00", "Sat 10-03 06:00"]),
        ("0 6 * * */3", ["Sat 10-03 06:00", "Sun 10-04 06:00"]),
        ("0 6 * * mon,wed", ["Mon 10-05 06:00", "Wed 10-07 06:00"]),
        ("0 6 13 * 5", ["Fri 10-02 06:00", "Fri 10-09 06:00", "Tue 10-13 06:00"]),
        ("*/20 * * * *", ["Thu 10-01 12:20", "Thu 10-01 12:40"]),
    ],
)
def test_cron_means_what_crontab_says(text: str, expected: list[str]) -> None:
    assert _slots(text, THURSDAY, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write"),
        ("every 0m", "give an interval"),
        ("every day", "write"),
        ("61 * * * *", "61"),
        ("0 6 * * 8", 'day of the week "8"'),
        ("0 6 * * 5-2", "no range"),
        ("0 0 31 2 *", "never comes"),
        ("0 6 * *", "five fields"),
    ],
)
def test_a_bad_schedule_names_the_field_and_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"inventory\.schedule") as caught:
        parse(text, field="inventory.schedule")

    assert says in str(caught.value)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scheduler\.timezone"):
        parse("0 6 * * *", timezone="Mars/Olympus")


@pytest.mark.parametrize("text", ["every 15m", "*/15 * * * *", "0 6 * * 1", "30 4 29 2 *", "0 6 13 * 5"])
def test_the_last_slot_is_the_one_before_the_next(text: str) -> None:
    trigger = parse(text)
    last = last_fire(trigger, THURSDAY)

    assert last is not None
    assert last <= THURSDAY
    following = next_fire(trigger, last)
    assert following is not None
    assert following > THURSDAY


def test_a_slot_belongs_to_itself() -> None:
    trigger = parse("every 15m")
    slot = datetime(2026, 10, 1, 12, 15, tzinfo=UTC)

    assert last_fire(trigger, slot) == slot
    assert last_fire(trigger, slot - timedelta(microseconds=1)) == slot - timedelta(minutes=15)


def test_an_hour_that_is_skipped_in_spring_fires_after_it_once() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert _slots("30 2 * * *", before, 2, "Europe/Berlin") == ["Sun 03-29 01:30", "Mon 03-30 00:30"]


def test_an_hour_that_comes_twice_in_autumn_fires_once() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert _slots("30 2 * * *", before, 2, "Europe/Berlin") == ["Sun 10-25 00:30", "Mon 10-26 01:30"]


def test_intervals_do_not_care_about_daylight_saving() -> None:
    before = datetime(2026, 10, 25, 0, 20, tzinfo=UTC)

    assert _slots("every 1h", before, 3, "Europe/Berlin") == ["Sun 10-25 01:00", "Sun 10-25 02:00", "Sun 10-25 03:00"]
