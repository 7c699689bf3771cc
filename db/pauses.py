"""When syncs were paused: read from the audit, since a schedule's row knows its last pause only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from db import schedules
from db.engine import Database
from db.schedules import ScheduleEdit
from db.schema import audit

_ACTS = ("schedule.paused", "schedule.resumed")
_MOST = 1000  # acts looked through, the latest: a pause is a person's act, or the end of many failed runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One pause of a sync; ``until`` None: it holds still, with no end set."""

    sync: str
    since: datetime
    until: datetime | None
    by: str
    reason: str


async def pauses(db: Database, *, since: datetime, until: datetime) -> list[Pause]:
    """Return the pauses of all syncs that touch a stretch, by sync and start."""
    a = audit.c
    query = (
        select(a.at, a.user_name, a.act, a.subject, a.reason, a.facts)
        .where(a.act.in_(_ACTS), a.at < until)
        .order_by(a.at.desc())
        .limit(_MOST)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).all()
    found = _stretches(rows[::-1], await schedules.edits(db))
    return [one for one in found if one.since < until and (one.until is None or one.until > since)]


def _stretches(acts: Sequence[Any], edits: Mapping[str, ScheduleEdit]) -> list[Pause]:
    """Return the pauses of acts, oldest first. A pause over a pause begins a new one."""
    ended: list[Pause] = []
    held: dict[str, Pause] = {}
    for act in acts:
        before = held.pop(act.subject, None)
        if before is not None:
            ended.append(replace(before, until=min(act.at, before.until) if before.until else act.at))
        if act.act == "schedule.paused":
            end = datetime.fromisoformat(act.facts["until"]) if act.facts.get("until") else None
            held[act.subject] = Pause(
                sync=act.subject, since=act.at, until=end, by=act.user_name, reason=act.reason or ""
            )
    for sync, edit in edits.items():  # its act may be older than the audit goes back
        if edit.paused and edit.paused_at is not None and sync not in held:
            held[sync] = Pause(
                sync=sync,
                since=edit.paused_at,
                until=edit.paused_until,
                by=edit.paused_by or "",
                reason=edit.pause_reason or "",
            )
    return sorted([*ended, *held.values()], key=lambda one: (one.sync, one.since))
