"""The converter on the page of exchange rates: what the checkout makes of an amount now, with rate, age and rounding.

Amount and currencies stand in the URL. No vendor is asked, so everybody may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from db import rates
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.hands import Tried
from monitoring.identity import current_user
from monitoring.pages import url_fields
from monitoring.pages.marks import aria
from monitoring.pages.url_fields import UrlField
from monitoring.rate_pairs import rate_text
from monitoring.timerange import TimeRange, parameters_of, time_range

USUAL = {"amount": "100.00", "of": "USD", "into": "EUR"}
_CODE = 3  # letters of a currency
FIELDS = (
    UrlField(name="amount", usual=USUAL["amount"], most=24),
    *(UrlField(name=name, kind="choice", usual=USUAL[name], most=_CODE) for name in ("of", "into")),
)
_PATHS = {"amount": ("amount.amount", "amount"), "of": ("amount.currency", "from"), "into": ("to",)}


def panel() -> Component:
    """Return the panel, before it knows the currencies."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Convert"),
                    html.Span("as the checkout does it, with the newest snapshot", className="q-sub"),
                ],
                className="q-panel-head",
            ),
            html.Div(
                [
                    dmc.TextInput(id="convert-amount", label="Amount", size="xs", debounce=True),
                    dmc.Select(id="convert-of", label="From", searchable=True, size="xs", allowDeselect=False),
                    dmc.Select(id="convert-into", label="To", searchable=True, size="xs", allowDeselect=False),
                ],
                className="q-filters",
            ),
            html.Div(id="convert-answer", **aria(live="polite")),
            url_fields.store("convert", "/rates", FIELDS),
        ],
        className="q-panel",
    )


def register(app: Dash, context: DashboardContext) -> None:
    """Keep the fields and the URL the same, and convert."""

    url_fields.keep_in_url(app, "convert", [f"convert-{name}" for name in USUAL])

    @app.callback(
        Output("convert-of", "data"),
        Output("convert-into", "data"),
        Input("convert-answer", "id"),
        State("url", "search"),
    )
    async def offer(_id: str, search: str | None) -> Any:
        newest, wanted = await rates.latest(context.db), {**USUAL, **parameters_of(search)}
        known = {newest.base, *newest.rates} if newest is not None else set()
        offered = sorted(code for code in known | {wanted[name][:_CODE] for name in ("of", "into")} if code)
        return offered, offered

    @app.callback(
        Output("convert-answer", "children"),
        Output("convert-amount", "error"),
        Output("convert-of", "error"),
        Output("convert-into", "error"),
        Input("convert-amount", "value"),
        Input("convert-of", "value"),
        Input("convert-into", "value"),
        State("url", "search"),
        State("zone", "data"),
    )
    async def show_conversion(
        amount: str | None, of: str | None, into: str | None, search: str | None, zone: str | None
    ) -> Any:
        checkout, user = context.hands.checkout, current_user.get()
        if not of or not into or user is None:
            return no_update, None, None, None
        if checkout is None:
            return html.P("This process was started without a checkout.", className="q-hint"), None, None, None
        body = {"amount": {"amount": (amount or "").strip(), "currency": of}, "to": into}
        tried = await checkout.convert(body, user.label)
        errors = (_error(tried.wrong, _PATHS[name]) for name in USUAL)
        return answer(tried, context, time_range(search, zone, context.now())), *errors


def answer(tried: Tried, context: DashboardContext, view: TimeRange) -> Component | None:
    """Return a conversion with its rate, age and rounding; a sentence where there is none, None where a field is wrong."""
    if tried.problem:
        return html.P(tried.problem, className="q-sentence q-edge-bad", role="alert")
    found = tried.answer
    if found is None:
        return None
    as_of, decimals = datetime.fromisoformat(found["as_of"]), tried.beside["decimals"]
    rounding = "to whole ones" if decimals == 0 else f"to {decimals} decimals"
    pair = f"{found['amount']['currency']}/{found['converted']['currency']}"
    return html.Div(
        [
            html.P(
                [
                    html.Span(_money(found["amount"]), className="q-num"),
                    " = ",
                    html.Strong(_money(found["converted"]), className="q-num"),
                ],
                className="q-figure-value",
            ),
            html.P(
                [
                    f"{pair} {rate_text(Decimal(found['rate']))}, rounded half up {rounding}; "
                    f"{context.label(found['source'])} stated it ",
                    html.Time(
                        units.ago(as_of, view.now), dateTime=as_of.isoformat(), title=units.full(as_of, view.zone)
                    ),
                    ", snapshot ",
                    html.Code(found["snapshot"]),
                ],
                className="q-hint",
            ),
        ]
    )


def _money(amount: Mapping[str, str]) -> str:
    return f"{Decimal(amount['amount']):,f}\u202f{amount['currency']}"


def _error(wrong: Mapping[str, str], paths: tuple[str, ...]) -> str | None:
    return next((wrong[path] for path in paths if path in wrong), None)
