"""From findings to incidents to messages: pending → firing → resolved, and what each channel still has to read.

``evaluate`` steps: read what is stored → findings (rules.py) → which are only effects of another → open, take up
again, fire, change or resolve incidents, each by a conditional update. ``deliver`` steps: what a channel has not read →
claim → message (slack.py) → send → note. Several processes may do both at the same time.
"""

from __future__ import annotations

import asyncio
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
from db.incidents import (
    Incident,
    change_incident,
    drop_pending,
    find_incident,
    is_stale,
    list_incidents,
    open_incident,
    open_incidents,
    reopen_incident,
    resolve_incident,
)
from db.notices import Notice, claim_notice, due_notices, notice_failed, notice_sent
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
from monitoring.alerts.slack import Message, message
from monitoring.facts import SendNotice, SyncFacts, VendorFacts
from monitoring.health import judge_all, worst_circuit
from monitoring.options import AlertOptions

log = logging.getLogger(__name__)

Watch = Literal["everything", "scheduler"]

_PENDING_SILENCE = timedelta(seconds=120)  # not evaluated for that long: a pending incident begins anew
_SENDING = timedelta(seconds=120)  # a claimed notice is due again after that: its sender has died
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 300.0
_TRIES_OF_A_HOPELESS_EDIT = 8
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
        self._send = send
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
        await self._apply(findings, known, now)

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
        self, findings: Iterable[Finding], known: Mapping[tuple[str, str], Incident], now: datetime
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
            elif finding.fires:
                await self._open(finding, cause, now)
        for key, incident in known.items():
            if key not in held:
                await self._calm(incident, now)

    async def _cause(self, circuit: str) -> str | None:
        latest = await list_incidents(self._db, rule=CIRCUIT_OPEN.name, subject=circuit, limit=1)
        return latest[0].id if latest else None

    async def _open(self, finding: Finding, cause: str | None, now: datetime) -> None:
        rule = finding.rule
        if rule.reopen and await reopen_incident(
            self._db,
            rule=rule.name,
            subject=finding.subject,
            resolved_since=now - timedelta(seconds=rule.reopen),
            title=finding.title,
            facts=finding.facts,
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
            facts=finding.facts,
            started_at=now,
            inhibited_by=cause,
            now=now,
        )
        if opened and not rule.wait:
            _log_fired(finding)

    async def _keep(self, incident: Incident, finding: Finding, cause: str | None, now: datetime) -> None:
        """Bring an open incident up to what holds now."""
        times = {"times": incident.facts["times"]} if "times" in incident.facts else {}
        values: dict[str, Any] = {
            "title": finding.title,
            "severity": finding.severity,
            "facts": {**finding.facts, **times},
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
                fired = await change_incident(
                    self._db, incident, now=now, say=True, values={**values, "state": "firing", "fired_at": now}
                )
                if fired:
                    _log_fired(finding)
            else:
                await change_incident(self._db, incident, now=now, say=False, values={**values, "changed_at": now})
            return
        if not finding.fires:
            values["facts"] = dict(incident.facts)  # the numbers that made it fire say more than those that keep it
        if _same(incident, values):
            return
        say = _material_change(incident, values) or (
            (now - incident.changed_at).total_seconds() >= self._options.edit_every
            and values["facts"] != incident.facts
        )
        await change_incident(self._db, incident, now=now, say=say, values=values)

    async def _calm(self, incident: Incident, now: datetime) -> None:
        """End an incident once it has been calm long enough; forget one that never fired."""
        if incident.state == "pending":
            await drop_pending(self._db, incident)
            return
        rule = RULES.get(incident.rule)
        since = incident.calm_since or now
        if rule is None or (now - since).total_seconds() >= rule.calm:
            if await resolve_incident(self._db, incident, now=now):
                log.info("incident.resolved", extra={"rule": incident.rule, "subject": incident.subject})
        elif incident.calm_since is None:
            await change_incident(self._db, incident, now=now, say=False, values={"calm_since": now})

    async def deliver(self) -> int:
        """Tell each channel what it has not read yet; return how many messages went out.

        A message that could not be sent stays a row and is tried again with growing waits, for as long as it takes.
        """
        if self._send is None or (self._watch == "scheduler" and not self._scheduler_silent):
            return 0
        sent = 0
        for channel in self._options.channels:
            for incident, notice in await due_notices(self._db, channel, now=self._now()):
                sent += await self._tell(self._send, incident, notice)
        return sent

    async def _tell(self, send: SendNotice, incident: Incident, notice: Notice) -> bool:
        """Post or edit one message. A first post keeps its draft until it is known to be out."""
        text, version = await self._message(incident), incident.version
        draft: Mapping[str, Any] | None = None
        if notice.message_id is None:
            if notice.draft is not None:
                text = Message(text=notice.draft["text"], blocks=notice.draft["blocks"])
                version = notice.draft_version or 1
            draft = {"text": text.text, "blocks": list(text.blocks)}
        claimed = await claim_notice(
            self._db,
            notice,
            until=self._now() + _SENDING,
            draft=draft,
            draft_version=version if draft is not None else None,
        )
        if not claimed:
            return False
        try:
            message_id = await send(notice.channel, text.text, text.blocks, incident.id, notice.message_id)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._not_sent(notice, version, error)
            return False
        await notice_sent(self._db, notice, message_id=message_id, version=version, now=self._now())
        return True

    async def _not_sent(self, notice: Notice, version: int, error: Exception) -> None:
        """Put a notice off. An edit that can never succeed (the message was deleted) is given up in the end."""
        reason = f"{type(error).__name__}: {error}"
        log.warning("notice.failed", extra={"channel": notice.channel, "reason": reason})
        hopeless = not getattr(error, "retryable", True)
        if notice.message_id is not None and hopeless and notice.tries >= _TRIES_OF_A_HOPELESS_EDIT:
            await notice_sent(self._db, notice, message_id=notice.message_id, version=version, now=self._now())
            return
        wait = min(_FIRST_WAIT * 2 ** min(notice.tries, 10), _LONGEST_WAIT)
        await notice_failed(self._db, notice, error=reason, due_at=self._now() + timedelta(seconds=wait))

    async def _message(self, incident: Incident) -> Message:
        cause = await find_incident(self._db, incident.inhibited_by) if incident.inhibited_by else None
        return message(incident, public_url=self._options.public_url, cause=cause.title if cause else None)


def _log_fired(finding: Finding) -> None:
    log.warning("incident.fired", extra={"rule": finding.rule.name, "subject": finding.subject, "title": finding.title})


def _same(incident: Incident, values: Mapping[str, Any]) -> bool:
    return all(getattr(incident, name) == value for name, value in values.items())


def _material_change(incident: Incident, values: Mapping[str, Any]) -> bool:
    """Say whether people should read it at once: what it is, how bad, whose fault, what waits for it, its cause."""
    if any(getattr(incident, name) != values[name] for name in ("title", "severity", "inhibited_by")):
        return True
    return any(incident.facts.get(name) != values["facts"].get(name) for name in _MATERIAL)
