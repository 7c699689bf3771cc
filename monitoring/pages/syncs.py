"""The syncs: schedule, last and next run, live progress, run now, cancel; below, the history, dead letters, conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from db import audit, dead_letters, run_history, runs, schedules
from db.dead_letters import Conflict, DeadLetter
from db.runs import RunRow
from db.schedules import ScheduleEdit
from monitoring import units
from monitoring.context import DashboardContext, may_act
from monitoring.facts import SyncFacts
from monitoring.identity import current_user
from monitoring.live import Hub
from monitoring.pages.marks import aria, badge, icon, moment
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.toast import toast
from monitoring.schedule import next_run
from monitoring.timerange import TimeRange, time_range

HISTORY = 60  # runs read; half of them are listed
_TRIGGERS = {"schedule": "schedule", "user": "by hand", "api": "API", "start": "first start"}


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page: a panel per sync with its buttons, which stay put while figures change."""
    if not context.syncs:
        return html.Div([_head(), empty("No sync is set up.", "Schedules stand in quayside.toml under [syncs].")])
    act = may_act()
    return html.Div(
        [
            _head(),
            *[_panel(facts, act) for facts in context.syncs],
            html.Div(loading(200), id="syncs-below"),
            dcc.Store(id="cancel-run"),
            dmc.Modal(
                [
                    html.P("", id="cancel-text"),
                    html.Div(
                        [
                            dmc.Button("Let it run", id="cancel-no", variant="default"),
                            dmc.Button("Cancel the run", id="cancel-yes", color="red"),
                        ],
                        className="q-acts",
                    ),
                ],
                id="cancel-modal",
                title="Cancel this run?",
                centered=True,
            ),
        ]
    )


def _head() -> Component:
    return html.Div(
        [html.H1("Syncs"), html.Span("one run per sync at a time, over all processes", className="q-sub")],
        className="q-head",
    )


def _panel(facts: SyncFacts, act: bool) -> Component:
    acts = [
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
    ]
    return html.Section(
        [
            html.Div(
                [
                    html.Div([html.H2(facts.label), html.P(facts.description, className="q-dim")]),
                    html.Div(acts, className="q-sync-acts") if act else None,
                ],
                className="q-sync",
            ),
            html.Div(loading(40), id={"sync": facts.name}, **aria(live="polite")),
        ],
        className="q-panel",
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh and take the acts of people who may act."""
    names = [facts.name for facts in context.syncs]

    @app.callback(
        Output({"sync": ALL}, "children"),
        Output({"act": "run", "sync": ALL}, "disabled"),
        Output({"act": "cancel", "sync": ALL}, "disabled"),
        Output("syncs-below", "children"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show(_tick: float, _acted: float, search: str | None, zone: str | None) -> tuple[Any, ...]:
        view = time_range(search, zone, context.now())
        act = may_act()
        found = await shown("syncs", hub.once(("syncs", zone), lambda: _read(context)))
        if not isinstance(found, _Syncs):
            return [found] * len(names), [True] * len(names) * act, [True] * len(names) * act, no_update
        bodies = [sync_body(facts, found, view) for facts in context.syncs]
        states = {run.sync: run.state for run in found.active}
        busy = [states.get(name) == "queued" for name in names] if act else []
        idle = [name not in states for name in names] if act else []
        return bodies, busy, idle, below(found, context, view, act)

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
        if user is None or context.label(name) == name:
            return no_update, [toast("Not allowed", "Your role lets you look, not start a run.", "red")]
        now = context.now()
        await audit.record_act(context.db, at=now, user_name=user, act="sync.run_requested", subject=name)
        run = await runs.queue(context.db, name, trigger="user", requested_by=user, now=now)
        return now.timestamp(), [
            toast(f"{context.label(name)} will run", f"Run {run.id[:8]} waits for the scheduler to take it.", "blue")
        ]

    @app.callback(
        Output("cancel-modal", "opened", allow_duplicate=True),
        Output("cancel-text", "children"),
        Output("cancel-run", "data"),
        Input({"act": "cancel", "sync": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_cancel(_clicks: list[int | None]) -> tuple[Any, Any, Any]:
        wanted = _clicked()
        if wanted is None:
            return no_update, no_update, no_update
        active = await _active(context, str(wanted["sync"]))
        if active is None:
            return False, no_update, no_update
        return True, _consequence(active, context), active.id

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "never_mind"),
        Output("cancel-modal", "opened", allow_duplicate=True),
        Input("cancel-no", "n_clicks"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("cancel-modal", "opened", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("cancel-yes", "n_clicks"),
        State("cancel-run", "data"),
        prevent_initial_call=True,
    )
    async def cancel(yes: int | None, run_id: str | None) -> tuple[Any, Any, Any]:
        if not yes or not run_id:
            return False, no_update, no_update
        user = _who()
        if user is None:
            return False, no_update, [toast("Not allowed", "Your role lets you look, not cancel a run.", "red")]
        now = context.now()
        await audit.record_act(context.db, at=now, user_name=user, act="sync.cancel_requested", subject=run_id)
        if await runs.request_cancel(context.db, run_id, by=user, now=now):
            told = toast("The run will stop", "It stops at its next checkpoint; what it wrote so far stays.", "blue")
        else:
            told = toast("Nothing to cancel", "The run had ended before.", "gray")
        return False, now.timestamp(), [told]

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input({"letter": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def retry_letter(_clicks: list[int | None]) -> tuple[Any, Any]:
        wanted = _clicked()
        if wanted is None:
            return no_update, no_update
        user = _who()
        if user is None:
            return no_update, [toast("Not allowed", "Your role lets you look, not retry.", "red")]
        now, letter = context.now(), str(wanted["letter"])
        await audit.record_act(context.db, at=now, user_name=user, act="dead_letter.retried", subject=letter)
        done = await dead_letters.retry(context.db, letter, by=user, now=now)
        said = (
            toast("Taken up again", "The next run tries it.", "blue")
            if done
            else toast("Done before", "Somebody was faster.", "gray")
        )
        return now.timestamp(), [said]


class _Syncs:
    """What the page shows, read at one moment."""

    def __init__(
        self,
        history: Sequence[RunRow],
        active: Sequence[RunRow],
        letters: Sequence[DeadLetter],
        found_conflicts: Sequence[Conflict],
        edits: Mapping[str, ScheduleEdit],
    ) -> None:
        self.history = history
        self.active = active
        self.letters = letters
        self.conflicts = found_conflicts
        self.edits = edits


async def _read(context: DashboardContext) -> _Syncs:
    db = context.db
    running, queued = await run_history.running(db), await run_history.queued(db)
    return _Syncs(
        history=await run_history.recent(db, limit=HISTORY),
        active=[*running, *[run for run in queued if all(run.sync != other.sync for other in running)]],
        letters=await dead_letters.unresolved(db, limit=100),
        found_conflicts=await dead_letters.recent_conflicts(db, limit=50),
        edits=await schedules.edits(db),
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
    user = current_user.get()
    return user.label if user is not None and user.may("operate") else None


def _consequence(run: RunRow, context: DashboardContext) -> str:
    label = context.label(run.sync)
    if run.state == "queued":
        return f"The run of {label} has not started; it will not."
    done = f"{units.count(run.written)} written so far stay written" if run.written else "Nothing is written yet"
    return f"{label} stops at its next checkpoint. {done}; the next run goes on from there."


def sync_body(facts: SyncFacts, found: _Syncs, view: TimeRange) -> list[Component]:
    """Return what changes in the panel of a sync: its schedule, its last run, its progress."""
    edit = found.edits.get(facts.name)
    last = next((run for run in found.history if run.sync == facts.name and run.finished_at and run.started_at), None)
    schedule = (edit.schedule if edit and edit.schedule else None) or facts.schedule
    active = next((run for run in found.active if run.sync == facts.name), None)
    if edit is not None and edit.paused:
        upcoming: Any = html.Span(f"paused by {edit.by}" + (f": {edit.reason}" if edit.reason else ""))
    elif active is not None:
        upcoming = html.Span("now" if active.state == "running" else "waits for the scheduler")
    else:
        at = next_run(schedule, view.now)
        upcoming = moment(at, view, relative=True) if at else html.Span("by its schedule", className="q-dim")
    line = [
        *_pair(
            "Schedule",
            html.Span([schedule, html.Span(" (edited here)", className="q-dim") if edit and edit.schedule else None]),
        ),
        *_pair("Next run", upcoming),
        *_pair("Last run", _last(last, view) if last else html.Span("never", className="q-dim")),
    ]
    parts: list[Component] = [html.Dl(line, className="q-facts")]
    if active is not None:
        parts.append(progress(active, view))
    elif last is not None and last.outcome == "error" and last.message:
        parts.append(html.P(last.message, className="q-sentence q-edge-bad"))
    return parts


def _pair(name: str, value: Any) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]


def _last(run: RunRow, view: TimeRange) -> Component:
    took = units.span((run.finished_at - run.started_at).total_seconds()) if run.finished_at and run.started_at else ""
    return html.Span(
        [
            badge(run.outcome or run.state),
            " ",
            moment(run.finished_at or run.started_at, view, relative=True),
            f" · lasted {took} · {counts(run)}" if took else f" · {counts(run)}",
        ],
    )


def counts(run: RunRow) -> str:
    """Return what a run did, leaving out what it did not."""
    parts = [
        f"{units.count(number)} {word}"
        for number, word in (
            (run.read, "read"),
            (run.written, "written"),
            (run.unchanged, "unchanged"),
            (run.conflicted, "conflicts"),
            (run.failed, "failed"),
        )
        if number
    ]
    return ", ".join(parts) or "nothing to do"


def progress(run: RunRow, view: TimeRange) -> Component:
    """Return the live progress of a run: how far, how fast, how long still."""
    if run.state == "queued":
        return html.Div(
            [
                badge("queued"),
                " ",
                html.Span(
                    f"asked for by {run.requested_by or _TRIGGERS.get(run.trigger, run.trigger)}", className="q-dim"
                ),
            ]
        )
    part = run.progress
    done = run.written + run.unchanged + run.failed
    spent = (view.now - run.started_at).total_seconds() if run.started_at else 0.0
    words = [badge("running"), html.Span(f"for {units.span(spent)}")]
    if part is not None and run.total:
        words.append(html.Span(f"{units.count(done)} of {units.count(run.total)} ({units.percent(part)})"))
        if spent > 2 and done:
            rate = done / spent
            words.append(html.Span(f"{rate:,.0f} a second" if rate >= 1 else f"{rate * 60:,.0f} a minute"))
            words.append(html.Span(f"about {units.span((run.total - done) / rate)} left"))
    words.append(html.Span(counts(run)))
    if run.cancel_requested_by:
        words.append(html.Span(f"cancel asked for by {run.cancel_requested_by}", className="q-tone-warn"))
    if run.takeovers:
        words.append(html.Span(f"taken over {units.plural(run.takeovers, 'time')}", className="q-tone-warn"))
    return html.Div(
        [
            dmc.ProgressRoot(
                dmc.ProgressSection(
                    value=round((part if part is not None else 1.0) * 100, 1),
                    striped=part is None,
                    animated=part is None,
                ),
                size="md",
            ),
            html.Div(words, className="q-run-counts"),
        ],
        className="q-sync-progress",
    )


def below(found: _Syncs, context: DashboardContext, view: TimeRange, act: bool) -> list[Component]:
    """Return what stands under the panels: dead letters first because they wait for a person, then runs and conflicts."""
    return [
        letters(found.letters, context, view, act),
        history(found.history, context, view),
        conflicts(found.conflicts, context, view),
    ]


def letters(found: Sequence[DeadLetter], context: DashboardContext, view: TimeRange, act: bool) -> Component:
    """Return the items syncs gave up on."""
    rows = [
        [
            moment(letter.created_at, view),
            context.label(letter.sync),
            html.Span(letter.item, className="q-mono"),
            letter.error_type.replace("_", " "),
            letter.reason,
            dmc.Button("Try again", id={"letter": letter.id}, size="compact-xs", variant="default") if act else "",
        ]
        for letter in found
    ]
    body = (
        table(("Since", "Sync", "Item", "Error", "Reason", ""), rows, caption="Dead letters")
        if rows
        else empty("No dead letters.", "Every item a sync took up was written or is being tried.", mark="healthy")
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Dead letters"),
                    html.Span("items a sync gave up on; they wait for somebody", className="q-sub"),
                ],
                className="q-panel-head",
            ),
            body,
        ],
        className="q-panel",
    )


def history(found: Sequence[RunRow], context: DashboardContext, view: TimeRange) -> Component:
    """Return the latest runs of all syncs, missed ones too."""
    rows = [
        [
            moment(run.started_at or run.scheduled_at, view),
            context.label(run.sync),
            badge(run.outcome or run.state),
            _TRIGGERS.get(run.trigger, run.trigger) + (f" ({run.requested_by})" if run.requested_by else ""),
            units.span((run.finished_at - run.started_at).total_seconds())
            if run.finished_at and run.started_at
            else units.NONE,
            html.Span(
                [
                    counts(run) if run.started_at else "",
                    html.Div(run.message, className="q-dim") if run.message else None,
                ]
            ),
            dcc.Link("trace", href=view.link(f"/traces/{run.correlation_id}")) if run.started_at else "",
        ]
        for run in found
    ]
    body = (
        table(("Started", "Sync", "Outcome", "Trigger", ">Lasted", "What", ""), rows, caption="Runs", brief=True)
        if rows
        else empty("No run yet.", "The scheduler starts the first run of each sync when it comes up.")
    )
    return html.Section(
        [
            html.Div(
                [html.H2("Runs"), html.Span(f"latest {HISTORY}, missed ones too", className="q-sub")],
                className="q-panel-head",
            ),
            body,
        ],
        className="q-panel",
    )


def conflicts(found: Sequence[Conflict], context: DashboardContext, view: TimeRange) -> Component:
    """Return the fields both sides had changed, and who won."""
    rows = [
        [
            moment(conflict.at, view),
            html.Span(conflict.item, className="q-mono"),
            conflict.field,
            _value(conflict.erp_value, conflict.erp_at, view, conflict.winner == "erp"),
            _value(conflict.platform_value, conflict.platform_at, view, conflict.winner == "platform"),
            conflict.rule.replace("_", " "),
        ]
        for conflict in found
    ]
    body = (
        table(("When", "Item", "Field", "ERP", "Platform", "Rule"), rows, caption="Conflicts")
        if rows
        else empty("No conflicts.", "Nothing was changed on both sides between two runs.", mark="healthy")
    )
    return html.Section(
        [
            html.Div(
                [html.H2("Conflicts"), html.Span("changed on both sides; the winner is marked", className="q-sub")],
                className="q-panel-head",
            ),
            body,
        ],
        className="q-panel",
    )


def _value(value: str, at: Any, view: TimeRange, won: bool) -> Component:
    return html.Span(
        [
            html.Strong([value, " ", icon("healthy", "won")]) if won else html.Span(value),
            " ",
            html.Span(moment(at, view), className="q-dim") if at else None,
        ]
    )
