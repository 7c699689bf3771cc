"""The syncs: schedule, last and next run, live progress, run now, cancel, edit, pause.

Below: dead letters, the runs of the chosen time, conflicts. One run opens in a drawer (``run_panel.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from db import dead_letters, plans, run_history, runs, schedules
from db.runs import RunRow
from monitoring import units
from monitoring.context import DashboardContext, may_act, may_trigger, who_may
from monitoring.facts import SyncFacts
from monitoring.live import Hub
from monitoring.pages import dialog as dialogs
from monitoring.pages import letters, pause_dialog, run_list, run_panel, schedule_dialog
from monitoring.pages.marks import aria, icon
from monitoring.pages.schedule_dialog import facts_of, in_force
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.sync_panel import SyncsNow, sync_body
from monitoring.pages.sync_tables import conflicts
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.schedule import upcoming
from monitoring.timerange import time_range


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page: a panel per sync with its buttons, which stay put while figures change."""
    if not context.syncs:
        return html.Div([_head(), empty("No sync is set up.", "Schedules stand in quayside.toml under [syncs].")])
    return html.Div(
        [
            _head(),
            *[_panel(facts) for facts in context.syncs],
            html.Div(loading(120), id="syncs-letters"),
            html.Div(loading(260), id="syncs-runs"),
            html.Div(loading(80), id="syncs-conflicts"),
            dcc.Store(id="runs-shown"),
            run_panel.drawer(),
            schedule_dialog.dialog(),
            pause_dialog.dialog(),
            letters.dialog(),
            dcc.Store(id="cancel-run"),
            dcc.Store(id="cancel-asked"),
            dialogs.dialog(
                "cancel", title="Cancel this run?", yes="Cancel the run", no="Let it run", hurts=True, above=True
            ),
        ]
    )


def _head() -> Component:
    return html.Div(
        [
            html.H1("Syncs"),
            html.Span("one run per sync at a time, over all processes", className="q-sub"),
            dcc.Link("Plans", href="/plans", className="q-choice"),
            dcc.Link("Conflicts", href="/conflicts", className="q-choice"),
            dcc.Link("Backfills", href="/backfills", className="q-choice"),
        ],
        className="q-head",
    )


def _panel(facts: SyncFacts) -> Component:
    runs_acts = [
        dmc.Button(
            "Run now", id={"act": "run", "sync": facts.name}, leftSection=icon("run"), variant="default", size="xs"
        ),
        dmc.Button(
            "Cancel",
            id={"act": "cancel", "sync": facts.name},
            leftSection=icon("stop"),
            variant="default",
            color="red",
            size="xs",
            disabled=True,
        ),
        dcc.Link(
            ["Backfill…", html.Span(f" {facts.label}", className="q-only-read")],
            href=f"/backfills?sync={facts.name}",
            className="q-link-button",
        )
        if facts.backfill_days is not None
        else None,
    ]
    schedule_acts = [
        dmc.Button(
            "Pause…",
            id={"act": "pause", "sync": facts.name},
            variant="default",
            size="xs",
            **aria(label=f"Pause {facts.label}"),
        ),
        dmc.Button(
            "Schedule…",
            id={"act": "schedule", "sync": facts.name},
            leftSection=icon("clock"),
            variant="default",
            size="xs",
            **aria(label=f"Edit the schedule of {facts.label}"),
        ),
    ]
    acts = [*(runs_acts if may_trigger() else []), *(schedule_acts if may_act() else [])]
    return html.Section(
        [
            html.Div(
                [
                    html.Div([html.H2(facts.label), html.P(facts.description, className="q-dim")]),
                    html.Div(acts, className="q-sync-acts") if acts else None,
                ],
                className="q-sync",
            ),
            html.Div(loading(40), id={"sync": facts.name}, **aria(live="polite")),
        ],
        className="q-panel",
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh and take the acts of people who may act."""

    @app.callback(
        Output({"sync": ALL}, "children"),
        Output({"act": "run", "sync": ALL}, "disabled"),
        Output({"act": "cancel", "sync": ALL}, "disabled"),
        Output({"act": "pause", "sync": ALL}, "children"),
        Output({"act": "pause", "sync": ALL}, "aria-label"),
        Output("syncs-letters", "children"),
        Output("syncs-conflicts", "children"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show(_tick: float, acted: float | None, search: str | None, zone: str | None) -> tuple[Any, ...]:
        view = time_range(search, zone, context.now())
        # What stands on the page, which may be of a moment when its reader still had another right.
        panels, run, cancel, pause, _labels = [[one["id"]["sync"] for one in part] for part in ctx.outputs_list[:5]]
        found = await shown("syncs", hub.once(("syncs", zone, acted), lambda: _read(context, view.now)))
        waiting = await shown("letters", hub.once(("letters", search, acted), lambda: letters.read(context, search)))
        if not isinstance(found, SyncsNow):
            return (
                [found] * len(panels),
                [True] * len(run),
                [True] * len(cancel),
                *[[no_update] * len(pause)] * 2,
                no_update,
                no_update,
            )
        bodies = {facts.name: sync_body(facts, found, view) for facts in context.syncs}
        states = {run.sync: run.state for run in found.active}
        busy = [not may_trigger() or states.get(name) == "queued" for name in run]
        idle = [not may_trigger() or name not in states for name in cancel]
        paused = [name in found.edits and found.edits[name].is_paused(view.now) for name in pause]
        words = ["Resume" if one else "Pause" for one in paused]
        spoken = [f"{word} {context.label(name)}" for word, name in zip(words, pause, strict=True)]
        drawn = letters.panel(waiting, context, view) if isinstance(waiting, letters.Letters) else waiting
        worded = [f"{word}…" for word in words]
        shown_now = [bodies.get(name, no_update) for name in panels]
        return shown_now, busy, idle, worded, spoken, drawn, conflicts(found.conflicts, view)

    schedule_dialog.register(app, context)
    pause_dialog.register(app, context)
    letters.register(app, context)
    run_list.register(app, context, hub)
    run_panel.register(app, context, hub)

    @app.callback(
        Output("acted", "data"),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input({"act": "run", "sync": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def run_now(_clicks: list[int | None]) -> tuple[Any, Any]:
        wanted = _clicked()
        if wanted is None:
            return no_update, no_update
        name = str(wanted["sync"])
        user = _who()
        if user is None:
            return no_update, not_allowed("start a run")
        if facts_of(context, name) is None:
            return no_update, no_update
        now = context.now()
        run = await runs.queue(context.db, name, trigger="user", requested_by=user, now=now)
        return now.timestamp(), [
            toast(f"{context.label(name)} will run", f"Run {run.id[:8]} waits for the scheduler to take it.", "blue")
        ]

    @app.callback(
        Output("cancel-modal", "opened", allow_duplicate=True),
        Output("cancel-facts", "children"),
        Output("cancel-run", "data"),
        Output("cancel-reason", "value"),
        Input({"act": "cancel", "sync": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_cancel(_clicks: list[int | None]) -> tuple[Any, ...]:
        wanted = _clicked()
        if wanted is None:
            return (no_update,) * 4
        active = await _active(context, str(wanted["sync"]))
        if active is None:
            return False, no_update, no_update, no_update
        return True, _consequence(active, context), active.id, ""

    dialogs.asked(app, "cancel-asked", {"row": ALL, "act": "cancel_run"})

    @app.callback(
        Output("cancel-modal", "opened", allow_duplicate=True),
        Output("cancel-facts", "children", allow_duplicate=True),
        Output("cancel-run", "data", allow_duplicate=True),
        Output("cancel-reason", "value", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("cancel-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask_cancel_this(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        run = await run_history.get(context.db, str((asked or {}).get("row", "")))
        if run is None or run.state == "finished":
            told = [toast("Nothing to cancel", "The run had ended before.", "gray")] if asked else no_update
            return no_update, no_update, no_update, no_update, told
        return True, _consequence(run, context), run.id, "", no_update

    dialogs.closes(app, "cancel")

    @app.callback(
        Output("cancel-modal", "opened", allow_duplicate=True),
        Output("cancel-reason", "error"),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("cancel-yes", "n_clicks"),
        State("cancel-run", "data"),
        State("cancel-reason", "value"),
        prevent_initial_call=True,
    )
    async def cancel(yes: int | None, run_id: str | None, reason: str | None) -> tuple[Any, ...]:
        if not yes or not run_id:
            return False, None, no_update, no_update
        user = _who()
        if user is None:
            return False, None, no_update, not_allowed("cancel a run")
        wrong = reason_problem(reason)
        if wrong is not None:
            return True, wrong, no_update, no_update
        now = context.now()
        if await runs.request_cancel(context.db, run_id, by=user, now=now, reason=str(reason).strip()):
            told = toast("The run will stop", "It stops at its next checkpoint; what it wrote so far stays.", "blue")
        else:
            told = toast("Nothing to cancel", "The run had ended before.", "gray")
        return False, None, now.timestamp(), [told]


async def _read(context: DashboardContext, now: datetime) -> SyncsNow:
    db, edits = context.db, await schedules.edits(context.db)
    running, queued = await run_history.running(db), await run_history.queued(db)
    return SyncsNow(
        latest=await run_history.latest_ended(db, [facts.name for facts in context.syncs]),
        active=[*running, *[run for run in queued if all(run.sync != other.sync for other in running)]],
        conflicts=await dead_letters.recent_conflicts(db, limit=50),
        edits=edits,
        upcoming={
            facts.name: await upcoming(context.hands.next_times, in_force(facts, edits.get(facts.name)), now)
            for facts in context.syncs
        },
        stopped=await plans.waiting(db),
    )


async def _active(context: DashboardContext, sync: str) -> RunRow | None:
    for run in (*await run_history.running(context.db), *await run_history.queued(context.db)):
        if run.sync == sync:
            return run
    return None


def _clicked() -> dict[str, Any] | None:
    """Return the id of the button that was clicked; None when it was only drawn."""
    if not ctx.triggered or not ctx.triggered[0]["value"] or not isinstance(ctx.triggered_id, dict):
        return None
    return dict(ctx.triggered_id)


def _who() -> str | None:
    user = who_may("trigger")
    return user.label if user is not None else None


def _consequence(run: RunRow, context: DashboardContext) -> str:
    label = context.label(run.sync)
    if run.state == "queued":
        return f"The run of {label} has not started; it will not."
    done = f"{units.count(run.written)} written so far stay written" if run.written else "Nothing is written yet"
    return f"{label} stops at its next checkpoint. {done}; the next run goes on from there."
