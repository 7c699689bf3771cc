"""The Dash app on top of the API: its list of pages, what connects them, and what happens when a callback fails.

Pages are registered here, by hand, and nowhere else. A page module has ``layout(context, **parts)`` (a frame without
figures, so that it shows at once) and ``register(app, context, hub)`` (its callbacks, all async: a plain function
would stop the event loop that also answers the API).
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dash import Dash, Input, Output, State, set_props
from dash.development.base_component import Component
from fastapi import FastAPI

from db.engine import StoreUnavailable
from monitoring import live
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages import (
    audit,
    calls,
    circuits,
    conflicts,
    game_day,
    incidents,
    outcomes,
    overview,
    plan,
    plans,
    rates,
    replays,
    reports,
    settings,
    shell,
    syncs,
    trace,
    try_out,
    vendor,
    vendors,
    views,
    zone,
)
from monitoring.pages.states import empty
from monitoring.pages.toast import toast

__all__ = ["PAGES", "DashboardContext", "Page", "attach"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: which paths it answers, its title, and how its frame is laid out from the parts of the path.

    ``here`` tells whether this set-up has the page at all.
    """

    path: re.Pattern[str]
    title: str
    layout: Callable[..., Component]
    here: Callable[[DashboardContext], bool] = lambda _context: True


PAGES = (
    Page(path=re.compile(r"/"), title="Overview", layout=overview.layout),
    Page(path=re.compile(r"/vendors"), title="Vendors", layout=vendors.layout),
    Page(path=re.compile(r"/vendors/(?P<name>[a-z0-9_]+)"), title="{name}", layout=vendor.layout),
    Page(path=re.compile(r"/calls"), title="Calls", layout=calls.layout),
    Page(path=re.compile(r"/replays"), title="Replays", layout=replays.list_layout),
    Page(path=re.compile(r"/replays/(?P<id>[0-9a-f]{32})"), title="Replay", layout=replays.layout),
    Page(path=re.compile(r"/traces/(?P<correlation_id>[^/]+)"), title="Trace", layout=trace.layout),
    Page(path=re.compile(r"/syncs"), title="Syncs", layout=syncs.layout),
    Page(path=re.compile(r"/plans"), title="Plans", layout=plans.layout),
    Page(path=re.compile(r"/plans/(?P<run_id>[0-9a-f]{1,64})"), title="Plan", layout=plan.layout),
    Page(path=re.compile(r"/conflicts"), title="Conflicts", layout=conflicts.layout),
    Page(path=re.compile(r"/incidents"), title="Incidents", layout=incidents.layout),
    Page(path=re.compile(r"/outcomes"), title="Unknown outcomes", layout=outcomes.layout),
    Page(path=re.compile(r"/rates"), title="Exchange rates", layout=rates.layout),
    Page(path=re.compile(r"/circuits"), title="Circuits and limits", layout=circuits.layout),
    Page(path=re.compile(r"/game-day"), title="Game day", layout=game_day.layout, here=game_day.here),
    Page(path=re.compile(r"/try/shipping"), title="Shipping quote", layout=try_out.shipping_layout),
    Page(path=re.compile(r"/try/tax"), title="Tax", layout=try_out.tax_layout),
    Page(path=re.compile(r"/audit"), title="Audit", layout=audit.layout),
    Page(path=re.compile(r"/reports"), title="Vendor report", layout=reports.layout),
    Page(path=re.compile(r"/settings"), title="Settings", layout=settings.layout),
)

_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<script src="/assets/theme.js"></script>
{%css%}
</head>
<body>
{%app_entry%}
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>
"""


def attach(api: FastAPI, context: DashboardContext) -> Dash:
    """Add the pages to an API and return the Dash app.

    Call it after every other route is added, since it answers whatever path is left. The caller warms it up by asking
    for ``/_dash-dependencies`` once before the first visitor (a Dash of this version sets itself up on that path only).
    """
    app = Dash(
        "quayside",
        server=api,  # type: ignore[arg-type]  # Dash's own types know Flask only
        title="Quayside",
        update_title="",
        index_string=_INDEX,
        assets_folder=str(Path(__file__).parent / "assets"),
        assets_ignore=r"theme\.js",
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        compress=True,
        suppress_callback_exceptions=True,
        on_error=say_failed,
    )
    hub = Hub(context.db, context.now)
    app.layout = lambda: shell.layout(context)
    shell.register(app, context)
    views.register(app, context)
    zone.register(app, context)
    live.register(app, hub)
    for module in (
        overview,
        vendors,
        vendor,
        calls,
        replays,
        trace,
        syncs,
        plans,
        plan,
        conflicts,
        incidents,
        outcomes,
        rates,
        circuits,
        game_day,
        try_out,
        reports,
        audit,
        settings,
    ):
        module.register(app, context, hub)
    _route(app, context)
    return app


def _route(app: Dash, context: DashboardContext) -> None:
    @app.callback(
        Output("page", "children"),
        Output("title", "data"),
        Input("url", "pathname"),
        State("page", "id"),
    )
    async def show(path: str | None, _id: str) -> tuple[Component, str]:
        return page_at(path, context)


def page_at(path: str | None, context: DashboardContext) -> tuple[Component, str]:
    """Return the frame of the page at a path and its title; a sentence when there is none."""
    wanted = (path or "/").rstrip("/") or "/"
    for page in PAGES:
        if (found := page.path.fullmatch(wanted)) and page.here(context):
            parts = found.groupdict()
            title = context.label(parts["name"]) if "name" in parts else page.title
            return page.layout(context, **parts), title
    return empty("There is no such page.", "The navigation shows what there is.", mark="question"), "Not found"


def say_failed(error: Exception) -> None:
    """Log what went wrong in a callback and tell the person in a toast, with an id that finds the log line."""
    if isinstance(error, StoreUnavailable):
        sentence = "The database does not answer. Nothing was changed; try again in a moment."
        log.warning("A callback found the database away.", extra={"event": "page.store_unavailable"})
    else:
        correlation_id = secrets.token_hex(8)
        sentence = f"Something went wrong here; nothing was changed. The log has more under {correlation_id}."
        log.error(
            "A callback failed.", exc_info=error, extra={"event": "page.failed", "correlation_id": correlation_id}
        )
    set_props("toasts", {"sendNotifications": [toast("Not done", sentence, "red")]})
