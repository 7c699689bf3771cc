"""The grid of the call list, and how its large bundle stays off every other page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash.development.base_component import Component

PAGE = 100  # rows a request brings
BUNDLE = "/_dash-component-suites/dash_ag_grid/dash_ag_grid.min.js"
_TONES = {
    "q-cell-bad": "params.value === 'error'",
    "q-cell-warn": "['refused', 'unknown'].includes(params.value)",
    "q-cell-good": "params.value === 'success'",
}
_NUMBER = {"type": "rightAligned"}


def load_on_demand() -> None:
    """Keep the grid's bundle (1.3 MB) out of the index page; ``quayside.js`` fetches it when the call list opens.

    A resource marked dynamic is served but not put on the page (dash/resources.py).
    """
    for resource in dag._js_dist:
        if resource["relative_package_path"] == "dash_ag_grid.min.js":
            resource["dynamic"] = True


# Field -> head, width, whether it is shown before anybody chooses, and what else AG Grid is told.
COLUMNS: Mapping[str, tuple[str, int, bool, Mapping[str, Any]]] = {
    "started": ("Started", 148, True, {}),
    "vendor": ("Vendor", 140, True, {}),
    "operation": ("Operation", 158, True, {}),
    "outcome": ("Outcome", 98, True, {"cellClassRules": _TONES}),
    "status": ("HTTP", 66, True, _NUMBER),
    "error": ("Error", 125, True, {}),
    "fault": ("Whose fault", 110, False, {}),
    "duration": ("Duration", 98, True, _NUMBER),
    "attempts": ("Attempts", 92, True, _NUMBER),
    "waited": ("Held back", 100, False, _NUMBER),
    "trigger": ("Trigger", 82, True, {}),
    "priority": ("Priority", 98, False, {}),
    "by": ("By", 120, False, {}),
    "key": ("Idempotency key", 210, False, {"cellClass": "q-mono"}),
    "correlation": ("Correlation id", 270, False, {"cellClass": "q-mono"}),
    "path": ("Path", 260, False, {"cellClass": "q-mono"}),
    "message": ("What happened", 240, True, {"flex": 1, "minWidth": 240, "tooltipField": "message"}),
}
SHOWN = tuple(name for name, column in COLUMNS.items() if column[2])


def chosen_columns(text: str | None) -> tuple[str, ...]:
    """Return the columns a URL names, in our order; those of the start when it names none we know."""
    named = set((text or "").split(","))
    return tuple(name for name in COLUMNS if name in named) or SHOWN


def column_definitions(chosen: Sequence[str]) -> list[dict[str, Any]]:
    """Return the columns as AG Grid takes them."""
    return [
        {"field": name, "headerName": head, "width": width, "hide": name not in chosen, **more}
        for name, (head, width, _shown, more) in COLUMNS.items()
    ]


def grid(chosen: Sequence[str] = SHOWN) -> Component:
    """Return the grid; it asks for its rows itself."""
    return dag.AgGrid(
        id="calls-grid",
        columnDefs=column_definitions(chosen),
        defaultColDef={"sortable": False, "resizable": True, "suppressHeaderMenuButton": True},
        rowModelType="infinite",
        getRowId="params.data.id.toString()",
        dashGridOptions={
            "rowSelection": {"mode": "singleRow", "enableClickSelection": True, "checkboxes": False},
            "cacheBlockSize": PAGE,
            "cacheOverflowSize": 1,
            "maxConcurrentDatasourceRequests": 1,
            "infiniteInitialRowCount": 1,
            "rowHeight": 32,
            "headerHeight": 34,
            "animateRows": False,
            "suppressCellFocus": False,
            "localeText": {"noRowsToShow": "No call in this time fits the filters."},
        },
        className="q-grid-inner",
        style={"height": "100%"},
    )
