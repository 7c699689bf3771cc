"""Where shipments are: every one bought through us is asked about until it is delivered or cancelled."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from db import shipments as store
from db.plan_rows import PlanRow
from db.runs import Counts
from db.shipments import ShipmentRow
from integrations.errors import CallFailed
from integrations.types.shipping import Tracking, TrackingRequest
from scheduler.calls import Calls
from scheduler.options import ShipmentsOptions
from scheduler.syncs.over_vendors import over_vendors
from scheduler.syncs.planning import PLATFORM, Planner, text
from scheduler.syncs.run import Run


async def sync_shipments(run: Run, *, calls: Calls, options: ShipmentsOptions) -> None:
    """Do one run. Raise RunFailed when a vendor could not be asked; the others are done then."""
    before = (run.row.started_at or run.now()) - timedelta(seconds=options.check_every)
    since, until = run.now() - timedelta(days=options.days), None
    if run.span:  # asked about whenever they were asked about last
        (since, until), before = run.span, run.row.started_at or run.now()
    if run.row.dry_run:
        due = [
            row
            for vendor in options.vendors
            for row in await store.to_check(run.db, vendor, before=before, since=since, limit=options.checks)
        ]
        await _plan(run, calls, due)
        return
    asked = moved = 0

    async def ask(vendor: str) -> None:
        nonlocal asked, moved
        left = options.checks
        while left > 0 or run.span:
            number = 50 if run.span else min(50, left)
            found = await store.to_check(run.db, vendor, before=before, since=since, until=until, limit=number)
            if not found:
                return
            left -= len(found)
            for shipment in found:
                moved += await _check(run, calls, shipment)
                asked += 1

    left_out = await over_vendors(run, options.vendors, ask)
    run.message = f"{asked} shipments asked about, {moved} have moved on.{left_out}"


async def _plan(run: Run, calls: Calls, due: list[ShipmentRow]) -> None:
    planner = Planner(run)
    for shipment in due:
        query = TrackingRequest(tracking_number=shipment.tracking_number)
        try:
            where: Tracking = (await calls.call(shipment.vendor, "track_shipment", query)).value
        except CallFailed:
            continue  # a run would ask again later
        if where.status not in ("unknown", shipment.status):
            row = PlanRow(
                target=PLATFORM,
                kind="status",
                entity=text(f"{shipment.vendor} {shipment.tracking_number}") or "",
                field="status",
                before=shipment.status,
                after=where.status,
                rule="the carrier says so",
            )
            await planner.note([row])
        await run.beat()
    await planner.close()
    run.plan["check"] = len(due)


async def _check(run: Run, calls: Calls, shipment: ShipmentRow) -> bool:
    query = TrackingRequest(tracking_number=shipment.tracking_number)
    try:
        result = await run.patiently(lambda: calls.call(shipment.vendor, "track_shipment", query))
    except CallFailed as error:
        if error.fault != "ours":  # the vendor is in trouble, or our credential: the same for every shipment
            raise
        async with run.step() as step:  # this one it does not know, or not yet
            await store.note_checked(
                step.connection, shipment, status=None, last_event=None, delivered_at=None, now=run.now()
            )
            step.counts = Counts(read=1, failed=1)
        return False
    where: Tracking = result.value
    async with run.step() as step:
        moved = await store.note_checked(
            step.connection,
            shipment,
            status=None if where.status == "unknown" else where.status,
            last_event=_last_event(where),
            delivered_at=where.delivered_at,
            now=run.now(),
        )
        step.counts = Counts(read=1, written=int(moved), unchanged=int(not moved))
    return moved


def _last_event(where: Tracking) -> dict[str, str] | None:
    """Return the latest scan without its text, which may name a person."""
    scans = [event for event in where.events if event.at is not None]
    if not scans:
        return None
    last = max(scans, key=lambda event: event.at)  # type: ignore[arg-type, return-value]  # those without were left out
    assert last.at is not None  # noqa: S101 - as above
    return {"at": last.at.isoformat(), "status": last.status, "place": last.place}


def work(calls: Calls, options: ShipmentsOptions) -> partial[Any]:
    """Return the work of a run of this sync."""
    return partial(sync_shipments, calls=calls, options=options)
