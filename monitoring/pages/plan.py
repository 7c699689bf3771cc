"""One plan: what it comes to by target and kind, every change with its reason, and the decision about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import plan_rows, plans, run_history
from db.plan_rows import PlanRow, RowFilters
from db.plans import Plan
from db.runs import RunRow
from monitoring import units
from monitoring.context import DashboardContext, may_trigger
from monitoring.live import Hub
from monitoring.pages import plan_dialog, url_fields
from monitoring.pages.marks import badge, moment
from monitoring.pages.outcomes import digest
from monitoring.pages.paging import SIZE, choices, page_number, pager
from monitoring.pages.plans import SOURCES, standing
from monitoring.pages.states import empty, loading, shown
from monitoring.pages.table import table
from monitoring.pages.toast import only_look
from monitoring.pages.url_fields import UrlField
from monitoring.timerange import TimeRange, parameters_of, time_range

FILTERS = ("target", "kind", "state", "entity", "page")
_KINDS = {
    "take": "taken from the ERP",
    "post": "posted to the ERP",
    "new": "new",
    "conflict": "conflict",
    "tell": "told to a store",
    "count": "counted at a store",
    "send": "order sent",
    "fetch": "order taken",
    "status": "status",
    "fulfil": "fulfilment",
    "rate": "exchange rate",
    "spend": "advertising spend",
    "movement": "payment movement",
}
_STATES = {
    "planned": ("queued", "planned"),
    "unmoved": ("queued", "not moved"),
    "moved": ("degraded", "has moved"),
    "applied": ("success", "applied"),
    "refused": ("error", "refused"),
}
_SIDES = {"platform": "Platform", "erp": "ERP"}


def layout(_context: DashboardContext, run_id: str) -> Component:
    """Return the frame of the page."""
    return html.Div(
        [
            html.Div(
                [html.H1("Plan"), html.Span(f"of run {run_id[:12]}", className="q-sub q-mono")], className="q-head"
            ),
            html.Div(loading(90, 160), id="plan-head"),
            html.Div(
                [
                    dmc.TextInput(
                        id="plan-entity",
                        label="Find a SKU or an order",
                        placeholder="its beginning",
                        size="xs",
                        debounce=400,
                    )
                ],
                className="q-filters",
                role="search",
            ),
            html.Div(loading(260), id="plan-body"),
            dcc.Store(id="plan-run", data=run_id),
            dcc.Store(id="plan-shown"),
            url_fields.store("plan", "/plans/", [UrlField(name="entity")], forgets=["page"]),
            plan_dialog.dialog(),
        ]
    )


def register(app: Dash, context: DashboardContext, hub: Hub) -> None:
    """Keep the page fresh, narrow its rows, and take the decision."""

    @app.callback(
        Output("plan-head", "children"),
        Output("plan-body", "children"),
        Output("plan-shown", "data"),
        Input("tick", "data"),
        Input("acted", "data"),
        Input("url", "search"),
        Input("zone", "data"),
        Input("plan-run", "data"),
        State("plan-shown", "data"),
    )
    async def show(
        _tick: float, acted: float | None, search: str | None, zone: str | None, run_id: str, before: str | None
    ) -> tuple[Any, Any, Any]:
        view = time_range(search, zone, context.now())
        wanted = {name: value[:128] for name, value in parameters_of(search).items() if name in FILTERS}
        act = may_trigger()
        key = ("plan", run_id, search, zone, acted, act)
        found = await shown("plan", hub.once(key, lambda: _read(context, run_id, view, wanted, act)))
        head, body = found if isinstance(found, tuple) else (found, [])
        now = digest([head, *body]) if isinstance(body, list) else digest(head)
        return (no_update,) * 3 if now == before else (head, body, now)

    url_fields.keep_in_url(app, "plan", ["plan-entity"])
    plan_dialog.register(app, context)


async def _read(
    context: DashboardContext, run_id: str, view: TimeRange, wanted: Mapping[str, str], act: bool
) -> tuple[Component, list[Component]]:
    plan = await plans.get(context.db, run_id)
    run = await run_history.get(context.db, run_id)
    if plan is None:
        return _no_plan(run), []
    acting = await run_history.get(context.db, plan.acting_run_id) if plan.acting_run_id else None
    states = await plan_rows.states(context.db, run_id)
    head = _head(plan, run, acting, context, view, act)
    return head, await _rows(context, plan, states, view, wanted)


def _no_plan(run: RunRow | None) -> Component:
    if run is None:
        return empty(
            "There is no such plan.", "Plans go with their runs, after the days retention says.", mark="question"
        )
    if run.state != "finished":
        return empty(
            "The plan is being made.", "It shows here as soon as the dry run has read both sides.", mark="clock"
        )
    if run.dry_run:
        return empty(
            "This dry run made no plan.", run.message or "Its process ended before; make a new one.", mark="down"
        )
    return empty("This run has no plan.", "Only dry runs, and runs the blast guard stopped, have one.")


def _head(
    plan: Plan,
    run: RunRow | None,
    acting: RunRow | None,
    context: DashboardContext,
    view: TimeRange,
    act: bool,
) -> Component:
    facts: list[Component] = [
        *_fact("Sync", dcc.Link(context.label(plan.sync), href=view.link("/syncs"))),
        *_fact("Made", html.Span([moment(plan.made_at, view), f" by the {SOURCES[plan.source]}"])),
        *(_fact("Asked for by", run.requested_by) if run and run.requested_by and plan.source == "dry_run" else []),
        *_fact("Changes", _kept(plan)),
    ]
    if plan.standing == "open":
        facts += _fact("Good until", moment(plan.expires_at, view))
    if plan.decided_by:
        facts += _fact(
            "Decided", html.Span([f"{plan.decided_by}, ", moment(plan.decided_at, view), f": {plan.reason}"])
        )
    if acting is not None:
        facts += _fact(
            "Its run",
            html.Span(
                [
                    badge(acting.outcome or acting.state),
                    " ",
                    dcc.Link("trace", href=view.link(f"/traces/{acting.correlation_id}")),
                ]
            ),
        )
    edge = "bad" if plan.standing == "waiting" else "warn" if plan.standing == "moved" else "dim"
    sentence = plan.stopped if plan.source == "guard" else acting.message if acting is not None else None
    return html.Section(
        [
            html.Div([html.H2("What it comes to"), standing(plan)], className="q-panel-head"),
            html.P(sentence, className=f"q-sentence q-edge-{edge}") if sentence else None,
            html.P(acting.message, className="q-sentence q-edge-dim")
            if acting is not None and acting.message and plan.source == "guard"
            else None,
            html.Dl(facts, className="q-facts"),
            _summary(plan, context),
            _acts(plan, view, act),
        ],
        className="q-panel",
    )


def _kept(plan: Plan) -> str:
    said = units.count(plan.total)
    return said if plan.kept == plan.total else f"{said}, of which the first {units.count(plan.kept)} are kept as rows"


def _summary(plan: Plan, context: DashboardContext) -> Component | None:
    rows = [
        [_target(target, context), _KINDS.get(kind, kind), units.count(number)]
        for target, kinds in sorted(plan.counts.items())
        for kind, number in sorted(kinds.items())
    ]
    if not rows:
        return None
    return table(("Written to", "What", ">Changes"), rows, caption="Changes by target and kind")


def _acts(plan: Plan, view: TimeRange, act: bool) -> Component | None:
    wanted: list[str] = []
    if act:
        wanted += [how for how in ("apply", "unmoved", "go_on") if _is_offered(plan, how, view)]
    if act and plan.standing in ("open", "moved", "waiting") and (plan.total or plan.source == "guard"):
        wanted.append("throw_away")
    if not wanted:
        said = _why_nothing(plan, view) if act else only_look("decide about plans")
        return html.P(said, className="q-hint") if said else None
    return html.Div(
        [
            dmc.Button(
                f"{plan_dialog.WORDS[how]}…",
                id={"row": plan.run_id, "act": "plan", "how": how},
                size="sm",
                variant="default",
            )
            for how in wanted
        ],
        className="q-acts",
    )


def _is_offered(plan: Plan, act: str, view: TimeRange) -> bool:
    if not plans.is_whole(plan, act):
        return False
    if act == "go_on":
        return plan.source == "guard" and plan.standing == "waiting"
    stands = "open" if act == "apply" else "moved"
    return plan.source == "dry_run" and plan.standing == stands and plan.expires_at > view.now


def _why_nothing(plan: Plan, view: TimeRange) -> str | None:
    return plans.why_not(plan, "apply", view.now) if plan.standing in ("open", "moved") else None


async def _rows(
    context: DashboardContext, plan: Plan, states: Mapping[str, int], view: TimeRange, wanted: Mapping[str, str]
) -> list[Component]:
    path = f"/plans/{plan.run_id}"
    filters = RowFilters(
        target=wanted.get("target"), kind=wanted.get("kind"), state=wanted.get("state"), text=wanted.get("entity")
    )
    total = await plan_rows.count(context.db, plan.run_id, filters)
    offset = (page_number(wanted) - 1) * SIZE
    found = await plan_rows.page(context.db, plan.run_id, filters=filters, offset=offset, limit=SIZE)
    kinds = sorted({kind for counts in plan.counts.values() for kind in counts})
    targets = [
        (target, _target(target, context), sum(counts.values())) for target, counts in sorted(plan.counts.items())
    ]
    parts: list[Component] = []
    if len(targets) > 1:
        parts.append(choices("Written to", "target", [("", "All", None), *targets], path, wanted, view))
    if len(kinds) > 1:
        named = [(kind, _KINDS.get(kind, kind), None) for kind in kinds]
        parts.append(choices("What", "kind", [("", "All", None), *named], path, wanted, view))
    if len(states) > 1:
        named_states = [(state, _STATES[state][1], states[state]) for state in _STATES if state in states]
        parts.append(choices("State", "state", [("", "Any", None), *named_states], path, wanted, view))
    if not found:
        what = "No change fits this." if plan.total else "It would change nothing."
        return [*parts, empty(what, "" if plan.total else "Both sides stand as agreed.", mark="healthy")]
    csv = html.A(f"All {units.count(plan.kept)} rows as CSV", href=f"/api/v1/plans/{plan.run_id}/rows.csv", download="")
    head = html.Div([html.H2("Changes"), html.Span(csv, className="q-sub")], className="q-panel-head")
    names = ("Written to", "Item", "Field", "Is", "Would be", "Why", "State")
    body = table(names, [_row(row, context, view) for row in found], caption="Changes", brief=True)
    return [*parts, html.Section([head, body, pager(path, wanted, total, view)], className="q-panel")]


def _row(row: PlanRow, context: DashboardContext, view: TimeRange) -> list[Any]:
    mark, words = _STATES[row.state]
    found = html.Div(row.found, className="q-dim") if row.found else None
    seen = html.Div(["changed there ", moment(row.observed_at, view)], className="q-dim") if row.observed_at else None
    return [
        _target(row.target, context),
        html.Span(row.entity, className="q-mono"),
        row.field.replace("_", " "),
        html.Span(row.before if row.before is not None else "nothing", className="q-num"),
        html.Strong(row.after if row.after is not None else "nothing", className="q-num"),
        html.Span([row.rule, seen]),
        html.Span([badge(mark, words), found]),
    ]


def _target(target: str, context: DashboardContext) -> str:
    return _SIDES.get(target) or context.label(target)


def _fact(name: str, value: Any) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]
