"""One vendor: what it does wrong over time, how slow it is, when its quotas run out and who spends them, what its circuit
did and why, and what it says of its own versions. Each figure stands beside the period before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db import calls as call_queries
from db import circuits, permits, rollups
from db import dashboard as queries
from db import heat as heat_rows
from db.circuits import CircuitRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import VendorFacts
from monitoring.headroom import Headroom, of_vendor
from monitoring.health import Health
from monitoring.live import Hub
from monitoring.pages import forecast_panel, spending, vendor_notes_panel
from monitoring.pages.compare import change, change_of_share, period_before
from monitoring.pages.marks import badge, figure, icon, tone
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.vendor_charts import charts
from monitoring.pages.vendor_tables import failed_calls, operations
from monitoring.timerange import TimeRange, time_range
from monitoring.vendor_card import verdicts
from monitoring.vendor_figures import Figures, figures_of, operations_of

FAILED_SHOWN = 12
ENOUGH_BEFORE = 20  # calls in the period before, below which a comparison says nothing


def layout(context: DashboardContext, name: str) -> Component:
    """Return the frame of the page; a sentence for a vendor that does not exist."""
    facts = context.vendor(name)
    if facts is None:
        return empty("There is no such vendor.", "The navigation lists the vendors there are.", mark="question")
    return html.Div(
        [
            dcc.Store(id="vendor-name", data=name),
            dcc.Store(id="vendor-charts-tick"),
            html.Div(
                [
                    html.H1(facts.label),
                    html.Span(facts.kind, className="q-tag"),
                    html.Span("sandbox", className="q-tag") if facts.sandboxed else None,
                    html.Span(className="q-grow"),
                    dcc.Link([icon("bell"), " Incidents"], href=f"/incidents?subject={name}"),
                    dcc.Link([icon("hand"), " Circuit and limits"], href=f"/circuits?vendor={name}"),
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
            html.Div(loading(120), id="vendor-forecast"),
            html.Div(loading(190), id="vendor-spend"),
            html.Div(loading(160), id="vendor-tables"),
            html.Div(loading(90), id="vendor-notes"),
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
            sums, was = (
                await figures_of(context.db, name, view),
                await figures_of(context.db, name, period_before(view)),
            )
            return summary(health[name], sums, was, left, worst.get(name), view)

        return await shown("vendor.sum", hub.once(("vendor.sum", name, search, zone), read))

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("points", "still"), Output("vendor-charts-tick", "data"), Input("tick", "data")
    )

    @app.callback(Output("vendor-charts", "children"), Input("vendor-charts-tick", "data"), *common[1:])
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
            earlier = period_before(view)
            before = await rollups.series(
                context.db, name, since=earlier.since, until=earlier.until, width=series.width, with_errors=False
            )
            heat = await heat_rows.heat(context.db, name, since=view.since, until=view.until)
            return charts(facts, series, announced, states, changes, later, view, before=before, heat=heat)

        return await shown("vendor.charts", hub.once(("vendor.charts", name, search, zone), read))

    forecast_panel.register(app, context, hub, common)
    spending.register(app, context, hub, common)
    vendor_notes_panel.register(app, context, hub, common)

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
    health: Health,
    sums: Figures,
    before: Figures,
    left: Sequence[Headroom],
    circuit: CircuitRow | None,
    view: TimeRange,
) -> Component:
    """Return the verdict in a sentence and the figures of the chosen time, each beside ``before``."""
    state = circuit.state if circuit else "closed"
    enough = before.calls >= ENOUGH_BEFORE
    before = before if enough else Figures()
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
                    _compared(
                        figure(
                            units.percent(rate),
                            "Error rate",
                            f"{units.count(sums.failed)} of {units.plural(sums.calls, 'call')}",
                            tone_of="bad" if rate and rate >= 0.05 else "",
                        ),
                        change_of_share(rate, before.error_rate),
                    ),
                    *[
                        _compared(
                            figure(units.duration(now), name, f"of {units.plural(sums.attempts, 'attempt')}"),
                            change(now, was, said=units.duration(was)),
                        )
                        for name, now, was in (
                            ("P50", sums.p50, before.p50),
                            ("P95", sums.p95, before.p95),
                            ("P99", sums.p99, before.p99),
                        )
                    ],
                    _compared(
                        figure(units.count(sums.calls), "Calls", "that reached the vendor"),
                        change(sums.calls, before.calls, said=units.plural(before.calls, "call"), more_is_worse=False),
                    ),
                    _compared(
                        figure(units.count(sums.refused), "Refused by us", "calls not sent"),
                        change(sums.refused, before.refused, said=units.plural(before.refused, "call")),
                    ),
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
            html.P(
                f"The last line of a figure compares it with the {units.span(view.seconds)} before."
                if enough
                else f"Fewer than {ENOUGH_BEFORE} calls in the {units.span(view.seconds)} before: nothing to compare with.",
                className="q-hint",
            ),
        ],
        className=f"q-panel q-edged q-edge-{tone(word)}",
    )


def _compared(shown_figure: Component, beside: Component | None) -> Component:
    return html.Div([shown_figure, beside], className="q-compared")


def _since(circuit: CircuitRow | None, view: TimeRange) -> str:
    if circuit is None or not circuit.reason:
        return "never opened"
    if circuit.state == "open" and circuit.open_until and circuit.open_until > view.now:
        return f"probes in {units.span((circuit.open_until - view.now).total_seconds())}"
    return f"since {units.ago(circuit.changed_at, view.now)}"
