"""The whole of one incident, read once for its page, its timeline over the API and its summary: what happened in order,
who and what it touched, in which words of the vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from db import circuits, rollups
from db.audit import Act
from db.circuits import Transition
from db.engine import Database
from db.incident_events import IncidentEvent, events_of
from db.incident_evidence import FailedCall, HeldUp, acts_on, failed_calls, failed_runs, held_up
from db.incident_search import effects_of, search
from db.incidents import Incident, find_incident
from db.notices import Notice, notices_of
from db.runs import RunRow
from monitoring.audit_words import facts_in_words, spoken
from monitoring.facts import SyncFacts
from monitoring.timerange import stamp
from monitoring.vendor_card import WAITS_FOR
from monitoring.vendor_figures import Figures, figures

BEFORE = timedelta(minutes=15)  # how long before it began the first failure is looked for: rules wait for proof
_MOST_RUNS, _MOST_ACTS, _MOST_CHANGES, _EARLIER = 40, 60, 80, 6
_ACTS = ("limits.", "schedule.", "sync.run_requested", "plan.")
_VENDOR_RULES = ("circuit_open", "error_rate", "unknown_outcome")
_TITLES: Mapping[str, str] = {
    "opened": "Opened",
    "fired": "Fired",
    "again": "Began again",
    "grew": "Grew",
    "eased": "Eased",
    "changed": "Changed",
    "resolved": "Resolved",
    "reopened": "Reopened",
    "acknowledged": "Acknowledged",
    "handed_back": "Handed back",
    "silenced": "Silenced",
    "unsilenced": "Silence over",
    "note": "Note",
    "told": "Told",
    "not_told": "Not told",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing on the timeline. ``kind`` is an event's, or ``call``, ``circuit``, ``run``, ``act``; ``word`` a circuit's
    new state or a run's outcome; ``path`` leads to what is behind it, "" to nothing. ``id`` is a note's."""

    at: datetime
    kind: str
    title: str
    text: str
    by: str | None = None
    path: str = ""
    link: str = ""
    word: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One incident with all that belongs to it. ``vendor`` is the one it is about, None for a sync or a process;
    ``syncs`` are those that need that vendor, or the one it is about; ``calls`` are over the stretch of the incident."""

    incident: Incident
    now: datetime
    points: Sequence[Point]
    vendor: str | None
    syncs: Sequence[SyncFacts]
    calls: Figures | None
    failed: tuple[FailedCall, FailedCall] | None
    runs: int
    held_up: HeldUp | None
    notices: Sequence[Notice]
    cause: Incident | None
    effects: Sequence[Incident]
    earlier: Sequence[Incident]

    @property
    def ends(self) -> datetime:
        """Its end, or the present moment while it is open."""
        return self.incident.resolved_at or self.now

    @property
    def seconds(self) -> float:
        return (self.ends - self.incident.started_at).total_seconds()


def vendor_of(incident: Incident) -> str | None:
    """Return the vendor an incident is about; None for a sync or a process."""
    return incident.subject.partition("/")[0] if incident.rule in _VENDOR_RULES else None


def concerned(incident: Incident, syncs: Sequence[SyncFacts]) -> list[SyncFacts]:
    """Return the syncs an incident holds up: those that need its vendor, or the one it is about."""
    vendor = vendor_of(incident)
    return [sync for sync in syncs if sync.name == incident.subject or (vendor is not None and vendor in sync.vendors)]


async def story_of(db: Database, incident_id: str, *, syncs: Sequence[SyncFacts], now: datetime) -> Story | None:
    """Return the whole of an incident; None when there is none of that id."""
    incident = await find_incident(db, incident_id)
    if incident is None:
        return None
    vendor, held = vendor_of(incident), concerned(incident, syncs)
    vendors = [vendor] if vendor is not None else [str(name) for name in incident.facts.get("vendors", ())]
    begin, end = incident.started_at - BEFORE, (incident.resolved_at or now) + timedelta(seconds=1)
    since = incident.started_at
    events = await events_of(db, incident.id)
    changes = [change for name in vendors for change in await circuits.transitions(db, name, begin, end, _MOST_CHANGES)]
    if incident.rule == "circuit_open":
        changes = [change for change in changes if change.name == incident.subject]
    runs, number = await failed_runs(db, [sync.name for sync in held], begin, end, limit=_MOST_RUNS)
    subjects = [*vendors, *(sync.name for sync in held)]
    acts = await acts_on(db, subjects, _ACTS, since, end, limit=_MOST_ACTS)
    failed = await failed_calls(db, vendor, begin, end) if vendor is not None else None
    kinds = [kind for name in vendors for kind in WAITS_FOR.get(name, ())]
    alike = await search(db, rule=incident.rule, subject=incident.subject, until=since, limit=_EARLIER)
    points = [
        *_own(incident, events),
        *_calls(failed, vendor),
        *(_change(change) for change in changes),
        *(_run(run, held) for run in runs),
        *(_act(act) for act in acts),
    ]
    return Story(
        incident=incident,
        now=now,
        points=sorted(points, key=lambda point: point.at),
        vendor=vendor,
        syncs=held,
        calls=figures(await rollups.totals(db, since=since, until=end, vendor=vendor)) if vendor else None,
        failed=failed,
        runs=number,
        held_up=await held_up(db, kinds, since, end) if kinds else None,
        notices=await notices_of(db, incident.id),
        cause=await find_incident(db, incident.inhibited_by) if incident.inhibited_by else None,
        effects=await effects_of(db, incident.id),
        earlier=[one for one in alike if one.id != incident.id],
    )


def _own(incident: Incident, events: Sequence[IncidentEvent]) -> list[Point]:
    """Return what happened with the incident itself; of one from before there were events, what its row still tells."""
    points = [
        Point(
            at=event.at,
            kind=event.kind,
            title=_TITLES.get(event.kind, event.kind),
            text=event.text,
            by=event.by,
            id=event.id if event.kind == "note" else "",
            **_behind(event),
        )
        for event in events
    ]
    known = {event.kind for event in events}
    for kind, at in (
        ("opened", incident.started_at),
        ("acknowledged", incident.acknowledged_at),
        ("resolved", incident.resolved_at),
    ):
        if kind not in known and at is not None:
            by = incident.acknowledged_by if kind == "acknowledged" else None
            text = str(incident.facts.get("sentence", "")) if kind == "opened" else ""
            points.append(Point(at=at, kind=kind, title=_TITLES[kind], text=text, by=by))
    return points


def _behind(event: IncidentEvent) -> dict[str, str]:
    """Return where the calls to Slack of a message are to be seen."""
    if event.kind not in ("told", "not_told"):
        return {}
    around = timedelta(minutes=2)
    return {"path": calls_path("slack", event.at - around, event.at + around), "link": "The call to Slack"}


def _calls(failed: tuple[FailedCall, FailedCall] | None, vendor: str | None) -> list[Point]:
    if failed is None or vendor is None:
        return []
    names = ("First call that failed", "Last call that failed")
    ends = failed if failed[0].id != failed[1].id else failed[:1]
    return [
        Point(
            at=call.at,
            kind="call",
            title=name,
            text=f"{call.operation}: {call.message or call.error_type}",
            path=f"/traces/{call.correlation_id}",
            link="Its trace",
        )
        for name, call in zip(names, ends, strict=False)
    ]


def _change(change: Transition) -> Point:
    probed = change.from_state == "open" and change.to_state == "half_open"
    word = change.to_state.replace("_", " ")
    part = change.name.partition("/")[2]
    return Point(
        at=change.at,
        kind="circuit",
        title=f"Circuit {'probed' if probed else word}{f' ({part})' if part else ''}",
        text=change.reason,
        by=change.by,
        path=f"/traces/{change.correlation_id}" if change.correlation_id else f"/circuits?vendor={change.vendor}",
        link="The call that did it" if change.correlation_id else "The circuit",
        word=change.to_state,
    )


def _run(run: RunRow, syncs: Sequence[SyncFacts]) -> Point:
    label = next((sync.label for sync in syncs if sync.name == run.sync), run.sync)
    said = {"missed": "missed its slot", "abandoned": "was abandoned"}.get(run.outcome or "", "failed")
    return Point(
        at=run.finished_at or run.scheduled_at,
        kind="run",
        title=f"{label} {said}",
        text=run.message or run.error_type or "",
        path=f"/traces/{run.correlation_id}" if run.outcome != "missed" else f"/syncs?sync={run.sync}",
        link="Its trace" if run.outcome != "missed" else "The sync",
        word=run.outcome or "",
    )


def _act(act: Act) -> Point:
    return Point(
        at=act.at,
        kind="act",
        title=spoken(act.act),
        text=" · ".join(part for part in (act.subject, act.reason, facts_in_words(act.facts)) if part),
        by=act.user_name,
        path="/audit?" + urlencode({"subject": act.subject, "range": "7d"}),
        link="The audit",
    )


def calls_path(vendor: str, since: datetime, until: datetime, **filters: str) -> str:
    """Return the address of the calls to a vendor in a stretch of time."""
    return "/calls?" + urlencode({"from": stamp(since), "to": stamp(until), "vendor": vendor, **filters})
