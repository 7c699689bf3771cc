"""How long each kind of thing is kept: the file's age, the edit that wins over it, the size, what the next prune takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db.edited import go_back
from db.kept import COUNTED_UP_TO, NAMES, edit_age, next_prune, retention_now, size_of
from db.overrides import Override
from monitoring import units
from monitoring.context import DashboardContext, is_admin
from monitoring.pages import dialog as dialogues
from monitoring.pages.marks import aria, figure, moment
from monitoring.pages.settings_acts import admin, clicked, not_allowed
from monitoring.pages.states import empty, shown
from monitoring.pages.table import table
from monitoring.pages.toast import toast
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange

_KINDS: Mapping[str, str] = {
    "bodies": "Redacted requests and answers, and the inputs a call is replayed with",
    "calls": "Calls with their attempts",
    "minute_rollups": "Sums by the minute",
    "five_minute_rollups": "Sums by five minutes",
    "hour_rollups": "Sums by the hour; vendor reports are made of them",
    "sync_runs": "Runs with their conflicts and settled dead letters",
    "incidents": "Resolved incidents, and what circuits did",
    "rate_snapshots": "Exchange rates",
    "audit": "Who did what",
    "answers": "Answers kept for when a vendor does not answer",
    "events": "What vendors pushed to us",
}


def dialogs() -> list[Component]:
    """Return the dialog, closed."""
    return [
        dcc.Store(id="keep-name"),
        dialogues.dialog(
            "keep",
            title="Keep it for how long?",
            yes="Keep it so long",
            body=[
                dmc.NumberInput(id="keep-days", label="Days", min=0.05, max=3650, decimalScale=2, withAsterisk=True),
                dmc.Checkbox(id="keep-file", label="Go back to what the file says", mt="sm"),
            ],
            hurts=True,
        ),
    ]


async def read(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return the ages, and the size of the database."""
    ages, edits = await retention_now(context.db, context.retention)
    size = await size_of(context.db)
    return [
        html.Section(
            [
                html.Div(
                    [html.H2("The database"), html.Span(context.db.dialect, className="q-sub")],
                    className="q-panel-head",
                ),
                html.Div([figure(bytes_of(size), "Size now")], className="q-figures"),
                dmc.Button(
                    "Count what the next prune would delete", id="keep-count", size="compact-sm", variant="default"
                ),
                html.Div(id="keep-counted", **aria(live="polite")),
            ],
            className="q-panel",
        ),
        html.Section(
            [
                html.Div(
                    [html.H2("Kept for"), html.Span("pruned every hour by the scheduler", className="q-sub")],
                    className="q-panel-head",
                ),
                ages_table(asdict(context.retention), asdict(ages), edits, view),
            ],
            className="q-panel",
        ),
    ]


def ages_table(
    file: Mapping[str, float], holds: Mapping[str, float], edits: Mapping[str, Override], view: TimeRange
) -> Component:
    """Return a row per kind: what holds, what the file says, who edited it and why."""
    rows = []
    for name in NAMES:
        edit = edits.get(name)
        rows.append(
            [
                html.Div([html.Span(_KINDS.get(name, name)), html.Code(f"retention.{name}")], className="q-stack"),
                days_of(holds[name]),
                days_of(file[name]),
                html.Div(
                    [
                        html.Span([f"{edit.by}, ", moment(edit.at, view)]),
                        html.Span(edit.reason or "", className="q-dim"),
                    ],
                    className="q-stack",
                )
                if edit
                else html.Span("as in the file", className="q-dim"),
                dmc.Button(
                    "Change…", id={"keep": name}, size="compact-xs", variant="default", **aria(label=f"Change {name}")
                ),
            ]
        )
    return table(("What", ">Kept for", ">In the file", "Edited", ""), rows, caption="How long things are kept")


def days_of(days: float) -> str:
    """Return an age in words."""
    return units.plural(int(days), "day") if days == int(days) else units.span(days * 86400)


def bytes_of(size: int) -> str:
    """Return a size in MB or GB."""
    return f"{size / 1e9:.2f}\u202fGB" if size >= 1e9 else f"{size / 1e6:.1f}\u202fMB"


def counted(found: Mapping[str, int]) -> Component:
    """Return what the next prune would delete, the most first."""
    if not found:
        return empty("Nothing is over.", "The next prune deletes nothing.", mark="healthy")
    rows = [
        [name.replace("_", " "), f"over {COUNTED_UP_TO:,}" if count > COUNTED_UP_TO else units.count(count)]
        for name, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return table(("Table", ">Rows over"), rows, caption="What the next prune would delete")


def register(app: Dash, context: DashboardContext) -> None:
    """Count, open the dialog, change ages and go back."""
    dialogues.closes(app, "keep")

    @app.callback(Output("keep-counted", "children"), Input("keep-count", "n_clicks"), prevent_initial_call=True)
    async def count(clicks: int | None) -> Any:
        if not clicks or not is_admin():
            return no_update

        async def counting() -> Component:
            ages, _edits = await retention_now(context.db, context.retention)
            return counted(await next_prune(context.db, ages, context.now()))

        return await shown("settings.kept", counting())

    @app.callback(
        Output("keep-modal", "opened", allow_duplicate=True),
        Output("keep-facts", "children"),
        Output("keep-name", "data"),
        Output("keep-days", "value"),
        Output("keep-file", "checked"),
        Output("keep-file", "disabled"),
        Output("keep-reason", "value"),
        Output("keep-days", "error", allow_duplicate=True),
        Output("keep-reason", "error", allow_duplicate=True),
        Input({"keep": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_age(_clicks: list[int | None]) -> tuple[Any, ...]:
        name = clicked("keep")
        if name not in NAMES or not is_admin():
            return (no_update,) * 9
        ages, edits = await retention_now(context.db, context.retention)
        text = (
            f"{_KINDS.get(str(name), name)}: {days_of(asdict(ages)[name])} now. What is older than the new age is deleted "
            "within the hour, and nothing brings it back."
        )
        return True, html.P(text), name, asdict(ages)[name], False, name not in edits, "", None, None

    @app.callback(
        Output("keep-modal", "opened", allow_duplicate=True),
        Output("keep-days", "error", allow_duplicate=True),
        Output("keep-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("keep-yes", "n_clicks"),
        State("keep-name", "data"),
        State("keep-days", "value"),
        State("keep-file", "checked"),
        State("keep-reason", "value"),
        prevent_initial_call=True,
    )
    async def save_age(
        yes: int | None, name: str | None, days: Any, file: bool | None, reason: str | None
    ) -> tuple[Any, ...]:
        if not yes:
            return (no_update,) * 5
        user = admin()
        if user is None:
            return False, None, None, no_update, not_allowed("change what is kept")
        if name not in NAMES:
            return (no_update,) * 5
        if problem := reason_problem(reason):
            return True, None, problem, no_update, no_update
        why, now = str(reason).strip(), context.now()
        if file:
            act = "retention.back_to_file"
            await go_back(context.db, f"retention.{name}", act=act, by=user.label, reason=why, now=now)
            return False, None, None, now.timestamp(), [toast("Changed", "The file holds again.", "blue")]
        if isinstance(days, bool) or not isinstance(days, int | float):
            return True, "Give a number of days.", None, no_update, no_update
        try:
            await edit_age(context.db, context.retention, name, float(days), by=user.label, reason=why, now=now)
        except ValueError as error:
            return True, f"{error}.", None, no_update, no_update
        told = toast("Changed", f"{_KINDS.get(name, name)}: kept for {days_of(float(days))}.", "blue")
        return False, None, None, now.timestamp(), [told]
