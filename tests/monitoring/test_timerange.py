"""A time range survives the URL, is typed freely, and refuses nonsense in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring.timerange import PRESETS, moment, parameters_of, time_range, zone_named

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
DUBAI = ZoneInfo("Asia/Dubai")


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_ends_now_and_moves_on(preset: str) -> None:
    view = time_range(f"?range={preset}", "UTC", NOW)

    assert (view.until, view.seconds, view.preset) == (NOW, PRESETS[preset][1], preset)


def test_link_shows_a_colleague_the_same_range() -> None:
    view = time_range("?from=2026-11-22T08:00:00Z&to=2026-11-22T09:30:00Z", "Asia/Dubai", NOW)
    again = time_range("?" + view.link("/calls", vendor="fedex").partition("?")[2], "America/New_York", NOW)

    assert (again.since, again.until) == (view.since, view.until)
    assert parameters_of(view.link("/calls", vendor="fedex").partition("?")[2])["vendor"] == "fedex"


@pytest.mark.parametrize(
    "search", ["?range=2y", "?from=yesterday-ish", "?from=2026-11-23&to=2026-11-22", "?from=2020-01-01&to=2026-01-01"]
)
def test_unreadable_range_is_the_default_with_a_sentence(search: str) -> None:
    view = time_range(search, "UTC", NOW)

    assert (view.preset, view.seconds) == ("1h", 3600.0)
    assert view.problem is not None
    assert view.problem.endswith(".")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("now", NOW),
        ("3h ago", NOW - timedelta(hours=3)),
        ("now-15m", NOW - timedelta(minutes=15)),
        ("2 d", NOW - timedelta(days=2)),
        ("12:15", datetime(2026, 11, 23, 8, 15, tzinfo=UTC)),
        ("today", datetime(2026, 11, 22, 20, 0, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 21, 20, 0, tzinfo=UTC)),
        ("Yesterday 14:30", datetime(2026, 11, 22, 10, 30, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 21, 20, 0, tzinfo=UTC)),
        ("2026-11-22 14:30", datetime(2026, 11, 22, 10, 30, tzinfo=UTC)),
        ("2026-11-22T10:30:00Z", datetime(2026, 11, 22, 10, 30, tzinfo=UTC)),
    ],
)
def test_moment_is_typed_freely_in_the_viewers_zone(typed: str, meant: datetime) -> None:
    assert moment(typed, DUBAI, NOW) == meant


@pytest.mark.parametrize("typed", ["", "soon", "25:00", "yesterday 25:00", "2026-13-01", "99999999999 d", "0001-01-01"])
def test_moment_that_cannot_be_read_says_what_can(typed: str) -> None:
    with pytest.raises(ValueError, match=r"no moment|too long ago"):
        moment(typed, DUBAI, NOW)


def test_unknown_zone_is_utc() -> None:
    assert zone_named("Mars/Olympus").key == "UTC"
    assert zone_named(None).key == "UTC"


def test_yesterday_begins_at_midnight_where_the_clocks_changed() -> None:
    after_the_change = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)  # Berlin went back to winter time that night

    assert moment("today", ZoneInfo("Europe/Berlin"), after_the_change) == datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    assert moment("yesterday", ZoneInfo("Europe/Berlin"), after_the_change) == datetime(2026, 10, 23, 22, 0, tzinfo=UTC)
