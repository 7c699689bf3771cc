"""The dialog that decides about a plan: what it will do, why, and what it cannot take back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import plan_rows, plans
from db.plans import Act, Plan
from monitoring import units
from monitoring.context import DashboardContext, who_may
from monitoring.pages import dialog as dialogs
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem

WORDS: Mapping[str, str] = {
    "apply": "Apply the plan",
    "unmoved": "Apply what has not moved",
    "go_on": "Let it go on once",
    "throw_away": "Throw the plan away",
}
_TOLD: Mapping[str, tuple[str, str]] = {
    "apply": ("The plan will be applied", "The scheduler does it within two seconds, in a run of its own."),
    "unmoved": ("What has not moved will be applied", "The scheduler does it within two seconds."),
    "go_on": ("It may go on once", "A run has been queued; it reads everything anew, and stops if it would do more."),
    "throw_away": ("Thrown away", "Nothing was written. The next run reads everything anew."),
}


def dialog() -> Component:
    """Return the dialog, closed."""
    return html.Div(
        [
            dcc.Store(id="plan-asked"),
            dcc.Store(id="plan-decided"),
            dialogs.dialog("plan", title="Decide about this plan", yes="Do it", hurts=True),
        ]
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog on what was clicked, and do what it says."""
    dialogs.asked(app, "plan-asked", {"row": ALL, "act": "plan", "how": ALL})

    @app.callback(
        Output("plan-modal", "opened", allow_duplicate=True),
        Output("plan-modal", "title"),
        Output("plan-facts", "children"),
        Output("plan-yes", "children"),
        Output("plan-decided", "data"),
        Output("plan-reason", "value"),
        Output("plan-reason", "error", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("plan-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        stay = (no_update,) * 8
        wanted = _wanted(asked)
        if wanted is None:
            return stay
        run_id, act = wanted
        plan = await plans.get(context.db, run_id)
        if plan is None:
            return (*stay[:7], [toast("Nothing to decide", "This plan is not kept any more.", "gray")])
        facts = await consequences(context, plan, act)
        return True, f"{WORDS[act]}?", facts, WORDS[act], {"row": run_id, "how": act}, "", None, no_update

    dialogs.closes(app, "plan")

    @app.callback(
        Output("plan-modal", "opened", allow_duplicate=True),
        Output("plan-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("plan-yes", "n_clicks"),
        State("plan-decided", "data"),
        State("plan-reason", "value"),
        prevent_initial_call=True,
    )
    async def decide(yes: int | None, decided: dict[str, Any] | None, reason: str | None) -> tuple[Any, ...]:
        wanted = _wanted(decided)
        if not yes or wanted is None:
            return (no_update,) * 4
        run_id, act = wanted
        user = who_may("trigger")
        if user is None:
            return False, None, no_update, not_allowed("decide about plans")
        wrong = reason_problem(reason)
        if wrong is not None:
            return True, wrong, no_update, no_update
        now = context.now()
        done = await plans.decide(
            context.db, run_id, act, by=user.label, trigger="user", reason=str(reason).strip(), now=now
        )
        if done is not None:
            told = toast(*_TOLD[act], "blue")
        else:
            plan = await plans.get(context.db, run_id)
            why = plans.why_not(plan, act, now) if plan else "It is not kept any more."
            told = toast("Not done", f"Nothing was changed. {why}", "gray")
        return False, None, now.timestamp(), [told]


def _wanted(asked: Any) -> tuple[str, Act] | None:
    """Return the plan and the act of a click; None for anything else."""
    if not isinstance(asked, dict):
        return None
    run_id = asked.get("row")
    act: Act | None = next((one for one in get_args(Act) if one == asked.get("how")), None)
    return (run_id, act) if isinstance(run_id, str) and act is not None else None


async def consequences(context: DashboardContext, plan: Plan, act: str) -> Component:
    """Return what a decision will do, for the one who takes it."""
    label = context.label(plan.sync)
    changes = units.plural(plan.total, "change")
    if act == "apply":
        said = (
            f"{changes} of {label} are written, on both sides. Before that every row is compared with both sides as they "
            "are now; if one has moved, nothing is written at all and the rows are named."
        )
    elif act == "unmoved":
        moved = await plan_rows.count(context.db, plan.run_id, plan_rows.RowFilters(state="moved"))
        said = (
            f"{units.plural(moved, 'row')} of {units.count(plan.total)} have moved since the plan was made and are left "
            "as they are. All others are written, on both sides."
        )
    elif act == "go_on":
        said = (
            f"A run of {label} starts, reads everything anew, and may change as much as this plan would, on each side, but "
            "no more. That leave is good for one run within an hour. What it writes cannot be taken back as a whole."
        )
    elif plan.source == "guard":
        said = f"{label} does not go on with it. The next run reads everything anew, and stops again if it still would."
    else:
        said = "It cannot be applied any more. Nothing else changes."
    parts: list[Component] = [html.P(said)]
    if plan.stopped and act == "go_on":
        parts.insert(0, html.P(plan.stopped, className="q-sentence q-edge-bad"))
    return html.Div(parts)
