"""Users: who may come in, in which role, with or without the right to start runs; a one-time link sets a password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import user_rights, users
from db.user_rights import Changed
from db.users import ROLES, Role, User
from monitoring.context import DashboardContext, is_admin
from monitoring.names import name_problem
from monitoring.pages import dialog as dialogues
from monitoring.pages.marks import aria, badge, moment
from monitoring.pages.settings_acts import admin, clicked, not_allowed
from monitoring.pages.table import table
from monitoring.pages.toast import toast
from monitoring.password_page import password_link
from monitoring.reasons import reason_problem
from monitoring.timerange import TimeRange

_ROLE_MEANS: Mapping[Role, str] = {
    "viewer": "looks at everything",
    "operator": "acts on circuits, incidents, outcomes; starts runs",
    "admin": "may everything, users and settings too",
}
_RIGHTS = (("role", "as the role has it"), ("given", "given"), ("taken", "taken away"))
_RIGHT_OF: Mapping[str, bool | None] = {"role": None, "given": True, "taken": False}
_LAST = "This is the last admin who can come in; make another one first."


def dialogs() -> list[Component]:
    """Return the dialogs, closed."""
    return [
        dcc.Store(id="user-name"),
        dialogues.dialog(
            "user",
            title="Change a user",
            yes="Save",
            body=[
                _role_select("user-role"),
                dmc.Select(
                    id="user-trigger",
                    label="Right to start runs and replays",
                    description="An admin always has it.",
                    data=[{"value": value, "label": label} for value, label in _RIGHTS],
                    allowDeselect=False,
                    mt="sm",
                ),
                dmc.Switch(id="user-enabled", label="May come in", mt="md"),
            ],
        ),
        dialogues.dialog("link", title="Make a one-time link for a password?", yes="Make the link"),
        dialogues.dialog(
            "add-user",
            title="Add a user",
            yes="Add the user",
            body=[
                dmc.TextInput(
                    id="add-user-name", label="Name", description="letters, digits and . _ @ -", withAsterisk=True
                ),
                _role_select("add-user-role", value="viewer"),
                html.P(
                    "They choose their password with a one-time link that you get next, or come in by single sign-on.",
                    className="q-hint",
                ),
            ],
            reason="",
        ),
    ]


def _role_select(id: str, value: str | None = None) -> Component:
    return dmc.Select(
        id=id,
        label="Role",
        data=[{"value": role, "label": f"{role}: {_ROLE_MEANS[role]}"} for role in ROLES],
        value=value,
        allowDeselect=False,
        mt="sm",
    )


async def read(context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return all users."""
    found = await users.list_users(context.db)
    return [
        html.Section(
            [
                html.Div(
                    [
                        html.H2("Users"),
                        dmc.Button(
                            "Add a user…", id="add-user", size="compact-sm", variant="default", className="q-push"
                        ),
                    ],
                    className="q-panel-head",
                ),
                users_table(found, view),
            ],
            className="q-panel",
        )
    ]


def users_table(found: Sequence[User], view: TimeRange) -> Component:
    """Return users as a table with what can be done to each."""
    rows = [
        [
            html.Strong(user.name),
            user.role,
            right_to_start(user),
            standing(user, view),
            moment(user.created_at, view),
            html.Span(
                [
                    _button("Change…", {"user": user.name}, f"Change {user.name}"),
                    _button("Password link…", {"link": user.name}, f"Password link for {user.name}")
                    if user.disabled_at is None
                    else None,
                ],
                className="q-row-acts",
            ),
        ]
        for user in found
    ]
    return table(("Name", "Role", "Starts runs", "State", "Added", ""), rows, caption="Users")


def right_to_start(user: User) -> str:
    """Return whether a user starts runs, and why."""
    if user.role == "admin" or user.may_trigger is None:
        return "yes" if user.role != "viewer" else "no"
    return "yes, given" if user.may_trigger else "no, taken away"


def standing(user: User, view: TimeRange) -> Component:
    """Return whether a user can come in now."""
    if user.disabled_at is not None:
        return badge("cancelled", "disabled")
    if user.locked_until is not None and user.locked_until > view.now:
        return badge("refused", "locked", title="too many wrong guesses; it opens by itself")
    return badge("success", "may come in") if user.password_hash else badge("pending", "no password yet")


def _button(text: str, id: dict[str, str], name: str) -> Component:
    return dmc.Button(text, id=id, size="compact-xs", variant="default", **aria(label=name))


def register(app: Dash, context: DashboardContext) -> None:
    """Open the dialogs, and do what they say."""
    for name in ("user", "link", "add-user"):
        dialogues.closes(app, name)

    @app.callback(
        Output("user-modal", "opened", allow_duplicate=True),
        Output("user-modal", "title"),
        Output("user-facts", "children"),
        Output("user-name", "data"),
        Output("user-role", "value"),
        Output("user-trigger", "value"),
        Output("user-enabled", "checked"),
        Output("user-reason", "value"),
        Output("user-reason", "error", allow_duplicate=True),
        Input({"user": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_user(_clicks: list[int | None]) -> tuple[Any, ...]:
        name = clicked("user")
        user = await users.find_user(context.db, name) if name and is_admin() else None
        if user is None:
            return (no_update,) * 9
        right = next(key for key, value in _RIGHT_OF.items() if value is user.may_trigger)
        facts = html.P("Open pages of this user follow within seconds; disabling ends their sessions at once.")
        enabled = user.disabled_at is None
        return True, f"Change {user.name}", facts, user.name, user.role, right, enabled, "", None

    @app.callback(
        Output("user-modal", "opened", allow_duplicate=True),
        Output("user-reason", "error", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("user-yes", "n_clicks"),
        State("user-name", "data"),
        State("user-role", "value"),
        State("user-trigger", "value"),
        State("user-enabled", "checked"),
        State("user-reason", "value"),
        prevent_initial_call=True,
    )
    async def save_user(
        yes: int | None, name: str | None, role: str | None, right: str | None, enabled: bool, reason: str | None
    ) -> tuple[Any, ...]:
        if not yes:
            return (no_update,) * 4
        user = admin()
        if user is None:
            return False, None, no_update, not_allowed("change users")
        wanted = next((one for one in ROLES if one == role), None)
        if not name or wanted is None or right is None or right not in _RIGHT_OF:
            return (no_update,) * 4
        if problem := reason_problem(reason):
            return True, problem, no_update, no_update
        said = await change(context, name, wanted, _RIGHT_OF[right], enabled, by=user.label, reason=str(reason).strip())
        return False, None, context.now().timestamp(), [said]

    @app.callback(
        Output("link-modal", "opened", allow_duplicate=True),
        Output("link-facts", "children"),
        Output("user-name", "data", allow_duplicate=True),
        Output("link-reason", "value"),
        Output("link-reason", "error", allow_duplicate=True),
        Input({"link": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_link(_clicks: list[int | None]) -> tuple[Any, ...]:
        name = clicked("link")
        if name is None or not is_admin():
            return (no_update,) * 5
        text = (
            f"Whoever opens it within a day chooses the password of {name}, once, and every session of {name} ends then. "
            "Give it to nobody else. The present password stays good until then."
        )
        return True, html.P(text), name, "", None

    @app.callback(
        Output("link-modal", "opened", allow_duplicate=True),
        Output("link-reason", "error", allow_duplicate=True),
        Output("secret-modal", "opened", allow_duplicate=True),
        Output("secret-text", "children", allow_duplicate=True),
        Output("secret-value", "children", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("link-yes", "n_clicks"),
        State("user-name", "data"),
        State("link-reason", "value"),
        prevent_initial_call=True,
    )
    async def make_link(yes: int | None, name: str | None, reason: str | None) -> tuple[Any, ...]:
        if not yes:
            return (no_update,) * 6
        user = admin()
        if user is None:
            return False, None, no_update, no_update, no_update, not_allowed("make a link")
        if not name:
            return (no_update,) * 6
        if problem := reason_problem(reason):
            return True, problem, no_update, no_update, no_update, no_update
        link = await password_link(
            context.db, context.web.url, name, by=user.label, reason=str(reason).strip(), now=context.now()
        )
        if link is None:
            gone = toast("No link made", f"There is no enabled user {name}.", "gray")
            return False, None, no_update, no_update, no_update, [gone]
        return False, None, True, f"The link for {name}, good once and for a day:", link, no_update

    @app.callback(
        Output("add-user-modal", "opened", allow_duplicate=True),
        Output("add-user-name", "value"),
        Output("add-user-name", "error", allow_duplicate=True),
        Input("add-user", "n_clicks"),
        prevent_initial_call=True,
    )
    async def ask_add_user(clicks: int | None) -> tuple[Any, ...]:
        return (True, "", None) if clicks and is_admin() else (no_update,) * 3

    @app.callback(
        Output("add-user-modal", "opened", allow_duplicate=True),
        Output("add-user-name", "error", allow_duplicate=True),
        Output("secret-modal", "opened", allow_duplicate=True),
        Output("secret-text", "children", allow_duplicate=True),
        Output("secret-value", "children", allow_duplicate=True),
        Output("acted", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("add-user-yes", "n_clicks"),
        State("add-user-name", "value"),
        State("add-user-role", "value"),
        prevent_initial_call=True,
    )
    async def add_user(yes: int | None, name: str | None, role: str | None) -> tuple[Any, ...]:
        if not yes:
            return (no_update,) * 7
        user = admin()
        if user is None:
            return False, None, no_update, no_update, no_update, no_update, not_allowed("add users")
        wanted = next((one for one in ROLES if one == role), None)
        if wanted is None:
            return (no_update,) * 7
        chosen, now = (name or "").strip(), context.now()
        problem = name_problem(chosen)
        if problem is None and not await users.add_user(
            context.db, name=chosen, role=wanted, password_hash=None, now=now, by=user.label
        ):
            problem = f"There is a user {chosen} already."
        if problem is not None:
            return True, problem, *(no_update,) * 5
        link = await password_link(context.db, context.web.url, chosen, by=user.label, reason=None, now=now)
        text = f"{chosen} chooses a password with this link, good once and for a day:"
        return False, None, True, text, link, now.timestamp(), no_update


async def change(
    context: DashboardContext, name: str, role: Role, right: bool | None, enabled: bool, *, by: str, reason: str
) -> dict[str, Any]:
    """Bring a user to what the dialog says, and return the toast of what became of it."""
    how: dict[str, Any] = {"by": by, "reason": reason, "now": context.now()}
    comes_in = user_rights.enable if enabled else user_rights.disable
    done: list[Changed] = [await comes_in(context.db, name, **how)]
    if "last_admin" not in done:
        done.append(await user_rights.set_role(context.db, name, role, **how))
        done.append(await user_rights.set_trigger(context.db, name, right, **how))
    if "missing" in done:
        return toast("Not changed", f"There is no user {name} any more.", "gray")
    if "last_admin" in done:
        return toast("Not changed", _LAST, "red")
    if "done" not in done:
        return toast("Nothing to change", f"{name} was so already.", "gray")
    return toast("Changed", f"{name} is as you said; open pages follow within seconds.", "blue")
