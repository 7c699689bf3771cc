"""A run that asks several vendors one after the other: one in trouble does not keep the others from being asked."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from db import run_history
from integrations.errors import MissingCredential, QuaysideError
from scheduler.syncs.run import Run, RunFailed, passes_by_itself

log = logging.getLogger(__name__)
CARRIED = ("watermarks", "known")  # what a run takes on from the one before


async def over_vendors(run: Run, vendors: Sequence[str], ask: Callable[[str], Awaitable[None]]) -> str:
    """Ask each vendor that this run (or the one it took over) has not asked yet, from where the last run left off.

    A run that is to ask only some of them leaves the others as they are; one of a backfill begins nowhere.

    One that lacks a credential for what is asked is left out, and named in the sentence that is returned ("" when none
    is). Raise RunFailed at the end, naming those that could not be worked with; the others are done then.
    """
    chosen = (run.row.options or {}).get("vendors")
    vendors = [vendor for vendor in vendors if chosen is None or vendor in chosen]
    failed: dict[str, str] = {}
    passing = True
    left_out: list[str] = []
    if "asked" not in run.cursor:
        began = run.row.started_at or run.now()
        before = {} if run.span else await run_history.last_cursor(run.db, run.row.sync, before=began)
        async with run.step() as step:
            step.cursor |= {**{name: before[name] for name in CARRIED if name in before}, "asked": []}
    for vendor in vendors:
        if vendor in run.cursor.get("asked", []):
            continue
        try:
            await ask(vendor)
        except MissingCredential as error:
            left_out.append(f" {vendor} is left out: {error.message}")
        except QuaysideError as error:
            log.warning("sync.vendor_failed", extra={"run": run.row.id, "vendor": vendor, "reason": error.message})
            failed[vendor] = error.message
            passing = passing and passes_by_itself(error)
            await run.note(f"{vendor}: {error.message}", tone="bad")
        async with run.step() as step:
            step.cursor["asked"] = [*step.cursor.get("asked", []), vendor]
    async with run.step() as step:
        step.cursor["asked"] = []
    if failed:
        others = len(vendors) - len(failed)
        said = " ".join(f"{vendor}: {message}" for vendor, message in failed.items())
        raise RunFailed(
            f"{said} {others} of {len(vendors)} vendors are done.", error_type="vendors_failed", passing=passing
        )
    return "".join(left_out)
