"""The ERP's clock: every moment it shows or is given without an offset is in its own time zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)")  # 6/7/2024, as the guide's samples write dates


class ErpClock:
    """Now, and moments as text, in the zone that ``zone`` names at the time of asking."""

    def __init__(self, now: Callable[[], float], zone: Callable[[], str]) -> None:
        self._now = now
        self._zone = zone

    def now(self) -> float:
        """Return Unix seconds in whole milliseconds: what is stored is what is shown, so a watermark can be exact."""
        return round(self._now(), 3)

    def text(self, at: float) -> str:
        """Return Unix seconds as the ERP writes them, its own offset behind: 2023-12-03T14:59:30.693+03:00."""
        return _text(at, self._zone())

    def read(self, text: str) -> float:
        """Return Unix seconds; without an offset the text is local time, in a fold its first pass.

        Raises ValueError when it is no date.
        """
        slashed = _SLASHED.fullmatch(text.strip())
        if slashed:
            month, day, year, rest = slashed.groups()
            text = f"{year}-{int(month):02d}-{int(day):02d}{rest.strip() and 'T' + rest.strip()}"
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=_zone(self._zone()))).timestamp()

    def today(self) -> float:
        """Return the start of the ERP's business day."""
        moment = datetime.fromtimestamp(self._now(), UTC).astimezone(_zone(self._zone()))
        return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)  # a page of stock mostly shows the same few moments
def _text(at: float, zone: str) -> str:
    moment = datetime.fromtimestamp(at, _zone(zone))
    fraction = f".{moment.microsecond // 1000:03d}".rstrip("0").rstrip(".")
    offset = moment.strftime("%z")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{offset[:3]}:{offset[3:5]}"
