"""Deliveries that vendors push to us: proven, stored once, worked off later by the scheduler.

Whoever delivers gets an answer as soon as the events are stored; what comes of them happens in the scheduler, so that a
slow hour of ours is never a failed delivery of theirs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from db import vendor_events
from db.engine import Database
from db.vendor_events import NewEvent
from integrations.adapter import Delivery
from integrations.correlation import new_id, origin
from integrations.errors import MissingCredential, UnknownVendor
from integrations.gateway import Gateway
from integrations.registry import VENDORS
from integrations.resilience.clock import Clock

log = logging.getLogger(__name__)


class Receiver:
    """Takes deliveries for all vendors. ``public_url`` is how vendors reach us: some sign it with the body."""

    def __init__(self, db: Database, gateway: Gateway, *, public_url: str, clock: Clock | None = None) -> None:
        self._db = db
        self._gateway = gateway
        self._public_url = public_url.rstrip("/")
        self._clock = clock or Clock()

    def __repr__(self) -> str:
        return f"<Receiver at {self._public_url}/webhooks>"

    async def receive(self, vendor: str, headers: Mapping[str, str], body: bytes, *, query: str = "") -> int:
        """Store what a delivery brings and return how many events were new.

        Raise DeliveryRefused when it is not proven to be the vendor's, InvalidInput when it cannot be read, Unsupported
        for a vendor that sends none, UnknownVendor, MissingCredential when there is no secret to prove it by, and
        StoreUnavailable, upon which the vendor delivers again.
        """
        if vendor not in VENDORS:
            raise UnknownVendor(f'No vendor "{vendor}".', field="vendor")
        adapter = self._gateway.adapter(vendor)
        webhook = adapter.vendor.webhook
        if webhook is not None and webhook.credential and not adapter.setting(webhook.credential):
            raise MissingCredential(
                f"QUAYSIDE_{vendor.upper()}_{webhook.credential} is not set, so no delivery of {adapter.vendor.label} "
                "can be proven; set it to the secret shown there."
            )
        delivery = Delivery(
            url=f"{self._public_url}/webhooks/{vendor}{f'?{query}' if query else ''}",
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
            received_at=self._clock.now(),
        )
        with origin("api", correlation_id=new_id(), user_name=f"{vendor} webhook") as cause:
            found = await self._gateway.receive(vendor, delivery)
        used = [
            NewEvent(
                vendor=vendor,
                id=event.id,
                type=event.type,
                occurred_at=event.occurred_at,
                resource=event.resource,
                reference=event.reference,
                data=event.data,
            )
            for event in found
            if webhook is None or event.type in webhook.events
        ]
        if not used:
            return 0
        stored = await vendor_events.keep(self._db, used, correlation_id=cause.correlation_id, now=delivery.received_at)
        log.info("webhook.stored", extra={"vendor": vendor, "events": len(used), "new": stored})
        return stored
