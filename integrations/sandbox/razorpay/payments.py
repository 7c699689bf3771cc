"""Payments: what a customer did about an order, from the first click to the capture.

created → authorized → captured → refunded; created → failed. Authorized and not captured in time goes back to the
customer by itself. Nothing here is idempotent: a second capture is a 400.
"""

from __future__ import annotations

from integrations.sandbox.razorpay import fields, listing, money
from integrations.sandbox.razorpay.account import Account, Call, Object, Terms, reference_of
from integrations.sandbox.razorpay.errors import Refused, invalid
from integrations.sandbox.razorpay.methods import Failure, Instrument
from integrations.sandbox.razorpay.settlements import Settlements

_LIST = listing.PAGING | listing.EXPAND
_CAPTURE = fields.names("amount currency")
_TAKEN = ("authorized", "captured", "refunded")


class Payments:
    """``/v1/payments``: reading and capturing, and what the pages and the servers of customers do to them."""

    def __init__(self, account: Account, settlements: Settlements) -> None:
        self._account = account
        self._settlements = settlements

    def retrieve(self, call: Call) -> Object:
        """Return one payment."""
        payment = self._account.payments.get(call.match["id"])
        return expanded(self._account, payment, listing.expansions(call))

    def page(self, call: Call) -> Object:
        """Return payments of all states, newest first."""
        fields.allow(listing.query(call), _LIST)
        answer = listing.page(call, self._account.payments.newest_first())
        expansions = listing.expansions(call)
        answer["items"] = [expanded(self._account, payment, expansions) for payment in answer["items"]]
        return answer

    def update(self, call: Call) -> Object:
        """Put other notes on a payment: nothing else can be changed."""
        payment = self._account.payments.get(call.match["id"])
        payment["notes"] = fields.changed_notes(call.params)
        return payment

    def card(self, call: Call) -> Object:
        """Return the card a payment was made with."""
        payment = self._account.payments.get(call.match["id"])
        if payment["id"] not in self._account.cards:
            raise invalid("The payment was not made with a card.")
        return self._account.cards[payment["id"]]

    def capture(self, call: Call) -> Object:
        """Capture an authorized payment: all of it, in its own currency."""
        payment = self._account.payments.get(call.match["id"])
        fields.allow(call.params, _CAPTURE)
        amount = fields.needed(call.params, "amount")
        currency = fields.needed_text(call.params, "currency")
        if payment["captured"]:
            raise invalid("This payment has already been captured")
        if payment["status"] != "authorized":
            raise invalid("Only payments which have been authorized and not yet captured can be captured")
        if currency != payment["currency"]:
            raise invalid("Capture currency must be equal to the currency authorized", "currency")
        if amount != payment["amount"]:
            raise invalid("Capture amount must be equal to the amount authorized", "amount")
        self._take(payment)
        self._effect("capture", payment)
        return payment

    # What customers do

    def of_order(self, order: Object) -> list[Object]:
        """Return the payments that tried to pay an order, newest first."""
        found = (self._account.payments.find(id) for id in reversed(self._tried(order)))
        return [payment for payment in found if payment is not None]

    def is_taken(self, order: Object) -> bool:
        """Say whether a payment of the order was authorized."""
        return any(payment["status"] in _TAKEN for payment in self.of_order(order))

    def begin(
        self,
        order: Object,
        instrument: Instrument,
        *,
        amount: int,
        currency: str,
        email: str,
        contact: str,
        description: str | None = None,
        notes: object = (),
        id: str | None = None,
    ) -> Object:
        """Make a payment in the state ``created``; raises ``Refused`` when the order is not to be paid, or not so."""
        terms = self._account.terms.get(order["id"], Terms())
        if order["status"] == "paid" or (self.is_taken(order) and not terms.partial):
            raise invalid(
                "Your payment has been declined as the order is already paid. Please initiate the payment with a new "
                "order."
            )
        wrong_part = amount > order["amount_due"] if terms.partial else amount != order["amount_due"]
        if currency != order["currency"] or wrong_part:
            raise invalid(
                "Your payment amount is different from your order amount. To pay successfully, please try using right "
                "amount."
            )
        if instrument.method != "card" and currency != "INR":
            raise invalid("Payments in foreign currencies are supported by cards only", "currency")
        payment = self._new(order, instrument, amount, currency)
        payment.update(email=email, contact=contact, description=description, notes=notes or [])
        if id is not None:
            payment["id"] = id
        self._account.payments.put(payment)
        if instrument.card is not None:
            self._account.cards[payment["id"]] = {"id": payment["card_id"], **instrument.card}
        self._tried(order).append(payment["id"])
        order["attempts"] += 1
        if order["status"] == "created":
            order["status"] = "attempted"
        return payment

    def succeed(self, payment: Object) -> None:
        """Authorize a payment, and capture it where its order or the account says so."""
        payment["status"] = "authorized"
        payment["acquirer_data"] = self._acquirer(payment["method"])
        self._effect("payment", payment)
        terms = self._account.terms.get(payment["order_id"], Terms())
        automatic = terms.automatic
        if automatic is None:
            automatic = bool(self._account.setting("auto_capture", False))
        if automatic:
            self._take(payment)
        else:
            self._account.at(payment["created_at"] + terms.seconds, lambda moment: self._let_go(payment, int(moment)))

    def fail(self, payment: Object, failure: Failure) -> None:
        """Let a payment fail; the order can be tried again."""
        payment.update(
            status="failed",
            error_code=failure.code,
            error_description=failure.description,
            error_source=failure.source,
            error_step=failure.step,
            error_reason=failure.reason,
        )

    def _new(self, order: Object, instrument: Instrument, amount: int, currency: str) -> Object:
        account = self._account
        payment: Object = {
            "id": account.new_id("pay"),
            "entity": "payment",
            "amount": amount,
            "currency": currency,
            "status": "created",
            "order_id": order["id"],
            "invoice_id": None,
            "international": instrument.international,
            "method": instrument.method,
            "amount_refunded": 0,
            "refund_status": None,
            "captured": False,
            "description": None,
            "card_id": None,
            "bank": instrument.bank,
            "wallet": instrument.wallet,
            "vpa": instrument.vpa,
            "email": "",
            "contact": "",
            "notes": [],
            "fee": None,
            "tax": None,
            "error_code": None,
            "error_description": None,
            "error_source": None,
            "error_step": None,
            "error_reason": None,
            "acquirer_data": dict.fromkeys(_ACQUIRER[instrument.method]),
            "created_at": account.now(),
        }
        if currency != "INR":
            paise = money.in_paise(amount, currency, seed=account.world.seed, at=account.now())
            payment.update(base_amount=paise, base_currency="INR")
        if instrument.card is not None:
            payment["card_id"] = account.new_id("card")
        if instrument.vpa is not None:
            payment["upi"] = {"vpa": instrument.vpa}
        return payment

    def _take(self, payment: Object) -> None:
        """Capture: the fee is known from here on, and the order has its money."""
        paise = in_paise(payment)
        fee, tax = money.fee_on(paise, international=payment["international"] or "base_amount" in payment)
        payment.update(status="captured", captured=True, fee=fee, tax=tax)
        order = self._account.orders.find(payment["order_id"])
        if order is not None:
            order["amount_paid"] += payment["amount"]
            order["amount_due"] -= payment["amount"]
            if order["amount_due"] <= 0:
                order["status"] = "paid"
        self._settlements.note_payment(payment, paise)

    def _let_go(self, payment: Object, moment: int) -> None:
        """Give an authorized payment back that nobody captured in time; no money of the shop's moves."""
        if payment["status"] != "authorized":
            return
        payment.update(status="refunded", amount_refunded=payment["amount"], refund_status="full")
        self._account.refunds.put(
            {
                "id": self._account.new_id("rfnd"),
                "entity": "refund",
                "amount": payment["amount"],
                "currency": payment["currency"],
                "payment_id": payment["id"],
                "notes": [],
                "receipt": None,
                "acquirer_data": {"arn": None},
                "created_at": moment,
                "batch_id": None,
                "status": "processed",
            }
        )

    def _tried(self, order: Object) -> list[str]:
        return self._account.tried.setdefault(order["id"], [])

    def _acquirer(self, method: str) -> Object:
        return {
            name: self._account.letters(6 if name == "auth_code" else 12, "0123456789") for name in _ACQUIRER[method]
        }

    def _effect(self, kind: str, payment: Object) -> None:
        order = self._account.orders.find(payment["order_id"])
        self._account.effect(
            kind,
            reference=reference_of(order) or reference_of(payment),
            id=payment["id"],
            amount=payment["amount"],
            currency=payment["currency"],
        )


_ACQUIRER = {
    "card": ("auth_code",),
    "upi": ("rrn", "upi_transaction_id"),
    "netbanking": ("bank_transaction_id",),
    "wallet": ("transaction_id",),
}


def in_paise(payment: Object) -> int:
    """Return what a payment is worth to the account."""
    return int(payment.get("base_amount") or payment["amount"])


def expanded(account: Account, payment: Object, expansions: frozenset[str]) -> Object:
    """Return a payment with what the caller wants to see inside."""
    inside = dict(payment)
    if "card" in expansions and payment["id"] in account.cards:
        inside["card"] = account.cards[payment["id"]]
    if expansions & {"refunds", "refund"}:
        of_it = [refund for refund in account.refunds.newest_first() if refund["payment_id"] == payment["id"]]
        inside["refunds"] = listing.collection(of_it)
    return inside


def still_running() -> Refused:
    """Return the refusal of a capture or refund while another is working on the same payment."""
    return invalid("Request failed because another payment operation is in progress.")
