"""Three payments that are there when somebody asks for them by name, so that an example works on a fresh sandbox.

They are made at the first question, not at the start: lists and the balance of an account nobody touched stay empty,
and the ledger has no effect without a request.
"""

from __future__ import annotations

from integrations.sandbox.stripe.account import Account, Call
from integrations.sandbox.stripe.cards import CARDS
from integrations.sandbox.stripe.charges import Charges
from integrations.sandbox.stripe.payment_intents import PaymentIntents

AUTHORIZED = "pi_sandbox_authorized"
CAPTURED = "pi_sandbox_captured"
HELD = "pi_sandbox_held"  # authorized too: one to capture, one to let go
_REFERENCES = {AUTHORIZED: "SAMPLE-AUTHORIZED", CAPTURED: "SAMPLE-CAPTURED", HELD: "SAMPLE-HELD"}
_AMOUNT = 10_990


class Samples:
    """Makes the sample payment a call speaks of, once."""

    def __init__(self, account: Account, intents: PaymentIntents, charges: Charges) -> None:
        self._account = account
        self._intents = intents
        self._charges = charges

    def make_for(self, call: Call) -> None:
        """Make the sample the call names in its path or its ``payment_intent``, unless it is there."""
        id = call.match.get("id") or call.params.get("payment_intent")
        if id in _REFERENCES and self._account.intents.get(id) is None:
            self._make(call, id)

    def _make(self, call: Call, id: str) -> None:
        manual = id != CAPTURED
        params = {
            "amount": str(_AMOUNT),
            "currency": "usd",
            "capture_method": "manual" if manual else "automatic",
            "payment_method": "pm_card_visa",
            "description": "Sample payment",
            "metadata": {"reference": _REFERENCES[id]},
        }
        intent = self._intents.create(
            Call(
                params=params,
                match={},
                version=call.version,
                idempotency_key=None,
                request_id=call.request_id,
                base_url=call.base_url,
            )
        )
        secret = intent["client_secret"].rpartition("_secret_")[2]
        del self._account.intents.objects[intent["id"]]
        intent.update(id=id, client_secret=f"{id}_secret_{secret}")
        self._account.intents.put(intent)
        charge = self._charges.authorize(None, intent, CARDS["pm_card_visa"])
        intent["latest_charge"] = charge["id"]
        if manual:
            intent.update(status="requires_capture", amount_capturable=_AMOUNT)
        else:
            self._charges.capture(None, intent, _AMOUNT)
            intent.update(status="succeeded", amount_received=_AMOUNT)
