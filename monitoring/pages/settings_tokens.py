"""API tokens: made with scopes, an end and a rate of their own; the secret is shown once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import tokens
from db.tokens import Token
from monitoring import units
from monitoring.commands import TOKEN_DAYS, add_token
from monitoring.context import DashboardContext, is_admin
from monitoring.identity import SCOPES
from monitoring.pages import dialog as dialogues
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.settings_acts import admin, clicked, not_allowed
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.pages.toast import toast
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange


def dialogs() -> list[Component]:
    """Return the dialogs, closed."""
    return [
        dcc.Store(id="token-name"),
        dialogues.dialog(
            "add-token",
            title="Make a token",
            yes="Make the token",
            body=[
                dmc.TextInput(
                    id="add-token-name", label="Name", description="which program it is for", withAsterisk=True
                ),
                dmc.CheckboxGroup(
                    html.Div(
                        [dmc.Checkbox(label=scope, value=scope, size="xs") for scope in SCOPES], className="q-scopes"
                    ),
                    id="add-token-scopes",
                    label="Scopes",
                    description="Give what it needs and no more.",
                    withAsterisk=True,
                    value=[],
                    mt="sm",
                ),
                dmc.NumberInput(
                    id="add-token-days", label="Days until it ends", value=TOKEN_DAYS, min=1, max=3650, mt="sm"
                ),
                dmc.NumberInput(
                    id="add-token-rate",
                    label="Requests a minute",
                    description="empty: what the file says for all",
                    min=1,
                    max=100_000,
                    mt="sm",
                ),
            ],
            reason="",
        ),
        dialogues.dialog("revoke", title="Revoke a token?", yes="Revoke it", hurts=True),
    ]


async def read(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return all tokens, those that count first."""
    found = sorted(await tokens.list_tokens(context.db), key=lambda token: (not counts(token, view), token.name))
    body = (
        tokens_table(found, context, view)
        if found
        else empty("There is no token.", "A program needs one to use the API; a person does not.")
    )
    return [
        html.Section(
            [
                html.Div(
                    [
                        html.H2("Tokens"),
                        dmc.Button(
                            "Make a token…", id="add-token", size="compact-sm", variant="default", className="q-push"
                        ),
                    ],
                    className="q-panel-head",
                ),
                body,
            ],
            className="q-panel",
        )
    ]


def counts(token: Token, view: TimeRange) -> bool:
    """Tell whether a token opens anything now."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > view.now)


def tokens_table(found: Sequence[Token], context: DashboardContext, view: TimeRange) -> Component:
    """Return tokens as a table, each that counts with a button that revokes it."""
    rows = [
        [
            html.Strong(token.name),
            html.Span(" ".join(token.scopes), className="q-mono"),
            state(token, view),
            moment(token.expires_at, view) if token.expires_at else "never",
            f"{units.count(token.requests_per_minute or context.web.requests_per_minute)} a minute",
            moment(token.last_used_at, view, relative=True),
            token.made_by or units.NONE,
            dmc.Button(
                "Revoke…",
                id={"revoke": token.name},
                size="compact-xs",
                variant="default",
                **aria(label=f"Revoke {token.name}"),
            )
            if counts(token, view)
            else None,
        ]
        for token in found
    ]
    names = ("Name", "Scopes", "State", "Ends", ">May ask", "Last used", "Made by", "")
    return table(names, rows, caption="Tokens")


def state(token: Token, view: TimeRange) -> Component:
    """Return how a token stands."""
    if token.revoked_at is not None:
        return badge("cancelled", "revoked")
    return badge("success", "good") if counts(token, view) else badge("cancelled", "ended")


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialogs, make and revoke tokens."""
    for name in ("add-token", "revoke"):
        dialogues.closes(app, name)

    @app.callback(
        Output("add-token-modal", "opened", allow_duplicate=True),
        Output("add-token-name", "value"),
        Output("add-token-scopes", "value"),
        Output("add-token-name", "error", allow_duplicate=True),
        Input("add-token", "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_token(clicks: int | None) -> tuple[Any, ...]:
        return (True, "", [], None) if clicks and is_admin() else (no_update,) * 4

    @app.callback(
        Output("add-token-modal", "opened", allow_duplicate=True),
        Output("add-token-name", "error", allow_duplicate=True),
        Output("secret-modal", "opened", allow_duplicate=True),
        Output("secret-text", "children", allow_duplicate=True),
        Output("secret-value", "children", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("add-token-yes", "n_clicks"),
        State("add-token-name", "value"),
        State("add-token-scopes", "value"),
        State("add-token-days", "value"),
        State("add-token-rate", "value"),
        prevent_initial_call=True,
    )
    async def make_token(
        yes: int | None, name: str | None, scopes: list[str] | None, days: Any, rate: Any
    ) -> tuple[Any, ...]:
        if not yes:
            return (no_update,) * 7
        user = admin()
        if user is None:
            return False, None, no_update, no_update, no_update, no_update, not_allowed("make tokens")
        chosen, now = (name or "").strip(), context.now()
        try:
            secret = await add_token(
                context.db,
                chosen,
                scopes or [],
                now=now,
                days=whole(days, "Days"),
                by=user.label,
                requests_per_minute=whole(rate, "Requests a minute") if rate not in (None, "") else None,
            )
        except ValueError as error:
            return True, str(error), *(no_update,) * 5
        return False, None, True, f"The token {chosen}:", secret, now.timestamp(), no_update

    @app.callback(
        Output("revoke-modal", "opened", allow_duplicate=True),
        Output("revoke-facts", "children"),
        Output("token-name", "data"),
        Output("revoke-reason", "value"),
        Output("revoke-reason", "error", allow_duplicate=True),
        Input({"revoke": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_revoke(_clicks: list[int | None]) -> tuple[Any, ...]:
        name = clicked("revoke")
        if name is None or not is_admin():
            return (no_update,) * 5
        text = f"Every program that uses {name} is refused from its next request on. This cannot be taken back."
        return True, html.P(text), name, "", None

    @app.callback(
        Output("revoke-modal", "opened", allow_duplicate=True),
        Output("revoke-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("revoke-yes", "n_clicks"),
        State("token-name", "data"),
        State("revoke-reason", "value"),
        prevent_initial_call=True,
    )
    async def revoke(yes: int | None, name: str | None, reason: str | None) -> tuple[Any, ...]:
        if not yes:
            return (no_update,) * 4
        user = admin()
        if user is None:
            return False, None, no_update, not_allowed("revoke tokens")
        if not name:
            return (no_update,) * 4
        if problem := reason_problem(reason):
            return True, problem, no_update, no_update
        now = context.now()
        done = await tokens.revoke_token(context.db, name, by=user.label, reason=str(reason).strip(), now=now)
        said = (
            toast("Revoked", f"{name} opens nothing any more.", "blue")
            if done
            else toast("Nothing to revoke", f"{name} did not count any more.", "gray")
        )
        return False, None, now.timestamp(), [said]


def whole(value: Any, name: str) -> int:
    """Return a number field's whole number. Raise ValueError naming the field."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{name}: give a whole number.")
    return int(value)
