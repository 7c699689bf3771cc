"""The orders a team has sent: what is known of them and how they were decided.

The same order id again updates the order and is decided anew (developer.signifyd.com/main/reference/sale), a hundred
times; after that every decision is REJECT (…/reference/checkout). A body that is the same as the last is one event sent
twice: it is answered, and the ledger has one screening.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from integrations.sandbox.signifyd.decisions import ACCEPT, REJECT, Verdict, after_review, judge, moment_text, verdict
from integrations.sandbox.signifyd.errors import Refused
from integrations.sandbox.twin import World

MOST_UPDATES = 100
_COVERED = {"FRAUD": "fraudChargebacks", "INR": "inrChargebacks", "SNAD": "snadChargebacks", "ALL": "allChargebacks"}
# Orders that are there when somebody asks for them, so that an example works on a fresh sandbox.
SAMPLES = {
    "SANDBOX-ACCEPTED": {"avs": "Y", "cvv": "M"},
    "SANDBOX-HELD": {"avs": "N", "cvv": "M"},
    "SANDBOX-REJECTED": {"avs": "N", "cvv": "N"},
    "SANDBOX-PENDING": {},
}
_NEVER = float("inf")


@dataclass(slots=True, kw_only=True)
class Order:
    """An order as last sent. ``decided_at``: Unix seconds from when on its decision is told."""

    signifyd_id: str
    body: dict[str, Any]
    verdict: Verdict
    decided_at: float
    checkout_id: str | None = None
    sent: bytes = b""
    updates: int = 0
    shipments: dict[str, dict[str, Any]] = field(default_factory=dict)


class Orders:
    """All orders of one team."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = random.Random(f"{world.seed}:signifyd:ids:{world.now():.0f}")
        self._orders: dict[str, Order] = {}
        self._checkouts: dict[str, str] = {}  # checkout id -> order id

    def __repr__(self) -> str:
        return f"<Orders {len(self._orders)}>"

    def screen(self, body: dict[str, Any], *, asynchronous: bool = False) -> tuple[Order, bool]:
        """Take a checkout or a sale; return the order and whether it is new."""
        known = self._orders.get(body["orderId"])
        order = self._decide(known, body, asynchronous)
        order.checkout_id = body.get("checkoutId") or order.checkout_id
        self._orders[body["orderId"]] = order
        if order.checkout_id is not None:
            self._checkouts[order.checkout_id] = body["orderId"]
        sent = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        if sent != order.sent:
            self._note("screening", order)
        order.sent = sent
        return order, known is None

    def change(self, order_id: str, changes: dict[str, Any]) -> Order:
        """Decide an order anew after some of it has changed; raises ``Refused`` 404 when it is unknown."""
        order = self.find(order_id)
        body = {**order.body, **changes, "purchase": {**order.body["purchase"], **changes.get("purchase", {})}}
        self._orders[order_id] = changed = self._decide(order, body, asynchronous=False)
        return changed

    def find(self, order_id: str) -> Order:
        """Return an order; raises ``Refused`` 404 when it is unknown."""
        if order_id in SAMPLES and order_id not in self._orders:
            self._orders[order_id] = self._sample(order_id)
        if order_id not in self._orders:
            raise Refused(404, f"Order {order_id} does not exist.")
        return self._orders[order_id]

    def checked_out(self, checkout_id: str) -> Order:
        """Return the order of a checkout; raises ``Refused`` 404 when it is unknown."""
        if checkout_id not in self._checkouts:
            raise Refused(404, f"Checkout {checkout_id} does not exist.")
        return self.find(self._checkouts[checkout_id])

    def fulfil(self, body: dict[str, Any]) -> list[str]:
        """Note what was shipped and return the shipments; the same again is no second fulfilment."""
        order = self.find(body["orderId"])
        shipments = {one["shipmentId"]: one for one in body.get("fulfillments") or []}
        if any(order.shipments.get(id) != one for id, one in shipments.items()):
            self._note("fulfilment", order)
        order.shipments.update(shipments)
        return list(shipments)

    def answer(self, order: Order) -> dict[str, Any]:
        """Return the answer about an order as it stands now: without a decision, ``decision`` is null."""
        told = self._world.now() >= order.decided_at
        decided = after_review(self._world, order.verdict)
        answer = {"signifydId": order.signifyd_id, "orderId": order.body["orderId"]}
        if order.checkout_id is not None:
            answer = {"signifydId": order.signifyd_id, "checkoutId": order.checkout_id, "orderId": answer["orderId"]}
        return answer | {
            "decision": decided.json() if told else None,
            "coverage": self._coverage(order.body, decided) if told else None,
        }

    def _decide(self, known: Order | None, body: dict[str, Any], asynchronous: bool) -> Order:
        wait = float(self._world.setting("signifyd", "decision_seconds", 5)) if asynchronous else 0.0
        at = self._world.now() + wait
        decided = judge(self._world, body, at)
        updates = 0 if known is None else known.updates + 1
        if updates > MOST_UPDATES:
            decided = verdict(REJECT, decided.score, at)
        if known is None:
            id = str(self._draw.randrange(3_000_000_000, 4_000_000_000))
            return Order(signifyd_id=id, body=body, verdict=decided, decided_at=at)
        known.body, known.verdict, known.decided_at, known.updates = body, decided, at, updates
        return known

    def _sample(self, order_id: str) -> Order:
        codes = SAMPLES[order_id]
        now = self._world.now()
        amount = {"amount": 109.9, "currency": "USD"}
        checks = {"avsResponseCode": codes.get("avs"), "cvvResponseCode": codes.get("cvv")}
        body: dict[str, Any] = {
            "orderId": order_id,
            "purchase": {"createdAt": moment_text(now), "totalPrice": amount["amount"], "currency": "USD"},
            "transactions": [{"transactionId": f"tr-{order_id}", **amount, "verifications": checks}],
        }
        order = self._decide(None, body, asynchronous=False)
        order.decided_at = now if codes else _NEVER
        return order

    def _coverage(self, body: dict[str, Any], decided: Verdict) -> dict[str, Any]:
        purchase = body["purchase"]
        covered: dict[str, Any] = {"fraudChargebacks": None, "inrChargebacks": None, "allChargebacks": None}
        if decided.action == ACCEPT:
            for kind in body.get("coverageRequests") or ["FRAUD"]:
                if kind in _COVERED:
                    covered[_COVERED[kind]] = {"amount": purchase["totalPrice"], "currency": purchase["currency"]}
        return covered

    def _note(self, kind: str, order: Order) -> None:
        purchase = order.body["purchase"]
        self._world.ledger.effect(
            vendor="signifyd",
            kind=kind,
            reference=order.body["orderId"],
            id=order.signifyd_id,
            amount=f"{Decimal(str(purchase['totalPrice']))} {purchase['currency']}" if kind == "screening" else None,
        )
