"""How an order is judged: a score from 0 (highest risk) to 1000, and the action that follows from it.

A test team documents no way to order a decision, so the twin judges by what it is sent, and settings overrule it:

- AVS code N costs about 350 points, CVV code N about 400, another country for goods and for the bill 120, a total above
  5,000 another 120, a payment that failed 300;
- 600 and more is ACCEPT, 300 and more HOLD, less is REJECT. A held order is reviewed by a person for ``review_seconds``
  (600) and then accepted from 475 points on, rejected below;
- ``decision`` (an action) is taken for every order, ``decisions`` ({order id: action}) for some.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.twin import World

ACCEPT, HOLD, REJECT = "ACCEPT", "HOLD", "REJECT"
_APPROVED, _DECLINED, _HELD = "SIGNIFYD_APPROVED", "SIGNIFYD_DECLINED", "SIGNIFYD_HELD"
_POLICY = "SIGNIFYD_DECISION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision. ``at`` is Unix seconds."""

    action: str
    reason: str
    score: float
    at: float

    def json(self) -> dict[str, Any]:
        """Return the ``decision`` object."""
        policy = {"name": _POLICY, "status": "EVALUATED_TRUE", "action": self.action, "reason": self.reason}
        return {
            "createdAt": moment_text(self.at),
            "checkpointAction": self.action,
            "checkpointActionReason": self.reason,
            "checkpointActionPolicy": _POLICY,
            "policies": {"default": policy, "overriding": []},
            "score": self.score,
        }


def judge(world: World, body: dict[str, Any], at: float) -> Verdict:
    """Return the first decision about an order."""
    order_id = body["orderId"]
    score = _score(world, order_id, body)
    forced = world.setting("signifyd", "decisions", {}).get(order_id) or world.setting("signifyd", "decision", None)
    action = forced or (ACCEPT if score >= 600 else HOLD if score >= 300 else REJECT)
    return verdict(action, score, at)


def verdict(action: str, score: float, at: float) -> Verdict:
    """Return a decision with the reason that goes with its action."""
    reason = {ACCEPT: _APPROVED, REJECT: _DECLINED, HOLD: _HELD}.get(action, f"SIGNIFYD_{action}")
    return Verdict(action=action, reason=reason, score=score, at=at)


def after_review(world: World, held: Verdict) -> Verdict:
    """Return the decision as it stands now: a held one turns into ACCEPT or REJECT when its review is over."""
    ends = held.at + float(world.setting("signifyd", "review_seconds", 600))
    if held.action != HOLD or world.now() < ends:
        return held
    return verdict(ACCEPT if held.score >= 475 else REJECT, held.score, ends)


def moment_text(at: float) -> str:
    """Return Unix seconds as Signifyd writes them: UTC, microseconds, Z."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _score(world: World, order_id: str, body: dict[str, Any]) -> float:
    score = 850.0 + random.Random(f"{world.seed}:signifyd:{order_id}").uniform(-20, 20)
    bill, goods = set(), set()
    for transaction in body.get("transactions") or []:
        checks = transaction.get("verifications") or {}
        score -= 350 if checks.get("avsResponseCode") == "N" else 0
        score -= 400 if checks.get("cvvResponseCode") == "N" else 0
        score -= 300 if transaction.get("gatewayStatusCode") in ("FAILURE", "ERROR") else 0
        card = transaction.get("checkoutPaymentDetails") or {}
        bill.add((card.get("billingAddress") or {}).get("countryCode"))
    for shipment in body["purchase"].get("shipments") or []:
        address = (shipment.get("destination") or {}).get("address") or {}
        goods.add(address.get("countryCode"))
    bill.discard(None)
    goods.discard(None)
    score -= 120 if bill and goods and bill != goods else 0
    score -= 120 if body["purchase"]["totalPrice"] > 5_000 else 0
    return round(min(999.0, max(1.0, score)), 11)
