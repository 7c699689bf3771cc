"""What the timer could not do, as facts: a slot that came too late, or found the last one still being handled.

APScheduler calls its listeners on the loop, synchronously; they only put a fact in a queue, and the service stores it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED

LISTENED = EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A slot of a sync at which nothing ran, with the reason."""

    sync: str
    scheduled_at: datetime
    reason: str


class Listener:
    """Collects slips; ``add_listener(listener, LISTENED)`` registers it."""

    def __init__(self) -> None:
        self.slips: asyncio.Queue[Slip] = asyncio.Queue()

    def __call__(self, event: Any) -> None:
        """Take an event of the timer."""
        if event.code == EVENT_JOB_MISSED:
            reason, times = "The scheduler was too busy to start it in time.", [event.scheduled_run_time]
        elif event.code == EVENT_JOB_MAX_INSTANCES:
            reason, times = "The slot before was still being started.", event.scheduled_run_times
        else:
            name = type(event.exception).__name__
            reason, times = f"The scheduler could not start it ({name}).", [event.scheduled_run_time]
        for at in times:
            self.slips.put_nowait(Slip(sync=event.job_id, scheduled_at=at, reason=reason))

    def taken(self) -> list[Slip]:
        """Return what has come in since the last time."""
        found = []
        while not self.slips.empty():
            found.append(self.slips.get_nowait())
        return found
