"""Refunds: money given back for a captured payment, in parts or whole, never more than was taken.

Settings: ``refund_seconds`` (0; how long a refund is pending), ``refund_outcome`` ("processed" or "failed"),
``balance`` (paise; absent means there is always enough).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.razorpay import fields, listing, money
from integrations.sandbox.razorpay.account import Account, Call, Object, reference_of
from integrations.sandbox.razorpay.errors import invalid, no_such_id
from integrations.sandbox.razorpay.payments import in_paise
from integrations.sandbox.razorpay.settlements import Settlements

_CREATE = fields.names("amount speed notes receipt")
_SPEEDS = ("normal", "optimum")
_HALF_A_YEAR = 180 * 86_400
_NEVER_INSTANT = 2_468  # 24.68 is the amount with which test mode plays an instant refund that cannot be


class Refunds:
    """``/v1/refunds`` and ``/v1/payments/{id}/refunds``."""

    def __init__(self, account: Account, settlements: Settlements) -> None:
        self._account = account
        self._settlements = settlements

    def create(self, call: Call) -> Object:
        """Refund a payment; the default amount is what is left."""
        payment = self._account.payments.get(refunded_payment(call.match, call.params))
        fields.allow(call.params, _CREATE if "id" in call.match else _CREATE | {"payment_id"})
        wanted = fields.integer(call.params, "amount")
        speed = fields.choice(call.params, "speed", _SPEEDS, "normal") if "speed" in call.params else None
        receipt = fields.text(call.params, "receipt")
        notes = fields.notes(call.params)
        amount = self._checked(payment, wanted)
        self._check_receipt(payment, receipt)
        return self.make(payment, amount=amount, speed=speed, receipt=receipt, notes=notes)

    def make(
        self, payment: Object, *, amount: int, receipt: str | None, notes: object = (), speed: str | None = None
    ) -> Object:
        """Give part of a payment back."""
        account = self._account
        now = account.now()
        refund: Object = {
            "id": account.new_id("rfnd"),
            "entity": "refund",
            "amount": amount,
            "currency": payment["currency"],
            "payment_id": payment["id"],
            "notes": notes or [],
            "receipt": receipt,
            "acquirer_data": {"arn": None},
            "created_at": now,
            "batch_id": None,
            "status": "pending",
        }
        if payment["currency"] != "INR":
            paise = money.in_paise(amount, payment["currency"], seed=account.world.seed, at=now)
            refund.update(base_amount=paise, base_currency="INR")
        if speed is not None:
            instant = speed == "optimum" and amount != _NEVER_INSTANT
            refund.update(speed_processed="instant" if instant else "normal", speed_requested=speed)
        account.refunds.put(refund)
        self._move(payment, amount)
        account.effect(
            "refund",
            reference=reference_of(refund) or reference_of(account.orders.find(payment["order_id"])),
            id=refund["id"],
            amount=amount,
            currency=refund["currency"],
        )
        seconds = float(account.setting("refund_seconds", 0))
        failed = account.setting("refund_outcome", "processed") == "failed"
        outcome = "failed" if failed or now - payment["created_at"] > _HALF_A_YEAR else "processed"
        if seconds > 0:
            account.at(now + seconds, lambda _: self._finish(refund, payment, outcome))
        else:
            self._finish(refund, payment, outcome)
        return refund

    def retrieve(self, call: Call) -> Object:
        """Return one refund; by way of its payment it must be that payment's."""
        refund = self._account.refunds.get(call.match["refund"])
        if "id" in call.match and self._account.payments.get(call.match["id"])["id"] != refund["payment_id"]:
            raise no_such_id()
        return refund

    def page(self, call: Call) -> Object:
        """Return refunds, newest first: all, or those of one payment."""
        fields.allow(listing.query(call), listing.PAGING | listing.EXPAND | {"payment_id"})
        of_payment = call.match.get("id") or call.query.get("payment_id")
        if of_payment is not None:
            self._account.payments.get(of_payment)
        found = self._account.refunds.newest_first()
        return listing.page(call, [refund for refund in found if of_payment in (None, refund["payment_id"])])

    def update(self, call: Call) -> Object:
        """Put other notes on a refund: nothing else can be changed."""
        refund = self._account.refunds.get(call.match["refund"])
        refund["notes"] = fields.changed_notes(call.params)
        return refund

    def _checked(self, payment: Object, wanted: int | None) -> int:
        """Return how much is to be given back, if there is that much to give."""
        if payment["refund_status"] == "full":
            raise invalid("The payment has been fully refunded already.")
        if payment["status"] != "captured":
            raise invalid("The payment status should be captured for action to be taken.")
        left = payment["amount"] - payment["amount_refunded"]
        if wanted == 0:
            raise invalid("Amount cannot be blank.", "amount")
        amount = left if wanted is None else money.check_amount(wanted, payment["currency"])
        if amount > payment["amount"]:
            raise invalid("The refund amount provided is greater than amount captured.", "amount")
        if amount > left:
            raise invalid("The total refund amount is greater than the refund payment amount", "amount")
        balance = self._account.setting("balance", None)
        if balance is not None and in_paise(payment) * amount // payment["amount"] > int(balance):
            raise invalid("Your account does not have enough balance to carry out the refund operation.")
        return amount

    def _check_receipt(self, payment: Object, receipt: str | None) -> None:
        if receipt and any(
            refund["payment_id"] == payment["id"] and refund["receipt"] == receipt and refund["status"] != "failed"
            for refund in self._account.refunds.newest_first()
        ):
            raise invalid("Duplicate receipt found for this refund request.", "receipt")

    def _finish(self, refund: Object, payment: Object, outcome: str) -> None:
        refund["status"] = outcome
        if outcome == "failed":
            self._move(payment, -refund["amount"])
            return
        refund["acquirer_data"] = {"arn": self._account.letters(14, "0123456789")}
        self._settlements.note_refund(refund, payment, int(refund.get("base_amount") or refund["amount"]))

    @staticmethod
    def _move(payment: Object, amount: int) -> None:
        """Note on the payment how much of it went back, less what came back to us."""
        payment["amount_refunded"] += amount
        full = payment["amount_refunded"] >= payment["amount"]
        payment["status"] = "refunded" if full else "captured"
        payment["refund_status"] = "full" if full else "partial" if payment["amount_refunded"] else None


def refunded_payment(match: Mapping[str, str], params: Mapping[str, Any]) -> str:
    """Return the id of the payment a request wants refunded: from its path, or its body where the path has none."""
    return match["id"] if "id" in match else fields.needed_text(params, "payment_id")
