"""What happens to payments, with the buyer's help and with time, each step with its effect, balance entry and event.

    open -> paid, authorized, failed, canceled, expired (15 minutes)
    authorized -> paid, once all is captured or the rest let go; canceled when let go before; expired after 7 days
    capture: pending -> succeeded (2 seconds)         refund: pending -> processing (2 hours) -> refunded (a day more)

Settings, in seconds: ``open_seconds``, ``authorized_seconds``, ``capture_seconds``, ``refund_seconds``, ``payout_seconds``.
"""

from __future__ import annotations

from integrations.sandbox.mollie import shapes
from integrations.sandbox.mollie.account import Account, Body
from integrations.sandbox.mollie.money import REFUND_FEE, Money, fee_on
from integrations.sandbox.mollie.records import Capture, Payment, Refund, reference_in

_HOUR, _DAY = 3_600.0, 86_400.0
_FINAL = frozenset({"paid", "failed", "canceled", "expired"})
# docs.mollie.com/docs/testing: the amount chooses why a card fails that is made to fail.
FAILURES: dict[str, str] = {
    "1001.00": "invalid_card_number",
    "1002.00": "invalid_cvv",
    "1003.00": "invalid_card_holder_name",
    "1004.00": "card_expired",
    "1005.00": "invalid_card_type",
    "1006.00": "refused_by_issuer",
    "1007.00": "insufficient_funds",
    "1008.00": "inactive_card",
    "1009.00": "possible_fraud",
    "1010.00": "authentication_failed",
    "1011.00": "card_declined",
}


class Lifecycle:
    """Moves the payments of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        # Only what can still move is looked at, so that a request costs the same after weeks of a demo.
        self._moving: dict[str, Payment] = {}
        self._moving_refunds: dict[str, Refund] = {}

    def __repr__(self) -> str:
        return f"<Lifecycle {len(self._moving)} payments and {len(self._moving_refunds)} refunds under way>"

    def add(self, payment: Payment) -> Payment:
        """Keep a payment and follow it."""
        self._account.payments.put(payment.id, payment)
        self._moving[payment.id] = payment
        return payment

    def advance(self, base_url: str) -> None:
        """Bring all payments up to now, so that whoever looks sees what time has done."""
        for payment in list(self._moving.values()):
            self._advance(payment, base_url)
            if payment.status in _FINAL and all(capture.status == "succeeded" for capture in payment.captures):
                del self._moving[payment.id]
        for refund in list(self._moving_refunds.values()):
            self._advance_refund(refund, base_url)
            if refund.status in ("refunded", "canceled"):
                del self._moving_refunds[refund.id]

    def decide(self, payment: Payment, outcome: str, method: str | None, base_url: str) -> None:
        """Let the buyer of an open payment end it: ``outcome`` is paid, failed, canceled or expired."""
        chosen = payment.methods[0] if payment.methods else _usual_method(payment)
        payment.method = payment.method or method or chosen
        if outcome == "paid" and _holds(payment):
            self._authorize(payment, base_url)
        elif outcome == "paid":
            self._pay(payment, base_url)
        elif outcome in ("failed", "canceled", "expired"):
            if outcome == "failed" and payment.method == "creditcard":
                payment.failure = FAILURES.get(payment.amount.value, "unknown_reason")
            self.end(payment, outcome, self._account.now(), base_url)

    def end(self, payment: Payment, status: str, at: float, base_url: str) -> None:
        """Put a payment into a status it came to at a time, and tell of it."""
        payment.status = status
        payment.moments[status] = at
        self._tell(f"payment.{status}", shapes.payment_body(payment, base_url), payment, at, base_url)

    def capture(self, capture: Capture) -> None:
        """Begin to take money of an authorised payment."""
        self._account.captures.put(capture.id, capture)
        capture.payment.captures.append(capture)
        self._account.effect("capture", reference=capture.payment.reference, id=capture.id, amount=capture.amount)

    def release(self, payment: Payment) -> None:
        """Begin to let go of what an authorised payment still holds."""
        payment.released_at = self._account.now()
        rest = payment.amount - payment.captured
        self._account.effect("void", reference=payment.reference, id=payment.id, amount=rest)

    def refund(self, refund: Refund, base_url: str) -> None:
        """Begin to give money back."""
        self._account.refunds.put(refund.id, refund)
        self._moving_refunds[refund.id] = refund
        refund.payment.refunds.append(refund)
        reference = reference_in(refund.metadata) or refund.payment.reference
        self._account.effect("refund", reference=reference, id=refund.id, amount=refund.amount)
        self._tell_refund(refund, refund.at, base_url)

    def cancel_refund(self, refund: Refund, base_url: str) -> None:
        """Stop a refund that has not been carried out."""
        refund.status = "canceled"
        self._tell_refund(refund, self._account.now(), base_url)

    def _advance(self, payment: Payment, base_url: str) -> None:
        account, now = self._account, self._account.now()
        if payment.status == "open" and now >= payment.expires_at:
            self.end(payment, "expired", payment.expires_at, base_url)
        authorized = payment.moments.get("authorized")
        if payment.status == "authorized" and authorized is not None and payment.capture_delay is not None:
            due = authorized + payment.capture_delay
            if now >= due and not payment.captures:
                self.capture(self._whole(payment, due))
        for capture in payment.captures:
            ready = capture.at + account.seconds("capture_seconds", 2.0)
            if capture.status == "pending" and now >= ready:
                self._succeed(capture, ready, base_url)
        if payment.status == "authorized":
            self._close(payment, base_url)

    def _close(self, payment: Payment, base_url: str) -> None:
        """End an authorisation of which nothing is left, or whose time is over."""
        now, let_go = self._account.now(), payment.released_at
        if let_go is not None:
            let_go += self._account.seconds("capture_seconds", 2.0)
        if payment.taken.amount >= payment.amount.amount:
            self.end(payment, "paid", now, base_url)
        elif let_go is not None and now >= let_go:
            self.end(payment, "paid" if payment.taken.amount > 0 else "canceled", let_go, base_url)
        elif payment.capture_before is not None and now >= payment.capture_before:
            status = "paid" if payment.taken.amount > 0 else "expired"
            self.end(payment, status, payment.capture_before, base_url)

    def _advance_refund(self, refund: Refund, base_url: str) -> None:
        account, now = self._account, self._account.now()
        carried_out = refund.at + account.seconds("refund_seconds", 2 * _HOUR)
        arrived = carried_out + account.seconds("payout_seconds", _DAY)
        if refund.status == "pending" and now >= carried_out:
            refund.status = "processing"
            euros = refund.amount.in_euros()
            account.note_movement(
                "refund",
                -euros,
                -Money(REFUND_FEE, "EUR"),
                carried_out,
                paymentId=refund.payment.id,
                refundId=refund.id,
                paymentDescription=refund.payment.description,
                refundDescription=refund.description,
            )
            self._tell_refund(refund, carried_out, base_url)
        if refund.status == "processing" and now >= arrived:
            refund.status = "refunded"
            self._tell_refund(refund, arrived, base_url)

    def _pay(self, payment: Payment, base_url: str) -> None:
        now = self._account.now()
        self._account.effect("payment", reference=payment.reference, id=payment.id, amount=payment.amount)
        self._enter("payment", payment.amount, payment, now)
        self.end(payment, "paid", now, base_url)

    def _authorize(self, payment: Payment, base_url: str) -> None:
        now = self._account.now()
        payment.capture_before = now + self._account.seconds("authorized_seconds", 7 * _DAY)
        self._account.effect("payment", reference=payment.reference, id=payment.id, amount=payment.amount)
        self.end(payment, "authorized", now, base_url)

    def _succeed(self, capture: Capture, at: float, base_url: str) -> None:
        capture.status = "succeeded"
        self._enter("capture", capture.amount, capture.payment, at, captureId=capture.id)
        self._tell("capture.succeeded", shapes.capture_body(capture, base_url), capture.payment, at, base_url)

    def _enter(self, type: str, amount: Money, payment: Payment, at: float, **context: str) -> None:
        euros = amount.in_euros()
        self._account.note_movement(
            type,
            euros,
            -fee_on(euros, payment.method),
            at,
            paymentId=payment.id,
            paymentDescription=payment.description,
            **context,
        )

    def _whole(self, payment: Payment, at: float) -> Capture:
        return Capture(
            id=self._account.new_id("cpt"),
            payment=payment,
            amount=payment.amount,
            description=payment.description,
            metadata=None,
            at=at,
        )

    def _tell(self, type: str, entity: Body, payment: Payment, at: float, base_url: str) -> None:
        self._account.note_event(type, entity, payment.id, at, base_url)

    def _tell_refund(self, refund: Refund, at: float, base_url: str) -> None:
        shown = shapes.refund_body(refund, base_url)
        self._tell(f"refund.{refund.status}", shown, refund.payment, at, base_url)


def _usual_method(payment: Payment) -> str:
    """Return what the buyer takes where nothing was said: iDEAL, which knows euros alone and no holding back."""
    if _holds(payment) or payment.amount.currency != "EUR":
        return "creditcard"
    return "ideal"


def _holds(payment: Payment) -> bool:
    return payment.capture_mode == "manual" or payment.capture_delay is not None or payment.method == "klarna"
