"""One backfill: how far it is, what it did so far, its slices with their runs; stopped, or taken up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import backfill_progress, backfills
from db.backfill_progress import Progress
from db.backfills import Backfill, Slice
from monitoring import units
from monitoring.context import DashboardContext, may_trigger, who_may
from monitoring.live import Hub
from monitoring.pages import dialog as dialogs
from monitoring.pages.backfills import STATES, day_and_time, share_done
from monitoring.pages.marks import badge, figure, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.paging import SIZE, choices, page_number, pager
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.sync_panel import progress as progress_of_run
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, only_look, toast
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange, parameters_of, time_range

FILTERS = ("state", "page")
_SLICES = {
    "waiting": ("queued", "waits"),
    "running": ("running", "running"),
    "done": ("success", "done"),
    "failed": ("error", "failed"),
    "cancelled": ("cancelled", "cancelled"),
}
_ADVICE = (
    "Slices failed. When three in a row do, the rest waits, since the cause is not the slice's. Mend what they say below, "
    "then go on."
)


def layout(_context: DashboardContext, id: str) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div([html.H1("Backfill"), html.Span(id[:12], className="q-mono q-sub")], className="q-head"),
            dcc.Store(id="backfill-id", data=id),
            html.Div(loading(140, 260), id="backfill-body"),
            dcc.Store(id="backfill-shown"),
            dialogs.dialog(
                "backfill-stop", title="Cancel this backfill?", yes="Cancel it", no="Let it go on", hurts=True
            ),
            dialogs.dialog("backfill-resume", title="Go on with this backfill?", yes="Go on", reason=""),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh; stop the backfill or take it up again."""

    @app.callback(
        Output("backfill-body", "children"),
        Output("backfill-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        Input("backfill-id", "data"),
        State("backfill-shown", "data"),
    )
    async def show_backfill(
        _tick: float, acted: float | None, search: str | None, zone: str | None, id: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view, act = time_range(search, zone, context.now()), may_trigger()
        wanted = {name: value[:16] for name, value in parameters_of(search).items() if name in FILTERS}
        key = ("backfill", id, search, zone, acted, act)
        found = await shown("backfill", hub.once(key, lambda: read(context, str(id), view, wanted, act)))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    _register_stop(app, context)
    _register_resume(app, context)


def _register_stop(app: Dash, context: DashboardContext) -> None:
    @app.callback(
        Output("backfill-stop-modal", "opened", allow_duplicate=True),
        Output("backfill-stop-facts", "children"),
        Output("backfill-stop-reason", "value"),
        Output("backfill-stop-reason", "error", allow_duplicate=True),
        Input("backfill-cancel", "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_stop(clicks: int | None) -> tuple[Any, ...]:
        if not clicks:
            return (no_update,) * 4
        sentence = (
            "The slice that runs stops at its next checkpoint and the rest does not begin. What is done stays done, and "
            "the backfill can be taken up again where it stopped."
        )
        return True, html.P(sentence), "", None

    dialogs.closes(app, "backfill-stop")

    @app.callback(
        Output("backfill-stop-modal", "opened", allow_duplicate=True),
        Output("backfill-stop-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("backfill-stop-yes", "n_clicks"),
        State("backfill-id", "data"),
        State("backfill-stop-reason", "value"),
        prevent_initial_call=True,
    )
    async def stop_backfill(yes: int | None, id: str | None, reason: str | None) -> tuple[Any, ...]:
        user = who_may("trigger")
        if user is None:
            return False, None, no_update, not_allowed("cancel it")
        if not yes or not id:
            return (no_update,) * 4
        if wrong := reason_problem(reason):
            return True, wrong, no_update, no_update
        now = context.now()
        done = await backfills.cancel(context.db, id, reason=str(reason).strip(), by=user.label, now=now)
        told = (
            toast("Cancelled", "The slice that runs stops at its next checkpoint.", "blue")
            if done
            else toast("Not cancelled", "It is over already; nothing was changed.", "gray")
        )
        return False, None, now.timestamp(), [told]


def _register_resume(app: Dash, context: DashboardContext) -> None:
    @app.callback(
        Output("backfill-resume-modal", "opened", allow_duplicate=True),
        Output("backfill-resume-facts", "children"),
        Input("backfill-go-on", "n_clicks"),
        State("backfill-id", "data"),
        prevent_initial_call=True,
    )
    async def ask_resume(clicks: int | None, id: str | None) -> tuple[Any, ...]:
        if not clicks or not id:
            return no_update, no_update
        counted = (await backfills.counts(context.db, [id]))[id]
        left = sum(number for state, number in counted.items() if state != "done")
        return True, html.P(f"{units.plural(left, 'slice')} that failed, were cancelled or still wait are worked off.")

    dialogs.closes(app, "backfill-resume")

    @app.callback(
        Output("backfill-resume-modal", "opened", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("backfill-resume-yes", "n_clicks"),
        State("backfill-id", "data"),
        prevent_initial_call=True,
    )
    async def resume_backfill(yes: int | None, id: str | None) -> tuple[Any, ...]:
        user = who_may("trigger")
        if user is None:
            return False, no_update, not_allowed("go on with it")
        if not yes or not id:
            return (no_update,) * 3
        now = context.now()
        if await backfills.take_up(context.db, id, by=user.label, now=now):
            told = toast("It goes on", "The scheduler takes the next slice within two seconds.", "blue")
        else:
            sentence = "It is open or done, or another backfill of this sync is open. Nothing was changed."
            told = toast("Not taken up", sentence, "gray")
        return False, now.timestamp(), [told]


async def read(
    context: DashboardContext, id: str, view: TimeRange, wanted: Mapping[str, str], act: bool
) -> list[Component]:
    """Return what is known of a backfill."""
    found = await backfills.get(context.db, id)
    if found is None:
        return [empty("There is no such backfill.", "It may be too old to be kept.", mark="question")]
    far = (await backfill_progress.progress(context.db, [id]))[id]
    parts = [one for one in await backfills.slices(context.db, id) if wanted.get("state") in (None, "", one.state)]
    first = (page_number(wanted) - 1) * SIZE
    path = f"/backfills/{id}"
    states = [("", "All", far.total), *((name, _SLICES[name][1], n) for name, n in far.slices.items() if n)]
    return [
        _head(found, far, context, view, act),
        choices("State", "state", states, path, wanted, view),
        _slices(parts[first : first + SIZE], view),
        *([pages] if (pages := pager(path, wanted, len(parts), view)) is not None else []),
    ]


def _head(found: Backfill, far: Progress, context: DashboardContext, view: TimeRange, act: bool) -> Component:
    left = far.seconds_left(found)
    facts: list[tuple[str, Any]] = [
        ("Sync", dcc.Link(context.label(found.sync), href=view.link("/syncs", sync=found.sync))),
        ("Range", html.Span([day_and_time(found.since, view), " to ", day_and_time(found.until, view)])),
        ("Begun", html.Span([moment(found.created_at, view), f" by {found.by}"])),
        ("Why", found.reason),
    ]
    if found.finished_at is not None:
        by = f" by {found.ended_by}" if found.ended_by else ""
        facts.append(("Ended", html.Span([moment(found.finished_at, view), by])))
    if left is not None:
        facts.append(("Time left", f"about {units.about(max(left, 1.0))}, if the rest is like what was"))
    button = None
    if act and found.state == "open":
        button = dmc.Button("Cancel…", id="backfill-cancel", size="compact-sm", variant="default")
    elif act and found.state in ("failed", "cancelled"):
        button = dmc.Button("Go on…", id="backfill-go-on", size="compact-sm", variant="default")
    elif not act:
        button = html.Span(only_look("act"), className="q-dim")
    sums = (
        ("Read", far.read, ""),
        ("Written", far.written, ""),
        ("Unchanged", far.unchanged, ""),
        ("Conflicts", far.conflicted, "warn" if far.conflicted else ""),
        ("Failed", far.failed, "bad" if far.failed else ""),
    )
    return html.Section(
        [
            html.Div([badge(*STATES[found.state]), html.Span(className="q-grow"), button], className="q-verdict"),
            share_done(far),
            html.P(_ADVICE, className="q-sentence q-edge-bad") if found.state == "failed" else None,
            progress_of_run(far.running, view) if far.running is not None else None,
            html.Dl([part for name, value in facts for part in (html.Dt(name), html.Dd(value))], className="q-facts"),
            html.Div(
                [figure(units.count(number), name, tone_of=tone) for name, number, tone in sums], className="q-figures"
            ),
        ],
        className="q-panel",
    )


def _slices(found: Sequence[Slice], view: TimeRange) -> Component:
    if not found:
        return empty("No slice fits this.", "“All” shows every one.")
    rows = [
        [
            units.count(one.number),
            html.Span([moment(one.since, view), " to ", moment(one.until, view)]),
            badge(*_SLICES[one.state]),
            units.count(one.tries),
            one.message or "",
            dcc.Link(
                ["run", html.Span(f" of slice {one.number}", className="q-only-read")],
                href=view.link("/syncs", run=one.run_id),
            )
            if one.run_id
            else "",
        ]
        for one in found
    ]
    head = html.Div([html.H2("Slices"), html.Span("oldest first", className="q-sub")], className="q-panel-head")
    names = (">No.", "From and to", "State", ">Tries", "What it said", "")
    return html.Section([head, table(names, rows, caption="Slices")], className="q-panel")
