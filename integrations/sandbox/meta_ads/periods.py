"""The days a report is about: a preset or a range, cut into rows by ``time_increment``."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from integrations.sandbox.advertising import days
from integrations.sandbox.meta_ads.errors import GraphError, bad_parameter
from integrations.sandbox.meta_ads.parameters import Parameters

Period = tuple[date, date]
_OLDEST_MONTHS = 37
_LONGEST_INCREMENT = 90


def periods(parameters: Parameters, today: date) -> list[Period]:
    """Return the periods of a report, each one row a campaign, oldest first.

    ``today`` is the day in the account's time zone. Raises ``GraphError`` for a range that is none or too old.
    """
    ranges = _ranges(parameters, today)
    oldest = (today.year * 12 + today.month - 1) - _OLDEST_MONTHS
    if min(ranges)[0] < date(oldest // 12, oldest % 12 + 1, 1) + timedelta(days=today.day - 1):
        raise GraphError(
            3018, "(#3018) The start date of the time range cannot be beyond 37 months from the current date"
        )
    increment = parameters.text("time_increment", "all_days")
    return ranges if "time_ranges" in parameters else _cut(*ranges[0], increment)


def _ranges(parameters: Parameters, today: date) -> list[Period]:
    """Return what is asked for: several ranges go before one, one before a preset (the order is unconfirmed)."""
    several, one = parameters.value("time_ranges"), parameters.value("time_range")
    if several is not None:
        if not isinstance(several, list) or not several:
            raise bad_parameter("param time_ranges must be an array.")
        return [_range(each) for each in several]
    if one is not None:
        return [_range(one)]
    return [_preset(parameters.text("date_preset", "last_30d"), today)]


def _range(wanted: Any) -> Period:
    try:
        since, until = date.fromisoformat(wanted["since"]), date.fromisoformat(wanted["until"])
    except (TypeError, KeyError, ValueError):
        raise bad_parameter("param time_range must hold since and until, each YYYY-MM-DD.") from None
    if until < since:
        raise bad_parameter("The since of time_range must not be after its until.")
    return since, until


def _preset(name: str, today: date) -> Period:
    """Return a preset's days. ``last_…d`` ends yesterday, ``this_…`` today, ``maximum`` begins a year back."""
    yesterday = today - timedelta(days=1)
    if name.startswith("last_") and name.endswith("d") and name[5:-1] in ("3", "7", "14", "28", "30", "90"):
        return today - timedelta(days=int(name[5:-1])), yesterday
    month = today.replace(day=1)
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    one, week = timedelta(days=1), timedelta(days=7)
    last_quarter = quarter - one
    known = {
        "today": (today, today),
        "yesterday": (yesterday, yesterday),
        "this_month": (month, today),
        "last_month": ((month - one).replace(day=1), month - one),
        "this_quarter": (quarter, today),
        "last_quarter": (date(last_quarter.year, last_quarter.month - 2, 1), last_quarter),
        "this_year": (today.replace(month=1, day=1), today),
        "last_year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
        "this_week_mon_today": (monday, today),
        "this_week_sun_today": (sunday, today),
        "last_week_mon_sun": (monday - week, monday - one),
        "last_week_sun_sat": (sunday - week, sunday - one),
        "maximum": (today - timedelta(days=365), today),
        "data_maximum": (today - timedelta(days=365), today),
    }
    if name not in known:
        raise bad_parameter(f"date_preset must be one of the following values: {', '.join(sorted(known))}, last_3d …")
    return known[name]


def _cut(since: date, until: date, increment: str) -> list[Period]:
    if increment == "all_days":
        return [(since, until)]
    if increment == "monthly":
        firsts = [since, *(day for day in days(since, until)[1:] if day.day == 1)]
        return [(first, min(until, _month_end(first))) for first in firsts]
    if not increment.isdigit() or not 1 <= int(increment) <= _LONGEST_INCREMENT:
        raise bad_parameter(f"time_increment must be all_days, monthly or an integer from 1 to {_LONGEST_INCREMENT}.")
    length = timedelta(days=int(increment) - 1)
    return [(first, min(until, first + length)) for first in days(since, until)[:: int(increment)]]


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
