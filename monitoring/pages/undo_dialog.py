"""The dialog that undoes conflicts, one or all of a run: what it restores, why, and when it will refuse."""

from __future__ import annotations

from typing import Any

from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import conflicts
from db.conflicts import StoredConflict, Undone
from monitoring import units
from monitoring.context import DashboardContext, who_may
from monitoring.pages import dialog as dialogs
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem


def dialog() -> Component:
    """Return the dialog, closed."""
    return html.Div(
        [
            dcc.Store(id="undo-asked"),
            dcc.Store(id="undo-what"),
            dialogs.dialog("undo", title="Undo", yes="Undo it", hurts=True),
        ]
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog on what was clicked, and undo that."""
    dialogs.asked(app, "undo-asked", *({"row": ALL, "act": act} for act in ("undo", "undo_run")))

    @app.callback(
        Output("undo-modal", "opened", allow_duplicate=True),
        Output("undo-modal", "title"),
        Output("undo-facts", "children"),
        Output("undo-what", "data"),
        Output("undo-reason", "value"),
        Output("undo-reason", "error", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("undo-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        stay = (no_update,) * 7
        wanted = _wanted(asked)
        if wanted is None:
            return stay
        name, act = wanted
        what = {"row": name, "act": act}
        if act == "undo_run":
            number = await conflicts.count(context.db, conflicts.Filters(run_id=name, which="open"))
            facts = _of_run(number)
            return True, "Undo all decisions of this run?", facts, what, "", None, no_update
        conflict = await conflicts.get(context.db, name)
        if conflict is None or conflict.undone_at is not None:
            return (*stay[:6], [toast("Nothing to undo", "It was undone before, or is not kept any more.", "gray")])
        return True, "Undo this decision?", _of_one(conflict), what, "", None, no_update

    dialogs.closes(app, "undo")

    @app.callback(
        Output("undo-modal", "opened", allow_duplicate=True),
        Output("undo-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("undo-yes", "n_clicks"),
        State("undo-what", "data"),
        State("undo-reason", "value"),
        prevent_initial_call=True,
    )
    async def undo(yes: int | None, what: dict[str, Any] | None, reason: str | None) -> tuple[Any, ...]:
        wanted = _wanted(what)
        if not yes or wanted is None:
            return (no_update,) * 4
        user = who_may("operate")
        if user is None:
            return False, None, no_update, not_allowed("undo")
        wrong = reason_problem(reason)
        if wrong is not None:
            return True, wrong, no_update, no_update
        name, act = wanted
        why, now = str(reason).strip(), context.now()
        if act == "undo_run":
            told = _told(await conflicts.undo_run(context.db, name, by=user.label, reason=why, now=now))
        else:
            why_not = await conflicts.undo(context.db, name, by=user.label, reason=why, now=now)
            told = (
                toast("Undone", "The other side hears of it in the next run.", "blue")
                if why_not is None
                else toast("Not undone", f"Nothing was changed. {why_not}", "gray")
            )
        return False, None, now.timestamp(), [told]


def _wanted(asked: Any) -> tuple[str, str] | None:
    """Return what is to be undone, and whether it is one or a run; None for anything else."""
    if not isinstance(asked, dict):
        return None
    name, act = asked.get("row"), asked.get("act")
    return (name, act) if isinstance(name, str) and act in ("undo", "undo_run") else None


def _told(done: Undone) -> dict[str, Any]:
    if not done.refused:
        return toast(
            f"{units.plural(done.done, 'decision')} undone", "The other side hears of it in the next run.", "blue"
        )
    some = " ".join(list(done.refused.values())[:2])
    return toast(f"{done.done} undone, {len(done.refused)} left as they are", some, "gray")


def _of_one(conflict: StoredConflict) -> Component:
    won, _ = conflict.winning
    who = "ERP" if conflict.winner == "erp" else "platform"
    return html.Div(
        [
            html.P(
                [
                    html.Span(conflict.item, className="q-mono"),
                    f": {conflict.field} was {conflict.erp_value} in the ERP and {conflict.platform_value} on the platform; "
                    f"the {who} won ({conflict.rule}).",
                ]
            ),
            html.P(
                f"It is set from {won} back to {conflict.losing} here, and the next run brings that to the other side. If "
                "it has changed since the decision, nothing is done and you are told so."
            ),
        ]
    )


def _of_run(number: int) -> Component:
    return html.P(
        f"{units.plural(number, 'decision')} of this run are undone, each as if alone: the loser gets its value back, and "
        "the next run brings it to the other side. What has changed since is left as it is and named."
    )
