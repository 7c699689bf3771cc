"""The days a query is about, and the segments a day falls into."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

_DAY = timedelta(days=1)
DAYS_OF_WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

# Names after ``segments.``; each names the period a day is in by its first day.
SEGMENTS: dict[str, Callable[[date], str | int]] = {
    "date": lambda day: day.isoformat(),
    "day_of_week": lambda day: DAYS_OF_WEEK[day.weekday()],
    "month": lambda day: day.replace(day=1).isoformat(),
    "quarter": lambda day: date(day.year, (day.month - 1) // 3 * 3 + 1, 1).isoformat(),
    "week": lambda day: (day - timedelta(days=day.weekday())).isoformat(),
    "year": lambda day: day.year,
}
CORE = frozenset(("date", "month", "quarter", "week", "year"))


def read_date(text: str) -> date | None:
    """Return a date written YYYY-MM-DD or YYYYMMDD, None for any other text."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def period(segment: str, first: date) -> tuple[date, date] | None:
    """Return the days of the period that begins on a day, None when none of that length does."""
    if SEGMENTS[segment](first) != first.isoformat():
        return None
    last = first
    while SEGMENTS[segment](last + _DAY) == first.isoformat():
        last += _DAY
    return first, last


def during(name: str, today: date) -> tuple[date, date] | None:
    """Return the days of a predefined range (docs/query/date-ranges), None for an unknown name."""
    yesterday, monday = today - _DAY, today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    month = today.replace(day=1)
    week = timedelta(days=7)
    known = {
        "TODAY": (today, today),
        "YESTERDAY": (yesterday, yesterday),
        "LAST_7_DAYS": (today - week, yesterday),
        "LAST_14_DAYS": (today - 2 * week, yesterday),
        "LAST_30_DAYS": (today - timedelta(days=30), yesterday),
        "LAST_BUSINESS_WEEK": (monday - week, monday - timedelta(days=3)),
        "THIS_MONTH": (month, today),
        "LAST_MONTH": ((month - _DAY).replace(day=1), month - _DAY),
        "THIS_WEEK_SUN_TODAY": (sunday, today),
        "THIS_WEEK_MON_TODAY": (monday, today),
        "LAST_WEEK_SUN_SAT": (sunday - week, sunday - _DAY),
        "LAST_WEEK_MON_SUN": (monday - week, monday - _DAY),
    }
    return known.get(name)
