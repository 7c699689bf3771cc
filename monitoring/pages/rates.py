"""Exchange rates: how old they are and whether the checkout still converts with them, their course, the days without any.

Base, currencies and time stand in the URL. A moment is that which the source states, not that of our asking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db import rates as store
from db.freshness import Freshness, freshness
from db.rates import Quote, RateSnapshot
from monitoring import units
from monitoring.charts import rate_curve
from monitoring.charts.graph import graph
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages import converter, url_fields
from monitoring.pages.marks import badge, figure, icon, moment
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.url_fields import UrlField
from monitoring.rate_pairs import Pair, missing_days, pair, rate_text, stretches
from monitoring.timerange import TimeRange, parameters_of, time_range

USUAL = ("USD", "EUR", "GBP", "AED", "SAR", "INR", "CNY", "JPY")  # shown unless the URL names others
SHOWN = 6  # curves on the page at once, unless the URL names more
MOST = 12
SNAPSHOTS_SHOWN = 60
SYNC = "currency"
_WEEKEND = 5  # Saturday, as date.weekday counts
_CODE = re.compile(r"[A-Z]{3}")


def layout(_context: DashboardContext) -> Component:
    """Return the frame: the choice of base and currencies, and the places of the parts."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Exchange rates"),
                    html.Span("what the currency sync stored, and the checkout converts with", className="q-sub"),
                ],
                className="q-head",
            ),
            html.Div(
                [
                    dmc.Select(id="rates-base", label="Base", searchable=True, size="xs", allowDeselect=False),
                    dmc.MultiSelect(
                        id="rates-currencies",
                        label="Currencies",
                        placeholder="the usual ones",
                        searchable=True,
                        clearable=True,
                        maxValues=MOST,
                        size="xs",
                    ),
                ],
                className="q-filters q-rates-filters",
                role="search",
            ),
            html.Div(loading(92), id="rates-sum"),
            converter.panel(),
            html.Div(loading(230, 230), id="rates-body"),
            url_fields.store_to_fill("rates"),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep choice and URL the same, and show the rates."""
    converter.register(app, context)

    fields = ["rates-base", "rates-currencies"]
    url_fields.keep_in_url(app, "rates", fields, offered=fields)

    @app.callback(Output("rates-fields", "data"), Input("rates-body", "id"))
    async def offer(_id: str) -> dict[str, Any]:
        newest = await store.latest(context.db)
        known = known_codes(newest)
        base = UrlField(name="base", kind="choice", usual=newest.base if newest else "", among=known)
        others = UrlField(name="currencies", kind="list", among=known)
        return url_fields.spec("rates", "/rates", [base, others])

    @app.callback(Output("rates-sum", "children"), Input("tick", "data"), Input("url", "search"), Input("zone", "data"))
    async def show_sum(_tick: float, search: str | None, zone: str | None) -> Any:
        view = time_range(search, zone, context.now())

        async def read() -> Component:
            newest = await store.latest(context.db)
            sync = (await freshness(context.db)).get(SYNC)
            return summary(newest, sync, context, view)

        return await shown("rates.sum", hub.once(("rates.sum", view.query, zone), read))

    @app.callback(
        Output("rates-body", "children"), Input("tick", "data"), Input("url", "search"), Input("zone", "data")
    )
    async def show_rates(_tick: float, search: str | None, zone: str | None) -> Any:
        view = time_range(search, zone, context.now())

        async def read() -> list[Component] | None:
            newest = await store.latest(context.db)
            if newest is None:
                return None
            base, codes, problem = chosen(parameters_of(search), newest)
            found = await store.quotes(context.db, [*codes, base], since=view.since, until=view.until)
            first = await store.stored_since(context.db)
            return body(base, codes, found, first, context, view, problem=problem)

        return await shown("rates.body", hub.once(("rates.body", search, zone), read))


def known_codes(newest: RateSnapshot | None) -> list[str]:
    """Return the currencies there is a rate for, by their code."""
    if newest is None:
        return []
    return sorted(code for code in {newest.base, *newest.rates} if _CODE.fullmatch(code))


def named(wanted: Mapping[str, str], known: Sequence[str]) -> list[str]:
    """Return the currencies a URL names that there is a rate for."""
    return [code for code in dict.fromkeys(wanted.get("currencies", "").split(",")) if code in known][:MOST]


def chosen(wanted: Mapping[str, str], newest: RateSnapshot | None) -> tuple[str, list[str], str]:
    """Return the base, the currencies and what is wrong with the URL, in a sentence; what is unknown is left out."""
    if newest is None:
        return "", [], ""
    known = set(known_codes(newest))
    strange = []
    base = wanted.get("base", newest.base)
    if base not in known:
        strange, base = [base], newest.base
    strange += [code for code in wanted.get("currencies", "").split(",") if code and code not in known]
    codes = [code for code in named(wanted, sorted(known)) if code != base]
    codes = codes or [code for code in USUAL if code in known and code != base][:SHOWN]
    codes = codes or sorted(known - {base})[:SHOWN]
    problem = f"There is no rate for {', '.join(code[:12] for code in strange[:3])}; choose others." if strange else ""
    return base, codes, problem


def summary(
    newest: RateSnapshot | None, sync: Freshness | None, context: DashboardContext, view: TimeRange
) -> Component:
    """Return whether the checkout converts with the newest rates, how old they are, and whose they are."""
    most = context.hands.max_rate_age
    if newest is None:
        return empty("There are no exchange rates yet; nothing is converted.", "Run the currency sync.", mark="down")
    age = max(0.0, (view.now - newest.as_of).total_seconds())
    too_old, share = age > most, age / most
    word = "down" if too_old else "degraded" if share > 0.5 else "healthy"
    said = {
        "down": "too old: the checkout converts nothing; see why the currency sync does not succeed",
        "degraded": "ageing: more than half of what the checkout takes",
        "healthy": "fresh: the checkout converts with them",
    }[word]
    link = dcc.Link([icon("syncs"), " Currency sync"], href=view.link("/syncs", sync=SYNC))
    failing = sync is not None and sync.failures > 0
    return html.Section(
        [
            html.Div(
                [
                    badge(word, "too old" if too_old else "ageing" if word == "degraded" else "fresh"),
                    html.Span(said.partition(": ")[2].capitalize() + "."),
                    html.Span(className="q-grow"),
                    link,
                ],
                className="q-verdict",
            ),
            html.Div(
                [
                    figure(units.about(age), "Age", f"of at most {units.span(most)}", tone_of="bad" if too_old else ""),
                    figure(units.percent(share), "Used up", "of the age the checkout takes"),
                    figure(context.label(newest.source), "Source", f"{len(newest.rates)} rates, base {newest.base}"),
                    figure(units.clock(newest.as_of, view.zone, view.now), "Stated", "by the source"),
                    figure(units.ago(newest.fetched_at, view.now), "Fetched", "by the currency sync"),
                ],
                className="q-figures",
            ),
            html.P(
                [icon("degraded"), " The sync fails: ", sync.message or "see its last run."], className="q-tone-warn"
            )
            if failing and sync is not None
            else None,
        ],
        className=f"q-panel q-edged q-edge-{'bad' if too_old else 'warn' if word == 'degraded' else 'good'}",
    )


def body(
    base: str,
    codes: Sequence[str],
    found: Sequence[Quote],
    first: datetime | None,
    context: DashboardContext,
    view: TimeRange,
    *,
    problem: str = "",
) -> list[Component]:
    """Return the curves, the table of pairs, the missing days and the snapshots."""
    pairs = [one for code in codes if (one := pair(base, code, found)) is not None]
    inside = [one for one in found if one.as_of >= view.since]
    return [
        *([html.P(problem, className="q-sentence q-edge-warn", role="alert")] if problem else []),
        _curves(base, pairs, view),
        _table(pairs),
        missing(inside, first, view),
        _snapshots(inside, context, view),
    ]


def _panel(title: str, sub: Any, *parts: Component) -> Component:
    head = html.Div([html.H2(title), html.Span(sub, className="q-sub")], className="q-panel-head")
    return html.Section([head, *parts], className="q-panel")


def _curves(base: str, pairs: Sequence[Pair], view: TimeRange) -> Component:
    if not pairs:
        return empty("No rates were stated up to the end of this time.", "Choose a later or longer time range.")
    curves = [
        html.Div(
            [
                html.H3([f"{one.base}/{one.quote} ", html.Span(rate_text(one.latest), className="q-num")]),
                graph(rate_curve.figure(view, one), f"rate-{one.quote}"),
            ],
            className="q-rate",
        )
        for one in pairs
    ]
    month = f"/rates?{urlencode({'range': '30d', 'base': base})}"
    longer = dcc.Link("the last 30 days", href=month, className="q-in-text")
    sub: list[Any] = [f"how much one {base} buys, by the moment the source states"]
    if view.seconds < 2 * 86400:
        sub += ["; rates move slowly, look at ", longer]
    return _panel("Curves", sub, html.Div(curves, className="q-rates"))


def _table(pairs: Sequence[Pair]) -> Component:
    rows = [
        [
            f"{one.base}/{one.quote}",
            rate_text(one.latest),
            rate_text(one.points[0][1]),
            f"{one.change:+.2%}".replace("-", "\u2212"),
            rate_text(one.lowest),
            rate_text(one.highest),
            rate_text(1 / one.latest),
        ]
        for one in pairs
    ]
    names = ("Pair", ">Latest", ">First", ">Change", ">Lowest", ">Highest", ">Other way round")
    return _panel("Pairs", "in the chosen time", table(names, rows, caption="Pairs"))


def missing(inside: Sequence[Quote], first: datetime | None, view: TimeRange) -> Component:
    """Return the days without rates since the first ones stored, in words."""
    since = max(view.since, first) if first is not None else view.since
    days = missing_days([one.as_of for one in inside], since=since, until=min(view.until, view.now))
    if not days:
        line: Component = html.P([icon("healthy"), " Rates were stated on every day of this time."])
    else:
        lines = []
        for start, end in stretches(days):
            number = (end - start).days + 1
            text = f"{start:%a %-d %b %Y}" if number == 1 else f"{start:%a %-d %b} – {end:%a %-d %b %Y}, {number} days"
            calm = start.weekday() >= _WEEKEND and number <= 2
            lines.append(html.Li([icon("calm" if calm else "degraded"), f" {text}{', a weekend' if calm else ''}"]))
        line = html.Ul(lines, className="q-plain")
    stored = (
        ["days in UTC with no rates stated; stored since ", moment(first, view)]
        if first is not None
        else ["days in UTC with no rates stated"]
    )
    hint = (
        html.P(
            [
                "A backfill of the ",
                dcc.Link("currency sync", href=view.link("/syncs", sync=SYNC), className="q-in-text"),
                " fetches past days; some sources state none at weekends.",
            ],
            className="q-hint",
        )
        if days
        else None
    )
    return _panel("Missing days", stored, line, *([hint] if hint else []))


def _snapshots(inside: Sequence[Quote], context: DashboardContext, view: TimeRange) -> Component:
    newest = sorted(inside, key=lambda one: (one.as_of, one.fetched_at), reverse=True)
    if not newest:
        return _panel("Snapshots", "stated in this time", empty("None was stated in this time."))
    rows = [
        [
            moment(one.as_of, view),
            moment(one.fetched_at, view),
            dcc.Link(context.label(one.source), href=view.link("/calls", vendor=one.source)),
            one.base,
            html.Code(one.id),
        ]
        for one in newest[:SNAPSHOTS_SHOWN]
    ]
    count = units.plural(len(newest), "snapshot")
    sub = f"{count} stated in this time" + (f", the latest {SNAPSHOTS_SHOWN}" if len(newest) > SNAPSHOTS_SHOWN else "")
    names = ("Stated", "Fetched last", "Source", "Base", "Snapshot")
    return _panel("Snapshots", sub, table(names, rows, caption="Snapshots", brief=True))
