"""What stands below the syncs: dead letters, the latest runs, conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from db.dead_letters import Conflict
from db.runs import RunRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.pages.marks import badge, icon, moment
from monitoring.pages.states import empty
from monitoring.pages.sync_panel import TRIGGERS, SyncsNow, counts
from monitoring.pages.table import table
from monitoring.timerange import TimeRange

LISTED = 40  # runs


def below(found: SyncsNow, waiting: Component, context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return what stands under the panels: dead letters first because they wait for a person, then runs and conflicts."""
    return [waiting, history(found.history, context, view), conflicts(found.conflicts, context, view)]


def history(found: Sequence[RunRow], context: DashboardContext, view: TimeRange) -> Component:
    """Return the latest runs of all syncs, missed ones too."""
    rows = [
        [
            moment(run.started_at or run.scheduled_at, view),
            context.label(run.sync),
            badge(run.outcome or run.state),
            TRIGGERS.get(run.trigger, run.trigger) + (f" ({run.requested_by})" if run.requested_by else ""),
            units.span((run.finished_at - run.started_at).total_seconds())
            if run.finished_at and run.started_at
            else units.NONE,
            html.Span(
                [
                    counts(run) if run.started_at else "",
                    html.Div(run.message, className="q-dim") if run.message else None,
                ]
            ),
            dcc.Link("trace", href=view.link(f"/traces/{run.correlation_id}")) if run.started_at else "",
        ]
        for run in found[:LISTED]
    ]
    body = (
        table(("Started", "Sync", "Outcome", "Trigger", ">Lasted", "What", ""), rows, caption="Runs", brief=True)
        if rows
        else empty("No run yet.", "The scheduler starts the first run of each sync when it comes up.")
    )
    return html.Section(
        [
            html.Div(
                [html.H2("Runs"), html.Span(f"latest {LISTED}, missed ones too", className="q-sub")],
                className="q-panel-head",
            ),
            body,
        ],
        className="q-panel",
    )


def conflicts(found: Sequence[Conflict], context: DashboardContext, view: TimeRange) -> Component:
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
