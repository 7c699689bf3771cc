"""All vendors as they are set up: credentials that are set or missing, limits, what stands in for them, their docs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from db import vendor_events
from db.circuits import CircuitRow, states
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import OperationFacts, QuotaFacts, VendorFacts
from monitoring.live import Hub
from monitoring.pages.marks import badge
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, time_range

COLUMNS = ("Vendor", "Kind", "Credentials", "Limits", "When it cannot answer", "Events", "Circuit", "Reference")
KINDS = ("erp", "store", "payments", "shipping", "tax", "currency", "fraud", "messages", "marketing")


def layout(_context: DashboardContext) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [html.H1("Vendors"), html.Span("as they are set up in this process", className="q-sub")],
                className="q-head",
            ),
            html.Div(loading(40, 420), id="vendors-body"),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep circuits and events fresh; the rest is as it was at the start of the process."""

    @app.callback(
        Output("vendors-body", "children"), Input("tick", "data"), Input("url", "search"), Input("zone", "data")
    )
    async def show(_tick: float, search: str | None, zone: str | None) -> Component | list[Component]:
        view = time_range(search, zone, context.now())
        return await shown("vendors", hub.once(("vendors", search, zone), lambda: read(context, view)))


async def read(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return the sentence over the list, and the list."""
    if not context.vendors:
        return [empty("No vendor is set up.", "Credentials make a vendor appear; without any, the sandbox stands in.")]
    circuits = {row.name: row for row in await states(context.db)}
    events = await vendor_events.counts(context.db)
    ordered = sorted(context.vendors, key=lambda facts: (KINDS.index(facts.kind), facts.label.lower()))
    rows = [
        [
            dcc.Link(facts.label, href=view.link(f"/vendors/{facts.name}")),
            facts.kind,
            credentials_of(facts),
            limits_of(facts.quotas),
            fallbacks_of(facts.operations, context),
            events_of(facts, events),
            circuits_of(facts.name, circuits),
            html.A("Documentation", href=facts.docs_url, target="_blank", rel="noreferrer noopener"),
        ]
        for facts in ordered
    ]
    return [
        html.Section(
            [
                html.P(summary(context.vendors), className="q-hint"),
                table(COLUMNS, rows, caption="Vendors as they are set up"),
            ],
            className="q-panel",
        )
    ]


def summary(vendors: Sequence[VendorFacts]) -> str:
    """Return how many are ready, in the sandbox or miss something, as a sentence."""
    sandboxed = sum(facts.sandboxed for facts in vendors)
    missing = sum(not facts.sandboxed and bool(facts.missing) for facts in vendors)
    parts = [f"{units.plural(len(vendors), 'vendor')}"]
    if sandboxed:
        parts.append(f"{sandboxed} in the sandbox")
    ready = len(vendors) - sandboxed - missing
    if ready:
        parts.append(f"{ready} ready")
    if missing:
        parts.append(f"{missing} without a credential")
    return " · ".join(parts)


def credentials_of(facts: VendorFacts) -> Component:
    """Return whether the vendor can be called, and the settings that are missing by name; never a value."""
    if facts.sandboxed:
        return badge("idle", "sandbox", title="The sandbox stands in, with test credentials of its own.")
    if facts.missing:
        return html.Div(
            [badge("error", "missing"), html.Ul([html.Li(html.Code(name)) for name in facts.missing])],
            className="q-stack",
        )
    count = sum(is_set for _name, is_set in facts.credentials)
    return badge("healthy", f"{units.plural(count, 'setting')} set" if facts.credentials else "none needed")


def limits_of(quotas: Sequence[QuotaFacts]) -> Component | str:
    """Return each quota as people say it: 1,400 in 10 s (project)."""
    if not quotas:
        return "none known"
    lines = []
    for quota in quotas:
        covers = f": {', '.join(quota.operations)}" if quota.operations else ""
        lines.append(
            html.Li(f"{quota.limit:,.6g} in {units.span(quota.seconds)} ({quota.name.replace('_', ' ')}{covers})")
        )
    return html.Ul(lines)


def fallbacks_of(operations: Sequence[OperationFacts], context: DashboardContext) -> Component | str:
    """Return what answers instead, by operation; "nothing" where a call then fails."""
    found: dict[str, list[str]] = {}
    for operation in operations:
        if operation.fallback:
            what = "a kept answer" if operation.fallback == "cached" else context.label(operation.fallback)
            found.setdefault(what, []).append(operation.name)
    if not found:
        return "nothing"
    return html.Ul(
        [html.Li([what, html.Span(f" ({', '.join(names)})", className="q-dim")]) for what, names in found.items()]
    )


def events_of(facts: VendorFacts, counts: Mapping[tuple[str, str], int]) -> Component | str:
    """Return whether the vendor may push events here, and how many have come."""
    if facts.webhook is None:
        return units.NONE
    name, is_set = facts.webhook
    if not is_set and not facts.sandboxed:
        return html.Span(["off: ", html.Code(name), " is not set"])
    came = sum(count for (vendor, _state), count in counts.items() if vendor == facts.name)
    dead = counts.get((facts.name, "dead"), 0)
    said = f"{units.plural(came, 'event')} taken{f', {dead} without effect' if dead else ''}"
    return html.Span([html.Code(f"/webhooks/{facts.name}"), html.Br(), said])


def circuits_of(vendor: str, circuits: Mapping[str, CircuitRow]) -> Component:
    """Return the state of the vendor's circuit, or of those of its parts that are not closed."""
    mine = [row for name, row in circuits.items() if row.vendor == vendor]
    shut = [row for row in mine if row.state != "closed"]
    if not shut:
        return badge("closed", "closed")
    return html.Div(
        [
            html.Div([badge(row.state), *([f" {row.name.partition('/')[2]}"] if "/" in row.name else [])])
            for row in sorted(shut, key=lambda row: row.name)
        ]
    )
