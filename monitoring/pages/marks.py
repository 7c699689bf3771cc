"""Small marks with one meaning everywhere: icons, verdicts, circuit states, outcomes. Never colour alone: each has a
shape and a word."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from monitoring import units
from monitoring.timerange import TimeRange

_TONES: Mapping[str, tuple[str, str]] = {  # word -> (tone, icon)
    "healthy": ("good", "healthy"),
    "degraded": ("warn", "degraded"),
    "down": ("bad", "down"),
    "idle": ("dim", "calm"),
    "closed": ("good", "healthy"),
    "open": ("bad", "down"),
    "half_open": ("warn", "degraded"),
    "forced_open": ("bad", "hand"),
    "disabled": ("dim", "hand"),
    "watch_only": ("dim", "eye"),
    "success": ("good", "healthy"),
    "error": ("bad", "down"),
    "refused": ("warn", "hand"),
    "unknown": ("warn", "question"),
    "missed": ("warn", "degraded"),
    "cancelled": ("dim", "hand"),
    "abandoned": ("bad", "down"),
    "queued": ("dim", "clock"),
    "paused": ("warn", "hand"),
    "running": ("info", "run"),
    "pending": ("warn", "clock"),
    "firing": ("bad", "bell"),
    "resolved": ("good", "healthy"),
}


def aria(**attributes: Any) -> dict[str, Any]:
    """Return ARIA attributes to spread into a component: ``aria(label="Calls")`` is ``aria-label="Calls"``."""
    return {f"aria-{name}": value for name, value in attributes.items()}


def icon(name: str, label: str = "") -> Component:
    """Return an icon of ``assets/icons.css`` in the colour of the text around it; silent unless it has a label."""
    if label:
        return html.Span(className=f"q-icon q-icon-{name}", role="img", title=label, **aria(label=label))
    return html.Span(className=f"q-icon q-icon-{name}", **aria(hidden="true"))


def tone(word: str) -> str:
    """Return the tone of a word: good, warn, bad, info or dim."""
    return _TONES.get(word, ("dim", ""))[0]


def badge(word: str, text: str = "", *, title: str = "") -> Component:
    """Return a word as a badge with its shape and tone; ``text`` replaces the word as it is read."""
    kind, shape = _TONES.get(word, ("dim", "calm"))
    return html.Span(
        [icon(shape), html.Span(text or word.replace("_", " "))],
        className=f"q-badge q-tone-{kind}",
        title=title or None,
    )


def moment(at: datetime | None, view: TimeRange, *, relative: bool = False) -> Component:
    """Return a time in the viewer's zone, with date and zone in its tooltip."""
    if at is None:
        return html.Span(units.NONE, className="q-dim")
    text = units.ago(at, view.now) if relative else units.clock(at, view.zone, view.now)
    return html.Time(
        text, dateTime=at.astimezone(view.zone).isoformat(), title=units.full(at, view.zone), className="q-num"
    )


def figure(value: str, name: str, base: str = "", *, tone_of: str = "") -> Component:
    """Return one figure with its name, and what it is counted over."""
    return html.Div(
        [
            html.Div(name, className="q-figure-name"),
            html.Div(value, className=f"q-figure-value q-tone-{tone_of}" if tone_of else "q-figure-value"),
            html.Div(base, className="q-figure-base") if base else None,
        ],
        className="q-figure",
    )
