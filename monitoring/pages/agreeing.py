"""The dialog that says what is agreed with a vendor: availability, P95, announced maintenance."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db.agreed import Agreed, agree, agreed_with
from monitoring.context import DashboardContext, may_act, who_may
from monitoring.pages import dialog as dialogues
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.timerange import moment, parameters_of

MOST_STRETCHES = 100
_UTC = ZoneInfo("UTC")


def dialog() -> Component:
    """Return the dialog, closed."""
    return html.Div(
        [
            dcc.Store(id="sla-vendor"),
            dialogues.dialog(
                "sla",
                title="What is agreed",
                yes="Save",
                body=[
                    dmc.NumberInput(
                        id="sla-availability",
                        label="Availability, % of calls",
                        description="empty: none agreed",
                        min=50,
                        max=100,
                        decimalScale=4,
                    ),
                    dmc.NumberInput(
                        id="sla-p95",
                        label="P95, seconds over attempts",
                        description="empty: none agreed",
                        min=0.001,
                        max=600,
                        decimalScale=3,
                        mt="sm",
                    ),
                    dmc.Textarea(
                        id="sla-maintenance",
                        label="Announced maintenance",
                        description="one a line, in UTC: 2026-10-03 02:00 to 2026-10-03 04:00",
                        autosize=True,
                        minRows=2,
                        maxRows=8,
                        mt="sm",
                    ),
                ],
            ),
        ]
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog with what is agreed now, and take what it says."""
    dialogues.closes(app, "sla")

    @app.callback(
        Output("sla-modal", "opened", allow_duplicate=True),
        Output("sla-facts", "children"),
        Output("sla-vendor", "data"),
        Output("sla-availability", "value"),
        Output("sla-p95", "value"),
        Output("sla-maintenance", "value"),
        Output("sla-reason", "value"),
        Output("sla-availability", "error", allow_duplicate=True),
        Output("sla-p95", "error", allow_duplicate=True),
        Output("sla-maintenance", "error", allow_duplicate=True),
        Output("sla-reason", "error", allow_duplicate=True),
        Input("sla-open", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    async def ask(clicks: int | None, search: str | None) -> tuple[Any, ...]:
        first = context.vendors[0].name if context.vendors else ""
        facts = context.vendor(parameters_of(search).get("vendor") or first)
        if not clicks or facts is None or not may_act():
            return (no_update,) * 11
        now = await agreed_with(context.db, facts.name)
        set_by = f"Set by {now.by}." if now.by else "Nothing is agreed yet."
        share = None if now.availability is None else round(now.availability * 100, 4)
        lines = "\n".join(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}" for start, end in now.maintenance)
        text = html.P([html.Strong(facts.label), f": {set_by} Every report of this vendor is held against it."])
        return True, text, facts.name, share, now.p95, lines, "", None, None, None, None

    @app.callback(
        Output("sla-modal", "opened", allow_duplicate=True),
        Output("sla-availability", "error", allow_duplicate=True),
        Output("sla-p95", "error", allow_duplicate=True),
        Output("sla-maintenance", "error", allow_duplicate=True),
        Output("sla-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("sla-yes", "n_clicks"),
        State("sla-vendor", "data"),
        State("sla-availability", "value"),
        State("sla-p95", "value"),
        State("sla-maintenance", "value"),
        State("sla-reason", "value"),
        prevent_initial_call=True,
    )
    async def save(
        yes: int | None, vendor: str | None, availability: Any, p95: Any, maintenance: str | None, reason: str | None
    ) -> tuple[Any, ...]:
        if not yes:
            return (no_update,) * 7
        user = who_may("operate")
        if user is None:
            return False, None, None, None, None, no_update, not_allowed("say what is agreed")
        if context.vendor(vendor or "") is None:
            return (no_update,) * 7
        share, share_wrong = number(availability, 50, 100, "%")
        seconds, seconds_wrong = number(p95, 0.001, 600, "seconds")
        stretches, lines_wrong = stretches_of(maintenance or "", context.now())
        wrong = (share_wrong, seconds_wrong, lines_wrong, reason_problem(reason))
        if any(wrong):
            return True, *wrong, no_update, no_update
        target = Agreed(availability=None if share is None else share / 100, p95=seconds, maintenance=stretches)
        now = context.now()
        await agree(context.db, str(vendor), target, by=user.label, reason=str(reason).strip(), now=now)
        told = toast("Noted", f"Reports of {context.label(str(vendor))} are held against it.", "blue")
        return False, None, None, None, None, now.timestamp(), [told]


def number(value: Any, lowest: float, highest: float, unit: str) -> tuple[float | None, str | None]:
    """Return a number that may be left out, and what is wrong with it."""
    if value in (None, ""):
        return None, None
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        return None, f"Give {lowest:g} to {highest:g} {unit}, or leave it empty."
    return float(value), None


def stretches_of(text: str, now: datetime) -> tuple[list[tuple[datetime, datetime]], str | None]:
    """Return the stretches that lines name, and what is wrong with the first that names none."""
    found: list[tuple[datetime, datetime]] = []
    for line in (line.strip() for line in text.splitlines() if line.strip()):
        begin, to, end = line.partition(" to ")
        try:
            if not to:
                raise ValueError("write it as 2026-10-03 02:00 to 2026-10-03 04:00.")
            start, stop = moment(begin, _UTC, now), moment(end, _UTC, now)
            if start >= stop:
                raise ValueError("it ends before it starts.")
        except ValueError as error:
            return [], f"“{line[:40]}”: {error}"
        found.append((start, stop))
    if len(found) > MOST_STRETCHES:
        return [], f"Give {MOST_STRETCHES} stretches at most; what is long past can go."
    return sorted(found), None
