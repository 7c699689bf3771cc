"""The test mode's checkout, where the buyer's part is played: which status the payment comes to, and by which method."""

from __future__ import annotations

import html
from urllib.parse import parse_qsl

from integrations.sandbox.mollie.account import Account
from integrations.sandbox.mollie.lifecycle import Lifecycle
from integrations.sandbox.mollie.payments import METHODS
from integrations.sandbox.mollie.records import Payment
from integrations.sandbox.twin import Answer, Ask

_CHOICES = (
    ("paid", "Paid"),
    ("failed", "Failed"),
    ("canceled", "Canceled"),
    ("expired", "Expired"),
    ("open", "Leave it open and return to the shop"),
)


class CheckoutPage:
    """Shows an open payment to its buyer and takes the decision (form fields ``final_state`` and ``method``)."""

    def __init__(self, account: Account, lifecycle: Lifecycle) -> None:
        self._account = account
        self._lifecycle = lifecycle

    async def show(self, ask: Ask) -> Answer:
        """Return the page of a payment."""
        payment = self._waiting(ask)
        if payment is None:
            return _page(404, "<p>There is nothing to pay here.</p>")
        return _page(200, _form(payment))

    async def decide(self, ask: Ask) -> Answer:
        """Take the decision and send the buyer back to the shop; a cancelling one to ``cancelUrl``."""
        payment = self._waiting(ask)
        if payment is None:
            return _page(404, "<p>There is nothing to pay here.</p>")
        wishes = dict(parse_qsl(ask.body.decode("utf-8", "replace")))
        outcome, method = wishes.get("final_state", "open"), wishes.get("method")
        self._lifecycle.decide(payment, outcome, method if method in METHODS else None, ask.base_url)
        where = payment.cancel_url if outcome == "canceled" and payment.cancel_url else payment.redirect_url
        return Answer(status=303, headers=(("Location", where or "/"),))

    def _waiting(self, ask: Ask) -> Payment | None:
        self._lifecycle.advance(ask.base_url)
        payment = self._account.payments.get(f"tr_{ask.match['token']}")
        return payment if payment is not None and payment.status == "open" else None


def _form(payment: Payment) -> str:
    buttons = "".join(f'<button name="final_state" value="{value}">{label}</button>' for value, label in _CHOICES)
    about = html.escape(f"{payment.amount}: {payment.description}")
    return f'<p>{about}</p><form method="post">{buttons}</form>'


def _page(status: int, body: str) -> Answer:
    document = f"<!doctype html><meta charset=utf-8><title>Mollie test mode</title>{body}"
    return Answer(status=status, headers=(("Content-Type", "text/html; charset=utf-8"),), body=document.encode())
