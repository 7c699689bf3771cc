"""The dialog that edits a sync's schedule: the text with its next five times, and how many failures pause it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import schedules
from db.schedules import ScheduleEdit
from monitoring.context import DashboardContext, who_may
from monitoring.facts import SyncFacts
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import aria
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem
from monitoring.schedule import MOST_FAILURES, failures_problem, schedule_problem
from monitoring.timerange import zone_named


def dialog() -> Component:
    """Return the dialog, closed."""
    return html.Div(
        [
            dcc.Store(id="schedule-asked"),
            dcc.Store(id="schedule-seen"),
            dialogs.dialog(
                "schedule",
                title="Edit a schedule",
                yes="Let it hold",
                body=[
                    dmc.TextInput(
                        id="schedule-text",
                        label="When it runs",
                        withAsterisk=True,
                        debounce=250,
                        mt="md",
                    ),
                    html.Div(id="schedule-next", className="q-hint", **aria(live="polite")),
                    dmc.NumberInput(
                        id="schedule-failures",
                        label="Pause it after this many failed runs in a row",
                        description="0: never. A run that a vendor's outage ended does not count.",
                        min=0,
                        max=MOST_FAILURES,
                        allowDecimal=False,
                        clampBehavior="none",
                        mt="md",
                    ),
                    dmc.Button(
                        "Put in what the file says",
                        id="schedule-file",
                        variant="subtle",
                        size="compact-sm",
                        mt="sm",
                    ),
                ],
                hint="People who find it so read it, and it stays in the audit. No personal data, please.",
            ),
        ]
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog on the sync that was clicked, show the next times of what is typed, and let it hold."""
    dialogs.asked(app, "schedule-asked", {"act": "schedule", "sync": ALL})
    dialogs.closes(app, "schedule")

    @app.callback(
        Output("schedule-modal", "opened", allow_duplicate=True),
        Output("schedule-facts", "children"),
        Output("schedule-seen", "data"),
        Output("schedule-text", "value", allow_duplicate=True),
        Output("schedule-text", "description"),
        Output("schedule-failures", "value", allow_duplicate=True),
        Output("schedule-failures", "error", allow_duplicate=True),
        Output("schedule-reason", "value"),
        Output("schedule-reason", "error", allow_duplicate=True),
        Input("schedule-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask_schedule(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        facts = facts_of(context, str((asked or {}).get("sync", "")))
        if facts is None:
            return (no_update,) * 9
        edit = await schedules.find(context.db, facts.name)
        how = f"Such as “every 15m”, or a cron expression of five fields such as “0 6 * * 1”, read in {facts.timezone}."
        seen = edit.changed_at.isoformat() if edit is not None else None
        return (
            *(True, known(facts, edit), [facts.name, seen], in_force(facts, edit), how),
            *(pause_after(facts, edit), None, "", None),
        )

    @app.callback(
        Output("schedule-text", "value", allow_duplicate=True),
        Output("schedule-failures", "value", allow_duplicate=True),
        Input("schedule-file", "n_clicks"),
        State("schedule-seen", "data"),
        prevent_initial_call=True,
    )
    async def fill_from_file(clicks: int | None, seen: Any) -> tuple[Any, Any]:
        facts = facts_of(context, _seen(seen)[0])
        return (facts.schedule, facts.pause_after) if clicks and facts is not None else (no_update, no_update)

    @app.callback(
        Output("schedule-text", "error", allow_duplicate=True),
        Output("schedule-next", "children"),
        Input("schedule-text", "value"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def show_next(text: str | None, zone: str | None) -> tuple[str | None, Any]:
        try:
            return None, upcoming(await times(context, text), zone)
        except ValueError as error:
            return str(error), "It has no next time."

    @app.callback(
        Output("schedule-modal", "opened", allow_duplicate=True),
        Output("schedule-text", "error", allow_duplicate=True),
        Output("schedule-failures", "error", allow_duplicate=True),
        Output("schedule-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("schedule-yes", "n_clicks"),
        State("schedule-seen", "data"),
        State("schedule-text", "value"),
        State("schedule-failures", "value"),
        State("schedule-reason", "value"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def edit_schedule(
        yes: int | None, seen: Any, text: str | None, failures: Any, reason: str | None, zone: str | None
    ) -> tuple[Any, ...]:
        name, before = _seen(seen)
        facts = facts_of(context, name)
        if not yes or facts is None:
            return (no_update,) * 6
        user = who_may("operate")
        if user is None:
            return False, None, None, None, no_update, not_allowed("edit schedules")
        now, found = context.now(), None
        try:
            found, bad_text = await times(context, text), None
        except ValueError as error:
            bad_text = str(error)
        wrong = (bad_text, failures_problem(failures), reason_problem(reason))
        if any(wrong) or found is None or text is None:
            return True, *wrong, no_update, no_update
        done = await hold(
            context, facts, text, int(failures), reason=str(reason).strip(), by=user.label, now=now, seen=before
        )
        if not done:
            sentence = "Somebody else has edited it since you looked. Look at it and decide again."
            return False, None, None, None, now.timestamp(), [toast("Not done", sentence, "gray")]
        following = f"It runs next at {spoken(found[0], zone)}." if found else ""
        told = toast(f"{facts.label}: {text.strip()}", f"{following} Every scheduler follows within a second.", "blue")
        return False, None, None, None, now.timestamp(), [told]


async def hold(
    context: DashboardContext,
    facts: SyncFacts,
    text: str,
    failures: int,
    *,
    reason: str,
    by: str,
    now: datetime,
    seen: datetime | None,
) -> bool:
    """Let a schedule hold; what the file says as well is no edit. Return False when it was edited since ``seen``."""
    schedule = None if text.strip() == facts.schedule else text.strip()
    number = None if failures == facts.pause_after else failures
    return await schedules.edit(
        context.db, facts.name, schedule=schedule, pause_after=number, reason=reason, by=by, now=now, seen=seen
    )


async def times(context: DashboardContext, text: str | None) -> Sequence[datetime]:
    """Return the next five times of a schedule. Raise ValueError, as a sentence, for one that cannot be read."""
    return await schedule_problem(context.hands.next_times, text, context.now())


def facts_of(context: DashboardContext, name: str) -> SyncFacts | None:
    """Return the sync of a name, None when there is none."""
    return next((facts for facts in context.syncs if facts.name == name), None)


def in_force(facts: SyncFacts, edit: ScheduleEdit | None) -> str:
    """Return the schedule that holds: the edit's, else the file's."""
    return (edit.schedule if edit is not None else None) or facts.schedule


def pause_after(facts: SyncFacts, edit: ScheduleEdit | None) -> int:
    """Return how many failed runs in a row pause the sync, 0 for never."""
    return facts.pause_after if edit is None or edit.pause_after is None else edit.pause_after


def known(facts: SyncFacts, edit: ScheduleEdit | None) -> Component:
    """Return what holds now and who made it so."""
    lines: list[Component] = [html.P([html.Strong(facts.label), f" · the file says {facts.schedule}"])]
    if edit is not None and edit.edited:
        lines.append(html.P(f"Edited by {edit.by}: {edit.reason}", className="q-sentence"))
    return html.Div(lines)


def upcoming(found: Sequence[datetime], zone: str | None) -> list[Component]:
    """Return the next times in the viewer's zone."""
    lines = [html.Li(html.Time(spoken(at, zone), dateTime=at.isoformat())) for at in found]
    return [html.Span(f"It then runs at ({zone_named(zone).key}):"), html.Ol(lines, className="q-times")]


def spoken(at: datetime, zone: str | None) -> str:
    """Return a moment ahead with its day, in the viewer's zone."""
    return f"{at.astimezone(zone_named(zone)):%a %-d %b %H:%M:%S}"


def _seen(seen: Any) -> tuple[str, datetime | None]:
    """Return the sync the dialog was opened on and when the edit it showed was made; "" for anything else."""
    if not isinstance(seen, list) or len(seen) != 2 or not isinstance(seen[0], str):
        return "", None
    try:
        return seen[0], datetime.fromisoformat(seen[1]).astimezone(UTC) if isinstance(seen[1], str) else None
    except ValueError:
        return "", None
