"""The strips of the overview: the incidents that fire, and how the syncs stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from db import plans as stored_plans
from db import run_history, schedules
from db.incidents import Incident
from db.plans import Plan
from db.runs import RunRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import SyncFacts
from monitoring.pages.incident_parts import silence_words
from monitoring.pages.marks import aria, badge, icon, moment
from monitoring.pages.overview_card import FAULTS
from monitoring.schedule import next_run
from monitoring.timerange import TimeRange


def incident_strip(found: Sequence[Incident], view: TimeRange, context: DashboardContext) -> Component | None:
    """Return the firing incidents side by side, those that are silenced last: cause, since when, what depends; nothing
    when there are none."""
    if not found:
        return None
    found = sorted(found, key=lambda incident: incident.is_silenced(view.now))
    return html.Section(
        [_incident(incident, view, context) for incident in found], className="q-strip", **aria(label="Open incidents")
    )


def _incident(incident: Incident, view: TimeRange, context: DashboardContext) -> Component:
    facts, silenced = incident.facts, incident.is_silenced(view.now)
    depends = list(facts.get("dependents") or ())
    if not depends and incident.rule not in ("sync_failed", "sync_late", "plan_waiting"):
        vendors = set(facts.get("vendors") or ())
        depends = [sync.label for sync in context.syncs if vendors & set(sync.vendors)]
    fault = FAULTS.get(str(facts.get("fault", "")), str(facts.get("fault", "")))
    return dcc.Link(
        [
            html.Div(
                [icon("hand" if silenced else "bell"), html.Strong(incident.title)],
                className=f"q-line q-tone-{'warn' if silenced else 'bad'}",
            ),
            html.Div(
                [
                    "since ",
                    moment(incident.started_at, view),
                    f" · {units.span((view.now - incident.started_at).total_seconds())}",
                    f" · {fault}" if fault else "",
                    f" · {incident.acknowledged_by} looks after it" if incident.acknowledged_by else "",
                ],
                className="q-line",
            ),
            html.Div(f"holds up {', '.join(depends)}", className="q-line") if depends else None,
            html.Div(["silenced ", silence_words(incident, view)], className="q-line q-line-silenced")
            if silenced
            else None,
        ],
        href=view.link(f"/incidents/{incident.id}"),
        className="q-strip-item" if silenced else "q-strip-item q-strip-bad",
    )


async def sync_strip(context: DashboardContext, view: TimeRange) -> Component:
    """Return the syncs side by side."""
    edits = await schedules.edits(context.db)
    running = {run.sync: run for run in await run_history.running(context.db)}
    stopped = {plan.sync: plan for plan in await stored_plans.waiting(context.db)}
    items = []
    for facts in context.syncs:
        edit = edits.get(facts.name)
        schedule = (edit.schedule if edit else None) or facts.schedule
        upcoming = None if edit and edit.is_paused(view.now) else next_run(schedule, view.now)
        done = await run_history.recent(context.db, facts.name, limit=10)
        last = next((run for run in done if run.started_at and run.finished_at), None)
        paused = bool(edit and edit.is_paused(view.now))
        plan = stopped.get(facts.name)
        items.append(sync_item(facts, running.get(facts.name), last, upcoming, view, paused=paused, stopped=plan))
    return html.Section(items, className="q-strip", **aria(label="Syncs"))


def sync_item(
    facts: SyncFacts,
    running: RunRow | None,
    last: RunRow | None,
    upcoming: Any,
    view: TimeRange,
    *,
    paused: bool,
    stopped: Plan | None = None,
) -> Component:
    """Return one sync of the strip: how its last run ended, when the next one starts. One that the blast guard has
    stopped asks for somebody, and leads to its plan."""
    if running is not None:
        state = badge(
            "running", f"running {units.percent(running.progress)}" if running.progress is not None else "running"
        )
    elif stopped is not None:
        state = badge("firing", "stopped and asks")
    elif last is not None:
        state = badge(last.outcome or last.state)
    else:
        state = badge("idle", "never run")
    second: list[Any] = []
    if last is not None and last.finished_at is not None:
        second += [moment(last.finished_at, view, relative=True), " · "]
    if paused:
        second.append("paused")
    elif upcoming is not None:
        second += ["next ", moment(upcoming, view, relative=True)]
    else:
        second.append(facts.schedule)
    return dcc.Link(
        [
            html.Div(
                [icon("syncs"), html.Strong(facts.label), html.Span(className="q-grow"), state], className="q-line"
            ),
            html.Div(second, className="q-line"),
        ],
        href=view.link(f"/plans/{stopped.run_id}" if stopped is not None else "/syncs"),
        className="q-strip-item",
    )
