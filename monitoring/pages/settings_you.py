"""What everybody sees of the settings: what one may, the password, the own sessions, what one did lately."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from db.audit import list_acts
from db.user_sessions import end_others, open_sessions
from db.users import count_guess, find_user, guess_was_right, set_password
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.identity import SCOPES, Identity, current_user
from monitoring.pages.audit import acts_table
from monitoring.pages.settings_sessions import sessions_table
from monitoring.pages.states import empty
from monitoring.pages.toast import toast
from monitoring.passwords import hash_password, password_is_right, password_problem
from monitoring.timerange import TimeRange

ACTS = 20  # of one's own shown
_MEANS = {
    "read": "look at everything",
    "operate": "set circuits, settle outcomes, acknowledge incidents",
    "trigger": "start runs and replays",
    "quotes": "ask for quotes",
    "payments": "charge and refund",
    "orders": "place orders and read addresses",
    "inventory": "set stock",
}


def dialogs() -> list[Component]:
    """Return no dialog: what one does to one's own account asks for the password where it matters."""
    return []


async def read(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return one's own part."""
    user = current_user.get()
    if user is None or user.role is None:
        return [empty("Sign in to see your part.")]
    idle = timedelta(seconds=context.web.session_idle)
    known = await find_user(context.db, user.name)
    mine = await open_sessions(context.db, now=view.now, idle=idle, user_name=user.name)
    acts = await list_acts(context.db, person=user.name, limit=ACTS)
    others = sum(session.id != user.session_id for session in mine)
    end = dmc.Button(
        f"End the other {units.count(others)}" if others > 1 else "End the other one",
        id="you-end-others",
        size="compact-sm",
        variant="default",
    )
    return [
        rights(user),
        html.Section(
            [
                html.Div([html.H2("Your sessions"), end if others else None], className="q-panel-head"),
                sessions_table(mine, view, with_user=False),
            ],
            className="q-panel",
        ),
        password_form(user, has_one=known is not None and known.password_hash is not None),
        html.Section(
            [
                html.Div(
                    [html.H2("What you did"), html.Span(f"the latest {ACTS}", className="q-sub")],
                    className="q-panel-head",
                ),
                acts_table(acts, context, view, caption="What you did") if acts else empty("Nothing yet."),
            ],
            className="q-panel",
        ),
    ]


def rights(user: Identity) -> Component:
    """Return who one is and what one may, in words."""
    may = [_MEANS[scope] for scope in reversed(SCOPES) if user.may(scope)]
    if user.is_admin:
        may.append("change settings, users and tokens")
    return html.Section(
        [
            html.Div([html.H2(user.name), html.Span(user.role or "", className="q-tag")], className="q-panel-head"),
            html.P(f"You may {', '.join(may)}.", className="q-dim"),
        ],
        className="q-panel",
    )


def password_form(user: Identity, *, has_one: bool) -> Component:
    """Return the form for a new password; who comes in by single sign-on alone has none to change."""
    if not has_one:
        text = "You come in by single sign-on or a link; an admin can make a link that sets a password."
        return html.Section([html.H2("Password"), html.P(text, className="q-dim")], className="q-panel")
    fields = [
        dmc.PasswordInput(id=f"you-{name}", label=label, size="sm", w="100%", maw=320, name=f"you-{name}")
        for name, label in (("old", "Password now"), ("new", "New password"), ("again", "The same again"))
    ]
    return html.Section(
        [
            html.H2("Password"),
            html.P(f"A new one ends every other session of {user.name}.", className="q-hint q-first"),
            html.Div(
                [*fields, dmc.Button("Change the password", id="you-save", size="sm", variant="default")],
                className="q-form",
            ),
        ],
        className="q-panel",
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Change one's password, end one's other sessions."""

    @app.callback(
        Output("you-old", "error"),
        Output("you-new", "error"),
        Output("you-again", "error"),
        Output("you-old", "value"),
        Output("you-new", "value"),
        Output("you-again", "value"),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("you-save", "n_clicks"),
        State("you-old", "value"),
        State("you-new", "value"),
        State("you-again", "value"),
        prevent_initial_call=True,
    )
    async def change_password(clicks: int | None, old: str | None, new: str | None, again: str | None) -> Any:
        user = current_user.get()
        if not clicks or user is None or user.role is None:
            return (no_update,) * 8
        stay = (no_update,) * 5
        if problem := password_problem(user.name, new or ""):
            return None, problem, None, *stay
        if new != again:
            return None, None, "Type the same password twice.", *stay
        if not await _is_right(context, user.name, old or ""):
            said = "That is not your password, or you guessed too often; wait a little then."
            return said, None, None, *stay
        now = context.now()
        await set_password(
            context.db, user.name, await hash_password(str(new)), now=now, by=user.name, keep=user.session_id
        )
        told = toast("Changed", "The new password holds; your other sessions have ended.", "blue")
        return None, None, None, "", "", "", now.timestamp(), [told]

    @app.callback(
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("you-end-others", "n_clicks"),
        prevent_initial_call=True,
    )
    async def end_my_others(clicks: int | None) -> tuple[Any, Any]:
        user = current_user.get()
        if not clicks or user is None or user.role is None:
            return no_update, no_update
        now = context.now()
        ended = await end_others(context.db, user.name, keep=user.session_id, by=user.label, now=now)
        said = f"{units.plural(ended, 'session')} of yours ended." if ended else "No other session was open."
        return now.timestamp(), [toast("Ended", said, "blue")]


async def _is_right(context: DashboardContext, name: str, password: str) -> bool:
    """Check a password as a sign-in does: a stolen session must not try it out."""
    user = await find_user(context.db, name)
    counted = user is not None and await count_guess(context.db, name, context.now())
    right = await password_is_right(user.password_hash if user and counted else None, password)
    if right:
        await guess_was_right(context.db, name)
    return right
