"""Charges: one attempt to move a PaymentIntent's money."""

from __future__ import annotations

from integrations.sandbox.stripe import form, listing
from integrations.sandbox.stripe.account import Account, Call, Object
from integrations.sandbox.stripe.cards import Card, details, outcome
from integrations.sandbox.stripe.errors import no_such

_LIST = listing.PAGING | {"customer", "payment_intent"}


class Charges:
    """What happens to the money of a PaymentIntent, and ``/v1/charges``."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def authorize(self, call: Call | None, intent: Object, card: Card) -> Object:
        """Return a new charge that holds the amount and has taken nothing yet."""
        return self._account.charges.put(self._charge(intent, card, paid=True))

    def fail(self, call: Call, intent: Object, card: Card) -> Object:
        """Return a new charge that the bank declined."""
        charge = self._account.charges.put(self._charge(intent, card, paid=False))
        self._account.note_event(call, "charge.failed", charge)
        return charge

    def capture(self, call: Call | None, intent: Object, amount: int) -> None:
        """Take ``amount`` of the authorised charge and book it."""
        charge = self._account.charges.objects[intent["latest_charge"]]
        charge["captured"] = True
        charge["amount_captured"] = amount
        charge["balance_transaction"] = self._account.note_transaction(
            type="charge",
            source=charge["id"],
            amount=amount,
            currency=charge["currency"],
            description=charge["description"],
        )
        manual = intent["capture_method"] == "manual"
        self._account.note_event(call, "charge.captured" if manual else "charge.succeeded", charge)

    def release(self, id: str) -> None:
        """Let an authorised amount go: the charge counts as refunded in full."""
        charge = self._account.charges.objects[id]
        charge["refunded"] = True
        charge["amount_refunded"] = charge["amount"]

    def retrieve(self, call: Call) -> Object:
        """Return one charge."""
        form.allow(call.params, frozenset({"expand"}))
        charge = self._account.charges.get(call.match["id"])
        if charge is None:
            raise no_such("charge", call.match["id"], param="id")
        return charge

    def page(self, call: Call) -> Object:
        """Return charges, newest first."""
        form.allow(call.params, _LIST)
        intent = form.text(call.params, "payment_intent")
        found = [
            charge
            for charge in self._account.charges.newest_first()
            if intent is None or charge["payment_intent"] == intent
        ]
        return listing.page(found, call.params, url="/v1/charges")

    def _charge(self, intent: Object, card: Card, *, paid: bool) -> Object:
        return {
            "id": self._account.new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": {
                "address": {
                    "city": None,
                    "country": None,
                    "line1": None,
                    "line2": None,
                    "postal_code": None,
                    "state": None,
                },
                "email": None,
                "name": None,
                "phone": None,
            },
            "calculated_statement_descriptor": "QUAYSIDE SANDBOX",
            "captured": False,
            "created": self._account.now(),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None if paid else card.code,
            "failure_message": None if paid else card.message,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": outcome(card),
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": intent["payment_method"],
            "payment_method_details": details(card),
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": intent["shipping"],
            "source_transfer": None,
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "succeeded" if paid else "failed",
            "transfer_data": None,
            "transfer_group": intent["transfer_group"],
        }
