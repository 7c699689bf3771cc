"""Orders, authorisations, captures and refunds as they are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.paypal.money import Money
from integrations.sandbox.paypal.sources import Source

# What a buyer pays with on PayPal's page: money in the account, a card that will be declined, or an e-check.
BALANCE, REFUSED, ECHECK = "balance", "refused", "echeck"


@dataclass(slots=True, kw_only=True, eq=False)
class Refund:
    """Money given back of a capture."""

    id: str
    capture: Capture
    amount: Money
    invoice_id: str | None
    custom_id: str | None
    note: str | None
    at: float


@dataclass(slots=True, kw_only=True, eq=False)
class Capture:
    """Money taken. ``status`` is COMPLETED, PENDING or DECLINED; refunds are added to it when it is shown."""

    id: str
    order: Order
    unit: Unit
    authorization: Authorization | None
    amount: Money
    fee: Money
    status: str
    reason: str | None
    processor: str | None  # response code of the card processor
    final: bool
    invoice_id: str | None
    custom_id: str | None
    at: float
    updated: float
    clears_at: float | None = None  # when a pending capture completes
    refunds: list[Refund] = field(default_factory=list)

    @property
    def refunded(self) -> Money:
        """Return what was given back."""
        return sum((refund.amount for refund in self.refunds), self.amount.nought())

    @property
    def shown_status(self) -> str:
        """Return the status with refunds in it."""
        if self.status != "COMPLETED" or not self.refunds:
            return self.status
        return "REFUNDED" if self.refunded >= self.amount else "PARTIALLY_REFUNDED"


@dataclass(slots=True, kw_only=True, eq=False)
class Authorization:
    """Money held. ``status`` is CREATED, DENIED or VOIDED; captures are added to it when it is shown."""

    id: str
    order: Order
    unit: Unit
    amount: Money
    status: str
    processor: str | None
    at: float
    updated: float
    expires_at: float
    parent: Authorization | None = None  # of a reauthorisation, which shares its parent's captures
    captures: list[Capture] = field(default_factory=list)

    @property
    def captured(self) -> Money:
        """Return what was taken."""
        return sum((capture.amount for capture in self.captures), self.amount.nought())

    @property
    def closed(self) -> bool:
        """Return True when nothing more can be taken: all was, or a capture said it was the last."""
        return self.captured >= self.amount or any(capture.final for capture in self.captures)

    @property
    def shown_status(self) -> str:
        """Return the status with captures in it."""
        if self.status != "CREATED" or not self.captures:
            return self.status
        return "CAPTURED" if self.closed else "PARTIALLY_CAPTURED"


@dataclass(slots=True, kw_only=True, eq=False)
class Unit:
    """One purchase unit: ``facts`` is what the shop sent of it, with amounts written properly."""

    amount: Money
    facts: dict[str, Any]
    authorizations: list[Authorization] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)

    @property
    def reference_id(self) -> str:
        """Return the shop's name for the unit; ``default`` where it gave none."""
        return str(self.facts["reference_id"])

    @property
    def invoice_id(self) -> str | None:
        """Return the shop's invoice number."""
        return self.facts.get("invoice_id")

    @property
    def custom_id(self) -> str | None:
        """Return the shop's own text."""
        return self.facts.get("custom_id")


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """An order: what is to be paid, and how far it has come."""

    id: str
    intent: str
    status: str
    units: list[Unit]
    source: Source | None
    at: float
    updated: float
    return_url: str | None = None
    cancel_url: str | None = None
    approved: bool = False
    funding: str = BALANCE

    @property
    def paid_by(self) -> str:
        """Return ``card`` or ``paypal``."""
        return self.source.kind if self.source is not None else "paypal"

    @property
    def amount(self) -> Money:
        """Return the sum of the units."""
        return sum((unit.amount for unit in self.units[1:]), self.units[0].amount)

    @property
    def reference(self) -> str:
        """Return the shop's reference: invoice number, else its own text, else its name for the unit."""
        unit = self.units[0]
        named = unit.reference_id if unit.reference_id != "default" else ""
        return unit.invoice_id or unit.custom_id or named
