"""The Dash app on top of the API: its list of pages, what connects them, and what happens when a callback fails.

Pages are registered here, by hand, and nowhere else. A page module has ``layout(context, **parts)`` (a frame without
figures, so that it shows at once) and ``register(app, context, hub)`` (its callbacks, all async: a plain function
would stop the event loop that also answers the API).
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from anyio import from_thread
from dash import Dash, Input, Output, State, no_update, set_props
from dash.development.base_component import Component
from dash.exceptions import WebsocketDisconnected
from fastapi import FastAPI

from db.engine import StoreUnavailable
from monitoring import live
from monitoring.context import DashboardContext
from monitoring.identity import current_user
from monitoring.live import Hub
from monitoring.pages import (
    audit,
    backfill,
    backfills,
    calls,
    circuits,
    conflicts,
    game_day,
    incident,
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

ASSETS = Path(__file__).parent / "assets"
AHEAD_WITHIN = 0.5  # seconds a load waits for the figures to come with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: which paths it answers, its title, and how its frame is laid out from the parts of the path.

    ``here`` tells whether this set-up has the page at all. ``ahead`` reads what the page shows at once when it is loaded,
    for the search part of a URL and a time zone; its layout is given that as ``ahead``. ``searched`` gives the layout the
    search part, as ``search``.
    """

    path: re.Pattern[str]
    title: str
    layout: Callable[..., Component]
    here: Callable[[DashboardContext], bool] = lambda _context: True
    ahead: Callable[[DashboardContext, Hub, str, str], Awaitable[Any]] | None = None
    searched: bool = False


PAGES = (
    Page(path=re.compile(r"/"), title="Overview", layout=overview.layout, ahead=overview.ahead, searched=True),
    Page(path=re.compile(r"/vendors"), title="Vendors", layout=vendors.layout),
    Page(path=re.compile(r"/vendors/(?P<name>[a-z0-9_]+)"), title="{name}", layout=vendor.layout),
    Page(path=re.compile(r"/calls"), title="Calls", layout=calls.layout),
    Page(path=re.compile(r"/replays"), title="Replays", layout=replays.list_layout),
    Page(path=re.compile(r"/replays/(?P<id>[0-9a-f]{32})"), title="Replay", layout=replays.layout),
    Page(path=re.compile(r"/traces/(?P<correlation_id>[^/]+)"), title="Trace", layout=trace.layout),
    Page(path=re.compile(r"/syncs"), title="Syncs", layout=syncs.layout),
    Page(path=re.compile(r"/backfills"), title="Backfills", layout=backfills.layout),
    Page(path=re.compile(r"/backfills/(?P<id>[0-9a-f]{32})"), title="Backfill", layout=backfill.layout),
    Page(path=re.compile(r"/plans"), title="Plans", layout=plans.layout),
    Page(path=re.compile(r"/plans/(?P<run_id>[0-9a-f]{1,64})"), title="Plan", layout=plan.layout),
    Page(path=re.compile(r"/conflicts"), title="Conflicts", layout=conflicts.layout),
    Page(path=re.compile(r"/incidents"), title="Incidents", layout=incidents.layout),
    Page(path=re.compile(r"/incidents/(?P<id>[0-9a-f]{32})"), title="Incident", layout=incident.layout),
    Page(path=re.compile(r"/outcomes"), title="Unknown outcomes", layout=outcomes.layout),
    Page(path=re.compile(r"/rates"), title="Exchange rates", layout=rates.layout),
    Page(path=re.compile(r"/circuits"), title="Circuits and limits", layout=circuits.layout),
    Page(path=re.compile(r"/game-day"), title="Game day", layout=game_day.layout, here=game_day.here),
    Page(path=re.compile(r"/try/shipping"), title="Shipping quote", layout=try_out.shipping_layout, searched=True),
    Page(path=re.compile(r"/try/tax"), title="Tax", layout=try_out.tax_layout, searched=True),
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
<script>{head}</script>
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
        index_string=_INDEX.replace("{head}", _head()),
        assets_folder=str(ASSETS),
        assets_ignore=r"head\.js",
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        compress=True,
        suppress_callback_exceptions=True,
        on_error=say_failed,
    )
    hub = Hub(context.db, context.now)
    app.layout = lambda: _loaded(app, context, hub)
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
        backfills,
        backfill,
        plans,
        plan,
        conflicts,
        incidents,
        incident,
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


def _head() -> str:
    """Return the script that stands in the page itself: asked for apart, it would come behind all the others."""
    return (ASSETS / "head.js").read_text(encoding="utf-8")


def head_hash() -> str:
    """Return what a Content-Security-Policy lets that script run by."""
    return f"'sha256-{b64encode(sha256(_head().encode()).digest()).decode()}'"


def _route(app: Dash, context: DashboardContext) -> None:
    @app.callback(
        Output("page", "children"),
        Output("title", "data"),
        Output("loaded", "data"),
        Input("url", "pathname"),
        State("url", "search"),
        State("loaded", "data"),
    )
    async def show(path: str | None, search: str | None, loaded: str | None) -> tuple[Any, Any, Any]:
        """Lay out the page; the one that came with the layout stands already, and only that once."""
        frame, title = page_at(path, context, search)
        return (frame if path != loaded else no_update), title, None


def page_at(
    path: str | None, context: DashboardContext, search: str | None = "", ahead: Any = None
) -> tuple[Component, str]:
    """Return the frame of the page at a path and its title; a sentence when there is none."""
    if (found := _find(path, context)) is None:
        return empty("There is no such page.", "The navigation shows what there is.", mark="question"), "Not found"
    page, parts = found
    title = context.label(parts["name"]) if "name" in parts else page.title
    known = {"search": search or ""} if page.searched else {}
    known |= {"ahead": ahead} if page.ahead is not None else {}
    return page.layout(context, **parts, **known), title


def _find(path: str | None, context: DashboardContext) -> tuple[Page, dict[str, str]] | None:
    wanted = (path or "/").rstrip("/") or "/"
    for page in PAGES:
        if (found := page.path.fullmatch(wanted)) and page.here(context):
            return page, found.groupdict()
    return None


def _loaded(app: Dash, context: DashboardContext, hub: Hub) -> Component:
    """Return the layout for a load. A browser says where it will stand (``assets/head.js``), and so brings the page along.

    Dash calls this in a thread of its own, so what must be read is read on the event loop meanwhile.
    """
    asked = app.backend.request_adapter().args if app.backend.has_request_context() else {}
    if "pathname" not in asked:
        return shell.layout(context)
    path, search = asked["pathname"], asked.get("search", "")
    ahead = None
    found = _find(path, context)
    if found is not None and found[0].ahead is not None:
        user = current_user.get()
        zone = (user.time_zone if user else None) or asked.get("zone", "UTC")
        ahead = from_thread.run(_in_time, found[0].ahead(context, hub, search, zone))
    frame, _title = page_at(path, context, search, ahead)
    where = {name: asked[name] for name in ("pathname", "search", "hash", "href") if name in asked}
    return shell.layout(context, shell.Loaded(where=where, frame=frame))


async def _in_time(reading: Awaitable[Any]) -> Any | None:
    """Return a reading; None for one that takes too long or fails: the page then asks for it as for every update."""
    try:
        async with asyncio.timeout(AHEAD_WITHIN):
            return await reading
    except (TimeoutError, StoreUnavailable):
        return None


def say_failed(error: Exception) -> None:
    """Log what went wrong in a callback and tell the person in a toast, with an id that finds the log line.

    Raise WebsocketDisconnected as it came: a page was left while it was told something, which Dash takes as no failure.
    """
    if isinstance(error, WebsocketDisconnected):
        raise error
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
