"""Backfills: the way to a new one, with what it would do and cost before it does anything, and those there were."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import backfill_progress, backfills
from db.backfill_progress import Progress
from db.backfills import Backfill
from monitoring import units
from monitoring.backfill_plan import LARGEST_SLICE, BackfillPlan, Unfit, plan
from monitoring.context import DashboardContext, may_trigger, who_may
from monitoring.facts import SyncFacts
from monitoring.live import Hub
from monitoring.pages import dialog as dialogs
from monitoring.pages import url_fields
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.replay_dialog import cost_words
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.toast import not_allowed, only_look, toast
from monitoring.pages.url_fields import UrlField
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange, time_range, zone_named
from monitoring.timerange import moment as typed_moment

LISTED = 50
# State of a backfill -> the mark of it, and the words.
STATES: Mapping[str, tuple[str, str]] = {
    "open": ("running", "under way"),
    "done": ("success", "done"),
    "failed": ("error", "stopped by failures"),
    "cancelled": ("cancelled", "cancelled"),
}
_NO_ERRORS: Mapping[str, str | None] = dict.fromkeys(("sync", "since", "until", "slice"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was filled in, as far as it can be read; ``errors`` by field."""

    facts: SyncFacts | None = None
    plan: BackfillPlan | None = None
    errors: Mapping[str, str | None] = field(default_factory=lambda: _NO_ERRORS)


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Backfills"),
                    html.Span("a range of the past, worked off anew beside the schedule", className="q-sub"),
                    dcc.Link("Syncs", href="/syncs", className="q-choice"),
                ],
                className="q-head",
            ),
            _form(context),
            html.Div(loading(160), id="backfills-body"),
            dcc.Store(id="backfills-shown"),
            dcc.Store(id="backfill-asked"),
            dialogs.dialog("backfill", title="Begin this backfill?", yes="Begin it"),
        ]
    )


def _form(context: DashboardContext) -> Component:
    syncs = [{"value": facts.name, "label": facts.label} for facts in context.syncs]
    able = [facts.name for facts in context.syncs if facts.backfill_days is not None]
    named = [facts.name for facts in context.syncs]
    fields = [
        UrlField(name="sync", kind="choice", usual=(able or named or [""])[0], among=named, always=True),
        UrlField(name="since", usual="7d ago", always=True, most=40),
        UrlField(name="until", usual="now", always=True, most=40),
        UrlField(name="slice", kind="number"),
    ]
    told = html.P(only_look("begin a backfill"), className="q-hint")
    return html.Section(
        [
            html.Div([html.H2("New backfill")], className="q-panel-head"),
            html.Div(
                [
                    dmc.Select(id="backfill-sync", label="Sync", data=syncs, size="xs", allowDeselect=False),
                    dmc.TextInput(id="backfill-since", label="From", placeholder="7d ago", size="xs", debounce=400),
                    dmc.TextInput(id="backfill-until", label="To", placeholder="now", size="xs", debounce=400),
                    dmc.NumberInput(
                        id="backfill-slice",
                        label="Days of a slice",
                        placeholder="as is usual",
                        min=1,
                        max=LARGEST_SLICE,
                        size="xs",
                        debounce=400,
                    ),
                ],
                className="q-filters",
                id="backfill-form",
            ),
            url_fields.store("backfills", "/backfills", fields),
            html.Div(id="backfill-preview", **aria(live="polite")),
            None if may_trigger() else told,
            html.Div(dmc.Button("Begin…", id="backfill-begin", size="xs", disabled=True), className="q-acts"),
        ],
        className="q-panel",
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the list fresh, show what a new backfill would do, and begin it."""

    @app.callback(
        Output("backfills-body", "children"),
        Output("backfills-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("backfills-shown", "data"),
    )
    async def show(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        found = await shown("backfills", hub.once(("backfills", zone, acted), lambda: read(context, view)))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    url_fields.keep_in_url(app, "backfills", [f"backfill-{name}" for name in _NO_ERRORS])

    @app.callback(
        Output("backfill-sync", "error"),
        Output("backfill-since", "error"),
        Output("backfill-until", "error"),
        Output("backfill-slice", "error"),
        Output("backfill-preview", "children"),
        Output("backfill-begin", "disabled"),
        Input("backfill-sync", "value"),
        Input("backfill-since", "value"),
        Input("backfill-until", "value"),
        Input("backfill-slice", "value"),
        Input("acted", "data"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def show_preview(
        sync: str | None, since: str | None, until: str | None, size: Any, _acted: Any, zone: str | None
    ) -> tuple[Any, ...]:
        form = await filled_in(context, sync, since, until, size, zone)
        able = form.plan is not None and form.plan.running is None and may_trigger()
        drawn = preview(form.plan, context, zone) if form.plan is not None else None
        return (*form.errors.values(), drawn, not able)

    _register_acts(app, context)


def _register_acts(app: Dash, context: DashboardContext) -> None:
    @app.callback(
        Output("backfill-modal", "opened", allow_duplicate=True),
        Output("backfill-facts", "children"),
        Output("backfill-asked", "data"),
        Output("backfill-reason", "value"),
        Output("backfill-reason", "error", allow_duplicate=True),
        Input("backfill-begin", "n_clicks"),
        State("backfill-sync", "value"),
        State("backfill-since", "value"),
        State("backfill-until", "value"),
        State("backfill-slice", "value"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def ask_backfill(
        clicks: int | None, sync: str | None, since: str | None, until: str | None, size: Any, zone: str | None
    ) -> tuple[Any, ...]:
        form = await filled_in(context, sync, since, until, size, zone) if clicks else Form()
        if form.plan is None:
            return (no_update,) * 5
        planned = form.plan
        asked = {
            "id": secrets.token_hex(16),
            "sync": planned.sync,
            "since": planned.since.isoformat(),
            "until": planned.until.isoformat(),
            "slice": planned.slice_seconds / 86_400,
        }
        return True, [html.P(context.label(planned.sync)), preview(planned, context, zone)], asked, "", None

    dialogs.closes(app, "backfill")

    @app.callback(
        Output("backfill-modal", "opened", allow_duplicate=True),
        Output("backfill-reason", "error", allow_duplicate=True),
        Output("url", "href", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("backfill-yes", "n_clicks"),
        State("backfill-asked", "data"),
        State("backfill-reason", "value"),
        prevent_initial_call=True,
        running=[(Output("backfill-yes", "loading"), True, False)],
    )
    async def begin_backfill(yes: int | None, asked: Mapping[str, Any] | None, reason: str | None) -> tuple[Any, ...]:
        user = who_may("trigger")
        if user is None:
            return False, None, no_update, no_update, not_allowed("begin a backfill")
        if not yes or not asked:
            return (no_update,) * 5
        if wrong := reason_problem(reason):
            return True, wrong, no_update, no_update, no_update
        now = context.now()
        try:
            new = await _begin(context, asked, reason=str(reason).strip(), by=user.label, now=now)
        except Unfit as error:
            return False, None, no_update, now.timestamp(), [toast("Not begun", str(error), "gray")]
        if new is None:
            told = toast("Not begun", "A backfill of this sync is open; let it end or cancel it first.", "gray")
            return False, None, no_update, now.timestamp(), [told]
        told = toast("Begun", "The scheduler takes its first slice within two seconds.", "blue")
        return False, None, f"/backfills/{new.id}", now.timestamp(), [told]


async def _begin(
    context: DashboardContext, asked: Mapping[str, Any], *, reason: str, by: str, now: datetime
) -> Backfill | None:
    """Begin what was asked for, once. Raise Unfit when it cannot be done any more as it was shown."""
    facts = next((one for one in context.syncs if one.name == asked.get("sync")), None)
    if facts is None:
        raise Unfit("sync", "There is no such sync.")
    since, until = (datetime.fromisoformat(str(asked[name])) for name in ("since", "until"))
    planned = await plan(context.db, facts, _vendors(context), since, until, slice_days=float(asked["slice"]), now=now)
    return await backfills.create(
        context.db,
        planned.sync,
        planned.since,
        planned.until,
        slice_seconds=planned.slice_seconds,
        pause_seconds=planned.pause_seconds,
        reason=reason,
        by=by,
        now=now,
        id=str(asked["id"])[:32],
    )


def _vendors(context: DashboardContext) -> Mapping[str, Any]:
    return {facts.name: facts for facts in context.vendors}


async def filled_in(
    context: DashboardContext, sync: str | None, since: str | None, until: str | None, size: Any, zone: str | None
) -> Form:
    """Return what the form says, with the plan of it where there is one."""
    facts = next((one for one in context.syncs if one.name == sync), None)
    if facts is None:
        return Form()
    if facts.backfill_days is None:
        return Form(facts=facts, errors={**_NO_ERRORS, "sync": facts.no_backfill or "It has no past to work off."})
    now, where = context.now(), zone_named("UTC" if facts.backfill_whole_days else zone)
    ends: dict[str, datetime] = {}
    errors = dict(_NO_ERRORS)
    for name, text in (("since", since), ("until", until)):
        try:
            ends[name] = typed_moment(text or "", where, now)
        except ValueError as error:
            errors[name] = str(error)
    try:
        days = None if size in (None, "") else float(size)
    except ValueError:
        days, errors["slice"] = None, "Give a number of days."
    if any(errors.values()):
        return Form(facts=facts, errors=errors)
    try:
        found = await plan(context.db, facts, _vendors(context), ends["since"], ends["until"], slice_days=days, now=now)
    except Unfit as error:
        return Form(facts=facts, errors={**errors, error.field: str(error)})
    return Form(facts=facts, plan=found)


def preview(planned: BackfillPlan, context: DashboardContext, zone: str | None) -> Component:
    """Return what a backfill would do, the answer first."""
    view = time_range("", zone, context.now())
    calls = f"{'at least ' if planned.at_least else 'about '}{units.plural(planned.calls, 'call')}"
    records = f", {units.plural(planned.records, 'record')}" if planned.records is not None else ""
    how_long = (
        f"about {units.about(max(planned.seconds, 1.0))}{' or longer' if planned.at_least else ''}"
        if math.isfinite(planned.seconds)
        else "for ever: batch has no share of a quota"
    )
    costs = {cost.vendor: cost for cost in planned.costs}
    rows = [[context.label(name), units.count(cost.requests), cost_words(cost)] for name, cost in costs.items()]
    return html.Div(
        [
            html.P(
                [
                    "From ",
                    day_and_time(planned.since, view),
                    " to ",
                    day_and_time(planned.until, view),
                    f" in {units.plural(planned.slices, 'slice')}, each a run of its own: {calls}{records}, {how_long}, "
                    "as batch: shoppers' calls go first. What is the same already stays as it is.",
                ],
                className="q-sentence",
            ),
            html.P(planned.basis, className="q-hint"),
            table(("Vendor", ">Calls", "Cost to the vendor's quota"), rows, caption="Cost by vendor") if rows else None,
            _in_the_way(planned.running, view) if planned.running is not None else None,
        ],
        className="q-block",
    )


def day_and_time(at: datetime, view: TimeRange) -> Component:
    """Return a moment with its date, even today's: the ends of a range are read side by side."""
    here = at.astimezone(view.zone)
    return html.Time(f"{here:%-d %b %H:%M}", dateTime=here.isoformat(), title=units.full(at, view.zone))


def _in_the_way(running: Backfill, view: TimeRange) -> Component:
    link = dcc.Link("the open one", href=view.link(f"/backfills/{running.id}"))
    sentence: list[str | Component] = ["Only one backfill of a sync at a time: let ", link, " end, or cancel it."]
    return html.P(sentence, className="q-sentence q-edge-warn")


async def read(context: DashboardContext, view: TimeRange) -> Component:
    """Return the list of the latest backfills."""
    found = await backfills.listed(context.db, limit=LISTED)
    if not found:
        return empty(
            "No backfill yet.",
            "One fetches anew what a source had wrong, or what was missed for longer than a run looks back.",
        )
    far = await backfill_progress.progress(context.db, [one.id for one in found])
    rows = [_row(one, far[one.id], context, view) for one in found]
    names = ("Begun", "Sync", "Range", "State", "Slices done", ">Time left", "By and why")
    head = html.Div(
        [html.H2("Backfills"), html.Span(f"the latest {LISTED} at most", className="q-sub")], className="q-panel-head"
    )
    return html.Section([head, table(names, rows, caption="Backfills")], className="q-panel")


def _row(one: Backfill, far: Progress, context: DashboardContext, view: TimeRange) -> Sequence[Any]:
    left = far.seconds_left(one)
    return [
        moment(one.created_at, view),
        dcc.Link(
            [
                context.label(one.sync),
                html.Span(f", begun {units.clock(one.created_at, view.zone, view.now)}", className="q-only-read"),
            ],
            href=view.link(f"/backfills/{one.id}"),
        ),
        html.Span([day_and_time(one.since, view), " to ", day_and_time(one.until, view)]),
        badge(*STATES[one.state]),
        share_done(far),
        f"about {units.about(max(left, 1.0))}" if left is not None else units.NONE,
        f"{one.by}: {one.reason}",
    ]


def share_done(far: Progress) -> Component:
    """Return how many slices ended well, as a bar and in words."""
    failed = far.slices.get("failed", 0)
    words = f"{units.count(far.done)} of {units.count(far.total)}"
    return html.Div(
        [
            html.Span(f"{words}, {units.count(failed)} failed" if failed else words, className="q-num"),
            html.Div(
                html.Div(style={"width": f"{far.done / max(far.total, 1):.1%}"}),
                className="q-bar q-bar-bad" if failed else "q-bar",
                role="progressbar",
                **aria(label="Slices done", valuenow=str(far.done), valuemin="0", valuemax=str(max(far.total, 1))),
            ),
        ],
        className="q-share",
    )
