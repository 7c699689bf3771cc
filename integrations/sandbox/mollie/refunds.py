"""The endpoints of refunds.

Two that are alike within a short time are taken for a mistake, a 409, unless they come under one key. A refund is
pending for two hours, in which it can be cancelled; with the setting ``balance_short`` it is queued and stays so.
"""

from __future__ import annotations

from integrations.sandbox.mollie import fields, shapes
from integrations.sandbox.mollie.account import Account, Body, Call
from integrations.sandbox.mollie.errors import Refused, no_such
from integrations.sandbox.mollie.lifecycle import Lifecycle
from integrations.sandbox.mollie.listing import page
from integrations.sandbox.mollie.money import read_money
from integrations.sandbox.mollie.payments import Payments
from integrations.sandbox.mollie.records import Refund

_SHORT = 60.0  # seconds; Mollie does not say how short "short succession" is


class Refunds:
    """The refunds of one account."""

    def __init__(self, account: Account, lifecycle: Lifecycle, payments: Payments) -> None:
        self._account = account
        self._lifecycle = lifecycle
        self._payments = payments

    def create(self, call: Call) -> Body:
        """Give back an amount of what was taken."""
        body, now = call.body, self._account.now()
        fields.allow(body, fields.REFUND)
        payment = self._payments.find(call)
        amount = read_money(body)
        if amount.currency != payment.amount.currency:
            raise Refused(422, "The amount contains an invalid currency", "amount.currency")
        description, metadata = fields.text(body, "description") or payment.description, fields.metadata(body)
        if payment.taken.amount <= 0:
            raise Refused(422, "The payment is not paid, so it cannot be refunded")
        left = payment.taken - payment.refunded
        if left.amount <= 0:
            raise Refused(422, "The payment has already been refunded")
        short = self._account.seconds("duplicate_seconds", _SHORT)
        for other in payment.refunds:
            alike = (other.amount, other.description, other.metadata) == (amount, description, metadata)
            if alike and other.status != "canceled" and now < other.at + short:
                raise Refused(409, "A duplicate refund has been detected")
        if amount.amount > left.amount:
            raise Refused(422, "The amount is higher than the maximum", "amount")
        refund = Refund(
            id=self._account.new_id("re", 10),
            payment=payment,
            amount=amount,
            description=description,
            metadata=metadata,
            at=now,
            status="queued" if self._account.setting("balance_short", False) else "pending",
        )
        self._lifecycle.refund(refund, call.base_url)
        return shapes.refund_body(refund, call.base_url)

    def page(self, call: Call) -> Body:
        """Return all refunds, newest first."""
        return self._page(call, [] if call.live else self._account.refunds.newest_first())

    def of_payment(self, call: Call) -> Body:
        """Return the refunds of a payment, newest first."""
        return self._page(call, list(reversed(self._payments.find(call).refunds)))

    def retrieve(self, call: Call) -> Body:
        """Return one refund."""
        return shapes.refund_body(self._find(call), call.base_url)

    def cancel(self, call: Call) -> None:
        """Stop a refund that is queued or pending."""
        fields.allow(call.body, fields.NONE)
        refund = self._find(call)
        if refund.status not in ("queued", "pending"):
            raise Refused(422, "The refund can no longer be canceled")
        self._lifecycle.cancel_refund(refund, call.base_url)

    def _find(self, call: Call) -> Refund:
        for refund in self._payments.find(call).refunds:
            if refund.id == call.match["refund_id"]:
                return refund
        raise no_such(call.match["refund_id"])

    def _page(self, call: Call, found: list[Refund]) -> Body:
        return page(call, "refunds", found, lambda one: one.id, lambda one: shapes.refund_body(one, call.base_url))
