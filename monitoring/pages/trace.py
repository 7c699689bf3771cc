"""The trace: everything that happened under one correlation id, what began it, and where the time went.

The filters, the page of the list and the open call live in the URL. While something is under way the page is drawn anew
with every tick; after that only when something came.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, unquote

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import calls as call_queries
from db.traces import Beginning, beginnings, extent, traces_of
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages import trace_rows, trace_sum
from monitoring.pages.call_details import call_details
from monitoring.pages.marks import aria
from monitoring.pages.states import empty, loading, shown
from monitoring.timerange import TimeRange, parameters_of, time_range
from monitoring.tracing import Traced, read

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_DAY = 86400.0


def layout(_context: DashboardContext, correlation_id: str) -> Component:
    """Return the frame of the page."""
    id = unquote(correlation_id)
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Trace"),
                    html.Span(id, className="q-mono q-sub q-trace-id"),
                    html.Span(className="q-grow"),
                    html.A(
                        "CSV",
                        href=f"/traces.csv?id={quote(id, safe='')}",
                        download="",
                        target="_self",
                        className="q-csv",
                        **aria(label="Download the trace as CSV"),
                    ),
                ],
                className="q-head",
            ),
            dcc.Store(id="trace-id", data=id),
            dcc.Store(id="trace-seen"),
            html.Div(loading(44, 90, 320), id="trace-body"),
            dmc.Drawer(
                html.Div(id="trace-call-body"),
                id="trace-call",
                title="Call",
                position="right",
                size="min(640px, 100vw)",
                padding="md",
                closeButtonProps=aria(label="Close the call"),
            ),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh, and open a call of it in the drawer."""

    @app.callback(
        Output("trace-body", "children"),
        Output("trace-seen", "data"),
        Input("tick", "data"),
        Input("trace-id", "data"),
        Input("zone", "data"),
        Input("url", "search"),
        State("trace-seen", "data"),
    )
    async def show(_tick: float, id: str | None, zone: str | None, search: str | None, seen: Any) -> Any:
        if not id:
            return no_update, no_update
        view = time_range(search, zone, context.now())
        wanted, asked = wanted_of(search), [id, zone, search]
        state: Any = None

        async def reading() -> list[Component | None]:
            nonlocal state
            state = {**await hub.once(("trace-state", id), lambda: state_of(context, id)), "asked": asked}
            if seen == state:  # nothing goes on and nothing came: what was asked for is shown
                return []
            found = await hub.once(("trace", id), lambda: read(context.db, id, view.now))
            if found is None:
                return [await hub.once(("trace-missing", id, view.query), lambda: missing(context, id, view))]
            state = {**state, "going": found.goes_on}
            return trace(found, context, view, wanted)

        body = await shown("trace", reading())
        return (no_update, no_update) if body == [] else (body, state)

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "closed"),
        Output("url", "search", allow_duplicate=True),
        Input("trace-call", "opened"),
        State("url", "search"),
        State("trace-call", "id"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("trace-call", "opened"),
        Output("trace-call", "title"),
        Output("trace-call-body", "children"),
        Input("url", "search"),
        Input("zone", "data"),
        Input("trace-id", "data"),
        State("trace-call", "opened"),
    )
    async def open_traced(search: str | None, zone: str | None, id: str | None, opened: bool | None) -> Any:
        chosen = parameters_of(search).get("call", "").rpartition("/")[2]
        if not chosen or not id:
            return (False if opened else no_update), no_update, no_update
        view = time_range(search, zone, context.now())
        title = "Call"

        async def reading() -> list[Component]:
            nonlocal title
            call = await call_queries.one(context.db, id, chosen)
            if call is None:
                return [empty("This call has not ended yet, or is not kept any more.", "Its attempts are in the list.")]
            title = f"{context.label(call.vendor)} · {call.operation}"
            return call_details(call, call.sent, context, view, traced=False)

        body = await shown("trace-call", reading())
        return True, title, body


async def state_of(context: DashboardContext, id: str) -> dict[str, Any]:
    """Return what tells whether anything came since: how much is recorded, and how what the trace belongs to stands."""
    recorded = await extent(context.db, id)
    begun = await beginnings(context.db, id)
    return {
        **asdict(recorded),
        "begun": [[one.kind, one.id, one.state] for one in begun],
        "going": False,
    }


def wanted_of(search: str | None) -> dict[str, str]:
    """Return what a URL narrows the list of calls by."""
    asked = parameters_of(search)
    return {name: asked[name] for name in ("show", "vendor", "page") if asked.get(name)}


def trace(found: Traced, context: DashboardContext, view: TimeRange, wanted: dict[str, str]) -> list[Component | None]:
    """Return the parts of a trace: what came of it, where the time went, its calls in the order they began."""
    return [
        trace_sum.headline(found, context, view),
        trace_sum.figures(found, view),
        trace_sum.where_the_time_went(found),
        trace_rows.waterfall(found, context, view, wanted),
        trace_sum.vendors(found, context, view),
    ]


async def missing(context: DashboardContext, id: str, view: TimeRange) -> Component:
    """Return that nothing is recorded under an id, what may be the reason, and where it leads if it is something else's."""
    if not _ID.fullmatch(id):
        return empty(
            "This is no correlation id.",
            "One has letters, digits and . _ : - and at most 128 of them; look for spaces or a cut-off end.",
            mark="question",
        )
    elsewhere = await traces_of(context.db, id)
    if elsewhere:
        return html.Div([empty("This is not a trace's id.", mark="question"), _elsewhere(elsewhere, view)])
    kept = units.span(context.retention.calls * _DAY)
    return empty(
        "Nothing is recorded under this id.",
        f"Calls are kept for {kept}; what is older is gone. A call appears within seconds of its first request, so it may "
        "be on its way. Else the id is mistyped, of another installation, or what it stood for called no vendor.",
        mark="question",
    )


def _elsewhere(found: list[Beginning], view: TimeRange) -> Component:
    what = {"order": "The order", "run": "The run"}
    return html.Ul(
        [
            html.Li(
                [
                    f"{what.get(one.kind, one.kind)} of this name, of {units.full(one.at, view.zone)}, is in ",
                    dcc.Link("its trace", href=view.link(f"/traces/{quote(one.name, safe='')}")),
                    ".",
                ]
            )
            for one in found
        ],
        className="q-plain q-block",
    )
