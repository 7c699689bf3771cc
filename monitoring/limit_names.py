"""How people call the limits of a vendor, in which unit they are, and what each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitoring import units


@dataclass(frozen=True, slots=True)
class Named:
    """A limit in words. ``unit``: calls, s (seconds), share (0 to 1)."""

    label: str
    unit: str
    meaning: str


_BREAKER: Mapping[str, Named] = {
    "consecutive_failures": Named("Failures in a row", "calls", "The circuit opens after so many attempts failed."),
    "failure_rate_threshold": Named("Failure rate", "share", "It opens when this share of the window failed."),
    "minimum_number_of_calls": Named("Least calls", "calls", "A rate is judged from so many attempts on."),
    "sliding_window_size": Named("Window", "s", "The attempts of so many seconds are judged together."),
    "slow_call_duration_threshold": Named("Slow from", "s", "An attempt that takes as long counts as slow."),
    "slow_call_rate_threshold": Named("Slow rate", "share", "It opens when this share of the window was slow."),
    "wait_duration_in_open_state": Named("Open for", "s", "Nothing is sent for so long; it doubles each time."),
    "max_wait_duration_in_open_state": Named("Open at most", "s", "It doubles no further."),
    "permitted_number_of_calls_in_half_open_state": Named("Probes", "calls", "So many must succeed to close it."),
    "max_wait_duration_in_half_open_state": Named("Probe given up", "s", "A probe that takes longer is replaced."),
}
_WHOLE: Mapping[str, Named] = {
    "reserve": Named("Reserve", "share", "Of every quota, kept for calls somebody waits for."),
    "concurrency": Named("At once", "calls", "Requests in flight in each process."),
}


def named(name: str) -> Named:
    """Return how people call a limit; a quota by its own name."""
    kind, _, rest = name.partition(".")
    if kind == "breaker" and rest in _BREAKER:
        return _BREAKER[rest]
    if kind == "quotas":
        quota, _, part = rest.rpartition(".")
        quota = quota.replace("_", " ")
        if part == "limit":
            return Named(f"Quota “{quota}”", "calls", "Requests in its window.")
        return Named(f"Window of “{quota}”", "s", "The seconds of the quota's window.")
    return _WHOLE.get(name, Named(name, "calls", ""))


def amount(name: str, value: float | None) -> str:
    """Return a number of a limit as people read it."""
    if value is None:
        return "no limit"
    unit = named(name).unit
    if unit == "s":
        return units.span(value) if value >= 1 and value == round(value) else f"{value:g}\u202fs"
    if unit == "share":
        return units.percent(value)
    return units.count(value) if value == round(value) else f"{value:g}"
