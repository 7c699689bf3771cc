"""What is left of each quota of a vendor, when it runs out at this spend, and which planned syncs will not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from monitoring import units
from monitoring.context import DashboardContext
from monitoring.forecast import Forecast, Shortfall, speed
from monitoring.live import Hub
from monitoring.outlook import forecasts, plans_of
from monitoring.pages.marks import badge, icon, moment
from monitoring.pages.states import empty, shown
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, time_range

_WORDS = {  # outlook -> (word of a mark, what is said)
    "empty": ("down", "used up"),
    "runs_out": ("degraded", "runs out"),
    "lasts": ("healthy", "lasts"),
    "idle": ("idle", "not spent"),
    "paced": ("healthy", "does not run out"),
    "crowded": ("degraded", "calls wait"),
}


def register(app: Dash, context: DashboardContext, hub: Hub, inputs: Sequence[Input]) -> None:
    """Keep the panel fresh; ``inputs`` are those of the vendor's page: tick, name, search, zone."""
    plans = plans_of(context.db, context.syncs)

    @app.callback(Output("vendor-forecast", "children"), *inputs)
    async def show_forecast(_tick: float, name: str, search: str | None, zone: str | None) -> Any:
        facts = context.vendor(name)
        if facts is None:
            return None
        view = time_range(search, zone, context.now())

        async def read() -> Component:
            known = await forecasts(context.db, [facts], view.now)
            short = await plans.shortfalls(known, view.now, vendor=name)
            return panel(known[name], short, context, view)

        return await shown("vendor.forecast", hub.once(("vendor.forecast", name, search, zone), read))


def panel(
    known: Sequence[Forecast], short: Sequence[Shortfall], context: DashboardContext, view: TimeRange
) -> Component:
    """Return the panel of a vendor; the window that runs out first stands on top."""
    order = sorted(known, key=lambda one: (one.empty_at is None, one.empty_at or view.now, one.window.quota))
    body = (
        table(
            ("Quota", ">Left", ">Pace", "At this spend", "Basis"),
            [_row(one, view) for one in order],
            caption="When each quota runs out",
        )
        if order
        else empty("No quota is known for this vendor.", "There is nothing to forecast.")
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Quotas and forecast"),
                    html.Span("requests sent lately, set against what is left now", className="q-sub"),
                ],
                className="q-panel-head",
            ),
            html.Ul([html.Li(shortfall(one, context, view)) for one in short], className="q-plain q-tone-warn")
            if short
            else None,
            body,
        ],
        className="q-panel",
    )


def shortfall(short: Shortfall, context: DashboardContext, view: TimeRange) -> list[Any]:
    """Return the sentence that flags a planned sync before it starts."""
    return [
        icon("degraded"),
        " ",
        html.Strong(f"{context.label(short.sync)} sync"),
        f" will not fit into the {short.quota.replace('_', ' ')} quota of {context.label(short.vendor)}: it needs about "
        f"{units.count(short.needs)} requests, as its largest of the last runs did, and at this spend "
        f"{units.count(short.left)} will be left for it when it starts ",
        moment(short.starts_at, view, relative=True),
        ".",
    ]


def _row(one: Forecast, view: TimeRange) -> list[Any]:
    window = one.window
    word, said = _WORDS[one.outlook]
    outlook: list[Any] = [badge(word, said)]
    if one.outlook == "runs_out" and one.empty_at is not None:
        left = (one.empty_at - view.now).total_seconds()
        outlook += [f" in {units.span(left)}, at ", moment(one.empty_at, view)]
    elif one.outlook == "lasts" and one.left_at_end is not None:
        outlook.append(f" with {units.count(one.left_at_end)} to spare")
    return [
        html.Span(
            [
                window.quota.replace("_", " "),
                html.Span(f" {units.count(window.limit)} per {units.span(window.seconds)}", className="q-dim"),
            ]
        ),
        units.percent(max(0.0, min(1.0, window.remaining / window.limit))) if not window.paced else units.NONE,
        speed(one.pace) if one.pace.per_second else "none",
        html.Span(outlook),
        html.Span(one.basis, className="q-dim"),
    ]
