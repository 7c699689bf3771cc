"""The try-outs: the checkout asked by hand, a form and its answer side by side. The form stands in the URL.

A link fills in the form and asks nobody. Asking takes the right to trigger, since in live mode it reaches real vendors; it
is noted in the audit where it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
import orjson
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from db import audit
from monitoring.asked_once import AskedOnce
from monitoring.context import DashboardContext, may_trigger, who_may
from monitoring.hands import CheckoutByHand, Tried
from monitoring.live import Hub
from monitoring.pages.marks import aria, icon
from monitoring.pages.states import empty, shown
from monitoring.pages.toast import not_allowed
from monitoring.pages.try_curl import as_curl, panel
from monitoring.pages.try_form import Form, Values, blamed, from_url, inputs, strange_codes, to_url, typed
from monitoring.pages.try_form import shown as shown_value
from monitoring.pages.try_shipping import FORM as SHIPPING
from monitoring.pages.try_tax import FORM as TAX
from monitoring.timerange import time_range

FORMS: Mapping[str, Form] = {form.name: form for form in (SHIPPING, TAX)}


def shipping_layout(context: DashboardContext, *, search: str = "") -> Component:
    """Return the frame of the page of quotes."""
    return frame(SHIPPING, context, search)


def tax_layout(context: DashboardContext, *, search: str = "") -> Component:
    """Return the frame of the page of tax."""
    return frame(TAX, context, search)


def frame(form: Form, context: DashboardContext, search: str = "") -> Component:
    """Return a page: the fields as the URL asks, else as the first example has them, and where the answer will be."""
    why_not = _why_not(context)
    real = "" if context.sandbox else " Real vendors are asked."
    told = f"{form.harmless}{real} It spends a little of the vendors' quota, in the interactive lane, under your name."
    examples = [
        dmc.Button(label, id={"row": label, "act": "try_example"}, variant="default", size="compact-xs")
        for label in form.examples
    ]
    return html.Div(
        [
            html.Div([html.H1(form.title), html.Span(form.about, className="q-sub")], className="q-head"),
            html.Div(
                [
                    html.Section(
                        [
                            html.Div(
                                [html.Span("Examples", className="q-dim"), *examples],
                                className="q-try-examples",
                                role="group",
                                **aria(label="Fill in an example"),
                            ),
                            inputs(form, context, {**form.example, **from_url(form, search)}),
                            html.Div(
                                [
                                    dmc.Button(
                                        form.button, id="try-ask", leftSection=icon("run"), disabled=bool(why_not)
                                    ),
                                    html.Span(why_not, className="q-tone-warn") if why_not else None,
                                ],
                                className="q-try-ask",
                            ),
                            html.P(told, className="q-hint"),
                        ],
                        className="q-panel",
                        role="form",
                        **aria(label=form.title),
                    ),
                    html.Div(
                        [
                            html.Div(
                                empty(
                                    "Nothing is asked yet.",
                                    "A link fills in the form and asks nobody; you do.",
                                    mark="question",
                                ),
                                id="try-result",
                                **aria(live="polite"),
                            ),
                            html.Div(id="try-curl"),
                        ],
                        className="q-beside",
                    ),
                ],
                className="q-try",
            ),
            dcc.Store(id="try-form", data=form.name),
            dcc.Store(id="try-written"),
            dcc.Store(id="try-examples", data=as_shown(form)),
        ]
    )


def _why_not(context: DashboardContext) -> str:
    if not may_trigger():
        return "You may look, not ask: it takes the right to trigger, since it spends the vendors' quota."
    if context.hands.checkout is None:
        return "This process was started without a way to the vendors."
    return ""


def register(app: Dash, context: DashboardContext, _hub: Hub) -> None:
    """Keep form, URL and command the same, and ask."""
    once: AskedOnce[Tried] = AskedOnce(context.now)
    field_ids, field_values = State({"field": ALL}, "id"), State({"field": ALL}, "value")

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside_try", "fill"),
        Output({"field": ALL}, "value", allow_duplicate=True),
        Output({"field": ALL}, "error", allow_duplicate=True),
        Input({"row": ALL, "act": "try_example"}, "n_clicks"),
        field_ids,
        State("try-examples", "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(  # type: ignore[no-untyped-call]  # untyped in Dash
        ClientsideFunction("quayside_try", "reveal"), Input("try-result", "children"), prevent_initial_call=True
    )

    @app.callback(
        Output({"field": ALL}, "value"),
        Input("try-form", "data"),
        Input("url", "search"),
        State("try-written", "data"),
        field_ids,
        field_values,
    )
    async def form_from_url(
        name: str | None, search: str | None, written: str | None, ids: list[dict[str, str]], values: list[Any]
    ) -> Any:
        form = FORMS.get(str(name))
        if form is None or search == written:  # what the form itself has written would overtake who types on
            return [no_update] * len(ids)
        return changes(form, from_url(form, search), ids, values)

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Output("try-written", "data"),
        Input({"field": ALL}, "value"),
        field_ids,
        State("try-form", "data"),
        State("url", "search"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )
    async def url_from_form(
        values: list[Any], ids: list[dict[str, str]], name: str | None, search: str | None, path: str | None
    ) -> Any:
        form = FORMS.get(str(name))
        if form is None or path != form.path:
            return no_update, no_update
        wanted = to_url(form, typed(form, ids, values), search)
        return (no_update, no_update) if wanted == (search or "") else (wanted, wanted)

    @app.callback(
        Output("try-curl", "children"),
        Input({"field": ALL}, "value"),
        field_ids,
        State("try-form", "data"),
        State("url", "href"),
    )
    async def show_command(values: list[Any], ids: list[dict[str, str]], name: str | None, href: str | None) -> Any:
        form = FORMS.get(str(name))
        if form is None:
            return no_update
        body, wrong = form.body(typed(form, ids, values))
        return None if wrong else panel(as_curl(href, form.route, body))

    @app.callback(
        Output("try-result", "children"),
        Output({"field": ALL}, "error"),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("try-ask", "n_clicks"),
        Input({"field": ALL}, "n_submit"),
        State("try-form", "data"),
        field_ids,
        field_values,
        State("url", "search"),
        State("zone", "data"),
        running=[
            (Output("try-ask", "loading"), True, False),
            (Output("try-result", "className"), "q-try-asking", ""),
        ],
        prevent_initial_call=True,
    )
    async def ask_checkout(
        _clicks: int | None,
        _enters: list[int | None],
        name: str | None,
        ids: list[dict[str, str]],
        values: list[Any],
        search: str | None,
        zone: str | None,
    ) -> Any:
        stay = [no_update] * len(ids)
        user = who_may("trigger")
        if user is None:
            return no_update, stay, not_allowed("ask vendors")
        form, checkout = FORMS.get(str(name)), context.hands.checkout
        if not any(one["value"] for one in ctx.triggered) or form is None or checkout is None:
            return no_update, stay, no_update
        given = typed(form, ids, values)
        body, unread = form.body(given)
        if wrong := {**unread, **strange_codes(form, given)}:
            return refused(form, wrong, ids)
        question = (user.label, form.name, orjson.dumps([body, given], option=orjson.OPT_SORT_KEYS))
        tried = await once.ask(question, lambda: ask(form, checkout, body, given, user.label, context))
        if tried.wrong:
            return refused(form, tried.wrong, ids)
        view = time_range(search, zone, context.now())
        if tried.problem:
            return problem(tried, view.link(f"/traces/{tried.correlation_id}")), [None] * len(ids), no_update
        drawing = form.drawn(tried, given, context, view)
        return await shown(f"try.{form.name}", drawing), [None] * len(ids), no_update


async def ask(
    form: Form, checkout: CheckoutByHand, body: dict[str, Any], values: Values, user: str, context: DashboardContext
) -> Tried:
    """Ask the checkout, and note who did where a vendor was reached."""
    tried = await form.ask(checkout, body, values, user)
    if tried.reached:
        await audit.record_act(
            context.db,
            at=context.now(),
            user_name=user,
            act=form.act,
            subject=tried.correlation_id,
            facts=form.facts(values),
        )
    return tried


def as_shown(form: Form) -> dict[str, dict[str, Any]]:
    """Return what the fields hold in each example, by its label. An example fills the form in the browser, at once: who
    asks right after it asks what it says."""
    of = {one.name: one for one in form.fields}
    return {
        label: {name: shown_value(of[name], text) for name, text in {**form.example, **differs}.items()}
        for label, differs in form.examples.items()
    }


def changes(
    form: Form, wanted: Mapping[str, str], ids: Sequence[Mapping[str, str]], values: Sequence[Any]
) -> list[Any]:
    """Return what each component is to hold: no change where it holds that already, or nothing is wanted of it."""
    here, of = typed(form, ids, values), {one.name: one for one in form.fields}
    return [
        shown_value(of[name], wanted[name]) if name in wanted and wanted[name] != here[name] else no_update
        for name in (id["field"] for id in ids)
    ]


def refused(form: Form, wrong: Mapping[str, str], ids: Sequence[Mapping[str, str]]) -> tuple[Any, list[Any], Any]:
    """Return the page after a refusal of ours: which fields are to be mended and why, and that nobody was asked."""
    by_field, rest = blamed(form, wrong)
    named = [
        html.Li([html.Strong(f"{group.label}, {one.label.lower()}: "), by_field[one.name]])
        for group in form.groups
        for one in group.fields
        if one.name in by_field
    ]
    said = html.Ul([*named, *(html.Li(sentence) for sentence in rest)], className="q-plain")
    notice = html.Div([icon("hand"), html.Div([html.Strong("Nothing was asked."), said])], className="q-state")
    return notice, [by_field.get(id["field"]) for id in ids], no_update


def problem(tried: Tried, trace: str) -> Component:
    """Return a refusal that is about no field."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("No answer"),
                    html.Span(tried.error_type.replace("_", " "), className="q-sub"),
                    html.Span(className="q-grow"),
                    dcc.Link("Trace", href=trace) if tried.reached else None,
                ],
                className="q-panel-head",
            ),
            html.P(tried.problem, className="q-sentence q-edge-bad"),
        ],
        className="q-panel",
    )
