"""The grid of the call list, and how its large bundle stays off every other page."""

from __future__ import annotations

import dash_ag_grid as dag
from dash.development.base_component import Component

PAGE = 100  # rows a request brings
BUNDLE = "/_dash-component-suites/dash_ag_grid/dash_ag_grid.min.js"


def load_on_demand() -> None:
    """Keep the grid's bundle (1.3 MB) out of the index page; ``quayside.js`` fetches it when the call list opens.

    A resource marked dynamic is served but not put on the page (dash/resources.py).
    """
    for resource in dag._js_dist:
        if resource["relative_package_path"] == "dash_ag_grid.min.js":
            resource["dynamic"] = True


def grid() -> Component:
    """Return the grid; it asks for its rows itself."""
    bad = {"q-cell-bad": "params.value === 'error'", "q-cell-warn": "['refused', 'unknown'].includes(params.value)",
           "q-cell-good": "params.value === 'success'"}  # fmt: skip
    columns = [
        {"field": "started", "headerName": "Started", "width": 148},
        {"field": "vendor", "headerName": "Vendor", "width": 140},
        {"field": "operation", "headerName": "Operation", "width": 158},
        {"field": "outcome", "headerName": "Outcome", "width": 98, "cellClassRules": bad},
        {"field": "error", "headerName": "Error", "width": 125},
        {"field": "duration", "headerName": "Duration", "width": 98, "type": "rightAligned"},
        {"field": "attempts", "headerName": "Attempts", "width": 92, "type": "rightAligned"},
        {"field": "trigger", "headerName": "Trigger", "width": 82},
        {"field": "message", "headerName": "What happened", "flex": 1, "minWidth": 240, "tooltipField": "message"},
    ]
    return dag.AgGrid(
        id="calls-grid",
        columnDefs=columns,
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
