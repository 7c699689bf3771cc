"""The runs of the chosen time: as lanes, and below them as a list that is narrowed and paged by the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import pauses, run_times
from db.run_times import RunFilter
from db.runs import RunRow
from monitoring import units
from monitoring.charts.run_lanes import COLUMNS, MOST_BARS, WORDS, Lane, Window, folded, lane, window
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages.marks import badge, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.paging import SIZE, choices, page_number, pager
from monitoring.pages.run_chart import chart
from monitoring.pages.states import empty, shown
from monitoring.pages.sync_panel import TRIGGERS, counts
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, parameters_of, stamp, time_range, with_parameters

FILTERS = ("sync", "outcome", "page", "letters", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsNow:
    """The runs of a stretch of time: their lanes, how many by (sync, outcome or state), those of the page, their number."""

    whole: Window
    lanes: Sequence[Lane]
    counts: Mapping[tuple[str, str], int]
    found: Sequence[RunRow]
    total: int


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the runs of the chosen time fresh; they are drawn anew only when something can be seen to have changed."""

    @app.callback(
        Output("syncs-runs", "children"),
        Output("runs-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("runs-shown", "data"),
    )
    async def show_runs(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        wanted = {name: value[:64] for name, value in parameters_of(search).items() if name in FILTERS}
        key = ("runs", view.query, zone, urlencode(wanted), acted)
        found = await shown("runs", hub.once(key, lambda: read(context, view, wanted)))
        kept = with_parameters(search, run="")
        drawn = panel(found, context, view, wanted, kept) if isinstance(found, RunsNow) else found
        now = digest(drawn)
        return (no_update, no_update) if now == before else (drawn, now)


async def read(context: DashboardContext, view: TimeRange, wanted: Mapping[str, str]) -> RunsNow:
    """Return the runs of a range, and those of them the URL asks for."""
    db, names, whole = context.db, [facts.name for facts in context.syncs], window(view)
    since, until = whole.since, whole.until
    counted = await run_times.counts(db, RunFilter(since=since, until=until))
    held = await pauses.pauses(db, since=since, until=until)
    lanes = []
    for name in names:
        if sum(number for (sync, _word), number in counted.items() if sync == name) > MOST_BARS:
            slices = await run_times.sliced(db, name, since=since, until=until, number=COLUMNS)
            lanes.append(folded(name, slices, held, whole, view))
        else:
            rows = await run_times.of_syncs(db, [name], since=since, until=until, limit=MOST_BARS)
            lanes.append(lane(name, rows[name], held, whole, view))
    which = RunFilter(since=since, until=until, sync=wanted.get("sync"), outcome=wanted.get("outcome"))
    return RunsNow(
        whole=whole,
        lanes=lanes,
        counts=counted,
        found=await run_times.listed(db, which, offset=(page_number(wanted) - 1) * SIZE, limit=SIZE),
        total=sum(number for key, number in counted.items() if _fits(which, key)),
    )


def _fits(which: RunFilter, key: tuple[str, str]) -> bool:
    return which.sync in (None, key[0]) and which.outcome in (None, key[1])


def panel(
    runs: RunsNow, context: DashboardContext, view: TimeRange, wanted: Mapping[str, str], search: str
) -> Component:
    """Return the lanes and the list."""
    by_sync = {facts.name: 0 for facts in context.syncs}
    by_outcome = dict.fromkeys(WORDS, 0)
    for (sync, word), number in runs.counts.items():
        by_sync[sync] = by_sync.get(sync, 0) + number
        by_outcome[word] = by_outcome.get(word, 0) + number
    syncs = [("", "All", None), *((name, context.label(name), number) for name, number in by_sync.items())]
    outcomes = [("", "Any", None), *((name, WORDS[name], n) for name, n in by_outcome.items() if n and name in WORDS)]
    narrowed = {name: wanted[name] for name in ("sync", "outcome") if wanted.get(name)}
    address = urlencode({"since": stamp(runs.whole.since), "until": stamp(runs.whole.until), **narrowed})
    csv = html.A(
        f"All {units.count(runs.total)} as CSV",
        href=f"/api/v1/syncs/runs.csv?{address}",
        download="",
        target="_self",
        className="q-sub",
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Runs"),
                    html.Span(
                        f"{view.label.lower() if view.preset else view.label}, missed ones too", className="q-sub"
                    ),
                    csv if runs.found else None,
                ],
                className="q-panel-head",
            ),
            chart(runs.lanes, runs.whole, context, view, search),
            choices("Sync", "sync", syncs, "/syncs", wanted, view),
            choices("Outcome", "outcome", outcomes, "/syncs", wanted, view),
            _list(runs, context, view, search, bool(narrowed)),
            pager("/syncs", wanted, runs.total, view),
        ],
        className="q-panel",
    )


def _list(runs: RunsNow, context: DashboardContext, view: TimeRange, search: str, narrowed: bool) -> Component:
    if not runs.found:
        if narrowed and runs.counts:
            return empty("No run fits this.", "“All” and “Any” show those of this time.")
        return empty("No run in this time.", "Choose a longer time range, or start one with “Run now”.")
    names = ("Began", "Sync", "Outcome", "Trigger", ">Lasted", "What", "")
    rows = [_row(run, context, view, search) for run in runs.found]
    return table(names, rows, caption="Runs", brief=True)


def _row(run: RunRow, context: DashboardContext, view: TimeRange, search: str) -> list[Any]:
    at = run.started_at or run.scheduled_at
    return [
        moment(at, view),
        dcc.Link(
            [
                context.label(run.sync),
                html.Span(f", the run of {units.clock(at, view.zone, view.now)}", className="q-only-read"),
            ],
            href="/syncs" + with_parameters(search, run=run.id),
        ),
        badge(run.outcome or run.state),
        TRIGGERS.get(run.trigger, run.trigger) + (f" ({run.requested_by})" if run.requested_by else ""),
        units.span((run.finished_at - run.started_at).total_seconds())
        if run.finished_at and run.started_at
        else units.NONE,
        html.Span(
            [
                html.Span("dry run", className="q-tag") if run.dry_run else None,
                counts(run) if run.started_at else "",
                html.Div(run.message, className="q-dim") if run.message else None,
            ]
        ),
        dcc.Link("trace", href=view.link(f"/traces/{run.correlation_id}")) if run.started_at else "",
    ]
