"""What a rehearsal did to each vendor, as lanes on one time axis: the fault, what became of the calls, the circuit, the
incidents. Reactions in, lanes out; the page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.reactions import Reaction, Slice
from monitoring.charts.waterfall import Bar, Extent

SLICES = 60  # the calls of a stretch are counted in this many
_STEPS = (10, 30, 60, 120, 300, 600, 1200, 1800, 3600)  # seconds between two marks of the axis
_SOON = 60.0  # seconds shown after the fault at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One lane: what it is about, its bars, and in words where it stands."""

    subject: str
    what: str  # fault | calls | circuit | incident
    bars: Sequence[Bar]
    word: str


def stretch(start: datetime, planned: float, found: Sequence[Reaction], longest: float) -> Extent:
    """Return what the lanes span: the fault as planned, a while after it, and all that came of it."""
    last = max(((one.at - start).total_seconds() for one in found), default=0.0)
    return Extent(start=start, seconds=min(longest, max(planned + max(_SOON, planned / 3), last + _SOON / 4)))


def marks(whole: Extent) -> list[float]:
    """Return the marks of the axis in seconds after the start, four at most."""
    step = next((size for size in _STEPS if whole.seconds / size <= 4), _STEPS[-1])
    return [float(step * place) for place in range(int(whole.seconds * 0.92 / step) + 1)]


def lanes(
    vendor: str, whole: Extent, *, ended: float, counted: Sequence[Slice], found: Sequence[Reaction], now: datetime
) -> list[Lane]:
    """Return the lanes of one vendor. ``ended``: seconds after the start at which its fault ends or was stopped."""
    over = (now - whole.start).total_seconds() >= ended
    fault = Lane(
        subject=vendor, what="fault", bars=[whole.bar(whole.start, ended, "fault")], word="over" if over else "in force"
    )
    found_lanes = [fault, _calls(vendor, counted)]
    for name in sorted({one.subject for one in found if one.kind == "circuit"}):
        found_lanes.append(_circuit(name, whole, [one for one in found if one.subject == name], now))
    if incident := _incident(vendor, whole, found, now):
        found_lanes.append(incident)
    return found_lanes


def _calls(vendor: str, counted: Sequence[Slice]) -> Lane:
    mine = [one for one in counted if one.vendor == vendor]
    bars = [Bar(left=one.place / SLICES, width=0.8 / SLICES, kind=worst(one)) for one in mine]
    sums = {
        "ok": sum(one.successful for one in mine),
        "by fallback": sum(one.fell_back for one in mine),
        "refused": sum(one.refused for one in mine),
        "failed": sum(one.failed for one in mine),
    }
    said = [f"{number} {word}" for word, number in sums.items() if number]
    return Lane(subject=vendor, what="calls", bars=bars, word=", ".join(said) or "no call yet")


def worst(one: Slice) -> str:
    """Return what a slice is painted as: the worst that became of a call in it."""
    if one.failed:
        return "failed"
    if one.refused:
        return "refused"
    return "fell-back" if one.fell_back else "good"


def _circuit(name: str, whole: Extent, found: Sequence[Reaction], now: datetime) -> Lane:
    changes = [one for one in found if one.kind == "circuit"]
    bars = []
    since, state = whole.start, changes[0].before
    for one in changes:
        bars.append(whole.bar(since, (one.at - since).total_seconds(), state))
        since, state = one.at, one.word
    bars.append(whole.bar(since, (now - since).total_seconds(), state))
    return Lane(subject=name, what="circuit", bars=bars, word=state.replace("_", " "))


def _incident(vendor: str, whole: Extent, found: Sequence[Reaction], now: datetime) -> Lane | None:
    fired = [one for one in found if one.kind == "incident" and one.subject == vendor]
    resolved = [one for one in found if one.kind == "resolved" and one.subject == vendor]
    if not fired:
        return None
    since = fired[0].at
    over = len(resolved) >= len(fired)
    until = resolved[-1].at if over else now
    bar = whole.bar(since, (until - since).total_seconds(), "failed")
    return Lane(subject=vendor, what="incident", bars=[bar], word="resolved" if over else "firing")
