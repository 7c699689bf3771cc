"""Unknown outcomes: the writes nobody knows about, oldest first, each to be settled by hand; below, what was settled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import outcomes
from db.keys import KeyRow
from monitoring import units
from monitoring.context import DashboardContext, may_act
from monitoring.live import Hub
from monitoring.outcome_id import id_of
from monitoring.pages import settling
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, parameters_of, time_range

LISTED = 200  # unknown ones shown at once, the oldest
SETTLED = 30  # settled ones shown below, the latest
FOUND = {"happened": "happened", "did_not_happen": "did not happen"}


def layout(_context: DashboardContext) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Unknown outcomes"),
                    html.Span("writes whose answer was lost and that no look-up could settle", className="q-sub"),
                ],
                className="q-head",
            ),
            html.Div(loading(40, 220), id="outcomes-body"),
            dcc.Store(id="outcomes-shown"),
            settling.dialog(),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh, and take what people find out."""

    @app.callback(
        Output("outcomes-body", "children"),
        Output("outcomes-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("outcomes-shown", "data"),
    )
    async def show(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        vendor = parameters_of(search).get("vendor", "")[:32] or None
        act = may_act()
        key = ("outcomes", search, zone, acted, act)
        found = await shown("outcomes", hub.once(key, lambda: read(context, view, vendor, act)))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    settling.register(app, context)


def digest(drawn: Component | Sequence[Component | str | None]) -> str:
    """Return what tells two drawings apart: only one that differs is worth being drawn."""
    text = json.dumps(drawn, default=lambda part: part.to_plotly_json(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


async def read(context: DashboardContext, view: TimeRange, vendor: str | None, act: bool) -> list[Component]:
    """Return both lists, of one vendor or of all."""
    counts = await outcomes.counts(context.db, now=view.now)
    unknown = await outcomes.listed(context.db, state="unknown", vendor=vendor, now=view.now, limit=LISTED)
    settled = await outcomes.listed(context.db, state="settled", vendor=vendor, now=view.now, limit=SETTLED)
    return [
        unknown_list(unknown, counts, vendor, context, view, act),
        *([settled_list(settled, context, view)] if settled else []),
    ]


def unknown_list(
    found: Sequence[KeyRow],
    counts: Mapping[str, int],
    vendor: str | None,
    context: DashboardContext,
    view: TimeRange,
    act: bool,
) -> Component:
    """Return what is unknown, the oldest first."""
    choice = vendor_links(counts, vendor, context, view)
    if not found:
        where = f" at {context.label(vendor)}" if vendor else ""
        nothing = empty(
            f"Nothing is unknown{where}.", "Every write was answered, looked up or settled by hand.", mark="healthy"
        )
        return html.Section([html.H2("Unknown", className="q-only-read"), choice, nothing], className="q-block")
    total = counts.get(vendor, 0) if vendor else sum(counts.values())
    rows = [
        [
            html.Span([moment_of(row, view)], className="q-num"),
            dcc.Link(context.label(row.vendor), href=view.link(f"/vendors/{row.vendor}")),
            html.Span(row.operation, className="q-mono"),
            html.Span(row.reference or row.key, className="q-mono"),
            said(row),
            html.Span(
                [
                    dcc.Link("Trace", href=view.link(f"/traces/{row.correlation_id}")),
                    dmc.Button(
                        "Settle…",
                        id={"settle": id_of(row)},
                        size="compact-xs",
                        variant="default",
                        **aria(label=f"Settle {row.operation} {row.reference or row.key}"),
                    )
                    if act
                    else None,
                ],
                className="q-row-acts",
            ),
        ]
        for row in found
    ]
    return html.Section(
        [
            html.H2("Unknown", className="q-only-read"),
            choice,
            html.P(
                "Each of these may or may not have happened. Look it up at the vendor, then settle it here. Until then "
                "nothing is sent again without a look-up first."
                + (
                    f" The oldest {units.count(len(found))} of {units.count(total)} are shown."
                    if total > LISTED
                    else ""
                ),
                className="q-hint q-first",
            ),
            table(
                ("Unknown for", "Vendor", "Operation", "Reference", "What the look-up said", ""),
                rows,
                caption="Unknown outcomes",
            ),
        ],
        className="q-panel",
    )


def vendor_links(
    counts: Mapping[str, int], vendor: str | None, context: DashboardContext, view: TimeRange
) -> Component | None:
    """Return how many are unknown at each vendor, as links that narrow the list; None where there is nothing to narrow."""
    if vendor is None and len(counts) < 2:
        return None
    here: list[tuple[str, str | None, int]] = [("All vendors", None, sum(counts.values()))]
    here += [(context.label(name), name, number) for name, number in sorted(counts.items())]
    if vendor is not None and vendor not in counts:
        here.append((context.label(vendor), vendor, 0))
    links: list[Component] = []
    for label, name, number in here:
        parts: list[Component | str] = [label, html.Span(units.count(number), className="q-num q-dim")]
        if name == vendor:
            links.append(html.Span(parts, className="q-choice q-choice-on", **aria(current="true")))
        else:
            links.append(dcc.Link(parts, href=view.link("/outcomes", vendor=name or ""), className="q-choice"))
    return html.Nav(links, className="q-choices", **aria(label="Vendor"))


def moment_of(row: KeyRow, view: TimeRange) -> Component:
    """Return for how long an outcome has been unknown, in one unit, with the moment in its tooltip.

    Figures that move every second would have the whole table drawn anew under the hand of whoever wants to click in it.
    """
    age = (view.now - row.created_at).total_seconds()
    return html.Time(
        "under a minute" if age < 60 else units.about(age),
        dateTime=row.created_at.isoformat(),
        title=units.full(row.created_at, view.zone),
    )


def said(row: KeyRow) -> Component:
    """Return what the last look-up said, or why there was none."""
    if row.look_up_error == "unsupported":
        return html.Span("no look-up at this vendor", className="q-dim")
    if row.look_up_error is None:
        return html.Span(f"Not looked up yet. {row.note or ''}", className="q-dim")
    return html.Div(
        [badge("unknown", row.look_up_error.replace("_", " ")), html.Span(row.look_up_said)], className="q-stack q-said"
    )


def settled_list(found: Sequence[KeyRow], context: DashboardContext, view: TimeRange) -> Component:
    """Return what was settled by hand lately, with who and why."""
    rows = [
        [
            moment(row.changed_at, view),
            dcc.Link(context.label(row.vendor), href=view.link(f"/vendors/{row.vendor}")),
            html.Span(row.operation, className="q-mono"),
            html.Span(row.reference or row.key, className="q-mono"),
            badge("success" if row.found == "happened" else "cancelled", FOUND.get(row.found or "", "settled")),
            row.settled_by or units.NONE,
            row.reason or units.NONE,
            dcc.Link("Trace", href=view.link(f"/traces/{row.correlation_id}")),
        ]
        for row in found
    ]
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Settled by hand"),
                    html.Span(f"the latest {units.count(len(found))}" if len(found) > 1 else "", className="q-sub"),
                ],
                className="q-panel-head",
            ),
            table(
                ("When", "Vendor", "Operation", "Reference", "Found", "By", "Reason", ""),
                rows,
                caption="Settled by hand",
            ),
        ],
        className="q-panel",
    )
