"""The call list: every recorded call, filtered and sorted on the server; a row opens the call in full.

The filters, the order, the columns and the open call live in the URL beside the time range. The list asks for a hundred
rows at a time and remembers where each hundred ends, so that going down the list costs the same at any depth. A search
that would take too long gives up and says how far it looked; a click lets it look further.
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
from db.call_search import PATIENCE, Counted, Found, Order, Place, count, find
from db.calls import CallRow
from monitoring import units
from monitoring.call_filters import ORDERS, Asked, asked_of, parameters_for
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages import calls_filters, replay_dialog, url_fields
from monitoring.pages.call_details import call_details
from monitoring.pages.calls_grid import (
    BUNDLE,
    COLUMNS,
    PAGE,
    SHOWN,
    chosen_columns,
    column_definitions,
    grid,
    load_on_demand,
)
from monitoring.pages.marks import aria, icon
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.url_fields import UrlField
from monitoring.timerange import TimeRange, parameters_of, time_range

_REMEMBERED = 500  # ends of pages, over all tabs
_FURTHER = 2.0  # seconds more that each click looks
_LONGEST = 20.0
_MOST = 10_000  # calls that are counted
_ORDER_WORDS: Mapping[Order, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "slowest": "Slowest first",
    "fastest": "Fastest first",
}


def layout(context: DashboardContext) -> Component:
    """Return the page: filters, the grid, and the drawer a row opens."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Calls"),
                    html.Span("one row per call, retries included", className="q-sub"),
                    html.Span(className="q-grow"),
                    dcc.Link("Replays", href="/replays"),
                ],
                className="q-head",
            ),
            calls_filters.filters(context),
            _toolbar(),
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
                closeButtonProps=aria(label="Close the call"),
            ),
            dcc.Store(id="calls-search"),
            dcc.Store(id="calls-further"),
            replay_dialog.dialog(),
        ]
    )


def _toolbar() -> Component:
    fields = [
        UrlField(name="sort", kind="choice", usual="newest", among=ORDERS),
        UrlField(name="columns", kind="list", usual=",".join(SHOWN), among=list(COLUMNS)),
    ]
    return html.Div(
        [
            url_fields.store("calls", "/calls", fields),
            html.Span(id="calls-count", className="q-num", role="status"),
            html.Span(className="q-grow"),
            dmc.Select(
                id="calls-order",
                data=[{"value": name, "label": _ORDER_WORDS[name]} for name in ORDERS],
                value="newest",
                allowDeselect=False,
                size="xs",
                w=140,
                comboboxProps={"shadow": "md"},
                **aria(label="Order"),
            ),
            dmc.Popover(
                [
                    dmc.PopoverTarget(dmc.Button("Columns", variant="default", size="compact-sm")),
                    dmc.PopoverDropdown(
                        dmc.CheckboxGroup(
                            html.Div(
                                [
                                    dmc.Checkbox(label=head, value=name, size="xs")
                                    for name, (head, *_rest) in COLUMNS.items()
                                ],
                                className="q-options",
                            ),
                            id="calls-columns",
                            value=list(SHOWN),
                            label="Columns of the list",
                        )
                    ),
                ],
                position="bottom-end",
                shadow="md",
                trapFocus=True,
            ),
            replay_dialog.button(),
            html.A("CSV", id="calls-csv", href="/calls.csv", download="", className="q-csv", target="_self"),
        ],
        className="q-toolbar",
    )


class _Ends:
    """Where each page of each list ends: (tab and filters, first row) -> the place the next page starts behind."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], Place] = OrderedDict()

    def before(self, listing: str, first: int) -> Place | None:
        """Return what a page starts behind; None for the first. Raise KeyError when it is not known any more."""
        return None if first == 0 else self._known[listing, first]

    def remember(self, listing: str, first: int, end: Place) -> None:
        """Note where the page that starts at ``first`` continues from."""
        self._known[listing, first] = end
        self._known.move_to_end((listing, first))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Answer the grid, keep filters and URL the same, open calls."""
    load_on_demand()
    calls_filters.register(app)
    _register_grid(app, context)
    _register_toolbar(app, context, hub)
    _register_drawer(app, context)
    replay_dialog.register(app, context)


def _in_browser(app: Dash, function: str, *parts: Any) -> None:
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", function), *parts, prevent_initial_call=function != "bundle"
    )


def _register_grid(app: Dash, context: DashboardContext) -> None:
    ends = _Ends()
    _in_browser(app, "bundle", Output("calls-ready", "data"), Input("calls-wanted", "data"))
    _in_browser(
        app,
        "calls",
        Output("calls-search", "data"),
        Input("url", "search"),
        Input("tick", "data"),
        Input("calls-further", "data"),
        State("calls-search", "data"),
    )
    _in_browser(
        app,
        "further",
        Output("calls-further", "data"),
        Input("calls-look", "n_clicks"),
        State("url", "search"),
        State("calls-further", "data"),
    )

    @app.callback(
        Output("calls-slot", "children"),
        Input("calls-ready", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    async def show_grid(ready: bool | None, search: str | None) -> Any:
        if not ready:
            return empty("The list could not be loaded.", "Reload the page to try again.", mark="down")
        return grid(chosen_columns(parameters_of(search).get("columns")))

    @app.callback(
        Output("calls-grid", "getRowsResponse"),
        Output("calls-problem", "children"),
        Input("calls-grid", "getRowsRequest"),
        State("url", "search"),
        State("zone", "data"),
        State("tab", "data"),
        State("calls-further", "data"),
    )
    async def rows(
        request: Mapping[str, Any] | None,
        search: str | None,
        zone: str | None,
        tab: str | None,
        further: Mapping[str, Any] | None,
    ) -> Any:
        if not request:
            return no_update, no_update
        view = time_range(search, zone, context.now())
        parameters = parameters_of(search)
        asked = asked_of(parameters)
        listing = f"{tab} {urlencode(parameters_for(parameters))} {asked.order} {view.query}"
        first = int(request["startRow"])
        try:
            after = ends.before(listing, first)
        except KeyError:
            return {"rowData": [], "rowCount": first}, no_update
        times = int(further["times"]) if further and further.get("search") == search else 0
        patience = min(times * _FURTHER, _LONGEST) or PATIENCE
        found = await shown("calls", page_of(context, asked, view, after, patience))
        if isinstance(found, Component):
            return {"rowData": [], "rowCount": 0}, found
        page, calls = found
        if page.next is not None and page.reached is None:
            ends.remember(listing, first + PAGE, page.next)
        rest = -1 if page.next is not None and page.reached is None else first + len(calls)
        note = gave_up(page.reached, first + len(calls), asked.order, view) if page.reached else None
        return {"rowData": [row(call, context, view) for call in calls], "rowCount": rest}, note


async def page_of(
    context: DashboardContext, asked: Asked, view: TimeRange, after: Place | None, patience: float
) -> tuple[Found, list[CallRow]]:
    """Return a page of the list and its calls with their attempts."""
    found = await find(
        context.db,
        asked.filter,
        since=view.since,
        until=view.until,
        order=asked.order,
        limit=PAGE,
        after=after,
        patience=patience,
    )
    return found, await call_queries.rows_of(context.db, found.rows, with_attempts=True)


def gave_up(reached: Place, number: int, order: Order, view: TimeRange) -> Component:
    """Return how far a search looked that gave up, and the button that lets it look further."""
    if order in ("slowest", "fastest"):
        how_far = f"calls {'slower' if order == 'slowest' else 'faster'} than {units.duration(reached.duration)}"
    else:
        moment = units.clock(reached.started_at, view.zone, view.now)
        how_far = f"calls {'after' if order == 'newest' else 'before'} {moment}"
    found = "found nothing" if not number else f"found {units.plural(number, 'call')}"
    return html.Div(
        [
            icon("eye"),
            html.Span(f"Looked through the {how_far} and {found} so far. There may be more beyond."),
            dmc.Button("Look further", id="calls-look", size="compact-xs", variant="default"),
        ],
        className="q-banner q-tone-info q-block",
        role="status",
    )


def _register_toolbar(app: Dash, context: DashboardContext, hub: Hub) -> None:
    @app.callback(
        Output("calls-count", "children"),
        Output("calls-csv", "href"),
        Output("calls-order", "error"),
        Input("url", "search"),
        Input("tick", "data"),
        Input("zone", "data"),
        State("url", "pathname"),
    )
    async def show_toolbar(search: str | None, _tick: float, zone: str | None, path: str | None) -> Any:
        if path != "/calls":
            return no_update
        view = time_range(search, zone, context.now())
        parameters = parameters_of(search)
        asked = asked_of(parameters)
        kept = {**parameters_for(parameters), **({"sort": asked.order} if asked.order != "newest" else {})}

        async def counting() -> Counted:
            return await count(context.db, asked.filter, since=view.since, until=view.until, most=_MOST)

        key = ("calls-count", urlencode(kept), view.query)
        counted = await shown("calls-count", hub.once(key, counting))
        words = "" if isinstance(counted, Component) else count_words(counted, view)
        return words, view.link("/calls.csv", **kept), asked.problems.get("sort")

    @app.callback(Output("calls-grid", "columnDefs"), Input("calls-columns", "value"), prevent_initial_call=True)
    async def show_columns(chosen: list[str] | None) -> Any:
        return column_definitions(chosen_columns(",".join(chosen or ())))

    url_fields.keep_in_url(app, "calls", ["calls-order", "calls-columns"])


def count_words(counted: Counted, view: TimeRange) -> str:
    """Return how many calls there are, as far as they were counted."""
    number = units.plural(counted.number, "call")
    if counted.exact:
        return number
    if counted.reached is None:
        return f"over {number}"
    return f"at least {number}, counted back to {units.clock(counted.reached.started_at, view.zone, view.now)}"


def _register_drawer(app: Dash, context: DashboardContext) -> None:
    _in_browser(
        app,
        "chosen",
        Output("url", "search", allow_duplicate=True),
        Input("calls-grid", "selectedRows"),
        State("url", "search"),
    )
    _in_browser(
        app,
        "closed",
        Output("url", "search", allow_duplicate=True),
        Input("call-drawer", "opened"),
        State("url", "search"),
        State("call-drawer", "id"),
    )

    @app.callback(
        Output("call-drawer", "opened"),
        Output("call-drawer", "title"),
        Output("call-body", "children"),
        Input("url", "search"),
        Input("zone", "data"),
        State("url", "pathname"),
        State("call-drawer", "opened"),
    )
    async def open_call(search: str | None, zone: str | None, path: str | None, opened: bool | None) -> Any:
        if path != "/calls":
            return no_update
        correlation_id, _, id = parameters_of(search).get("call", "").rpartition("/")
        if not id:
            return (False if opened else no_update), no_update, no_update
        view = time_range(search, zone, context.now())
        title = "Call"

        async def read() -> list[Component]:
            nonlocal title
            call = await call_queries.one(context.db, correlation_id, id)
            if call is None:
                return [empty("This call is not kept any more.")]
            title = f"{context.label(call.vendor)} · {call.operation}"
            return call_details(call, call.sent, context, view)

        body = await shown("call", read())
        return True, title, body


def row(call: CallRow, context: DashboardContext, view: TimeRange) -> dict[str, Any]:
    """Return a row of the grid, as it is read."""
    own = [attempt for attempt in call.sent if attempt.operation == call.operation]
    return {
        "id": call.id,
        "started": units.clock(call.started_at, view.zone, view.now),
        "vendor": context.label(call.vendor),
        "operation": call.operation,
        "outcome": call.outcome,
        "status": own[-1].status if own else None,
        "error": (call.error_type or "").replace("_", " "),
        "fault": call.fault or "",
        "duration": units.duration(call.duration),
        "attempts": call.attempts,
        "waited": units.duration(call.throttle_wait) if call.throttle_wait else "",
        "trigger": call.trigger,
        "priority": call.priority,
        "by": call.user_name or call.run_id or "",
        "key": call.idempotency_key or "",
        "correlation": call.correlation_id,
        "path": own[-1].path if own else "",
        "message": call.message or "",
    }
