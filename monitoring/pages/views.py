"""Saved views: the address of any page, with its filters and range, kept under a name; in the header of every page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import saved_views
from db.saved_views import SavedView
from monitoring.context import DashboardContext
from monitoring.identity import Identity, current_user
from monitoring.pages import dialog as dialogs
from monitoring.pages.marks import aria, icon
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.toast import toast

LONGEST_NAME, LONGEST_ADDRESS = 60, 2000  # characters
# A path of ours and its query. Not //host and not /\host, which a browser takes for another machine.
_ADDRESS = re.compile(r"/(?![/\\])[^\s\\#<>\"]*")
_TAKEN = "You have a view of this name; choose another."
_FULL = f"You keep {saved_views.MOST} views; remove one first."
_GONE = "It is not there any more."


def menu() -> Component:
    """Return the button of the header with what it opens; nothing for who is no person."""
    user = current_user.get()
    if user is None or user.role is None:
        return html.Span()
    choices = html.Div(
        [
            dmc.TextInput(
                id="views-name",
                label="Keep this page under a name",
                description="with its filters and its time range",
                placeholder="FedEx errors of the week",
                size="xs",
            ),
            html.Div(
                [
                    dmc.Switch(
                        id="views-shared",
                        label="Everybody sees it",
                        size="xs",
                        checked=False,
                        disabled=not user.may("operate"),
                    ),
                    dmc.Button("Keep it", id="views-save", size="xs"),
                ],
                className="q-view-keep",
            ),
            html.Div(loading(24, 24), id="views-list"),
        ],
        className="q-views",
    )
    return html.Div(
        [
            dcc.Store(id="views-changed"),
            dcc.Store(id="view-asked"),
            dcc.Store(id="view-id"),
            dmc.Popover(
                [
                    dmc.PopoverTarget(
                        dmc.Button(
                            html.Span("Views", className="q-wide"),
                            leftSection=icon("bookmark"),
                            variant="default",
                            size="compact-sm",
                            className="q-views-button",
                            **aria(label="Views"),
                        ),
                    ),
                    dmc.PopoverDropdown(choices),
                ],
                id="views",
                position="bottom-end",
                shadow="md",
                trapFocus=True,
                returnFocus=True,
                width="min(340px, 94vw)",
            ),
            dialogs.dialog(
                "view",
                title="Change a view",
                yes="Save",
                reason="",
                body=[
                    dmc.TextInput(id="view-name", label="Name", withAsterisk=True),
                    dmc.Switch(id="view-shared", label="Everybody sees it", mt="md"),
                    dmc.Button("Remove this view", id="view-remove", color="red", variant="light", size="xs", mt="md"),
                ],
            ),
        ]
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Keep, list, change and remove views."""
    dialogs.asked(app, "view-asked", {"row": ALL, "act": "view"})
    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside", "shut"),
        Output("views", "opened", allow_duplicate=True),
        Input("url", "href"),
        Input("view-asked", "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("views-list", "children"),
        Output("views-name", "error", allow_duplicate=True),
        Input("views", "opened"),
        Input("views-changed", "data"),
        prevent_initial_call=True,
    )
    async def show_views(opened: bool | None, _changed: float | None) -> tuple[Any, Any]:
        user = current_user.get()
        if not opened or user is None:
            return no_update, no_update
        found = await shown("views", saved_views.seen_by(context.db, user.name))
        return (found if isinstance(found, Component) else listed(found, user)), None

    @app.callback(
        Output("views-name", "value"),
        Output("views-name", "error", allow_duplicate=True),
        Output("views-changed", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("views-save", "n_clicks"),
        Input("views-name", "n_submit"),
        State("views-name", "value"),
        State("views-shared", "checked"),
        State("url", "pathname"),
        State("url", "search"),
        running=[(Output("views-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def save_view(
        _clicks: int | None, _enter: int | None, name: str | None, share: bool, path: str | None, search: str | None
    ) -> tuple[Any, ...]:
        user = _person()
        if user is None:
            return no_update, None, no_update, [_not_allowed()]
        wanted = (name or "").strip()
        address = f"{path or '/'}{search or ''}"
        wrong = name_problem(wanted) or address_problem(address)
        if wrong is None:
            now = context.now()
            shared = bool(share) and user.may("operate")
            done = await saved_views.save(
                context.db, owner=user.name, name=wanted, address=address, shared=shared, now=now
            )
            if done == "done":
                who = "Everybody finds it under Views." if shared else "You find it under Views."
                return "", None, now.timestamp(), [toast(f"Kept: {wanted}", who, "blue")]
            wrong = _TAKEN if done == "taken" else _FULL
        return no_update, wrong, no_update, no_update

    @app.callback(
        Output("view-modal", "opened", allow_duplicate=True),
        Output("view-facts", "children"),
        Output("view-id", "data"),
        Output("view-name", "value"),
        Output("view-name", "error", allow_duplicate=True),
        Output("view-name", "disabled"),
        Output("view-shared", "checked"),
        Output("view-shared", "disabled"),
        Output("view-yes", "disabled"),
        Input("view-asked", "data"),
        prevent_initial_call=True,
    )
    async def ask_view(asked: dict[str, Any] | None) -> tuple[Any, ...]:
        user = current_user.get()
        view = await saved_views.find(context.db, str((asked or {}).get("row", "")), user.name) if user else None
        if user is None or view is None:
            return (no_update,) * 9
        foreign = view.owner != user.name
        facts = html.P(["It opens ", html.Code(view.address, className="q-mono")], className="q-dim q-first q-address")
        return True, facts, view.id, view.name, None, foreign, view.shared, foreign or not user.may("operate"), foreign

    dialogs.closes(app, "view")

    @app.callback(
        Output("view-modal", "opened", allow_duplicate=True),
        Output("view-name", "error", allow_duplicate=True),
        Output("views-changed", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("view-yes", "n_clicks"),
        Input("view-name", "n_submit"),
        State("view-id", "data"),
        State("view-name", "value"),
        State("view-shared", "checked"),
        prevent_initial_call=True,
    )
    async def change_view(
        _yes: int | None, _enter: int | None, id: str | None, name: str | None, share: bool
    ) -> tuple[Any, ...]:
        user = _person()
        if user is None:
            return False, None, no_update, [_not_allowed()]
        wanted = (name or "").strip()
        if wrong := name_problem(wanted):
            return True, wrong, no_update, no_update
        now = context.now()
        shared = bool(share) and user.may("operate")
        done = await saved_views.change(context.db, str(id), owner=user.name, name=wanted, shared=shared, now=now)
        if done == "taken":
            return True, _TAKEN, no_update, no_update
        told = toast("Saved", wanted, "blue") if done == "done" else toast("Not saved", _GONE, "gray")
        return False, None, now.timestamp(), [told]

    @app.callback(
        Output("view-modal", "opened", allow_duplicate=True),
        Output("views-changed", "data", allow_duplicate=True),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("view-remove", "n_clicks"),
        State("view-id", "data"),
        prevent_initial_call=True,
    )
    async def remove_view(_clicks: int | None, id: str | None) -> tuple[Any, ...]:
        user = _person()
        if user is None:
            return False, no_update, [_not_allowed()]
        now = context.now()
        done = await saved_views.remove(context.db, str(id), by=user.name, admin=user.is_admin, now=now)
        told = (
            toast("Removed", "The page itself is as it was.", "blue") if done else toast("Not removed", _GONE, "gray")
        )
        return False, now.timestamp(), [told]


def _person() -> Identity | None:
    """Return the person who asks; a token has no views."""
    user = current_user.get()
    return user if user is not None and user.role is not None else None


def _not_allowed() -> dict[str, Any]:
    return toast("Not allowed", "Views are kept for people who are signed in.", "red")


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a view; None when it will do."""
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        return f"Give it a name of up to {LONGEST_NAME} characters."
    return None


def address_problem(address: str) -> str | None:
    """Return what is wrong with the address of a page; None when it can be kept."""
    if len(address) > LONGEST_ADDRESS:
        return f"The filters of this page are longer than {LONGEST_ADDRESS} characters; take some away."
    return None if _ADDRESS.fullmatch(address) else "The address of this page cannot be kept."


def listed(found: Sequence[SavedView], user: Identity) -> Component:
    """Return the views a person sees: their own, then the shared ones."""
    if not found:
        return empty("No view is kept yet.", "Give this page a name, and it is one click away.", mark="bookmark")
    mine = [view for view in found if view.owner == user.name]
    others = [view for view in found if view.owner != user.name]
    parts: list[Component] = []
    for head, views in (("Yours", mine), ("Shared by others", others)):
        if views:
            parts += [
                html.H3(head, className="q-h3"),
                html.Ul([_row(view, user) for view in views], className="q-plain q-view-list"),
            ]
    return html.Div(parts)


def _row(view: SavedView, user: Identity) -> Component:
    foreign = view.owner != user.name
    tag = f"by {view.owner}" if foreign else "shared" if view.shared else ""
    change = dmc.ActionIcon(
        icon("pencil"),
        id={"row": view.id, "act": "view"},
        variant="subtle",
        color="gray",
        size="md",
        **aria(label=f"Change {view.name}"),
    )
    return html.Li(
        [
            dcc.Link(view.name, href=view.address),
            html.Span(tag, className="q-tag") if tag else None,
            html.Span(className="q-grow"),
            change if not foreign or user.is_admin else None,
        ]
    )
