"""The trace: everything that happened under one correlation id on one time axis: calls, attempts, waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from db import calls as call_queries
from db.calls import AttemptRow, CallRow
from monitoring import units
from monitoring.charts.waterfall import Bar, Extent, extent
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages.call_details import call_details
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.states import empty, loading, shown
from monitoring.timerange import TimeRange, time_range

_SHORTEST_WAIT = 0.02  # seconds; a gap between attempts below this is only our own bookkeeping
_DETAILED = 60  # calls shown in full below the waterfall


def layout(_context: DashboardContext, correlation_id: str) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [html.H1("Trace"), html.Span(unquote(correlation_id), className="q-mono q-sub")],
                className="q-head",
            ),
            dcc.Store(id="trace-id", data=unquote(correlation_id)),
            html.Div(loading(60, 220), id="trace-body"),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh: a run that goes on adds calls to its trace."""

    @app.callback(
        Output("trace-body", "children"),
        Input("tick", "data"),
        Input("trace-id", "data"),
        Input("zone", "data"),
        State("url", "search"),
    )
    async def show(_tick: float, correlation_id: str, zone: str | None, search: str | None) -> Any:
        view = time_range(search, zone, context.now())

        async def read() -> list[Component]:
            found, attempts = await call_queries.trace(context.db, correlation_id)
            return trace(found, attempts, context, view)

        return await shown("trace", hub.once(("trace", correlation_id, search, zone), read))


def trace(
    found: Sequence[CallRow], attempts: Sequence[AttemptRow], context: DashboardContext, view: TimeRange
) -> list[Component]:
    """Return the sum, the waterfall and the calls in full."""
    if not found and not attempts:
        return [
            empty(
                "Nothing is recorded under this id.",
                "It may be too old to be kept, or still on its way: a call appears within seconds of its end.",
            )
        ]
    whole = extent(
        [(call.started_at, call.duration) for call in found]
        + [(attempt.started_at, attempt.duration or 0.0) for attempt in attempts]
    )
    return [
        _sum(found, attempts, whole, view),
        waterfall(found, whole, context),
        *[
            html.Section(
                [
                    html.Div(
                        [html.H2(f"{context.label(call.vendor)} · {call.operation}"), moment(call.started_at, view)],
                        className="q-panel-head",
                    ),
                    *call_details(call, call.sent, context, view, traced=False),
                ],
                className="q-panel",
                id=f"call-{call.id}",
            )
            for call in found[:_DETAILED]
        ],
    ]


def _sum(found: Sequence[CallRow], attempts: Sequence[AttemptRow], whole: Extent, view: TimeRange) -> Component:
    failed = sum(call.outcome in {"error", "unknown"} for call in found)
    vendors = len({call.vendor for call in found})
    return html.P(
        [
            "Began ",
            moment(whole.start, view),
            f" · {units.duration(whole.seconds)} · {units.plural(len(found), 'call')} to "
            f"{units.plural(vendors, 'vendor')} · {units.plural(len(attempts), 'attempt')}",
            f" · {units.count(failed)} failed" if failed else "",
        ],
        className="q-dim q-block",
    )


def waterfall(found: Sequence[CallRow], whole: Extent, context: DashboardContext) -> Component:
    """Return one row per call and, below it, one per attempt; hatched is waiting."""
    cells: list[Component] = [html.Div(), _axis(whole), html.Div(className="q-trace-value")]
    for call in found:
        cells += _row(
            html.A(
                [badge(call.outcome, context.label(call.vendor)), html.Span(call.operation)],
                href=f"#call-{call.id}",
                className="q-trace-name",
            ),
            [whole.bar(call.started_at, call.duration, "call")],
            units.duration(call.duration),
        )
        ended = call.started_at
        for attempt in call.sent:
            waited = (attempt.started_at - ended).total_seconds()
            bars = []
            if waited > _SHORTEST_WAIT:
                bars.append(whole.bar(ended, waited, "wait"))
            bars.append(whole.bar(attempt.started_at, attempt.duration or 0.0, "bad" if attempt.error_type else "ok"))
            words = f"attempt {attempt.number}" if attempt.operation == call.operation else attempt.operation
            text = (
                f"{words.replace('_', ' ')} · {attempt.status or (attempt.error_type or 'no answer').replace('_', ' ')}"
            )
            cells += _row(
                html.Span([html.Span(text)], className="q-trace-name q-trace-step"),
                bars,
                units.duration(attempt.duration)
                + (f" after {units.duration(waited)}" if waited > _SHORTEST_WAIT else ""),
            )
            ended = attempt.started_at + timedelta(seconds=attempt.duration or 0.0)
    legend = html.Div(
        [
            html.Span([html.I(className="q-key q-lane-call"), "call"]),
            html.Span([html.I(className="q-key q-lane-ok"), "attempt"]),
            html.Span([html.I(className="q-key q-lane-bad"), "failed attempt"]),
            html.Span([html.I(className="q-key q-lane-wait"), "waiting: backoff or held back"]),
        ],
        className="q-keys",
    )
    return html.Section([html.Div(cells, className="q-trace"), legend], className="q-panel")


def _row(name: Component, bars: Sequence[Bar], value: str) -> list[Component]:
    lane = [
        html.I(className=f"q-lane-{bar.kind}", style={"left": f"{bar.left:.3%}", "width": f"{bar.width:.3%}"})
        for bar in bars
    ]
    return [
        html.Div(name),
        html.Div(lane, className="q-trace-lane", **aria(hidden="true")),
        html.Div(value, className="q-trace-value q-num q-right"),
    ]


def _axis(whole: Extent) -> Component:
    marks = [
        html.Span(units.duration(offset) if offset else "0", style={"left": f"{offset / whole.seconds:.2%}"})
        for offset in whole.ticks()
        if offset / whole.seconds <= 0.94
    ]
    return html.Div(marks, className="q-trace-axis", **aria(hidden="true"))
