"""The charts of a vendor's page, on one time axis: what goes wrong, how slow it is, what quotas leave, what the circuit did.

A faint line in each shows the period before. A click on a point leads to the calls behind it (``charts/points.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from db.circuits import CircuitRow, Transition
from db.heat import Heat
from db.rollups import Series
from monitoring import units
from monitoring.charts import circuit_timeline, durations, error_rate, heat_map
from monitoring.charts import headroom as headroom_chart
from monitoring.charts.circuit_timeline import Stretch
from monitoring.charts.graph import graph
from monitoring.facts import QuotaFacts, VendorFacts
from monitoring.pages.marks import badge, moment
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.timerange import TimeRange

TRANSITIONS_SHOWN = 12
KINDS_SHOWN = 6


def charts(
    facts: VendorFacts,
    series: Series,
    announced: Mapping[datetime, float],
    states: Sequence[CircuitRow],
    changes: Sequence[Transition],
    later: Sequence[Transition],
    view: TimeRange,
    *,
    before: Series | None = None,
    heat: Heat | None = None,
) -> Component:
    """Return the charts, on one time axis; ``before`` is the period before, ``heat`` the map of durations."""
    bucket = units.span(series.width)
    axis: dict[str, Any] = {"start": series.start, "width": series.width, "vendor": facts.name}
    wrong = wrong_by_type(series)
    bad: Component = (
        html.Div(
            [
                graph(
                    error_rate.figure(view, calls=series.calls, errors=wrong, before=share_wrong(before), **axis),
                    "chart-errors",
                ),
                _kinds(wrong, facts.name, view),
            ]
        )
        if any(series.calls)
        else empty("No call in this time.", "Choose a longer time range, or wait for the next call.")
    )
    slow: Component = (
        graph(
            durations.figure(
                view, p50=series.p50, p95=series.p95, p99=series.p99, before=before.p95 if before else (), **axis
            ),
            "chart-durations",
        )
        if any(value is not None for value in series.p50)
        else empty("No attempt in this time.")
    )
    spread: Component = (
        graph(heat_map.figure(view, heat, facts.name), "chart-heat")
        if heat is not None and heat.counts
        else empty("No attempt in this time.")
    )
    spent = any(series.attempts) or bool(announced)
    shares = left_over_time(facts.quotas, series, announced) if spent else {}
    left: Component = (
        graph(headroom_chart.figure(view, shares=shares, **axis), "chart-headroom")
        if shares
        else empty("Nothing was spent in this time." if facts.quotas else "No quota is known for this vendor.")
    )
    bands = stretches(states, changes, later, view)
    circuit: Component = (
        html.Div([graph(circuit_timeline.figure(view, bands), "chart-circuit"), _reasons(changes, view)])
        if bands
        else empty("The circuit has never been used.", "It starts closed with the first call.")
    )
    return html.Div(
        [
            panel("Error rate", f"share of calls, by error type · per {bucket}", bad),
            panel("Duration", f"P50, P95, P99 of attempts · per {bucket}", slow),
            panel("Durations spread", "attempts by how long they took; darker is more", spread),
            panel("Headroom", "what is left of each quota, by attempts counted", left),
            panel("Circuit", "state over time, with reasons", circuit),
        ],
        className="q-columns",
    )


def _kinds(wrong: Mapping[tuple[str, str], Sequence[int]], vendor: str, view: TimeRange) -> Component | None:
    """Return each kind of failure with its count, leading to its calls: the way to them without a mouse."""
    ranked = sorted(((sum(counts), key) for key, counts in wrong.items()), reverse=True)[:KINDS_SHOWN]
    links = []
    for count, (kind, fault) in ranked:
        filters = {"outcome": "refused"} if fault == "refused" else {"outcome": "failed", "error_type": kind}
        text = f"{kind.replace('_', ' ')} {units.count(count)}"
        links.append(dcc.Link(text, href=view.link("/calls", vendor=vendor, **filters), className="q-choice"))
    return html.Div(links, className="q-choices") if links else None


def share_wrong(series: Series | None) -> list[float | None]:
    """Return the share of calls that failed or were refused, per bucket; None where nothing was called."""
    if series is None:
        return []
    return [
        (failed + refused) / calls if calls else None
        for calls, failed, refused in zip(series.calls, series.failed, series.refused, strict=True)
    ]


def wrong_by_type(series: Series) -> dict[tuple[str, str], Sequence[int]]:
    """Return the failed calls by (error type, fault), and those we refused as one more type."""
    refused = {("refused by us", "refused"): series.refused} if any(series.refused) else {}
    return {**series.errors, **refused}


def panel(name: str, sub: str, body: Component) -> Component:
    return html.Section(
        [html.Div([html.H2(name), html.Span(sub, className="q-sub")], className="q-panel-head"), body],
        className="q-panel",
    )


def left_over_time(
    quotas: Sequence[QuotaFacts], series: Series, announced: Mapping[datetime, float]
) -> dict[str, list[float | None]]:
    """Return what was left of each quota per bucket: by our attempts, and as the vendor announced.

    A window shorter than a bucket is taken as evenly used over the bucket, a longer one sums the buckets in it.
    """
    shares: dict[str, list[float | None]] = {}
    for quota in quotas:
        wide = max(1, round(quota.seconds / series.width))
        values: list[float | None] = []
        for place in range(len(series.attempts)):
            used = sum(series.attempts[max(0, place + 1 - wide) : place + 1])
            allowed = quota.limit * max(1.0, series.width / quota.seconds)
            values.append(1.0 - used / allowed if allowed else None)
        shares[f"{quota.name.replace('_', ' ')} ({units.count(quota.limit)} per {units.span(quota.seconds)})"] = values
    if announced:
        step = timedelta(seconds=series.width)
        shares[headroom_chart.ANNOUNCED] = [
            announced.get(series.start + step * place) for place in range(len(series.attempts))
        ]
    return shares


def stretches(
    states: Sequence[CircuitRow], changes: Sequence[Transition], later: Sequence[Transition], view: TimeRange
) -> list[Stretch]:
    """Return each circuit's states over the chosen time, from its changes in it and the first one after it."""
    found = []
    for row in states:
        mine = sorted((change for change in changes if change.name == row.name), key=lambda change: change.at)
        after = sorted((change for change in later if change.name == row.name), key=lambda change: change.at)
        if mine:
            state, reason = mine[0].from_state, ""
        elif after:
            state, reason = after[0].from_state, ""
        else:
            state, reason = row.state, row.reason or ""
        since = view.since
        for change in mine:
            found.append(Stretch(name=row.name, state=state, since=since, until=change.at, reason=reason))
            state, reason, since = change.to_state, change.reason, change.at
        found.append(Stretch(name=row.name, state=state, since=since, until=view.until, reason=reason))
    return found


def _reasons(changes: Sequence[Transition], view: TimeRange) -> Component:
    if not changes:
        return html.P("It did not change in this time.", className="q-hint")
    rows = [
        [
            moment(change.at, view),
            badge(change.to_state),
            html.Span([change.reason, html.Span(f" by {change.by}", className="q-dim") if change.by else None]),
            dcc.Link("trace", href=view.link(f"/traces/{change.correlation_id}")) if change.correlation_id else "",
        ]
        for change in changes[:TRANSITIONS_SHOWN]
    ]
    return table(("When", "To", "Why", ""), rows, caption="Changes of the circuit")
