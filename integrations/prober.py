"""Probes circuits that are due when no call comes by: a vendor nobody asks would stay shut for ever."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from db.circuits import states
from db.engine import Database
from integrations.correlation import origin
from integrations.errors import QuaysideError
from integrations.registry import VENDORS, adapter_class
from integrations.runtime import Runtime

log = logging.getLogger(__name__)


async def probe_due_circuits(db: Database, runtime: Runtime) -> int:
    """Ask for each circuit that is due for a probe with its vendor's cheapest operation; return how many were due."""
    now = datetime.now(UTC)
    due = [
        (row.vendor, row.name)
        for row in await states(db)
        if row.vendor in VENDORS
        and (
            (row.state == "open" and row.open_until is not None and row.open_until <= now)
            or (row.state == "half_open" and (row.probe_until is None or row.probe_until <= now))
        )
    ]
    for name, circuit in due:
        kind = adapter_class(name)
        with origin("user", user_name="prober"):
            try:
                await runtime.gateway.call(name, kind.vendor.check, kind.probe(circuit), priority="batch")
            except QuaysideError as error:
                log.info("probe.failed", extra={"vendor": name, "reason": error.message})
    return len(due)
