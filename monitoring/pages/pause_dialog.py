"""The dialogs that hold a sync's schedule back, with a reason and an end, and that let it go on."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import schedules
from db.schedules import ScheduleEdit
from monitoring import units
from monitoring.context import DashboardContext, who_may
from monitoring.pages import dialog as dialogs
from monitoring.pages.circuit_dialog import ENDS, end_of
from monitoring.pages.schedule_dialog import facts_of, in_force, spoken
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.schedule import upcoming
from monitoring.timerange import TimeRange, time_range, zone_named


def dialog() -> Component:
    """Return both dialogs, closed."""
    ends = [{"value": value, "label": label} for value, (label, _) in ENDS.items() if value != "never"]
    return html.Div(
        [
            dcc.Store(id="pause-asked"),
            dcc.Store(id="pause-sync"),
            dialogs.dialog(
                "pause",
                title="Pause a schedule",
                yes="Pause it",
                body=[
                    dmc.Select(
                        id="pause-ends",
                        label="It goes on",
                        description="By itself then, whoever is awake.",
                        data=[*ends, {"value": "never", "label": "When somebody resumes it"}],
                        value="1h",
                        allowDeselect=False,
                        mt="md",
                    ),
                ],
                hint="People who find it so read it, and it stays in the audit. No personal data, please.",
            ),
            dialogs.dialog("resume", title="Resume a schedule", yes="Resume it", no="Leave it paused", reason=""),
        ]
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog that fits the sync that was clicked; pause it, or let it go on."""
    dialogs.asked(app, "pause-asked", {"act": "pause", "sync": ALL})
    dialogs.closes(app, "pause")
    dialogs.closes(app, "resume")

    @app.callback(
        Output("pause-modal", "opened", allow_duplicate=True),
        Output("resume-modal", "opened", allow_duplicate=True),
        Output("pause-facts", "children"),
        Output("resume-facts", "children"),
        Output("pause-sync", "data"),
        Output("pause-reason", "value"),
        Output("pause-reason", "error", allow_duplicate=True),
        Input("pause-asked", "data"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def ask_pause(asked: dict[str, Any] | None, zone: str | None) -> tuple[Any, ...]:
        facts = facts_of(context, str((asked or {}).get("sync", "")))
        if facts is None:
            return (no_update,) * 7
        now = context.now()
        edit = await schedules.find(context.db, facts.name)
        if edit is not None and edit.is_paused(now):
            at = await upcoming(context.hands.next_times, in_force(facts, edit), now)
            then = f"It then runs next at {spoken(at, zone)}." if at else "It then runs by its schedule."
            held = html.P([html.Strong(facts.label), " is paused ", *why(edit, time_range("", zone, now)), "."])
            after = html.P(f"{then} Slots of the pause are not made up for, and failures of before count no more.")
            return False, True, no_update, [held, after], facts.name, no_update, None
        text = html.P(
            [
                html.Strong(facts.label),
                " starts no run by itself until then; “Run now” still works, and a run under way goes on to its end.",
            ]
        )
        return True, False, text, no_update, facts.name, "", None

    @app.callback(
        Output("pause-modal", "opened", allow_duplicate=True),
        Output("pause-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("pause-yes", "n_clicks"),
        State("pause-sync", "data"),
        State("pause-ends", "value"),
        State("pause-reason", "value"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def pause(
        yes: int | None, name: str | None, ends: str | None, reason: str | None, zone: str | None
    ) -> tuple[Any, ...]:
        facts = facts_of(context, str(name))
        if not yes or facts is None:
            return (no_update,) * 4
        user = who_may("operate")
        if user is None:
            return False, None, no_update, not_allowed("pause a sync")
        if wrong := reason_problem(reason):
            return True, wrong, no_update, no_update
        now = context.now()
        until = end_of(ends, now)
        done = await schedules.pause(
            context.db, facts.name, reason=str(reason).strip(), by=user.label, now=now, until=until
        )
        if done:
            when = f"until {units.clock(until, zone_named(zone), now)}" if until else "until somebody resumes it"
            told = toast(f"{facts.label} is paused {when}", "“Resume…” in its panel lets it go on.", "blue")
        else:
            told = toast("Paused before", "Somebody else has paused it; the panel says who and why.", "gray")
        return False, None, now.timestamp(), [told]

    @app.callback(
        Output("resume-modal", "opened", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("resume-yes", "n_clicks"),
        State("pause-sync", "data"),
        prevent_initial_call=True,
    )
    async def resume(yes: int | None, name: str | None) -> tuple[Any, ...]:
        facts = facts_of(context, str(name))
        if not yes or facts is None:
            return (no_update,) * 3
        user = who_may("operate")
        if user is None:
            return False, no_update, not_allowed("resume a sync")
        now = context.now()
        if await schedules.resume(context.db, facts.name, reason=None, by=user.label, now=now):
            told = toast(f"{facts.label} goes on", "It runs by its schedule again, from the next slot on.", "blue")
        else:
            told = toast("Nothing to resume", "It is not paused any more.", "gray")
        return False, now.timestamp(), [told]


def why(edit: ScheduleEdit, view: TimeRange) -> list[Component | str]:
    """Return who paused a sync, until when and why, to stand behind "paused "."""
    until = f" until {units.clock(edit.paused_until, view.zone, view.now)}" if edit.paused_until else ""
    reason = (edit.pause_reason or "").rstrip(".")
    by = "because it kept failing" if edit.paused_run else f"by {edit.paused_by}"
    return [f"{by}{until}", f": {reason}" if reason else ""]
