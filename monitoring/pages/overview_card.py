"""A vendor on the overview: a full card when it hurts (what, since when, whose fault, what depends on it, what to do), a
short one that only leads to its page when it does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from monitoring import units
from monitoring.charts.sparkline import picture
from monitoring.forecast import Shortfall
from monitoring.hurt import Dependent
from monitoring.pages.marks import aria, badge, figure, icon, moment, tone
from monitoring.timerange import TimeRange
from monitoring.vendor_card import VendorCard

_HIGH_ERROR_RATE = 0.05
_LOW_HEADROOM, _NO_HEADROOM = 0.3, 0.1
FAULTS = {
    "theirs": "their fault",
    "ours": "our fault",
    "network": "network",
    "configuration": "configuration",
}
REGIONS = {
    "worldwide": "Worldwide",
    "north_america": "North America",
    "europe": "Europe",
    "middle_east": "Middle East",
    "asia_pacific": "Asia Pacific",
}
_DEPENDENTS_SHOWN = 4
SOON = timedelta(days=2)  # what runs out later is the vendor page's to say


def verdict_badge(one: VendorCard) -> Component:
    """Return the verdict with whose fault it is."""
    verdict = "idle" if one.idle else one.health.verdict
    fault = f" · {FAULTS[one.health.fault]}" if one.health.fault else ""
    return badge(verdict, f"{verdict}{fault}")


def calm_card(one: VendorCard, view: TimeRange) -> Component:
    """Return the short card of a vendor; the whole of it leads to the vendor's page."""
    figures = one.figures
    verdict = "idle" if one.idle else one.health.verdict
    return dcc.Link(
        html.Article(
            [
                html.Div([html.H3(one.facts.label), html.Span(className="q-grow"), verdict_badge(one)]),
                html.Div(
                    [
                        html.Span(
                            [
                                html.Strong(units.percent(figures.error_rate)),
                                f" of {units.count(figures.calls)} failed",
                            ]
                            if figures.calls
                            else "no call in this time"
                        ),
                        html.Span(className="q-grow"),
                        html.Span(["P95 ", html.Strong(units.duration(figures.p95))], title="over attempts")
                        if figures.p95 is not None
                        else None,
                        spark(figures.line),
                    ]
                ),
                html.Div(_below(one, view)),
            ],
            className=f"q-calm q-edge-{tone(verdict)}",
        ),
        href=view.link(f"/vendors/{one.facts.name}"),
        className="q-card-link",
    )


def _below(one: VendorCard, view: TimeRange) -> list[Any]:
    """Return the last line of a short card: the tightest quota, and what is out of the ordinary."""
    state = one.circuit.state if one.circuit else "closed"
    parts: list[Any] = [_headroom(one)]
    if (words := _runs_out(one, view)) is not None:
        parts.append(html.Span(words, className="q-tone-warn"))
    if state != "closed":
        parts.append(badge(state, f"circuit {state.replace('_', ' ')}"))
    if one.waiting:
        parts.append(
            html.Span([icon("wait"), f" {units.plural(one.waiting, 'order')} waiting"], className="q-tone-warn")
        )
    return parts


def hurt_card(one: VendorCard, view: TimeRange, label_of: Callable[[str], str]) -> Component:
    """Return the full card of a vendor that hurts; ``label_of`` says how people call a sync."""
    figures, rate = one.figures, one.figures.error_rate
    verdict = "idle" if one.idle else one.health.verdict
    edge = tone(verdict) if one.health.verdict != "healthy" else "warn"
    return html.Article(
        [
            html.Div(
                [
                    html.H2(dcc.Link(one.facts.label, href=view.link(f"/vendors/{one.facts.name}"))),
                    html.Span(one.facts.kind, className="q-tag"),
                    html.Span(REGIONS.get(one.facts.region, one.facts.region), className="q-tag q-wide"),
                    html.Span(className="q-grow"),
                    verdict_badge(one),
                ],
                className="q-card-head",
            ),
            *_why(one, view),
            html.Ul([_short(short, label_of, view) for short in one.short], className="q-card-depends")
            if one.short
            else None,
            html.Div(
                [
                    figure(
                        units.percent(rate),
                        "Error rate",
                        f"of {units.plural(figures.calls, 'call')}"
                        + (f", {units.count(figures.refused)} refused" if figures.refused else ""),
                        tone_of="bad" if rate and rate >= _HIGH_ERROR_RATE else "",
                    ),
                    figure(units.duration(figures.p95), "P95", f"of {units.plural(figures.attempts, 'attempt')}"),
                    html.Div(spark(figures.line), className="q-spark"),
                ],
                className="q-card-body",
            ),
            html.Div(
                [
                    html.Div([_headroom(one), _runs_out(one, view)]),
                    html.Div(_circuit(one, view), className="q-card-circuit"),
                ],
                className="q-card-foot",
            ),
            _depends(one),
            _acts(one, view, label_of),
        ],
        className=f"q-card q-edge-{edge}",
        **aria(label=f"{one.facts.label}: {verdict}"),
    )


def _why(one: VendorCard, view: TimeRange) -> list[Component]:
    """Return since when it hurts, what the vendor or the network said last, and the verdict's own sentence."""
    trouble = one.trouble
    if trouble is None:
        return [html.P(one.health.sentence, className="q-card-why")]
    since: list[Any] = []
    if trouble.since is not None:
        since = [
            "Since ",
            moment(trouble.since, view),
            f", for {units.about((view.now - trouble.since).total_seconds())}. ",
        ]
    word = trouble.word
    said = word.message.strip() if word is not None and word.message else ""
    kind = html.Code(word.error_type) if word is not None and word.error_type else None
    return [
        html.P([*since, html.Strong(said) if said else None, " ", kind], className="q-card-since"),
        html.P(one.health.sentence, className="q-card-why"),
    ]


def _short(short: Shortfall, label_of: Callable[[str], str], view: TimeRange) -> Component:
    return html.Li(
        [
            icon("degraded"),
            html.Span(
                [
                    html.Strong(f"{label_of(short.sync)} sync"),
                    f" will not fit: it needs about {units.count(short.needs)} requests, and at this spend "
                    f"{units.count(short.left)} of the {short.quota.replace('_', ' ')} quota will be left for it when "
                    "it starts ",
                    moment(short.starts_at, view, relative=True),
                    ".",
                ]
            ),
        ],
        className="q-tone-warn",
    )


def _runs_out(one: VendorCard, view: TimeRange) -> str | None:
    """Say when the quota is used up at this spend; None when it lasts for now."""
    known = one.runs_out
    if known is None or known.empty_at is None or known.empty_at > view.now + SOON:
        return None
    name = known.window.quota.replace("_", " ")
    if known.outlook == "empty":
        return f"{name} quota is used up"
    left = (known.empty_at - view.now).total_seconds()
    return f"{name} quota runs out in {units.span(left)} at this spend"


def _depends(one: VendorCard) -> Component | None:
    if not one.depends:
        return None
    shown, more = one.depends[:_DEPENDENTS_SHOWN], len(one.depends) - _DEPENDENTS_SHOWN
    items = [html.Li(_dependent(dependent)) for dependent in shown]
    if more > 0:
        items.append(html.Li(f"and {more} more"))
    return html.Div([html.H3("Depends on it"), html.Ul(items, className="q-card-depends")])


def _dependent(dependent: Dependent) -> list[Any]:
    mark = "degraded" if dependent.hurt else "syncs" if dependent.sync else "arrow"
    return [
        icon(mark),
        html.Span(
            [html.Strong(dependent.label), f": {dependent.said}" if dependent.said else ""],
            className="q-tone-warn" if dependent.hurt else None,
        ),
    ]


def _acts(one: VendorCard, view: TimeRange, label_of: Callable[[str], str]) -> Component:
    """Return where to act: the failed calls, the circuit, the syncs, the incident."""
    name = one.facts.name
    links = [("Failed calls", view.link("/calls", vendor=name, outcome="failed"), "calls")]
    links.append(("Circuit", view.link("/circuits", vendor=name), "hand"))
    syncs = [dependent.sync for dependent in one.depends if dependent.sync]
    links += [(f"{label_of(sync)} sync", view.link("/syncs", sync=sync), "syncs") for sync in syncs[:2]]
    if one.trouble is not None and one.trouble.incident:
        links.append(("Incident", view.link(f"/incidents/{one.trouble.incident}"), "bell"))
    if one.health.fault == "configuration":
        links.append(("Set-up", view.link("/vendors"), "key"))
    return html.Nav(
        [dcc.Link([icon(mark), label], href=href, className="q-act") for label, href, mark in links],
        className="q-card-acts",
        **aria(label=f"What to do about {one.facts.label}"),
    )


def spark(line: Any) -> Component | None:
    """Return the course of the P95 as a small line, None when too little is known."""
    url = picture(line)
    if url is None:
        return None
    known = [value for value in line if value is not None]
    text = f"P95 between {units.duration(min(known))} and {units.duration(max(known))}, now {units.duration(known[-1])}"
    return html.Img(src=url, alt=text, title=text, className="q-sparkline")


def _headroom(one: VendorCard) -> Component:
    left = one.headroom
    if left is None:
        return html.Div("No quota known", className="q-card-quota")
    kind = "q-bar-bad" if left.share < _NO_HEADROOM else "q-bar-warn" if left.share < _LOW_HEADROOM else ""
    text = f"{units.percent(left.share)} of {left.quota.replace('_', ' ')} quota left"
    if left.blocked_until:
        text = "told to wait by the vendor"
    return html.Div(
        [
            html.Div(text),
            html.Div(
                html.Div(style={"width": f"{left.share * 100:.0f}%"}),
                className=f"q-bar {kind}",
                role="meter",
                **aria(valuenow=round(left.share * 100), valuemin=0, valuemax=100, label=text),
            ),
        ],
        className="q-card-quota",
        title=f"{units.count(left.limit)} per {units.span(left.seconds)}"
        + (", as the vendor announced" if left.announced else ", by our own count"),
    )


def _circuit(one: VendorCard, view: TimeRange) -> list[Any]:
    state = one.circuit.state if one.circuit else "closed"
    parts: list[Any] = [badge(state, f"circuit {state.replace('_', ' ')}")]
    if one.circuit and state == "open" and one.circuit.open_until:
        left = (one.circuit.open_until - view.now).total_seconds()
        parts.append(html.Span(f" probes {'in ' + units.about(left) if left > 0 else 'next'}"))
    return parts
