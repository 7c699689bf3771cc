"""The latest conflicts, as they stand below the syncs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from db.dead_letters import Conflict
from monitoring.pages.marks import icon, moment
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.timerange import TimeRange


def conflicts(found: Sequence[Conflict], view: TimeRange) -> Component:
    """Return the fields both sides had changed, and who won."""
    rows = [
        [
            moment(conflict.at, view),
            html.Span(conflict.item, className="q-mono"),
            conflict.field,
            _value(conflict.erp_value, conflict.erp_at, view, conflict.winner == "erp"),
            _value(conflict.platform_value, conflict.platform_at, view, conflict.winner == "platform"),
            conflict.rule.replace("_", " "),
        ]
        for conflict in found
    ]
    body = (
        table(("When", "Item", "Field", "ERP", "Platform", "Rule"), rows, caption="Conflicts")
        if rows
        else empty("No conflicts.", "Nothing was changed on both sides between two runs.", mark="healthy")
    )
    return html.Section(
        [
            html.Div(
                [html.H2("Conflicts"), html.Span("changed on both sides; the winner is marked", className="q-sub")],
                className="q-panel-head",
            ),
            body,
        ],
        className="q-panel",
    )


def _value(value: str, at: datetime | None, view: TimeRange, won: bool) -> Component:
    return html.Span(
        [
            html.Strong([value, " ", icon("healthy", "won")]) if won else html.Span(value),
            " ",
            html.Span(moment(at, view), className="q-dim") if at else None,
        ]
    )
