"""The audit: who did what, when, to what and why, newest first; filters and place stand in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db import audit
from db.audit import Act
from monitoring import units
from monitoring.api.access import from_cursor, to_cursor
from monitoring.audit_words import facts_in_words, spoken, subject_page
from monitoring.context import DashboardContext, may_act
from monitoring.live import Hub
from monitoring.pages import url_fields
from monitoring.pages.marks import moment
from monitoring.pages.paging import all_as_csv, newest_and_older
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.url_fields import UrlField
from monitoring.problem import Problem
from monitoring.timerange import TimeRange, parameters_of, time_range

FILTERS = ("person", "act", "subject")
PAGE = 50  # acts at once
_FIELDS = {
    "person": ("Person", "anybody"),
    "act": ("Act", "anything"),
    "subject": ("Subject", "a vendor, sync, user …"),
}


def layout(_context: DashboardContext) -> Component:
    """Return the frame: the filters, and the place of the list."""
    fields = [UrlField(name=name) for name in FILTERS]
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Audit"),
                    html.Span(
                        "who did what, when, from where and why; sign-ins and failed ones too", className="q-sub"
                    ),
                ],
                className="q-head",
            ),
            html.Div(
                [
                    dmc.Autocomplete(
                        id=f"audit-{name}", label=label, placeholder=placeholder, size="xs", debounce=400, limit=30
                    )
                    for name, (label, placeholder) in _FIELDS.items()
                ],
                className="q-filters",
                role="search",
            ),
            html.Div(loading(40, 320), id="audit-body"),
            url_fields.store("audit", "/audit", fields, forgets=["before"]),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep filters and URL the same, and show what fits."""

    url_fields.keep_in_url(app, "audit", [f"audit-{name}" for name in FILTERS])

    @app.callback(Output("audit-person", "data"), Output("audit-act", "data"), Input("audit-body", "id"))
    async def suggest(_id: str) -> tuple[list[str], list[str]]:
        people, acts = await audit.known_acts(context.db) if may_act() else ([], [])
        groups = sorted({act.partition(".")[0] for act in acts})
        return people, [*groups, *acts]

    @app.callback(
        Output("audit-body", "children"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show(_tick: float, search: str | None, zone: str | None) -> Any:
        if not may_act():
            return empty(
                "The audit is for operators and admins.",
                "It holds reasons and failed sign-ins. What you did yourself stands in Settings.",
                mark="eye",
            )
        view = time_range(search, zone, context.now())
        return await shown("audit", hub.once(("audit", search, zone), lambda: read(context, view, search)))


async def read(context: DashboardContext, view: TimeRange, search: str | None) -> list[Component]:
    """Return the acts of the chosen time that fit the filters, from the place the URL names on."""
    wanted = parameters_of(search)
    filters = {name: wanted[name][:128] for name in FILTERS if wanted.get(name)}
    try:
        before, problem = from_cursor(wanted.get("before")), None
    except Problem:
        before, problem = None, "The place in this link cannot be read; this is the newest page."
    found = await audit.list_acts(
        context.db, **filters, since=view.since, until=view.until, before=before, limit=PAGE + 1
    )
    older = to_cursor(found[PAGE - 1].at, found[PAGE - 1].id) if len(found) > PAGE else None
    return [
        *([html.P(problem, className="q-sentence q-edge-warn", role="alert")] if problem else []),
        html.Section(
            [
                html.Div(
                    [
                        html.H2("Acts"),
                        html.Span(view.label.lower(), className="q-sub"),
                        all_as_csv("audit", filters, view),
                    ],
                    className="q-panel-head",
                ),
                acts_table(found[:PAGE], context, view) if found else _nothing(filters, view),
                newest_and_older("/audit", filters, view, first=before is None, older=older),
            ],
            className="q-panel",
        ),
    ]


def acts_table(found: Sequence[Act], context: DashboardContext, view: TimeRange, *, caption: str = "Acts") -> Component:
    """Return acts as a table, each with a link to what it was done to."""
    rows = [
        [
            moment(act.at, view),
            _who(act),
            html.Span(spoken(act.act), title=act.act),
            _subject(act, context, view),
            act.reason or html.Span(units.NONE, className="q-dim"),
            html.Span(facts_in_words(act.facts), className="q-dim"),
        ]
        for act in found
    ]
    return table(("When", "Who, from where", "Did", "To", "Why", "Before, after and facts"), rows, caption=caption)


def _who(act: Act) -> Component:
    where = html.Span(act.origin, className="q-dim q-mono") if act.origin else None
    return html.Div([html.Span(act.user_name), where], className="q-stack")


def _subject(act: Act, context: DashboardContext, view: TimeRange) -> Component | str:
    name = act.subject.partition("/")[0]
    text = act.subject.replace(name, context.label(name), 1)
    page = subject_page(act, context, view)
    return dcc.Link(text, href=page) if page else text


def _nothing(filters: Mapping[str, str], view: TimeRange) -> Component:
    wider = "/audit?" + urlencode({"range": "30d", **filters})
    return html.Div(
        [
            empty("Nothing like that was done in this time.", "Choose a longer time range or fewer filters."),
            dcc.Link("Look at the last 30 days", href=wider) if view.preset != "30d" else None,
        ]
    )
