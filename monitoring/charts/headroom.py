"""What is left of each quota over time, as a share of its limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitoring.charts.axes import Figure, layout, times
from monitoring.charts.palette import BLUE, PINK, SKY, SLATE, TEAL
from monitoring.charts.points import buckets
from monitoring.timerange import TimeRange

_COLORS = (BLUE, TEAL, PINK, SKY)
ANNOUNCED = "announced by the vendor"


def figure(
    view: TimeRange,
    *,
    start: datetime,
    width: int,
    shares: Mapping[str, Sequence[float | None]],
    vendor: str = "",
) -> Figure:
    """Return one line per quota, 1 = untouched, 0 = used up; None where nothing is known."""
    number = max((len(values) for values in shares.values()), default=0)
    x = times(view, start, width, number)
    traces = []
    own = [name for name in shares if name != ANNOUNCED]
    for name, values in shares.items():
        color = SLATE if name == ANNOUNCED else _COLORS[own.index(name) % len(_COLORS)]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if name == ANNOUNCED else "lines",
                "name": name,
                **x,
                "y": [None if value is None else round(max(0.0, value), 4) for value in values],
                "line": {"color": color, "width": 1.6, "dash": "dot" if name == ANNOUNCED else "solid"},
                "marker": {"size": 3, "color": color},
                "connectgaps": name == ANNOUNCED,
                "hovertemplate": "%{y:.0%} left",
            }
        )
    return {
        "data": traces,
        "layout": layout(
            view,
            height=190,
            yaxis={"tickformat": ".0%", "range": [0, 1.04], "nticks": 3},
            meta=buckets(start, width, vendor=vendor),
        ),
    }
