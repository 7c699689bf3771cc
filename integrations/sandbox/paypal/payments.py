"""Payments v2: authorisations and captures are read, captured, authorised anew, voided and refunded.

A capture may go over what is held by 15 % in all. Partial captures leave the authorisation open until the sum is reached
or one says that it is the last. An authorisation cannot be captured once it has ended, 29 days after it was made.
"""

from __future__ import annotations

from decimal import Decimal

from integrations.sandbox.paypal import shapes
from integrations.sandbox.paypal.account import Account, Call
from integrations.sandbox.paypal.errors import no_such, unprocessable
from integrations.sandbox.paypal.funds import Funds
from integrations.sandbox.paypal.money import Money, read_money
from integrations.sandbox.paypal.records import Authorization, Capture
from integrations.sandbox.paypal.request_ids import View

_OVER = Decimal("1.15")
_REFUNDABLE_FOR = 180 * 86_400.0  # PayPal gives money back for 180 days


class Payments:
    """What was held and taken on one account."""

    def __init__(self, account: Account, funds: Funds) -> None:
        self._account = account
        self._funds = funds

    def authorization(self, call: Call) -> View:
        """Return an authorisation."""
        found = self._authorization(call)
        return lambda base_url, _full: shapes.authorization_body(found, base_url, True)

    def capture_details(self, call: Call) -> View:
        """Return a capture."""
        found = self._capture(call)
        return lambda base_url, _full: shapes.capture_body(found, base_url, True)

    def refund_details(self, call: Call) -> View:
        """Return a refund."""
        found = self._account.refunds.get(call.id)
        if found is None:
            raise no_such("refund_id", call.id)
        return lambda base_url, _full: shapes.refund_body(found, base_url, True)

    def capture(self, call: Call) -> View:
        """Take all or a part of what an authorisation holds."""
        held = self._authorization(call)
        amount = self._amount(call, held.amount, "AUTH_CAPTURE_CURRENCY_MISMATCH")
        invoice_id = call.body.text("invoice_id", high=127)
        call.body.text("note_to_payer", high=255)
        call.body.text("soft_descriptor", high=22)
        final = call.body.flag("final_capture")
        self._check_open(held)
        left = held.amount - held.captured
        wanted = amount or left
        if held.captured.amount + wanted.amount > held.amount.amount * _OVER:
            raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "/amount/value", wanted.value)
        self._funds.check_wallet(call, held.order)
        self._account.claim_invoice(held.order, invoice_id)
        made = self._funds.take(
            call,
            held.order,
            held.unit,
            kind="capture",
            authorization=held,
            amount=wanted,
            final=final,
            invoice_id=invoice_id,
        )
        return lambda base_url, full: shapes.capture_body(made, base_url, full)

    def reauthorize(self, call: Call) -> View:
        """Hold the money for another while under a new id; only a wallet's first authorisation can be renewed."""
        held = self._authorization(call)
        amount = self._amount(call, held.amount, "AUTH_CURRENCY_MISMATCH")
        if held.parent is not None or held.order.paid_by == "card":
            raise unprocessable("REAUTHORIZATION_NOT_SUPPORTED")
        if held.status == "VOIDED":
            raise unprocessable("AUTHORIZATION_VOIDED")
        if held.closed:
            raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED")
        made = self._funds.hold(call, held.order, held.unit, amount=amount or held.amount, parent=held)
        return lambda base_url, full: shapes.authorization_body(made, base_url, full)

    def void(self, call: Call) -> View:
        """Let go of what an authorisation holds; not after a capture, not twice, not by a reauthorisation."""
        held = self._authorization(call)
        if held.parent is not None:
            raise unprocessable("CANNOT_BE_VOIDED")
        if held.status == "VOIDED":
            raise unprocessable("PREVIOUSLY_VOIDED")
        if held.closed:
            raise unprocessable("PREVIOUSLY_CAPTURED")
        held.status, held.updated = "VOIDED", self._account.now()
        self._account.effect("void", held.order, id=held.id, amount=held.amount - held.captured)
        shown = shapes.authorization_body(held, call.base_url, True)
        text = "A payment authorization was voided"
        self._account.note_event("PAYMENT.AUTHORIZATION.VOIDED", shown, text, call.base_url)
        return lambda base_url, full: shapes.authorization_body(held, base_url, full)

    def refund(self, call: Call) -> View:
        """Give back an amount of a capture, all that is left when none is named."""
        capture = self._capture(call)
        amount = self._amount(call, capture.amount, "REFUND_CAPTURE_CURRENCY_MISMATCH")
        invoice_id, custom_id = call.body.text("invoice_id", high=127), call.body.text("custom_id", high=127)
        if capture.status == "PENDING":
            raise unprocessable("PENDING_CAPTURE")
        if capture.status == "DECLINED":
            raise unprocessable("REFUND_NOT_ALLOWED")
        left = capture.amount - capture.refunded
        if left.amount <= 0:
            raise unprocessable("CAPTURE_FULLY_REFUNDED")
        if amount is not None and amount.amount > left.amount:
            raise unprocessable("REFUND_AMOUNT_EXCEEDED", "/amount/value", amount.value)
        if self._account.now() > capture.at + _REFUNDABLE_FOR:
            raise unprocessable("REFUND_TIME_LIMIT_EXCEEDED")
        self._account.claim_refund_invoice(invoice_id)
        made = self._funds.give_back(call, capture, amount or left, invoice_id=invoice_id, custom_id=custom_id)
        return lambda base_url, full: shapes.refund_body(made, base_url, full)

    def _check_open(self, held: Authorization) -> None:
        """Raise ``Refused`` 422 unless something can be taken."""
        if "VOIDED" in (held.status, held.parent.status if held.parent else ""):
            raise unprocessable("AUTHORIZATION_VOIDED")
        if held.status == "DENIED":
            raise unprocessable("AUTHORIZATION_DENIED")
        if held.closed:
            raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED")
        if self._account.now() >= held.expires_at:
            raise unprocessable("AUTHORIZATION_EXPIRED")

    def _amount(self, call: Call, of: Money, mismatch: str) -> Money | None:
        reader = call.body.object("amount")
        if reader is None:
            return None
        amount = read_money(reader)
        if amount.currency != of.currency:
            raise unprocessable(mismatch, "/amount/currency_code", amount.currency)
        return amount

    def _authorization(self, call: Call) -> Authorization:
        found = self._account.authorizations.get(call.id)
        if found is None:
            raise no_such("authorization_id", call.id)
        return found

    def _capture(self, call: Call) -> Capture:
        found = self._account.captures.get(call.id)
        if found is None:
            raise no_such("capture_id", call.id)
        return found
