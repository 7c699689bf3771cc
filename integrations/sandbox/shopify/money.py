"""Money as the shop counts it: every amount in the shop's own currency and in the one the customer paid in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

SHOP_CURRENCY = "USD"
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Amount:
    """The same sum twice: ``shop`` in the shop's currency, ``local`` in the order's presentment currency."""

    shop: Decimal = Decimal(0)
    local: Decimal = Decimal(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.shop + other.shop, self.local + other.local)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.shop - other.shop, self.local - other.local)

    def __mul__(self, count: int) -> Amount:
        return Amount(self.shop * count, self.local * count)

    def share(self, part: Decimal, smallest: Decimal) -> Amount:
        """Return a part of the amount, rounded to the cent and to ``smallest`` of the local currency."""
        return Amount(
            (self.shop * part).quantize(_CENT, ROUND_HALF_UP), (self.local * part).quantize(smallest, ROUND_HALF_UP)
        )


ZERO = Amount()


def decimal_text(value: Decimal) -> str:
    """Return a ``Decimal`` as answers have it: plain, no zeros at the end but at least one decimal (``10.0``)."""
    text = f"{value.normalize():f}"
    return text if "." in text else f"{text}.0"


def bag(amount: Amount, currency: str) -> dict[str, Any]:
    """Return a ``MoneyBag``: the amount in the shop's currency and in ``currency``."""
    return {"shopMoney": money(amount.shop, SHOP_CURRENCY), "presentmentMoney": money(amount.local, currency)}


def money(value: Decimal, currency: str) -> dict[str, str]:
    """Return a ``MoneyV2``."""
    return {"amount": decimal_text(value), "currencyCode": currency}
