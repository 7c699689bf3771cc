"""What surrounds every page: header with time range, live switch and theme, the navigation, the banners, the stores.

The stores the pages listen to: ``url`` (path and time range), ``tick`` (something new may be shown), ``zone`` (the
viewer's time zone). Everything that needs no server is decided in ``assets/quayside.js``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from monitoring.context import DashboardContext
from monitoring.identity import current_user
from monitoring.pages import game_day, views, zone
from monitoring.pages.marks import aria, icon
from monitoring.pages.markup import markup
from monitoring.pages.states import loading
from monitoring.pages.theme import THEME
from monitoring.timerange import PRESETS, check, moment, stamp, time_range, zone_named

# Group -> its pages: path, label, mark. A group without a name has no head.
NAVIGATION: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "": (
        ("/", "Overview", "overview"),
        ("/incidents", "Incidents", "bell"),
        ("/calls", "Calls", "calls"),
        ("/syncs", "Syncs", "syncs"),
        ("/outcomes", "Outcomes", "question"),
        ("/rates", "Exchange rates", "rates"),
    ),
    "Control": (
        ("/circuits", "Circuits and limits", "circuit"),
        ("/game-day", "Game day", "bolt"),
    ),
    "Try out": (
        ("/try/shipping", "Shipping quote", "parcel"),
        ("/try/tax", "Tax", "percent"),
    ),
    "Keep": (("/reports", "Reports", "report"), ("/audit", "Audit", "audit"), ("/settings", "Settings", "settings")),
}
COUNTED: Mapping[str, str] = {"/incidents": "bad", "/outcomes": "warn"}  # pages with a number -> its tone
SHOWN_WHEN: Mapping[str, Callable[[DashboardContext], bool]] = {"/game-day": game_day.here}  # others always
SCHEDULER_SILENCE = 15.0  # seconds without a heartbeat until a banner says so; read by quayside.js


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A page that comes with the layout: where it stands, as ``dcc.Location`` says it, and its frame."""

    where: Mapping[str, str]
    frame: Component


def layout(context: DashboardContext, loaded: Loaded | None = None) -> Component:
    """Return the page around the pages. Runs for each load, with the signed-in user known."""
    frame = loading(40, 220, 220) if loaded is None else loaded.frame
    return dmc.MantineProvider(
        [
            *_stores(loaded),
            dcc.Store(id="nav-text", data=markup(navigation(context))),
            dmc.NotificationContainer(id="toasts", position="bottom-right", autoClose=6000, limit=4),
            html.A("Skip to the page", href="#page", className="q-skip"),
            dmc.AppShell(
                [
                    _header(),
                    _navbar(),
                    dmc.AppShellMain([_banners(context), html.Main(frame, id="page", tabIndex=-1)]),
                ],
                id="shell",
                header={"height": 52},
                navbar={"width": 208, "breakpoint": "sm", "collapsed": {"mobile": True}},
                padding={"base": "sm", "sm": "md"},
            ),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )


def _stores(loaded: Loaded | None) -> list[Component]:
    where = {} if loaded is None else loaded.where
    return [
        dcc.Location(id="url", refresh="callback-nav", **where),
        dcc.Store(id="loaded", data=where.get("pathname")),
        dcc.Store(id="beat"),
        dcc.Store(id="tick"),
        dcc.Store(id="tab"),
        dcc.Store(id="zone"),
        dcc.Store(id="title"),
        dcc.Store(id="rejoin"),
        dcc.Store(id="acted"),
        dcc.Store(id="zoomed"),
        dcc.Store(id="ranged"),
        dcc.Interval(id="clock", interval=1000),
        dcc.Interval(id="poll", interval=5000, disabled=True),
    ]


def _header() -> Component:
    return dmc.AppShellHeader(
        html.Div(
            [
                dmc.Burger(id="burger", size="sm", hiddenFrom="sm", opened=False, **aria(label="Navigation")),
                dcc.Link([icon("quayside"), html.Span("Quayside", className="q-wide")], href="/", className="q-brand"),
                html.Div(className="q-grow"),
                html.Span(
                    [icon("live"), html.Span("", id="live-word")], id="live-state", className="q-live q-live-wait"
                ),
                dmc.Switch(
                    id="live",
                    checked=True,
                    size="xs",
                    label=html.Span("Live updates", className="q-only-read"),
                    persistence=True,
                    persistence_type="session",
                ),
                views.menu(),
                _range_picker(),
                html.Span("", id="zone-name", className="q-zone"),
                dmc.ColorSchemeToggle(
                    id="theme",
                    lightIcon=icon("sun"),
                    darkIcon=icon("moon"),
                    variant="subtle",
                    color="gray",
                    size="lg",
                    **aria(label="Switch between light and dark"),
                ),
                _user_menu(),
            ],
            className="q-header",
        )
    )


def _range_picker() -> Component:
    presets = [
        dmc.Button(
            label,
            id=f"preset-{name}",
            variant="subtle",
            color="gray",
            size="compact-sm",
            justify="flex-start",
            fullWidth=True,
        )
        for name, (label, _seconds) in PRESETS.items()
    ]
    own = [
        dmc.TextInput(id="range-from", label="From", placeholder="3h ago, yesterday, 14:30", size="xs"),
        dmc.TextInput(id="range-to", label="To", placeholder="now", value="now", size="xs"),
        dmc.Button("Show this range", id="range-apply", size="xs", fullWidth=True, mt="xs"),
        zone.picker(),
    ]
    return dmc.Popover(
        [
            dmc.PopoverTarget(
                dmc.Button(
                    html.Span("Last hour", id="range-label"),
                    leftSection=icon("clock"),
                    rightSection=icon("chevron"),
                    variant="default",
                    size="compact-sm",
                    className="q-range",
                    **aria(label="Time range"),
                ),
                boxWrapperProps={"className": "q-range-box"},
            ),
            dmc.PopoverDropdown(html.Div([html.Div(presets), html.Div(own)], className="q-range-choices")),
        ],
        id="range",
        position="bottom-end",
        shadow="md",
        trapFocus=True,
        width="min(360px, 94vw)",
    )


def _user_menu() -> Component:
    user = current_user.get()
    if user is None:
        return html.Span()
    return dmc.Menu(
        [
            dmc.MenuTarget(
                dmc.ActionIcon(icon("user"), variant="subtle", color="gray", size="lg", **aria(label="You"))
            ),
            dmc.MenuDropdown(
                [
                    dmc.MenuLabel(f"{user.name} · {user.role or 'token'}"),
                    dcc.Link([icon("settings"), "Settings"], href="/settings", className="q-menu-button"),
                    html.Form(
                        [
                            dcc.Input(type="hidden", name="csrf_token", value=user.csrf_token),
                            html.Button([icon("leave"), "Sign out"], type="submit", className="q-menu-button"),
                        ],
                        action="/logout",
                        method="POST",
                    ),
                ]
            ),
        ],
        position="bottom-end",
        shadow="md",
        width=190,
    )


def _navbar() -> Component:
    return dmc.AppShellNavbar(html.Nav(id="nav", className="q-drawn", **aria(label="Pages")), className="q-navbar")


def navigation(context: DashboardContext) -> list[Component]:
    """Return the links to all pages, and to each vendor's."""
    links: list[Component] = []
    for group, pages in NAVIGATION.items():
        if group:
            links.append(html.Span(group, className="q-nav-head"))
        links += [_nav_link(*page) for page in pages if SHOWN_WHEN.get(page[0], _always)(context)]
    vendors = [
        html.A(facts.label, href=f"/vendors/{facts.name}", className="q-nav-link q-nav-small")
        for facts in sorted(context.vendors, key=lambda facts: facts.label.lower())
    ]
    return [*links, html.A("Vendors", href="/vendors", className="q-nav-head"), *vendors]


def _always(_context: DashboardContext) -> bool:
    return True


def _nav_link(path: str, label: str, mark: str) -> Component:
    parts: list[Component] = [icon(mark), html.Span(label, className="q-grow")]
    if path in COUNTED:
        parts.append(html.Span(id=f"nav-{path[1:]}", className=f"q-count q-count-{COUNTED[path]}", hidden=True))
    return html.A(parts, href=path, className="q-nav-link")


def _banners(context: DashboardContext) -> Component:
    def banner(id: str, tone: str, mark: str, text: Any) -> Component:
        return html.Div(
            [icon(mark), html.Span(text)], id=id, hidden=True, className=f"q-banner q-tone-{tone}", role="status"
        )

    return html.Div(
        [
            html.Div(
                [icon("sandbox"), html.Span([html.Strong("Sandbox: "), "no real vendor is called."])],
                className="q-banner q-tone-info",
            )
            if context.sandbox
            else None,
            banner(
                "banner-lost",
                "bad",
                "down",
                "The connection to Quayside is lost. What you see stands still; this page reconnects by itself.",
            ),
            banner(
                "banner-store",
                "bad",
                "down",
                "The database does not answer. Calls go on and wait on disk; figures stand still until it is back.",
            ),
            banner("banner-scheduler", "warn", "degraded", html.Span("", id="banner-scheduler-text")),
            banner("banner-range", "warn", "degraded", html.Span("", id="banner-range-text")),
        ],
        className="q-banners",
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Connect the shell: what the browser decides alone, and the free entry of a time range."""

    def in_browser(function: str, *parts: Any, **options: Any) -> None:
        app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
            ClientsideFunction("quayside", function), *parts, **options
        )

    in_browser(
        "begin",
        Output("zone", "data"),
        Output("tab", "data"),
        Output("zone-name", "children"),
        Input("url", "href"),
        Input("zone-chosen", "data"),
        State("zone", "data"),
        State("tab", "data"),
    )
    in_browser(
        "tick",
        Output("tick", "data"),
        Input("beat", "data"),
        Input("live", "checked"),
        State("url", "search"),
        State("tick", "data"),
    )
    in_browser(
        "pulse",
        Output("poll", "disabled"),
        Output("rejoin", "data"),
        Input("clock", "n_intervals"),
        Input("beat", "data"),
        Input("live", "checked"),
        State("poll", "disabled"),
    )
    in_browser(
        "burger",
        Output("shell", "navbar"),
        Output("burger", "opened"),
        Input("burger", "opened"),
        Input("url", "pathname"),
        State("shell", "navbar"),
    )
    in_browser(
        "navigation",
        Input("url", "pathname"),
        Input("url", "search"),
        State("nav-text", "data"),
    )
    in_browser("title", Input("title", "data"), prevent_initial_call=True)
    in_browser(
        "preset",
        Output("url", "search", allow_duplicate=True),
        Output("range", "opened", allow_duplicate=True),
        *[Input(f"preset-{name}", "n_clicks") for name in PRESETS],
        State("url", "search"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("range-label", "children"),
        Output("banner-range-text", "children"),
        Output("banner-range", "hidden"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show_range(search: str | None, zone: str | None) -> tuple[str, str, bool]:
        view = time_range(search, zone, context.now())
        problem = f"{view.problem} This is the {view.label.lower()}." if view.problem else ""
        return view.label, problem, not problem

    in_browser(
        "ranged",
        Output("url", "search", allow_duplicate=True),
        Input("ranged", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("ranged", "data"),
        Output("range", "opened", allow_duplicate=True),
        Output("range-from", "error"),
        Output("range-to", "error"),
        Input("range-apply", "n_clicks"),
        Input("range-from", "n_submit"),
        Input("range-to", "n_submit"),
        State("range-from", "value"),
        State("range-to", "value"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def own_range(
        _clicks: int, _enter: int, _submit: int, since: str, until: str, zone: str
    ) -> tuple[Any, Any, str | None, str | None]:
        return typed_range(since or "", until or "now", zone, context)

    @app.callback(
        Output("ranged", "data", allow_duplicate=True),
        Input("zoomed", "data"),
        State("zone", "data"),
        prevent_initial_call=True,
    )
    async def zoom(stretch: list[str] | None, zone: str | None) -> Any:
        return zoomed_range(stretch, zone, context)


def zoomed_range(stretch: list[str] | None, zone: str | None, context: DashboardContext) -> Any:
    """Return the URL's parameters for a stretch of the viewer's clock; no change for one that makes no range."""
    if not stretch or len(stretch) != 2:
        return no_update
    since, until = (str(at)[:19].replace("T", " ") for at in stretch)
    return typed_range(since, until, zone, context)[0]


def typed_range(
    since: str, until: str, zone: str | None, context: DashboardContext
) -> tuple[Any, Any, str | None, str | None]:
    """Return the URL's parameters and whether the choice stays open, or what is wrong with which field."""
    now, where = context.now(), zone_named(zone)
    try:
        start = moment(since, where, now)
    except ValueError as error:
        return no_update, no_update, str(error), None
    try:
        end = moment(until, where, now)
        check(start, end)
    except ValueError as error:
        return no_update, no_update, None, str(error)
    return {"from": stamp(start), "to": stamp(end)}, False, None, None
