"""What a vendor has pushed to us, for the look-up of a write that can only be heard of, never asked for."""

from __future__ import annotations

from collections.abc import Sequence

from db import vendor_events
from db.engine import Database, StoreUnavailable
from integrations.adapter import VendorEvent
from integrations.errors import StoreIsUnavailable


async def events_heard(db: Database, vendor: str, reference: str) -> Sequence[VendorEvent]:
    """Return the vendor's events about a reference of ours, oldest first. Raise StoreIsUnavailable."""
    try:
        found = await vendor_events.of_reference(db, vendor, reference)
    except StoreUnavailable:
        raise StoreIsUnavailable("The database is away, and only there stands what the vendor has told us.") from None
    return [
        VendorEvent(
            id=row.id,
            type=row.type,
            occurred_at=row.occurred_at,
            resource=row.resource,
            reference=row.reference,
            data=row.data,
        )
        for row in found
    ]
