"""What an injection caused: lanes on one time axis, and below them every reaction with how long after it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from dash import dcc, html
from dash.development.base_component import Component

from db import audit, reactions
from db.audit import Act
from db.reactions import Reaction
from monitoring import units
from monitoring.charts.reaction_lanes import SLICES, Lane, lanes, marks, stretch
from monitoring.charts.waterfall import Extent
from monitoring.context import DashboardContext
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.timerange import TimeRange

SUBJECT = "sandbox"  # of the acts in the audit
INJECTED, STOPPED = "game_day.injected", "game_day.stopped"
LONGEST = timedelta(hours=2)  # what happens later is not shown as a reaction
_DRAWN = 6  # vendors with lanes; the list has all of them
WORDS: Mapping[str, tuple[str, str]] = {  # kind -> (words, the badge's word)
    "failed": ("First failed call", "error"),
    "refused": ("First refused call", "refused"),
    "fell_back": ("First answer by a fallback", "degraded"),
    "circuit": ("Circuit", ""),
    "incident": ("Incident", "firing"),
    "resolved": ("Incident", "resolved"),
    "run": ("Sync", ""),
    "recovered": ("Recovered", "success"),
}


async def timeline(context: DashboardContext, view: TimeRange, chosen: str) -> Component:
    """Return what an injection has caused so far: the chosen one, the latest when none is chosen."""
    noted = await audit.list_acts(context.db, subject=SUBJECT)
    acts = [act for act in noted if act.act == INJECTED]
    if not acts:
        return empty(
            "Nothing has been injected yet.", "What comes of the first fault will be listed here, timed from it."
        )
    act = next((one for one in acts if one.id == chosen), acts[0])
    vendors = sorted({str(fault["vendor"]) for fault in act.facts.get("faults", ())})
    syncs = {sync.name for sync in context.syncs if set(vendors) & set(sync.vendors)}
    until = min(act.at + LONGEST, view.now + timedelta(seconds=1))
    found = await reactions.reactions(context.db, vendors, syncs, act.at, until)
    whole = stretch(act.at, planned(act), found, LONGEST.total_seconds())
    end = act.at + timedelta(seconds=whole.seconds)
    counted = await reactions.slices(context.db, vendors, act.at, end, SLICES)
    touched = {one.vendor for one in counted} | {one.subject.partition("/")[0] for one in found}
    drawn = [name for name in vendors if name in touched][:_DRAWN] or vendors[:1]
    now = min(view.now, end)
    rows = [
        lane
        for name in drawn
        for lane in lanes(name, whole, ended=ended(act, noted), counted=counted, found=found, now=now)
    ]
    name = str(act.facts.get("name", "a fault"))
    return html.Section(
        [
            html.Div(
                [
                    html.H2(f"What came of it: {name}"),
                    html.Span(["injected by ", act.user_name, " at ", moment(act.at, view)], className="q-sub"),
                ],
                className="q-panel-head",
            ),
            html.P(act.reason, className="q-sentence q-block") if act.reason else None,
            drawing(rows, whole, context),
            reaction_list(found, act, context, view),
            _others(acts, act, view),
        ],
        className="q-panel",
        **aria(label="What came of it"),
    )


def planned(act: Act) -> float:
    """Return how many seconds the longest of an injection's faults was to last."""
    return max((float(fault.get("seconds") or 0.0) for fault in act.facts.get("faults", ())), default=0.0)


def ended(act: Act, noted: Sequence[Act]) -> float:
    """Return how many seconds an injection lasted: as planned, or until somebody stopped it."""
    ids = {str(fault.get("id")) for fault in act.facts.get("faults", ())}
    stops = [
        (one.at - act.at).total_seconds()
        for one in noted
        if one.act == STOPPED and one.at >= act.at and (one.facts.get("fault") == "all" or {one.facts["fault"]} == ids)
    ]
    return min([planned(act), *stops])


def drawing(rows: Sequence[Lane], whole: Extent, context: DashboardContext) -> Component:
    """Return the lanes, and what their colours mean. The list below says the same in words."""
    cells: list[Component] = [html.Div(), _axis(whole), html.Div()]
    for row in rows:
        vendor, _, part = row.subject.partition("/")
        name = f"{context.label(vendor)}{f' · {part}' if part else ''}"
        lane = [
            html.I(className=f"q-lane-{bar.kind}", style={"left": f"{bar.left:.2%}", "width": f"{bar.width:.2%}"})
            for bar in row.bars
        ]
        cells += [
            html.Div([html.Span(name), " ", html.Span(row.what, className="q-dim")], className="q-lane-name"),
            html.Div(lane, className="q-trace-lane", **aria(hidden="true")),
            html.Div(row.word, className="q-lane-word q-num"),
        ]
    legend = html.Div(
        [
            html.Span([html.I(className=f"q-key q-lane-{kind}"), word])
            for kind, word in (
                ("good", "successful, closed"),
                ("fell-back", "by a fallback, half open"),
                ("refused", "refused: held back by us"),
                ("failed", "failed, open, firing"),
                ("fault", "the fault"),
            )
        ],
        className="q-keys",
    )
    return html.Div([html.Div(cells, className="q-trace q-lanes"), legend], className="q-block")


def _axis(whole: Extent) -> Component:
    shown = [
        html.Span(f"+{units.span(offset)}" if offset else "0", style={"left": f"{offset / whole.seconds:.2%}"})
        for offset in marks(whole)
    ]
    return html.Div(shown, className="q-trace-axis", **aria(hidden="true"))


def reaction_list(found: Sequence[Reaction], act: Act, context: DashboardContext, view: TimeRange) -> Component:
    """Return the reactions, each with how long after the injection it came."""
    if not found:
        return empty("Nothing has reacted yet.", "No call was made since; run a sync, or wait for the demo shopper.")
    rows = [
        [
            html.Span(f"+{units.span((one.at - act.at).total_seconds())}", className="q-num"),
            WORDS[one.kind][0],
            context.label(one.subject),
            badge(WORDS[one.kind][1] or one.word),
            one.text,
            dcc.Link("trace", href=view.link(f"/traces/{one.correlation_id}")) if one.correlation_id else "",
        ]
        for one in found
    ]
    return table(("After", "What", "Who", "", "Why", ""), rows, caption="Reactions")


def _others(acts: Sequence[Act], here: Act, view: TimeRange) -> Component | None:
    others = [act for act in acts if act.id != here.id][:8]
    if not others:
        return None
    links: list[Component] = [
        dcc.Link(
            [str(act.facts.get("name", "a fault")), " ", moment(act.at, view)],
            href=view.link("/game-day", injection=act.id),
            className="q-choice",
        )
        for act in others
    ]
    return html.Nav(
        [html.Span("Others:", className="q-dim"), *links], className="q-choices", **aria(label="Injections")
    )
