"""How many attempts took how long over time: the darker a cell, the more. Over attempts."""

from __future__ import annotations

from datetime import timedelta

from db.heat import Heat, edges
from monitoring import units
from monitoring.charts.axes import Figure, layout, wall
from monitoring.charts.palette import BLUE
from monitoring.charts.points import buckets
from monitoring.timerange import TimeRange

_SCALE = [[0.0, "rgba(61,139,208,0.10)"], [0.35, "rgba(61,139,208,0.45)"], [1.0, BLUE]]
_STEEP = 0.5  # a cell's shade grows with the root of its share: rare slow ones can still be seen


def figure(view: TimeRange, heat: Heat, vendor: str = "") -> Figure:
    """Return the map; a column is a bucket of time, a row a band of durations, the shortest at the bottom."""
    bands = sorted({band for _place, band in heat.counts})
    rows = list(range(bands[0], bands[-1] + 1)) if bands else []
    most = max(heat.counts.values(), default=1)
    step = timedelta(seconds=heat.width)
    shades: list[list[float | None]] = []
    said: list[list[str]] = []
    for band in rows:
        counts = [heat.counts.get((place, band), 0) for place in range(heat.buckets)]
        shades.append([round((count / most) ** _STEEP, 3) if count else None for count in counts])
        said.append([units.plural(count, "attempt") if count else "" for count in counts])
    names = [f"{units.duration(low)} – {units.duration(high)}" for low, high in map(edges, rows)]
    return {
        "data": [
            {
                "type": "heatmap",
                "x": [wall(heat.start + step * place + step / 2, view) for place in range(heat.buckets)],
                "y": list(range(len(rows))),
                "z": shades,
                "text": said,
                "customdata": [[name] * heat.buckets for name in names],
                "zmin": 0,
                "zmax": 1,
                "colorscale": _SCALE,
                "showscale": False,
                "xgap": 1 if heat.buckets <= 60 else 0,
                "ygap": 1,
                "hoverongaps": False,
                "hovertemplate": "%{text} took %{customdata}<extra></extra>",
            }
        ],
        "layout": layout(
            view,
            height=230,
            legend=False,
            hovermode="closest",
            margin={"l": 62},
            yaxis={
                "showgrid": False,
                "tickmode": "array",
                "tickvals": [place - 0.5 for place in range(0, len(rows) + 1, 2)],
                "ticktext": [units.duration(edges(rows[0] + place)[0]) for place in range(0, len(rows) + 1, 2)]
                if rows
                else [],
                "range": [-0.5, len(rows) - 0.5],
                "rangemode": "normal",
            },
            meta=buckets(heat.start, heat.width, vendor=vendor),
        ),
    }
