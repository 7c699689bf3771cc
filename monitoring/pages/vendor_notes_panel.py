"""What a vendor says of itself in passing: versions of its API, what it deprecates, and what of ours expires when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from db import vendor_notes
from db.vendor_notes import Certificate, HeaderSeen
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import VendorFacts
from monitoring.live import Hub
from monitoring.pages.marks import icon, moment
from monitoring.pages.states import empty, shown
from monitoring.pages.table import table
from monitoring.timerange import TimeRange, time_range

SOON_DAYS = 21.0  # a certificate that ends within this is worth a warning
ENDING = ("deprecation", "sunset", "x-shopify-api-deprecated-reason")


def register(app: Dash, context: DashboardContext, hub: Hub, inputs: Sequence[Input]) -> None:
    """Keep the panel fresh; ``inputs`` are those of the vendor's page: tick, name, search, zone."""

    @app.callback(Output("vendor-notes", "children"), *inputs)
    async def show_notes(_tick: float, name: str, search: str | None, zone: str | None) -> Any:
        facts = context.vendor(name)
        if facts is None:
            return None
        view = time_range(search, zone, context.now())

        async def read() -> Component:
            return panel(
                facts,
                await vendor_notes.headers_of(context.db, name),
                await vendor_notes.certificates_of(context.db, name),
                await vendor_notes.token_expires_at(context.db, name),
                view,
            )

        return await shown("vendor.notes", hub.once(("vendor.notes", name, search, zone), read))


def panel(
    facts: VendorFacts,
    headers: Sequence[HeaderSeen],
    certificates: Sequence[Certificate],
    token_ends: datetime | None,
    view: TimeRange,
) -> Component:
    """Return the panel of a vendor."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Versions and expiry"),
                    html.Span("as the vendor's own answers named them, by operation and caller", className="q-sub"),
                ],
                className="q-panel-head",
            ),
            html.Ul(expiries(facts, certificates, token_ends, view), className="q-plain"),
            _versions(headers, view),
        ],
        className="q-panel",
    )


def expiries(
    facts: VendorFacts, certificates: Sequence[Certificate], token_ends: datetime | None, view: TimeRange
) -> list[Component]:
    """Return until when the sign-in, the credential and the certificates are good; "not known" where nobody says."""
    if token_ends is None:
        token: list[Any] = ["Token: not known; this vendor has given none with an end"]
    elif token_ends <= view.now:
        token = ["Token: ended ", moment(token_ends, view, relative=True), "; the next call fetches a new one"]
    else:
        token = ["Token: good until ", moment(token_ends, view), ", renewed by itself before"]
    lines: list[Component] = [
        html.Li([icon("key"), " ", *token]),
        html.Li([icon("key"), " Credential: its end is not known; vendors do not say it in their answers"]),
    ]
    if not certificates:
        plain = (
            "its calls go over plain http" if facts.base_url.startswith("http://") else "no call has gone over TLS yet"
        )
        lines.append(html.Li([icon("link"), f" Certificate: not known; {plain}"]))
    for one in certificates:
        days = (one.expires_at - view.now).total_seconds() / 86400
        worn = days < SOON_DAYS
        lines.append(
            html.Li(
                [
                    icon("degraded" if worn else "link"),
                    f" Certificate of {one.host}: ",
                    "ended " if days <= 0 else "good until ",
                    moment(one.expires_at, view),
                    f", {units.span(abs(days) * 86400)} {'ago' if days <= 0 else 'left'}",
                ],
                className="q-tone-warn" if worn else None,
            )
        )
    return lines


def _versions(headers: Sequence[HeaderSeen], view: TimeRange) -> Component:
    if not headers:
        return empty(
            "No answer has named a version or an end.", "Headers looked for: Deprecation, Sunset, API versions."
        )
    rows: dict[tuple[str, str, str], list[HeaderSeen]] = {}
    for one in headers:
        rows.setdefault((one.header, one.value, one.operation), []).append(one)
    ordered = sorted(rows.items(), key=lambda pair: (pair[0][0] not in ENDING, pair[0]))
    return table(
        ("Header", "Value", "Operation", "Callers", "First seen", "Last seen"),
        [
            [
                html.Span([icon("degraded"), f" {header}"], className="q-tone-warn") if header in ENDING else header,
                html.Code(value),
                html.Span(operation, className="q-mono"),
                ", ".join(sorted({one.caller for one in seen})),
                moment(min(one.first_seen for one in seen), view),
                moment(max(one.last_seen for one in seen), view, relative=True),
            ]
            for (header, value, operation), seen in ordered
        ],
        caption="Versions and deprecations seen",
    )
