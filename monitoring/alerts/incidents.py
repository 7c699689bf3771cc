"""From findings to incidents: pending → firing → resolved. What channels still have to read is in ``delivery.py``.

``evaluate`` steps: end the silences that are over → read what is stored → findings (rules.py) → which are only effects
of another → open, take up again, fire, change or resolve incidents, each by a conditional update. Several processes may
do it at the same time.

What a person has resolved rests, though its rule still finds it: it begins again at once when it was calm in between, or
when it is another run that fails; else once it has held for ``GRACE`` longer. What a person keeps open, only a person
ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from db import circuits as circuit_rows
from db import plans as plan_rows
from db import processes as process_rows
from db import schedules
from db.engine import Database
from db.evidence import old_unknown_outcomes, recent_evidence
from db.freshness import freshness
from db.incident_acts import GRACE
from db.incident_events import Kind
from db.incidents import (
    NOT_SILENCED,
    Incident,
    begin_again,
    change_incident,
    drop_pending,
    end_silences,
    is_stale,
    list_incidents,
    note_calm,
    open_incident,
    open_incidents,
    resolve_incident,
    resolved_by_hand,
)
from monitoring.alerts.delivery import Delivery
from monitoring.alerts.rules import (
    CIRCUIT_OPEN,
    RULES,
    Finding,
    causes,
    circuit_findings,
    error_rate_findings,
    lately_closed,
    plan_findings,
    process_findings,
    sync_findings,
    unknown_outcome_findings,
)
from monitoring.alerts.slack import span
from monitoring.facts import SendNotice, SyncFacts, VendorFacts
from monitoring.health import judge_all, worst_circuit
from monitoring.options import AlertOptions

log = logging.getLogger(__name__)

Watch = Literal["everything", "scheduler"]

_PENDING_SILENCE = timedelta(seconds=120)  # not evaluated for that long: a pending incident begins anew
_RUNS_REST = timedelta(days=30)  # how long a run that failed and was called settled is remembered
_STEP = 0.25  # of what an incident is measured by: from then on it has grown, or eased
_MATERIAL = ("fault", "dependents", "todo", "run_id")  # facts whose change is told at once; other numbers wait


class Alerts:
    """Evaluates the rules and tells the channels. ``watch`` "scheduler" is for the web process: it looks only at
    whether the scheduler is alive, and delivers only while it is not."""

    def __init__(
        self,
        db: Database,
        options: AlertOptions,
        vendors: Sequence[VendorFacts],
        syncs: Sequence[SyncFacts],
        send: SendNotice | None,
        now: Callable[[], datetime],
        *,
        watch: Watch = "everything",
    ) -> None:
        self._db = db
        self._options = options
        self._labels = {facts.name: facts.label for facts in vendors}
        self._syncs = syncs
        self._delivery = Delivery(db, options, send, now)
        self._now = now
        self._watch = watch
        self._watching_since = now()
        self._scheduler_silent = False
        self._lately: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Alerts on {self._watch}, {len(self._options.channels)} channels>"

    async def evaluate(self) -> None:
        """Judge what is stored now and bring the incidents up to it. Raise StoreUnavailable when the database is away."""
        now = self._now()
        await end_silences(self._db, now=now)
        if self._watch == "scheduler":
            findings, rules = await self._scheduler_findings(now), {"process_silent"}
            subjects: set[str] | None = {"scheduler"}
            self._scheduler_silent = bool(findings)
        else:
            findings, rules = await self._findings(now), set(RULES)
            subjects = None
        known = {
            (incident.rule, incident.subject): incident
            for incident in await open_incidents(self._db)
            if incident.rule in rules and self._mine(incident, subjects)
        }
        rested = {
            (incident.rule, incident.subject): incident
            for incident in reversed(await resolved_by_hand(self._db, since=now - _RUNS_REST))  # the latest wins
            if incident.rule in rules and self._mine(incident, subjects)
        }
        await self._apply(findings, known, rested, now)

    def _mine(self, incident: Incident, subjects: set[str] | None) -> bool:
        """Leave the scheduler's own silence to the web process, and everything else to the scheduler."""
        if subjects is not None:
            return incident.subject in subjects
        return (incident.rule, incident.subject) != ("process_silent", "scheduler")

    async def _scheduler_findings(self, now: datetime) -> list[Finding]:
        rows = await process_rows.seen(self._db, since=now - timedelta(days=7))
        return process_findings(rows, "scheduler", options=self._options, now=now)

    async def _findings(self, now: datetime) -> list[Finding]:
        options = self._options
        evidence = await recent_evidence(self._db, since=now - timedelta(seconds=options.window))
        circuits = await circuit_rows.states(self._db)
        self._lately = lately_closed(circuits, since=now - timedelta(seconds=options.window))
        health = judge_all(
            evidence,
            labels={name: self._labels.get(name, name) for name in {*self._labels, *evidence}},
            circuits=worst_circuit((row.vendor, row.state, row.reason or "") for row in circuits),
            minutes=round(options.window / 60),
        )
        unknown = await old_unknown_outcomes(self._db, before=now - timedelta(seconds=options.unknown_after))
        processes = await process_rows.seen(self._db, since=now - timedelta(days=7))
        waiting = await plan_rows.waiting(self._db)
        return [
            *circuit_findings(circuits, labels=self._labels, health=health, syncs=self._syncs),
            *error_rate_findings(evidence, labels=self._labels, health=health, options=options),
            *sync_findings(
                await freshness(self._db),
                syncs=self._syncs,
                edits=await schedules.edits(self._db),
                options=options,
                now=now,
                watching_since=self._watching_since,
            ),
            *plan_findings(waiting, syncs=self._syncs),
            *unknown_outcome_findings(unknown, labels=self._labels, options=options),
            *process_findings(processes, "web", options=options, now=now),
        ]

    async def _apply(
        self,
        findings: Iterable[Finding],
        known: Mapping[tuple[str, str], Incident],
        rested: Mapping[tuple[str, str], Incident],
        now: datetime,
    ) -> None:
        held = {(finding.rule.name, finding.subject): finding for finding in findings}
        # A finding that only keeps an incident from ending explains nothing and is explained by nothing.
        hidden = causes([finding for key, finding in held.items() if finding.fires or key in known], self._lately)
        # Causes first, so that their effects find them open.
        for key, finding in sorted(held.items(), key=lambda item: item[0] in hidden):
            incident = known.get(key)
            cause = await self._cause(hidden[key]) if key in hidden else None
            if incident is not None:
                await self._keep(incident, finding, cause, now)
            elif finding.fires and not _rests(rested.get(key), finding, now):
                await self._open(finding, cause, now, rested.get(key))
        for key, incident in known.items():
            if key not in held:
                await self._calm(incident, now)
        for key, incident in rested.items():
            if key not in held and key not in known and incident.calm_since is None:
                await note_calm(self._db, incident, now=now)

    async def _cause(self, circuit: str) -> str | None:
        latest = await list_incidents(self._db, rule=CIRCUIT_OPEN.name, subject=circuit, limit=1)
        return latest[0].id if latest else None

    async def _open(self, finding: Finding, cause: str | None, now: datetime, rested: Incident | None = None) -> None:
        rule = finding.rule
        lately = now - timedelta(seconds=rule.reopen)
        if rested is not None and rested.resolved_at is not None and now - rested.resolved_at < 2 * GRACE:
            lately = min(lately, rested.resolved_at)
        if lately < now and await begin_again(
            self._db,
            rule=rule.name,
            subject=finding.subject,
            resolved_since=lately,
            title=finding.title,
            facts=_first_facts(finding),
            now=now,
        ):
            return
        opened = await open_incident(
            self._db,
            rule=rule.name,
            subject=finding.subject,
            state="pending" if rule.wait else "firing",
            severity=finding.severity,
            title=finding.title,
            facts=_first_facts(finding),
            started_at=now,
            inhibited_by=cause,
            now=now,
        )
        if opened and not rule.wait:
            _log_fired(finding)

    async def _keep(self, incident: Incident, finding: Finding, cause: str | None, now: datetime) -> None:
        """Bring an open incident up to what holds now."""
        values: dict[str, Any] = {
            "title": finding.title,
            "severity": finding.severity,
            "facts": _facts_now(incident, finding),
            "calm_since": None,
            "inhibited_by": cause,
        }
        if incident.state == "pending":
            if not finding.fires:
                return
            if is_stale(incident, now, _PENDING_SILENCE):
                await change_incident(
                    self._db, incident, now=now, say=False, values={**values, "started_at": now, "changed_at": now}
                )
            elif (now - incident.started_at).total_seconds() >= finding.rule.wait:
                sentence = str(finding.facts.get("sentence", ""))
                values["facts"].pop("told", None)  # what it has come to by now is what it fires with
                fired = await change_incident(
                    self._db,
                    incident,
                    now=now,
                    say=True,
                    values={**values, "state": "firing", "fired_at": now},
                    events=[("fired", sentence)],
                )
                if fired:
                    _log_fired(finding)
            else:
                await change_incident(self._db, incident, now=now, say=False, values={**values, "changed_at": now})
            return
        events = _events(incident, finding, values)
        if not finding.fires:
            # The numbers that made it fire say more than those that keep it.
            values["facts"] = dict(incident.facts) | (
                {"told": values["facts"]["told"]} if "told" in values["facts"] else {}
            )
        other = incident.is_silenced(now) and _other_trouble(incident, values)
        if other:
            values |= NOT_SILENCED
            events.append(("unsilenced", "It is another trouble than the one that was silenced."))
        if _same(incident, values):
            return
        say = (
            other
            or _material_change(incident, values)
            or (
                (now - incident.changed_at).total_seconds() >= self._options.edit_every
                and values["facts"] != incident.facts
            )
        )
        await change_incident(self._db, incident, now=now, say=say, values=values, events=events, alarm=other)

    async def _calm(self, incident: Incident, now: datetime) -> None:
        """End an incident once it has been calm long enough; forget one that never fired."""
        if incident.state == "pending":
            await drop_pending(self._db, incident)
            return
        if incident.kept_open_by is not None:
            return
        rule = RULES.get(incident.rule)
        since = incident.calm_since or now
        if rule is None or (now - since).total_seconds() >= rule.calm:
            calm = f"Nothing of it for {span(rule.calm)}." if rule is not None and rule.calm else "It is over."
            if await resolve_incident(self._db, incident, now=now, why=calm):
                log.info("incident.resolved", extra={"rule": incident.rule, "subject": incident.subject})
        elif incident.calm_since is None:
            await change_incident(self._db, incident, now=now, say=False, values={"calm_since": now})

    async def deliver(self) -> int:
        """Tell each channel what it has not read yet (``delivery.py``); return how many messages went out."""
        if self._watch == "scheduler" and not self._scheduler_silent:
            return 0
        return await self._delivery.deliver()


def _log_fired(finding: Finding) -> None:
    log.warning("incident.fired", extra={"rule": finding.rule.name, "subject": finding.subject, "title": finding.title})


def _rests(rested: Incident | None, finding: Finding, now: datetime) -> bool:
    """Say whether what a person resolved is still the same trouble, which was to rest."""
    if rested is None or rested.resolved_at is None or rested.calm_since is not None:
        return False
    run = finding.facts.get("run_id")
    if run is not None:
        return bool(run == rested.facts.get("run_id"))
    return now - rested.resolved_at < GRACE


def _first_facts(finding: Finding) -> dict[str, Any]:
    """Return the facts an incident begins with."""
    measured = {} if finding.measure is None else {"measure": finding.measure, "peak": finding.measure}
    return {**finding.facts, **measured}


def _facts_now(incident: Incident, finding: Finding) -> dict[str, Any]:
    """Return the facts of an open incident by what holds now, with what is remembered of its past: how often it has
    begun, whose faults it was so far, the most it came to, and the measure its timeline spoke of last."""
    before, facts = incident.facts, dict(finding.facts)
    if finding.guessed and "fault" in before:
        facts |= {name: before[name] for name in ("fault", "todo") if name in before}
    if "times" in before:
        facts["times"] = before["times"]
    faults = list(before.get("faults") or [before.get("fault")])
    if facts.get("fault") not in faults:
        faults.append(facts.get("fault"))
    if len(faults) > 1:
        facts["faults"] = faults
    if finding.measure is not None:
        known = [value for value in (before.get("peak"), before.get("measure"), finding.measure) if value is not None]
        facts |= {"measure": finding.measure, "peak": max(known)}
        facts["told"] = before.get("told", before.get("measure", finding.measure))
    return facts


def _events(incident: Incident, finding: Finding, values: dict[str, Any]) -> list[tuple[Kind, str]]:
    """Return what the timeline is to say of a change; the measure it speaks of is remembered in the facts."""
    facts, events = values["facts"], list[tuple[Kind, str]]()
    sentence = str(finding.facts.get("sentence", ""))
    told, measure = facts.get("told"), facts.get("measure")
    if told is not None and measure is not None and abs(measure - told) >= _STEP * max(told, measure):
        events.append(("grew" if measure > told else "eased", sentence))
        facts["told"] = measure
    elif measure is None and incident.facts.get("run_id") not in (None, facts.get("run_id")):
        events.append(("changed", sentence))
    if facts.get("fault") != incident.facts.get("fault"):
        events.append(("changed", f"Whose fault: {incident.facts.get('fault')} → {facts.get('fault')}."))
    if values["title"] != incident.title:
        events.append(("changed", f"{values['title']}. {sentence}"))
    if values["inhibited_by"] != incident.inhibited_by:
        events.append(
            ("changed", "An effect of an open circuit." if values["inhibited_by"] else "No effect of another any more.")
        )
    return events


def _other_trouble(incident: Incident, values: Mapping[str, Any]) -> bool:
    """Say whether a silenced incident became something else than was silenced: it pages now, it is a fault it was not
    before, its run ends with another error."""
    if incident.severity == "ticket" and values["severity"] == "page":
        return True
    facts, before = values["facts"], incident.facts
    fresh = set(facts.get("faults", ())) - {*before.get("faults", ()), before.get("fault"), "by hand"}
    return bool(fresh) or ("error_type" in before and before["error_type"] != facts.get("error_type"))


def _same(incident: Incident, values: Mapping[str, Any]) -> bool:
    return all(getattr(incident, name) == value for name, value in values.items())


def _material_change(incident: Incident, values: Mapping[str, Any]) -> bool:
    """Say whether people should read it at once: what it is, how bad, whose fault, what waits for it, its cause."""
    if any(getattr(incident, name) != values[name] for name in ("title", "severity", "inhibited_by")):
        return True
    return any(incident.facts.get(name) != values["facts"].get(name) for name in _MATERIAL)
