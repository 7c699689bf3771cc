"""Error rate over time, stacked by what went wrong. Over calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitoring.charts.axes import Figure, layout, times
from monitoring.charts.palette import SLATE, error_colors
from monitoring.charts.points import buckets, faint, trace_filters
from monitoring.timerange import TimeRange

SHOWN = 7  # types with a colour of their own; the rest is one


def figure(
    view: TimeRange,
    *,
    start: datetime,
    width: int,
    calls: Sequence[int],
    errors: Mapping[tuple[str, str], Sequence[int]],
    vendor: str = "",
    before: Sequence[float | None] = (),
) -> Figure:
    """Return stacked bars: the share of calls of each bucket that failed, by (error type, fault).

    ``errors`` holds a count of calls for each bucket of ``calls``; buckets are ``width`` seconds from ``start``.
    ``before`` is the whole share of each bucket one period earlier, drawn as a faint line.
    """
    ranked = sorted(errors, key=lambda key: (-sum(errors[key]), key))
    shown, rest = ranked[:SHOWN], ranked[SHOWN:]
    colors = error_colors(shown)
    x = times(view, start, width, len(calls))
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": key[0].replace("_", " "),
            **x,
            "y": _shares(errors[key], calls),
            "marker": {"color": colors[key], "line": {"width": 0}},
            "hovertemplate": "%{y:.1%}",
            "meta": trace_filters(outcome="refused")
            if key[1] == "refused"
            else trace_filters(error_type=key[0], outcome="failed"),
        }
        for key in shown
    ]
    if rest:
        together = [sum(counts) for counts in zip(*(errors[key] for key in rest), strict=True)]
        traces.append(
            {
                "type": "bar",
                "name": f"{len(rest)} others",
                **x,
                "y": _shares(together, calls),
                "marker": {"color": "#aab4bf", "line": {"width": 0}},
                "hovertemplate": "%{y:.1%}",
                "meta": trace_filters(outcome="failed"),
            }
        )
    if any(before):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "period before",
                **x,
                "y": [None if value is None else round(value, 4) for value in faint(before, len(calls))],
                "line": {"color": SLATE, "width": 1.2, "dash": "dot"},
                "opacity": 0.75,
                "hovertemplate": "%{y:.1%}",
            }
        )
    top = max((sum(counts) / all_calls for all_calls, *counts in _columns(calls, errors) if all_calls), default=0.0)
    top = max(top, *(value for value in before if value is not None), 0.0) if before else top
    axis = {"tickformat": ".0%" if top >= 0.04 else ".1%", "range": [0, min(1.0, max(0.02, top * 1.1))]}
    return {
        "data": traces,
        "layout": layout(
            view,
            yaxis=axis,
            barmode="stack",
            bargap=0.08 if len(calls) < 120 else 0,
            meta=buckets(start, width, vendor=vendor),
        ),
    }


def _columns(calls: Sequence[int], errors: Mapping[tuple[str, str], Sequence[int]]) -> list[tuple[int, ...]]:
    return list(zip(calls, *errors.values(), strict=True))


def _shares(counts: Sequence[int], calls: Sequence[int]) -> list[float | None]:
    return [round(count / of, 4) if of and count else None for count, of in zip(counts, calls, strict=True)]
