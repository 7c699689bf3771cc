"""How an incident reads in Slack: one message, edited in place while it lasts and once more when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, PlainTextObject, SectionBlock

from db.incidents import Incident

# docs.slack.dev/reference/block-kit/blocks: header 150, section text 3000, field 2000 characters; text of an update
# 4000 bytes. Kept well below, since escaping makes text longer.
_HEADER, _SECTION, _FIELD, _TEXT = 140, 2500, 1500, 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: ``text`` for notifications and screen readers, ``blocks`` for the eye."""

    text: str
    blocks: Sequence[Mapping[str, Any]]


def message(incident: Incident, *, public_url: str, cause: str | None = None, again: datetime | None = None) -> Message:
    """Return what a channel should show of an incident now. ``cause`` names the incident it is an effect of; ``again`` is
    the present moment in a message that repeats an earlier one."""
    facts = incident.facts
    resolved = incident.state == "resolved"
    mark, word = ("✅", "Resolved") if resolved else ("🔴" if incident.severity == "page" else "🟠", "Firing")
    if again is not None:
        word = f"Still firing after {span((again - incident.started_at).total_seconds())}"
    title = f"{mark} {word}: {incident.title}"
    link = f"{public_url}{facts.get('path', '/incidents')}"
    blocks: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=cut(title, _HEADER), emoji=True)),
        SectionBlock(text=MarkdownTextObject(text=cut(escape(str(facts.get("sentence", ""))), _SECTION) or "—")),
        SectionBlock(fields=[MarkdownTextObject(text=cut(text, _FIELD)) for text in _fields(incident)]),
    ]
    if not resolved and facts.get("todo"):
        blocks.append(
            SectionBlock(text=MarkdownTextObject(text=f"*What to do*\n{cut(escape(facts['todo']), _SECTION)}"))
        )
    footer = [f"<{public_url}/incidents/{incident.id}|Open the incident> · <{link}|Open the page>"]
    if cause:
        footer.append(f"Part of: {escape(cause)}")
    if incident.acknowledged_by:
        footer.append(f"{escape(incident.acknowledged_by)} looks after it")
    if resolved and incident.resolved_by:
        footer.append(f"Resolved by {escape(incident.resolved_by)}")
    if incident.kept_open_by:
        footer.append(f"Kept open by {escape(incident.kept_open_by)}")
    if int(facts.get("times", 1)) > 1:
        footer.append(f"It has begun {facts['times']} times")
    blocks.append(ContextBlock(elements=[MarkdownTextObject(text=cut(" · ".join(footer), _FIELD))]))
    summary = f"{title}. {facts.get('sentence', '')}" if not resolved else f"{title} after {span(_seconds(incident))}."
    return Message(text=cut(escape(summary), _TEXT), blocks=[block.to_dict() for block in blocks])


def escape(text: str) -> str:
    """Return text in which nothing can ping a person or a channel (docs.slack.dev, formatting: escape & < >)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, length: int) -> str:
    """Return text of at most that many characters, never ending inside an entity."""
    if len(text) <= length:
        return text
    short = text[: length - 1]
    entity = short.rfind("&", -5)
    if entity >= 0 and ";" not in short[entity:]:
        short = short[:entity]
    return short.rstrip() + "…"


def span(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 12 min, 3 h 05 min, 2 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def _fields(incident: Incident) -> list[str]:
    facts = incident.facts
    fields = [f"*Since*\n{_when(incident.started_at)}"]
    if incident.resolved_at is not None:
        fields.append(f"*Until*\n{_when(incident.resolved_at)} ({span(_seconds(incident))})")
    fields.append(f"*Whose fault*\n{escape(str(facts.get('fault', 'unknown')))}")
    if facts.get("dependents"):
        fields.append(f"*Waiting for it*\n{escape(', '.join(facts['dependents']))}")
    if facts.get("numbers"):
        counts = ", ".join(f"{name} {count}" for name, count in facts["numbers"].items())
        fields.append(f"*How many*\n{escape(counts)}")
    return fields


def _when(at: datetime) -> str:
    """Return a time that Slack shows in the reader's own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def _seconds(incident: Incident) -> float:
    return incident.duration or 0.0
