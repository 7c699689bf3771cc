"""The routes of placing an order, and how far an order is as they tell it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from db.placements import Placement
from integrations.checkout.caller import Caller, Key
from integrations.checkout.new_order import NewOrder
from integrations.checkout.placing import PlacingDesk
from integrations.checkout.progress import ORDER
from integrations.types.base import Model, Money, UtcDatetime
from integrations.types.payments import Payment
from integrations.types.tax import TaxQuote

Reference = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", description="the order's")]
Status = Literal[
    "placing", "requires_action", "held_for_review", "placed", "complete", "cancelling", "declined", "failed"
]
_STATUS: dict[str, Status] = {
    "new": "placing",
    "paying": "placing",
    "action": "requires_action",
    "review": "held_for_review",
    "placed": "placed",
    "undoing": "cancelling",
    "complete": "complete",
    "declined": "declined",
    "failed": "failed",
}


class Cancellation(Model):
    """Why an order is taken back."""

    reason: str = Field(default="", max_length=200)


class Step(Model):
    """One step: done, skipped, waiting, refused, failed, given_up when nobody retried it in time, or asked while its answer
    is not known; ``facts`` are its ids."""

    name: str
    state: str
    facts: dict[str, Any]


class PlacedOrder(Model):
    """How far an order is.

    ``placed``: paid and stored, shipment and messages follow; ``complete``: nothing is left. ``placing``: a step's
    answer is not known yet; ask again. ``error_type`` and ``message`` say what the next step waits for.
    """

    reference: str
    status: Status
    total: Money | None
    payment: Payment | None
    tax: TaxQuote | None
    screening: str | None
    steps: tuple[Step, ...]
    correlation_id: str
    created_at: UtcDatetime
    changed_at: UtcDatetime
    error_type: str | None = None
    message: str | None = None


def add_routes(
    routes: APIRouter,
    placing: PlacingDesk,
    *,
    paying: Any,
    asked_by: Callable[[Caller], AbstractContextManager[str]],
    problems: Callable[..., Any],
) -> None:
    """Add the routes. ``paying`` lets in who may."""

    @routes.post("/checkout/orders", tags=["checkout"], status_code=201, responses=problems(404, 409, 502, 504))
    async def place_order(order: NewOrder, key: Key, caller: Caller = paying) -> PlacedOrder:
        """Screen, tax, charge and store an order, once for each Idempotency-Key; the rest follows by itself."""
        with asked_by(caller) as correlation_id:
            placed = await placing.place(order, key=key, correlation_id=correlation_id, asked_by=caller.label)
        return as_told(placed)

    @routes.get("/checkout/orders/{reference}", tags=["checkout"], responses=problems(404))
    async def get_placed_order(reference: Reference, caller: Caller = paying) -> PlacedOrder:
        """Say how far an order is; a payment that waits for the shopper is looked at."""
        with asked_by(caller):
            return as_told(await placing.get(reference))

    @routes.post(
        "/checkout/orders/{reference}/cancel", tags=["checkout"], status_code=202, responses=problems(404, 409)
    )
    async def cancel_placed_order(
        reference: Reference, cancellation: Cancellation, caller: Caller = paying
    ) -> PlacedOrder:
        """Take an order back: the order, its shipment, its tax document, its payment."""
        with asked_by(caller):
            return as_told(await placing.cancel(reference, reason=cancellation.reason))


def as_told(placement: Placement) -> PlacedOrder:
    """Return how far an order is, as callers are told."""
    papers = placement.papers
    total = None
    if placement.total is not None:
        total = Money(amount=placement.total, currency=placement.currency).rounded()
    return PlacedOrder(
        reference=placement.reference,
        status=_STATUS[placement.state],
        total=total,
        payment=Payment.model_validate(papers["payment"]) if "payment" in papers else None,
        tax=TaxQuote.model_validate(papers["tax"]) if "tax" in papers else None,
        screening=placement.steps.get("screening", {}).get("decision"),
        steps=tuple(_told(name, placement.steps[name]) for name in _NAMES if name in placement.steps),
        correlation_id=placement.correlation_id,
        created_at=placement.created_at,
        changed_at=placement.changed_at,
        error_type=placement.error_type,
        message=placement.message,
    )


_NAMES = tuple(name for names in ORDER.values() for name in names)


def _told(name: str, facts: Any) -> Step:
    return Step(name=name, state=facts["state"], facts={key: value for key, value in facts.items() if key != "state"})
