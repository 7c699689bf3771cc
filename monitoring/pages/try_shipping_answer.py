"""The answer of a shipping quote by hand: what it comes to, the quotes in their order, and every carrier's turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from db import circuits
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.hands import Tried
from monitoring.pages.marks import aria, badge, figure, moment
from monitoring.pages.overview_card import FAULTS
from monitoring.pages.table import table
from monitoring.pages.try_form import Values, place_text
from monitoring.parcels import parcels, summed_up
from monitoring.quoted import CarrierTurn, carrier_turns, quoting
from monitoring.timerange import TimeRange

_WORDS = {"price": "the cheapest first", "speed": "the fastest first", "both": "what is near both first"}
_TONES = {"failed": "bad", "stale": "warn", "refused": "dim", "answered": "good", "left_out": "dim"}


async def drawn(tried: Tried, values: Values, context: DashboardContext, view: TimeRange) -> list[Component]:
    """Return the answer."""
    answer = tried.answer or {}
    turns = carrier_turns(answer, tried.beside, quoting(context.vendors), await circuits.states(context.db))
    quotes = answer["quotes"]
    parts = [carrier_list(turns, tried, context, view)]
    if quotes:
        calm = all(one.state in ("answered", "left_out") for one in turns)
        parts.insert(0 if calm else 1, quote_list(quotes, values, context, view))  # what hurts comes first
    return [summary(quotes, turns, tried, values, context, view), *parts]


def summary(
    quotes: Sequence[Mapping[str, Any]],
    turns: Sequence[CarrierTurn],
    tried: Tried,
    values: Values,
    context: DashboardContext,
    view: TimeRange,
) -> Component:
    """Return what it comes to: the verdict in a sentence, and the figures."""
    word, said = verdict(quotes, turns, context)
    deadline = float(tried.beside["deadline"])
    stale = sum(bool(quote["stale"]) for quote in quotes)
    failed = sum(one.state in ("failed", "stale") for one in turns)
    figures = [
        figure(
            units.duration(tried.seconds),
            "Took",
            f"of at most {units.duration(deadline)}",
            tone_of="warn" if tried.seconds > 0.8 * deadline else "",
        ),
        figure(units.count(sum(one.was_asked for one in turns)), "Asked", f"of {units.plural(len(turns), 'carrier')}"),
        figure(units.count(failed), "Failed", "of those asked", tone_of="bad" if failed else ""),
        figure(
            units.count(stale), "Stale", f"of {units.plural(len(quotes), 'quote')}", tone_of="warn" if stale else ""
        ),
    ]
    if quotes:
        cheapest = min(quotes, key=lambda quote: Decimal(quote["price"]["amount"]))
        days = [quote["transit_days"] for quote in quotes if quote["transit_days"] is not None]
        fastest = figure(units.plural(min(days), "day") if days else units.NONE, "Fastest", "on the way")
        figures = [figure(money(cheapest["price"]), "Cheapest", context.label(cheapest["vendor"])), fastest, *figures]
    edge = {"healthy": "good", "degraded": "warn", "down": "bad"}[word]
    return html.Section(
        [
            html.Div(
                [
                    badge(word, {"healthy": "all answered", "degraded": "partial", "down": "no quote"}[word]),
                    html.H2(said),
                    html.Span(className="q-grow"),
                    dcc.Link("Trace", href=view.link(f"/traces/{tried.correlation_id}")) if tried.reached else None,
                ],
                className="q-verdict",
            ),
            html.P(asked_for(values), className="q-hint q-first"),
            html.Div(figures, className="q-figures"),
        ],
        className=f"q-panel q-edged q-edge-{edge}",
        **aria(label="What it comes to"),
    )


def verdict(
    quotes: Sequence[Mapping[str, Any]], turns: Sequence[CarrierTurn], context: DashboardContext
) -> tuple[str, str]:
    """Return healthy, degraded or down, and the sentence that says why."""
    hurt = [one for one in turns if one.state in ("failed", "stale", "refused")]
    who = ", ".join(context.label(one.vendor) for one in hurt[:3]) + (" and others" if len(hurt) > 3 else "")
    if not quotes:
        if not hurt:
            return "down", "No carrier that is set up serves this: the shopper sees no shipping option."
        return "down", f"No quote, so the shopper sees no shipping option: see {who}."
    fresh = len({quote["vendor"] for quote in quotes if not quote["stale"]})
    said = f"{units.plural(len(quotes), 'quote')} of {units.plural(len({one['vendor'] for one in quotes}), 'carrier')}"
    if not fresh:
        return "degraded", f"{said}, all of them stale: nobody answers now."
    return ("degraded", f"{said}, without a fresh one of {who}.") if hurt else ("healthy", f"{said}.")


def asked_for(values: Values) -> str:
    """Return what was asked, so that the answer stands for itself when the form goes on."""
    what = [place_text(values, "at"), "to", place_text(values, "to")]
    return f"{' '.join(what)} · {summed_up(parcels(values['parcels']))} · {_WORDS.get(values['sort'], '')}"


def quote_list(
    quotes: Sequence[Mapping[str, Any]], values: Values, context: DashboardContext, view: TimeRange
) -> Component:
    """Return the quotes in the order of the API."""
    rows = [
        [
            str(number),
            dcc.Link(context.label(quote["vendor"]), href=view.link(f"/vendors/{quote['vendor']}")),
            html.Span(quote["service_name"] or quote["service_code"], title=quote["service_code"]),
            html.Strong(money(quote["price"]), className="q-num"),
            _converted(quote, view),
            _way(quote),
            _freshness(quote, view),
        ]
        for number, quote in enumerate(quotes, 1)
    ]
    names = (">Rank", "Carrier", "Service", ">Price", ">In its own currency", "On the way", "Quote")
    sub = f"in the buyer's currency, {_WORDS.get(values['sort'], '')}"
    return html.Section(
        [
            html.Div([html.H2("Quotes"), html.Span(sub, className="q-sub")], className="q-panel-head"),
            table(names, rows, caption="Quotes", brief=True),
        ],
        className="q-panel",
    )


def _converted(quote: Mapping[str, Any], view: TimeRange) -> Component:
    if quote["rate_as_of"] is None:
        return html.Span("the same", className="q-dim")
    at = datetime.fromisoformat(quote["rate_as_of"])
    rate = html.Span(["rate of ", moment(at, view, relative=True)], className="q-dim")
    return html.Div([html.Span(money(quote["original_price"]), className="q-num"), rate], className="q-stack q-said")


def _way(quote: Mapping[str, Any]) -> Component:
    days, day = quote["transit_days"], quote["delivery_date"]
    said = units.plural(days, "day") if days is not None else "not said"
    there = html.Span(f"there {date.fromisoformat(day):%a\u00a0%-d\u00a0%b}", className="q-dim") if day else None
    return html.Div([html.Span(said), there], className="q-stack q-said")


def _freshness(quote: Mapping[str, Any], view: TimeRange) -> Component:
    at = units.full(datetime.fromisoformat(quote["as_of"]), view.zone)
    if quote["stale"]:
        return badge("degraded", f"stale, {units.about(quote['age'])} old", title=at)
    return badge("success", "fresh", title=at)


def carrier_list(turns: Sequence[CarrierTurn], tried: Tried, context: DashboardContext, view: TimeRange) -> Component:
    """Return every carrier with its time against the deadline, and what it or we said."""
    deadline = float(tried.beside["deadline"])
    rows = [
        [
            dcc.Link(context.label(one.vendor), href=view.link(f"/vendors/{one.vendor}")),
            _state(one),
            _time(one, deadline),
            _said(one, view),
            dcc.Link("Call", href=view.link("/calls", call=f"{tried.correlation_id}/{one.call_id}"))
            if one.call_id
            else "",
        ]
        for one in turns
    ]
    sub = f"all asked at once; who has not answered after {units.duration(deadline)} is left behind"
    names = ("Carrier", "What happened", "Time of the deadline", "What was said", "")
    return html.Section(
        [
            html.Div([html.H2("Carriers"), html.Span(sub, className="q-sub")], className="q-panel-head"),
            table(names, rows, caption="Carriers", brief=True),
        ],
        className="q-panel",
    )


def _state(one: CarrierTurn) -> Component:
    error = one.error_type.replace("_", " ")
    match one.state:
        case "answered":
            return badge("success", units.plural(one.quotes, "quote")) if one.quotes else badge("unknown", "no service")
        case "stale":
            return badge("degraded", f"{error}, stale stands in")
        case "failed":
            return badge("error", error)
        case "refused":
            return badge("refused", f"not asked: {error}" + (", stale stands in" if one.quotes else ""))
        case "left_out":
            return badge("idle", "not asked")


def _time(one: CarrierTurn, deadline: float) -> Component | str:
    if one.state == "left_out":
        return units.NONE
    bar = html.Div(
        html.Div(style={"width": f"{one.share:.1%}"}),
        className=f"q-bar q-try-bar-{_TONES[one.state]}",
        title=f"{units.duration(one.seconds)} of {units.duration(deadline)}",
        **aria(hidden="true"),
    )
    return html.Div([bar, html.Span(units.duration(one.seconds), className="q-num")], className="q-share")


def _said(one: CarrierTurn, view: TimeRange) -> Component | str:
    parts: list[Any] = []
    if one.fault and one.state in ("failed", "stale"):
        parts.append(html.Span(f"{FAULTS.get(one.fault, one.fault)}: ", className="q-dim"))
    parts.append(one.sentence)
    if one.since is not None:
        parts += [" Open since ", moment(one.since, view), f" ({units.about((view.now - one.since).total_seconds())})."]
    return html.Span(parts) if one.sentence else ""


def money(amount: Mapping[str, str]) -> str:
    """Return an amount of the API as people read it: ``1,234.50 EUR``, with a space that does not break."""
    whole, dot, rest = f"{Decimal(amount['amount']):,f}".partition(".")
    if dot and len(rest) != 3:  # some say 40.6, some 3.0900; three decimals are a currency's own
        rest = rest.rstrip("0").ljust(2, "0")
    return f"{whole}{dot}{rest}\u202f{amount['currency']}"
