"""Refunds: money given back for a charge."""

from __future__ import annotations

from integrations.sandbox.stripe import form, listing, money
from integrations.sandbox.stripe.account import Account, Call, Object
from integrations.sandbox.stripe.errors import Refused, no_such

_REFUND = form.names(
    """amount charge currency customer expand instructions_email metadata origin payment_intent reason
    refund_application_fee reverse_transfer"""
)
_REFUND_LIST = listing.PAGING | {"charge", "payment_intent"}
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


class Refunds:
    """``/v1/refunds``: money given back, in parts or whole, never more than was taken."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def create(self, call: Call) -> Object:
        """Refund a charge, or the charge of a PaymentIntent; the default amount is what is left."""
        params = call.params
        form.allow(params, _REFUND)
        reason = form.choice(params, "reason", _REASONS)
        metadata = form.metadata(params)
        wanted = form.integer(params, "amount")
        charge, intent = self._subject(call)
        left = charge["amount_captured"] - charge["amount_refunded"]
        if left == 0:
            raise Refused(
                400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", stored=True
            )
        amount = left if wanted is None else wanted
        if amount < 1:
            raise Refused(
                400,
                "Refund amount must be greater than or equal to 1.",
                code="parameter_invalid_integer",
                param="amount",
            )
        if amount > left:
            raise Refused(
                400,
                f"Refund amount ({money.decimal_text(amount, charge['currency'])}) is greater than unrefunded amount on "
                f"charge ({money.decimal_text(left, charge['currency'])})",
                param="amount",
                stored=True,
            )
        return self._refund(call, charge, intent, amount=amount, reason=reason, metadata=metadata)

    def retrieve(self, call: Call) -> Object:
        """Return one refund."""
        form.allow(call.params, frozenset({"expand"}))
        refund = self._account.refunds.get(call.match["id"])
        if refund is None:
            raise no_such("refund", call.match["id"], param="refund")
        return refund

    def page(self, call: Call) -> Object:
        """Return refunds, newest first."""
        form.allow(call.params, _REFUND_LIST)
        wanted = {name: form.text(call.params, name) for name in ("charge", "payment_intent")}
        found = [
            refund
            for refund in self._account.refunds.newest_first()
            if all(value is None or refund[name] == value for name, value in wanted.items())
        ]
        return listing.page(found, call.params, url="/v1/refunds")

    def _subject(self, call: Call) -> tuple[Object, Object]:
        """Return the charge to refund and its PaymentIntent."""
        charge_id, intent_id = form.text(call.params, "charge"), form.text(call.params, "payment_intent")
        if charge_id is None and intent_id is None:
            raise Refused(
                400,
                "One of the following params should be provided for this request: payment_intent or charge.",
                code="parameter_missing",
                param="payment_intent",
            )
        if charge_id is not None:
            charge = self._account.charges.get(charge_id)
            if charge is None:
                raise no_such("charge", charge_id, param="charge", status=400)
            intent = self._account.intents.objects[charge["payment_intent"]]
            if intent_id not in (None, intent["id"]):
                raise Refused(400, "The charge does not belong to this PaymentIntent.", param="payment_intent")
        else:
            found = self._account.intents.get(intent_id or "")
            if found is None:
                raise no_such("payment_intent", intent_id or "", param="payment_intent", status=400)
            intent = found
            if intent["latest_charge"] is None:
                raise self._nothing_taken(intent)
            charge = self._account.charges.objects[intent["latest_charge"]]
        if not charge["captured"]:
            raise self._nothing_taken(intent)
        return charge, intent

    @staticmethod
    def _nothing_taken(intent: Object) -> Refused:
        return Refused(
            400,
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            stored=True,
        )

    def _refund(
        self,
        call: Call,
        charge: Object,
        intent: Object,
        *,
        amount: int,
        reason: str | None,
        metadata: dict[str, str],
    ) -> Object:
        id = self._account.new_id("re")
        refund: Object = {
            "id": id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": self._account.note_transaction(
                type="refund",
                source=id,
                amount=-amount,
                currency=charge["currency"],
                description="REFUND FOR CHARGE",
            ),
            "charge": charge["id"],
            "created": self._account.now(),
            "currency": charge["currency"],
            "metadata": metadata,
            "payment_intent": intent["id"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }
        self._account.refunds.put(refund)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._account.note_event(call, "charge.refunded", charge)
        self._account.note_event(call, "refund.created", refund)
        self._account.effect("refund", intent, id=id, amount=amount, refund=refund)
        return refund
