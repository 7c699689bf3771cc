"""The incidents: what is open now, what was over in the chosen time; filters and place stand in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db.incident_search import Pace, pace, search
from db.incidents import Incident
from monitoring import units
from monitoring.alerts.rules import RULES
from monitoring.api.access import from_cursor, to_cursor
from monitoring.context import DashboardContext
from monitoring.live import Hub
from monitoring.pages import url_fields
from monitoring.pages.incident_parts import fault_of, silence_words, state_badge, subject_link
from monitoring.pages.marks import aria, figure, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.paging import all_as_csv, newest_and_older
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.url_fields import UrlField
from monitoring.problem import Problem
from monitoring.timerange import TimeRange, parameters_of, time_range

FILTERS = ("subject", "rule", "severity", "state")
PAGE = 50  # resolved ones at once
STATES = {
    "open": "open",
    "firing": "firing",
    "pending": "pending",
    "silenced": "silenced",
    "unowned": "nobody looks after it",
    "resolved": "resolved",
}
SEVERITIES = {"page": "pages somebody", "ticket": "can wait"}


def layout(context: DashboardContext) -> Component:
    """Return the frame of the page: the filters, and the place of the lists."""
    subjects = [
        {"group": "Vendors", "items": [{"value": facts.name, "label": facts.label} for facts in context.vendors]},
        {"group": "Syncs", "items": [{"value": facts.name, "label": facts.label} for facts in context.syncs]},
        {"group": "Processes", "items": [{"value": name, "label": name} for name in ("scheduler", "web")]},
    ]
    fields = [UrlField(name=name, kind="choice") for name in FILTERS]
    rules = [{"value": name, "label": name.replace("_", " ")} for name in RULES]
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Incidents"),
                    html.Span("one per cause and vendor, however often it flaps", className="q-sub"),
                ],
                className="q-head",
            ),
            html.Div(
                [
                    _choice("subject", "Concerns", "any vendor, sync or process", subjects, searchable=True),
                    _choice("rule", "Rule", "any", rules),
                    _choice("severity", "Severity", "any", _options(SEVERITIES)),
                    _choice("state", "State", "any", _options(STATES)),
                ],
                className="q-filters",
                role="search",
            ),
            html.Div(loading(90, 160), id="incidents-body"),
            url_fields.store("incidents", "/incidents", fields, forgets=["before"]),
            dcc.Store(id="incidents-shown"),
        ]
    )


def _options(words: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"value": value, "label": label} for value, label in words.items()]


def _choice(name: str, label: str, every: str, data: list[dict[str, Any]], **more: Any) -> Component:
    return dmc.Select(
        id=f"incidents-{name}",
        label=label,
        placeholder=every,
        data=data,
        clearable=True,
        size="xs",
        comboboxProps={"shadow": "md"},
        **more,
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep filters and URL the same, and the page fresh."""

    url_fields.keep_in_url(app, "incidents", [f"incidents-{name}" for name in FILTERS])

    @app.callback(
        Output("incidents-body", "children"),
        Output("incidents-shown", "data"),
        Input("tick", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        State("incidents-shown", "data"),
    )
    async def show(_tick: float, search: str | None, zone: str | None, before: str | None) -> tuple[Any, Any]:
        view = time_range(search, zone, context.now())
        found = await shown(
            "incidents", hub.once(("incidents", search, zone), lambda: read(context, view, parameters_of(search)))
        )
        now = digest(found)
        return (no_update, no_update) if now == before else (found, now)


async def read(context: DashboardContext, view: TimeRange, wanted: Mapping[str, str]) -> list[Component]:
    """Return the figures and both lists, by the filters of the URL."""
    filters = {name: wanted[name][:64] for name in FILTERS if wanted.get(name)}
    state = filters.get("state", "")
    asked: dict[str, Any] = {name: filters[name] for name in ("subject", "rule", "severity") if name in filters}
    opened: list[Incident] | None = None
    if state != "resolved":
        opened = [
            one
            for one in await search(context.db, states=("pending", "firing"), limit=200, **asked)
            if _fits(one, state, view)
        ]
    parts = [pace_figures(await pace(context.db, since=view.since, until=view.until, **asked), view)]
    if opened is not None:
        parts.append(open_list(opened, context, view, filtered=bool(filters)))
    if state in ("", "resolved"):
        try:
            before, problem = from_cursor(wanted.get("before")), None
        except Problem:
            before, problem = None, "The place in this link cannot be read; this is the newest page."
        found = await search(
            context.db,
            states=("resolved",),
            since=view.since,
            until=view.until,
            before=before,
            limit=PAGE + 1,
            **asked,
        )
        parts += [html.P(problem, className="q-sentence q-edge-warn", role="alert")] if problem else []
        parts.append(resolved_list(found, filters, context, view, first=before is None))
    return parts


def _fits(incident: Incident, state: str, view: TimeRange) -> bool:
    if state == "silenced":
        return incident.is_silenced(view.now)
    if state == "unowned":
        return incident.state == "firing" and incident.acknowledged_by is None
    return state in ("", "open", incident.state)


def pace_figures(found: Pace, view: TimeRange) -> Component:
    """Return how many fired in the chosen time and how quickly they were taken up and ended, on average."""
    return html.Section(
        html.Div(
            [
                figure(units.count(found.fired), "Fired", view.label.lower()),
                figure(
                    units.span(found.to_acknowledge),
                    "Until acknowledged",
                    f"average of {units.count(found.acknowledged)}",
                ),
                figure(units.span(found.to_resolve), "Until resolved", f"average of {units.count(found.resolved)}"),
            ],
            className="q-figures",
        ),
        className="q-panel",
        **aria(label="How quickly"),
    )


def open_list(
    found: Sequence[Incident], context: DashboardContext, view: TimeRange, *, filtered: bool = False
) -> Component:
    """Return the open incidents: those that nobody has silenced first, firing before pending."""
    head = html.H2("Open", className="q-only-read")
    if not found:
        nothing = (
            empty("Nothing open fits the filters.", "Take one away to see the others.")
            if filtered
            else empty("Nothing is open.", "No vendor, sync or process needs anybody right now.", mark="healthy")
        )
        return html.Section([head, nothing], className="q-block")
    ordered = sorted(found, key=lambda one: (one.is_silenced(view.now), one.state != "firing", one.started_at))
    return html.Section([head, *[_open(incident, context, view) for incident in ordered]])


def _open(incident: Incident, context: DashboardContext, view: TimeRange) -> Component:
    lasted = (view.now - incident.started_at).total_seconds()
    sentence, depends = incident.facts.get("sentence"), incident.facts.get("dependents")
    silenced = incident.is_silenced(view.now)
    held = "warn" if silenced or incident.state != "firing" else "bad"
    return html.Article(
        [
            html.Div(
                [
                    state_badge(incident, view),
                    html.H2(dcc.Link(incident.title, href=view.link(f"/incidents/{incident.id}"))),
                    html.Span(SEVERITIES[incident.severity], className="q-tag"),
                ],
                className="q-panel-head",
            ),
            html.P(str(sentence)) if sentence else None,
            html.Dl(
                [
                    *_fact("Concerns", subject_link(incident.subject, context, view)),
                    *_fact("Since", html.Span([moment(incident.started_at, view), f" · for {units.span(lasted)}"])),
                    *(_fact("Whose fault", fault) if (fault := fault_of(incident)) else []),
                    *(_fact("Holds up", ", ".join(str(name) for name in depends)) if depends else []),
                    *_fact("Looked after by", incident.acknowledged_by or "nobody yet"),
                    *(_fact("Silenced", silence_words(incident, view)) if silenced else []),
                    *(
                        _fact("Effect of", dcc.Link("another incident", href=f"/incidents/{incident.inhibited_by}"))
                        if incident.inhibited_by
                        else []
                    ),
                ],
                className="q-facts",
            ),
        ],
        className=f"q-panel q-edged q-edge-{held}",
    )


def resolved_list(
    found: Sequence[Incident],
    filters: Mapping[str, str],
    context: DashboardContext,
    view: TimeRange,
    *,
    first: bool = True,
) -> Component:
    """Return the resolved incidents of the chosen time as a table, one page of them."""
    rows = [
        [
            moment(incident.started_at, view),
            dcc.Link(incident.title, href=view.link(f"/incidents/{incident.id}")),
            subject_link(incident.subject, context, view),
            incident.rule.replace("_", " "),
            fault_of(incident) or units.NONE,
            units.span(incident.duration),
            _times(incident.facts),
            incident.acknowledged_by or units.NONE,
        ]
        for incident in found[:PAGE]
    ]
    names = ("Began", "What", "Concerns", "Rule", "Whose fault", ">Lasted", ">Times", "Looked after by")
    body = (
        table(names, rows, caption="Resolved incidents")
        if rows
        else empty("Nothing was resolved in this time.", "Choose a longer time range or fewer filters to look further.")
    )
    older = to_cursor(found[PAGE - 1].started_at, found[PAGE - 1].id) if len(found) > PAGE else None
    return html.Section(
        [
            html.Div(
                [html.H2("Resolved"), html.Span(view.label.lower(), className="q-sub"), _csv(filters, view)],
                className="q-panel-head",
            ),
            body,
            newest_and_older("/incidents", filters, view, first=first, older=older),
        ],
        className="q-panel",
    )


def _csv(filters: Mapping[str, str], view: TimeRange) -> Component:
    asked = {name: filters[name] for name in ("subject", "rule", "severity") if name in filters}
    if filters.get("state") in ("pending", "firing", "resolved"):
        asked["state"] = filters["state"]
    return all_as_csv("incidents", asked, view)


def _fact(name: str, value: Component | str) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]


def _times(facts: Mapping[str, Any]) -> str:
    times = facts.get("times", 1)
    return units.count(times) if isinstance(times, int) else "1"
