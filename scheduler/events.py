"""What comes of the events that vendors push: an order's payment is noted, a sync is started that would poll later.

An event says that something changed, never what is true now: it may come late, twice, or after a newer one. So it moves
nothing backwards, and where more is at stake than a status it only starts the sync that asks the vendor itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from db import orders, placements, runs, vendor_events
from db.engine import Database
from db.vendor_events import EventRow

log = logging.getLogger(__name__)

MOST_TRIES = 5
BACKOFF = timedelta(seconds=30)
# How far a payment has come; an event never takes an order back to a lower one.
PAYMENT_ORDER = {
    "pending": 0,
    "requires_action": 0,
    "authorized": 1,
    "declined": 1,
    "failed": 1,
    "captured": 2,
    "partially_refunded": 3,
    "refunded": 4,
}


class Events:
    """Works off what waits. ``kinds`` is the kind of each vendor, ``syncs`` the names of the syncs there are."""

    def __init__(
        self, db: Database, *, kinds: Mapping[str, str], syncs: frozenset[str], now: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._kinds = kinds
        self._syncs = syncs
        self._now = now

    def __repr__(self) -> str:
        return f"<Events of {len(self._kinds)} vendors>"

    async def work_off(self) -> int:
        """Do what the events that are due ask for, oldest first; return how many ended. A duty of the scheduler."""
        ended = 0
        for event in await vendor_events.due(self._db, now=self._now()):
            try:
                note = await self._act(event)
            except LookupError as error:  # what it speaks of is not here yet: its order is being placed this moment
                ended += await self._later(event, str(error.args[0]))
                continue
            ended += await vendor_events.end(self._db, event, state="done", note=note, now=self._now())
        return ended

    async def _later(self, event: EventRow, why: str) -> bool:
        if event.tries + 1 >= MOST_TRIES:
            log.warning("event.given_up", extra={"vendor": event.vendor, "event": event.id, "reason": why})
            return await vendor_events.end(self._db, event, state="dead", note=why, now=self._now())
        due_at = self._now() + BACKOFF * 2**event.tries
        await vendor_events.put_off(self._db, event, due_at=due_at, note=why)
        return False

    async def _act(self, event: EventRow) -> str:
        kind = self._kinds.get(event.vendor, "")
        status = event.data.get("status", "")
        if kind == "payments" and event.reference and status in PAYMENT_ORDER:
            return await self._note_payment(event, status)
        sync = {"payments": "payments", "store": "orders", "shipping": "shipments"}.get(kind)
        if sync is not None and sync in self._syncs:
            return await self._start(sync)
        return "kept; a look-up by its reference finds it"

    async def _note_payment(self, event: EventRow, status: str) -> str:
        waiting = await placements.heard(self._db, event.resource, now=self._now())
        if waiting is not None:
            return f"order {waiting} is looked at: it waits for this payment"
        order = await orders.get(self._db, event.reference)
        if order is None:
            raise LookupError(f"there is no order {event.reference}")
        if order.payment_id and event.resource and order.payment_id != event.resource:
            return f"order {event.reference} is paid by another payment"
        if PAYMENT_ORDER.get(order.payment_status or "", -1) >= PAYMENT_ORDER[status]:
            return f"order {event.reference} is {order.payment_status} already"
        await orders.note_payment(
            self._db, event.reference, payment_id=event.resource or None, payment_status=status, now=self._now()
        )
        return f"order {event.reference} is {status}"

    async def _start(self, sync: str) -> str:
        run = await runs.queue(self._db, sync, trigger="event", requested_by=None, now=self._now())
        return f"asked for run {run.id} of {sync}"
