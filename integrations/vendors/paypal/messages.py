"""What we send to PayPal: our types in its words, checked before anything goes out."""

from __future__ import annotations

import hashlib
from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.types.base import Money
from integrations.types.payments import PaymentRequest, RefundRequest

LONGEST_KEY = 108  # of PayPal-Request-Id
LONGEST_DESCRIPTION = 127
LONGEST_NOTE = 255
WALLET = "paypal:"  # begins a payment method that is a saved wallet; any other is a saved card
# developer.paypal.com/reports/reference/supported-currencies; three of them take no decimals.
CURRENCIES = frozenset(
    [
        *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR"),
        *("NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD"),
    ]
)
_WHOLE = frozenset({"HUF", "JPY", "TWD"})


def request_id(key: str | None, step: str = "") -> str:
    """Return the id one request of a call is known by: the call's key, shortened by its hash where it is too long."""
    wanted = f"{key or ''}{step}"
    return wanted if 0 < len(wanted) <= LONGEST_KEY else hashlib.sha256(wanted.encode()).hexdigest()


def money(value: Money, field: str = "amount") -> dict[str, str]:
    """Return an amount as PayPal writes it. Raise Unsupported for a currency, InvalidInput for decimals it has not."""
    if value.currency not in CURRENCIES:
        raise Unsupported(
            f"PayPal takes no payments in {value.currency}; convert it, or use another processor.",
            field=f"{field}.currency",
        )
    if value.currency in _WHOLE:
        if value.amount != value.amount.to_integral_value():
            raise InvalidInput(f"PayPal takes {value.currency} without decimals; round it.", field=f"{field}.amount")
        return {"currency_code": value.currency, "value": f"{value.amount.to_integral_value():f}"}
    return {"currency_code": value.currency, "value": f"{value.rounded().amount:f}"}


def order(value: PaymentRequest) -> dict[str, Any]:
    """Return the body that creates an order. Raise InvalidInput or Unsupported naming the field.

    ``invoice_id`` is our reference: PayPal refuses a second payment of the same invoice, however old the first is.
    """
    unit: dict[str, Any] = {
        "reference_id": "default",
        "invoice_id": value.reference,
        "custom_id": value.reference,
        "amount": money(value.amount),
    }
    if value.description:
        unit["description"] = value.description[:LONGEST_DESCRIPTION]
    body: dict[str, Any] = {"intent": "CAPTURE" if value.capture else "AUTHORIZE", "purchase_units": [unit]}
    source = _source(value)
    if source:
        body["payment_source"] = source
    return body


def _source(value: PaymentRequest) -> dict[str, Any]:
    method = value.payment_method
    if not method:
        if not value.return_url:
            return {}
        back = {"return_url": value.return_url, "cancel_url": value.return_url, "user_action": "PAY_NOW"}
        return {"paypal": {"experience_context": back}}
    if method.startswith(WALLET):
        return {"paypal": {"vault_id": method.removeprefix(WALLET)}}
    return {"card": {"vault_id": method}}


def refund(value: RefundRequest) -> dict[str, Any]:
    """Return the body of a refund; without an amount it is all that is left. Raise as ``money`` does."""
    body: dict[str, Any] = {"custom_id": value.reference}
    if value.amount is not None:
        body["amount"] = money(value.amount)
    if value.reason:
        body["note_to_payer"] = value.reason[:LONGEST_NOTE]
    return body
