"""What all figures share: margins, a time axis in the viewer's zone, quiet grid lines. No template: a figure stays small.

Text and grid colours come from ``assets/quayside.css``, so that a figure follows the page from light to dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from monitoring.timerange import TimeRange

Figure = dict[str, Any]
_WALL = "%Y-%m-%d %H:%M:%S"


def wall(at: datetime, view: TimeRange) -> str:
    """Return a moment as the viewer's clock shows it; plotly knows no time zones."""
    return at.astimezone(view.zone).strftime(_WALL)


def times(view: TimeRange, start: datetime, width: int, number: int) -> Mapping[str, Any]:
    """Return the x of ``number`` buckets from ``start``: a start and a step, or each one where the clocks change."""
    end = start + timedelta(seconds=width * number)
    if start.astimezone(view.zone).utcoffset() == end.astimezone(view.zone).utcoffset():
        return {"x0": wall(start, view), "dx": width * 1000}
    return {"x": [wall(start + timedelta(seconds=width * place), view) for place in range(number)]}


def layout(view: TimeRange, *, height: int = 220, legend: bool = True, **more: Any) -> Figure:
    """Return the layout of a figure over time. ``more`` wins over what stands here."""
    base: Figure = {
        "height": height,
        "margin": {"l": 46, "r": 8, "t": 8 if not legend else 30, "b": 24},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 11, "family": "inherit"},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "#26313d", "bordercolor": "#26313d", "font": {"size": 12, "color": "#ffffff"}},
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "xanchor": "left",
            "yanchor": "bottom",
            "traceorder": "normal",
        },
        "xaxis": {
            "type": "date",
            "range": [wall(view.since, view), wall(view.until, view)],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": False,
            "ticks": "outside",
            "ticklen": 3,
            "nticks": 8,
            "tickformatstops": [
                {"dtickrange": [None, 60000], "value": "%H:%M:%S"},
                {"dtickrange": [60000, 86400000], "value": "%H:%M\n%-d %b"},
                {"dtickrange": [86400000, None], "value": "%-d %b"},
            ],
        },
        "yaxis": {"zeroline": False, "rangemode": "tozero", "fixedrange": True, "gridcolor": "#8391a133", "nticks": 5},
        "uirevision": f"{view.preset or view.query}",
    }
    for name, value in more.items():
        base[name] = {**base[name], **value} if isinstance(base.get(name), dict) and isinstance(value, dict) else value
    return base
