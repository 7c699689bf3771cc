"""How far an order is that is being placed: its steps in the order they are done, and what is noted of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from db.engine import Connection
from db.placements import Placement, State
from integrations.types.base import Money

ORDER: Mapping[str, Sequence[str]] = {
    "new": ("screening", "tax"),
    "paying": ("payment", "capture", "order"),
    "action": ("look",),
    "review": ("review",),
    "placed": ("commit_tax", "shipment", "mail", "sms", "event"),
    "undoing": ("cancel_order", "cancel_shipment", "void_tax", "give_back"),
}
LEAVES_A_TRACE = frozenset({"commit_tax", "shipment"})  # noted before they are done, for they may have to be undone
MESSAGES = frozenset({"mail", "sms", "event"})  # none of which has to wait for another
SETTLED = frozenset({"done", "skipped", "failed", "given_up", "waiting"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How far an order is after a step. ``wait``: seconds until the next look; ``letter``: what a person has to do,
    and ``stuck`` that nothing goes on before. ``within`` has the last word, inside the transaction that stores it.
    """

    placement: Placement
    wait: float | None = None
    letter: str = ""
    stuck: bool = False
    within: Callable[[Connection, Moved], Awaitable[Moved]] | None = None


def next_step(placement: Placement) -> str | None:
    """Return the step that is next, None when everything of this state is done; a message that failed lets others by."""
    done = {name for name, facts in placement.steps.items() if facts["state"] in SETTLED}
    left = [name for name in ORDER.get(placement.state, ()) if name not in done]
    return min(left, key=lambda name: tries_of(placement, name), default=None)


def tries_of(placement: Placement, message: str) -> int:
    """Return how often a message was tried in vain."""
    return int(placement.steps.get(message, {}).get("tries", 0))


def noted(placement: Placement, step: str, state: str, **facts: Any) -> Placement:
    """Return the order with a step noted; the step after it has not been tried."""
    steps = {**placement.steps, step: {"state": state, **facts}}
    return replace(placement, steps=steps, tries=0, error_type=None, message=None)


def turned_round(placement: Placement, reason: str, *, end: State = "failed") -> Placement:
    """Return the order on its way back."""
    return replace(noted(placement, "undo", "done", end=end, reason=reason), state="undoing")


def is_accepted(placement: Placement) -> bool:
    """Whether the fraud screening lets the order through."""
    return placement.steps["screening"]["state"] in ("done", "skipped")


def name_of(placement: Placement) -> str:
    """Return the reference vendors are told; a later attempt at the same order has its own."""
    return placement.reference if placement.attempt == 1 else f"{placement.reference}-{placement.attempt}"


def key_of(placement: Placement, step: str) -> str:
    """Return the idempotency key of a step."""
    return f"placing-{placement.reference}-{placement.attempt}-{step}"


def total_of(placement: Placement) -> Money:
    """Return what the shopper pays, with exactly the currency's decimals."""
    assert placement.total is not None  # noqa: S101 - the tax comes before whatever needs the total
    return Money(amount=placement.total, currency=placement.currency).rounded()
