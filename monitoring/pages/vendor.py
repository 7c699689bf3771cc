"""One vendor: what it does wrong over time, how slow it is, what its quotas leave and who spends them, what its circuit
did and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db import calls as call_queries
from db import circuits, permits, rollups
from db import dashboard as queries
from db.calls import CallRow
from db.circuits import CircuitRow, Transition
from db.rollups import Series
from monitoring import units
from monitoring.charts import circuit_timeline, durations, error_rate
from monitoring.charts import headroom as headroom_chart
from monitoring.charts.circuit_timeline import Stretch
from monitoring.charts.graph import graph
from monitoring.context import DashboardContext
from monitoring.facts import QuotaFacts, VendorFacts
from monitoring.headroom import Headroom, of_vendor
from monitoring.health import Health
from monitoring.live import Hub
from monitoring.pages import spending
from monitoring.pages.marks import badge, figure, icon, moment, tone
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, time_range
from monitoring.vendor_card import verdicts
from monitoring.vendor_figures import Figures, figures_of, operations_of

FAILED_SHOWN = 12
TRANSITIONS_SHOWN = 12


def layout(context: DashboardContext, name: str) -> Component:
    """Return the frame of the page; a sentence for a vendor that does not exist."""
    facts = context.vendor(name)
    if facts is None:
        return empty("There is no such vendor.", "The navigation lists the vendors there are.", mark="question")
    return html.Div(
        [
            dcc.Store(id="vendor-name", data=name),
            html.Div(
                [
                    html.H1(facts.label),
                    html.Span(facts.kind, className="q-tag"),
                    html.Span("sandbox", className="q-tag") if facts.sandboxed else None,
                    html.Span(className="q-grow"),
                    html.A(
                        [icon("link"), " Vendor's documentation"],
                        href=facts.docs_url,
                        target="_blank",
                        rel="noreferrer",
                    )
                    if facts.docs_url
                    else None,
                ],
                className="q-head",
            ),
            html.Div(loading(92), id="vendor-sum"),
            html.Div(loading(230, 230), id="vendor-charts"),
            html.Div(loading(190), id="vendor-spend"),
            html.Div(loading(160), id="vendor-tables"),
            _set_up(facts),
        ]
    )


def _set_up(facts: VendorFacts) -> Component:
    credentials = [_credential(facts, variable, is_set) for variable, is_set in facts.credentials]
    return html.Section(
        [
            html.Div(
                [html.H2("Set-up"), html.Span(facts.base_url, className="q-mono q-sub")], className="q-panel-head"
            ),
            html.Ul(credentials, className="q-plain")
            if credentials
            else html.P("Needs no credential.", className="q-dim"),
        ],
        className="q-panel",
    )


def _credential(facts: VendorFacts, variable: str, is_set: bool) -> Component:
    """Say of a setting whether it is set, and whether that is needed."""
    name, word, tone = "calm", " not set, optional", "dim"
    if is_set:
        name, word, tone = "healthy", " set", "good"
    elif facts.sandboxed:
        name, word, tone = "calm", " not set, the sandbox has its own", "dim"
    elif variable in facts.missing:
        name, word, tone = "degraded", " missing", "warn"
    return html.Li([icon(name), " ", html.Code(variable), html.Span(word, className=f"q-tone-{tone}")])


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh, each part by itself, so that one slow part holds up no other."""
    common = (
        Input("tick", "data"),
        Input("vendor-name", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )

    @app.callback(Output("vendor-sum", "children"), *common)
    async def show_sum(_tick: float, name: str, search: str | None, zone: str | None) -> Any:
        facts = context.vendor(name)
        if facts is None:
            return None
        view = time_range(search, zone, context.now())

        async def read() -> Component:
            health, worst = await verdicts(context, view.now)
            left = of_vendor(facts, await permits.headroom(context.db, name), view.now)
            return summary(health[name], await figures_of(context.db, name, view), left, worst.get(name), view)

        return await shown("vendor.sum", hub.once(("vendor.sum", name, search, zone), read))

    @app.callback(Output("vendor-charts", "children"), *common)
    async def show_charts(_tick: float, name: str, search: str | None, zone: str | None) -> Any:
        facts = context.vendor(name)
        if facts is None:
            return None
        view = time_range(search, zone, context.now())

        async def read() -> Component:
            series = await rollups.series(context.db, name, since=view.since, until=view.until)
            announced = await queries.announced(context.db, name, view.since, view.until, width=series.width)
            states = [row for row in await circuits.states(context.db) if row.vendor == name]
            changes = await circuits.transitions(context.db, name, view.since, view.until)
            later = await circuits.transitions(context.db, name, view.until, view.now + timedelta(minutes=1))
            return charts(facts, series, announced, states, changes, later, view)

        return await shown("vendor.charts", hub.once(("vendor.charts", name, search, zone), read))

    spending.register(app, context, hub, common)

    @app.callback(Output("vendor-tables", "children"), *common)
    async def show_tables(_tick: float, name: str, search: str | None, zone: str | None) -> Any:
        if context.vendor(name) is None:
            return None
        view = time_range(search, zone, context.now())

        async def read() -> list[Component]:
            failed = await call_queries.search(
                context.db,
                vendor=name,
                outcome="error",
                since=view.since,
                until=view.until,
                limit=FAILED_SHOWN,
                with_attempts=False,
            )
            return [
                failed_calls(failed, name, view),
                operations(await operations_of(context.db, name, view), name, view),
            ]

        return await shown("vendor.tables", hub.once(("vendor.tables", name, search, zone), read))


def summary(
    health: Health, sums: Figures, left: Sequence[Headroom], circuit: CircuitRow | None, view: TimeRange
) -> Component:
    """Return the verdict in a sentence and the figures of the chosen time."""
    state = circuit.state if circuit else "closed"
    tight = left[0] if left else None
    idle = health.verdict == "healthy" and not health.calls
    word = "idle" if idle else health.verdict
    fault = f" · {health.fault}" if health.fault else ""
    rate = sums.error_rate
    return html.Section(
        [
            html.Div(
                [badge(word, f"{word}{fault}"), html.Span(health.sentence)],
                className="q-verdict",
            ),
            html.Div(
                [
                    figure(
                        units.percent(rate),
                        "Error rate",
                        f"{units.count(sums.failed)} of {units.plural(sums.calls, 'call')}",
                        tone_of="bad" if rate and rate >= 0.05 else "",
                    ),
                    figure(units.duration(sums.p95), "P95", f"of {units.plural(sums.attempts, 'attempt')}"),
                    figure(units.count(sums.refused), "Refused by us", "calls not sent"),
                    figure(
                        units.percent(tight.share) if tight else units.NONE,
                        "Headroom",
                        f"{tight.quota.replace('_', ' ')} quota, now" if tight else "no quota known",
                        tone_of="warn" if tight and tight.share < 0.3 else "",
                    ),
                    figure(state.replace("_", " ").capitalize(), "Circuit", _since(circuit, view), tone_of=tone(state)),
                ],
                className="q-figures",
            ),
        ],
        className=f"q-panel q-edged q-edge-{tone(word)}",
    )


def _since(circuit: CircuitRow | None, view: TimeRange) -> str:
    if circuit is None or not circuit.reason:
        return "never opened"
    if circuit.state == "open" and circuit.open_until and circuit.open_until > view.now:
        return f"probes in {units.span((circuit.open_until - view.now).total_seconds())}"
    return f"since {units.ago(circuit.changed_at, view.now)}"


def charts(
    facts: VendorFacts,
    series: Series,
    announced: Mapping[datetime, float],
    states: Sequence[CircuitRow],
    changes: Sequence[Transition],
    later: Sequence[Transition],
    view: TimeRange,
) -> Component:
    """Return the four charts, on one time axis."""
    bucket = units.span(series.width)
    wrong: Component = (
        graph(
            error_rate.figure(
                view, start=series.start, width=series.width, calls=series.calls, errors=wrong_by_type(series)
            ),
            "chart-errors",
        )
        if any(series.calls)
        else empty("No call in this time.", "Choose a longer time range, or wait for the next call.")
    )
    slow: Component = (
        graph(
            durations.figure(
                view, start=series.start, width=series.width, p50=series.p50, p95=series.p95, p99=series.p99
            ),
            "chart-durations",
        )
        if any(value is not None for value in series.p50)
        else empty("No attempt in this time.")
    )
    spent = any(series.attempts) or bool(announced)
    shares = left_over_time(facts.quotas, series, announced) if spent else {}
    left: Component = (
        graph(headroom_chart.figure(view, start=series.start, width=series.width, shares=shares), "chart-headroom")
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
            _panel("Error rate", f"share of calls, by error type · per {bucket}", wrong),
            _panel("Duration", f"P50, P95, P99 of attempts · per {bucket}", slow),
            _panel("Headroom", "what is left of each quota, by attempts counted", left),
            _panel("Circuit", "state over time, with reasons", circuit),
        ],
        className="q-columns",
    )


def wrong_by_type(series: Series) -> dict[tuple[str, str], Sequence[int]]:
    """Return the failed calls by (error type, fault), and those we refused as one more type."""
    refused = {("refused by us", "refused"): series.refused} if any(series.refused) else {}
    return {**series.errors, **refused}


def _panel(name: str, sub: str, body: Component) -> Component:
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


def operations(found: Sequence[tuple[str, Figures]], name: str, view: TimeRange) -> Component:
    """Return the operations, busiest first."""
    rows = [
        [
            dcc.Link(operation, href=view.link("/calls", vendor=name, operation=operation), className="q-mono"),
            units.count(sums.calls),
            html.Span(
                units.percent(sums.error_rate), className="q-tone-bad" if (sums.error_rate or 0) >= 0.05 else None
            ),
            units.count(sums.refused),
            units.count(sums.attempts),
            units.duration(sums.p50),
            units.duration(sums.p95),
        ]
        for operation, sums in found
    ]
    names = ("Operation", ">Calls", ">Error rate", ">Refused", ">Attempts", ">P50", ">P95")
    body = table(names, rows, caption="Operations") if rows else empty("No call in this time.")
    return _panel("Operations", "error rate over calls; P50 and P95 over attempts", body)


def failed_calls(found: Sequence[CallRow], name: str, view: TimeRange) -> Component:
    """Return the latest failed calls with what explains them."""
    rows = [
        [
            moment(call.started_at, view),
            html.Span(call.operation, className="q-mono"),
            (call.error_type or "").replace("_", " "),
            call.message or "",
            units.duration(call.duration),
            dcc.Link("trace", href=view.link(f"/traces/{call.correlation_id}")),
        ]
        for call in found
    ]
    body: Component = (
        table(
            ("Started", "Operation", "Error", "What happened", ">Duration", ""),
            rows,
            caption="Latest failed calls",
            brief=True,
        )
        if rows
        else empty("No call failed in this time.", mark="healthy")
    )
    more = dcc.Link("all failed calls", href=view.link("/calls", vendor=name, outcome="error"))
    return html.Section(
        [
            html.Div([html.H2("Latest failed calls"), html.Span(more, className="q-sub")], className="q-panel-head"),
            body,
        ],
        className="q-panel",
    )
