"""Settings: one's own password and sessions; for admins users, tokens, all sessions, and how long things are kept.

Which part is shown stands in the URL (``?part=users``). The parts are not drawn anew with each beat: whoever fills in a
field or is about to click finds it where it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from monitoring.context import DashboardContext, is_admin
from monitoring.identity import current_user
from monitoring.live import Hub
from monitoring.pages import settings_kept, settings_sessions, settings_tokens, settings_users, settings_you
from monitoring.pages.marks import aria
from monitoring.pages.states import empty, loading, shown
from monitoring.timerange import TimeRange, parameters_of, time_range

PARTS: Mapping[str, tuple[str, Callable[[DashboardContext, TimeRange], Awaitable[list[Component]]]]] = {
    "you": ("You", settings_you.read),
    "users": ("Users", settings_users.read),
    "tokens": ("Tokens", settings_tokens.read),
    "sessions": ("Sessions", settings_sessions.read),
    "kept": ("What is kept", settings_kept.read),
}


def layout(_context: DashboardContext) -> Component:
    """Return the frame: the parts, the dialogs, and the box that shows a secret once."""
    return html.Div(
        [
            html.Div(
                [html.H1("Settings"), html.Span("who may what, and how long things are kept", className="q-sub")],
                className="q-head",
            ),
            html.Div(id="settings-parts"),
            html.Div(loading(40, 220), id="settings-body"),
            *settings_you.dialogs(),
            *settings_users.dialogs(),
            *settings_tokens.dialogs(),
            *settings_kept.dialogs(),
            dmc.Modal(
                [
                    html.P("", id="secret-text"),
                    html.Div(
                        [
                            html.Code("", id="secret-value", className="q-secret", tabIndex=0),
                            dcc.Clipboard(target_id="secret-value", title="Copy", className="q-copy"),
                        ],
                        className="q-row-acts",
                    ),
                    html.P("It is shown this once and stored nowhere.", className="q-hint"),
                ],
                id="secret-modal",
                title="Take it now",
                centered=True,
                size="lg",
            ),
        ]
    )


def register(app: Dash, context: DashboardContext, _hub: Hub) -> None:
    """Show the chosen part; each part takes its own acts."""

    @app.callback(
        Output("settings-parts", "children"),
        Output("settings-body", "children"),
        Input("url", "search"),
        Input("acted", "data"),
        Input("zone", "data"),
        State("settings-body", "id"),
    )
    async def show(search: str | None, _acted: float | None, zone: str | None, _id: str) -> tuple[Any, Any]:
        if current_user.get() is None:
            return None, None
        view = time_range(search, zone, context.now())
        part = parameters_of(search).get("part", "you")
        if part not in PARTS:
            return links("", view), empty("There is no such part of the settings.", mark="question")
        if part != "you" and not is_admin():
            return None, empty(
                "This part is for admins.", "Your own password and sessions stand under “You”.", mark="eye"
            )
        return links(part, view), await shown(f"settings.{part}", PARTS[part][1](context, view))

    for module in (settings_you, settings_users, settings_tokens, settings_sessions, settings_kept):
        module.register(app, context)


def links(here: str, view: TimeRange) -> Component | None:
    """Return the parts as links, for who sees more than one."""
    if not is_admin():
        return None
    made: list[Component] = []
    for name, (label, _read) in PARTS.items():
        if name == here:
            made.append(html.Span(label, className="q-choice q-choice-on", **aria(current="page")))
        else:
            made.append(dcc.Link(label, href=view.link("/settings", part=name), className="q-choice"))
    return html.Nav(made, className="q-choices", **aria(label="Parts of the settings"))
