"""An incident as Markdown, to begin a post-mortem with: what it was, figures, what it held up, its timeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from monitoring import units
from monitoring.incident_story import Point, Story
from monitoring.scrub import scrubbed

_REFERENCES = 50


def summary(story: Story, *, label_of: Callable[[str], str], zone: ZoneInfo, url: str) -> str:
    """Return the summary; times are in ``zone``. What reads like a secret or a person is taken out, since it is made to
    be sent on."""
    incident = story.incident
    lines = [
        f"# {incident.title}",
        "",
        f"- Incident: {url}/incidents/{incident.id}",
        f"- State: {_state(story)}",
        f"- From: {_clock(incident.started_at, zone)}",
        f"- Until: {_clock(incident.resolved_at, zone) if incident.resolved_at else 'still open'}"
        f" ({_plain(units.span(story.seconds))})",
        f"- Concerns: {label_of(incident.subject.partition('/')[0])}",
        f"- Rule: {incident.rule.replace('_', ' ')}, {'pages somebody' if incident.severity == 'page' else 'a ticket'}",
        f"- Whose fault: {', then '.join(str(one) for one in _faults(story))}",
    ]
    if incident.facts.get("sentence"):
        lines.append(f"- What: {incident.facts['sentence']}")
    if story.failed:
        call = story.failed[1]
        lines.append(f"- In the vendor's words: {call.message or call.error_type} ({call.operation})")
    if int(incident.facts.get("times", 1)) > 1:
        lines.append(f"- It began {incident.facts['times']} times.")
    lines += ["", "## Figures", "", *_figures(story), "", "## Affected", "", *_affected(story, label_of)]
    lines += ["", f"## Timeline ({zone.key})", "", *(_line(point, zone) for point in story.points)]
    return scrubbed("\n".join(lines)) + "\n"


def _state(story: Story) -> str:
    incident = story.incident
    word: str = incident.state
    if incident.state == "resolved" and incident.resolved_by:
        word = f"resolved by {incident.resolved_by}: {incident.resolved_reason}"
    if incident.acknowledged_by:
        word += f"; {incident.acknowledged_by} looks after it"
    return word


def _faults(story: Story) -> list[object]:
    facts = story.incident.facts
    return list(facts.get("faults") or [facts.get("fault", "not known")])


def _figures(story: Story) -> list[str]:
    found, incident = [], story.incident
    calls = story.calls
    if calls is not None:
        rate = _plain(units.percent(calls.error_rate))
        found.append(f"- {calls.failed} of {calls.calls} calls that reached the vendor failed ({rate}).")
        found.append(f"- {calls.refused} calls were refused by us and not sent.")
        found.append(f"- P95 {_plain(units.duration(calls.p95))} over {calls.attempts} attempts.")
    if incident.facts.get("peak") is not None and incident.rule == "error_rate":
        found.append(f"- At its worst {_plain(units.percent(float(incident.facts['peak'])))} of the calls failed.")
    if incident.fired_at is not None and incident.acknowledged_at is not None:
        seconds = (incident.acknowledged_at - incident.fired_at).total_seconds()
        found.append(f"- Acknowledged {_plain(units.span(seconds))} after it fired.")
    if incident.fired_at is not None and incident.resolved_at is not None:
        seconds = (incident.resolved_at - incident.fired_at).total_seconds()
        found.append(f"- Resolved {_plain(units.span(seconds))} after it fired.")
    return found or ["- None are kept for this kind of incident."]


def _affected(story: Story, label_of: Callable[[str], str]) -> list[str]:
    found = [f"- Sync {sync.label}" for sync in story.syncs]
    if story.runs:
        found.append(f"- {units.plural(story.runs, 'run')} of them failed, missed the slot or was abandoned.")
    if story.held_up is not None and story.held_up.total:
        held = story.held_up
        still = f", {held.waiting} still wait" if held.waiting else ""
        found.append(
            f"- {units.plural(held.total, 'order')} held up{still}: {', '.join(held.references[:_REFERENCES])}"
        )
    found += [
        f"- Followed by: {one.title} ({label_of(one.subject.partition('/')[0])}, {one.state})" for one in story.effects
    ]
    return found or ["- No sync and no order."]


def _line(point: Point, zone: ZoneInfo) -> str:
    by = f" by {point.by}" if point.by else ""
    text = f": {' '.join(point.text.split())}" if point.text else ""
    return f"- {_clock(point.at, zone)} {point.title}{by}{text}"


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _plain(text: str) -> str:
    """Return a figure with ordinary spaces, for what is pasted elsewhere."""
    return text.replace("\u202f", " ")
