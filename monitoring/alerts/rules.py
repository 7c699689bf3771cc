"""When people are told: pure verdicts over what is stored. Rows in, findings out; nothing is written or sent here.

A finding that ``fires`` opens an incident; one that does not only keeps an open incident from ending (hysteresis). A
rule and subject without a finding is calm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from db.circuits import CircuitRow
from db.evidence import Evidence, UnknownOutcomes
from db.freshness import Freshness
from db.incidents import Severity
from db.plans import Plan
from db.processes import ProcessRow
from db.run_history import GUARD_STOP
from db.schedules import ScheduleEdit
from monitoring.facts import SyncFacts
from monitoring.health import Health, counted_calls, counted_failures, wilson_lower_bound
from monitoring.options import AlertOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How an incident of a rule begins and ends, in seconds.

    It fires once it has held for ``wait``, ends once it has been calm for ``calm``, and one that begins again within
    ``reopen`` of its end is the same incident.
    """

    name: str
    wait: float
    calm: float
    reopen: float = 0.0


CIRCUIT_OPEN = Rule(name="circuit_open", wait=0, calm=0, reopen=120)
ERROR_RATE = Rule(name="error_rate", wait=60, calm=180, reopen=300)
SYNC_FAILED = Rule(name="sync_failed", wait=0, calm=0)
SYNC_LATE = Rule(name="sync_late", wait=60, calm=0)
SYNC_PAUSED = Rule(name="sync_paused", wait=0, calm=0)
PLAN_WAITING = Rule(name="plan_waiting", wait=0, calm=0, reopen=3600)  # the next run may stop and ask again
UNKNOWN_OUTCOME = Rule(name="unknown_outcome", wait=0, calm=0)
PROCESS_SILENT = Rule(name="process_silent", wait=60, calm=30)

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        *(CIRCUIT_OPEN, ERROR_RATE, PLAN_WAITING, SYNC_FAILED, SYNC_LATE, SYNC_PAUSED),
        *(UNKNOWN_OUTCOME, PROCESS_SILENT),
    )
}

_OPEN_STATES = frozenset({"open", "half_open", "forced_open"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that holds now. ``facts`` are what the page and the message show: ``sentence`` (what is wrong),
    ``fault``, ``todo`` (what to do), ``path`` (the page), ``vendors`` it is about, and ``numbers`` by label.

    ``measure`` is how bad it is as one number, to tell growing from easing; ``guessed``: nothing was called lately that
    tells whose fault it is, so what an open incident says of that stands.
    """

    rule: Rule
    subject: str
    title: str
    severity: Severity = "page"
    fires: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)
    measure: float | None = None
    guessed: bool = False


def circuit_findings(
    circuits: Sequence[CircuitRow],
    *,
    labels: Mapping[str, str],
    health: Mapping[str, Health],
    syncs: Sequence[SyncFacts],
) -> list[Finding]:
    """Return one finding per circuit that is not closed; half open counts as open until the probes have succeeded."""
    findings = []
    for circuit in circuits:
        if circuit.state not in _OPEN_STATES:
            continue
        label = _circuit_label(circuit, labels)
        by_hand = circuit.state == "forced_open"
        verdict = health.get(circuit.vendor)
        fault = "by hand" if by_hand else (verdict.fault if verdict and verdict.fault else "theirs")
        findings.append(
            Finding(
                rule=CIRCUIT_OPEN,
                subject=circuit.name,
                title=f"{label} is held open by {circuit.by}" if by_hand else f"The circuit of {label} is open",
                severity="ticket" if by_hand else "page",
                guessed=not by_hand and not (verdict is not None and verdict.failed),
                facts={
                    "sentence": _end(circuit.reason or "It opened."),
                    "fault": fault,
                    "todo": (
                        "Set it back to closed when the reason is gone."
                        if by_hand
                        else f"{_advice(fault, label)} It is probed and closes by itself once the vendor answers."
                    ),
                    "path": f"/vendors/{circuit.vendor}",
                    "vendors": [circuit.vendor],
                    "dependents": [sync.label for sync in syncs if circuit.vendor in sync.vendors],
                },
            )
        )
    return findings


def error_rate_findings(
    evidence: Mapping[str, Evidence],
    *,
    labels: Mapping[str, str],
    health: Mapping[str, Health],
    options: AlertOptions,
) -> list[Finding]:
    """Return one finding per vendor whose calls fail too often; what was our own fault or refused by us is left out."""
    findings = []
    for vendor, found in sorted(evidence.items()):
        failed, total = counted_failures(found), counted_calls(found)
        if not total or not failed:
            continue
        enough = total >= options.minimum_calls
        fires = enough and wilson_lower_bound(failed, total) >= options.error_rate_threshold
        stays = failed / total >= options.error_rate_threshold / 2
        if not fires and not stays:
            continue
        label = labels.get(vendor, vendor)
        fault = health[vendor].fault if vendor in health else None
        kinds = sorted(found.error_types.items(), key=lambda item: (-item[1], item[0]))
        findings.append(
            Finding(
                rule=ERROR_RATE,
                subject=vendor,
                title=f"Calls to {label} fail",
                fires=fires,
                measure=round(failed / total, 3),
                facts={
                    "sentence": f"{failed} of {total} calls failed in {options.window / 60:g} min.",
                    "fault": fault or "theirs",
                    "todo": _advice(fault or "theirs", label),
                    "path": f"/vendors/{vendor}",
                    "vendors": [vendor],
                    "numbers": dict(kinds[:3]),
                },
            )
        )
    return findings


def sync_findings(
    freshness: Mapping[str, Freshness],
    *,
    syncs: Sequence[SyncFacts],
    edits: Mapping[str, ScheduleEdit],
    options: AlertOptions,
    now: datetime,
    watching_since: datetime,
) -> list[Finding]:
    """Return the syncs whose last run failed, and those that have had no success for too long.

    Lateness is counted from ``watching_since`` at the earliest: after a restart of ours nothing is late at once. A
    sync that is paused is not late, and one that was is given its time anew; one that was paused because it kept
    failing is a finding of its own, since it does not go on by itself. So is one that the blast guard stopped.
    """
    findings = []
    for sync in syncs:
        stands = freshness.get(sync.name)
        common = {"path": "/syncs", "vendors": list(sync.vendors)}
        failed = stands is not None and stands.outcome in ("error", "abandoned") and stands.error_type != GUARD_STOP
        if stands is not None and failed:
            times = f" {stands.failures} runs in a row." if stands.failures > 1 else ""
            findings.append(
                Finding(
                    rule=SYNC_FAILED,
                    subject=sync.name,
                    title=f"The sync {sync.label} failed",
                    severity="ticket",
                    facts=common
                    | {
                        "sentence": _end(stands.message or f"Its last run ended with {stands.outcome}.") + times,
                        "fault": "see the run",
                        "todo": "Read the run and its dead letters, mend the cause, then run it again from the page.",
                        "run_id": stands.run_id,
                        "error_type": stands.error_type or "",
                    },
                    measure=float(stands.failures),
                )
            )
        edit = edits.get(sync.name)
        if edit is not None and edit.is_paused(now):
            if edit.paused_run is not None:
                findings.append(
                    Finding(
                        rule=SYNC_PAUSED,
                        subject=sync.name,
                        title=f"The sync {sync.label} is paused: it kept failing",
                        facts=common
                        | {
                            "sentence": _end(edit.pause_reason or "It kept failing."),
                            "fault": "see the run",
                            "todo": "Mend the cause, try it with “Run now”, then resume its schedule on the page.",
                            "run_id": edit.paused_run,
                        },
                    )
                )
            continue
        allowed = timedelta(seconds=options.late_after.get(sync.name, options.late_otherwise))
        fresh = stands.succeeded_at if stands is not None else None
        since = max(fresh, watching_since) if fresh is not None else watching_since
        since = max(since, (edit.held_until(now) if edit is not None else None) or since)
        if now - since > allowed:
            findings.append(
                Finding(
                    rule=SYNC_LATE,
                    subject=sync.name,
                    title=f"The sync {sync.label} is late",
                    facts=common
                    | {
                        "sentence": (
                            f"No success since {_clock(fresh)}; allowed is {_span(allowed)}."
                            if fresh is not None
                            else f"It has never succeeded; allowed is {_span(allowed)}."
                        ),
                        "fault": "ours",
                        "todo": "See whether it runs at all, what holds it up, and whether the scheduler is alive.",
                    },
                )
            )
    return findings


def plan_findings(waiting: Sequence[Plan], *, syncs: Sequence[SyncFacts]) -> list[Finding]:
    """Return the syncs that the blast guard has stopped and that wait for somebody to decide."""
    known = {sync.name: sync for sync in syncs}
    return [
        Finding(
            rule=PLAN_WAITING,
            subject=plan.sync,
            title=f"The sync {known[plan.sync].label if plan.sync in known else plan.sync} stopped and asks",
            facts={
                "sentence": f"{plan.stopped or 'It would change too much.'} Nothing was written.",
                "fault": "see the plan",
                "todo": "Look at the plan: let it go on once if it is right, else throw it away and mend the cause.",
                "path": f"/plans/{plan.run_id}",
                "vendors": list(known[plan.sync].vendors) if plan.sync in known else [],
                "run_id": plan.run_id,
                "numbers": {"changes": plan.total},
            },
        )
        for plan in waiting
    ]


def unknown_outcome_findings(
    unknown: Sequence[UnknownOutcomes], *, labels: Mapping[str, str], options: AlertOptions
) -> list[Finding]:
    """Return the vendors with writes whose outcome has been unknown for too long."""
    return [
        Finding(
            rule=UNKNOWN_OUTCOME,
            subject=found.vendor,
            title=f"Writes to {labels.get(found.vendor, found.vendor)} with unknown outcome",
            facts={
                "sentence": (
                    f"{found.count} {'write' if found.count == 1 else 'writes'} may or may not have happened; "
                    f"the oldest is from {_clock(found.oldest)}."
                ),
                "fault": "network",
                "todo": "Look each one up at the vendor, then settle it in Quayside. Do not send it again blindly.",
                "path": f"/outcomes?vendor={found.vendor}",
                "vendors": [found.vendor],
                "numbers": {"unknown": found.count},
            },
            measure=float(found.count),
        )
        for found in unknown
    ]


def process_findings(
    processes: Sequence[ProcessRow], kind: str, *, options: AlertOptions, now: datetime
) -> list[Finding]:
    """Return a finding when every process of a kind has gone silent without having been stopped in order."""
    rows = sorted((row for row in processes if row.kind == kind), key=lambda row: row.heartbeat_at, reverse=True)
    silence = timedelta(seconds=options.process_silence)
    alive = any(row.stopped_at is None and now - row.heartbeat_at <= silence for row in rows)
    if not rows or alive or rows[0].stopped_at is not None:
        return []
    return [
        Finding(
            rule=PROCESS_SILENT,
            subject=kind,
            title=f"The {kind} process is silent",
            facts={
                "sentence": f"Its last heartbeat was at {_clock(rows[0].heartbeat_at)}.",
                "fault": "ours",
                "todo": f"Start it again: python app.py {kind}. Its last log lines say why it ended.",
                "path": "/",
                "vendors": [],
            },
        )
    ]


def lately_closed(circuits: Sequence[CircuitRow], *, since: datetime) -> dict[str, str]:
    """Return vendor -> circuit of those that closed since then: what failed before still stands in the evidence."""
    return {row.vendor: row.name for row in circuits if row.state not in _OPEN_STATES and row.changed_at >= since}


def causes(findings: Sequence[Finding], lately: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return which findings are only an effect of an open circuit: (rule, subject) -> the circuit's subject.

    An open circuit hides its vendor's error rate, and the trouble of the syncs that need the vendor: one message per
    cause. A circuit held open by hand hides them too, because somebody knows. So does one that closed a moment ago
    (``lately``), until the evidence of the time before has passed.
    """
    open_at = dict(lately) | {
        vendor: finding.subject
        for finding in findings
        if finding.rule is CIRCUIT_OPEN
        for vendor in finding.facts.get("vendors", ())
    }
    hidden = {}
    for finding in findings:
        if finding.rule in (ERROR_RATE, SYNC_FAILED, SYNC_LATE):
            cause = next((open_at[vendor] for vendor in finding.facts["vendors"] if vendor in open_at), None)
            if cause is not None:
                hidden[finding.rule.name, finding.subject] = cause
    return hidden


def _circuit_label(circuit: CircuitRow, labels: Mapping[str, str]) -> str:
    label = labels.get(circuit.vendor, circuit.vendor)
    part = circuit.name.removeprefix(circuit.vendor).lstrip("/")
    return f"{label} ({part})" if part else label


def _advice(fault: str, label: str) -> str:
    return {
        "theirs": f"See {label}'s status page; open a case there with the request ids of the failed calls.",
        "network": "Check our own network, DNS and proxy first; other vendors are hit too or nobody else was asked.",
        "configuration": f"Check {label}'s credential and settings: python app.py check.",
        "ours": "See what was sent; the calls page shows why it was refused.",
    }.get(fault, "See the calls page.")


def _end(sentence: str) -> str:
    text = sentence.strip()
    return text if text.endswith((".", "!", "?")) else text + "."


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 120 else f"{minutes} min"
