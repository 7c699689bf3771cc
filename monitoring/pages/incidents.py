"""The incidents: what is open now, what was resolved in the chosen time, each with its facts and how long it lasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db.incidents import Incident, list_incidents, open_incidents
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages.marks import badge, moment
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, time_range

RULES = {
    "circuit_open": "circuit opened",
    "error_rate": "error rate",
}


def layout(_context: DashboardContext) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Incidents"),
                    html.Span("one per cause and vendor, however often it flaps", className="q-sub"),
                ],
                className="q-head",
            ),
            html.Div(loading(90, 160), id="incidents-body"),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh."""

    @app.callback(
        Output("incidents-body", "children"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show(_tick: float, search: str | None, zone: str | None) -> Component | list[Component]:
        view = time_range(search, zone, context.now())
        return await shown("incidents", hub.once(("incidents", search, zone), lambda: read(context, view)))


async def read(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return both lists."""
    opened = await open_incidents(context.db)
    resolved = await list_incidents(context.db, states=("resolved",), since=view.since, limit=200)
    resolved = [incident for incident in resolved if incident.started_at < view.until]
    return [open_list(opened, context, view), resolved_list(resolved, context, view)]


def open_list(found: Sequence[Incident], context: DashboardContext, view: TimeRange) -> Component:
    """Return the open incidents, firing before pending, each with its facts."""
    if not found:
        return html.Section(
            [
                html.H2("Open", className="q-only-read"),
                empty("Nothing is open.", "No vendor, sync or process needs anybody right now.", mark="healthy"),
            ],
            className="q-block",
        )
    ordered = sorted(found, key=lambda incident: (incident.state != "firing", incident.started_at))
    return html.Section(
        [html.H2("Open", className="q-only-read"), *[_open(incident, context, view) for incident in ordered]]
    )


def _open(incident: Incident, context: DashboardContext, view: TimeRange) -> Component:
    lasted = (view.now - incident.started_at).total_seconds()
    return html.Article(
        [
            html.Div(
                [
                    badge(incident.state),
                    html.H2(incident.title),
                    html.Span(
                        "pages somebody" if incident.severity == "page" else "can wait for the morning",
                        className="q-tag",
                    ),
                ],
                className="q-panel-head",
            ),
            html.Dl(
                [
                    *_fact("Concerns", subject_link(incident.subject, context, view)),
                    *_fact("Since", html.Span([moment(incident.started_at, view), f" · for {units.span(lasted)}"])),
                    *_fact("Rule", incident.rule.replace("_", " ")),
                    *(_fact("Looked after by", incident.acknowledged_by) if incident.acknowledged_by else []),
                    *(
                        _fact("Follows from", incident.inhibited_by.replace(":", " · "))
                        if incident.inhibited_by
                        else []
                    ),
                    *[
                        part
                        for name, value in sorted(incident.facts.items())
                        for part in _fact(_spoken(name), told(value))
                    ],
                ],
                className="q-facts",
            ),
        ],
        className=f"q-panel q-edged q-edge-{'bad' if incident.state == 'firing' else 'warn'}",
    )


def resolved_list(found: Sequence[Incident], context: DashboardContext, view: TimeRange) -> Component:
    """Return the resolved incidents of the chosen time as a table."""
    rows = [
        [
            moment(incident.started_at, view),
            incident.title,
            subject_link(incident.subject, context, view),
            incident.rule.replace("_", " "),
            units.span(incident.duration),
            _times(incident.facts),
        ]
        for incident in found
    ]
    body = (
        table(("Began", "What", "Concerns", "Rule", ">Lasted", ">Times"), rows)
        if rows
        else empty("Nothing was resolved in this time.", "Choose a longer time range to look further back.")
    )
    return html.Section(
        [
            html.Div([html.H2("Resolved"), html.Span(view.label.lower(), className="q-sub")], className="q-panel-head"),
            body,
        ],
        className="q-panel",
    )


def subject_link(subject: str, context: DashboardContext, view: TimeRange) -> Component | str:
    """Return a link to the page of a vendor or sync; the plain name of anything else."""
    name = subject.partition("/")[0]
    if context.vendor(name):
        return dcc.Link(subject.replace(name, context.label(name), 1), href=view.link(f"/vendors/{name}"))
    if any(facts.name == subject for facts in context.syncs):
        return dcc.Link(context.label(subject), href=view.link("/syncs"))
    return subject


def told(value: Any) -> str:
    """Return a fact as text; durations, shares and lists as people read them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_spoken(str(name))} {told(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(told(part) for part in value) or units.NONE
    return units.NONE if value is None else str(value)


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _fact(name: str, value: Component | str) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]


def _times(facts: Mapping[str, Any]) -> str:
    times = facts.get("times", 1)
    return units.count(times) if isinstance(times, int) else "1"
