"""The lanes of the syncs' runs as they are drawn: links that lead to a run, or into a column of many."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from monitoring import units
from monitoring.charts.run_lanes import Lane, Piece, Window, marks
from monitoring.context import DashboardContext
from monitoring.pages.marks import aria
from monitoring.timerange import TimeRange, stamp, with_parameters

_KEYS = (
    ("success", "succeeded"),
    ("error", "failed or abandoned"),
    ("cancelled", "cancelled"),
    ("running", "running"),
    ("missed", "missed slot"),
    ("wait", "late: the wait after its slot"),
    ("pause", "schedule paused"),
)


def chart(lanes: Sequence[Lane], whole: Window, context: DashboardContext, view: TimeRange, search: str) -> Component:
    """Return the lanes with their axis and key; ``search`` is the URL's, kept by the links. The list below says the same
    in words."""
    cells: list[Component] = [html.Div(), _axis(whole, view), html.Div()]
    for lane in lanes:
        label = context.label(lane.sync)
        pieces = [_piece(piece, label, search) for piece in lane.pieces]
        cells += [
            html.Div(label, className="q-lane-name"),
            html.Div(pieces, className="q-trace-lane q-runs-lane", role="group", **aria(label=f"{label}: {lane.word}")),
            html.Div(lane.word, className="q-lane-word q-num"),
        ]
    key = html.Div(
        [html.Span([html.I(className=f"q-key q-run q-run-{kind}"), words]) for kind, words in _KEYS],
        className="q-keys",
    )
    folds = sorted({lane.folded for lane in lanes if lane.folded})
    said = [context.label(lane.sync) for lane in lanes if lane.folded]
    fold = (
        html.P(
            f"{', '.join(said)}: too many runs to be drawn one by one, so each column stands for those of "
            f"{units.span(folds[0])}, painted as the worst of them; open one to see them.",
            className="q-hint",
        )
        if folds
        else None
    )
    return html.Div([html.Div(cells, className="q-trace q-lanes q-runs"), key, fold], className="q-block")


def _piece(piece: Piece, label: str, search: str) -> Component:
    style = {"left": f"{piece.left:.2%}", "width": f"{piece.width:.2%}"}
    words = f"{label}: {piece.words}"
    if piece.span is not None:
        since, until = piece.span
        there = {"range": "", "page": "", "from": stamp(since), "to": stamp(until)}
        return dcc.Link(
            [html.I(style={"height": f"{piece.height:.0%}"}), _spoken(words)],
            href="/syncs" + with_parameters(search, **there),
            title=words,
            className=f"q-run-column q-run-{piece.kind}",
            style=style,
        )
    if piece.run_id:
        return dcc.Link(
            _spoken(words),
            href="/syncs" + with_parameters(search, run=piece.run_id),
            title=words,
            className=f"q-run q-run-{piece.kind}",
            style=style,
        )
    return html.I(className=f"q-run q-run-{piece.kind}", style=style, title=words if piece.words else None)


def _spoken(words: str) -> Component:
    return html.Span(words, className="q-only-read")


def _axis(whole: Window, view: TimeRange) -> Component:
    shown = [html.Span(text, style={"left": f"{left:.2%}"}) for left, text in marks(whole, view)]
    return html.Div(shown, className="q-trace-axis q-runs-axis", **aria(hidden="true"))
