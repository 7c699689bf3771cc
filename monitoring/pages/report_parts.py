"""The parts of a vendor's report: the verdict, the figures, the days, the errors, the incidents, what is set apart."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from monitoring import units
from monitoring.context import DashboardContext
from monitoring.pages.marks import badge, figure
from monitoring.pages.states import empty
from monitoring.pages.table import table
from monitoring.report import Day, Report
from monitoring.timerange import TimeRange

_THIN = "\u202f"


def report_parts(report: Report, context: DashboardContext, _view: TimeRange) -> list[Component]:
    """Return the report, from the verdict down to single incidents."""
    return [
        head(report, context),
        figures(report),
        *([days_part(report)] if any(day.calls or day.refused or day.apart for day in report.days) else []),
        errors_part(report),
        incidents_part(report),
        *([apart_part(report)] if report.apart else []),
        how(report),
    ]


def share(value: float | None) -> str:
    """Return an availability with as many nines as it has: ``99.95 %``; it is never rounded up to 100."""
    if value is None:
        return units.NONE
    if value == 1:
        return f"100{_THIN}%"
    return f"{int(value * 100_000) / 1000:.3f}{_THIN}%" if value >= 0.99 else f"{value * 100:.2f}{_THIN}%"


def head(report: Report, context: DashboardContext) -> Component:
    """Return what the report is of, whether the targets were met, and what the figures lack."""
    met = [one for one in report.met().values() if one is not None]
    if not met:
        verdict = badge("idle", "nothing agreed" if report.calls else "no calls")
    else:
        verdict = badge("success", "as agreed") if all(met) else badge("error", "not as agreed")
    return html.Section(
        [
            html.Div([html.H2(context.label(report.vendor)), verdict], className="q-panel-head"),
            html.P(f"{when(report)} · made {report.made_at:%-d %B %Y %H:%M} UTC", className="q-dim"),
            *[html.P(sentence, className="q-sentence q-edge-warn") for sentence in report.partial],
        ],
        className="q-panel",
    )


def when(report: Report) -> str:
    """Return the time of a report in words: a month by its name."""
    since, until = report.since, report.until
    if since.day == 1 and since.hour == since.minute == 0 and (until - since).days >= 28 and until.day == 1:
        return f"{since:%B %Y}"
    return f"{since:%-d %B %Y %H:%M} to {until:%-d %B %Y %H:%M} UTC"


def figures(report: Report) -> Component:
    """Return the figures, each with what it is over and what is agreed."""
    met, agreed = report.met(), report.agreed

    def against(name: str, target: str) -> tuple[str, str]:
        ok = met[name]
        word = "" if ok is None else ", met" if ok else ", not met"
        return f"agreed {target}{word}", "" if ok is None else "good" if ok else "bad"

    availability = against("availability", share(agreed.availability)) if agreed.availability is not None else ("", "")
    p95 = against("p95", units.duration(agreed.p95)) if agreed.p95 is not None else ("", "")
    parts = [
        figure(
            share(report.availability), "Availability", f"over calls {availability[0]}".strip(), tone_of=availability[1]
        ),
        figure(units.duration(report.p50), "P50", "over attempts"),
        figure(units.duration(report.p95), "P95", f"over attempts {p95[0]}".strip(), tone_of=p95[1]),
        figure(units.duration(report.p99), "P99", "over attempts"),
        figure(f"{report.calls:,}", "Calls", "that reached the vendor"),
        figure(f"{report.failed:,}", "Failed", "calls, by the vendor or the network"),
        figure(f"{report.failed_ours:,}", "Failed by us", "calls, not counted against it"),
        figure(f"{report.rate_limited:,}", "Too many requests", "attempts the vendor refused"),
        figure(f"{report.refused:,}", "Held back", "calls we did not send"),
        figure(f"{report.attempts:,}", "Attempts", f"{units.count(report.retries)} of them retries"),
        *([budget(report.budget_used)] if report.budget_used is not None else []),
        figure(units.span(report.incident_seconds), "Incidents", f"{len(report.incidents)}, time of those that paged"),
        figure(units.span(report.apart_seconds), "Set apart", "maintenance, held open by hand"),
    ]
    return html.Section([html.H2("Figures"), html.Div(parts, className="q-figures")], className="q-panel")


def budget(used: float) -> Component:
    """Return how much of the failures that the agreed availability allows has happened."""
    word = "over it" if used > 1 else "within it"
    return figure(
        units.percent(used), "Allowed failures used", f"over calls, {word}", tone_of="bad" if used > 1 else "good"
    )


def days_part(report: Report) -> Component:
    """Return a row per day, with a bar of what failed."""
    called = [bool(day.calls or day.refused or day.apart) for day in report.days]
    first = called.index(True) if any(called) else len(called)
    rows = [
        [
            f"{day.start:%a %-d %b}",
            units.plural(day.calls, "call"),
            f"{day.failed:,} failed",
            beside(day),
            share(day.availability),
            bar(day, report.agreed.availability),
            units.duration(day.worst_p95),
        ]
        for day in report.days[first:]
    ]
    names = ("Day", ">Calls", ">Failed", "Not counted", ">Availability", "Failed", ">Worst P95")
    width = "5 minutes" if report.width == 300 else "hour"
    return html.Section(
        [
            html.Div(
                [html.H2("Days"), html.Span(f"over calls; worst P95 of any {width}, over attempts", className="q-sub")],
                className="q-panel-head",
            ),
            table(names, rows, caption="Days", brief=True),
        ],
        className="q-panel",
    )


def beside(day: Day) -> str:
    """Return what of a day does not count against the vendor, in words."""
    parts = [(day.failed_ours, "failed by us"), (day.refused, "held back"), (day.apart, "set apart")]
    return ", ".join(f"{count:,} {what}" for count, what in parts if count)


def bar(day: Day, target: float | None) -> Component:
    """Return a bar as long as the share of failed calls, to ten percent; its tone says whether the target was met."""
    failed = 0.0 if day.availability is None else 1 - day.availability
    bad = target is not None and day.availability is not None and day.availability < target
    width = min(100.0, failed * 1000)
    return html.Span(
        html.Span(style={"width": f"{width:.1f}%"}, className=f"q-bar-fill q-tone-{'bad' if bad else 'warn'}"),
        className="q-bar q-bar-inline",
        title=f"{units.percent(failed)} failed",
    )


def errors_part(report: Report) -> Component:
    """Return what went wrong by class, refusals by us last."""
    found = sorted(report.errors, key=lambda one: (one.fault == "refused", -one.calls, -one.attempts))
    rows = [
        [error.error_type.replace("_", " "), _fault(error.fault), f"{error.calls:,}", f"{error.attempts:,}"]
        for error in found
    ]
    body = (
        table(("Class", "Whose", ">Calls", ">Attempts"), rows, caption="Errors")
        if rows
        else empty("Nothing went wrong.", mark="healthy")
    )
    sub = html.Span("an attempt may fail inside a call that succeeds", className="q-sub")
    return html.Section([html.Div([html.H2("Errors"), sub], className="q-panel-head"), body], className="q-panel")


def _fault(fault: str) -> str:
    words = {"theirs": "the vendor's", "network": "the network's", "ours": "ours", "configuration": "our settings"}
    return "held back by us" if fault == "refused" else words.get(fault, units.NONE)


def incidents_part(report: Report) -> Component:
    """Return the incidents that touch the time, oldest first."""
    rows: list[Sequence[str]] = []
    for incident in report.incidents:
        start, end = report.lasted(incident)
        lasted = units.span((end - start).total_seconds())
        rows.append(
            [
                f"{start:%-d %b %H:%M}",
                f"{end:%-d %b %H:%M}" if incident.resolved_at else "still open",
                lasted,
                incident.title,
                "paged" if incident.severity == "page" else "ticket",
            ]
        )
    body = (
        table(("From", "To", ">Lasted", "What", "Told"), rows, caption="Incidents")
        if rows
        else empty("No incident touched this time.", mark="healthy")
    )
    return html.Section([html.H2("Incidents"), body], className="q-panel")


def apart_part(report: Report) -> Component:
    """Return the stretches that do not count."""
    rows = [
        [f"{start:%-d %b %H:%M}", f"{end:%-d %b %H:%M}", units.span((end - start).total_seconds())]
        for start, end in report.apart
    ]
    text = "Announced maintenance, and time in which somebody held the circuit open by hand. Calls in it do not count."
    return html.Section(
        [
            html.H2("Set apart"),
            html.P(text, className="q-dim"),
            table(("From", "To", ">Lasted"), rows, caption="Set apart"),
        ],
        className="q-panel",
    )


def how(report: Report) -> Component:
    """Return how the figures are made, for whoever holds them against the vendor's own."""
    width = "five minutes" if report.width == 300 else "an hour"
    return html.P(
        "Availability is the share of calls that reached the vendor and did not fail by its fault or the network's; "
        "retries are inside a call. What failed by us and what we held back does not count against it. Percentiles are "
        f"of single attempts, right to 1 %, over the whole time. Time is set apart in steps of {width}. All times in UTC.",
        className="q-hint",
    )
