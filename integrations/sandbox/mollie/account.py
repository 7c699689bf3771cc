"""The organisation in memory, in test mode: payments with what hangs on them, balance transactions, events."""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.mollie.money import Money
from integrations.sandbox.mollie.records import Capture, Payment, Refund
from integrations.sandbox.shelf import Shelf
from integrations.sandbox.twin import World

PROFILE_ID = "pfl_QuaySandb8"
ORGANIZATION_ID = "org_12345678"
BALANCE_ID = "bal_gVMhHKqSSRYJyPsuoPNFH"
_ALPHABET = string.ascii_letters + string.digits

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request after authentication and decoding. ``live`` is a token's request without ``testmode``."""

    base_url: str
    path: str
    match: dict[str, str]
    query: dict[str, str]
    body: Body
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One balance transaction, in euros."""

    id: str
    type: str
    initial: Money
    deductions: Money
    context: Body
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a webhook is told of; ``entity`` is the object as it was then, ``payment_id`` whose it is."""

    id: str
    type: str
    entity: Body
    payment_id: str
    at: float
    base_url: str


class Account:
    """One organisation with one profile, shared by every accepted credential."""

    def __init__(self, world: World) -> None:
        self.world = world
        # The start time is part of the seed: a sandbox started again must not give out the ids of its former life.
        self._random = world.chance(f"mollie.ids:{world.now():.0f}")
        self.payments: Shelf[Payment] = Shelf()
        self.captures: Shelf[Capture] = Shelf()
        self.refunds: Shelf[Refund] = Shelf()
        self.movements: Shelf[Movement] = Shelf()
        self.events: Shelf[Event] = Shelf()

    def __repr__(self) -> str:
        return f"<Account {len(self.payments)} payments, {len(self.captures)} captures, {len(self.refunds)} refunds>"

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self.world.now()

    def setting(self, name: str, default: Any) -> Any:
        """Return one of the twin's settings."""
        return self.world.setting("mollie", name, default)

    def seconds(self, name: str, default: float) -> float:
        """Return a setting that is a stretch of time."""
        return float(self.setting(name, default))

    def new_id(self, prefix: str, length: int = 22) -> str:
        """Return an id such as ``tr_5B8cwPMGnU6qLbRvo7qEZo`` that was not given out before."""
        return f"{prefix}_" + "".join(self._random.choices(_ALPHABET, k=length))

    def effect(self, kind: str, *, reference: str, id: str, amount: Money) -> None:
        """Tell the ledger that something happened for good."""
        self.world.ledger.effect(vendor="mollie", kind=kind, reference=reference, id=id, amount=str(amount))

    def note_event(self, type: str, entity: Body, payment_id: str, at: float, base_url: str) -> None:
        """Keep an event with the object as it is now."""
        id = self.new_id("event")
        self.events.put(id, Event(id=id, type=type, entity=entity, payment_id=payment_id, at=at, base_url=base_url))

    def note_movement(self, type: str, initial: Money, deductions: Money, at: float, **context: str) -> None:
        """Keep a balance transaction; what leaves the balance is negative."""
        id = self.new_id("baltr")
        made = Movement(id=id, type=type, initial=initial, deductions=deductions, context=context, at=at)
        self.movements.put(id, made)


def time_text(at: float) -> str:
    """Return Unix seconds as Mollie writes a time: ISO 8601 with its offset."""
    return datetime.fromtimestamp(int(at), UTC).isoformat()
