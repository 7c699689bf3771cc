"""The account's objects in memory: payments, charges, refunds, balance transactions and events."""

from __future__ import annotations

import copy
import string
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.stripe import money
from integrations.sandbox.twin import World

_ALPHABET = string.ascii_letters + string.digits
_DAY = 86_400
_KEPT = 50_000  # objects of a kind; a demo that runs for weeks must not grow without end

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request after authentication and decoding."""

    params: dict[str, Any]
    match: dict[str, str]
    version: str
    idempotency_key: str | None
    request_id: str
    base_url: str


@dataclass(slots=True)
class Shelf:
    """Objects of one kind by id, oldest first; the oldest goes when there are too many."""

    objects: dict[str, Object] = field(default_factory=dict)

    def put(self, item: Object) -> Object:
        """Keep an object under its id and return it."""
        self.objects[item["id"]] = item
        if len(self.objects) > _KEPT:
            del self.objects[next(iter(self.objects))]
        return item

    def get(self, id: str) -> Object | None:
        """Return the object, None when there is none."""
        return self.objects.get(id)

    def newest_first(self) -> list[Object]:
        """Return all objects in the order lists show them."""
        return list(reversed(self.objects.values()))


class Account:
    """One account shared by every accepted key: its shelves, its clock and its money."""

    def __init__(self, world: World) -> None:
        self.world = world
        # The start time is part of the seed: a sandbox started again must not give out the ids of its former life.
        self._random = world.chance(f"stripe.ids:{world.now():.0f}")
        self.intents = Shelf()
        self.charges = Shelf()
        self.refunds = Shelf()
        self.transactions = Shelf()
        self.events = Shelf()

    def __repr__(self) -> str:
        return f"<Account {len(self.intents.objects)} payments, {len(self.refunds.objects)} refunds>"

    def now(self) -> int:
        """Return the time in whole Unix seconds, as every ``created`` has it."""
        return int(self.world.now())

    def new_id(self, prefix: str, length: int = 24) -> str:
        """Return an id such as ``pi_3Q…`` that was not given out before."""
        return f"{prefix}_" + "".join(self._random.choices(_ALPHABET, k=length))

    def look_up(self, id: str) -> Object | None:
        """Return any object by its id, brought up to date; None when there is none."""
        prefix = id.partition("_")[0]
        shelf = {"pi": self.intents, "ch": self.charges, "re": self.refunds, "txn": self.transactions}.get(prefix)
        found = shelf.get(id) if shelf else None
        if found is not None and prefix == "txn":
            found["status"] = "available" if self.now() >= found["available_on"] else "pending"
        return found

    def effect(self, kind: str, intent: Object, *, id: str, amount: int, refund: Object | None = None) -> None:
        """Tell the ledger that money moved, under our reference: the refund's own where it has one, else the payment's."""
        self.world.ledger.effect(
            vendor="stripe",
            kind=kind,
            reference=(_reference(refund) if refund else "") or _reference(intent),
            id=id,
            amount=money.decimal_text(amount, intent["currency"]),
        )

    def note_event(self, call: Call | None, type: str, item: Object) -> None:
        """Keep an event with the object as it is now; ``call`` is None where no API request caused it."""
        self.events.put(
            {
                "id": self.new_id("evt"),
                "object": "event",
                "api_version": call.version if call else None,
                "created": self.now(),
                "data": {"object": copy.deepcopy(item)},
                "livemode": False,
                "pending_webhooks": 0,
                "request": {
                    "id": call.request_id if call else None,
                    "idempotency_key": call.idempotency_key if call else None,
                },
                "type": type,
            }
        )

    def note_transaction(self, *, type: str, source: str, amount: int, currency: str, description: str | None) -> str:
        """Keep a balance transaction in the settlement currency and return its id; a refund's amount is negative."""
        settlement = str(self.world.setting("stripe", "settlement_currency", "usd")).lower()
        settled, settled_in, rate = money.settle(amount, currency, settlement)
        fee = money.fee_on(settled, settled_in, converted=rate is not None) if amount > 0 else 0
        fees = [
            {
                "amount": fee,
                "application": None,
                "currency": settled_in,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }
        ]
        made = self.transactions.put(
            {
                "id": self.new_id("txn"),
                "object": "balance_transaction",
                "amount": settled,
                "available_on": self.now() + 2 * _DAY,
                "created": self.now(),
                "currency": settled_in,
                "description": description,
                "exchange_rate": float(rate) if rate is not None else None,
                "fee": fee,
                "fee_details": fees if fee else [],
                "net": settled - fee,
                "reporting_category": type,
                "source": source,
                "status": "pending",
                "type": type,
            }
        )
        return str(made["id"])

    def balance(self) -> Object:
        """Return the balance: what is available and what is pending, by currency."""
        sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
        for id in self.transactions.objects:
            transaction = self.look_up(id)
            if transaction is not None:
                by_currency = sums[transaction["status"]]
                currency = transaction["currency"]
                by_currency[currency] = by_currency.get(currency, 0) + transaction["net"]
        settlement = str(self.world.setting("stripe", "settlement_currency", "usd")).lower()
        return {
            "object": "balance",
            "livemode": False,
            **{
                status: [
                    {"amount": amount, "currency": currency, "source_types": {"card": amount}}
                    for currency, amount in (by_currency or {settlement: 0}).items()
                ]
                for status, by_currency in sums.items()
            },
        }


def _reference(item: Object) -> str:
    metadata = item["metadata"]
    return str(metadata.get("order_id") or metadata.get("reference") or "")
