"""The course of one exchange rate: a step at each snapshot, since a rate holds until the next one is stated."""

from __future__ import annotations

from monitoring.charts.axes import Figure, layout, wall
from monitoring.charts.palette import BLUE
from monitoring.rate_pairs import Pair
from monitoring.timerange import TimeRange


def figure(view: TimeRange, pair: Pair) -> Figure:
    """Return one line; the last rate is drawn on until the end of the time, or until now."""
    end = min(view.until, view.now)
    points = [*pair.points, (end, pair.latest)] if pair.points[-1][0] < end else list(pair.points)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers" if len(points) <= 40 else "lines",
                "name": f"{pair.base}/{pair.quote}",
                "x": [wall(max(at, view.since), view) for at, _rate in points],
                "y": [float(f"{rate:.8g}") for _at, rate in points],
                "line": {"color": BLUE, "width": 1.6, "shape": "hv"},
                "marker": {"size": 4, "color": BLUE},
                "hovertemplate": "%{y:.6~g}<extra></extra>",
            }
        ],
        "layout": layout(
            view,
            height=170,
            legend=False,
            margin={"l": 62},
            yaxis={"rangemode": "normal", "tickformat": ".6~g", "nticks": 4},
        ),
    }
