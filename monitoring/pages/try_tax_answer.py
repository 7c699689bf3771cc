"""The answer of a tax by hand: the sums, the rule with its date and source, the register's word, the lines, the takers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from monitoring import units
from monitoring.context import DashboardContext
from monitoring.hands import Tried
from monitoring.pages.marks import aria, badge, figure, moment
from monitoring.pages.table import table
from monitoring.pages.try_form import Values, place_text
from monitoring.pages.try_shipping_answer import money
from monitoring.timerange import TimeRange

_TREATMENTS = {
    "taxed": "taxed",
    "zero_rated": "zero rated",
    "exempt": "exempt",
    "reverse_charge": "reverse charge: the buyer accounts for it",
    "out_of_scope": "out of scope",
    "import": "due at the border",
}
_WORDS = {  # the register's word -> mark, words
    "valid": ("success", "valid"),
    "invalid": ("error", "not valid"),
    "unknown": ("unknown", "unknown, which is not invalid"),
}


async def drawn(tried: Tried, values: Values, context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return the answer."""
    answer = tried.answer or {}
    return [
        summary(answer, tried, values, context, view),
        _lines(answer["lines"]),
        *([_takers(answer["jurisdictions"])] if answer["jurisdictions"] else []),
    ]


def summary(
    answer: Mapping[str, Any], tried: Tried, values: Values, context: DashboardContext, view: TimeRange
) -> Component:
    """Return the sums, the rule in a sentence, and the facts behind it."""
    beside = tried.beside
    figures = [
        figure(money(answer["total_tax"]), "Tax", "of the whole sale"),
        figure(money(beside["net"]), "Net", "without it"),
        figure(money(beside["gross"]), "To pay", "with it"),
    ]
    if (converted := beside.get("converted")) is not None:
        rate_at = datetime.fromisoformat(converted["as_of"])
        age = f"rate of {units.ago(rate_at, view.now)}"
        figures.append(figure(money(converted["converted"]), "In the buyer's currency", age))
    figures.append(figure(units.duration(tried.seconds), "Took"))
    table_answers = answer["source"] == "vat_table"
    source = "our dated VAT tables, no vendor" if table_answers else context.label(answer["source"])
    state = badge("degraded", "stale: its last answer stands in") if answer["stale"] else badge("success", "fresh")
    facts: list[Component] = [
        *_fact(
            "Who says so", html.Span([source, " ", state, " ", moment(datetime.fromisoformat(answer["as_of"]), view)])
        ),
        *_fact("Rate in force since", _since(answer["valid_from"], table_answers)),
        *_fact("Tax point", values["day"].strip() or "today"),
        *_fact("Buyer's VAT number", _number(answer, values, view)),
    ]
    if beside.get("not_converted"):
        facts += _fact("In the buyer's currency", html.Span(beside["not_converted"], className="q-tone-warn"))
    return html.Section(
        [
            html.Div(
                [
                    html.H2(answer["rule"] or f"{source} gives no reason."),
                    html.Span(className="q-grow"),
                    dcc.Link("Trace", href=view.link(f"/traces/{tried.correlation_id}")) if tried.reached else None,
                ],
                className="q-verdict",
            ),
            html.P(f"{place_text(values, 'at')} to {place_text(values, 'to')}", className="q-hint q-first"),
            html.Div(figures, className="q-figures"),
            html.Dl(facts, className="q-facts"),
        ],
        className=f"q-panel q-edged q-edge-{'warn' if answer['stale'] else 'good'}",
        **aria(label="What it comes to"),
    )


def _since(valid_from: str | None, table_answers: bool) -> str:
    if valid_from is not None:
        return f"{date.fromisoformat(valid_from):%-d %B %Y}"
    return (
        "not confirmed, or no rate of a table applied" if table_answers else "as the engine knows it for the tax point"
    )


def _number(answer: Mapping[str, Any], values: Values, view: TimeRange) -> Component:
    check = answer["vat_check"]
    if check is None:
        given = values["number"].strip()
        said = "not asked about: it matters only between two countries of the Union" if given else "none given"
        return html.Span(said, className="q-dim")
    mark, words = _WORDS[check["status"]]
    parts: list[Any] = [html.Span([badge(mark, words), " says VIES" if check["checked_at"] else ""])]
    if check["stale"]:
        parts.append(badge("degraded", "its word of before stands in"))
    if check["reason"]:
        parts.append(html.Span(check["reason"]))
    if check["checked_at"]:
        parts.append(
            html.Span(["Asked ", moment(datetime.fromisoformat(check["checked_at"]), view)], className="q-dim")
        )
        evidence: list[Any] = ["no consultation number: name ourselves in QUAYSIDE_VIES_REQUESTER to get one"]
        if check["consultation"]:
            evidence = ["Consultation number ", html.Code(check["consultation"]), ", the evidence of the check"]
        parts.append(html.Span(evidence, className="" if check["consultation"] else "q-dim"))
    return html.Div(parts, className="q-stack")


def _lines(found: Sequence[Mapping[str, Any]]) -> Component:
    rows = [
        [
            one["sku"] or f"line {number}",
            html.Span(money(one["taxable"]), className="q-num"),
            html.Span(percent(one["rate"]), className="q-num"),
            html.Strong(money(one["tax"]), className="q-num"),
            _TREATMENTS.get(one["treatment"], one["treatment"]),
        ]
        for number, one in enumerate(found, 1)
    ]
    names = ("Line", ">Taxable", ">Rate", ">Tax", "Treated as")
    return html.Section([html.H2("Lines"), table(names, rows, caption="Taxed lines")], className="q-panel")


def _takers(found: Sequence[Mapping[str, Any]]) -> Component:
    rows = [
        [one["name"], one["kind"], html.Span(percent(one["rate"]), className="q-num"), money(one["tax"])]
        for one in found
    ]
    names = ("Authority", "Kind", ">Rate", ">Tax")
    return html.Section(
        [html.H2("Who takes it"), table(names, rows, caption="Who takes the tax", brief=True)], className="q-panel"
    )


def percent(rate: str) -> str:
    """Return a rate of the API, in percent as decimal text, as people read it: ``8.375 %``, ``20 %``."""
    return f"{rate.rstrip('0').rstrip('.') if '.' in rate else rate}\u202f%"


def _fact(name: str, value: Any) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]
