"""Everything about one run, in a drawer of the syncs page at ``/syncs?run=…``: what asked for it, how far it is or how it
ended, what it did, what it noted, and the way to its calls, its trace, its plan, its dead letters and conflicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import conflicts, dead_letters, plans, run_history, run_notes
from db.dead_letters import DeadLetter
from db.plans import Plan
from db.run_history import CallsOfRun
from db.run_notes import RunNote
from db.runs import RunRow
from monitoring import units
from monitoring.context import DashboardContext, may_trigger
from monitoring.live import Hub
from monitoring.pages.marks import aria, badge, figure, icon, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.sync_panel import TRIGGERS, progress
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, parameters_of, stamp, time_range, with_parameters

LETTERS = 20  # dead letters shown
SILENT = 30.0  # seconds without a heartbeat after which a run is said to be silent
LATE = 2.0  # seconds after its slot from which on a run is said to have begun late
_EDGES = {"error": "bad", "abandoned": "bad", "missed": "warn", "cancelled": "dim", "success": "good"}
_TONES = {"bad": "down", "warn": "degraded", "info": "calm"}
_VERDICTS = {"retried": ("queued", "tried again"), "given_up": ("cancelled", "given up")}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNow:
    """One run and all that hangs on it, read at one moment. ``plan`` is its own, ``acts_on`` the one it applies."""

    run: RunRow
    notes: Sequence[RunNote]
    calls: Sequence[CallsOfRun]
    letters: Sequence[DeadLetter]
    conflicts: int
    plan: Plan | None
    acts_on: Plan | None


def drawer() -> Component:
    """Return the drawer, closed."""
    return html.Div(
        [
            dmc.Drawer(
                html.Div(loading(60, 160), id="run-body"),
                id="run-drawer",
                title="Run",
                position="right",
                size="min(760px, 100vw)",
                padding="md",
                closeButtonProps=aria(label="Close the run"),
            ),
            dcc.Store(id="run-shown"),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Open the drawer on the run the URL names, keep it fresh, and take the run out of the URL when it is closed."""

    @app.callback(Output("run-drawer", "opened"), Input("url", "search"), State("run-drawer", "opened"))
    async def show_drawer(search: str | None, opened: bool | None) -> Any:
        wanted = bool(parameters_of(search).get("run"))
        return no_update if wanted == bool(opened) else wanted

    @app.callback(
        Output("run-body", "children"),
        Output("run-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("run-shown", "data"),
    )
    async def show_run(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        run_id = parameters_of(search).get("run", "")[:32]
        if not run_id:
            return no_update, no_update
        view, act = time_range(search, zone, context.now()), may_trigger()
        found = await shown("run", hub.once(("run", run_id, acted), lambda: read(context, run_id)))
        if isinstance(found, RunNow):
            drawn = panel(found, context, view, act)
        else:
            drawn = found if found is not None else _unknown(context)
        now = digest(drawn)
        return (no_update, no_update) if now == before else (drawn, now)

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "closed"),
        Output("url", "search", allow_duplicate=True),
        Input("run-drawer", "opened"),
        State("url", "search"),
        State("run-drawer", "id"),
        prevent_initial_call=True,
    )


async def read(context: DashboardContext, run_id: str) -> RunNow | None:
    """Return a run with what hangs on it, None when there is none of that id."""
    run = await run_history.get(context.db, run_id)
    if run is None:
        return None
    return RunNow(
        run=run,
        notes=await run_notes.of_run(context.db, run_id),
        calls=await run_history.calls_of(context.db, run),
        letters=await dead_letters.of_run(context.db, run_id, limit=LETTERS + 1),
        conflicts=await conflicts.count(context.db, conflicts.Filters(run_id=run_id)),
        plan=await plans.get(context.db, run_id),
        acts_on=await plans.acted_on_by(context.db, run_id),
    )


def _unknown(context: DashboardContext) -> Component:
    days = round(context.retention.sync_runs)
    return empty("There is no such run.", f"Runs are kept for {units.plural(days, 'day')}.", mark="question")


def panel(found: RunNow, context: DashboardContext, view: TimeRange, act: bool) -> Component:
    """Return what the drawer shows; ``act``: whoever looks may cancel it."""
    run = found.run
    return html.Div(
        [
            html.Div(
                [
                    html.H2(context.label(run.sync)),
                    badge(run.outcome or run.state),
                    html.Span("dry run, nothing is written", className="q-tag") if run.dry_run else None,
                    html.Span(className="q-grow"),
                    _cancel(run, act),
                ],
                className="q-verdict",
            ),
            html.P(run.message, className=f"q-sentence q-edge-{_EDGES.get(run.outcome or '', 'dim')}")
            if run.message
            else None,
            progress(run, view) if run.state != "finished" else None,
            html.Dl(_facts(found, context, view), className="q-facts"),
            _figures(run) if run.started_at else None,
            _calls(found.calls, run, context, view),
            _letters(found.letters, view),
            _log(found.notes, view),
            _checkpoint(run.cursor),
        ]
    )


def _cancel(run: RunRow, act: bool) -> Component | None:
    if not act or run.state == "finished" or run.cancel_requested_by:
        return None
    return dmc.Button(
        "Cancel…",
        id={"row": run.id, "act": "cancel_run"},
        leftSection=icon("stop"),
        size="compact-sm",
        variant="default",
        **aria(label="Cancel this run"),
    )


def _facts(found: RunNow, context: DashboardContext, view: TimeRange) -> list[Component]:
    run = found.run
    by = f", {run.requested_by}" if run.requested_by else ""
    facts: list[tuple[str, Any]] = [("Trigger", TRIGGERS.get(run.trigger, run.trigger) + by)]
    facts.append(("Slot" if run.trigger == "schedule" else "Asked for", moment(run.scheduled_at, view)))
    if run.started_at is not None:
        late = (run.started_at - run.scheduled_at).total_seconds()
        waited = html.Span(f" {units.span(late)} later", className="q-tone-warn") if late >= LATE else None
        facts.append(("Began", html.Span([moment(run.started_at, view), waited])))
    if run.finished_at is not None and run.started_at is not None:
        lasted = units.span((run.finished_at - run.started_at).total_seconds())
        facts.append(("Ended", html.Span([moment(run.finished_at, view), f" after {lasted}"])))
    if run.error_type:
        facts.append(("Error", html.Span(run.error_type, className="q-mono")))
    if run.state == "running":
        facts.append(("Heartbeat", _heartbeat(run.heartbeat_at, view)))
    if run.takeovers:
        times = units.plural(run.takeovers, "time")
        facts.append(("Resumed", f"{times}, from its checkpoint, after the process that ran it had ended"))
    if run.owner:
        facts.append(("Process", html.Span(run.owner, className="q-mono")))
    if run.cancel_requested_by:
        facts.append(("Cancelled by", run.cancel_requested_by))
    if chosen := _chosen(run, context, view):
        facts.append(("Asked to", chosen))
    if found.plan is not None:
        words = units.plural(found.plan.total, "change")
        facts.append(("Plan", dcc.Link(f"its plan, {words}", href=view.link(f"/plans/{run.id}"))))
    if found.acts_on is not None:
        plan = found.acts_on
        link = dcc.Link(f"the plan of run {plan.run_id[:8]}", href=view.link(f"/plans/{plan.run_id}"))
        facts.append(("Acts on", link))
    if found.conflicts:
        words = units.plural(found.conflicts, "conflict")
        facts.append(("Conflicts", dcc.Link(words, href=view.link("/conflicts", run=run.id))))
    facts.append(("Run", html.Span(run.id, className="q-mono")))
    return [part for name, value in facts for part in (html.Dt(name), html.Dd(value))]


def _heartbeat(at: datetime | None, view: TimeRange) -> Component:
    silent = at is None or (view.now - at).total_seconds() > SILENT
    words = html.Span(" its process is silent; another one takes it over", className="q-tone-warn") if silent else None
    return html.Span([moment(at, view, relative=True), words])


def _chosen(run: RunRow, context: DashboardContext, view: TimeRange) -> Any:
    options = dict(run.options or {})
    if run.backfill_id is not None:
        since, until = (datetime.fromisoformat(options[name]) for name in ("since", "until"))
        return html.Span(["work off ", moment(since, view), " to ", moment(until, view)])
    words = []
    if options.get("vendors"):
        words.append("ask only " + ", ".join(context.label(name) for name in options["vendors"]))
    if options.get("full"):
        words.append("compare everything")
    return ", ".join(words)


def _figures(run: RunRow) -> Component:
    named = (
        ("Pages", run.pages, ""),
        ("Read", run.read, ""),
        ("Written", run.written, ""),
        ("Unchanged", run.unchanged, ""),
        ("Conflicts", run.conflicted, "warn" if run.conflicted else ""),
        ("Failed", run.failed, "bad" if run.failed else ""),
    )
    whole = f"of {units.count(run.total)}" if run.total else ""
    return html.Div(
        [
            figure(units.count(number), name, whole if name == "Read" else "", tone_of=tone)
            for name, number, tone in named
        ],
        className="q-figures q-block",
    )


def _calls(found: Sequence[CallsOfRun], run: RunRow, context: DashboardContext, view: TimeRange) -> Component | None:
    if run.started_at is None:
        return None
    trace = dcc.Link("Trace", href=view.link(f"/traces/{run.correlation_id}"), className="q-choice")
    end = (run.finished_at or view.now) + timedelta(minutes=1)
    around = {"from": stamp(run.started_at - timedelta(minutes=1)), "to": stamp(end), "run": run.id}
    links: list[Component] = [trace]
    for one in found:
        words = f"{context.label(one.vendor)}: {units.plural(one.calls, 'call')}"
        failed = f", {units.count(one.failed)} failed or refused" if one.failed else ""
        links.append(dcc.Link(words + failed, href=_address({**around, "vendor": one.vendor}), className="q-choice"))
    if len(found) > 1:
        links.append(dcc.Link("All its calls", href=_address(around), className="q-choice"))
    if not found:
        links.append(html.Span("no call is recorded of it", className="q-dim"))
    return html.Nav(links, className="q-choices", **aria(label="Calls of the run"))


def _address(wanted: Mapping[str, str]) -> str:
    return "/calls" + with_parameters("", **wanted)


def _letters(found: Sequence[DeadLetter], view: TimeRange) -> Component | None:
    if not found:
        return None
    rows = [
        [
            html.Span(letter.item, className="q-mono"),
            letter.error_type.replace("_", " "),
            letter.reason,
            badge(*_VERDICTS[letter.verdict]) if letter.verdict in _VERDICTS else badge("unknown", "waits"),
        ]
        for letter in found[:LETTERS]
    ]
    more = html.P(f"The first {LETTERS} are shown.", className="q-hint") if len(found) > LETTERS else None
    link = dcc.Link("what may be done with them", href=view.link("/syncs", letters=found[0].sync))
    head = html.H3(["Dead letters ", html.Span(link, className="q-dim")], className="q-h3")
    return html.Section([head, table(("Item", "Error", "Reason", ""), rows, caption="Dead letters of the run"), more])


def _log(notes: Sequence[RunNote], view: TimeRange) -> Component:
    head = html.H3("What happened", className="q-h3")
    if not notes:
        return html.Section([head, html.P("It has noted nothing.", className="q-hint")])
    rows = [
        html.Li(
            [
                icon(_TONES.get(note.tone, "calm"), note.tone if note.tone != "info" else ""),
                moment(note.at, view),
                html.Span(note.text),
            ],
            className=f"q-run-note q-tone-{note.tone}" if note.tone != "info" else "q-run-note",
        )
        for note in notes
    ]
    full = (
        html.P(f"Its log is full: the first {run_notes.MOST} lines are kept.", className="q-hint")
        if len(notes) >= run_notes.MOST
        else None
    )
    return html.Section([head, html.Ol(rows, className="q-plain q-run-notes", tabIndex=0), full])


def _checkpoint(cursor: Mapping[str, Any] | None) -> Component | None:
    if not cursor:
        return None
    text = json.dumps(cursor, indent=2, sort_keys=True, ensure_ascii=False)
    return html.Details(
        [
            html.Summary("Checkpoint, from which another process goes on"),
            html.Pre(text, className="q-body", tabIndex=0),
        ],
        className="q-more",
    )
