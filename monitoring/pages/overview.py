"""The overview: open incidents, the syncs, and one card per vendor, worst first. Nothing here needs plotly.js."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db import incidents, run_history, schedules
from db.incidents import Incident
from db.runs import RunRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import SyncFacts
from monitoring.live import Hub
from monitoring.pages.marks import aria, badge, figure, icon, moment, tone
from monitoring.pages.states import empty, loading, shown
from monitoring.schedule import next_run
from monitoring.timerange import TimeRange, time_range
from monitoring.vendor_card import VendorCard, cards
from monitoring.vendor_figures import figures_of_all

_HIGH_ERROR_RATE = 0.05
_LOW_HEADROOM, _NO_HEADROOM = 0.3, 0.1
_FAULTS = {
    "theirs": "their fault",
    "ours": "our fault",
    "network": "network",
    "configuration": "configuration",
}


def layout(_context: DashboardContext) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [html.H1("Overview"), html.Span("", id="overview-sum", className="q-sub")],
                className="q-head",
            ),
            html.Div(id="overview-incidents"),
            html.Div(loading(56), id="overview-syncs"),
            html.Div(loading(190, 190, 190), id="overview-cards"),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh."""

    @app.callback(
        Output("overview-sum", "children"),
        Output("overview-cards", "children"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show_cards(_tick: float, search: str | None, zone: str | None) -> tuple[str, Any]:
        view = time_range(search, zone, context.now())

        async def read() -> tuple[str, Component]:
            found = await cards(context, view, await figures_of_all(context.db, view))
            return summary(found), card_grid(found, view)

        result = await shown("overview.cards", hub.once(("overview", search, zone), read))
        return ("", result) if isinstance(result, Component) else result

    @app.callback(
        Output("overview-incidents", "children"),
        Output("overview-syncs", "children"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show_strips(_tick: float, search: str | None, zone: str | None) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())

        async def read() -> tuple[Component | None, Component]:
            firing = [found for found in await incidents.open_incidents(context.db) if found.state == "firing"]
            return incident_strip(firing, view), await _sync_strip(context, view)

        result = await shown("overview.strips", hub.once(("strips", search, zone), read))
        return (None, result) if isinstance(result, Component) else result


def summary(found: Sequence[VendorCard]) -> str:
    """Return the page in a sentence."""
    hurt = [card for card in found if card.health.verdict != "healthy"]
    calls = sum(card.figures.calls for card in found)
    if not hurt and not calls:
        return f"{units.plural(len(found), 'vendor')} · no call in this time"
    if not hurt:
        return f"All {len(found)} vendors are healthy · {units.plural(calls, 'call')}"
    down = [card.facts.label for card in hurt if card.health.verdict == "down"]
    degraded = [card.facts.label for card in hurt if card.health.verdict == "degraded"]
    parts = [f"{', '.join(names)} {word}" for names, word in ((down, "down"), (degraded, "degraded")) if names]
    return f"{' · '.join(parts)} · {len(found) - len(hurt)} of {len(found)} healthy · {units.plural(calls, 'call')}"


def card_grid(found: Sequence[VendorCard], view: TimeRange) -> Component:
    """Return the cards in the order they come."""
    if not found:
        return empty("No vendor is set up.", "Credentials make a vendor appear; without any, the sandbox stands in.")
    return html.Div([card(one, view) for one in found], className="q-cards")


def card(one: VendorCard, view: TimeRange) -> Component:
    """Return the card of a vendor; the whole of it leads to the vendor's page."""
    verdict = "idle" if one.idle else one.health.verdict
    fault = f" · {_FAULTS[one.health.fault]}" if one.health.fault else ""
    figures = one.figures
    rate = figures.error_rate
    return dcc.Link(
        html.Article(
            [
                html.Div(
                    [
                        html.H2(one.facts.label),
                        html.Span(one.facts.kind, className="q-tag"),
                        html.Span(className="q-grow"),
                        badge(verdict, f"{verdict}{fault}"),
                    ],
                    className="q-card-head",
                ),
                html.Div(one.health.sentence, className="q-card-why", title=one.health.sentence),
                html.Div(
                    [
                        figure(
                            units.percent(rate),
                            "Error rate",
                            f"of {units.plural(figures.calls, 'call')}"
                            + (f", {units.count(figures.refused)} refused" if figures.refused else ""),
                            tone_of="bad" if rate and rate >= _HIGH_ERROR_RATE else "",
                        ),
                        figure(units.duration(figures.p95), "P95", f"of {units.plural(figures.attempts, 'attempt')}"),
                        html.Div(_spark(figures.line), className="q-spark"),
                    ],
                    className="q-card-body",
                ),
                html.Div(
                    [
                        _headroom(one),
                        html.Div(_circuit(one, view), className="q-card-circuit"),
                    ],
                    className="q-card-foot",
                ),
                html.Div(
                    [icon("wait"), f"{units.plural(one.waiting, 'order')} waiting"],
                    className="q-card-waiting",
                )
                if one.waiting
                else None,
            ],
            className=f"q-card q-edge-{tone(verdict)}",
        ),
        href=view.link(f"/vendors/{one.facts.name}"),
        className="q-card-link",
    )


def _spark(line: Sequence[float | None]) -> Component | None:
    known = [value for value in line if value is not None]
    if len(known) < 3:
        return None
    last = known[0]
    filled = []
    for value in line:
        last = value if value is not None else last
        filled.append(round(last * 1000, 1))
    return dmc.Sparkline(
        data=filled, h=38, w="100%", color="var(--q-info)", strokeWidth=1.4, fillOpacity=0.18, curveType="linear"
    )


def _headroom(one: VendorCard) -> Component:
    left = one.headroom
    if left is None:
        return html.Div("No quota known", className="q-card-quota")
    kind = "q-bar-bad" if left.share < _NO_HEADROOM else "q-bar-warn" if left.share < _LOW_HEADROOM else ""
    text = f"{units.percent(left.share)} of {left.quota.replace('_', ' ')} quota left"
    if left.blocked_until:
        text = "told to wait by the vendor"
    return html.Div(
        [
            html.Div(text),
            html.Div(
                html.Div(style={"width": f"{left.share * 100:.0f}%"}),
                className=f"q-bar {kind}",
                role="meter",
                **aria(valuenow=round(left.share * 100), valuemin=0, valuemax=100, label=text),
            ),
        ],
        className="q-card-quota",
        title=f"{units.count(left.limit)} per {units.span(left.seconds)}"
        + (", as the vendor announced" if left.announced else ", by our own count"),
    )


def _circuit(one: VendorCard, view: TimeRange) -> list[Any]:
    state = one.circuit.state if one.circuit else "closed"
    parts: list[Any] = [badge(state, f"circuit {state.replace('_', ' ')}")]
    if one.circuit and state == "open" and one.circuit.open_until:
        left = (one.circuit.open_until - view.now).total_seconds()
        parts.append(html.Span(f" probes {'in ' + units.span(left) if left > 0 else 'next'}"))
    return parts


def incident_strip(found: Sequence[Incident], view: TimeRange) -> Component | None:
    """Return the firing incidents side by side; nothing when there are none."""
    if not found:
        return None
    items = [
        dcc.Link(
            [
                html.Div([icon("bell"), html.Strong(incident.title)], className="q-line q-tone-bad"),
                html.Div(
                    [
                        "since ",
                        moment(incident.started_at, view),
                        f" · {units.span((view.now - incident.started_at).total_seconds())}",
                        f" · {incident.acknowledged_by} looks after it" if incident.acknowledged_by else "",
                    ],
                    className="q-line",
                ),
            ],
            href=view.link("/incidents"),
            className="q-strip-item q-strip-bad",
        )
        for incident in found
    ]
    return html.Section(items, className="q-strip", **aria(label="Open incidents"))


async def _sync_strip(context: DashboardContext, view: TimeRange) -> Component:
    edits = await schedules.edits(context.db)
    running = {run.sync: run for run in await run_history.running(context.db)}
    items = []
    for facts in context.syncs:
        edit = edits.get(facts.name)
        schedule = (edit.schedule if edit else None) or facts.schedule
        upcoming = None if edit and edit.paused else next_run(schedule, view.now)
        done = await run_history.recent(context.db, facts.name, limit=10)
        last = next((run for run in done if run.started_at and run.finished_at), None)
        items.append(sync_item(facts, running.get(facts.name), last, upcoming, view, paused=bool(edit and edit.paused)))
    return html.Section(items, className="q-strip", **aria(label="Syncs"))


def sync_item(
    facts: SyncFacts, running: RunRow | None, last: RunRow | None, upcoming: Any, view: TimeRange, *, paused: bool
) -> Component:
    """Return one sync of the strip: how its last run ended, when the next one starts."""
    if running is not None:
        state = badge(
            "running", f"running {units.percent(running.progress)}" if running.progress is not None else "running"
        )
    elif last is not None:
        state = badge(last.outcome or last.state)
    else:
        state = badge("idle", "never run")
    second: list[Any] = []
    if last is not None and last.finished_at is not None:
        second += [moment(last.finished_at, view, relative=True), " · "]
    if paused:
        second.append("paused")
    elif upcoming is not None:
        second += ["next ", moment(upcoming, view, relative=True)]
    else:
        second.append(facts.schedule)
    return dcc.Link(
        [
            html.Div(
                [icon("syncs"), html.Strong(facts.label), html.Span(className="q-grow"), state], className="q-line"
            ),
            html.Div(second, className="q-line"),
        ],
        href=view.link("/syncs"),
        className="q-strip-item",
    )
