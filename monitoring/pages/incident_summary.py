"""The summary of an incident in a box of its own, to be copied into a post-mortem or taken along as a file."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from monitoring.context import DashboardContext
from monitoring.incident_story import story_of
from monitoring.incident_summary import summary
from monitoring.pages.marks import aria
from monitoring.timerange import zone_named


def dialog() -> Component:
    """Return the box, closed."""
    return dmc.Modal(
        [
            dmc.Textarea(
                id="incident-summary-text",
                label="Markdown",
                description="Times are in your zone. Read it before you send it on.",
                readOnly=True,
                autosize=True,
                minRows=8,
                maxRows=20,
            ),
            html.Div(
                [
                    html.A(
                        "Take it as a file",
                        id="incident-summary-file",
                        href="",
                        download="incident.md",
                        className="q-link-button",
                    ),
                    dmc.Button("Copy", id="incident-summary-copy"),
                ],
                className="q-acts",
            ),
        ],
        id="incident-summary-modal",
        title="Summary",
        centered=True,
        size="xl",
        closeButtonProps=aria(label="Close"),
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Fill the box when it is opened, and copy what it holds."""

    @app.callback(
        Output("incident-summary-modal", "opened"),
        Output("incident-summary-text", "value"),
        Output("incident-summary-file", "href"),
        Input("incident-summary-open", "n_clicks"),
        State("incident-id", "data"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def open_summary(clicks: int | None, id: str | None, zone: str | None) -> tuple[Any, Any, Any]:
        if not clicks or not id:
            return (no_update,) * 3
        story = await story_of(context.db, str(id)[:64], syncs=context.syncs, now=context.now())
        if story is None:
            return (no_update,) * 3
        text = summary(story, label_of=context.label, zone=zone_named(zone), url=context.web.url)
        return True, text, f"/api/v1/incidents/{story.incident.id}/summary"

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "copy"),
        Output("incident-summary-copy", "children"),
        Input("incident-summary-copy", "n_clicks"),
        Input("incident-summary-modal", "opened"),
        State("incident-summary-text", "value"),
        prevent_initial_call=True,
    )
