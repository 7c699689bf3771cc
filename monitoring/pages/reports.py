"""The report of a vendor: a month, or the chosen time, held against what is agreed; made to be printed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from db.kept import retention_now
from monitoring.context import DashboardContext, may_act
from monitoring.live import Hub
from monitoring.pages import agreeing, url_fields
from monitoring.pages.report_parts import report_parts
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.url_fields import UrlField
from monitoring.report import month_of, report_of
from monitoring.timerange import TimeRange, parameters_of, stamp, time_range

MONTHS = 13  # offered, this one first
RANGE = "range"  # instead of a month: the time range of the page


def layout(context: DashboardContext) -> Component:
    """Return the frame: the choice of vendor and time, and the place of the report."""
    first = context.vendors[0].name if context.vendors else ""
    fields = [
        UrlField(name="vendor", kind="choice", usual=first, always=True),
        UrlField(name="month", kind="choice", usual=f"{context.now().astimezone(UTC):%Y-%m}", always=True),
    ]
    return html.Div(
        [
            html.Div(
                [html.H1("Vendor report"), html.Span("held against what is agreed; times in UTC", className="q-sub")],
                className="q-head q-no-print",
            ),
            html.Div(
                [
                    dmc.Select(
                        id="report-vendor",
                        label="Vendor",
                        data=[{"value": facts.name, "label": facts.label} for facts in context.vendors],
                        searchable=True,
                        size="xs",
                        allowDeselect=False,
                    ),
                    dmc.Select(
                        id="report-month",
                        label="Time",
                        data=months(context.now()),
                        size="xs",
                        allowDeselect=False,
                    ),
                    html.Div(id="report-acts", className="q-row-acts"),
                ],
                className="q-filters q-no-print",
                role="search",
            ),
            html.Div(loading(40, 120, 240), id="report-body"),
            url_fields.store("reports", "/reports", fields),
            dcc.Store(id="report-printed"),
            agreeing.dialog(),
        ],
        className="q-report",
    )


def months(now: datetime) -> list[dict[str, str]]:
    """Return the months to choose from, newest first, and the time range of the page."""
    at, found = now.astimezone(UTC).replace(day=1), []
    for _ in range(MONTHS):
        found.append({"value": f"{at:%Y-%m}", "label": f"{at:%B %Y}"})
        at = (at - timedelta(days=1)).replace(day=1)
    return [*found, {"value": RANGE, "label": "The time range above"}]


def chosen(
    search: str | None, zone: str | None, context: DashboardContext
) -> tuple[str, datetime, datetime, TimeRange]:
    """Return the vendor, the start and the end that a URL asks for. Raise ValueError, with the remedy."""
    wanted = parameters_of(search)
    view = time_range(search, zone, context.now())
    vendor = wanted.get("vendor") or (context.vendors[0].name if context.vendors else "")
    if context.vendor(vendor) is None:
        raise ValueError(f"There is no vendor “{vendor[:32]}”; choose one above.")
    month = wanted.get("month", f"{context.now().astimezone(UTC):%Y-%m}")
    since, until = (view.since, view.until) if month == RANGE else month_of(month)
    return vendor, since, until, view


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep choice and URL the same, and show the report."""

    url_fields.keep_in_url(app, "reports", ["report-vendor", "report-month"])

    @app.callback(
        Output("report-body", "children"),
        Output("report-acts", "children"),
        Input("url", "search"),
        Input("acted", "data"),
        Input("zone", "data"),
        State("report-body", "id"),
    )
    async def show(search: str | None, acted: float | None, zone: str | None, _id: str) -> tuple[Any, Any]:
        try:
            vendor, since, until, view = chosen(search, zone, context)
        except ValueError as error:
            return empty("This report cannot be made.", str(error), mark="question"), None

        async def read() -> list[Component]:
            ages, _edits = await retention_now(context.db, context.retention)
            made = await report_of(
                context.db,
                vendor,
                since=since,
                until=until,
                now=context.now(),
                five_minutes_kept=ages.five_minute_rollups,
            )
            return report_parts(made, context, view)

        body = await shown("report", hub.once(("report", vendor, since, until, acted), read))
        return body, acts(vendor, since, until)

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "print"),
        Output("report-printed", "data"),
        Input("report-print", "n_clicks"),
        prevent_initial_call=True,
    )
    agreeing.register(app, context)


def acts(vendor: str, since: datetime, until: datetime) -> list[Component]:
    """Return what can be done with the report."""
    query = urlencode({"since": stamp(since), "until": stamp(until)})
    made: list[Component] = [
        dmc.Button("Print…", id="report-print", size="compact-sm", variant="default"),
        html.A(
            "CSV", href=f"/api/v1/reports/{vendor}/csv?{query}", download=f"{vendor}.csv", className="q-link-button"
        ),
    ]
    if may_act():
        made += [
            html.A(
                "Evidence for its support (ZIP)",
                href=f"/api/v1/vendors/{vendor}/evidence?{query}",
                download=f"{vendor}-evidence.zip",
                className="q-link-button",
            ),
            dmc.Button("What is agreed…", id="sla-open", size="compact-sm", variant="default"),
        ]
    return made
