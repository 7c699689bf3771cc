"""The time range of a page: read from the URL, so that a link shows a colleague the same thing.

``?range=1h`` ends now and moves on; ``?from=…&to=…`` (RFC 3339, UTC) stands still. People may also type a moment:
``now``, ``3h ago``, ``14:30``, ``2026-11-23``, ``2026-11-23 14:30``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PRESETS: Mapping[str, tuple[str, float]] = {  # seconds
    "15m": ("Last 15 minutes", 900.0),
    "1h": ("Last hour", 3600.0),
    "6h": ("Last 6 hours", 21600.0),
    "24h": ("Last 24 hours", 86400.0),
    "7d": ("Last 7 days", 604800.0),
    "30d": ("Last 30 days", 2592000.0),
}
DEFAULT_PRESET = "1h"
LONGEST = timedelta(days=400)
_AGO = re.compile(r"(?:now)?\s*-?\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)\s*(?:ago)?", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SHAPES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """From ``since`` to ``until``, seen from ``zone``. ``preset`` is None for a range that stands still.

    ``problem`` is a sentence when the URL asked for something unreadable; the range is then the default one.
    """

    since: datetime
    until: datetime
    now: datetime
    zone: ZoneInfo
    preset: str | None
    problem: str | None = None

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()

    @property
    def label(self) -> str:
        if self.preset:
            return PRESETS[self.preset][0]
        since, until = self.since.astimezone(self.zone), self.until.astimezone(self.zone)
        end = f"{until:%H:%M}" if since.date() == until.date() else f"{until:%-d %b %H:%M}"
        return f"{since:%-d %b %H:%M} – {end}"

    @property
    def query(self) -> str:
        """The range as it stands in a URL, without the question mark."""
        if self.preset:
            return urlencode({"range": self.preset})
        return urlencode({"from": stamp(self.since), "to": stamp(self.until)})

    def link(self, path: str, **parameters: str) -> str:
        """Return the address of a page that shows this range."""
        extra = urlencode({name: value for name, value in parameters.items() if value})
        return f"{path}?{self.query}" + (f"&{extra}" if extra else "")


def stamp(at: datetime) -> str:
    """Return RFC 3339 in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def zone_named(name: str | None) -> ZoneInfo:
    """Return the time zone of the viewer's browser; UTC when it is unknown here."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def parameters_of(search: str | None) -> dict[str, str]:
    """Return the parameters of a URL's search part; the last of a repeated name wins."""
    return dict(parse_qsl((search or "").removeprefix("?")))


def time_range(search: str | None, zone: str | None, now: datetime) -> TimeRange:
    """Return the range a URL asks for; the default one, with a ``problem``, when it cannot be read."""
    wanted = parameters_of(search)
    where = zone_named(zone)
    try:
        if "from" in wanted:
            since = moment(wanted["from"], where, now)
            until = moment(wanted.get("to", "now"), where, now)
            check(since, until)
            return TimeRange(since=since, until=until, now=now, zone=where, preset=None)
        preset = wanted.get("range", DEFAULT_PRESET)
        if preset not in PRESETS:
            raise ValueError(f"“{preset[:20]}” is no time range; use one of {', '.join(PRESETS)}.")
        problem = None
    except ValueError as error:
        preset, problem = DEFAULT_PRESET, str(error)
    since = now - timedelta(seconds=PRESETS[preset][1])
    return TimeRange(since=since, until=now, now=now, zone=where, preset=preset, problem=problem)


def check(since: datetime, until: datetime) -> None:
    """Raise ValueError, with the remedy, for a range that is empty or too long."""
    if since >= until:
        raise ValueError("The range ends before it starts; “From” must be earlier than “To”.")
    if until - since > LONGEST:
        raise ValueError("The range is longer than 400 days; choose a shorter one.")


def moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the moment a person typed, in UTC. Raise ValueError with examples when it cannot be read."""
    typed = text.strip()
    if typed.lower() == "now":
        return now
    if ago := _AGO.fullmatch(typed):
        try:
            return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2].lower()])
        except OverflowError:
            raise ValueError(f"“{typed[:40]}” is too long ago.") from None
    if clock := re.fullmatch(r"(\d{1,2}):(\d{2})", typed):
        hour, minute = int(clock[1]), int(clock[2])
        if hour < 24 and minute < 60:
            here = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
            return here.astimezone(UTC)
    for shape in _SHAPES:
        try:
            return datetime.strptime(typed, shape).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    try:
        exact = datetime.fromisoformat(typed)
        return (exact if exact.tzinfo else exact.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"“{typed[:40]}” is no moment; try 14:30, 3h ago or 2026-11-23 14:30.") from None


def with_filters(search: str | None, names: Sequence[str], values: Sequence[str | None]) -> str | None:
    """Return the query of a page with these filters and everything else as it was; None when nothing changes."""
    wanted = parameters_of(search)
    kept = {name: value for name, value in wanted.items() if name not in names}
    filters = {name: value for name, value in zip(names, values, strict=True) if value}
    after = "?" + urlencode({**kept, **filters}) if kept or filters else ""
    return None if parameters_of(after) == wanted else after
