"""Tracking: every shipment is asked about until it is delivered, and nobody's name is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from db import plan_rows, shipments
from db.shipments import ShipmentRow
from integrations.errors import HttpFailed, QuaysideError
from integrations.types.shipping import Tracking, TrackingEvent
from scheduler.options import SchedulerOptions, ShipmentsOptions
from tests.conftest import NOON
from tests.scheduler.fakes import FakeVendors
from tests.scheduler.stage import Stage
from tests.scheduler.tables import digests


def vendors(stage: Stage, **answers: Any) -> FakeVendors:
    stage.vendors = FakeVendors(answers=answers)
    stage.options = replace(SchedulerOptions(patience=()), shipments=ShipmentsOptions(vendors=tuple(answers)))
    return stage.vendors


async def ship(stage: Stage, number: str, *, vendor: str = "fedex", days: float = 0) -> None:
    at = stage.clock.now() - timedelta(days=days)
    row = ShipmentRow(
        vendor=vendor,
        tracking_number=number,
        reference=f"A-{number}",
        service_code="EXPRESS",
        status="created",
        created_at=at,
        changed_at=at,
    )
    assert await shipments.note_created(stage.db, row)


def where(status: Any, number: str = "1", **more: Any) -> Tracking:
    scans = (
        TrackingEvent(at=NOON, status="PU", description="Picked up", place="Berlin"),
        TrackingEvent(at=NOON + timedelta(hours=9), status="DL", description="Signed by A. EXAMPLE", place="Paris"),
    )
    return Tracking(vendor="fedex", tracking_number=number, status=status, events=scans, **more)


async def only(stage: Stage) -> ShipmentRow:
    [row] = await shipments.of_reference(stage.db, "A-1")
    return row


async def test_a_delivery_is_noted_and_never_asked_about_again(stage: Stage) -> None:
    await ship(stage, "1")
    delivered_at = NOON + timedelta(hours=9)
    asked = vendors(stage, fedex=lambda _: where("delivered", delivered_at=delivered_at))
    run = await stage.sync("shipments")
    stage.clock.move(7200)
    await stage.sync("shipments")

    row = await only(stage)
    assert (row.status, row.delivered_at) == ("delivered", delivered_at)
    assert (run.written, run.message) == (1, "1 shipments asked about, 1 have moved on.")
    assert len(asked.calls) == 1


async def test_who_signed_is_not_stored(stage: Stage) -> None:
    await ship(stage, "1")
    vendors(stage, fedex=lambda _: where("delivered"))
    await stage.sync("shipments")

    row = await only(stage)
    assert row.last_event == {"at": (NOON + timedelta(hours=9)).isoformat(), "status": "DL", "place": "Paris"}


async def test_a_shipment_is_not_asked_about_again_at_once(stage: Stage) -> None:
    await ship(stage, "1")
    asked = vendors(stage, fedex=lambda _: where("in_transit"))
    await stage.sync("shipments")
    await stage.sync("shipments")
    stage.clock.move(1800)
    await stage.sync("shipments")

    assert len(asked.calls) == 2


async def test_one_the_vendor_does_not_know_yet_is_asked_about_later(stage: Stage) -> None:
    await ship(stage, "1")
    unknown = HttpFailed("FedEx does not know that number.", error_type="not_found", fault="ours", status=404)
    answers: list[Tracking | QuaysideError] = [unknown, where("in_transit")]
    vendors(stage, fedex=lambda _: answers.pop(0))
    first = await stage.sync("shipments")
    stage.clock.move(1801)
    await stage.sync("shipments")

    assert (first.outcome, first.failed) == ("success", 1)
    assert (await only(stage)).status == "in_transit"


async def test_a_vendor_in_trouble_does_not_keep_the_others_from_being_asked(stage: Stage) -> None:
    await ship(stage, "1")
    await ship(stage, "2", vendor="ups")
    down = HttpFailed("FedEx has trouble on its side (HTTP 503).", error_type="http_503", fault="theirs")
    vendors(stage, fedex=lambda _: down, ups=lambda _: where("in_transit", "2"))
    run = await stage.sync("shipments")

    assert (run.outcome, run.error_type) == ("error", "vendors_failed")
    [other] = await shipments.of_reference(stage.db, "A-2")
    assert other.status == "in_transit"


async def test_an_old_shipment_is_given_up_and_a_cancelled_one_left_alone(stage: Stage) -> None:
    await ship(stage, "1", days=61)
    await ship(stage, "2")
    await shipments.note_cancelled(stage.db, "fedex", "2", now=stage.clock.now())
    asked = vendors(stage, fedex=lambda _: where("in_transit"))
    await stage.sync("shipments")

    assert asked.calls == []


async def test_a_status_we_do_not_understand_changes_nothing(stage: Stage) -> None:
    await ship(stage, "1")
    vendors(stage, fedex=lambda _: where("unknown"))
    await stage.sync("shipments")

    assert (await only(stage)).status == "created"


async def test_a_dry_run_asks_and_plans_and_writes_nothing(stage: Stage) -> None:
    await ship(stage, "1")
    vendors(stage, fedex=lambda _: where("delivered"))
    before = await digests(stage.db, but={"sync_runs", "run_notes", "plans", "plan_rows"})
    run = await stage.sync("shipments", dry_run=True)
    (row,) = await plan_rows.page(stage.db, run.id)

    assert (run.outcome, row.field, row.before, row.after) == ("success", "status", "created", "delivered")
    assert await digests(stage.db, but={"sync_runs", "run_notes", "plans", "plan_rows"}) == before


async def test_a_label_bought_twice_is_one_shipment(stage: Stage) -> None:
    await ship(stage, "1")
    again = replace(await only(stage), reference="A-other")

    assert await shipments.note_created(stage.db, again) is False
    assert await shipments.counts(stage.db) == {("fedex", "created"): 1}
