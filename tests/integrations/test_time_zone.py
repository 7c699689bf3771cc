"""Which day it is where a parcel leaves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from integrations.time_zone import day_in, zone_in

EVENING = datetime(2026, 11, 26, 20, 31, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("country", "home", "expected"),
    [
        ("AE", None, "Asia/Dubai"),
        ("AE", BERLIN, "Asia/Dubai"),  # the shop's own zone says nothing of a warehouse abroad
        ("DE", BERLIN, "Europe/Berlin"),
        ("US", ZoneInfo("America/Chicago"), "America/Chicago"),
        ("NZ", ZoneInfo("Pacific/Auckland"), "Pacific/Auckland"),
        ("XK", BERLIN, "Europe/Berlin"),  # the tz database has no zone of Kosovo's
        ("XK", None, "UTC"),
    ],
)
def test_zone_is_of_the_country_and_the_home_one_where_it_lies_there(
    country: str, home: ZoneInfo | None, expected: str
) -> None:
    assert str(zone_in(country, EVENING, home)) == expected


def test_of_several_zones_the_one_farthest_ahead_is_taken_so_that_no_day_is_past() -> None:
    early = datetime(2026, 11, 27, 4, 30, tzinfo=UTC)

    assert early.astimezone(zone_in("US", early)).utcoffset() == early.astimezone(ZoneInfo("US/Eastern")).utcoffset()
    assert day_in("US", early) == date(2026, 11, 26)
    assert day_in("US", early.replace(hour=5)) == date(2026, 11, 27)


def test_day_begins_with_the_country_and_not_with_utc() -> None:
    assert day_in("AE", EVENING) == date(2026, 11, 27)
    assert day_in("AE", EVENING.replace(hour=19)) == date(2026, 11, 26)
    assert day_in("US", EVENING) == date(2026, 11, 26)
