"""The time zone that times are shown in: the browser's own, or one a person chose, kept with them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html, no_update
from dash.development.base_component import Component

from db import users
from monitoring.context import DashboardContext
from monitoring.identity import current_user
from monitoring.pages.toast import toast

BROWSER = "browser"  # the choice that stores nothing
_NOT_PLACES = ("Etc/", "SystemV/", "posix/", "right/")
_SHOWN = 60  # zones listed at once; typing narrows them down


@cache
def zones() -> tuple[str, ...]:
    """Return the names of all time zones, UTC first."""
    named = {name for name in available_timezones() if "/" in name and not name.startswith(_NOT_PLACES)}
    return ("UTC", *sorted(named))


def picker() -> Component:
    """Return the choice, set to what the one who asks has chosen."""
    user = current_user.get()
    chosen = user.time_zone if user is not None else None
    return html.Div(
        [
            dcc.Store(id="zone-chosen", data=chosen),
            dmc.Select(
                id="zone-choice",
                label="Times in",
                data=_choices([chosen] if chosen else []),
                value=chosen or BROWSER,
                searchable=True,
                allowDeselect=False,
                limit=_SHOWN,
                nothingFoundMessage="No such zone; try a city.",
                maxDropdownHeight=220,
                size="xs",
                mt="xs",
                comboboxProps={"withinPortal": False},
            ),
        ]
    )


def _choices(names: Iterable[str]) -> list[dict[str, str]]:
    here = {"value": BROWSER, "label": "your browser's zone"}
    return [here, *({"value": name, "label": name.replace("_", " ")} for name in names)]


def register(app: Dash, context: DashboardContext) -> None:
    """Keep a choice; every part of the page is drawn anew in it."""

    @app.callback(Output("zone-choice", "data"), Input("range", "opened"), prevent_initial_call=True)
    async def list_zones(opened: bool | None) -> Any:
        # Hundreds of names are not part of each load: the page would compare them with every change of anything.
        return _choices(zones()) if opened else no_update

    @app.callback(
        Output("zone-chosen", "data"),
        Output("zone-choice", "error"),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("zone-choice", "value"),
        prevent_initial_call=True,
    )
    async def keep_zone(value: str | None) -> tuple[Any, Any, Any]:
        user = current_user.get()
        if user is None or user.role is None:
            return no_update, None, [toast("Not allowed", "A time zone is kept for people who are signed in.", "red")]
        if value != BROWSER and value not in zones():
            return no_update, "Choose a zone of the list.", no_update
        zone = None if value == BROWSER else value
        await users.keep_time_zone(context.db, user.name, zone)
        return zone, None, no_update
