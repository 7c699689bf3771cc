"""P50, P95 and P99 of the duration over time. Over attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitoring.charts.axes import Figure, layout, times
from monitoring.charts.palette import AMBER, BLUE, VERMILION
from monitoring.timerange import TimeRange

_LINES = (("P99", VERMILION, "dot", 1.2), ("P95", AMBER, "solid", 1.8), ("P50", BLUE, "solid", 1.8))


def figure(
    view: TimeRange,
    *,
    start: datetime,
    width: int,
    p50: Sequence[float | None],
    p95: Sequence[float | None],
    p99: Sequence[float | None],
) -> Figure:
    """Return three lines in milliseconds; a bucket without an attempt (None) leaves a gap."""
    values = {"P50": p50, "P95": p95, "P99": p99}
    x = times(view, start, width, len(p50))
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers" if _sparse(values[name]) else "lines",
            "name": name,
            **x,
            "y": [None if value is None else round(value * 1000, 1) for value in values[name]],
            "line": {"color": color, "width": weight, "dash": dash, "shape": "linear"},
            "marker": {"size": 4, "color": color},
            "connectgaps": False,
            "hovertemplate": "%{y:,.0f} ms",
        }
        for name, color, dash, weight in _LINES
    ]
    return {"data": traces, "layout": layout(view, yaxis={"ticksuffix": " ms", "tickformat": ",~f"}, margin={"l": 62})}


def _sparse(values: Sequence[float | None]) -> bool:
    """Tell whether points stand alone, so that a line would not show them."""
    known = sum(value is not None for value in values)
    return 0 < known < len(values) * 0.5
