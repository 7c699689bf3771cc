"""One incident at its own address: what it is, what it holds up, what happened in order, and what people do about it."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import rollups
from db.incidents import Incident
from monitoring.context import DashboardContext, may_act
from monitoring.identity import current_user
from monitoring.incident_story import story_of
from monitoring.live import Hub
from monitoring.pages import incident_acts, incident_summary
from monitoring.pages.incident_parts import around, earlier, facts, people, strip, timeline
from monitoring.pages.marks import icon
from monitoring.pages.outcomes import digest
from monitoring.pages.states import empty, loading, shown
from monitoring.timerange import TimeRange, time_range


def layout(_context: DashboardContext, id: str) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            dcc.Store(id="incident-id", data=id),
            dcc.Store(id="incident-shown"),
            html.Div(html.H1("Incident"), id="incident-head", className="q-head"),
            html.Div(loading(150), id="incident-facts"),
            html.Div(id="incident-strip"),
            html.Div(loading(220), id="incident-below"),
            incident_acts.dialog(),
            incident_summary.dialog(),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh while the incident is open; take what people do."""

    @app.callback(
        Output("incident-head", "children"),
        Output("incident-facts", "children"),
        Output("incident-strip", "children"),
        Output("incident-below", "children"),
        Output("incident-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("incident-id", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("incident-shown", "data"),
    )
    async def show(
        _tick: float,
        acted: float | None,
        id: str,
        search: str | None,
        zone: str | None,
        before: dict[str, Any] | None,
    ) -> Any:
        asked = [id, search, zone, acted]
        if before is not None and before.get("still") == asked:
            return (no_update,) * 5  # it is over: nothing happens to it but by a person
        view = time_range(search, zone, context.now())
        user = current_user.get()
        me, act = user.label if user is not None else None, may_act()
        key = ("incident", id, search, zone, acted, me, act)
        found = await shown("incident", hub.once(key, lambda: read(context, id, view, me, act)))
        if isinstance(found, Component):
            return no_update, found, None, None, None
        *parts, over = found
        now = [digest(part) for part in parts]
        was = before.get("digests") if before is not None else None
        if was == now:
            return (no_update,) * 5
        fresh = [
            no_update if was is not None and was[place] == now[place] else part for place, part in enumerate(parts)
        ]
        return (*fresh, {"digests": now, "still": asked if over else None})

    incident_acts.register(app, context)
    incident_summary.register(app, context)


async def read(context: DashboardContext, id: str, view: TimeRange, me: str | None, act: bool) -> tuple[Any, ...]:
    """Return the head, the facts, the strip, the rest, and whether the incident is over."""
    story = await story_of(context.db, id, syncs=context.syncs, now=context.now())
    if story is None:
        gone = empty(
            "There is no such incident.",
            "It may be older than incidents are kept, or was pending and gone before it fired.",
            mark="question",
        )
        return [html.H1("Incident")], gone, "", "", True
    incident = story.incident
    chart: Any = ""
    if story.vendor is not None:
        since, until = around(story)
        series = await rollups.series(context.db, story.vendor, since=since, until=until)
        seen = TimeRange(since=since, until=until, now=view.now, zone=view.zone, preset=None)
        chart = strip(story, series, seen)
    below = [
        html.Div([timeline(story, view, me=me, act=act), people(story, view)], className="q-incident"),
        earlier(story.earlier, view),
    ]
    return head(incident, view, me=me, act=act), facts(story, context, view), chart, below, not incident.open_key


def head(incident: Incident, view: TimeRange, *, me: str | None, act: bool) -> list[Component]:
    """Return the title and what can be done."""
    return [
        html.H1(incident.title),
        html.Span(className="q-grow"),
        html.Div(
            [
                *(incident_acts.buttons(incident, view, me=me) if act else []),
                dmc.Button(
                    "Summary…", id="incident-summary-open", leftSection=icon("report"), variant="default", size="xs"
                ),
            ],
            className="q-sync-acts",
        ),
    ]
