"""Stripe's whole-number amounts: its own list of decimals, which is not quite ISO 4217's.

Source: docs.stripe.com/currencies. MGA has no decimals here; a three-decimal amount must end in 0. For ISK and UGX
Stripe's rule differs by direction and was not confirmed: they are refused rather than charged a hundredfold.
"""

from __future__ import annotations

from decimal import Decimal

from integrations.errors import InvalidInput, Unsupported
from integrations.types.base import Money

_NO_DECIMALS = frozenset({"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV"})
_NO_DECIMALS_CFA = frozenset({"XAF", "XOF", "XPF"})
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_UNCONFIRMED = frozenset({"ISK", "UGX"})


def decimals(currency: str) -> int:
    """Return how many decimals Stripe counts in a currency."""
    if currency in _NO_DECIMALS or currency in _NO_DECIMALS_CFA:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def to_units(money: Money, field: str = "amount") -> int:
    """Return the amount as Stripe counts it. Raise InvalidInput for decimals it has not, Unsupported for a currency."""
    currency = money.currency
    if currency in _UNCONFIRMED:
        raise Unsupported(
            f"Payments in {currency} are not supported: how Stripe counts them is not certain.",
            field=f"{field}.currency",
        )
    places = decimals(currency)
    scaled = money.amount.scaleb(places)
    if scaled != scaled.to_integral_value():
        raise InvalidInput(
            f"Stripe counts {currency} with {places} decimals; round the amount.", field=f"{field}.amount"
        )
    units = int(scaled)
    if places == 3 and units % 10:
        raise InvalidInput(
            f"Stripe takes {currency} only in steps of 0.010; round the amount.", field=f"{field}.amount"
        )
    return units


def from_units(units: int, currency: str) -> Money:
    """Return the money of an amount as Stripe counts it; its currency comes in lower case."""
    code = currency.upper()
    return Money(amount=Decimal(units).scaleb(-decimals(code)), currency=code)
