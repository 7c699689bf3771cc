"""The endpoints of payments and their captures."""

from __future__ import annotations

import re
from typing import Any

from integrations.sandbox.mollie import fields, shapes
from integrations.sandbox.mollie.account import Account, Body, Call
from integrations.sandbox.mollie.errors import Refused, invalid, missing, no_such
from integrations.sandbox.mollie.lifecycle import Lifecycle
from integrations.sandbox.mollie.listing import page
from integrations.sandbox.mollie.money import read_money
from integrations.sandbox.mollie.records import Capture, Payment

METHODS = frozenset(
    {
        *("alma", "applepay", "bacs", "bancomatpay", "bancontact", "banktransfer", "belfius", "billie", "billink"),
        *("bizum", "blik", "creditcard", "directdebit", "eps", "giftcard", "ideal", "in3", "kbc", "klarna", "mbway"),
        *("mobilepay", "multibanco", "mybank", "paybybank", "paypal", "paysafecard", "pointofsale", "przelewy24"),
        *("riverty", "satispay", "swish", "trustly", "twint", "vipps", "voucher"),
    }
)
HOLDING = frozenset({"billie", "creditcard", "klarna", "riverty"})  # those that can authorise now and capture later
_MANUAL, _AUTOMATIC = "manual", "automatic"
_DELAY = re.compile(r"(\d+) (hour|day)s?")
_LONGEST_DELAY = 7 * 86_400.0


class Payments:
    """The payments of one account."""

    def __init__(self, account: Account, lifecycle: Lifecycle) -> None:
        self._account = account
        self._lifecycle = lifecycle

    def create(self, call: Call) -> Body:
        """Create a payment; one with a card token is paid at once, any other waits for its buyer."""
        body = call.body
        fields.allow(body, fields.CREATE)
        if call.live:
            raise Refused(422, "No suitable payment methods found")  # nothing is switched on in live mode
        amount = read_money(body)
        description = fields.text(body, "description", required=True) or ""
        if (fields.choice(body, "sequenceType", ("oneoff", "first", "recurring")) or "oneoff") != "oneoff":
            raise Refused(422, "No suitable payment methods found")  # there are no customers with mandates here
        methods = _methods(body.get("method"))
        if amount.currency != "EUR" and methods == ("ideal",):
            raise Refused(422, "The currency is not supported by the payment method", "amount.currency")
        mode = fields.choice(body, "captureMode", (_AUTOMATIC, _MANUAL))
        if mode == _MANUAL and methods and not HOLDING & set(methods):
            raise Refused(422, "The capture mode is not supported by the payment method", "captureMode")
        token = fields.text(body, "cardToken")
        if token is not None and methods != ("creditcard",):
            raise invalid("card token", "cardToken")
        delay = _delay(fields.text(body, "captureDelay"), mode)
        now = self._account.now()
        payment = Payment(
            id=self._account.new_id("tr"),
            amount=amount,
            description=description,
            redirect_url=fields.url(body, "redirectUrl", "redirect URL", required=True),
            cancel_url=fields.url(body, "cancelUrl", "cancel URL"),
            webhook_url=fields.webhook_url(body),
            metadata=fields.metadata(body),
            method=methods[0] if len(methods) == 1 else None,
            methods=methods,
            locale=fields.text(body, "locale"),
            country=fields.text(body, "restrictPaymentMethodsToCountry"),
            capture_mode=mode,
            capture_delay=delay,
            lines=_lines(body.get("lines")),
            at=now,
            expires_at=now + self._account.seconds("open_seconds", 900.0),
        )
        self._lifecycle.add(payment)
        if token is not None:
            outcome = "failed" if "invalid" in token or "declined" in token else "paid"
            self._lifecycle.decide(payment, outcome, None, call.base_url)
        return shapes.payment_body(payment, call.base_url)

    def retrieve(self, call: Call) -> Body:
        """Return one payment; ``embed`` puts its captures and refunds inside."""
        payment = self.find(call)
        body = shapes.payment_body(payment, call.base_url)
        wanted = set(call.query.get("embed", "").split(","))
        embedded: Body = {}
        if "captures" in wanted:
            embedded["captures"] = [shapes.capture_body(one, call.base_url) for one in payment.captures]
        if "refunds" in wanted:
            embedded["refunds"] = [shapes.refund_body(one, call.base_url) for one in payment.refunds]
        return {**body, "_embedded": embedded} if embedded else body

    def page(self, call: Call) -> Body:
        """Return payments, newest first."""
        found = [] if call.live else self._account.payments.newest_first()
        return page(call, "payments", found, lambda one: one.id, lambda one: shapes.payment_body(one, call.base_url))

    def update(self, call: Call) -> Body:
        """Change what the shop may change of a payment; what concerns the paying only while it is open."""
        body = call.body
        fields.allow(body, fields.UPDATE)
        payment = self.find(call)
        if payment.status != "open" and body.keys() & {"method", "locale", "dueDate", "issuer"}:
            raise Refused(422, "The payment can no longer be changed in this way")
        if "description" in body:
            payment.description = fields.text(body, "description", required=True) or ""
        if "redirectUrl" in body:
            payment.redirect_url = fields.url(body, "redirectUrl", "redirect URL", required=True)
        if "cancelUrl" in body:
            payment.cancel_url = fields.url(body, "cancelUrl", "cancel URL")
        if "webhookUrl" in body:
            payment.webhook_url = fields.webhook_url(body)
        if "metadata" in body:
            payment.metadata = fields.metadata(body)
        if "method" in body:
            payment.methods = _methods(body["method"])
            payment.method = payment.methods[0] if len(payment.methods) == 1 else None
        if "locale" in body:
            payment.locale = fields.text(body, "locale")
        return shapes.payment_body(payment, call.base_url)

    def cancel(self, call: Call) -> Body:
        """Cancel a payment, where the method lets it."""
        fields.allow(call.body, fields.NONE)
        payment = self.find(call)
        if not shapes.cancelable(payment):
            raise Refused(422, "The payment cannot be cancelled")
        self._lifecycle.end(payment, "canceled", self._account.now(), call.base_url)
        return shapes.payment_body(payment, call.base_url)

    def release(self, call: Call) -> None:
        """Let go of what an authorised payment still holds; it takes a moment."""
        fields.allow(call.body, fields.NONE)
        payment = self.find(call)
        if payment.status != "authorized" or payment.released_at is not None:
            raise Refused(422, "Authorization cannot be released because the payment is not in the authorized\nstate.")
        self._lifecycle.release(payment)

    def create_capture(self, call: Call) -> Body:
        """Capture an amount of an authorised payment, all that is left when none is named."""
        body = call.body
        fields.allow(body, fields.CAPTURE)
        payment = self.find(call)
        amount = read_money(body) if body.get("amount") is not None else None
        if amount is not None and amount.currency != payment.amount.currency:
            raise Refused(422, "The amount contains an invalid currency", "amount.currency")
        if payment.status != "authorized" or payment.released_at is not None:
            raise Refused(422, "The payment is not authorized, so it cannot be captured")
        left = payment.amount - payment.captured
        if left.amount <= 0:
            raise Refused(422, "The payment has already been captured")
        if amount is not None and amount.amount > left.amount:
            raise Refused(422, "The amount is higher than the maximum", "amount")
        capture = Capture(
            id=self._account.new_id("cpt"),
            payment=payment,
            amount=amount or left,
            description=fields.text(body, "description") or payment.description,
            metadata=fields.metadata(body),
            at=self._account.now(),
        )
        self._lifecycle.capture(capture)
        return shapes.capture_body(capture, call.base_url)

    def captures(self, call: Call) -> Body:
        """Return the captures of a payment, newest first."""
        found = list(reversed(self.find(call).captures))
        return page(call, "captures", found, lambda one: one.id, lambda one: shapes.capture_body(one, call.base_url))

    def capture(self, call: Call) -> Body:
        """Return one capture."""
        for capture in self.find(call).captures:
            if capture.id == call.match["capture_id"]:
                return shapes.capture_body(capture, call.base_url)
        raise no_such(call.match["capture_id"])

    def find(self, call: Call) -> Payment:
        """Return the payment of a request; raises ``Refused`` 404 when there is none in its mode."""
        id = call.match["id"]
        payment = None if call.live else self._account.payments.get(id)
        if payment is None:
            raise no_such(id)
        return payment


def _methods(value: Any) -> tuple[str, ...]:
    """Return the methods a buyer may choose from, () for all; the field is one name or a list."""
    if value is None:
        return ()
    names = value if isinstance(value, list) else [value]
    if not names or any(name not in METHODS for name in names):
        raise invalid("payment method", "method")
    return tuple(names)


def _delay(text: str | None, mode: str | None) -> float | None:
    """Return the seconds of ``8 hours`` or ``2 days``, at most 7 days; only automatic captures can be put off."""
    if text is None:
        return None
    found = _DELAY.fullmatch(text)
    seconds = int(found[1]) * (3_600.0 if found[2] == "hour" else 86_400.0) if found else 0.0
    if found is None or seconds > _LONGEST_DELAY or mode == _MANUAL:
        raise invalid("capture delay", "captureDelay")
    return seconds


def _lines(value: Any) -> Any:
    """Return order lines as they were sent; each must name what the contract demands."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise invalid("lines", "lines")
    for index, line in enumerate(value):
        for name in ("description", "quantity", "unitPrice", "totalAmount"):
            if not isinstance(line, dict) or name not in line:
                raise missing(f"lines.{index}.{name}")
    return value
