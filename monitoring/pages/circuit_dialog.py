"""The dialog that sets a circuit by hand: each choice with its consequences, the reason, when it ends by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import circuit_acts, circuits
from db.circuits import BY_HAND, CircuitRow
from monitoring import units
from monitoring.consequences import Reach, of_state, reach
from monitoring.context import DashboardContext, who_may
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import badge
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.timerange import zone_named

ENDS: Mapping[str, tuple[str, float | None]] = {  # seconds
    "15m": ("In 15 minutes", 900.0),
    "1h": ("In an hour", 3600.0),
    "4h": ("In 4 hours", 14400.0),
    "24h": ("In 24 hours", 86400.0),
    "7d": ("In 7 days", 604800.0),
    "never": ("When somebody changes it", None),
}
WORDS = {
    "forced_open": "Hold it open",
    "disabled": "Send everything, count nothing",
    "watch_only": "Watch only",
}
TOLD = {
    "forced_open": "is held open",
    "disabled": "is disabled",
    "watch_only": "only watches",
    "closed": "is back to its own judgement",
}


def dialog() -> Component:
    """Return the dialog, closed."""
    return html.Div(
        [
            dcc.Store(id="circuit-asked"),
            dcc.Store(id="circuit-seen"),
            dialogs.dialog(
                "circuit",
                title="Set a circuit by hand",
                yes="Set it",
                body=[
                    dmc.RadioGroup(
                        html.Div(id="circuit-choices"),
                        id="circuit-state",
                        label="What is it to do?",
                        withAsterisk=True,
                    ),
                    dmc.Select(
                        id="circuit-ends",
                        label="Back to automatic",
                        description="It falls back by itself then, whoever is awake.",
                        data=[{"value": value, "label": label} for value, (label, _) in ENDS.items()],
                        value="1h",
                        allowDeselect=False,
                        mt="md",
                    ),
                ],
                hint="People who find it so read it, and it stays in the audit. No personal data, please.",
            ),
        ]
    )


def choices(row: CircuitRow, found: Reach) -> Component:
    """Return what can be done with a circuit, each with what it means."""
    offered = [(state, word) for state, word in WORDS.items() if state != row.state]
    if row.state in BY_HAND:
        offered.insert(0, ("closed", "Back to automatic"))
    elif row.state != "closed":
        offered.insert(0, ("closed", "Close it now"))
    part = row.name.partition("/")[2]
    return html.Div(
        [
            dmc.Radio(label=word, description=of_state(found, state, part), value=state, id=f"circuit-to-{state}")
            for state, word in offered
        ],
        className="q-options",
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog on the circuit that was clicked, set it, and take an act back."""
    dialogs.asked(app, "circuit-asked", {"row": ALL, "act": "circuit"})
    dialogs.asked(app, "circuit-back", {"row": ALL, "act": "take_back"})

    @app.callback(
        Output("circuit-modal", "opened", allow_duplicate=True),
        Output("circuit-facts", "children"),
        Output("circuit-choices", "children"),
        Output("circuit-seen", "data"),
        Output("circuit-state", "value"),
        Output("circuit-reason", "value"),
        Output("circuit-state", "error", allow_duplicate=True),
        Output("circuit-reason", "error", allow_duplicate=True),
        Input("circuit-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        name = str((asked or {}).get("row", ""))
        facts = context.vendor(name.partition("/")[0])
        if facts is None:
            return (no_update,) * 8
        now = context.now()
        row = await circuits.state(context.db, name) or unused(name, now)
        found = await reach(context, facts, now)
        return True, known(row, context), choices(row, found), [name, row.version], None, "", None, None

    dialogs.closes(app, "circuit")

    @app.callback(
        Output("circuit-modal", "opened", allow_duplicate=True),
        Output("circuit-state", "error", allow_duplicate=True),
        Output("circuit-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("circuit-yes", "n_clicks"),
        State("circuit-seen", "data"),
        State("circuit-state", "value"),
        State("circuit-ends", "value"),
        State("circuit-reason", "value"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def act(
        yes: int | None, seen: Any, state: str | None, ends: str | None, reason: str | None, zone: str | None
    ) -> tuple[Any, ...]:
        circuit = _seen(seen)
        if not yes or circuit is None:
            return (no_update,) * 5
        user = who_may("operate")
        if user is None:
            return False, None, None, no_update, not_allowed()
        name, version = circuit
        vendor = name.partition("/")[0]
        wrong = (
            None if state in TOLD else "Choose what it is to do.",
            reason_problem(reason),
        )
        if any(wrong) or state is None or context.vendor(vendor) is None:
            return True, *wrong, no_update, no_update
        now = context.now()
        until = end_of(ends, now) if state in BY_HAND else None
        row = await circuit_acts.set_by_hand(
            context.db,
            name,
            vendor,
            state,
            reason=str(reason).strip(),
            by=user.label,
            expires_at=until,
            now=now,
            version=version,
        )
        if row is None:
            told = toast("Not done", "The circuit has changed since you looked. Look at it and decide again.", "gray")
        else:
            when = f" until {units.clock(until, zone_named(zone), now)}" if until else ""
            told = toast(
                f"{title_of(name, context)} {TOLD[state]}{when}",
                "Every process follows within a second. “Take back” in its row undoes it.",
                "blue",
            )
        return False, None, None, now.timestamp(), [told]

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("circuit-back", "data"),
        prevent_initial_call=True,
    )
    async def take_back(asked: dict[str, Any] | None) -> tuple[Any, Any]:
        name, _, version = str((asked or {}).get("row", "")).rpartition("@")
        if not name or not version.isdecimal():
            return no_update, no_update
        user = who_may("operate")
        if user is None:
            return no_update, not_allowed()
        now = context.now()
        row = await circuit_acts.take_back(context.db, name, version=int(version), by=user.label, now=now)
        if row is None:
            return now.timestamp(), [toast("Nothing to take back", "The circuit has moved on since.", "gray")]
        as_before = f"It is {row.state.replace('_', ' ')}, as before."
        return now.timestamp(), [toast(f"Taken back: {title_of(name, context)}", as_before, "blue")]


def _seen(seen: Any) -> tuple[str, int] | None:
    """Return name and version of the circuit the dialog was opened on; None for anything else."""
    if isinstance(seen, list) and len(seen) == 2 and isinstance(seen[0], str) and isinstance(seen[1], int):
        return seen[0], seen[1]
    return None


def end_of(choice: str | None, now: datetime) -> datetime | None:
    """Return when a state set by hand ends; None for never. What is no choice ends in an hour."""
    seconds = ENDS.get(choice or "", ENDS["1h"])[1]
    return None if seconds is None else now + timedelta(seconds=seconds)


def unused(name: str, now: datetime) -> CircuitRow:
    """Return the circuit of a vendor that nothing has ever happened to."""
    return CircuitRow(name=name, vendor=name.partition("/")[0], state="closed", changed_at=now)


def title_of(name: str, context: DashboardContext) -> str:
    """Return how people call a circuit: the vendor, and which part of it."""
    vendor, _, part = name.partition("/")
    return f"{context.label(vendor)} · {part}" if part else context.label(vendor)


def known(row: CircuitRow, context: DashboardContext) -> Component:
    """Return what is known of a circuit before anything is done."""
    why = f"{row.reason}{f' (by {row.by})' if row.by else ''}" if row.reason else "It has never opened."
    return html.Div(
        [html.Strong(title_of(row.name, context)), " ", badge(row.state), html.P(why, className="q-dim")],
        className="q-first",
    )
