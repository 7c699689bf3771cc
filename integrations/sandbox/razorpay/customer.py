"""The customer's part, for tests and for people: the page of a payment link, and the checkout over an order.

The page stands at the ``short_url`` of the link. The checkout is a script in the shop's own page, so it is played by
``POST /_sandbox/razorpay/checkout`` with ``{"order_id", "pay_with", "outcome", "amount", "email", "contact"}``, all but
the first optional: it answers what the script hands the shop, the three signed fields or the error.

``pay_with`` is a test card's number, a UPI address or a bank's code; ``outcome`` is success or failure.
"""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import parse_qsl, urlencode

from integrations.sandbox.razorpay import fields, methods
from integrations.sandbox.razorpay.account import Account, Object, Terms, signature
from integrations.sandbox.razorpay.errors import Refused
from integrations.sandbox.razorpay.links import Links
from integrations.sandbox.razorpay.payments import Payments
from integrations.sandbox.twin import Answer, Ask

_USUAL = "success@razorpay"
_USUAL_ABROAD = "5555555555554444"


class Customer:
    """Whoever sits at the other browser."""

    def __init__(self, account: Account, payments: Payments, links: Links) -> None:
        self._account = account
        self._payments = payments
        self._links = links

    async def show(self, ask: Ask) -> Answer:
        """Return the page of a link."""
        self._account.catch_up()
        link = self._links.payable(ask.match["id"])
        return _page(200, _form(link)) if link is not None else _nothing()

    async def pay(self, ask: Ask) -> Answer:
        """Take the form of a link's page, and send who paid back to the shop with the proof."""
        self._account.catch_up()
        link = self._links.payable(ask.match["id"])
        if link is None:
            return _nothing()
        wishes = dict(parse_qsl(ask.body.decode("utf-8", "replace")))
        try:
            instrument = methods.named(wishes.get("pay_with") or _usual(link["currency"]))
            amount = fields.integer(wishes, "amount")
            payment = self._links.pay(link, instrument, success=_succeeds(wishes), amount=amount)
        except Refused as refused:
            return _page(400, f"<p>{html.escape(str(refused))}</p>")
        if payment["status"] == "failed":
            return _page(200, f"<p>{html.escape(payment['error_description'])}</p>{_form(link)}")
        if not link["callback_url"]:
            return _page(200, f"<p>Paid: {payment['id']}</p>")
        return Answer(status=302, headers=(("Location", self._way_back(link, payment)),))

    async def check_out(self, ask: Ask) -> Answer:
        """Pay an order in the shop's own page."""
        self._account.catch_up()
        wishes = fields.decode(ask.body)
        try:
            order = self._account.orders.get(fields.needed_text(wishes, "order_id"))
            payment = self._try(order, wishes)
        except Refused as refused:
            return Answer.json({"error": refused.error}, refused.status)
        if payment["status"] == "failed":
            return Answer.json({"error": _error(payment)})
        terms = self._account.terms.get(order["id"], Terms())
        return Answer.json(
            {
                "razorpay_payment_id": payment["id"],
                "razorpay_order_id": order["id"],
                "razorpay_signature": signature(terms.secret, order["id"], payment["id"]),
            }
        )

    def _try(self, order: Object, wishes: dict[str, Any]) -> Object:
        instrument = methods.named(fields.text(wishes, "pay_with") or _usual(order["currency"]))
        amount = fields.integer(wishes, "amount")
        payment = self._payments.begin(
            order,
            instrument,
            amount=order["amount_due"] if amount is None else amount,
            currency=order["currency"],
            email=fields.text(wishes, "email") or "buyer@example.com",
            contact=fields.text(wishes, "contact") or "+919000090000",
            notes=order["notes"],
        )
        if _succeeds(wishes) and not instrument.fails:
            self._payments.succeed(payment)
        else:
            self._payments.fail(payment, instrument.failure)
        return payment

    def _way_back(self, link: Object, payment: Object) -> str:
        parts = (link["id"], link["reference_id"], link["status"], payment["id"])
        proof = {
            "razorpay_payment_id": payment["id"],
            "razorpay_payment_link_id": link["id"],
            "razorpay_payment_link_reference_id": link["reference_id"],
            "razorpay_payment_link_status": link["status"],
            "razorpay_signature": signature(self._links.secret(link), *parts),
        }
        joint = "&" if "?" in link["callback_url"] else "?"
        return f"{link['callback_url']}{joint}{urlencode(proof)}"


def _usual(currency: str) -> str:
    return _USUAL if currency == "INR" else _USUAL_ABROAD


def _succeeds(wishes: dict[str, Any]) -> bool:
    return str(wishes.get("outcome", "success")) == "success"


def _error(payment: Object) -> Object:
    told = {name: payment[f"error_{name}"] for name in ("code", "description", "source", "step", "reason")}
    return {**told, "metadata": {"payment_id": payment["id"], "order_id": payment["order_id"]}}


def _form(link: Object) -> str:
    about = html.escape(f"{link['currency']} {link['amount']} (minor units): {link['description']}")
    buttons = "".join(f'<button name="outcome" value="{one}">{one}</button>' for one in ("success", "failure"))
    return f'<p>{about}</p><form method="post"><input name="pay_with" placeholder="{_USUAL}">{buttons}</form>'


def _nothing() -> Answer:
    return _page(404, "<p>This payment link is not open.</p>")


def _page(status: int, body: str) -> Answer:
    document = f"<!doctype html><meta charset=utf-8><title>Razorpay test mode</title>{body}"
    return Answer(status=status, headers=(("Content-Type", "text/html; charset=utf-8"),), body=document.encode())
