"""The dialog that settles an unknown outcome by hand: what is known, the two choices with what they mean, the reason."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import keys, outcomes
from db.keys import KeyRow
from monitoring import units
from monitoring.context import DashboardContext, who_may
from monitoring.outcome_id import named_by
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import aria
from monitoring.pages.toast import not_allowed, toast
from monitoring.reasons import reason_problem

_CHOICES = (
    (
        "happened",
        "It happened",
        "The vendor has it. Quayside will never send it again: a retry under the same key gets the vendor's answer from "
        "a look-up, or is refused and told why.",
    ),
    (
        "did_not_happen",
        "It did not happen",
        "The vendor does not have it. A retry under the same key will be sent. If the vendor has it after all, it then "
        "happens twice.",
    ),
)


def dialog() -> Component:
    """Return the dialog, closed."""
    return html.Div(
        [
            dcc.Store(id="settle-asked"),
            dcc.Store(id="settle-id"),
            dialogs.dialog(
                "settle",
                title="Settle an unknown outcome",
                yes="Settle it",
                no="Leave it unknown",
                body=[
                    dmc.RadioGroup(
                        html.Div(
                            [
                                dmc.Radio(label=label, description=meaning, value=value)
                                for value, label, meaning in _CHOICES
                            ],
                            className="q-options",
                        ),
                        id="settle-found",
                        label="What did you find at the vendor?",
                        withAsterisk=True,
                    )
                ],
                reason="How do you know?",
                hint="It stays with the outcome and in the audit. No personal data, please.",
            ),
        ]
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialog on what was clicked, and settle what it says."""
    dialogs.asked(app, "settle-asked", {"settle": ALL})

    @app.callback(
        Output("settle-modal", "opened", allow_duplicate=True),
        Output("settle-facts", "children"),
        Output("settle-id", "data"),
        Output("settle-found", "value"),
        Output("settle-reason", "value"),
        Output("settle-found", "error", allow_duplicate=True),
        Output("settle-reason", "error", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("settle-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        stay = (no_update,) * 8
        if asked is None:
            return stay
        id = str(asked["settle"])
        named = named_by(id)
        row = await outcomes.find(context.db, *named, now=context.now()) if named else None
        if row is None or row.state != "unknown":
            return (*stay[:7], [toast("Nothing to settle", "This is not unknown any more.", "gray")])
        return True, known(row, context), id, None, "", None, None, no_update

    dialogs.closes(app, "settle")

    @app.callback(
        Output("settle-modal", "opened", allow_duplicate=True),
        Output("settle-found", "error", allow_duplicate=True),
        Output("settle-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("settle-yes", "n_clicks"),
        State("settle-id", "data"),
        State("settle-found", "value"),
        State("settle-reason", "value"),
        prevent_initial_call=True,
    )
    async def settle(yes: int | None, id: str | None, found: str | None, reason: str | None) -> tuple[Any, ...]:
        named = named_by(id) if isinstance(id, str) else None
        if not yes or named is None:
            return (no_update,) * 5
        user = who_may("operate")
        if user is None:
            return False, None, None, no_update, not_allowed("settle")
        wrong = problems_of(found, reason)
        if any(wrong):
            return True, *wrong, no_update, no_update
        verdict: outcomes.Found = "happened" if found == "happened" else "did_not_happen"
        now = context.now()
        done = await outcomes.settle(
            context.db, *named, found=verdict, reason=str(reason).strip(), by=user.label, now=now
        )
        if done is not None:
            told = toast("Settled", _CONSEQUENCE[verdict], "blue")
        else:
            row = await keys.find(context.db, *named)
            why = outcomes.why_not(row) if row else "it is not there any more."
            told = toast("Not settled", f"Nothing was changed: {why}", "gray")
        return False, None, None, now.timestamp(), [told]


_CONSEQUENCE = {
    "happened": "It happened; it is never sent again.",
    "did_not_happen": "It did not happen; a retry under the same key will be sent.",
}


def problems_of(found: str | None, reason: str | None) -> tuple[str | None, str | None]:
    """Return what is wrong with the choice and with the reason; None where nothing is."""
    return None if found in _CONSEQUENCE else "Choose what you found.", reason_problem(reason)


def known(row: KeyRow, context: DashboardContext) -> Component:
    """Return what is known of an outcome, for the one who has to decide."""
    since = units.span((context.now() - row.created_at).total_seconds())
    return html.Div(
        [
            html.P(row.note, className="q-sentence q-edge-warn") if row.note else None,
            html.Dl(
                [
                    *_fact("Write", f"{context.label(row.vendor)} · {row.operation}"),
                    *(_fact("Reference", html.Span(row.reference, className="q-mono")) if row.reference else []),
                    *_fact("Key", html.Span(row.key, className="q-mono")),
                    *_fact("Unknown for", since),
                ],
                className="q-facts",
                **aria(label="What is known"),
            ),
        ]
    )


def _fact(name: str, value: Component | str) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]
