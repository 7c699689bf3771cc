"""The overview: what hurts, since when, whose fault it is, what depends on it, what to do. Nothing here needs plotly.js.

From the top: open incidents, the vendors that hurt in full, the syncs, the rest in short. Filters live in the URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import incidents, run_history, schedules
from db import plans as stored_plans
from db.incidents import Incident
from db.plans import Plan
from db.runs import RunRow
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import SyncFacts, VendorFacts
from monitoring.live import Hub
from monitoring.outlook import Plans
from monitoring.pages.drawn import drawn
from monitoring.pages.marks import aria, badge, icon, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.overview_card import FAULTS, REGIONS, calm_card, hurt_card
from monitoring.pages.states import empty, loading, shown
from monitoring.schedule import next_run
from monitoring.timerange import TimeRange, parameters_of, time_range, with_parameters
from monitoring.vendor_card import VendorCard, cards
from monitoring.vendor_figures import figures_of_all

FILTERS = ("kind", "region", "find")


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page."""
    kinds = sorted({facts.kind for facts in context.vendors})
    regions = [name for name in REGIONS if any(facts.region == name for facts in context.vendors)]
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Overview"),
                    html.Span("", id="overview-sum", className="q-sub", role="status"),
                    html.Span(className="q-grow"),
                    html.Div(
                        [
                            _choice("kind", "Any kind", [(kind, kind) for kind in kinds]),
                            _choice("region", "Any region", [(name, REGIONS[name]) for name in regions]),
                            dmc.TextInput(
                                id="overview-find",
                                placeholder="Find a vendor",
                                size="xs",
                                debounce=300,
                                **aria(label="Find a vendor"),
                            ),
                        ],
                        className="q-overview-filters",
                        role="search",
                    ),
                    dcc.Store(id="overview-filters", data=True),
                    dcc.Store(id="overview-shown"),
                ],
                className="q-head",
            ),
            html.Div(id="overview-incidents"),
            html.Div(loading(190, 190, 190), id="overview-hurt"),
            html.Div(loading(56), id="overview-syncs"),
            html.Div(id="overview-calm"),
        ]
    )


def _choice(name: str, every: str, values: list[tuple[str, str]]) -> Component:
    return dmc.Select(
        id=f"overview-{name}",
        placeholder=every,
        data=[{"value": value, "label": label} for value, label in values],
        clearable=True,
        size="xs",
        comboboxProps={"shadow": "md"},
        **aria(label=every.replace("Any ", "").capitalize()),
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh, and the filters in the URL."""
    plans = Plans(context.db, context.syncs)

    @app.callback(
        Output("overview-sum", "children"),
        Output("overview-hurt", "children"),
        Output("overview-calm", "children"),
        Output("overview-shown", "data"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("overview-shown", "data"),
    )
    async def show_cards(
        _tick: float, search: str | None, zone: str | None, before: str | None
    ) -> tuple[Any, Any, Any, Any]:
        view = time_range(search, zone, context.now())
        wanted = parameters_of(search)

        async def read() -> list[VendorCard]:
            return await cards(context, view, await figures_of_all(context.db, view), plans)

        async def draw() -> Sequence[Any]:
            result = await hub.once(("overview", view.query, zone), read)
            found = [card for card in result if fits(card.facts, wanted)]
            hidden = [card for card in result if card.hurts and card not in found]
            hurt = [card for card in found if card.hurts]
            calm = [card for card in found if not card.hurts]
            parts = (
                summary(found),
                hurting(hurt, hidden, context, view, any_vendor=bool(result)),
                resting(calm, view, any_hurt=bool(hurt)),
            )
            return (*drawn(*parts), digest(parts))

        filters = tuple(wanted.get(name) for name in FILTERS)
        result = await shown("overview.cards", hub.once(("overview cards", view.query, zone, filters), draw))
        if isinstance(result, Component):
            return "", result, None, None
        # What is drawn anew is not there for a moment, and a click at that moment is lost: only news are drawn.
        return (no_update, no_update, no_update, no_update) if result[-1] == before else tuple(result)

    @app.callback(
        Output("overview-incidents", "children"),
        Output("overview-syncs", "children"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show_strips(_tick: float, search: str | None, zone: str | None) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())

        async def read() -> Sequence[Any]:
            firing = [found for found in await incidents.open_incidents(context.db) if found.state == "firing"]
            return drawn(incident_strip(firing, view, context), await _sync_strip(context, view))

        result = await shown("overview.strips", hub.once(("strips", view.query, zone), read))
        return (None, result) if isinstance(result, Component) else tuple(result)

    @app.callback(
        *[Output(f"overview-{name}", "value") for name in FILTERS],
        Input("overview-filters", "data"),
        Input("url", "search"),
    )
    async def filters_from_url(_ready: bool, search: str | None) -> list[str | None]:
        wanted = parameters_of(search)
        return [wanted.get(name, "" if name == "find" else None) for name in FILTERS]  # None would not empty a field

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        *[Input(f"overview-{name}", "value") for name in FILTERS],
        State("url", "search"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    async def url_from_filters(*values: Any) -> Any:
        *chosen, search, path = values
        if path != "/":
            return no_update
        after = with_parameters(search, **{name: value or "" for name, value in zip(FILTERS, chosen, strict=True)})
        return no_update if parameters_of(after) == parameters_of(search) else after


def fits(facts: VendorFacts, wanted: dict[str, str]) -> bool:
    """Tell whether a vendor passes the filters of the URL; one that is not filled in lets all through."""
    text = wanted.get("find", "").strip().lower()
    return (
        wanted.get("kind", facts.kind) == facts.kind
        and wanted.get("region", facts.region) == facts.region
        and (not text or text in f"{facts.label} {facts.name} {facts.kind}".lower())
    )


def summary(found: Sequence[VendorCard]) -> str:
    """Return the page in a sentence."""
    hurt = [card for card in found if card.health.verdict != "healthy"]
    calls = sum(card.figures.calls for card in found)
    if not hurt and not calls:
        return f"{units.plural(len(found), 'vendor')} · no call in this time"
    if not hurt:
        return f"All {len(found)} vendors are healthy · {units.plural(calls, 'call')}"
    down = [card.facts.label for card in hurt if card.health.verdict == "down"]
    degraded = [card.facts.label for card in hurt if card.health.verdict == "degraded"]
    parts = [f"{', '.join(names)} {word}" for names, word in ((down, "down"), (degraded, "degraded")) if names]
    return f"{' · '.join(parts)} · {len(found) - len(hurt)} of {len(found)} healthy · {units.plural(calls, 'call')}"


def hurting(
    found: Sequence[VendorCard],
    hidden: Sequence[VendorCard],
    context: DashboardContext,
    view: TimeRange,
    *,
    any_vendor: bool,
) -> Component | None:
    """Return the vendors that hurt in full; a word on those that the filter hides."""
    if not any_vendor:
        return empty("No vendor is set up.", "Credentials make a vendor appear; without any, the sandbox stands in.")
    word = None
    if hidden:
        names = ", ".join(card.facts.label for card in hidden)
        word = html.P(
            [icon("degraded"), f" The filter hides {names}, which hurts. " if len(hidden) == 1 else
             f" The filter hides {len(hidden)} vendors that hurt: {names}. ",
             dcc.Link("Show all", href=view.link("/"))],
            className="q-banner q-tone-warn",
        )  # fmt: skip
    if not found:
        return word
    grid = html.Section(
        [hurt_card(one, view, context.label) for one in found], className="q-cards", **aria(label="Vendors that hurt")
    )
    return html.Div([word, grid])


def resting(found: Sequence[VendorCard], view: TimeRange, *, any_hurt: bool) -> Component | None:
    """Return the vendors that do not hurt, in short."""
    if not found:
        return None if any_hurt else empty("No vendor fits the filter.", "Take a filter away to see the others.")
    called = sum(not card.idle for card in found)
    return html.Section(
        [
            html.H2([f"{units.count(called)} healthy", f", {len(found) - called} idle" if called < len(found) else ""]),
            html.Div([calm_card(one, view) for one in found], className="q-calms"),
        ],
        className="q-block",
    )


def incident_strip(found: Sequence[Incident], view: TimeRange, context: DashboardContext) -> Component | None:
    """Return the firing incidents side by side: cause, since when, what depends; nothing when there are none."""
    if not found:
        return None
    return html.Section(
        [_incident(incident, view, context) for incident in found], className="q-strip", **aria(label="Open incidents")
    )


def _incident(incident: Incident, view: TimeRange, context: DashboardContext) -> Component:
    facts = incident.facts
    depends = list(facts.get("dependents") or ())
    if not depends and incident.rule not in ("sync_failed", "sync_late", "plan_waiting"):
        vendors = set(facts.get("vendors") or ())
        depends = [sync.label for sync in context.syncs if vendors & set(sync.vendors)]
    fault = FAULTS.get(str(facts.get("fault", "")), str(facts.get("fault", "")))
    return dcc.Link(
        [
            html.Div([icon("bell"), html.Strong(incident.title)], className="q-line q-tone-bad"),
            html.Div(
                [
                    "since ",
                    moment(incident.started_at, view),
                    f" · {units.span((view.now - incident.started_at).total_seconds())}",
                    f" · {fault}" if fault else "",
                    f" · {incident.acknowledged_by} looks after it" if incident.acknowledged_by else "",
                ],
                className="q-line",
            ),
            html.Div(f"holds up {', '.join(depends)}", className="q-line") if depends else None,
        ],
        href=view.link("/incidents", incident=incident.id),
        className="q-strip-item q-strip-bad",
    )


async def _sync_strip(context: DashboardContext, view: TimeRange) -> Component:
    edits = await schedules.edits(context.db)
    running = {run.sync: run for run in await run_history.running(context.db)}
    stopped = {plan.sync: plan for plan in await stored_plans.waiting(context.db)}
    items = []
    for facts in context.syncs:
        edit = edits.get(facts.name)
        schedule = (edit.schedule if edit else None) or facts.schedule
        upcoming = None if edit and edit.is_paused(view.now) else next_run(schedule, view.now)
        done = await run_history.recent(context.db, facts.name, limit=10)
        last = next((run for run in done if run.started_at and run.finished_at), None)
        paused = bool(edit and edit.is_paused(view.now))
        plan = stopped.get(facts.name)
        items.append(sync_item(facts, running.get(facts.name), last, upcoming, view, paused=paused, stopped=plan))
    return html.Section(items, className="q-strip", **aria(label="Syncs"))


def sync_item(
    facts: SyncFacts,
    running: RunRow | None,
    last: RunRow | None,
    upcoming: Any,
    view: TimeRange,
    *,
    paused: bool,
    stopped: Plan | None = None,
) -> Component:
    """Return one sync of the strip: how its last run ended, when the next one starts. One that the blast guard has
    stopped asks for somebody, and leads to its plan."""
    if running is not None:
        state = badge(
            "running", f"running {units.percent(running.progress)}" if running.progress is not None else "running"
        )
    elif stopped is not None:
        state = badge("firing", "stopped and asks")
    elif last is not None:
        state = badge(last.outcome or last.state)
    else:
        state = badge("idle", "never run")
    second: list[Any] = []
    if last is not None and last.finished_at is not None:
        second += [moment(last.finished_at, view, relative=True), " · "]
    if paused:
        second.append("paused")
    elif upcoming is not None:
        second += ["next ", moment(upcoming, view, relative=True)]
    else:
        second.append(facts.schedule)
    return dcc.Link(
        [
            html.Div(
                [icon("syncs"), html.Strong(facts.label), html.Span(className="q-grow"), state], className="q-line"
            ),
            html.Div(second, className="q-line"),
        ],
        href=view.link(f"/plans/{stopped.run_id}" if stopped is not None else "/syncs"),
        className="q-strip-item",
    )
