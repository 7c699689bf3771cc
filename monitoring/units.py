"""Numbers and times as people read them. Inside, durations are float seconds and times are UTC; only here they change.

A narrow no-break space stands between a number and its unit, so that a figure never breaks over two lines.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

NONE = "–"
_THIN = "\u202f"


def duration(seconds: float | None) -> str:
    """Return a duration with three significant digits: ``842 ms``, ``1.27 s``, ``2 min 5 s``."""
    if seconds is None:
        return NONE
    if seconds < 0.001:
        return f"0{_THIN}ms" if seconds <= 0 else f"<{_THIN}1{_THIN}ms"
    if seconds < 0.9995:
        milliseconds = seconds * 1000
        return f"{milliseconds:.0f}{_THIN}ms" if milliseconds >= 10 else f"{milliseconds:.1f}{_THIN}ms"
    if seconds < 9.995:
        return f"{seconds:.2f}{_THIN}s"
    if seconds < 99.95:
        return f"{seconds:.1f}{_THIN}s"
    return span(seconds)


def span(seconds: float | None) -> str:
    """Return a longer stretch of time in its two largest units: ``45 s``, ``3 min 20 s``, ``2 d 4 h``."""
    if seconds is None:
        return NONE
    left = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if left >= size:
            parts.append(f"{left // size}{_THIN}{unit}")
            left %= size
            if len(parts) == 2:
                break
        elif parts:
            break
    return " ".join(parts) or f"0{_THIN}s"


def percent(share: float | None) -> str:
    """Return a share as a percentage, one digit below ten: ``0 %``, ``0.4 %``, ``12 %``."""
    if share is None:
        return NONE
    value = share * 100
    if value == 0:
        text = "0"
    elif value < 0.1:
        text = "<0.1"
    elif value < 9.95:
        text = f"{value:.1f}"
    elif 99.5 <= value < 100:
        text = f"{min(value, 99.9):.1f}"
    else:
        text = f"{value:.0f}"
    return f"{text}{_THIN}%"


def count(number: float | None) -> str:
    """Return a whole number, grouped; above a hundred thousand shortened: ``12,345``, ``1.2 M``."""
    if number is None:
        return NONE
    if abs(number) < 100_000:
        return f"{number:,.0f}"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{_THIN}{unit}"
    return f"{number:,.0f}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 call``, ``12 calls``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago, in one unit: ``just now``, ``12 s ago``, ``3 h ago``; ahead: ``in 4 min``."""
    if at is None:
        return NONE
    seconds = (now - at).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    text = about(abs(seconds))
    return f"{text} ago" if seconds > 0 else f"in {text}"


def about(seconds: float) -> str:
    """Return a stretch of time in one unit, rounded down: ``12 s``, ``59 min``, ``3 h``, ``2 d``."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{seconds // size:.0f}{_THIN}{unit}"
    return f"{seconds:.0f}{_THIN}s"


def clock(at: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """Return the time of day, with the date when it is not today: ``14:03:22``, ``21 Nov 14:03:22``."""
    if at is None:
        return NONE
    here = at.astimezone(zone)
    if here.date() == now.astimezone(zone).date():
        return f"{here:%H:%M:%S}"
    return f"{here:%-d %b %H:%M:%S}"


def full(at: datetime | None, zone: ZoneInfo) -> str:
    """Return date, time and zone, for a tooltip."""
    return NONE if at is None else f"{at.astimezone(zone):%A %-d %B %Y %H:%M:%S %Z}"
