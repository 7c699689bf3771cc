"""Conflicts: fields both sides had changed, who won by which rule, and giving the loser its value back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import conflicts
from db.conflicts import Filters, StoredConflict
from monitoring import units
from monitoring.context import DashboardContext, may_act
from monitoring.live import Hub
from monitoring.pages import undo_dialog, url_fields
from monitoring.pages.marks import aria, badge, icon, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.paging import SIZE, choices, page_number, pager
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.url_fields import UrlField
from monitoring.timerange import TimeRange, parameters_of, time_range

FILTERS = ("sync", "run", "winner", "item", "which", "page")


def layout(_context: DashboardContext) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Conflicts"),
                    html.Span("changed on both sides between two runs; a rule decided", className="q-sub"),
                ],
                className="q-head",
            ),
            html.Div(
                [
                    dmc.TextInput(
                        id="conflicts-item", label="Find a SKU", placeholder="its beginning", size="xs", debounce=400
                    )
                ],
                className="q-filters",
                role="search",
            ),
            html.Div(loading(40, 220), id="conflicts-body"),
            dcc.Store(id="conflicts-shown"),
            url_fields.store("conflicts", "/conflicts", [UrlField(name="item")], forgets=["page"]),
            undo_dialog.dialog(),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the list fresh, narrow it, and undo."""

    @app.callback(
        Output("conflicts-body", "children"),
        Output("conflicts-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("conflicts-shown", "data"),
    )
    async def show(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        wanted = {name: value[:128] for name, value in parameters_of(search).items() if name in FILTERS}
        act = may_act()
        key = ("conflicts", search, zone, acted, act)
        found = await shown("conflicts", hub.once(key, lambda: _read(context, view, wanted, act)))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    url_fields.keep_in_url(app, "conflicts", ["conflicts-item"])
    undo_dialog.register(app, context)


async def _read(context: DashboardContext, view: TimeRange, wanted: Mapping[str, str], act: bool) -> list[Component]:
    filters = Filters(
        sync=wanted.get("sync"),
        run_id=wanted.get("run"),
        winner=wanted.get("winner"),
        item=wanted.get("item"),
        which=wanted.get("which"),
    )
    total = await conflicts.count(context.db, filters)
    offset = (page_number(wanted) - 1) * SIZE
    found = await conflicts.page(context.db, filters, offset=offset, limit=SIZE)
    winners = [("", "Either", None), ("erp", "ERP", None), ("platform", "Platform", None)]
    which = [("", "All", None), ("open", "Stand as decided", None), ("undone", "Undone", None)]
    parts: list[Component] = [
        choices("Won", "winner", winners, "/conflicts", wanted, view),
        choices("Which", "which", which, "/conflicts", wanted, view),
    ]
    if wanted.get("run"):
        parts.append(_of_run(wanted["run"], found, view, wanted, act))
    if not found:
        return [*parts, empty("No conflict here.", "Nothing of that kind was changed on both sides.", mark="healthy")]
    head = html.Div(
        [html.H2("Conflicts"), html.Span("what won is marked", className="q-sub")], className="q-panel-head"
    )
    names = ("When", "Item", "Field", "ERP", "Platform", "Rule", "Run", "")
    body = table(names, [_row(one, view, act) for one in found], caption="Conflicts")
    return [*parts, html.Section([head, body, pager("/conflicts", wanted, total, view)], className="q-panel")]


def _of_run(
    run_id: str, found: Sequence[StoredConflict], view: TimeRange, wanted: Mapping[str, str], act: bool
) -> Component:
    kept = {name: value for name, value in wanted.items() if name not in ("run", "page")}
    return html.Div(
        [
            html.Span(["Only of run ", html.Span(run_id[:12], className="q-mono")]),
            dcc.Link("All runs", href=view.link("/conflicts", **kept), className="q-choice"),
            dmc.Button(
                "Undo all of this run…",
                id={"row": run_id, "act": "undo_run"},
                size="compact-sm",
                variant="default",
            )
            if act and any(one.undone_at is None for one in found)
            else None,
        ],
        className="q-choices",
    )


def _row(one: StoredConflict, view: TimeRange, act: bool) -> list[Any]:
    if one.undone_at is not None:
        last: Any = html.Span(
            [
                badge("cancelled", "undone"),
                html.Div([f"{one.undone_by}, ", moment(one.undone_at, view)], className="q-dim"),
                html.Div(one.undone_reason, className="q-dim"),
            ]
        )
    elif act:
        last = dmc.Button(
            "Undo…",
            id={"row": one.id, "act": "undo"},
            size="compact-xs",
            variant="default",
            **aria(label=f"Undo the decision about {one.item}"),
        )
    else:
        last = ""
    return [
        moment(one.at, view),
        html.Span(one.item, className="q-mono"),
        one.field,
        _value(one.erp_value, one.erp_at, view, one.winner == "erp"),
        _value(one.platform_value, one.platform_at, view, one.winner == "platform"),
        one.rule,
        dcc.Link(
            f"run {one.run_id[:8]}",
            href=view.link("/conflicts", run=one.run_id),
            className="q-mono",
        ),
        last,
    ]


def _value(value: str, at: datetime | None, view: TimeRange, won: bool) -> Component:
    return html.Span(
        [
            html.Strong([value, " ", icon("healthy", "won")]) if won else html.Span(value),
            html.Div(moment(at, view), className="q-dim") if at else html.Div(units.NONE, className="q-dim"),
        ]
    )
