"""A backfill and a replay in a database, as people begin them and as they stand halfway."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from db import backfills, calls, replays
from db.engine import Database
from db.replays import Item, Replay
from tests.monitoring.seed import Day


async def backfill_of(db: Database, day: Day, *, sync: str = "currency", days: int = 5) -> str:
    """Store a backfill over the last days, none of its slices begun; return its id."""
    since = day.now - timedelta(days=days)
    made = await backfills.create(
        db,
        sync,
        since,
        day.now,
        slice_seconds=86_400,
        pause_seconds=2,
        reason="The source restated its rates",
        by="mira",
        now=day.now,
    )
    assert made is not None
    return made.id


async def replay_of(db: Database, day: Day) -> str:
    """Store a replay of the failed call, which succeeds now, and of two more that wait and are refused; return its id."""
    (old,) = [row for row in (await calls.trace(db, day.failed_correlation))[0] if row.id == day.failed_call]
    (new,) = await calls.search(db, vendor=old.vendor, operation=old.operation, outcome="success", limit=1)
    id = "7e" * 16
    first = Item(
        replay_id=id,
        number=1,
        call_id=old.id,
        started_at=old.started_at,
        vendor=old.vendor,
        operation=old.operation,
        idempotency_key=old.idempotency_key,
        old_outcome=old.outcome,
        old_error_type=old.error_type,
        old_duration=old.duration,
    )
    others = [
        replace(first, number=2),
        replace(first, number=3, state="refused", why="It has succeeded under this key meanwhile."),
    ]
    asked = Replay(
        id=id,
        created_at=day.now - timedelta(minutes=2),
        created_by="mira",
        reason="The vendor is back",
        wanted={"vendor": old.vendor, "status": "failed"},
        state="running",
        total=3,
        changed_by=None,
        finished_at=None,
    )
    await replays.create(db, asked, [first, *others])
    (claimed,) = await replays.claim(
        db, id, old.vendor, owner="seed", now=day.now, until=day.now + timedelta(minutes=15), limit=1
    )
    await replays.begin(db, claimed, new_call_id=new.id)
    await replays.end(db, claimed, now=day.now, outcome="success", duration=new.duration)
    return id
