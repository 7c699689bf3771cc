"""When a sync runs next, and what is wrong with a schedule somebody typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from db.schedules import LONGEST
from monitoring.hands import NextTimes

_EVERY = re.compile(r"every\s+(\d{1,6})\s*([smhd])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_FAILURES = 1000


def next_run(schedule: str, now: datetime) -> datetime | None:
    """Return the first slot of ``every 15m`` after now; None for a schedule by the calendar.

    Intervals count from 1970 for every process.
    """
    every = _EVERY.fullmatch(schedule.strip())
    if every is None or int(every[1]) == 0:
        return None
    step = timedelta(seconds=int(every[1]) * _SECONDS[every[2].lower()])
    return _EPOCH + step * ((now - _EPOCH) // step + 1)


async def upcoming(hand: NextTimes | None, schedule: str, now: datetime) -> datetime | None:
    """Return the next slot of any schedule; None where nobody here can tell, or it is no schedule."""
    if hand is None:
        return next_run(schedule, now)
    try:
        found = await hand(schedule, now)
    except ValueError:
        return None
    return found[0] if found else None


async def schedule_problem(hand: NextTimes | None, text: str | None, now: datetime) -> Sequence[datetime]:
    """Return the next times of a schedule somebody typed. Raise ValueError with the sentence that refuses it."""
    typed = (text or "").strip()
    if not typed:
        raise ValueError("Write when it is to run, such as “every 15m”.")
    if len(typed) > LONGEST:
        raise ValueError(f"Write it in at most {LONGEST} characters.")
    if hand is None:
        raise ValueError("This process was started without the scheduler's options; it cannot read a schedule.")
    try:
        return await hand(typed, now)
    except ValueError as error:
        sentence = str(error).removeprefix("schedule is ")
        raise ValueError(f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.") from None


def failures_problem(number: Any) -> str | None:
    """Return the sentence that refuses a number of failures that pauses a sync; None when it will do."""
    whole = isinstance(number, int | float) and not isinstance(number, bool) and number == int(number)
    return None if whole and 0 <= number <= MOST_FAILURES else f"Give a whole number from 0 to {MOST_FAILURES}."
