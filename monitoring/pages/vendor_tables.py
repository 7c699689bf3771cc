"""The tables of a vendor's page: its operations, and the calls that failed last."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from db.calls import CallRow
from monitoring import units
from monitoring.pages.marks import moment
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.pages.vendor_charts import panel
from monitoring.timerange import TimeRange
from monitoring.vendor_figures import Figures


def operations(found: Sequence[tuple[str, Figures]], name: str, view: TimeRange) -> Component:
    """Return the operations, busiest first."""
    rows = [
        [
            dcc.Link(operation, href=view.link("/calls", vendor=name, operation=operation), className="q-mono"),
            units.count(sums.calls),
            html.Span(
                units.percent(sums.error_rate), className="q-tone-bad" if (sums.error_rate or 0) >= 0.05 else None
            ),
            units.count(sums.refused),
            units.count(sums.attempts),
            units.duration(sums.p50),
            units.duration(sums.p95),
        ]
        for operation, sums in found
    ]
    names = ("Operation", ">Calls", ">Error rate", ">Refused", ">Attempts", ">P50", ">P95")
    body = table(names, rows, caption="Operations") if rows else empty("No call in this time.")
    return panel("Operations", "error rate over calls; P50 and P95 over attempts", body)


def failed_calls(found: Sequence[CallRow], name: str, view: TimeRange) -> Component:
    """Return the latest failed calls with what explains them."""
    rows = [
        [
            moment(call.started_at, view),
            html.Span(call.operation, className="q-mono"),
            (call.error_type or "").replace("_", " "),
            call.message or "",
            units.duration(call.duration),
            dcc.Link("trace", href=view.link(f"/traces/{call.correlation_id}")),
        ]
        for call in found
    ]
    body: Component = (
        table(
            ("Started", "Operation", "Error", "What happened", ">Duration", ""),
            rows,
            caption="Latest failed calls",
            brief=True,
        )
        if rows
        else empty("No call failed in this time.", mark="healthy")
    )
    more = dcc.Link("all failed calls", href=view.link("/calls", vendor=name, outcome="error"))
    return html.Section(
        [
            html.Div([html.H2("Latest failed calls"), html.Span(more, className="q-sub")], className="q-panel-head"),
            body,
        ],
        className="q-panel",
    )
