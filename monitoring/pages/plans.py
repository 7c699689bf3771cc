"""Plans: what dry runs would change and what the blast guard stopped, newest first; and the way to a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import plans, runs
from db.plans import Plan
from monitoring import units
from monitoring.context import DashboardContext, may_trigger, who_may
from monitoring.live import Hub
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.paging import choices
from monitoring.pages.schedule_dialog import facts_of
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, toast
from monitoring.timerange import TimeRange, parameters_of, time_range

LISTED = 60
FILTERS = ("sync", "state")
# How a plan stands -> the mark of it, and the words.
STANDINGS: Mapping[str, tuple[str, str]] = {
    "open": ("queued", "can be applied"),
    "waiting": ("firing", "waits for you"),
    "applying": ("running", "under way"),
    "moved": ("degraded", "source has moved"),
    "applied": ("success", "applied"),
    "thrown_away": ("cancelled", "thrown away"),
    "superseded": ("cancelled", "replaced by a newer run"),
}
SOURCES = {"dry_run": "dry run", "guard": "blast guard"}


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [html.H1("Plans"), html.Span("what a run would change, before it does", className="q-sub")],
                className="q-head",
            ),
            _new(context) if may_trigger() else None,
            html.Div(loading(40, 220), id="plans-body"),
            dcc.Store(id="plans-shown"),
            dcc.Store(id="plans-asked"),
        ]
    )


def _new(context: DashboardContext) -> Component:
    return html.Div(
        [
            html.Span("Plan a run of", className="q-dim"),
            *[
                dmc.Button(
                    facts.label,
                    id={"row": facts.name, "act": "dry_run"},
                    size="compact-sm",
                    variant="default",
                    **aria(label=f"Plan a run of {facts.label}"),
                )
                for facts in context.syncs
            ],
        ],
        className="q-choices",
    )


def standing(plan: Plan) -> Component:
    """Return how a plan stands, as a badge."""
    mark, words = STANDINGS[plan.standing]
    return badge(mark, words)


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the list fresh and start dry runs."""
    dialogs.asked(app, "plans-asked", {"row": ALL, "act": "dry_run"})

    @app.callback(
        Output("plans-body", "children"),
        Output("plans-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("plans-shown", "data"),
    )
    async def show(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        wanted = {name: value[:32] for name, value in parameters_of(search).items() if name in FILTERS}
        key = ("plans", search, zone, acted)
        found = await shown("plans", hub.once(key, lambda: _read(context, view, wanted)))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("plans-asked", "data"),
        prevent_initial_call=True,
    )
    async def plan(asked: dict[str, Any] | None) -> tuple[Any, Any]:
        name = str((asked or {}).get("row", ""))
        if facts_of(context, name) is None:
            return no_update, no_update
        user = who_may("trigger")
        if user is None:
            return no_update, not_allowed("start a run")
        now = context.now()
        await runs.queue(context.db, name, trigger="user", requested_by=user.label, now=now, dry_run=True)
        told = toast(
            f"{context.label(name)} is being planned",
            "Nothing is written; the plan shows here when it is ready.",
            "blue",
        )
        return now.timestamp(), [told]


async def _read(context: DashboardContext, view: TimeRange, wanted: Mapping[str, str]) -> list[Component]:
    found = await plans.listed(context.db, sync=wanted.get("sync"), limit=LISTED)
    if wanted.get("state"):
        found = [plan for plan in found if plan.standing == wanted["state"]]
    return [
        choices(
            "Sync",
            "sync",
            [("", "All", None), *[(facts.name, facts.label, None) for facts in context.syncs]],
            "/plans",
            wanted,
            view,
        ),
        choices(
            "State",
            "state",
            [("", "Any", None), *[(name, words, None) for name, (_mark, words) in STANDINGS.items()]],
            "/plans",
            wanted,
            view,
        ),
        _list(found, context, view),
    ]


def _list(found: Sequence[Plan], context: DashboardContext, view: TimeRange) -> Component:
    if not found:
        return empty("No plan here.", "A dry run makes one; so does the blast guard when it stops a run.")
    rows = [
        [
            moment(plan.made_at, view),
            dcc.Link(context.label(plan.sync), href=view.link(f"/plans/{plan.run_id}")),
            SOURCES[plan.source],
            units.count(plan.total),
            standing(plan),
            html.Span(
                plan.stopped
                if plan.standing == "waiting"
                else f"{plan.decided_by}: {plan.reason}"
                if plan.decided_by
                else units.NONE
            ),
        ]
        for plan in found
    ]
    return html.Section(
        [
            html.Div(
                [html.H2("Plans"), html.Span(f"the latest {LISTED} at most", className="q-sub")],
                className="q-panel-head",
            ),
            table(("Made", "Sync", "By", ">Changes", "State", "Why"), rows, caption="Plans"),
        ],
        className="q-panel",
    )
