"""The page on PayPal's site where the buyer agrees to pay, or does not."""

from __future__ import annotations

import html
from urllib.parse import parse_qsl

from integrations.sandbox.paypal.orders import Orders
from integrations.sandbox.paypal.records import Order
from integrations.sandbox.twin import Answer, Ask

_CHOICES = (
    ("approve", "Pay with balance"),
    ("refused", "Pay with a card that will be declined"),
    ("echeck", "Pay by e-check"),
    ("cancel", "Cancel and return to the shop"),
)


class CheckoutPage:
    """Shows an order to its buyer and takes the decision (form field ``outcome``)."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def show(self, ask: Ask) -> Answer:
        """Return the page of the order named by ``token``."""
        order = self._orders.waiting(ask.query.get("token", ""))
        if order is None:
            return _page(404, "<p>There is nothing to pay here.</p>")
        return _page(200, _form(order))

    async def decide(self, ask: Ask) -> Answer:
        """Take the decision and send the buyer back to the shop where it gave an address."""
        order = self._orders.waiting(ask.query.get("token", ""))
        if order is None:
            return _page(404, "<p>There is nothing to pay here.</p>")
        outcome = dict(parse_qsl(ask.body.decode("utf-8", "replace"))).get("outcome", "cancel")
        where = self._orders.decide(order, outcome, ask.base_url)
        if where is None:
            return _page(200, "<p>Done. You can close this page.</p>")
        return Answer(status=303, headers=(("Location", where),))


def _form(order: Order) -> str:
    buttons = "".join(f'<button name="outcome" value="{value}">{label}</button>' for value, label in _CHOICES)
    return f'<p>Pay {html.escape(str(order.amount))}?</p><form method="post">{buttons}</form>'


def _page(status: int, body: str) -> Answer:
    document = f"<!doctype html><meta charset=utf-8><title>PayPal sandbox</title>{body}"
    return Answer(status=status, headers=(("Content-Type", "text/html; charset=utf-8"),), body=document.encode())
