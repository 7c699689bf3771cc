"""A trace in short: what came of it in a sentence, its figures, where the time went, and each vendor's part on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from monitoring import units
from monitoring.charts.broken_axis import Axis
from monitoring.context import DashboardContext
from monitoring.next_step import next_step_of
from monitoring.pages.marks import aria, figure, moment
from monitoring.pages.table import table
from monitoring.pages.trace_rows import path_of
from monitoring.timerange import TimeRange
from monitoring.trace_time import SHARES, Act, Share, shares
from monitoring.tracing import MOST, Traced

_WORDS: Mapping[Share, str] = {
    "vendor": "at vendors",
    "limit": "waiting for the limit",
    "retry": "pauses before retries",
    "poll": "pauses before asking again",
    "circuit": "circuit open",
    "ours": "our own work",
    "open": "under way, not recorded yet",
    "idle": "nothing under way",
}
_PATTERNS: Mapping[Share, str] = {"vendor": "ok"}  # share -> pattern, where it has another name
_CELLS = 120  # of a vendor's lane


def headline(found: Traced, context: DashboardContext, view: TimeRange) -> Component:
    """Return what came of it, for somebody woken up: what is under way, else what failed first, else that all went well."""
    failed = [act for act in found.acts if act.failed]
    running = [act for act in found.acts if act.outcome == "running"]
    parts: list[Any]
    tone = "good"
    if failed:
        tone = "bad"
        first = failed[0]
        many = (
            f"{units.plural(len(failed), 'call')} of {units.count(len(found.acts))} failed. " if len(failed) > 1 else ""
        )
        parts = [
            html.P(
                [
                    many + ("The first: " if many else ""),
                    dcc.Link(_name(first, context), href=view.link(path_of(found), call=first.id)),
                    f": {first.message or (first.error_type or first.outcome).replace('_', ' ')}",
                ]
            ),
            html.P(next_step_of(first.outcome, first.error_type, first.fault), className="q-next"),
        ]
    elif running:
        tone = "info"
        parts = [html.P([f"Under way: {', '.join(sorted({_name(act, context) for act in running}))}."])]
    elif not found.acts:
        tone = "dim"
        parts = [html.P("No call of it is recorded: none was made yet, or they are older than what is kept.")]
    else:
        parts = [html.P("Every call succeeded.")]
    if running and failed:
        parts.append(html.P("It goes on.", className="q-next"))
    if found.cut_off:
        parts.append(html.P(f"There are more than {units.count(MOST)} calls; the first {units.count(MOST)} are shown."))
    return html.Div(parts, className=f"q-sentence q-block q-edge-{tone}", role="status")


def figures(found: Traced, view: TimeRange) -> Component:
    """Return the total time and what was counted; failures over calls, retries over attempts."""
    acts = found.acts
    failed = sum(act.failed for act in acts)
    retries = sum(attempt.number > 1 for act in acts for attempt in act.sent)
    longest = max(acts, key=lambda act: act.seconds, default=None)
    return html.Div(
        [
            figure(
                units.duration((found.end - found.start).total_seconds()) if acts or found.begun else units.NONE,
                "So far" if found.goes_on else "From first act to last answer",
                "it goes on" if found.goes_on else "",
            ),
            figure(units.count(len(acts)), "Calls", f"{units.count(failed)} failed", tone_of="bad" if failed else ""),
            figure(units.count(found.attempts), "Attempts", f"{units.count(retries)} of them retries"),
            figure(
                units.duration(longest.seconds) if longest else units.NONE,
                "Longest call",
                longest.operation.replace("_", " ") if longest else "",
            ),
            html.Div(
                [
                    html.Div("Began", className="q-figure-name"),
                    html.Div(moment(found.start, view), className="q-figure-value"),
                    html.Div(found.asked, className="q-figure-base") if found.asked else None,
                ],
                className="q-figure",
            ),
        ],
        className="q-figures q-block",
    )


def where_the_time_went(found: Traced) -> Component | None:
    """Return the seconds of the trace by what they went into, as one bar and in words; together they are all of it."""
    spent = shares(found.acts, found.start, found.end)
    whole = sum(seconds for share, seconds in spent.items() if share != "idle")
    if not found.acts or whole <= 0:
        return None
    there = [share for share in SHARES if spent[share] > 0]
    bar = [
        html.I(className=f"q-wf-{_PATTERNS.get(share, share)}", style={"width": f"{spent[share] / whole:.3%}"})
        for share in there
        if share != "idle"
    ]
    words = [
        html.Li(
            [
                html.I(className=f"q-wf-key q-wf-{_PATTERNS.get(share, share)}", **aria(hidden="true")),
                html.Span(_WORDS[share]),
                html.Strong(units.duration(spent[share]), className="q-num"),
                html.Span(units.percent(spent[share] / whole), className="q-dim q-num") if share != "idle" else None,
            ]
        )
        for share in there
    ]
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Where the time went"),
                    html.Span(
                        "by the clock; while several things go on, a vendor's work comes first", className="q-sub"
                    ),
                ],
                className="q-panel-head",
            ),
            html.Div(bar, className="q-wf-sum", **aria(hidden="true")),
            html.Ul(words, className="q-wf-shares"),
            html.P(
                "Our own work is what lies around the requests: claims, the database, reading answers. It is not recorded "
                "apart.",
                className="q-hint",
            )
            if spent["ours"] > 0.05 * whole
            else None,
        ],
        className="q-panel",
    )


def vendors(found: Traced, context: DashboardContext, view: TimeRange) -> Component | None:
    """Return each vendor's part: when, how many calls, and what their time went into; sums, so they may overlap."""
    names = list(dict.fromkeys(act.vendor for act in found.acts))
    if len(names) < 2 and len(found.acts) < 20:
        return None
    scale = found.axis()
    rows = []
    for name in names:
        acts = [act for act in found.acts if act.vendor == name]
        failed = sum(act.failed for act in acts)
        rows.append(
            [
                dcc.Link(context.label(name), href=view.link(path_of(found), vendor=name)),
                lane(acts, scale),
                units.count(len(acts)),
                html.Span(units.count(failed), className="q-tone-bad" if failed else None),
                units.count(sum(len(act.sent) for act in acts)),
                units.duration(sum(act.spent("ok") + act.spent("bad") for act in acts)),
                units.duration(sum(act.spent("limit") for act in acts)),
                units.duration(sum(act.spent("retry") for act in acts)),
                units.duration(max(act.seconds for act in acts)),
            ]
        )
    heads = (
        "Vendor",
        "When",
        ">Calls",
        ">Failed",
        ">Attempts",
        ">On the wire",
        ">Limit",
        ">Retry pauses",
        ">Longest call",
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("By vendor"),
                    html.Span("sums over calls, which may overlap; a name narrows the list above", className="q-sub"),
                    dcc.Link("all", href=view.link(path_of(found)), className="q-push"),
                ],
                className="q-panel-head",
            ),
            table(heads, rows, caption="By vendor"),
        ],
        className="q-panel",
    )


def lane(acts: Sequence[Act], scale: Axis) -> Component:
    """Return when a vendor was called on the scale of the whole, in at most 120 parts; one with a failure stands out."""
    worst = [0] * _CELLS  # 1 called, 2 failed
    for act in acts:
        first = min(int(scale.at(act.started_at) * _CELLS), _CELLS - 1)
        last = min(int(scale.at(act.ended_at) * _CELLS), _CELLS - 1)
        mark = 2 if act.failed else 1
        for cell in range(first, last + 1):
            worst[cell] = max(worst[cell], mark)
    bars: list[Component] = []
    start = 0
    for cell in range(1, _CELLS + 1):
        if cell == _CELLS or worst[cell] != worst[start]:
            if worst[start]:
                kind = "bad" if worst[start] == 2 else "ok"
                style = {"left": f"{start / _CELLS:.2%}", "width": f"{(cell - start) / _CELLS:.2%}"}
                bars.append(html.I(className=f"q-wf q-wf-{kind}", style=style))
            start = cell
    return html.Div(bars, className="q-wf-lane q-wf-mini", **aria(hidden="true"))


def _name(act: Act, context: DashboardContext) -> str:
    return f"{context.label(act.vendor)} · {act.operation.replace('_', ' ')}"
