"""The states of each circuit of a vendor over time, as one band per circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.charts.axes import Figure, layout, wall
from monitoring.charts.palette import CIRCUIT
from monitoring.timerange import TimeRange

WORDS = {"half_open": "half open", "forced_open": "held open", "watch_only": "watch only"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A circuit in one state for a while, and why it went there."""

    name: str
    state: str
    since: datetime
    until: datetime
    reason: str


def figure(view: TimeRange, stretches: Sequence[Stretch]) -> Figure:
    """Return one horizontal band per circuit; each state has its colour and its word on hover."""
    names = sorted({stretch.name for stretch in stretches}, reverse=True)
    traces = []
    for state, color in CIRCUIT.items():
        mine = [stretch for stretch in stretches if stretch.state == state]
        if not mine:
            continue
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": WORDS.get(state, state),
                "y": [stretch.name for stretch in mine],
                "base": [wall(stretch.since, view) for stretch in mine],
                "x": [round((stretch.until - stretch.since).total_seconds() * 1000) for stretch in mine],
                "marker": {"color": color, "line": {"width": 0}},
                "customdata": [_hover(stretch) for stretch in mine],
                "hovertemplate": "%{customdata}<extra></extra>",
                "width": 0.62,
            }
        )
    return {
        "data": traces,
        "layout": layout(
            view,
            height=76 + 26 * max(1, len(names)),
            barmode="overlay",
            hovermode="closest",
            margin={"l": 10, "b": 26},
            yaxis={"type": "category", "categoryarray": names, "showgrid": False, "automargin": True},
        ),
    }


def _hover(stretch: Stretch) -> str:
    words = stretch.reason.split()
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 60:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    reason = "<br>".join([*lines, line]).replace("%{", "% {")
    return f"<b>{WORDS.get(stretch.state, stretch.state)}</b><br>{reason}" if reason else f"<b>{stretch.state}</b>"
