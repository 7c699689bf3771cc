"""The account's objects in memory, its clock, and what is due to happen to them by themselves."""

from __future__ import annotations

import hashlib
import hmac
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping

from integrations.sandbox.razorpay.errors import invalid, no_such_id
from integrations.sandbox.razorpay.money import decimal_text
from integrations.sandbox.shelf import Shelf
from integrations.sandbox.timeline import Timeline
from integrations.sandbox.twin import World

_ALPHABET = string.ascii_letters + string.digits
_UNIQUE = re.compile(r"[A-Za-z0-9]{14}")

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request after authentication and decoding."""

    params: dict[str, Any]
    match: Mapping[str, str]
    query: MultiMapping[str]
    secret: str
    base_url: str


class Kind:
    """Objects of one kind by id; ``sign`` is what their ids begin with."""

    def __init__(self, sign: str) -> None:
        self.sign = sign
        self._shelf: Shelf[Object] = Shelf()

    def __len__(self) -> int:
        return len(self._shelf)

    def put(self, item: Object) -> Object:
        """Keep an object under its id and return it."""
        return self._shelf.put(item["id"], item)

    def find(self, id: str) -> Object | None:
        """Return the object, None when there is none."""
        return self._shelf.get(id)

    def get(self, id: str) -> Object:
        """Return the object; raises ``Refused`` 400 for what is no id of this kind, and for one that names nothing."""
        unique = id.removeprefix(f"{self.sign}_")
        if unique == id or not _UNIQUE.fullmatch(unique):
            raise invalid(f"{unique} is not a valid id")
        found = self.find(id)
        if found is None:
            raise no_such_id()
        return found

    def newest_first(self) -> list[Object]:
        """Return all objects in the order lists show them."""
        return sorted(self._shelf.newest_first(), key=lambda item: -int(item["created_at"]))


@dataclass(slots=True, kw_only=True)
class Terms:
    """What an order asks for and never shows: ``automatic`` None leaves capture to the account's setting."""

    automatic: bool | None = None
    seconds: int = 7_200 * 60  # an authorized payment not captured within them goes back to the customer
    partial: bool = False
    secret: str = ""  # of the key that made the order: it signs what the customer's browser brings back


class Account(Timeline):
    """One account in test mode, shared by every accepted key."""

    def __init__(self, world: World) -> None:
        super().__init__(world.now)
        self.world = world
        # The start time is part of the seed: a sandbox started again must not give out the ids of its former life.
        self._random = world.chance(f"razorpay.ids:{world.now():.0f}")
        self.orders = Kind("order")
        self.payments = Kind("pay")
        self.refunds = Kind("rfnd")
        self.links = Kind("plink")
        self.settlements = Kind("setl")
        self.terms: dict[str, Terms] = {}  # order id -> what it never shows
        self.tried: dict[str, list[str]] = {}  # order id -> ids of its payments, oldest first
        self.cards: dict[str, Object] = {}  # payment id -> the card it was made with
        self.busy: set[str] = set()  # payments that a capture or a refund is working on

    def __repr__(self) -> str:
        return (
            f"<Account {len(self.orders)} orders, {len(self.payments)} payments, {len(self.refunds)} refunds, "
            f"{len(self.links)} links>"
        )

    def now(self) -> int:
        """Return the time in whole Unix seconds, as every ``created_at`` has it."""
        return int(super().now())

    def setting(self, name: str, default: Any) -> Any:
        """Return a setting as it stands now."""
        return self.world.setting("razorpay", name, default)

    def new_id(self, sign: str) -> str:
        """Return an id such as ``pay_29QQoUBi66xm2f`` that was not given out before."""
        return f"{sign}_{self.letters(14)}"

    def letters(self, count: int, alphabet: str = _ALPHABET) -> str:
        """Return letters and digits drawn from the seed."""
        return "".join(self._random.choices(alphabet, k=count))

    def effect(self, kind: str, *, reference: str, id: str, amount: int, currency: str) -> None:
        """Tell the ledger that something happened for good."""
        if self.is_past:
            return
        self.world.ledger.effect(
            vendor="razorpay", kind=kind, reference=reference, id=id, amount=decimal_text(amount, currency)
        )


def signature(secret: str, *parts: str) -> str:
    """Return the hex HMAC-SHA256 that proves to the shop what its customer's browser brings back."""
    return hmac.new(secret.encode(), "|".join(parts).encode(), hashlib.sha256).hexdigest()


def reference_of(item: Mapping[str, Any] | None) -> str:
    """Return what the shop calls an object: its receipt, its reference_id, or the reference in its notes; '' for none."""
    if item is None:
        return ""
    named = item.get("receipt") or item.get("reference_id")
    notes = item.get("notes")
    if not named and isinstance(notes, dict):
        named = notes.get("reference") or notes.get("order_id") or notes.get("receipt")
    return str(named or "")
