"""What a scheduler process does besides syncs, and how often; the alerts come on top, from whoever has the rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from db import overrides
from db.circuits import expire, forget_samples
from db.closing import close_buckets
from db.commands import prune_command
from db.engine import Database
from db.retention import RetentionOptions
from integrations.checkout.placing import PlacingDesk
from integrations.prober import probe_due_circuits
from integrations.runtime import Runtime
from scheduler.events import Events
from scheduler.replays import ReplayDesk
from scheduler.service import Duty

SAMPLES_KEPT = timedelta(hours=1)


@asynccontextmanager
async def standing_duties(
    db: Database,
    runtime: Runtime,
    placing: PlacingDesk,
    *,
    kinds: Mapping[str, str],
    syncs: Collection[str],
    retention: RetentionOptions,
) -> AsyncIterator[list[Duty]]:
    """Give the duties, and let those that began something end it. ``kinds`` of vendors by name; ``syncs`` are all there
    are."""

    def now() -> datetime:
        return datetime.now(UTC)

    replaying = ReplayDesk(db, runtime.gateway, now=now)
    events = Events(db, kinds=kinds, syncs=frozenset(syncs), now=now)
    try:
        yield [
            Duty(name="circuits.probe", every_seconds=2.0, act=lambda: probe_due_circuits(db, runtime)),
            Duty(name="circuits.expire", every_seconds=2.0, act=lambda: expire(db, now=now())),
            Duty(name="limits.expire", every_seconds=2.0, act=lambda: overrides.expire(db, now=now())),
            Duty(name="circuits.forget", every_seconds=300.0, act=lambda: forget_samples(db, now() - SAMPLES_KEPT)),
            Duty(name="rollups.close", every_seconds=60.0, act=lambda: close_buckets(db, now())),
            Duty(name="events.work_off", every_seconds=2.0, act=events.work_off),
            Duty(name="replays.work_off", every_seconds=1.0, act=replaying.work_off),
            Duty(name="placing.work_off", every_seconds=1.0, act=placing.work_off),
            Duty(name="sessions.close", every_seconds=30.0, act=runtime.gateway.close_orphans),
            Duty(name="retention", every_seconds=3600.0, act=lambda: prune_command(db, retention)),
        ]
    finally:
        await placing.close()
        await replaying.close()
