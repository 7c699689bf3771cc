"""What we send to Mollie: our types in its words, checked before anything goes out."""

from __future__ import annotations

from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.types.base import Money, minor_units
from integrations.types.payments import PaymentRequest

CARD_TOKEN = "tkn_"  # noqa: S105 - how the token of a card begins; any other payment method is a method's name
LONGEST_DESCRIPTION = 255
# docs.mollie.com/docs/multicurrency; which method takes which is for the account to know.
CURRENCIES = frozenset(
    [
        *("AED", "AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "ISK", "JPY", "MXN"),
        *("MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TWD", "USD", "ZAR"),
    ]
)


def money(value: Money, field: str = "amount") -> dict[str, str]:
    """Return an amount with exactly the decimals of its currency. Raise Unsupported for a currency."""
    if value.currency not in CURRENCIES:
        raise Unsupported(
            f"Mollie takes no payments in {value.currency}; convert it, or use another processor.",
            field=f"{field}.currency",
        )
    return {"currency": value.currency, "value": f"{value.amount:.{minor_units(value.currency)}f}"}


def payment(value: PaymentRequest, webhook_url: str) -> dict[str, Any]:
    """Return the body that creates a payment. Raise InvalidInput or Unsupported naming the field."""
    if not value.return_url:
        raise InvalidInput("Mollie needs a page to send the buyer back to; give return_url.", field="return_url")
    body: dict[str, Any] = {
        "amount": money(value.amount),
        "description": (value.description or value.reference)[:LONGEST_DESCRIPTION],
        "redirectUrl": value.return_url,
        "metadata": {"reference": value.reference},
    }
    if not value.capture:
        body["captureMode"] = "manual"
    if webhook_url:
        body["webhookUrl"] = webhook_url
    if value.payment_method.startswith(CARD_TOKEN):
        body |= {"method": "creditcard", "cardToken": value.payment_method}
    elif value.payment_method:
        body["method"] = value.payment_method
    return body
