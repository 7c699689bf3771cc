"""The merchant's account in memory: orders, authorisations, captures, refunds, and the events about them."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.paypal.checks import Reader
from integrations.sandbox.paypal.errors import unprocessable
from integrations.sandbox.paypal.money import Money
from integrations.sandbox.paypal.records import Authorization, Capture, Order, Refund
from integrations.sandbox.shelf import Shelf
from integrations.sandbox.twin import World

MERCHANT_ID = "QUAY5SANDB8XM"
MERCHANT_EMAIL = "merchant@example.com"
BUYER_ID = "BUYER7SANDB8X"
BUYER_EMAIL = "buyer@example.com"
_RESOURCE_TYPES = {"CHECKOUT.ORDER.APPROVED": "checkout-order", "PAYMENT.CAPTURE.REFUNDED": "refund"}
_ALPHABET = string.ascii_uppercase + string.digits

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request after authentication and decoding; ``full`` when the whole resource was preferred."""

    client: str
    base_url: str
    body: Reader
    id: str
    full: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a webhook is told of; ``resource`` is the object as it was then."""

    id: str
    type: str
    resource_type: str
    summary: str
    resource: Body
    at: float
    base_url: str  # how PayPal was addressed when it happened


class Account:
    """One account shared by every accepted client: its shelves, its clock, its invoice numbers."""

    def __init__(self, world: World) -> None:
        self.world = world
        # The start time is part of the seed: a sandbox started again must not give out the ids of its former life.
        self._random = world.chance(f"paypal.ids:{world.now():.0f}")
        self.orders: Shelf[Order] = Shelf()
        self.authorizations: Shelf[Authorization] = Shelf()
        self.captures: Shelf[Capture] = Shelf()
        self.refunds: Shelf[Refund] = Shelf()
        self.events: Shelf[Event] = Shelf()
        self._paid_invoices: dict[str, str] = {}  # invoice number -> order that was paid under it
        self._refund_invoices: set[str] = set()
        self._pending: list[Capture] = []

    def __repr__(self) -> str:
        return f"<Account {len(self.orders)} orders, {len(self.captures)} captures, {len(self.refunds)} refunds>"

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self.world.now()

    def setting(self, name: str, default: Any) -> Any:
        """Return one of the twin's settings."""
        return self.world.setting("paypal", name, default)

    def new_id(self, length: int = 17) -> str:
        """Return an id such as ``5O190127TN364715T`` that was not given out before."""
        return "".join(self._random.choices(_ALPHABET, k=length))

    def debug_id(self) -> str:
        """Return an id PayPal gives a request, such as ``90957fca61718``."""
        return "".join(self._random.choices("0123456789abcdef", k=13))

    def effect(self, kind: str, order: Order, *, id: str, amount: Money, reference: str | None = None) -> None:
        """Tell the ledger that something happened for good, under the refund's own reference or the order's."""
        self.world.ledger.effect(
            vendor="paypal", kind=kind, reference=reference or order.reference, id=id, amount=str(amount)
        )

    def note_event(self, type: str, resource: Body, summary: str, base_url: str) -> None:
        """Keep an event with the object as it is now."""
        id = f"WH-{self.new_id()}-{self.new_id()}"
        kind = _RESOURCE_TYPES.get(type) or type.split(".")[1].lower()
        made = Event(
            id=id,
            type=type,
            resource_type=kind,
            summary=summary,
            resource=resource,
            at=self.now(),
            base_url=base_url,
        )
        self.events.put(id, made)

    def claim_invoice(self, order: Order, invoice_id: str | None) -> None:
        """Take an invoice number for an order; raises ``Refused`` 422 when another order was paid under it.

        That is how accounts are set at first; the setting ``block_duplicate_invoices`` turns it off.
        """
        if invoice_id is None or not self.setting("block_duplicate_invoices", True):
            return
        if self._paid_invoices.setdefault(invoice_id, order.id) != order.id:
            raise unprocessable("DUPLICATE_INVOICE_ID", "/invoice_id", invoice_id)

    def claim_refund_invoice(self, invoice_id: str | None) -> None:
        """Take an invoice number for a refund; raises ``Refused`` 422 when it was used for one before."""
        if invoice_id is None:
            return
        if invoice_id in self._refund_invoices:
            raise unprocessable("DUPLICATE_INVOICE_ID", "/invoice_id", invoice_id)
        self._refund_invoices.add(invoice_id)

    def wait_for(self, capture: Capture) -> None:
        """Remember a pending capture, so that it completes in time."""
        self._pending.append(capture)

    def clear_pending(self, on_cleared: Callable[[Capture], None]) -> None:
        """Complete the captures whose money has come by now."""
        due = [capture for capture in self._pending if (capture.clears_at or 0.0) <= self.now()]
        for capture in due:
            self._pending.remove(capture)
            capture.status, capture.reason, capture.updated = "COMPLETED", None, capture.clears_at or self.now()
            on_cleared(capture)


def time_text(at: float) -> str:
    """Return Unix seconds as PayPal writes a time: whole seconds, ``Z``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
