"""The parts of an incident's page: its facts, the strip of its calls, its timeline, what was like it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from db.incidents import Incident
from db.rollups import Series
from monitoring import units
from monitoring.charts import error_rate
from monitoring.charts.axes import wall
from monitoring.charts.graph import graph
from monitoring.context import DashboardContext
from monitoring.incident_story import Point, Story, calls_path
from monitoring.pages.marks import aria, badge, icon, moment
from monitoring.pages.overview_card import FAULTS
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.pages.vendor_charts import wrong_by_type
from monitoring.timerange import TimeRange

_LOOKS: Mapping[str, tuple[str, str]] = {  # kind of a point, or a circuit's state or a run's outcome -> icon, tone
    "opened": ("bell", "warn"),
    "fired": ("bell", "bad"),
    "again": ("bell", "bad"),
    "grew": ("degraded", "bad"),
    "eased": ("healthy", "good"),
    "changed": ("arrow", "dim"),
    "resolved": ("healthy", "good"),
    "reopened": ("bell", "bad"),
    "acknowledged": ("user", "info"),
    "handed_back": ("user", "warn"),
    "silenced": ("hand", "warn"),
    "unsilenced": ("bell", "info"),
    "note": ("pencil", "info"),
    "told": ("arrow", "dim"),
    "not_told": ("down", "bad"),
    "call": ("calls", "bad"),
    "act": ("settings", "info"),
    "open": ("down", "bad"),
    "forced_open": ("hand", "bad"),
    "half_open": ("degraded", "warn"),
    "closed": ("healthy", "good"),
    "disabled": ("hand", "dim"),
    "watch_only": ("eye", "dim"),
    "error": ("syncs", "bad"),
    "abandoned": ("syncs", "bad"),
    "missed": ("syncs", "warn"),
}
_AROUND = 1.0  # of its own length, how much of the time before and after the strip shows
_LEAST_AROUND, _MOST_AROUND = timedelta(minutes=15), timedelta(hours=12)


def subject_link(subject: str, context: DashboardContext, view: TimeRange) -> Component | str:
    """Return a link to the page of a vendor or sync; the plain name of anything else."""
    name = subject.partition("/")[0]
    if context.vendor(name):
        return dcc.Link(subject.replace(name, context.label(name), 1), href=view.link(f"/vendors/{name}"))
    if any(facts.name == subject for facts in context.syncs):
        return dcc.Link(context.label(subject), href=view.link("/syncs"))
    return subject


def fault_of(incident: Incident) -> str:
    """Return in words whose fault it is, and was before; "" when that is not known."""
    named = incident.facts.get("faults") or [incident.facts.get("fault")]
    return ", then ".join(FAULTS.get(str(fault), str(fault)) for fault in named if fault)


def state_badge(incident: Incident, view: TimeRange) -> Component:
    """Return its state; a silenced one says so instead of firing."""
    if incident.state != "resolved" and incident.is_silenced(view.now):
        return badge("paused", "silenced")
    return badge(incident.state)


def silence_words(incident: Incident, view: TimeRange) -> Component:
    """Return until when, by whom and why nobody is told."""
    until = [moment(incident.silenced_until, view)] if incident.silenced_until else ["it is resolved"]
    return html.Span(["until ", *until, f" by {incident.silenced_by}: {incident.silenced_reason}"])


def facts(story: Story, context: DashboardContext, view: TimeRange) -> Component:
    """Return what it is, since when, whose fault, in which words, what depends on it, and who does what about it."""
    incident = story.incident
    return html.Section(
        [
            html.Div(
                [
                    state_badge(incident, view),
                    html.Span("pages somebody" if incident.severity == "page" else "can wait", className="q-tag"),
                    html.Strong(str(incident.facts.get("sentence") or incident.title)),
                ],
                className="q-verdict",
            ),
            html.Dl(
                [
                    *_fact("Concerns", subject_link(incident.subject, context, view)),
                    *_fact("Since", _since(story, view)),
                    *(_fact("Whose fault", fault) if (fault := fault_of(incident)) else []),
                    *(_fact("In their words", _words(story)) if story.failed else []),
                    *(_fact("Calls", _calls(story)) if story.calls is not None else []),
                    *(
                        _fact("What to do", str(todo))
                        if _open(incident) and (todo := incident.facts.get("todo"))
                        else []
                    ),
                    *_fact("Holds up", _held(story, view)),
                    *_fact("Rule", incident.rule.replace("_", " ")),
                    *(_fact("Effect of", _to(story.cause, view)) if story.cause is not None else []),
                    *(
                        _fact(
                            "Brought about",
                            html.Ul([html.Li(_to(one, view)) for one in story.effects], className="q-plain"),
                        )
                        if story.effects
                        else []
                    ),
                ],
                className="q-facts q-story",
            ),
        ],
        className=f"q-panel q-edged q-edge-{_edge(incident, view)}",
        **aria(label="What it is"),
    )


def _open(incident: Incident) -> bool:
    return incident.state != "resolved"


def _edge(incident: Incident, view: TimeRange) -> str:
    if incident.state == "resolved":
        return "good"
    return "warn" if incident.state == "pending" or incident.is_silenced(view.now) else "bad"


def _since(story: Story, view: TimeRange) -> Component:
    incident = story.incident
    times = incident.facts.get("times", 1)
    began = f", begun {times} times" if isinstance(times, int) and times > 1 else ""
    until: list[Any] = [" until ", moment(incident.resolved_at, view)] if incident.resolved_at else []
    return html.Span([moment(incident.started_at, view), *until, f" · {units.span(story.seconds)}{began}"])


def _words(story: Story) -> Component:
    assert story.failed is not None  # noqa: S101 - only asked for when there is one
    call = story.failed[1]
    return html.Span(
        [call.message or call.error_type, " ", dcc.Link("The call", href=f"/traces/{call.correlation_id}")]
    )


def _calls(story: Story) -> Component:
    calls, incident = story.calls, story.incident
    assert calls is not None  # noqa: S101 - only asked for when it is known
    peak = incident.facts.get("peak")
    worst = f", {units.percent(float(peak))} at its worst" if peak and incident.rule == "error_rate" else ""
    text = f"{units.count(calls.failed)} of {units.plural(calls.calls, 'call')} failed{worst}"
    refused = f", {units.count(calls.refused)} refused by us" if calls.refused else ""
    path = calls_path(str(story.vendor), incident.started_at, story.ends, outcome="failed")
    return html.Span([text, refused, " ", dcc.Link("Failed calls", href=path)])


def _held(story: Story, view: TimeRange) -> Component | str:
    parts: list[Any] = []
    for sync in story.syncs:
        parts += [", " if parts else "", dcc.Link(f"{sync.label} sync", href=view.link("/syncs", sync=sync.name))]
    if story.runs:
        parts.append(f" ({units.plural(story.runs, 'run')} failed or missed)")
    held = story.held_up
    if held is not None and held.total:
        still = f", {units.count(held.waiting)} still wait" if held.waiting else ""
        parts.append(f"{' · ' if parts else ''}{units.plural(held.total, 'order')} waited for it{still}")
    return html.Span(parts) if parts else "no sync and no order"


def _to(incident: Incident, view: TimeRange) -> Component:
    return html.Span([dcc.Link(incident.title, href=view.link(f"/incidents/{incident.id}")), f" ({incident.state})"])


def people(story: Story, view: TimeRange) -> Component:
    """Return who looks after it, whether people are told of it, and what each channel has read."""
    incident = story.incident
    lines: list[tuple[str, Component | str]] = []
    if incident.acknowledged_by:
        after = html.Span([f"{incident.acknowledged_by}, since ", moment(incident.acknowledged_at, view)])
        lines.append(("Looked after by", after))
    elif incident.state == "firing":
        lines.append(("Looked after by", "nobody yet"))
    if incident.state != "resolved" and incident.is_silenced(view.now):
        lines.append(("Silenced", silence_words(incident, view)))
    if incident.resolved_by:
        lines.append(("Resolved by", f"{incident.resolved_by}: {incident.resolved_reason}"))
    if incident.kept_open_by:
        lines.append(("Kept open by", f"{incident.kept_open_by}; its rule does not end it, a person does"))
    for notice in story.notices:
        again = f", told again {units.plural(notice.reminders, 'time')}" if notice.reminders else ""
        if notice.message_id is None:
            said = f"not told yet: {notice.error}" if notice.error else "about to be told"
        elif notice.error:
            said = f"shows an older state: {notice.error}"
        else:
            said = f"told{again}"
        lines.append((f"Slack {notice.channel}", said))
    if not story.notices:
        lines.append(("Slack", "nobody was told"))
    return html.Section(
        [
            html.H2("People"),
            html.Dl([part for name, value in lines for part in _fact(name, value)], className="q-facts"),
        ],
        className="q-panel",
    )


def around(story: Story) -> tuple[Any, Any]:
    """Return the stretch the strip shows: the incident with as much time before and after, as far as it has come."""
    length = timedelta(seconds=story.seconds * _AROUND)
    margin = min(max(length, _LEAST_AROUND), _MOST_AROUND)
    return story.incident.started_at - margin, min(story.ends + margin, story.now)


def strip(story: Story, series: Series, view: TimeRange) -> Component:
    """Return the error rate over the incident's stretch, which is shaded, with the time before and after."""
    shown = any(series.calls)
    figure = error_rate.figure(
        view,
        start=series.start,
        width=series.width,
        calls=series.calls,
        errors=wrong_by_type(series),
        vendor=series.vendor,
    )
    figure["layout"]["shapes"] = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": wall(story.incident.started_at, view),
            "x1": wall(story.ends, view),
            "y0": 0,
            "y1": 1,
            "fillcolor": "#8391a1",
            "opacity": 0.16,
            "line": {"width": 0},
            "layer": "below",
        }
    ]
    body = graph(figure, "chart-incident") if shown else empty("No call in this time.")
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Error rate"),
                    html.Span(
                        f"share of calls, by error type · per {units.span(series.width)} · the incident is shaded",
                        className="q-sub",
                    ),
                ],
                className="q-panel-head",
            ),
            body,
        ],
        className="q-panel",
    )


def timeline(story: Story, view: TimeRange, *, me: str | None, act: bool) -> Component:
    """Return what happened, oldest first; a note of one's own can be taken back where ``act``."""
    return html.Section(
        [
            html.Div([html.H2("Timeline"), html.Span("oldest first", className="q-sub")], className="q-panel-head"),
            html.Ol(
                [_point(point, view, mine=act and point.by == me) for point in story.points], className="q-timeline"
            ),
        ],
        className="q-panel",
    )


def _point(point: Point, view: TimeRange, *, mine: bool) -> Component:
    shape, kind = _LOOKS.get(point.word) or _LOOKS.get(point.kind, ("calm", "dim"))
    by = f" by {point.by}" if point.by else ""
    return html.Li(
        [
            moment(point.at, view),
            html.Span(icon(shape), className=f"q-tone-{kind}"),
            html.Div(
                [
                    html.Strong(point.title),
                    html.Span(by, className="q-dim") if by else None,
                    html.Div(point.text, className="q-timeline-text") if point.text else None,
                    dcc.Link(point.link, href=point.path) if point.path else None,
                    dmc.Button(
                        "Take back",
                        id={"incident": point.id, "now": "unnote"},
                        size="compact-xs",
                        variant="subtle",
                        **aria(label=f"Take back the note of {units.clock(point.at, view.zone, view.now)}"),
                    )
                    if point.id and mine
                    else None,
                ]
            ),
        ]
    )


def earlier(found: Sequence[Incident], view: TimeRange) -> Component | None:
    """Return the incidents of the same rule and subject before it; None when there are none."""
    if not found:
        return None
    rows = [
        [
            moment(one.started_at, view),
            dcc.Link(one.title, href=view.link(f"/incidents/{one.id}")),
            fault_of(one) or units.NONE,
            units.span(one.duration),
            one.acknowledged_by or units.NONE,
        ]
        for one in found
    ]
    return html.Section(
        [
            html.H2("The same before"),
            table(("Began", "What", "Whose fault", ">Lasted", "Looked after by"), rows, caption="Earlier incidents"),
        ],
        className="q-panel",
    )


def _fact(name: str, value: Component | str) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]
