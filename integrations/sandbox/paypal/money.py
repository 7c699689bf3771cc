"""Amounts as PayPal writes them: a currency code and a decimal string; which currencies there are, and the fee.

``DECIMALS_NOT_SUPPORTED`` for a yen with decimals is what the API answers though the Orders contract does not list it
(seen by several users of the sandbox); a currency PayPal does not hold, such as KWD, is ``INVALID_CURRENCY_CODE``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from integrations.sandbox.paypal.checks import Reader
from integrations.sandbox.paypal.errors import malformed, unprocessable

# developer.paypal.com/api/rest/reference/currency-codes/
CURRENCIES = frozenset(
    {
        *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR"),
        *("NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD"),
    }
)
ZERO_DECIMAL = frozenset({"HUF", "JPY", "TWD"})

_VALUE = re.compile(r"(-?[0-9]+)|(-?([0-9]+)?[.][0-9]+)")
_MOST = Decimal("999999999999999.99")
# The fixed part of the fee for a cross-border sale; the share is 4.99 % (paypal.com/us/business/paypal-business-fees).
_FIXED = {"USD": "0.49", "EUR": "0.39", "GBP": "0.39", "JPY": "49", "HUF": "149", "TWD": "14"}
_SHARE = Decimal("0.0499")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in a currency. Compare and add only within one currency."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.value} {self.currency}"

    @property
    def value(self) -> str:
        """Return the decimal string with the digits the currency has."""
        return f"{self.amount.quantize(_unit(self.currency), ROUND_HALF_UP):f}"

    def json(self) -> dict[str, str]:
        """Return the money object."""
        return {"currency_code": self.currency, "value": self.value}

    def nought(self) -> Money:
        """Return nothing of the same currency."""
        return Money(Decimal(0), self.currency)


def decimals(currency: str) -> int:
    """Return how many decimals the currency has here."""
    return 0 if currency in ZERO_DECIMAL else 2


def fee_on(gross: Money) -> Money:
    """Return what PayPal keeps of a sale, never more than the sale."""
    fixed = Decimal(_FIXED.get(gross.currency, "0.49"))
    fee = (gross.amount * _SHARE + fixed).quantize(_unit(gross.currency), ROUND_HALF_UP)
    return Money(min(fee, gross.amount), gross.currency)


def read_money(reader: Reader, *, positive: bool = True) -> Money:
    """Return the amount of a money object; raises ``Refused`` for bad syntax (400) or a value it cannot have (422)."""
    currency = reader.required_text("currency_code", low=3, high=3)
    text = reader.required_text("value", low=1, high=32)
    if not _VALUE.fullmatch(text):
        raise malformed("INVALID_PARAMETER_SYNTAX", reader.at("value"), text)
    if currency not in CURRENCIES:
        raise unprocessable("INVALID_CURRENCY_CODE", reader.at("currency_code"), currency)
    given = len(text.partition(".")[2])
    if given > decimals(currency):
        issue = "DECIMALS_NOT_SUPPORTED" if currency in ZERO_DECIMAL else "DECIMAL_PRECISION"
        raise unprocessable(issue, reader.at("value"), text)
    amount = Decimal(text)
    if amount > _MOST:
        raise unprocessable("MAX_VALUE_EXCEEDED", reader.at("value"), text)
    if positive and amount <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", reader.at("value"), text)
    if amount < 0:
        raise unprocessable("CANNOT_BE_NEGATIVE", reader.at("value"), text)
    return Money(amount, currency)


def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-decimals(currency))
