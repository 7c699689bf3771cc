"""The watch-only report: what other settings of a circuit would have done with the calls that are on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from db import overrides
from db.circuits import Transition
from monitoring import units
from monitoring.charts import circuit_timeline
from monitoring.charts.circuit_timeline import Stretch
from monitoring.charts.graph import graph
from monitoring.context import DashboardContext
from monitoring.facts import VendorFacts
from monitoring.hands import Refused, WatchReport
from monitoring.limit_names import named
from monitoring.pages import url_fields
from monitoring.pages.limits import number_of
from monitoring.pages.marks import badge, figure, moment
from monitoring.pages.states import empty, shown
from monitoring.pages.table import table
from monitoring.pages.url_fields import UrlField
from monitoring.timerange import TimeRange, parameters_of, time_range

SETTINGS = (
    "consecutive_failures",
    "failure_rate_threshold",
    "minimum_number_of_calls",
    "sliding_window_size",
    "slow_call_duration_threshold",
    "slow_call_rate_threshold",
    "wait_duration_in_open_state",
    "permitted_number_of_calls_in_half_open_state",
)
LISTED = 60  # changes shown, the first
_LONGEST = 20  # characters of a number
_TRY = "try_"  # what a setting's name begins with in the URL


def frame() -> Component:
    """Return the frame of the report: the settings to try, and where the answer will be."""
    fields = [
        dmc.TextInput(
            id=f"rerun-{name}",
            label=named(f"breaker.{name}").label,
            description={"s": "seconds", "share": "share"}.get(named(f"breaker.{name}").unit, "attempts"),
            size="xs",
        )
        for name in SETTINGS
    ]
    return html.Section(
        [
            html.Div(
                [
                    html.H2("What other settings would have done"),
                    html.Span("over the attempts on record in the chosen time; nothing is changed", className="q-sub"),
                ],
                className="q-panel-head",
            ),
            html.Div(
                [*fields, dmc.Button("Compare", id="rerun-compare", variant="default", size="xs")],
                className="q-filters",
            ),
            dcc.Loading(html.Div(id="rerun-body"), type="dot"),
            url_fields.store_to_fill("rerun"),
        ],
        className="q-panel",
    )


def wanted(search: str | None) -> dict[str, str]:
    """Return the settings a URL asks to try, as they were typed."""
    found = parameters_of(search)
    return {name: found[_TRY + name][:_LONGEST] for name in SETTINGS if _TRY + name in found}


def register(app: Dash, context: DashboardContext, vendor_of: Any) -> None:
    """Fill the fields from the URL, the URL from the fields, and show what would have been."""

    url_fields.keep_in_url(app, "rerun", [f"rerun-{name}" for name in SETTINGS], when_pressed="rerun-compare")

    @app.callback(
        Output("rerun-fields", "data"), Input("url", "search"), Input("acted", "data"), State("rerun-fields", "data")
    )
    async def settings_from_url(search: str | None, _acted: float | None, before: dict[str, Any] | None) -> Any:
        facts = vendor_of(search, context)
        now = await in_force(context, facts)
        fields = [
            UrlField(name=_TRY + name, usual=f"{now[name]:g}" if name in now else "", always=True, most=_LONGEST)
            for name in SETTINGS
        ]
        found = url_fields.spec("rerun", "/circuits", fields, also={"vendor": facts.name} if facts else None)
        return no_update if found == before else found

    @app.callback(
        Output("rerun-body", "children"),
        *[Output(f"rerun-{name}", "error") for name in SETTINGS],
        Input("url", "search"),
        Input("zone", "data"),
    )
    async def show_rerun(search: str | None, zone: str | None) -> tuple[Any, ...]:
        facts = vendor_of(search, context)
        typed = wanted(search)
        if not typed or facts is None:
            return (_invitation(), *[None] * len(SETTINGS))
        numbers = {name: number_of(text) for name, text in typed.items()}
        wrong = {name: "Give a number." for name, value in numbers.items() if value is None}
        if not wrong and context.hands.judge_limits is not None:
            values = {f"breaker.{name}": value for name, value in numbers.items() if value is not None}
            judged = context.hands.judge_limits(facts.name, values)
            wrong = {name: f"It {judged[f'breaker.{name}']}" for name in SETTINGS if f"breaker.{name}" in judged}
        if wrong:
            problem = empty("These settings cannot be tried.", "The fields say what is wrong.", mark="degraded")
            return (problem, *[wrong.get(name) for name in SETTINGS])
        view = time_range(search, zone, context.now())
        circuit = parameters_of(search).get("circuit", facts.name)[:64]
        found = await shown("circuits.rerun", read(context, facts, circuit, view, numbers))
        return (found, *[None] * len(SETTINGS))


async def in_force(context: DashboardContext, facts: VendorFacts | None) -> dict[str, float]:
    """Return the settings of a vendor's circuit that hold now, by their short names."""
    if facts is None:
        return {}
    edits = await overrides.of_vendor(context.db, facts.name, now=context.now())
    files = {one.name: one.value for one in facts.limits if one.value is not None}
    return {
        name: edits[f"breaker.{name}"].value if f"breaker.{name}" in edits else files[f"breaker.{name}"]
        for name in SETTINGS
        if f"breaker.{name}" in files
    }


def _invitation() -> Component:
    return html.P(
        "Change a number and compare: the same breaker runs over what was recorded. A call that was refused then stays "
        "unknown; nothing about it is guessed.",
        className="q-hint q-first",
    )


async def read(
    context: DashboardContext,
    facts: VendorFacts,
    circuit: str,
    view: TimeRange,
    numbers: Mapping[str, float | None],
) -> Component:
    """Return the report, or the sentence that says why there is none."""
    if context.hands.watch_report is None:
        return empty("Nothing can be run over the record here.", "This process was started without the vendors' files.")
    settings = {f"breaker.{name}": value for name, value in numbers.items() if value is not None}
    try:
        report = await context.hands.watch_report(facts.name, circuit, view.since, view.until, settings)
    except Refused as refused:
        return empty("This cannot be compared.", str(refused), mark="degraded")
    if not report.attempts and not report.unknown and not report.refused_by_both:
        return empty("Nothing is on record in this time.", "Choose a longer time range, or another vendor.")
    return drawn(report, facts, view)


def drawn(report: WatchReport, facts: VendorFacts, view: TimeRange) -> Component:
    """Return the figures, both bands beside each other, and the changes of state."""
    bands = [
        *bands_of("would have", report.from_state, report.would, view),
        *bands_of("in fact", report.from_state, report.real, view),
    ]
    wrongly = report.refused_successful
    return html.Div(
        [
            html.Div(
                [
                    figure(
                        units.count(_opened(report.would)),
                        "Would have opened",
                        f"in fact {units.plural(_opened(report.real), 'time')}",
                    ),
                    figure(
                        units.count(report.refused),
                        "Would be refused",
                        f"of {units.plural(report.attempts, 'attempt')} sent",
                    ),
                    figure(
                        units.count(wrongly),
                        "Wrongly refused",
                        "attempts that succeeded",
                        tone_of="warn" if wrongly else "",
                    ),
                    figure(units.count(report.refused_failed), "Saved", "attempts that failed"),
                    figure(units.span(report.seconds_saved), "Time saved", "on those attempts"),
                    figure(
                        units.count(report.unknown),
                        "Unknown",
                        "calls refused in fact, sent by these",
                        tone_of="warn" if report.unknown else "",
                    ),
                ],
                className="q-figures",
            ),
            graph(circuit_timeline.figure(view, bands), "chart-rerun"),
            *[html.P(sentence, className="q-hint") for sentence in _said(report, facts)],
            _changes(report, view),
        ]
    )


def bands_of(name: str, state: str, changes: Sequence[Transition], view: TimeRange) -> list[Stretch]:
    """Return the states over the chosen time as bands of one name."""
    found, since, reason = [], view.since, ""
    for change in changes:
        found.append(Stretch(name=name, state=state, since=since, until=change.at, reason=reason))
        state, since, reason = change.to_state, change.at, change.reason
    return [*found, Stretch(name=name, state=state, since=since, until=view.until, reason=reason)]


def _opened(changes: Sequence[Transition]) -> int:
    return sum(change.to_state == "open" and change.from_state == "closed" for change in changes)


def _said(report: WatchReport, facts: VendorFacts) -> list[str]:
    sentences = []
    if report.unknown:
        calls = units.plural(report.unknown, "call")
        sentences.append(
            f"{calls} that the circuit refused in fact would have been sent. How they would have ended nobody knows; "
            "they are in no other figure, and what they might have opened or closed is not guessed."
        )
    if report.refused_by_both:
        sentences.append(f"{units.plural(report.refused_by_both, 'call')} would have been refused as they were.")
    if report.refusals_of_vendor:
        sentences.append(
            f"A refused call names no part of {facts.label}: the unknown ones are those of all its circuits together."
        )
    if report.derived:
        sentences.append(
            f"{units.plural(report.derived, 'attempt')} ended with an error before it was recorded how the circuit counted "
            "them; they count by whose fault it was."
        )
    if any(change.by for change in report.real):
        sentences.append(
            "Held open by hand it stays so here too; where somebody had it disabled or watching only, it is judged."
        )
    return sentences


def _changes(report: WatchReport, view: TimeRange) -> Component:
    """Return the changes of both histories in one list, in the order of time."""
    both = [("in fact", change) for change in report.real] + [("would have", change) for change in report.would]
    if not both:
        return html.P("Neither the circuit nor these settings changed anything in this time.", className="q-hint")
    both.sort(key=lambda pair: pair[1].at)
    rows = [
        [
            moment(change.at, view),
            which,
            badge(change.to_state),
            html.Span([change.reason, html.Span(f" by {change.by}", className="q-dim") if change.by else None]),
            dcc.Link("trace", href=view.link(f"/traces/{change.correlation_id}")) if change.correlation_id else "",
        ]
        for which, change in both[:LISTED]
    ]
    more = (
        html.P(f"The first {LISTED} of {units.count(len(both))} changes.", className="q-hint")
        if len(both) > LISTED
        else None
    )
    return html.Div(
        [table(("When", "Which", "To", "Why", ""), rows, caption="Changes in fact and as they would be"), more]
    )
