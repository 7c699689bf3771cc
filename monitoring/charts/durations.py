"""P50, P95 and P99 of the duration over time. Over attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitoring.charts.axes import Figure, layout, times
from monitoring.charts.palette import AMBER, BLUE, SLATE, VERMILION
from monitoring.charts.points import buckets, faint
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
    vendor: str = "",
    before: Sequence[float | None] = (),
) -> Figure:
    """Return three lines in milliseconds; a bucket without an attempt (None) leaves a gap.

    ``before`` is the P95 one period earlier, drawn as a faint line.
    """
    values = {"P50": p50, "P95": p95, "P99": p99}
    x = times(view, start, width, len(p50))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers" if _sparse(values[name]) else "lines",
            "name": name,
            **x,
            "y": _milliseconds(values[name]),
            "line": {"color": color, "width": weight, "dash": dash, "shape": "linear"},
            "marker": {"size": 4, "color": color},
            "connectgaps": False,
            "hovertemplate": "%{y:,.0f} ms",
        }
        for name, color, dash, weight in _LINES
    ]
    if any(value is not None for value in before):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "P95 before",
                **x,
                "y": _milliseconds(faint(before, len(p50))),
                "line": {"color": SLATE, "width": 1.2, "dash": "dot"},
                "opacity": 0.75,
                "connectgaps": True,
                "hovertemplate": "%{y:,.0f} ms",
            }
        )
    return {
        "data": traces,
        "layout": layout(
            view,
            yaxis={"ticksuffix": " ms", "tickformat": ",~f"},
            margin={"l": 62},
            meta=buckets(start, width, vendor=vendor),
        ),
    }


def _milliseconds(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value * 1000, 1) for value in values]


def _sparse(values: Sequence[float | None]) -> bool:
    """Tell whether points stand alone, so that a line would not show them."""
    known = sum(value is not None for value in values)
    return 0 < known < len(values) * 0.5
