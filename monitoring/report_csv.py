"""A vendor's report as CSV: a block of figures, then a row per day, per error class and per incident."""

from __future__ import annotations

from monitoring.csv_text import csv_text
from monitoring.report import Report


def report_csv(report: Report, label: str) -> str:
    """Return the report as CSV; the first column says what a row is."""
    met = report.met()
    rows: list[tuple[object, ...]] = [
        ("figure", "vendor", label),
        ("figure", "from", report.since),
        ("figure", "to", report.until),
        ("figure", "made at", report.made_at),
        *[("figure", "note", sentence) for sentence in report.partial],
        ("figure", "availability, share of calls", report.availability),
        ("figure", "availability agreed", report.agreed.availability),
        ("figure", "availability met", _yes(met["availability"])),
        ("figure", "share of the failures allowed that happened", report.budget_used),
        ("figure", "P50, seconds over attempts", report.p50),
        ("figure", "P95, seconds over attempts", report.p95),
        ("figure", "P99, seconds over attempts", report.p99),
        ("figure", "P95 agreed, seconds", report.agreed.p95),
        ("figure", "P95 met", _yes(met["p95"])),
        ("figure", "calls that reached the vendor", report.calls),
        ("figure", "of these failed by the vendor or the network", report.failed),
        ("figure", "of these failed by us", report.failed_ours),
        ("figure", "calls we refused to send", report.refused),
        ("figure", "attempts", report.attempts),
        ("figure", "retries among them", report.retries),
        ("figure", "attempts refused as too many requests", report.rate_limited),
        ("figure", "seconds with an incident that paged", report.incident_seconds),
        ("figure", "seconds set apart", report.apart_seconds),
    ]
    rows += [
        (
            "day",
            f"{day.start:%Y-%m-%d}",
            day.calls,
            day.failed,
            day.failed_ours,
            day.refused,
            day.apart,
            day.availability,
            day.worst_p95,
        )
        for day in report.days
    ]
    rows += [("error", error.error_type, error.fault, error.calls, error.attempts) for error in report.errors]
    for incident in report.incidents:
        start, end = report.lasted(incident)
        rows.append(("incident", incident.title, start, end, (end - start).total_seconds(), incident.severity))
    rows += [("set apart", "", start, end, (end - start).total_seconds()) for start, end in report.apart]
    names = ("row", "name", "1", "2", "3", "4", "5", "6", "7")
    heads = [
        ("head: day", "day", "calls", "failed", "failed by us", "refused", "set apart", "availability", "worst P95 s"),
        ("head: error", "class", "fault", "calls", "attempts"),
        ("head: incident", "title", "from", "to", "seconds", "severity"),
    ]
    return csv_text(names, [*heads, *rows])


def _yes(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "no"
