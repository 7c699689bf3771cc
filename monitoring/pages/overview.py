"""The overview: what hurts, since when, whose fault it is, what depends on it, what to do. Nothing here needs plotly.js.

From the top: open incidents, the vendors that hurt in full, the syncs, the rest in short. Filters live in the URL. What
it shows comes as text (``overview_parts.py``): with the page itself when that is loaded, then with every update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages import url_fields
from monitoring.pages.marks import aria
from monitoring.pages.overview_card import REGIONS
from monitoring.pages.overview_parts import FILTERS, drawing, news
from monitoring.pages.url_fields import UrlField
from monitoring.timerange import parameters_of


def layout(context: DashboardContext, *, search: str = "", ahead: Mapping[str, Any] | None = None) -> Component:
    """Return the frame of the page, filtered as the URL asks; ``ahead`` is what it shows at once, where that is known."""
    wanted = parameters_of(search)
    fields = [UrlField(name=name, kind="text" if name == "find" else "choice") for name in FILTERS]
    kinds = sorted({facts.kind for facts in context.vendors})
    regions = [name for name in REGIONS if any(facts.region == name for facts in context.vendors)]
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Overview"),
                    html.Span(id="overview-sum", className="q-sub", role="status"),
                    html.Span(className="q-grow"),
                    html.Div(
                        [
                            _choice("kind", "Any kind", [(kind, kind) for kind in kinds], wanted),
                            _choice("region", "Any region", [(name, REGIONS[name]) for name in regions], wanted),
                            dmc.TextInput(
                                id="overview-find",
                                placeholder="Find a vendor",
                                value=wanted.get("find", ""),
                                size="xs",
                                debounce=300,
                                **aria(label="Find a vendor"),
                            ),
                        ],
                        className="q-overview-filters",
                        role="search",
                    ),
                    dcc.Store(id="overview-drawn", data=dict(ahead) if ahead is not None else None),
                    dcc.Store(id="overview-shown"),
                    url_fields.store("overview", "/", fields),
                ],
                className="q-head",
            ),
            html.Div(id="overview-incidents", className="q-drawn"),
            html.Div(id="overview-hurt", className="q-drawn q-await", **aria(busy="true")),
            html.Div(id="overview-syncs", className="q-drawn q-await q-await-low", **aria(busy="true")),
            html.Div(id="overview-calm", className="q-drawn"),
        ]
    )


def _choice(name: str, every: str, values: list[tuple[str, str]], wanted: Mapping[str, str]) -> Component:
    return dmc.Select(
        id=f"overview-{name}",
        placeholder=every,
        value=wanted.get(name),
        data=[{"value": value, "label": label} for value, label in values],
        clearable=True,
        size="xs",
        comboboxProps={"shadow": "md"},
        **aria(label=every.replace("Any ", "").capitalize()),
    )


async def ahead(context: DashboardContext, hub: Hub, search: str, zone: str) -> Mapping[str, Any] | None:
    """Return what the page shows at once when it is loaded."""
    return news(await drawing(context, hub, search, zone), None)


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh, and the filters in the URL."""
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("drawn", "put"), Output("overview-shown", "data"), Input("overview-drawn", "data")
    )

    @app.callback(
        Output("overview-drawn", "data"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("overview-shown", "data"),
    )
    async def show_parts(_tick: float, search: str | None, zone: str | None, known: Mapping[str, str] | None) -> Any:
        return news(await drawing(context, hub, search, zone), known) or no_update

    url_fields.keep_in_url(app, "overview", [f"overview-{name}" for name in FILTERS])
