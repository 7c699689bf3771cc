"""Payments, captures and refunds as they are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.mollie.money import Money


@dataclass(slots=True, kw_only=True, eq=False)
class Refund:
    """Money on its way back. ``status`` is queued, pending, processing, refunded or canceled."""

    id: str
    payment: Payment
    amount: Money
    description: str
    metadata: Any
    at: float
    status: str = "pending"


@dataclass(slots=True, kw_only=True, eq=False)
class Capture:
    """Money taken of an authorised payment; ``status`` is pending at first, then succeeded."""

    id: str
    payment: Payment
    amount: Money
    description: str
    metadata: Any
    at: float
    status: str = "pending"


@dataclass(slots=True, kw_only=True, eq=False)
class Payment:
    """One payment. ``moments`` are the times (Unix seconds) of paid, authorized, canceled, expired, failed."""

    id: str
    amount: Money
    description: str
    redirect_url: str | None
    cancel_url: str | None
    webhook_url: str | None
    metadata: Any
    method: str | None
    methods: tuple[str, ...]  # those the buyer may choose from; () is all
    locale: str | None
    country: str | None
    capture_mode: str | None
    capture_delay: float | None  # seconds after which an authorised payment is captured by itself
    lines: Any
    at: float
    expires_at: float
    status: str = "open"
    moments: dict[str, float] = field(default_factory=dict)
    failure: str | None = None
    capture_before: float | None = None
    released_at: float | None = None
    captures: list[Capture] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def captured(self) -> Money:
        """Return what was taken, or is about to be."""
        if self.status == "paid" and not self.captures:
            return self.amount
        return sum((capture.amount for capture in self.captures), self.amount.nought())

    @property
    def taken(self) -> Money:
        """Return what was taken and has succeeded: as much can be given back."""
        if self.status == "paid" and not self.captures:
            return self.amount
        done = (capture.amount for capture in self.captures if capture.status == "succeeded")
        return sum(done, self.amount.nought())

    @property
    def refunded(self) -> Money:
        """Return what was given back, or is about to be."""
        given = (refund.amount for refund in self.refunds if refund.status not in ("failed", "canceled"))
        return sum(given, self.amount.nought())

    @property
    def reference(self) -> str:
        """Return the shop's reference: ``order_id`` or ``reference`` of the metadata, else the description."""
        return reference_in(self.metadata) or self.description


def reference_in(metadata: Any) -> str:
    """Return the reference in metadata, which may be JSON or the text of it; empty when there is none."""
    found = metadata
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return ""
    return str(found.get("order_id") or found.get("reference") or "") if isinstance(found, dict) else ""
