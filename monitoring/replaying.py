"""Beginning a replay that was looked at, and how far one is: the same for the pages and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from db import replays
from db.engine import Database
from db.replays import Replay
from monitoring.replay_plan import Plan


async def begun(
    db: Database, planned: Plan, wanted: Mapping[str, str], *, id: str, reason: str, by: str, now: datetime
) -> Replay:
    """Store a replay and return it; asked for again under the same id, it is the one that is there."""
    new = Replay(
        id=id,
        created_at=now,
        created_by=by,
        reason=reason,
        wanted=dict(wanted),
        state="running",
        total=len(planned.items),
        changed_by=None,
        finished_at=None,
    )
    if await replays.create(db, new, [replace(item, replay_id=id) for item in planned.items]):
        return new
    return await replays.get(db, id) or new


def progress_of(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Return how many calls are where, of the counts by (state, outcome); what we refused to send counts as an error."""
    found = dict.fromkeys(("waiting", "under_way", "success", "error", "unknown", "refused", "cancelled"), 0)
    for (state, outcome), number in counts.items():
        if state == "done":
            found[outcome if outcome in ("success", "unknown") else "error"] += number
        else:
            found["under_way" if state == "claimed" else state] += number
    return found
