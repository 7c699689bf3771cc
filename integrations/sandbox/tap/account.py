"""The merchant's objects in memory, the ids they get, and what the ledger is told of them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations.sandbox.shelf import Shelf
from integrations.sandbox.tap import money
from integrations.sandbox.tap.sources import READY, Card
from integrations.sandbox.timeline import Timeline
from integrations.sandbox.twin import World

_LETTERS = string.ascii_letters + string.digits
_KUWAIT = timedelta(hours=3)

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request after authentication and decoding."""

    body: Object
    match: Mapping[str, str]
    base_url: str


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A charge or an authorize as it is shown, and what is not shown of it."""

    shown: Object
    created: float
    card: Card | None = None
    left: Decimal = Decimal(0)  # of a charge what can be refunded, of an authorize what can be captured
    authorize_id: str = ""  # of a charge, what it captured

    @property
    def id(self) -> str:
        """Return its id."""
        return str(self.shown["id"])

    @property
    def currency(self) -> str:
        """Return its currency."""
        return str(self.shown["currency"])

    @property
    def reference(self) -> str:
        """Return what the shop calls it: the order, else the transaction; '' for neither."""
        named = self.shown["reference"]
        return str(named.get("order") or named.get("transaction") or "")


@dataclass(slots=True, kw_only=True)
class Refund:
    """A refund as it is shown, and the charge it gives back."""

    shown: Object
    created: float
    amount: Decimal
    charge: Transaction


@dataclass(slots=True)
class Token:
    """A card in a token, which dies with its first use."""

    card: Card
    used: bool = field(default=False)


class Account(Timeline):
    """One merchant in test mode, shared by every accepted key."""

    def __init__(self, world: World) -> None:
        super().__init__(world.now)
        self.world = world
        # The start time is part of the seed: a sandbox started again must not give out the ids of its former life.
        self._random = world.chance(f"tap.ids:{world.now():.0f}")
        self.charges: Shelf[Transaction] = Shelf()
        self.authorizes: Shelf[Transaction] = Shelf()
        self.refunds: Shelf[Refund] = Shelf()
        self.tokens: Shelf[Token] = Shelf()
        self.customers: Shelf[Object] = Shelf()

    def __repr__(self) -> str:
        return (
            f"<Account {len(self.charges)} charges, {len(self.authorizes)} authorizes, {len(self.refunds)} refunds, "
            f"{len(self.tokens)} tokens>"
        )

    def setting(self, name: str, default: Any) -> Any:
        """Return a setting as it stands now."""
        return self.world.setting("tap", name, default)

    def new_id(self, sign: str) -> str:
        """Return an id such as ``chg_TS07A0320241133g5RO1906000``: local time and a few letters among it."""
        at = datetime.fromtimestamp(self.now(), UTC) + _KUWAIT
        draw = self._random
        front = f"TS{draw.randrange(1, 8):02d}A{at:%S%Y%H%M}"
        return f"{sign}_{front}{''.join(draw.choices(_LETTERS, k=4))}{at:%d%m}{draw.randrange(1_000):03d}"

    def letters(self, count: int) -> str:
        """Return letters and digits drawn from the seed."""
        return "".join(self._random.choices(_LETTERS, k=count))

    def digits(self, count: int) -> str:
        """Return digits drawn from the seed."""
        return "".join(self._random.choices(string.digits, k=count))

    def token(self, id: str) -> Token | None:
        """Return the token of this id, a new one for those that stand ready; None when there is none."""
        return Token(READY[id]) if id in READY else self.tokens.get(id)

    def effect(self, kind: str, *, reference: str, id: str, amount: Decimal, currency: str) -> None:
        """Tell the ledger that something happened for good."""
        if not self.is_past:
            self.world.ledger.effect(
                vendor="tap", kind=kind, reference=reference, id=id, amount=money.text(amount, currency)
            )


def milliseconds(at: float) -> int:
    """Return Unix seconds as Tap counts them."""
    return round(at * 1_000)
