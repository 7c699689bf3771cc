"""A figure beside what it was one period before: the change in a few words, with a sign, never by colour alone."""

from __future__ import annotations

from datetime import timedelta

from dash import html
from dash.development.base_component import Component

from monitoring import units
from monitoring.timerange import TimeRange


def period_before(view: TimeRange) -> TimeRange:
    """Return the stretch of the same length that ends where a range begins."""
    return TimeRange(
        since=view.since - timedelta(seconds=view.seconds), until=view.since, now=view.now, zone=view.zone, preset=None
    )


def change_of_share(now: float | None, before: float | None) -> Component | None:
    """Return how a share has changed, in points; None when one of them is not known."""
    if now is None or before is None:
        return None
    points = (now - before) * 100
    text = "as before" if abs(points) < 0.05 else f"{points:+.1f} points"
    return _change(text, units.percent(before), worse=points >= 1.0)


def change(now: float | None, before: float | None, *, said: str, more_is_worse: bool = True) -> Component | None:
    """Return how a figure has changed, in per cent of before; ``said`` is what it was. None when not known."""
    if now is None or not before:
        return None
    share = now / before - 1.0
    text = "as before" if abs(share) < 0.005 else f"{share:+.0%}" if share < 9.995 else f"{now / before:.0f} times"
    return _change(text, said, worse=more_is_worse and share >= 0.25)


def _change(text: str, before: str, *, worse: bool) -> Component:
    return html.Span(
        text.replace("-", "−"),
        className="q-change q-tone-warn" if worse else "q-change",
        title=f"{before} in the period before",
    )
