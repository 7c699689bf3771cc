"""Fraud: an order is screened before it is paid, and the decision may come later."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from integrations.types.base import Exact, Model, Money, Reference, UtcDatetime
from integrations.types.shipping import Address

FraudDecision = Literal["accept", "reject", "hold", "pending"]


class ScreenedItem(Model):
    """One line of the order."""

    sku: str = ""
    name: str
    quantity: int = Field(gt=0)
    price: Money  # of one


class FraudScreening(Model):
    """An order to screen. The card is known by its last four digits and its first six, never by its number."""

    reference: Reference
    total: Money
    placed_at: UtcDatetime | None = None
    email: str = ""
    phone: str = ""
    ip_address: str = ""
    billing: Address | None = None
    shipping: Address | None = None
    items: tuple[ScreenedItem, ...] = Field(min_length=1)
    card_bin: str = Field(default="", pattern=r"^(\d{6})?$")
    card_last4: str = Field(default="", pattern=r"^(\d{4})?$")
    avs_code: str = ""
    cvv_code: str = ""
    processor: str = ""
    payment_id: str = ""


class DecisionQuery(Model):
    """Which order, by our reference."""

    reference: Reference


class ScreeningDecision(Model):
    """What to do with the order. ``pending``: no decision yet, ask again; ``score`` where the vendor gives one."""

    vendor: str
    reference: str
    case_id: str = ""
    decision: FraudDecision
    score: Exact | None = None
    reasons: tuple[str, ...] = ()
    guaranteed: bool = False
    decided_at: UtcDatetime | None = None
