"""When a quota runs out at the present spend, and which planned syncs will not fit: pure arithmetic, no database.

A *counted* window may be spent at any speed: it is empty once what is left has been sent at the pace of lately, unless
the window ends before. A *paced* one falls due evenly and never runs out; at too fast a pace calls wait instead.

    pace lately + what is left (the vendor's word, or our own count) -> the moment it is empty, and the basis in words
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from monitoring import units

Outlook = Literal["empty", "runs_out", "lasts", "idle", "paced", "crowded"]

SHORTEST_LOOK, LONGEST_LOOK = 60.0, 86400.0  # seconds of spend a forecast rests on at least, at most
LOOK_SHARE = 30  # a window is judged by the spend of its last thirtieth
ENOUGH = 20  # requests from which on the pace is taken from the first of them, not from the whole look
LONG_WINDOW = 600.0  # seconds; a shorter window makes a sync wait for the next one, it does not stop it


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A quota window as it stands. ``remaining`` of ``limit`` was left at ``as_of``; ``ends_at`` is when it begins anew,
    None while it has not begun. ``batch_remaining`` is what syncs may still take of it."""

    quota: str
    limit: float
    seconds: float
    remaining: float
    batch_remaining: float
    as_of: datetime
    ends_at: datetime | None = None
    paced: bool = False
    announced: bool = False
    blocked_until: datetime | None = None
    batch_limit: float | None = None  # of a whole window; None is all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast requests went out lately: so many in so many seconds."""

    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How a window goes on. ``empty_at`` is set when it runs out before it ends; ``left_at_end`` when it does not."""

    window: Window
    pace: Pace
    outlook: Outlook
    basis: str
    empty_at: datetime | None = None
    left_at_end: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A planned sync that needs more than will be left when it starts."""

    sync: str
    vendor: str
    quota: str
    starts_at: datetime
    needs: int
    left: float


def look(seconds: float) -> timedelta:
    """Return how far back the pace of a window of so many seconds is measured."""
    return timedelta(seconds=min(LONGEST_LOOK, max(SHORTEST_LOOK, seconds / LOOK_SHARE)))


def pace_of(requests: int, first_at: datetime | None, *, since: datetime, now: datetime) -> Pace:
    """Return the pace of what was sent since then; from its first request on, where there are enough to tell."""
    whole = (now - since).total_seconds()
    if requests < ENOUGH or first_at is None:
        return Pace(requests=requests, seconds=whole)
    # The first request opens the stretch, the others fall in it.
    stretch = (now - max(first_at, since)).total_seconds()
    return Pace(requests=requests - 1, seconds=stretch) if stretch >= 1.0 else Pace(requests=requests, seconds=whole)


def forecast(window: Window, pace: Pace, now: datetime) -> Forecast:
    """Return how a window goes on at a pace."""
    left = max(0.0, window.remaining)
    source = "the vendor's own word" if window.announced else "our own count"
    stock = f"{units.count(left)} of {units.count(window.limit)} left by {source}"
    spent = f"spent at {speed(pace)}, the pace of the last {units.span(pace.seconds)}"

    def found(outlook: Outlook, *words: str, empty_at: datetime | None = None, end: float | None = None) -> Forecast:
        basis = "; ".join(words) + "."
        return Forecast(window=window, pace=pace, outlook=outlook, basis=basis, empty_at=empty_at, left_at_end=end)

    if window.blocked_until is not None and window.blocked_until > now:
        return found(
            "empty",
            "the vendor told us to stay away",
            f"again in {units.span((window.blocked_until - now).total_seconds())}",
            empty_at=now,
        )
    if window.paced:
        share = pace.per_second * window.seconds / window.limit
        words = f"{units.percent(share)} of it is asked for; {spent}"
        if share >= 1.0:
            return found("crowded", words, "calls wait for their turn")
        return found("paced", words, "permits fall due evenly, so it does not run out")
    ends = f"the window ends in {units.span((window.ends_at - now).total_seconds())}" if window.ends_at else ""
    if left < 1.0 and (window.ends_at is None or window.ends_at > now):
        return found("empty", stock, *([ends] if ends else []), empty_at=now)
    if pace.per_second <= 0:
        return found("idle", stock, f"nothing was sent in the last {units.span(pace.seconds)}")
    empty_at = max(now, window.as_of + timedelta(seconds=min(left / pace.per_second, 10 * 365 * 86400.0)))
    end = window.ends_at or now + timedelta(seconds=window.seconds)
    if empty_at >= end:
        rest = left - pace.per_second * (end - window.as_of).total_seconds()
        return found("lasts", stock, spent, *([ends] if ends else []), end=max(0.0, rest))
    return found("runs_out", stock, spent, *([ends] if ends else []), empty_at=empty_at)


def speed(pace: Pace) -> str:
    """Return a pace in the shortest time in which it is one request at least: ``2.5 an hour``."""
    rate = pace.per_second
    for seconds, each in ((1.0, "a second"), (60.0, "a minute"), (3600.0, "an hour")):
        if rate * seconds >= 1.0:
            return f"{rate * seconds:,.3g} {each}"
    return f"{rate * 86400.0:,.3g} a day"


def left_for_sync(known: Forecast, at: datetime) -> float:
    """Return what a sync that starts at a moment may take of a window, if the pace stays."""
    window = known.window
    if window.ends_at is not None and at >= window.ends_at:
        return window.batch_limit if window.batch_limit is not None else window.limit
    spent = known.pace.per_second * max(0.0, (at - window.as_of).total_seconds())
    return max(0.0, min(window.remaining - spent, window.batch_remaining))


def shortfalls(
    plans: Iterable[tuple[str, str, datetime, int]], forecasts: Iterable[tuple[str, Forecast]]
) -> list[Shortfall]:
    """Return the plans (sync, vendor, when it starts, requests it needs) that will not fit, the soonest first.

    ``forecasts`` are (vendor, forecast). A paced or short window only makes a sync wait, so it stops none. A plan is
    named once per vendor, with the window that falls shortest.
    """
    by_vendor: dict[str, list[Forecast]] = {}
    for vendor, known in forecasts:
        if not known.window.paced and known.window.seconds >= LONG_WINDOW:
            by_vendor.setdefault(vendor, []).append(known)
    found = []
    for sync, vendor, starts_at, needs in plans:
        short = [
            Shortfall(sync=sync, vendor=vendor, quota=known.window.quota, starts_at=starts_at, needs=needs, left=left)
            for known in by_vendor.get(vendor, ())
            if needs > (left := left_for_sync(known, starts_at))
        ]
        if short:
            found.append(min(short, key=lambda one: one.left))
    return sorted(found, key=lambda one: (one.starts_at, one.sync, one.vendor))
