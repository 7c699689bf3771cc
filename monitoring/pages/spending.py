"""Who spends a vendor's quota: what is kept for interactive calls, which source took how much, how long each lane waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db import permits, spending
from db.spending import LaneWaits, Spend
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import QuotaFacts
from monitoring.headroom import Headroom, of_vendor
from monitoring.live import Hub
from monitoring.pages.marks import aria
from monitoring.pages.states import empty, shown
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, time_range

_SOURCES: Mapping[str, str] = {
    "sync": "Syncs",
    "api": "The shop's backend",
    "user": "People",
    "replay": "Replays",
    "demo": "The demo shopper",
}
_LANES: Mapping[str, str] = {"interactive": "somebody waits for it", "batch": "never draws the reserve"}


def register(app: Dash, context: DashboardContext, hub: Hub, inputs: Sequence[Input]) -> None:
    """Keep the panel fresh; ``inputs`` are those of the vendor's page: tick, name, search, zone."""

    @app.callback(Output("vendor-spend", "children"), *inputs)
    async def show_spend(_tick: float, name: str, search: str | None, zone: str | None) -> Any:
        facts = context.vendor(name)
        if facts is None:
            return None
        view = time_range(search, zone, context.now())

        async def read() -> Component:
            left = of_vendor(facts, await permits.headroom(context.db, name), view.now)
            spent = await spending.spend(context.db, name, since=view.since, until=view.until)
            waits = await spending.lane_waits(context.db, name, since=view.since, until=view.until)
            return panel(name, facts.quotas, left, spent, waits, view)

        return await shown("vendor.spend", hub.once(("vendor.spend", name, search, zone), read))


def panel(
    name: str,
    quotas: Sequence[QuotaFacts],
    left: Sequence[Headroom],
    spent: Sequence[Spend],
    waits: Sequence[LaneWaits],
    view: TimeRange,
) -> Component:
    """Return the panel of a vendor."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Who spends it"),
                    html.Span("requests sent, retries apart · waits of attempts for a permit", className="q-sub"),
                ],
                className="q-panel-head",
            ),
            html.Div(
                [
                    html.Div([_head("Sources"), sources(name, spent, view)]),
                    html.Div([_head("Lanes"), lanes(waits), _head("Quotas"), reserves(quotas, left)]),
                ],
                className="q-columns",
            ),
        ],
        className="q-panel",
    )


def _head(text: str) -> Component:
    return html.H3(text, className="q-h3")


def sources(name: str, spent: Sequence[Spend], view: TimeRange) -> Component:
    """Return what each source took, the greatest first, with its calls a click away."""
    if not spent:
        return empty("Nothing was sent in this time.", "Choose a longer time range, or wait for the next call.")
    by_source: dict[str, tuple[int, int]] = {}
    for one in spent:
        attempts, retries = by_source.get(one.trigger, (0, 0))
        by_source[one.trigger] = attempts + one.attempts, retries + one.retries
    total = sum(attempts for attempts, _ in by_source.values())
    rows = [
        [
            dcc.Link(_SOURCES.get(source, source), href=view.link("/calls", vendor=name, trigger=source)),
            units.count(attempts - retries),
            units.count(retries),
            units.count(attempts),
            _share(attempts / total),
        ]
        for source, (attempts, retries) in sorted(by_source.items(), key=lambda pair: (-pair[1][0], pair[0]))
    ]
    return table(("Source", ">First", ">Retries", ">All", ">Share"), rows, caption="Who spent the quota")


def _share(share: float) -> Component:
    text = units.percent(share)
    return html.Div(
        [
            html.Span(text),
            html.Div(html.Div(style={"width": f"{share * 100:.1f}%"}), className="q-bar", **aria(hidden="true")),
        ],
        className="q-share",
    )


def lanes(waits: Sequence[LaneWaits]) -> Component:
    """Return how long each lane waited."""
    rows = [
        [
            html.Span([one.priority, html.Span(f" {_LANES[one.priority]}", className="q-dim")]),
            units.count(one.attempts),
            _wait(one.p50),
            _wait(one.p95),
        ]
        for one in waits
    ]
    return table(("Lane", ">Requests", ">Wait P50", ">Wait P95"), rows, caption="How long each lane waited")


def _wait(seconds: float | None) -> str:
    """Return a wait; what is below a tenth of a millisecond is the computer's, not the quota's."""
    return "none" if seconds is not None and seconds < 0.0001 else units.duration(seconds)


def reserves(quotas: Sequence[QuotaFacts], left: Sequence[Headroom]) -> Component:
    """Return each quota with what is kept for interactive calls, and what is left now."""
    if not quotas:
        return empty("No quota is known for this vendor.", "Nothing is held back.")
    now = {one.quota: one.share for one in left}
    rows = [
        [
            quota.name.replace("_", " "),
            f"{units.count(quota.limit)} per {units.span(quota.seconds)}",
            f"{_permits(quota.reserve)} ({units.percent(quota.reserve / quota.limit)})",
            units.percent(now.get(quota.name)),
        ]
        for quota in quotas
    ]
    return table(("Quota", ">Limit", ">Kept for interactive", ">Left now"), rows, caption="What is kept of each quota")


def _permits(number: float) -> str:
    """Return permits; a small quota keeps a part of one."""
    return units.count(number) if number >= 10 or number == int(number) else f"{number:.1f}"
