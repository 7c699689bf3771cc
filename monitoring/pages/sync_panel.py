"""The panel of one sync: its schedule, its last run, the live progress of the one that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from db.dead_letters import Conflict
from db.plans import Plan
from db.runs import RunRow
from db.schedules import ScheduleEdit
from monitoring import units
from monitoring.facts import SyncFacts
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.pause_dialog import why
from monitoring.pages.schedule_dialog import in_force
from monitoring.timerange import TimeRange

TRIGGERS = {
    "schedule": "schedule",
    "user": "by hand",
    "api": "API",
    "start": "first start",
    "event": "event of a vendor",
    "backfill": "backfill",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncsNow:
    """What the page of the syncs shows, read at one moment. ``latest`` are the last runs that ended, by sync; ``active`` is
    running or, where nothing runs, queued;
    ``stopped`` are the plans of the blast guard that wait for somebody."""

    latest: Mapping[str, RunRow]
    active: Sequence[RunRow]
    conflicts: Sequence[Conflict]
    edits: Mapping[str, ScheduleEdit]
    upcoming: Mapping[str, datetime | None]  # the next slot of each sync, None where nobody can tell
    stopped: Sequence[Plan] = ()


def sync_body(facts: SyncFacts, found: SyncsNow, view: TimeRange) -> list[Component]:
    """Return what changes in the panel of a sync: its schedule, its last run, its progress."""
    edit = found.edits.get(facts.name)
    last = found.latest.get(facts.name)
    active = next((run for run in found.active if run.sync == facts.name), None)
    paused = edit is not None and edit.is_paused(view.now)
    if edit is not None and paused:
        upcoming: Any = html.Span([badge("paused"), " ", *why(edit, view)])
    elif active is not None:
        upcoming = html.Span("now" if active.state == "running" else "waits for the scheduler")
    else:
        at = found.upcoming.get(facts.name)
        upcoming = moment(at, view, relative=True) if at else html.Span("by its schedule", className="q-dim")
    line = [
        *_pair(
            "Schedule",
            html.Span([in_force(facts, edit), _edited(facts, edit)]),
        ),
        *_pair("Next run", upcoming),
        *_pair("Last run", _last(last, view) if last else html.Span("never", className="q-dim")),
    ]
    parts: list[Component] = [html.Dl(line, className="q-facts")]
    if edit is not None and paused and edit.paused_run is not None:
        parts.append(
            html.P(
                "Mend the cause, try it with “Run now”, then resume its schedule: it does not go on by itself.",
                className="q-sentence q-edge-warn",
            )
        )
    stopped = next((plan for plan in found.stopped if plan.sync == facts.name), None)
    if stopped is not None:
        parts.append(_stopped(stopped, view))
    if active is not None:
        parts.append(progress(active, view))
    elif stopped is None and last is not None and last.outcome == "error" and last.message:
        parts.append(html.P(last.message, className="q-sentence q-edge-bad"))
    return parts


def _edited(facts: SyncFacts, edit: ScheduleEdit | None) -> Component | None:
    if edit is None or not edit.edited:
        return None
    failures = f", paused after {edit.pause_after} failures in a row" if edit.pause_after else ""
    never = ", never paused by failures" if edit.pause_after == 0 else ""
    return html.Span(
        f" (edited by {edit.by}{failures}{never}; the file says {facts.schedule})",
        className="q-dim",
        title=edit.reason or None,
    )


def _stopped(plan: Plan, view: TimeRange) -> Component:
    return html.P(
        [
            badge("firing", "stopped and asks"),
            " ",
            f"{plan.stopped} Nothing was written. ",
            dcc.Link("Look at the plan", href=view.link(f"/plans/{plan.run_id}")),
            " and let it go on once, or throw it away.",
        ],
        className="q-sentence q-edge-bad",
    )


def _pair(name: str, value: Any) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]


def _last(run: RunRow, view: TimeRange) -> Component:
    took = units.span((run.finished_at - run.started_at).total_seconds()) if run.finished_at and run.started_at else ""
    return html.Span(
        [
            badge(run.outcome or run.state),
            " ",
            dcc.Link(
                moment(run.finished_at or run.started_at, view, relative=True), href=view.link("/syncs", run=run.id)
            ),
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
                    f"asked for by {run.requested_by or TRIGGERS.get(run.trigger, run.trigger)}", className="q-dim"
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
    if run.waiting_for:
        words.append(html.Span(f"waits: {run.waiting_for}", className="q-tone-warn"))
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
                    **aria(label="Progress of the run"),
                ),
                size="md",
            ),
            html.Div(words, className="q-run-counts"),
        ],
        className="q-sync-progress",
    )
