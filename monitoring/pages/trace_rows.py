"""The waterfall of a trace: what began it, then each call with its attempts and waits as bars on one scale.

Every kind of time has its own pattern and stands in words beside the bars, so that nothing depends on colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from db.calls import AttemptRow
from db.traces import Beginning
from monitoring import units
from monitoring.charts.broken_axis import Axis
from monitoring.context import DashboardContext
from monitoring.pages.marks import aria, badge
from monitoring.pages.paging import SIZE, choices, page_number, pager
from monitoring.pages.states import empty
from monitoring.timerange import TimeRange
from monitoring.trace_time import Act, Kind, Stretch
from monitoring.tracing import Traced

KINDS: Mapping[Kind, str] = {  # as the key says it
    "ok": "at the vendor",
    "bad": "at the vendor, failed",
    "open": "under way, not recorded yet",
    "limit": "waiting for the limit",
    "retry": "pause before a retry",
    "poll": "pause before asking again",
    "circuit": "circuit open",
    "ours": "our own work",
}
_WAITS: Mapping[Kind, str] = {"limit": "limit", "retry": "retry pause", "poll": "poll pause", "circuit": "circuit"}
_NOTED = 0.02  # seconds; a shorter wait is not worth words
_STEPS: Mapping[str, str] = {"look_up": "look-up", "sign_in": "sign-in", "sign_out": "sign-out"}
_STATES: Mapping[str, str] = {  # of what began it -> the badge whose shape and tone it takes
    "complete": "success",
    "finished": "success",
    "placed": "running",
    "paying": "running",
    "new": "running",
    "action": "pending",
    "review": "pending",
    "undoing": "refused",
    "declined": "cancelled",
    "failed": "error",
}


def waterfall(found: Traced, context: DashboardContext, view: TimeRange, wanted: Mapping[str, str]) -> Component:
    """Return the panel of the calls: filters, the rows of a page, the key."""
    chosen = narrowed(found.acts, wanted)
    path = path_of(found)
    number = min(page_number(wanted), max(1, -(-len(chosen) // SIZE)))
    acts = chosen[(number - 1) * SIZE : number * SIZE]
    first = number == 1 and not wanted.get("vendor") and not wanted.get("show")
    scale = found.axis() if len(acts) == len(found.acts) or not acts else found.axis(acts)
    rows = [row for one in found.begun if first for row in _beginning(one, found, scale, context, view)]
    for act in acts:
        rows += _act(act, scale, context, view, path, wanted)
    parts: list[Component | None] = [
        html.Div(
            [
                html.H2("Calls in the order they began"),
                html.Span(_scale_words(scale, len(acts), found), className="q-sub"),
            ],
            className="q-panel-head",
        ),
        _filters(found, path, wanted, view),
        _table(rows, scale) if rows else empty("No call is like that.", "Choose another filter above."),
        _key(acts),
        pager(path, {**wanted, "page": str(number)}, len(chosen), view),
    ]
    return html.Section(parts, className="q-panel")


def path_of(found: Traced) -> str:
    """Return where the page of a trace is."""
    return f"/traces/{quote(found.correlation_id, safe='')}"


def narrowed(acts: Sequence[Act], wanted: Mapping[str, str]) -> list[Act]:
    """Return the calls that fit: of one vendor, failed, or held back."""
    show, vendor = wanted.get("show"), wanted.get("vendor")
    return [
        act
        for act in acts
        if (not vendor or act.vendor == vendor)
        and (show != "failed" or act.failed)
        and (show != "waited" or any(act.spent(kind) > _NOTED for kind in _WAITS))
    ]


def _filters(found: Traced, path: str, wanted: Mapping[str, str], view: TimeRange) -> Component | None:
    failed = sum(act.failed for act in found.acts)
    waited = len(narrowed(found.acts, {"show": "waited"}))
    if len(found.acts) < 4 or not (failed or waited):
        return None
    values = [("", "all", len(found.acts)), ("failed", "failed", failed), ("waited", "held back or retried", waited)]
    return choices("Show", "show", values, path, wanted, view)


def _scale_words(scale: Axis, shown: int, found: Traced) -> str:
    said = f"{units.duration(scale.seconds)} from left to right"
    if shown < len(found.acts):
        said = f"the {units.plural(shown, 'call')} below: {said}"
    if scale.cuts:
        said += f", {units.plural(len(scale.cuts), 'idle stretch', 'idle stretches')} cut out"
    return said


def _table(rows: Sequence[Component], scale: Axis) -> Component:
    marks = [
        html.Span(units.duration(offset) if offset else "0", style={"left": f"{share:.2%}"})
        for offset, share in scale.marks()
    ]
    head = html.Tr(
        [
            html.Th("Call", scope="col"),
            html.Th(
                [
                    html.Span("When", className="q-only-read"),
                    html.Div(marks, className="q-wf-axis", **aria(hidden="true")),
                ],
                scope="col",
                className="q-wf-when",
            ),
            html.Th("Took", scope="col", className="q-right"),
        ]
    )
    return html.Table([html.Thead(head), html.Tbody(list(rows))], className="q-waterfall")


def _beginning(
    one: Beginning, found: Traced, scale: Axis, context: DashboardContext, view: TimeRange
) -> Iterator[Component]:
    until = one.until or (found.end if one.kind == "order" else found.now)
    state = badge(_STATES.get(one.state, one.state), one.state.replace("_", " "))
    name: list[Any] = [html.Span(begun_by(one, context, view), className="q-wf-title"), state]
    took = units.duration((until - one.at).total_seconds()) if one.until else "goes on"
    notes = [f"{step.replace('_', ' ')} {facts.get('state', '')}" for step, facts in one.steps.items()]
    words = [units.clock(one.at, view.zone, view.now) + (f", by {one.by}" if one.by else ""), *notes]
    yield _row(name, [scale.bar(one.at, until, "begun")], scale, took, " · ".join(words), "q-wf-begun")


def begun_by(one: Beginning, context: DashboardContext, view: TimeRange) -> list[Any]:
    """Return what a trace began with, as words with a link where it has a page."""
    if one.kind == "order":
        return ["Order ", html.Span(one.id, className="q-mono"), " placed"]
    if one.kind == "replay":
        return [dcc.Link("Replay", href=view.link(f"/replays/{one.id}")), " of calls"]
    label = f"{context.label(one.name)} sync"
    return [dcc.Link(label, href=view.link("/syncs", run=one.id)), ", one run"]


def _act(
    act: Act, scale: Axis, context: DashboardContext, view: TimeRange, path: str, wanted: Mapping[str, str]
) -> Iterator[Component]:
    name: list[Any] = [
        dcc.Link(
            [context.label(act.vendor), html.Span(f" · {act.operation.replace('_', ' ')}")],
            href=view.link(path, **wanted, call=act.id),
            className="q-wf-title",
        ),
        *([] if act.outcome == "success" else [badge(_badge_of(act), _outcome(act))]),
    ]
    several = len(act.sent) > 1
    shown = [stretch for stretch in act.stretches if not several or stretch.kind == "circuit"]
    bars = [scale.bar(act.started_at, act.ended_at, "call"), *(_bar(one, scale) for one in shown)]
    waits = _waits(act.stretches)
    if act.held_until:
        waits.append(f"held back until {units.clock(act.held_until, view.zone, view.now)}")
    if several:
        waits.insert(0, units.plural(len(act.sent), "attempt"))
    took = units.duration(act.seconds) + (" so far" if act.outcome == "running" else "")
    yield _row(name, bars, scale, took, " · ".join(waits), "")
    if several:
        for attempt, stretches in by_attempt(act):
            yield _attempt(attempt, stretches, act, scale)


def by_attempt(act: Act) -> Iterator[tuple[AttemptRow, list[Stretch]]]:
    """Yield each attempt with what came before it and itself; what came after the last goes with the last."""
    left = list(act.stretches)
    for place, attempt in enumerate(act.sent):
        mine: list[Stretch] = []
        while left:
            mine.append(left.pop(0))
            if mine[-1].kind in ("ok", "bad", "open"):
                break
        if place == len(act.sent) - 1:
            mine += left
        yield attempt, mine


def _attempt(attempt: AttemptRow, stretches: Sequence[Stretch], act: Act, scale: Axis) -> Component:
    words = "attempt " + str(attempt.number)
    if attempt.operation != act.operation:
        words = f"{_STEPS.get(attempt.operation, attempt.operation.replace('_', ' '))}" + (
            f", {words}" if attempt.number > 1 else ""
        )
    ended = attempt.duration is not None
    said = str(attempt.status or "") + (f" {attempt.error_type.replace('_', ' ')}" if attempt.error_type else "")
    if not said.strip():
        said = "no answer" if ended or act.outcome == "lost" else "under way"
    took = units.duration(attempt.duration) if ended else units.NONE
    waits = _waits([one for one in stretches if one.kind != "circuit"])
    return _row(
        [html.Span(f"{words} · {said.strip()}")],
        [_bar(one, scale) for one in stretches if one.kind != "circuit"],
        scale,
        took,
        "after " + ", ".join(waits) if waits else "",
        "q-wf-step",
    )


def _bar(stretch: Stretch, scale: Axis) -> Any:
    return scale.bar(stretch.start, stretch.end, stretch.kind)


def _row(name: list[Any], bars: Sequence[Any], scale: Axis, took: str, note: str, kind: str) -> Component:
    lane: list[Component] = [
        html.I(className="q-wf-cut", style={"left": f"{cut.left:.3%}", "width": f"{cut.right - cut.left:.3%}"})
        for cut in scale.cuts
    ]
    lane += [
        html.I(className=f"q-wf q-wf-{bar.kind}", style={"left": f"{bar.left:.3%}", "width": f"{bar.width:.3%}"})
        for bar in bars
    ]
    return html.Tr(
        [
            html.Th(html.Div(name, className="q-wf-name"), scope="row"),
            html.Td(html.Div(lane, className="q-wf-lane", **aria(hidden="true")), className="q-wf-when"),
            html.Td(
                [html.Span(took, className="q-num"), html.Div(note, className="q-wf-note") if note else None],
                className="q-right q-wf-took",
            ),
        ],
        className=kind or None,
    )


def _waits(stretches: Sequence[Stretch]) -> list[str]:
    """Return the waits worth words: ``limit 300 ms``."""
    said = []
    for kind, word in _WAITS.items():
        seconds = sum(one.seconds for one in stretches if one.kind == kind)
        if seconds > _NOTED:
            said.append(f"{word} {units.duration(seconds)}")
    return said


def _badge_of(act: Act) -> str:
    return "abandoned" if act.outcome == "lost" else act.outcome


def _outcome(act: Act) -> str:
    if act.outcome == "running":
        return "under way"
    if act.outcome == "lost":
        return "no end recorded"
    return (act.error_type or act.outcome).replace("_", " ")


def _key(acts: Sequence[Act]) -> Component | None:
    """Return what the patterns mean that are on the page."""
    there = {stretch.kind for act in acts for stretch in act.stretches}
    if not there:
        return None
    words = [
        html.Span([html.I(className=f"q-wf-key q-wf-{kind}"), word]) for kind, word in KINDS.items() if kind in there
    ]
    return html.Div(words, className="q-keys")
