"""The limits in force in this process: those of the files, under the edits that all processes read from the database.

Reading costs a call nothing but a look at memory; the edits are read again every ``REFRESH`` seconds, one small query.
While the database is away the last known limits hold.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from db import overrides
from db.engine import Database, StoreUnavailable
from integrations.limits import Limits, edited, usable
from integrations.resilience.clock import Clock
from integrations.resilience.gate import Gate

REFRESH = 1.0  # seconds
log = logging.getLogger(__name__)


class LimitBook:
    """The limits of all vendors; ``files`` are those without any edit. ``gates`` hold the concurrency of each."""

    def __init__(self, db: Database, clock: Clock, files: Mapping[str, Limits]) -> None:
        self._db = db.impatient()
        self._clock = clock
        self._files = dict(files)
        self._now = dict(files)
        self._edits: dict[str, dict[str, float]] = {}
        self.gates = {vendor: Gate(limits.concurrency) for vendor, limits in files.items()}
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<LimitBook vendors={len(self._now)} edited={sorted(self._edits)}>"

    def of(self, vendor: str) -> Limits:
        """Return what holds for a vendor now."""
        return self._now[vendor]

    async def open(self) -> None:
        """Read the edits and keep them fresh."""
        await self.refresh()
        self._task = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        """Read the edits; one that cannot be used (a quota that is gone from the vendor file) is passed over."""
        try:
            found = await overrides.by_vendor(self._db, now=self._clock.now())
        except StoreUnavailable:
            return
        if found == self._edits:
            return
        for vendor in {*found, *self._edits} & self._files.keys():
            wanted, files = found.get(vendor, {}), self._files[vendor]
            limits = edited(files, good := usable(files, wanted))
            if len(good) < len(wanted):
                log.warning("limits.passed_over", extra={"vendor": vendor, "settings": sorted(set(wanted) - set(good))})
            self._now[vendor] = limits
            self.gates[vendor].limit = limits.concurrency
        self._edits = found

    async def _keep_fresh(self) -> None:
        while True:
            await self._clock.sleep(REFRESH)
            await self.refresh()
