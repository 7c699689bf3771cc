"""Circuits and limits: every circuit with who holds it and why, to be set by hand and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import circuit_acts, circuits
from db.audit import Act
from db.circuits import CircuitRow
from monitoring import units
from monitoring.context import DashboardContext, may_act
from monitoring.facts import VendorFacts
from monitoring.live import Hub
from monitoring.pages import circuit_dialog, limits, reruns, url_fields
from monitoring.pages.circuit_dialog import title_of, unused
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.url_fields import UrlField
from monitoring.timerange import TimeRange, parameters_of, time_range

_RANK = {"forced_open": 0, "open": 1, "half_open": 2, "disabled": 3, "watch_only": 4, "closed": 5}


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page."""
    names = [one.name for one in _by_label(context)]
    vendor = UrlField(name="vendor", kind="choice", usual=names[0] if names else "", among=names)
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Circuits and limits"),
                    html.Span("when we stop asking a vendor, and how much we ask", className="q-sub"),
                ],
                className="q-head",
            ),
            html.Div(loading(40, 220), id="circuits-body"),
            dmc.Select(
                id="circuits-vendor",
                label="Vendor",
                description="whose limits are shown below",
                data=[{"value": one.name, "label": one.label} for one in _by_label(context)],
                allowDeselect=False,
                searchable=True,
                className="q-choose",
            ),
            html.Div(loading(220), id="limits-body"),
            url_fields.store("circuits", "/circuits", [vendor]),
            dcc.Store(id="circuits-shown"),
            dcc.Store(id="limits-shown"),
            dcc.Store(id="circuit-back"),
            circuit_dialog.dialog(),
            reruns.frame(),
            limits.dialog(),
        ]
    )


def _by_label(context: DashboardContext) -> list[VendorFacts]:
    return sorted(context.vendors, key=lambda facts: facts.label.lower())


def chosen(search: str | None, context: DashboardContext) -> VendorFacts | None:
    """Return the vendor the URL names, the first of all when it names none; None where there is no vendor."""
    wanted = context.vendor(parameters_of(search).get("vendor", ""))
    return wanted or next(iter(_by_label(context)), None)


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh, and take what people do to circuits."""

    @app.callback(
        Output("circuits-body", "children"),
        Output("circuits-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("circuits-shown", "data"),
    )
    async def show(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        act = may_act()
        found = await shown(
            "circuits", hub.once(("circuits", search, zone, acted, act), lambda: read(context, view, act))
        )
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    @app.callback(
        Output("limits-body", "children"),
        Output("limits-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("limits-shown", "data"),
    )
    async def show_limits(
        _tick: float, acted: float | None, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        act = may_act()
        facts = chosen(search, context)
        if facts is None:
            return None, None
        key = ("limits", facts.name, zone, acted, act)
        found = await shown("limits", hub.once(key, lambda: limits.read(context, facts, view, act)))
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)

    url_fields.keep_in_url(app, "circuits", ["circuits-vendor"])
    circuit_dialog.register(app, context)
    limits.register(app, context)
    reruns.register(app, context, chosen)


async def read(context: DashboardContext, view: TimeRange, act: bool) -> Component:
    """Return the circuits of all vendors, those that are not closed first."""
    rows = await circuits.states(context.db)
    rows += [unused(one.name, view.now) for one in context.vendors if not any(row.vendor == one.name for row in rows)]
    if not rows:
        return empty("There is no vendor.", "Vendors stand in the registry; the pages are told of them at start.")
    acts = await circuit_acts.last_acts(context.db)
    return panel(rows, acts, context, view, act)


def panel(
    rows: Sequence[CircuitRow], acts: Mapping[str, Act], context: DashboardContext, view: TimeRange, act: bool
) -> Component:
    """Return the list of circuits."""
    shut = [row for row in rows if row.state != "closed"]
    ordered = sorted(rows, key=lambda row: (_RANK.get(row.state, 9), title_of(row.name, context).lower()))
    lines = [
        [
            dcc.Link(title_of(row.name, context), href=view.link(f"/vendors/{row.vendor}")),
            badge(row.state),
            moment(row.changed_at, view) if row.version else html.Span("never changed", className="q-dim"),
            why(row),
            upcoming(row, view),
            html.Span(_buttons(row, acts.get(row.name), context), className="q-row-acts") if act else "",
        ]
        for row in ordered
    ]
    summary = (
        f"{units.plural(len(shut), 'circuit')} of {len(rows)} not closed"
        if shut
        else f"all {len(rows)} circuits closed"
    )
    return html.Section(
        [
            html.Div([html.H2("Circuits"), html.Span(summary, className="q-sub")], className="q-panel-head"),
            table(("Circuit", "State", "Since", "Why", "Next", ""), lines, caption="Circuits", brief=True),
        ],
        className="q-panel",
    )


def why(row: CircuitRow) -> Component | str:
    """Return the reason of a state, and whose it is."""
    if not row.reason:
        return ""
    return html.Span([row.reason, html.Span(f" by {row.by}", className="q-dim") if row.by else None])


def upcoming(row: CircuitRow, view: TimeRange) -> Component | str:
    """Return what happens to a circuit next by itself: a probe, or the end of what was set by hand."""
    if row.by:
        if row.expires_at is None:
            return html.Span("until somebody changes it", className="q-dim")
        return html.Span(["automatic again at ", moment(row.expires_at, view)])
    if row.state == "open" and row.open_until is not None:
        due = row.open_until <= view.now
        return html.Span(["probe is due"] if due else ["probe at ", moment(row.open_until, view)])
    if row.state == "half_open":
        return html.Span(f"{units.plural(row.probes_succeeded, 'probe')} succeeded so far")
    return ""


def _buttons(row: CircuitRow, last: Act | None, context: DashboardContext) -> list[Component]:
    name = title_of(row.name, context)
    found: list[Component] = []
    if circuit_acts.may_take_back(row, last):
        found.append(
            dmc.Button(
                "Take back",
                id={"row": f"{row.name}@{row.version}", "act": "take_back"},
                size="compact-xs",
                variant="subtle",
                **aria(label=f"Take back what was done to {name}"),
            )
        )
    found.append(
        dmc.Button(
            "Set…",
            id={"row": row.name, "act": "circuit"},
            size="compact-xs",
            variant="default",
            **aria(label=f"Set the circuit of {name}"),
        )
    )
    return found
