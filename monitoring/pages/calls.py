"""The call list: every recorded call, filtered on the server, newest first; a row opens the call in full.

The filters live in the URL beside the time range. The list asks for a hundred rows at a time and remembers where each
hundred ends, so that going down the list costs the same at any depth.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import calls as call_queries
from db.calls import CallRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages.call_details import call_details
from monitoring.pages.calls_grid import BUNDLE, PAGE, grid, load_on_demand
from monitoring.pages.states import empty, loading, shown
from monitoring.timerange import TimeRange, parameters_of, time_range, with_filters

FILTERS = ("vendor", "outcome", "operation", "error_type", "trigger", "text")
_OUTCOMES = ("failed", "success", "error", "refused", "unknown")
_TRIGGERS = ("sync", "api", "user", "replay", "demo")
_REMEMBERED = 500  # ends of pages, over all tabs


def layout(context: DashboardContext) -> Component:
    """Return the page: filters, the grid, and the drawer a row opens."""
    operations = sorted({operation.name for facts in context.vendors for operation in facts.operations})
    return html.Div(
        [
            html.Div(
                [html.H1("Calls"), html.Span("one row per call, retries included; newest first", className="q-sub")],
                className="q-head",
            ),
            html.Div(
                [
                    _choice("vendor", "Vendor", [(facts.name, facts.label) for facts in context.vendors]),
                    _choice(
                        "outcome",
                        "Outcome",
                        [(name, "all but success" if name == "failed" else name) for name in _OUTCOMES],
                    ),
                    _choice("operation", "Operation", [(name, name) for name in operations]),
                    dmc.TextInput(
                        id="filter-error_type", label="Error type", placeholder="timeout", size="xs", debounce=400
                    ),
                    _choice("trigger", "Trigger", [(name, name) for name in _TRIGGERS]),
                    dmc.TextInput(
                        id="filter-text", label="Text", placeholder="in message, id or key", size="xs", debounce=400
                    ),
                ],
                className="q-filters",
                role="search",
            ),
            html.Div(id="calls-problem"),
            html.Div(loading(420), id="calls-slot", className="q-grid"),
            dcc.Store(id="calls-wanted", data=BUNDLE),
            dcc.Store(id="calls-ready"),
            dmc.Drawer(
                html.Div(id="call-body"),
                id="call-drawer",
                title="Call",
                position="right",
                size="min(640px, 100vw)",
                padding="md",
            ),
            dcc.Store(id="calls-search"),
        ]
    )


def _choice(name: str, label: str, values: list[tuple[str, str]]) -> Component:
    return dmc.Select(
        id=f"filter-{name}",
        label=label,
        placeholder="any",
        data=[{"value": value, "label": text} for value, text in values],
        clearable=True,
        searchable=len(values) > 8,
        size="xs",
        comboboxProps={"shadow": "md"},
    )


class _Ends:
    """Where each page of each list ends: (tab and filters, first row) -> what the next page starts before."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], Any] = OrderedDict()

    def before(self, listing: str, first: int) -> Any:
        """Return what a page starts before; None for the first page. Raise KeyError when it is not known any more."""
        return None if first == 0 else self._known[listing, first]

    def remember(self, listing: str, first: int, end: Any) -> None:
        """Note where the page that starts at ``first`` continues from."""
        self._known[listing, first] = end
        self._known.move_to_end((listing, first))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Answer the grid, keep filters and URL the same, open calls."""
    ends = _Ends()
    load_on_demand()
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "bundle"), Output("calls-ready", "data"), Input("calls-wanted", "data")
    )

    @app.callback(Output("calls-slot", "children"), Input("calls-ready", "data"), prevent_initial_call=True)
    async def show_grid(ready: bool | None) -> Any:
        return grid() if ready else empty("The list could not be loaded.", "Reload the page to try again.", mark="down")

    @app.callback(
        *[Output(f"filter-{name}", "value") for name in FILTERS],
        Input("calls-wanted", "data"),
        State("url", "search"),
    )
    async def filters_from_url(_bundle: str, search: str | None) -> list[str | None]:
        wanted = parameters_of(search)
        return [wanted.get(name) for name in FILTERS]

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        *[Input(f"filter-{name}", "value") for name in FILTERS],
        State("url", "search"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    async def url_from_filters(*values: Any) -> Any:
        *chosen, search, path = values
        if path != "/calls":
            return no_update
        after = with_filters(search, FILTERS, chosen)
        return no_update if after is None else after

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "calls"),
        Output("calls-search", "data"),
        Input("url", "search"),
        Input("tick", "data"),
        State("calls-search", "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "closed"), Input("call-drawer", "opened"), prevent_initial_call=True
    )

    @app.callback(
        Output("calls-grid", "getRowsResponse"),
        Output("calls-problem", "children"),
        Input("calls-grid", "getRowsRequest"),
        State("url", "search"),
        State("zone", "data"),
        State("tab", "data"),
    )
    async def rows(request: Mapping[str, Any] | None, search: str | None, zone: str | None, tab: str | None) -> Any:
        if not request:
            return no_update, no_update
        view = time_range(search, zone, context.now())
        filters = {name: value for name, value in parameters_of(search).items() if name in FILTERS}
        listing = f"{tab} {urlencode(filters)} {view.query}"
        first = int(request["startRow"])
        try:
            before = ends.before(listing, first)
        except KeyError:
            return {"rowData": [], "rowCount": first}, no_update
        found = await shown("calls", call_queries.search(
            context.db, since=view.since, until=view.until, limit=PAGE, before=before, with_attempts=False, **filters
        ))  # fmt: skip
        if isinstance(found, Component):
            return {"rowData": [], "rowCount": 0}, found
        if len(found) == PAGE:
            ends.remember(listing, first + PAGE, (found[-1].started_at, found[-1].id))
        count = first + len(found) if len(found) < PAGE else -1
        return {"rowData": [row(call, context, view) for call in found], "rowCount": count}, None

    @app.callback(
        Output("call-drawer", "opened"),
        Output("call-drawer", "title"),
        Output("call-body", "children"),
        Input("calls-grid", "selectedRows"),
        State("zone", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    async def open_call(selected: list[Mapping[str, Any]] | None, zone: str | None, search: str | None) -> Any:
        if not selected:
            return no_update, no_update, no_update
        view = time_range(search, zone, context.now())
        wanted = selected[0]

        async def read() -> list[Component]:
            found, _ = await call_queries.trace(context.db, wanted["correlation_id"])
            call = next((one for one in found if one.id == wanted["id"]), None)
            if call is None:
                return [empty("This call is not kept any more.")]
            return call_details(call, call.sent, context, view)

        return True, f"{wanted['vendor']} · {wanted['operation']}", await shown("call", read())


def row(call: CallRow, context: DashboardContext, view: TimeRange) -> dict[str, Any]:
    """Return a row of the grid, as it is read."""
    return {
        "id": call.id,
        "correlation_id": call.correlation_id,
        "started": units.clock(call.started_at, view.zone, view.now),
        "vendor": context.label(call.vendor),
        "operation": call.operation,
        "outcome": call.outcome,
        "error": (call.error_type or "").replace("_", " "),
        "duration": units.duration(call.duration),
        "attempts": call.attempts,
        "trigger": call.trigger,
        "message": call.message or "",
    }
