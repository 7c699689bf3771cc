"""/metrics: Prometheus text with OpenTelemetry's names where it has them.

Counters count from the hour this process started in (``counters.py``); everything else is the state of the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from db import circuits, dashboard, processes
from db.evidence import old_unknown_outcomes
from db.freshness import freshness
from db.incidents import open_incidents
from db.notices import unsent
from db.permits import headroom as permit_rows
from db.totals import Totals
from monitoring.headroom import of_vendor
from monitoring.site import Site

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# opentelemetry.io/docs/specs/semconv/http/http-metrics: the advised boundaries, and two more for ERP and SOAP.
BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0)
CIRCUIT_STATES = ("closed", "open", "half_open", "forced_open", "disabled", "watch_only")

Labels = Mapping[str, str]


async def text(site: Site) -> str:
    """Return the whole exposition. Raise StoreUnavailable when the database does not answer."""
    lines: list[str] = []
    _call_metrics(lines, await site.counters.read(site.db, site.now()))
    await _state_metrics(lines, site)
    return "\n".join(lines) + "\n"


def _call_metrics(lines: list[str], sums: Totals) -> None:
    name = "http_client_request_duration_seconds"
    _head(lines, name, "histogram", "Duration of requests to vendors, one per attempt.")
    for key in sorted(sums.bins):
        labels = {"vendor": key[0], "operation": key[1]}
        for boundary in BOUNDARIES:
            _sample(lines, f"{name}_bucket", {**labels, "le": f"{boundary:g}"}, sums.at_most(key, boundary))
        count = sum(sums.bins[key].values())
        _sample(lines, f"{name}_bucket", {**labels, "le": "+Inf"}, count)
        _sample(lines, f"{name}_sum", labels, sums.seconds.get(key, 0.0))
        _sample(lines, f"{name}_count", labels, count)
    _head(lines, "quayside_calls_total", "counter", "Calls by outcome; failed includes unknown outcomes.")
    for key in sorted(sums.calls):
        labels = {"vendor": key[0], "operation": key[1]}
        good = sums.calls[key] - sums.failed[key] - sums.refused[key]
        for outcome, value in (("success", good), ("failed", sums.failed[key]), ("refused", sums.refused[key])):
            _sample(lines, "quayside_calls_total", {**labels, "outcome": outcome}, value)
    _head(lines, "quayside_call_errors_total", "counter", "Calls that did not succeed, by error.type and fault.")
    for (vendor, operation, error_type, fault), count in sorted(sums.errors.items()):
        labels = {"vendor": vendor, "operation": operation, "error_type": error_type, "fault": fault}
        _sample(lines, "quayside_call_errors_total", labels, count)
    for name, help_text, values in (
        ("quayside_attempts_total", "Requests sent to vendors.", sums.attempts),
        ("quayside_retries_total", "Attempts after the first.", sums.retries),
        ("quayside_throttle_wait_seconds_total", "Seconds calls were held back by our limiter.", sums.throttle_wait),
    ):
        _head(lines, name, "counter", help_text)
        for key in sorted(values):
            _sample(lines, name, {"vendor": key[0], "operation": key[1]}, values[key])


async def _state_metrics(lines: list[str], site: Site) -> None:
    now = site.now()
    known = {row.name: row for row in await circuits.states(site.db)}
    _head(lines, "quayside_circuit_state", "gauge", "1 for the state a circuit is in, 0 for the others.")
    for vendor, circuit, state in sorted(
        {(row.vendor, row.name, row.state) for row in known.values()}
        | {(vendor, vendor, "closed") for vendor in site.vendors if vendor not in known}
    ):
        for one in CIRCUIT_STATES:
            labels = {"vendor": vendor, "circuit": circuit, "state": one}
            _sample(lines, "quayside_circuit_state", labels, int(one == state))
    permits = await permit_rows(site.db)
    _head(lines, "quayside_quota_headroom_ratio", "gauge", "What is left of a quota, 0 to 1.")
    for facts in site.vendors.values():
        for left in of_vendor(facts, permits, now):
            _sample(lines, "quayside_quota_headroom_ratio", {"vendor": facts.name, "quota": left.quota}, left.share)
    stands = await freshness(site.db)
    _gauges(
        lines,
        "quayside_sync_age_seconds",
        "Seconds since a sync last succeeded.",
        "sync",
        {s.sync: (now - s.succeeded_at).total_seconds() for s in stands.values() if s.succeeded_at},
    )
    failures = {sync.sync: sync.failures for sync in stands.values()}
    _gauges(lines, "quayside_sync_failures_in_a_row", "Failed runs since the last success.", "sync", failures)
    firing: dict[str, int] = {}
    for incident in await open_incidents(site.db):
        if incident.state == "firing":
            firing[incident.rule] = firing.get(incident.rule, 0) + 1
    _gauges(lines, "quayside_incidents_firing", "Open incidents by rule.", "rule", firing)
    unknown = {found.vendor: found.count for found in await old_unknown_outcomes(site.db, before=now)}
    _gauges(lines, "quayside_unknown_outcomes", "Writes whose outcome nobody knows.", "vendor", unknown)
    waiting = await dashboard.waiting(site.db)
    _gauges(lines, "quayside_outbox_waiting", "What waits to be brought to a vendor.", "kind", waiting)
    seen: dict[str, float] = {}
    for row in await processes.seen(site.db, since=now - timedelta(days=1)):
        age = (now - row.heartbeat_at).total_seconds()
        if row.stopped_at is None:
            seen[row.kind] = min(age, seen.get(row.kind, age))
    _gauges(lines, "quayside_process_heartbeat_age_seconds", "Age of the freshest heartbeat.", "kind", seen)
    _head(lines, "quayside_notices_unsent", "gauge", "Notices a channel has not taken yet.")
    _sample(lines, "quayside_notices_unsent", {}, await unsent(site.db))


def _gauges(lines: list[str], name: str, help_text: str, label: str, values: Mapping[str, float]) -> None:
    _head(lines, name, "gauge", help_text)
    for key in sorted(values):
        _sample(lines, name, {label: key}, values[key])


def _head(lines: list[str], name: str, kind: str, help_text: str) -> None:
    lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]


def _sample(lines: list[str], name: str, labels: Labels, value: float) -> None:
    text = ",".join(f'{label}="{_escaped(word)}"' for label, word in labels.items())
    number = str(value) if isinstance(value, int) else repr(round(value, 6))
    lines.append(f"{name}{{{text}}} {number}" if text else f"{name} {number}")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
