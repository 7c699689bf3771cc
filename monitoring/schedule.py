"""When a sync runs next, as far as its schedule says it by itself: intervals count from 1970 for every process."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EVERY = re.compile(r"every\s+(\d{1,6})\s*([smhd])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_run(schedule: str, now: datetime) -> datetime | None:
    """Return the first slot of ``every 15m`` after now; None for a schedule by the calendar."""
    every = _EVERY.fullmatch(schedule.strip())
    if every is None or int(every[1]) == 0:
        return None
    step = timedelta(seconds=int(every[1]) * _SECONDS[every[2].lower()])
    return _EPOCH + step * ((now - _EPOCH) // step + 1)
