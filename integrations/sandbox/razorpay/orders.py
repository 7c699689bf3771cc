"""Orders: what a customer is to pay, made by the server before anybody pays. Without idempotency of any kind.

The same ``receipt`` makes a second order unless the request says ``unique_receipt``, which returns the first one again,
or the account refuses it (setting ``unique_receipts``).
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.razorpay import fields, listing, money
from integrations.sandbox.razorpay.account import Account, Call, Object, Terms
from integrations.sandbox.razorpay.errors import invalid, no_such_id
from integrations.sandbox.razorpay.payments import Payments, expanded

_CREATE = fields.names(
    """amount currency receipt notes partial_payment first_payment_min_amount payment_capture payment customer_id method
    token unique_receipt bank_account discount force_offer offer_id offers products checkout_config_id app_offer
    customer_details line_items_total transfers tax_invoice"""
)
_LIST = listing.PAGING | listing.EXPAND | {"authorized", "receipt"}
MANUAL_EXPIRY_MINUTES = 7_200


class Orders:
    """``/v1/orders``: what is to be paid, and the payments that tried."""

    def __init__(self, account: Account, payments: Payments) -> None:
        self._account = account
        self._payments = payments
        self._first: dict[str, Object] = {}  # receipt -> the first order that had it

    def create(self, call: Call) -> Object:
        """Make an order, or return the one that has the receipt where the request wants receipts unique."""
        params = call.params
        fields.allow(params, _CREATE)
        amount = fields.needed(params, "amount")
        currency = fields.needed_text(params, "currency")
        money.check_currency(currency, international=bool(self._account.setting("international", True)))
        money.check_amount(amount, currency)
        receipt = fields.text(params, "receipt", longest=40)
        notes = fields.notes(params)
        partial = fields.flag(params, "partial_payment")
        if params.get("customer_id"):
            raise no_such_id()  # this account knows its customers by nothing but what they pay
        first = fields.integer(params, "first_payment_min_amount")
        if first is not None and not (partial and 0 < first <= amount):
            raise invalid("The first payment min amount is invalid.", "first_payment_min_amount")
        terms = self._terms(params, partial, call.secret)
        same = self._first.get(receipt or "")
        if same is not None and fields.flag(params, "unique_receipt"):
            return same
        if same is not None and self._account.setting("unique_receipts", False):
            raise invalid("Order receipt should be unique.", "receipt", order_id=same["id"])
        order = self.make(amount=amount, currency=currency, receipt=receipt, notes=notes, terms=terms)
        if first is not None:
            order["first_payment_min_amount"] = first
        self._account.effect("order", reference=receipt or "", id=order["id"], amount=amount, currency=currency)
        return order

    def make(
        self, *, amount: int, currency: str, receipt: str | None, notes: object, terms: Terms, id: str | None = None
    ) -> Object:
        """Keep a new order, whoever asked for it."""
        order: Object = {
            "id": id or self._account.new_id("order"),
            "entity": "order",
            "amount": amount,
            "amount_paid": 0,
            "amount_due": amount,
            "currency": currency,
            "receipt": receipt,
            "offer_id": None,
            "status": "created",
            "attempts": 0,
            "notes": notes,
            "created_at": self._account.now(),
        }
        self._account.orders.put(order)
        self._account.terms[order["id"]] = terms
        if receipt:
            self._first.setdefault(receipt, order)
        return order

    def retrieve(self, call: Call) -> Object:
        """Return one order."""
        order = self._account.orders.get(call.match["id"])
        return self._with_payments(order, listing.expansions(call))

    def page(self, call: Call) -> Object:
        """Return orders, newest first: all, those with a receipt, those (not) paid or authorized by now."""
        fields.allow(listing.query(call), _LIST)
        asked = listing.query(call)
        receipt, authorized = fields.text(asked, "receipt"), fields.integer(asked, "authorized")
        if authorized not in (None, 0, 1):
            raise invalid("The selected authorized is invalid.", "authorized")
        found = [
            order
            for order in self._account.orders.newest_first()
            if (receipt is None or order["receipt"] == receipt)
            and (authorized is None or self._payments.is_taken(order) == bool(authorized))
        ]
        expansions = listing.expansions(call)
        answer = listing.page(call, found)
        answer["items"] = [self._with_payments(order, expansions) for order in answer["items"]]
        return answer

    def update(self, call: Call) -> Object:
        """Put other notes on an order: nothing else can be changed."""
        order = self._account.orders.get(call.match["id"])
        order["notes"] = fields.changed_notes(call.params)
        return order

    def payments(self, call: Call) -> Object:
        """Return all payments that tried to pay the order, failed ones too, newest first and on one page."""
        order = self._account.orders.get(call.match["id"])
        expansions = listing.expansions(call)
        return listing.collection(
            [expanded(self._account, payment, expansions) for payment in self._payments.of_order(order)]
        )

    def _with_payments(self, order: Object, expansions: frozenset[str]) -> Object:
        answer = dict(order)
        if expansions & {"payments", "payments.card"}:
            inside = frozenset({"card"}) if "payments.card" in expansions else frozenset()
            found = [expanded(self._account, payment, inside) for payment in self._payments.of_order(order)]
            answer["payments"] = listing.collection(found)
        return answer

    @staticmethod
    def _terms(params: dict[str, Any], partial: bool, secret: str) -> Terms:
        payment = fields.nested(params, "payment")
        options = fields.nested(payment, "capture_options")
        minutes = fields.integer(options, "manual_expiry_period")
        if minutes is not None and not 0 < minutes <= MANUAL_EXPIRY_MINUTES:
            raise invalid("The manual expiry period is invalid.", "manual_expiry_period")
        if "capture" in payment:
            how = fields.choice(payment, "capture", ("automatic", "manual"), "manual")
            automatic: bool | None = how == "automatic"
        else:
            automatic = fields.flag(params, "payment_capture") if "payment_capture" in params else None
        seconds = 60 * (minutes or MANUAL_EXPIRY_MINUTES)
        return Terms(automatic=automatic, seconds=seconds, partial=partial, secret=secret)
