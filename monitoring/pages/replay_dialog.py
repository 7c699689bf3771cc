"""The dialog before a replay: how many calls, which not and why, what it costs, how long it takes; then the reason."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from monitoring import units
from monitoring.call_filters import asked_of, parameters_for
from monitoring.context import DashboardContext, may_trigger, who_may
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import icon
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.replay_plan import WHY, Cost, Plan, plan
from monitoring.replaying import begun
from monitoring.timerange import moment, parameters_of, stamp, time_range, zone_named

_SHOWN = 12  # operations in the preview


def dialog() -> Component:
    """Return the dialog, closed, and what it remembers."""
    return html.Div(
        [
            dcc.Store(id="replay-wanted"),
            dialogs.dialog(
                "replay",
                title="Replay calls",
                yes="Replay them",
                reason="Why are they replayed?",
                hint="It stays with the replay and in the audit. No personal data, please.",
            ),
        ]
    )


def button() -> Component | None:
    """Return the button that replays all of the filter, for who may."""
    if not may_trigger():
        return None
    return dmc.Button("Replay…", id="calls-replay", variant="default", size="compact-sm", leftSection=icon("syncs"))


def button_for(correlation_id: str, id: str) -> Component | None:
    """Return the button that replays one call, for who may."""
    if not may_trigger():
        return None
    return dmc.Button(
        "Replay…",
        id={"replay-call": f"{correlation_id}/{id}"},
        variant="default",
        size="compact-sm",
        leftSection=icon("syncs"),
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Show what a replay would do, and begin it."""

    @app.callback(
        Output("replay-modal", "opened", allow_duplicate=True),
        Output("replay-facts", "children"),
        Output("replay-wanted", "data"),
        Output("replay-reason", "value"),
        Output("replay-reason", "error", allow_duplicate=True),
        Output("replay-yes", "disabled"),
        Input("calls-replay", "n_clicks"),
        Input({"replay-call": ALL}, "n_clicks"),
        State("url", "search"),
        State("zone", "data"),
        prevent_initial_call=True,
        running=[(Output("calls-replay", "loading"), True, False)],
    )
    async def ask_replay(_all: int | None, _one: list[int | None], search: str | None, zone: str | None) -> Any:
        if not ctx.triggered or not ctx.triggered[0]["value"]:
            return (no_update,) * 6
        wanted = wanted_of(search, zone, ctx.triggered_id, context)
        planned = await planned_for(wanted, context)
        remembered = {"id": secrets.token_hex(16), "calls": planned.calls, "wanted": wanted}
        return True, preview(planned, context), remembered, "", None, planned.problem is not None

    dialogs.closes(app, "replay")

    @app.callback(
        Output("replay-modal", "opened", allow_duplicate=True),
        Output("replay-facts", "children", allow_duplicate=True),
        Output("replay-wanted", "data", allow_duplicate=True),
        Output("replay-reason", "error", allow_duplicate=True),
        Output("url", "href", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("replay-yes", "n_clicks"),
        State("replay-wanted", "data"),
        State("replay-reason", "value"),
        prevent_initial_call=True,
        running=[(Output("replay-yes", "loading"), True, False)],
    )
    async def start_replay(yes: int | None, remembered: Mapping[str, Any] | None, reason: str | None) -> Any:
        stay = (no_update,) * 6
        user = who_may("trigger")
        if user is None:
            return (False, *stay[1:5], not_allowed("replay"))
        if not yes or not remembered:
            return stay
        if wrong := reason_problem(reason):
            return (*stay[:3], wrong, *stay[4:])
        wanted = {str(name): str(value) for name, value in remembered["wanted"].items()}
        planned = await planned_for(wanted, context)
        if planned.problem is not None or planned.calls != remembered["calls"]:
            changed = html.P("It has changed since you were asked; this is what it would do now.", className="q-hint")
            fresh = {**remembered, "calls": planned.calls}
            return (no_update, [changed, *preview(planned, context)], fresh, None, *stay[4:])
        row = await begun(
            context.db,
            planned,
            wanted,
            id=str(remembered["id"])[:32],
            reason=str(reason).strip(),
            by=user.label,
            now=context.now(),
        )
        told = toast("Replaying", f"{units.plural(planned.calls, 'call')} will be made once more.", "blue")
        return False, no_update, None, None, f"/replays/{row.id}", [told]


def wanted_of(search: str | None, zone: str | None, cause: Any, context: DashboardContext) -> dict[str, str]:
    """Return which calls are meant: all of the URL's filter up to now, or the one whose button was clicked."""
    view = time_range(search, zone, context.now())
    within = {"from": stamp(view.since), "to": stamp(view.until)}
    if isinstance(cause, Mapping):
        correlation_id, _, id = str(cause.get("replay-call", "")).rpartition("/")
        return {
            "id": id,
            "correlation_id": correlation_id,
            "from": stamp(moment("30d ago", view.zone, view.now)),
            "to": within["to"],
        }
    return {**parameters_for(parameters_of(search)), **within}


async def planned_for(wanted: Mapping[str, str], context: DashboardContext) -> Plan:
    """Return the plan of a replay that was asked for earlier: its time stands still."""
    utc, now = zone_named("UTC"), context.now()
    return await plan(
        context.db,
        {facts.name: facts for facts in context.vendors},
        asked_of(wanted),
        since=moment(wanted["from"], utc, now),
        until=moment(wanted["to"], utc, now),
        now=now,
    )


def preview(planned: Plan, context: DashboardContext) -> list[Component]:
    """Return what a replay would do, the answer first."""
    if planned.problem is not None:
        parts: list[Component] = [html.P(planned.problem, className="q-sentence q-edge-warn")]
    else:
        sentence = f"{units.plural(planned.calls, 'call')} will be made once more, under the same idempotency key, "
        sentence += f"in about {units.about(max(planned.seconds, 1.0))}, as batch: shoppers' calls go first."
        parts = [html.P(sentence, className="q-sentence")]
    if planned.refused:
        reasons = sorted(planned.reasons.items(), key=lambda one: -one[1])
        parts.append(html.P(f"Not replayed: {units.plural(planned.refused, 'call')}.", className="q-hint"))
        parts.append(
            html.Ul([html.Li(f"{units.count(number)}: {WHY[code]}") for code, number in reasons], className="q-plain")
        )
    if looked_up := sum(line.looked_up for line in planned.lines):
        parts.append(
            _note(
                f"{units.plural(looked_up, 'write')} lost its answer: looked up first, sent only if it did not happen."
            )
        )
    if overwrites := sum(line.overwrites for line in planned.lines):
        parts.append(
            _note(f"{units.plural(overwrites, 'write')} sets a value: what was set since then is overwritten.")
        )
    if planned.lines:
        parts.append(_lines(planned, context))
    return parts


def _note(sentence: str) -> Component:
    return html.P([icon("degraded"), html.Span(sentence)], className="q-hint q-note")


def _lines(planned: Plan, context: DashboardContext) -> Component:
    costs = {cost.vendor: cost for cost in planned.costs}
    rows = [
        [
            context.label(line.vendor),
            html.Span(line.operation, className="q-mono"),
            units.count(line.calls),
            units.count(sum(line.refused.values())) if line.refused else units.NONE,
            cost_words(costs[line.vendor]) if line.vendor in costs else units.NONE,
        ]
        for line in planned.lines[:_SHOWN]
    ]
    more = len(planned.lines) - _SHOWN
    return html.Div(
        [
            table(
                ("Vendor", "Operation", "Replayed", "Not", "Cost to the vendor's quota"),
                rows,
                caption="Calls by operation",
            ),
            html.P(f"and {units.plural(more, 'operation')} more", className="q-hint") if more > 0 else None,
        ],
        className="q-scroll q-block",
    )


def cost_words(cost: Cost) -> str:
    """Return what a vendor's calls cost, for people."""
    requests = units.plural(cost.requests, "request")
    if cost.quota is None:
        return f"{requests}; the vendor has no quota we know of"
    if cost.seconds == float("inf"):
        return f"{requests}; batch has no share of “{cost.quota}”"
    left = units.count(int(cost.left or 0))
    return f"{requests}, {left} left of batch's share of “{cost.quota}”; about {units.about(max(cost.seconds, 1.0))}"
