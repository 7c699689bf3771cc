"""What is noted of a call's result beside the record: a label that was bought is a shipment to be tracked.

It is noted here, not by whoever asked, so that a label bought on the command line or by a page is tracked as well.
"""

from __future__ import annotations

import logging

from pydantic import BaseModel

from db import shipments
from db.engine import Database, StoreUnavailable
from db.shipments import ShipmentRow
from integrations.outcome import CallResult
from integrations.resilience.clock import Clock
from integrations.types.shipping import CancelledShipment, CreatedShipment, ShipmentOrder

log = logging.getLogger(__name__)


async def follow_up(db: Database, clock: Clock, asked: BaseModel, found: CallResult) -> None:
    """Note what the result of a call means for later. The call has succeeded, whatever happens here."""
    made = found.value
    try:
        if isinstance(made, CreatedShipment) and isinstance(asked, ShipmentOrder):
            await shipments.note_created(db, _row(asked, made, clock))
        elif isinstance(made, CancelledShipment) and made.cancelled:
            await shipments.note_cancelled(db, made.vendor, made.tracking_number, now=clock.now())
    except StoreUnavailable:
        log.warning("shipment.not_noted", extra={"vendor": found.vendor, "call": found.call_id})


def _row(asked: ShipmentOrder, made: CreatedShipment, clock: Clock) -> ShipmentRow:
    now = clock.now()
    return ShipmentRow(
        vendor=made.vendor,
        tracking_number=made.tracking_number,
        reference=asked.shipment.reference,
        service_code=made.service_code[:64],
        status="created",
        price=made.price.amount if made.price else None,
        currency=made.price.currency if made.price else None,
        created_at=now,
        changed_at=now,
    )
