"""Amounts as Mollie writes them: a currency and a decimal string with exactly the currency's digits; fees; euros.

A currency Mollie does not take, such as KWD, is refused as invalid. The balance is in euros; the rates are frozen, because
a sandbox whose money moves by itself cannot be checked to the cent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.sandbox.mollie.errors import Refused, invalid, missing

# docs.mollie.com/docs/multicurrency -> euros for one unit
CURRENCIES: dict[str, str] = {
    "AED": "0.234", "AUD": "0.562", "BGN": "0.511", "BRL": "0.158", "CAD": "0.619", "CHF": "1.069", "CZK": "0.041",
    "DKK": "0.134", "EUR": "1", "GBP": "1.152", "HKD": "0.110", "HUF": "0.00255", "ILS": "0.256", "ISK": "0.00705",
    "JPY": "0.00582", "MXN": "0.0459", "MYR": "0.203", "NOK": "0.0852", "NZD": "0.507", "PHP": "0.0150",
    "PLN": "0.235", "RON": "0.198", "SEK": "0.0908", "SGD": "0.667", "THB": "0.0264", "TWD": "0.0282",
    "USD": "0.857", "ZAR": "0.0486",
}  # fmt: skip
ZERO_DECIMAL = frozenset({"ISK", "JPY"})
_MOST_EUROS = Decimal(50_000)
_CENT = Decimal("0.01")
# mollie.com/pricing: a card of the European Economic Area, and iDEAL; refunds cost 0.25
_CARD_SHARE, _CARD_FIXED, _OTHER_FIXED = Decimal("0.018"), Decimal("0.25"), Decimal("0.32")
REFUND_FEE = Decimal("0.25")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency. Add only within one currency."""

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
        """Return the amount object."""
        return {"currency": self.currency, "value": self.value}

    def nought(self) -> Money:
        """Return nothing of the same currency."""
        return Money(Decimal(0), self.currency)

    def in_euros(self) -> Money:
        """Return what it is on the balance."""
        euros = (self.amount * Decimal(CURRENCIES[self.currency])).quantize(_CENT, ROUND_HALF_UP)
        return Money(euros, "EUR")


def fee_on(euros: Money, method: str | None) -> Money:
    """Return what Mollie withholds of a payment, never more than the payment."""
    fee = euros.amount * _CARD_SHARE + _CARD_FIXED if method == "creditcard" else _OTHER_FIXED
    return Money(min(fee.quantize(_CENT, ROUND_HALF_UP), euros.amount), "EUR")


def read_money(body: dict[str, Any], name: str = "amount") -> Money:
    """Return the amount of a request; raises ``Refused`` 422 unless it is a string with exactly the right digits."""
    given = body.get(name)
    if given is None:
        raise missing(name)
    if not isinstance(given, dict):
        raise invalid(name, name)
    currency, value = given.get("currency"), given.get("value")
    if currency is None:
        raise missing(f"{name}.currency")
    if currency not in CURRENCIES:
        raise Refused(422, "The amount contains an invalid currency", f"{name}.currency")
    if value is None:
        raise missing(f"{name}.value")
    digits = r"\d{1,12}" if currency in ZERO_DECIMAL else r"\d{1,12}\.\d{2}"
    if not isinstance(value, str) or not re.fullmatch(digits, value):
        raise Refused(422, "The amount contains an invalid value", f"{name}.value")
    money = Money(Decimal(value), currency)
    if money.amount <= 0:
        raise Refused(422, "The amount is lower than the minimum", name)
    if money.in_euros().amount > _MOST_EUROS:
        raise Refused(422, "The amount is higher than the maximum", name)
    return money


def _unit(currency: str) -> Decimal:
    return Decimal(1) if currency in ZERO_DECIMAL else _CENT
