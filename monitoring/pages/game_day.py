"""Game day: break the sandbox on purpose and watch how circuits, fallbacks, syncs and alerts react."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import audit
from monitoring import units
from monitoring.context import DashboardContext, may_act
from monitoring.game_day import FAULTS, SCENARIOS, Scenario, fault_text, wrong_with
from monitoring.hands import Faults, GameDay, Refused
from monitoring.identity import current_user
from monitoring.live import Hub
from monitoring.pages import dialog as dialogs
from monitoring.pages.game_reactions import INJECTED, STOPPED, SUBJECT, timeline
from monitoring.pages.marks import aria, icon, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange, parameters_of, time_range

_ASKED = ("why", "vendor", "value", "rate", "seconds", "seed")  # fields that may be wrong


def here(context: DashboardContext) -> bool:
    """Tell whether there is anything to rehearse with: a sandbox, and no vendor that is live."""
    return context.hands.game_day is not None


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page."""
    game = context.hands.game_day
    return html.Div(
        [
            html.Div(
                [html.H1("Game day"), html.Span("break the sandbox on purpose, watch us react", className="q-sub")],
                className="q-head",
            ),
            html.Div(
                [
                    _panel(context, game) if game is not None and may_act() else None,
                    html.Div(
                        [html.Div(loading(80), id="game-active"), html.Div(loading(160), id="game-reactions")],
                        className="q-beside",
                    ),
                ],
                className="q-game",
            ),
            dcc.Store(id="game-stop"),
            dcc.Store(id="game-active-shown"),
            dcc.Store(id="game-reactions-shown"),
        ]
    )


def _panel(context: DashboardContext, game: GameDay) -> Component:
    vendors = sorted(game.vendors, key=lambda name: context.label(name).lower())
    why = dmc.TextInput(
        id="game-why",
        label="What do you want to find out?",
        placeholder="do quotes go on without FedEx?",
        withAsterisk=True,
        mb="sm",
    )
    fields = [
        dmc.Select(
            id="game-vendor",
            label="Vendor",
            data=[{"value": name, "label": context.label(name)} for name in vendors],
            searchable=True,
            withAsterisk=True,
        ),
        dmc.Select(id="game-operation", label="Operation", data=[], placeholder="all", clearable=True),
        dmc.Select(
            id="game-fault",
            label="Fault",
            data=[{"value": kind, "label": fault.label} for kind, fault in FAULTS.items()],
            value="status",
            allowDeselect=False,
            className="q-full",
        ),
        dmc.TextInput(id="game-value", label="Status", value="503"),
        dmc.TextInput(id="game-rate", label="Share of requests", value="100 %"),
        dmc.TextInput(id="game-seconds", label="For seconds", value="120"),
        dmc.TextInput(id="game-seed", label="Seed", value="7"),
        dmc.Button("Inject", id="game-inject", leftSection=icon("bolt")),
    ]
    scenarios = [
        html.Div(
            [
                dmc.Button(
                    scenario.label,
                    id={"row": name, "act": "scenario"},
                    variant="default",
                    size="xs",
                    leftSection=icon("bolt"),
                ),
                html.Span(scenario.meaning, className="q-dim"),
            ],
            className="q-scenario",
        )
        for name, scenario in SCENARIOS.items()
        if scenario.faults_for(game.vendors)
    ]
    return html.Section(
        [
            html.Div(
                [html.H2("Inject a fault"), html.Span("into the sandbox only", className="q-sub")],
                className="q-panel-head",
            ),
            why,
            html.H3("Ready-made", className="q-h3"),
            html.Div(scenarios, className="q-options"),
            html.H3("Your own", className="q-h3"),
            html.Div(fields, className="q-filters"),
            dcc.Store(id="game-scenario"),
        ],
        className="q-panel",
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Inject and stop faults, and keep what they cause on the page."""
    dialogs.asked(app, "game-scenario", {"row": ALL, "act": "scenario"})
    dialogs.asked(app, "game-stop", {"row": ALL, "act": "stop_fault"})

    @app.callback(
        Output("game-active", "children"),
        Output("game-active-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("game-active-shown", "data"),
    )
    async def show_active(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view, act = time_range(search, zone, context.now()), may_act()

        async def read_active() -> Component:
            return await active(context, view, act)

        found = await shown("game_day.active", hub.once(("game_day.active", zone, acted, act), read_active))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    @app.callback(
        Output("game-reactions", "children"),
        Output("game-reactions-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("game-reactions-shown", "data"),
    )
    async def show_reactions(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        if context.hands.game_day is None:
            return no_update, no_update
        view = time_range(search, zone, context.now())
        chosen = parameters_of(search).get("injection", "")[:64]

        async def read_reactions() -> Component:
            return await timeline(context, view, chosen)

        key = ("game_day.reactions", search, zone, acted)
        found = await shown("game_day.reactions", hub.once(key, read_reactions))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    @app.callback(
        Output("game-operation", "data"),
        Output("game-operation", "value"),
        Input("game-vendor", "value"),
        prevent_initial_call=True,
    )
    async def operations_of_vendor(vendor: str | None) -> tuple[Any, Any]:
        game = context.hands.game_day
        return list(game.vendors.get(vendor or "", ())) if game else [], None

    @app.callback(
        Output("game-value", "label"),
        Output("game-value", "value"),
        Output("game-value", "disabled"),
        Input("game-fault", "value"),
        prevent_initial_call=True,
    )
    async def value_of_fault(kind: str | None) -> tuple[Any, Any, Any]:
        fault = FAULTS.get(kind or "")
        return (fault.asks or "Value", fault.usual, not fault.asks) if fault else (no_update,) * 3

    @app.callback(
        *[Output(f"game-{name}", "error", allow_duplicate=True) for name in _ASKED],
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("game-inject", "n_clicks"),
        State("game-why", "value"),
        *[State(f"game-{name}", "value") for name in ("vendor", "operation", "fault", "value", "rate")],
        State("game-seconds", "value"),
        State("game-seed", "value"),
        running=[(Output("game-inject", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def inject(
        clicks: int | None,
        why: str | None,
        vendor: str | None,
        operation: str | None,
        kind: str | None,
        value: str | None,
        rate: str | None,
        seconds: str | None,
        seed: str | None,
    ) -> tuple[Any, ...]:
        clean = (None,) * len(_ASKED)
        if not may_act():
            return *clean, no_update, not_allowed("break things")
        game = context.hands.game_day
        if not clicks or game is None:
            return *clean, no_update, no_update
        typed = {"vendor": vendor, "value": value, "rate": rate, "seconds": seconds, "seed": seed}
        wrong, fault = wrong_with(typed, operation or None, kind or "", game.vendors)
        nameless = reason_problem(why)
        if fault is None or nameless is not None:
            return nameless, *(wrong.get(name) for name in typed), no_update, no_update
        name = f"{context.label(fault['vendor'])}: {fault_text(fault['fault']).lower()}"
        acted, told = await _inject(context, game, [fault], name, why)
        return *clean, acted, [told]

    @app.callback(
        *[Output(f"game-{name}", "error", allow_duplicate=True) for name in _ASKED],
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("game-scenario", "data"),
        State("game-why", "value"),
        prevent_initial_call=True,
    )
    async def play_scenario(asked: dict[str, Any] | None, why: str | None) -> tuple[Any, ...]:
        clean = (None,) * len(_ASKED)
        if not may_act():
            return *clean, no_update, not_allowed("break things")
        game = context.hands.game_day
        scenario: Scenario | None = SCENARIOS.get(str((asked or {}).get("row")))
        if game is None or scenario is None:
            return *clean, no_update, no_update
        if nameless := reason_problem(why):
            return nameless, *clean[1:], no_update, no_update
        acted, told = await _inject(context, game, scenario.faults_for(game.vendors), scenario.label, why)
        return *clean, acted, [told]

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("game-stop", "data"),
        prevent_initial_call=True,
    )
    async def stop_faults(asked: dict[str, Any] | None) -> tuple[Any, Any]:
        if not may_act():
            return no_update, not_allowed("break things")
        game = context.hands.game_day
        row = str((asked or {}).get("row", ""))
        if game is None or not (row == "all" or row.isdecimal()):
            return no_update, no_update
        now = context.now()
        try:
            await game.stop(None if row == "all" else int(row))
        except Refused as refused:
            return now.timestamp(), [toast("Not stopped", str(refused), "gray")]
        await audit.record_act(context.db, at=now, user_name=_who(), act=STOPPED, subject=SUBJECT, facts={"fault": row})
        told = "No fault is in force any more; the demo's weather is off too." if row == "all" else "The rest go on."
        return now.timestamp(), [toast("Stopped", told, "blue")]


def _who() -> str:
    user = current_user.get()
    return user.label if user is not None else ""


async def _inject(
    context: DashboardContext, game: GameDay, faults: Faults, name: str, why: str | None
) -> tuple[Any, dict[str, Any]]:
    """Inject faults and note it; return what the page is told. The same fault is not put in force twice."""
    now = context.now()
    try:
        in_force = await game.inject(faults)
    except Refused as refused:
        return no_update, toast("Nothing was injected", str(refused), "red")
    facts = {"name": name, "faults": [dict(fault) for fault in in_force[-len(faults) :]]}
    await audit.record_act(
        context.db, at=now, user_name=_who(), act=INJECTED, subject=SUBJECT, reason=(why or "").strip(), facts=facts
    )
    return now.timestamp(), toast(
        f"Injected: {name}", "What comes of it is listed on this page, timed from now.", "blue"
    )


async def active(context: DashboardContext, view: TimeRange, act: bool) -> Component:
    """Return the faults in force, with the time left of each."""
    game = context.hands.game_day
    if game is None:
        return html.Div()
    try:
        faults = await game.active()
    except Refused as refused:
        return empty("The sandbox does not answer.", str(refused), mark="down")
    if not faults:
        body: Component = empty("No fault is in force.", "Inject one, or play a ready-made scenario.", mark="healthy")
    else:
        names = ("Vendor", "Operation", "Fault", ">Share", "Until", "")
        body = table(names, [_fault_row(one, context, view, act) for one in faults], caption="Faults in force")
    stop = dmc.Button(
        "Stop all",
        id={"row": "all", "act": "stop_fault"},
        size="compact-xs",
        variant="default",
        **aria(label="Stop all faults"),
    )
    return html.Section(
        [
            html.Div(
                [html.H2("In force"), html.Span(className="q-grow"), stop if act and faults else None],
                className="q-panel-head",
            ),
            body,
        ],
        className="q-panel",
    )


def _fault_row(one: Mapping[str, Any], context: DashboardContext, view: TimeRange, act: bool) -> list[Any]:
    until = datetime.fromisoformat(one["until"]) if one.get("until") else None
    name = f"{context.label(one['vendor'])} {fault_text(str(one['fault']))}"
    stop = dmc.Button(
        "Stop",
        id={"row": str(one.get("id")), "act": "stop_fault"},
        size="compact-xs",
        variant="default",
        **aria(label=f"Stop {name}"),
    )
    return [
        dcc.Link(context.label(one["vendor"]), href=view.link(f"/vendors/{one['vendor']}")),
        html.Span(one["operation"], className="q-mono") if one["operation"] else html.Span("all", className="q-dim"),
        fault_text(str(one["fault"])),
        units.percent(one["rate"]),
        html.Span([moment(until, view), f" ({units.about((until - view.now).total_seconds() // 10 * 10)} left)"])
        if until
        else "it is stopped",
        html.Span(stop, className="q-row-acts") if act else "",
    ]
