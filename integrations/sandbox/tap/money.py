"""Amounts: JSON numbers in major units, three digits after the point for the dinars and the rial, two for the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.tap.errors import Refused

THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR"})
CURRENCIES = THREE_DECIMAL | {"AED", "EGP", "EUR", "GBP", "QAR", "SAR", "USD"}
_MOST = Decimal(10_000_000)


def full(amount: Decimal, currency: str) -> Decimal:
    """Return the amount with every digit its currency has: 10.5 KWD is 10.500."""
    return amount.quantize(Decimal("0.001") if currency in THREE_DECIMAL else Decimal("0.01"))


def short(amount: Decimal) -> Decimal:
    """Return the amount as JSON libraries write it, without noughts at the end, never in powers of ten."""
    stripped = amount.normalize()
    return stripped if stripped.as_tuple().exponent <= 0 else stripped.quantize(Decimal(1))  # type: ignore[operator]  # finite


def text(amount: Decimal, currency: str) -> str:
    """Return the amount as the ledger has it: ``10.500 KWD``."""
    return f"{full(amount, currency):f} {currency}"


def read_currency(body: dict[str, Any]) -> str:
    """Return the currency of a request; raises ``Refused`` 1118 for none, 1119 for one Tap does not take."""
    currency = body.get("currency")
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isupper():
        raise Refused("1118")
    if currency not in CURRENCIES:
        raise Refused("1119")
    return currency


def read_amount(body: dict[str, Any], currency: str) -> Decimal:
    """Return the amount of a request; raises ``Refused`` 1117 unless it is a positive number of the right precision.

    That text is not taken for a number, and a fourth digit not rounded, is unconfirmed.
    """
    given = body.get("amount")
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise Refused("1117")
    amount = Decimal(given)
    if not 0 < amount < _MOST or amount != full(amount, currency):
        raise Refused("1117")
    return full(amount, currency)
