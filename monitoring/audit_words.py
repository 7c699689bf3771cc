"""An act of the audit as people read it: what was done, the facts in words, where its subject is to be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from db.audit import Act
from monitoring.context import DashboardContext
from monitoring.timerange import TimeRange

# Beginning of an act -> the page of its subject, and the parameter it is named by; or it stands in the path.
_PAGES: Mapping[str, tuple[str, str]] = {
    "backfill": ("/backfills", "sync"),
    "call": ("/calls", ""),
    "conflict": ("/syncs", ""),
    "dead_letter": ("/syncs", ""),
    "incident": ("/incidents/{subject}", ""),
    "order": ("/calls", "text"),
    "outcome": ("/outcomes", ""),
    "quote": ("/traces/{subject}", ""),
    "replay": ("/replays/{subject}", ""),
    "retention": ("/settings", ""),
    "run": ("/syncs", ""),
    "schedule": ("/syncs", ""),
    "session": ("/settings", ""),
    "sign_in": ("/settings", ""),
    "sla": ("/reports", "vendor"),
    "sync": ("/syncs", ""),
    "tax": ("/traces/{subject}", ""),
    "token": ("/settings", ""),
    "user": ("/settings", ""),
}


def spoken(act: str) -> str:
    """Return an act in words: ``circuit.forced_open`` is "Circuit: forced open"."""
    what, _, done = act.partition(".")
    return f"{what.replace('_', ' ').capitalize()}: {done.replace('_', ' ')}" if done else what.capitalize()


def facts_in_words(facts: Mapping[str, Any]) -> str:
    """Return facts as one line; a change reads ``role viewer → operator``, what is empty is left out.

    Facts may say a change as ``{"role": {"from": …, "to": …}}`` or as ``{"before": …, "after": …}``, of one value or of
    several by name; what was without what is now reads ``was …``.
    """
    rest = {name: value for name, value in facts.items() if name not in ("before", "after")}
    told = [
        f"{name.replace('_', ' ')} {_told(value)}" for name, value in rest.items() if value not in (None, "", [], {})
    ]
    return " · ".join([*_changes(facts), *told])


def subject_page(act: Act, context: DashboardContext, view: TimeRange) -> str | None:
    """Return the address of the page where the subject of an act is to be seen; None when there is none."""
    vendor = act.subject.partition("/")[0]
    if context.vendor(vendor) is not None and not act.act.startswith(("sla.", "outcome.")):
        return view.link(f"/vendors/{vendor}")
    found = _PAGES.get(act.act.partition(".")[0])
    if found is None:
        return None
    path, parameter = found
    return view.link(
        path.format(subject=quote(act.subject, safe="")), **({parameter: act.subject} if parameter else {})
    )


def _changes(facts: Mapping[str, Any]) -> list[str]:
    before, after = facts.get("before"), facts.get("after")
    if "after" not in facts:
        was = facts_in_words(before) if isinstance(before, Mapping) else _told(before) if before is not None else ""
        return [f"was {was}"] if was else []
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        old, new = (side if isinstance(side, Mapping) else {} for side in (before, after))
        return [
            f"{name.replace('_', ' ')} {_side(old.get(name))} → {_side(new.get(name))}"
            for name in {**old, **new}
            if old.get(name) != new.get(name)
        ]
    return [f"{_side(before)} → {_side(after)}"]


def _side(value: Any) -> str:
    return "not set" if value in (None, "", [], {}) else _told(value)


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if set(value) == {"from", "to"}:
            return f"{_told(value['from'])} → {_told(value['to'])}"
        return "(" + ", ".join(f"{name} {_told(part)}" for name, part in value.items()) + ")"
    if isinstance(value, list | tuple):
        return ", ".join(_told(part) for part in value)
    if isinstance(value, float):
        return f"{value:g}"
    return "as before" if value is None else str(value)
