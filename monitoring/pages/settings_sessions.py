"""Open sessions: one's own, or everybody's for an admin; each can be ended, and its open pages close within seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, html, no_update
from dash.development.base_component import Component

from db.user_sessions import end_session, open_sessions
from db.users import Session
from monitoring.context import DashboardContext
from monitoring.identity import current_user
from monitoring.pages.marks import aria, moment
from monitoring.pages.settings_acts import clicked
from monitoring.pages.table import table
from monitoring.pages.toast import toast
from monitoring.timerange import TimeRange

LISTED = 200
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


async def read(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return everybody's sessions."""
    idle = timedelta(seconds=context.web.session_idle)
    found = await open_sessions(context.db, now=view.now, idle=idle, limit=LISTED)
    return [
        html.Section(
            [
                html.Div(
                    [html.H2("Open sessions"), html.Span("the one seen last first", className="q-sub")],
                    className="q-panel-head",
                ),
                sessions_table(found, view, with_user=True),
            ],
            className="q-panel",
        )
    ]


def sessions_table(found: Sequence[Session], view: TimeRange, *, with_user: bool) -> Component:
    """Return sessions as a table, each with a button that ends it; the one that asks says so instead."""
    user = current_user.get()
    here = user.session_id if user is not None else ""
    rows = [
        [
            *([session.user_name] if with_user else []),
            browser_of(session.agent),
            "single sign-on" if session.method == "proxy" else "password",
            moment(session.created_at, view),
            moment(session.seen_at, view, relative=True),
            moment(session.expires_at, view),
            html.Span("this one", className="q-tag")
            if session.id == here
            else dmc.Button(
                "End it",
                id={"end": session.id},
                size="compact-xs",
                variant="default",
                **aria(label=f"End the session of {session.user_name} in {browser_of(session.agent)}"),
            ),
        ]
        for session in found
    ]
    names = ("Browser", "Signed in by", "Since", "Seen", "Ends", "")
    return table((("User", *names) if with_user else names), rows, caption="Open sessions")


def browser_of(agent: str | None) -> str:
    """Return a browser and system in two words, from what the browser says of itself."""
    if not agent:
        return "unknown"
    browser = next((name for mark, name in _BROWSERS if mark in agent), re.split(r"[/ ;(]", agent)[0][:24] or "unknown")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser}, {system}" if system else browser


def register(app: Dash, context: DashboardContext) -> None:
    """End the session whose button is clicked: one's own, or any for an admin."""

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input({"end": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def end(_clicks: list[int | None]) -> tuple[Any, Any]:
        id, user = clicked("end"), current_user.get()
        if id is None or user is None or user.role is None:
            return no_update, no_update
        now = context.now()
        only_of = None if user.is_admin else user.name
        owner = await end_session(context.db, id, by=user.label, now=now, only_of=only_of)
        if owner is None:
            return now.timestamp(), [toast("Nothing to end", "This session is not open any more.", "gray")]
        whose = "Your session" if owner == user.name else f"The session of {owner}"
        return now.timestamp(), [toast("Ended", f"{whose} has ended; its open pages close within seconds.", "blue")]
