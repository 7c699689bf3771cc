"""The only place that makes a Graph: plotly 7 offers to upload a figure unless it is told not to."""

from __future__ import annotations

from typing import Any

from dash import dcc
from dash.development.base_component import Component

CONFIG: Any = {
    "showSendToCloud": False,
    "displaylogo": False,
    "displayModeBar": False,
    "responsive": True,
    "doubleClick": "reset",
}


def graph(figure: dict[str, Any], id: str) -> Component:
    """Return a figure that uploads nothing and grows with its panel."""
    return dcc.Graph(
        id=id,
        figure=figure,
        config=CONFIG,
        className="q-chart",
        style={"height": figure["layout"]["height"]},
    )
