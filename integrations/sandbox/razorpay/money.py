"""Currencies, minor units, what an amount is worth in rupees and the fee on it.

Whole minor units everywhere, as Razorpay has it; ``decimal_text`` makes the ledger's "12.34 USD" of them. An account in
India is settled in INR, so fee and tax of a foreign payment are in paise.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from integrations.sandbox import rates
from integrations.sandbox.razorpay.errors import invalid
from integrations.sandbox.razorpay.fields import names

ZERO_DECIMAL = names("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF")
THREE_DECIMAL = names("BHD IQD JOD KWD OMR TND")
CURRENCIES = (
    ZERO_DECIMAL
    | THREE_DECIMAL
    | names(
        """AED ALL AMD AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BZD CAD CHF CNY COP CRC CUP CVE CZK DKK
        DOP DZD EGP ETB EUR FJD GBP GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK LKR
        LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PEN PGK PHP PKR PLN QAR RON
        RSD RUB SAR SCR SEK SGD SLL SOS SVC SZL THB TRY TTD TWD TZS UAH USD UYU UZS XCD YER ZAR ZMW"""
    )
)

_UNLISTED_PER_DOLLAR = 100.0  # for the currencies that rates does not follow: any steady figure will do
_GST = Decimal("0.18")
_FEE = {False: Decimal("0.02"), True: Decimal("0.03")}  # domestic, international (razorpay.com/pricing)
_WHOLE = Decimal(1)


def decimals(currency: str) -> int:
    """Return how many digits the minor unit stands for."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def decimal_text(amount: int, currency: str) -> str:
    """Return minor units as a person writes them: ``1099, "USD"`` is ``10.99 USD``."""
    return f"{Decimal(amount).scaleb(-decimals(currency)):f} {currency}"


def check_currency(currency: str, *, international: bool) -> str:
    """Return the currency; raises ``Refused`` for one the account cannot take (the wording is unconfirmed)."""
    if currency not in CURRENCIES or (currency != "INR" and not international):
        raise invalid("Currency is not supported", "currency")
    return currency


def check_amount(amount: int, currency: str, *, field: str = "amount") -> int:
    """Return the amount; raises ``Refused`` below one rupee, below one minor unit, or for a third decimal that is not 0.

    The docs ask for that 0 in KWD, BHD and OMR; that the API insists on it, and in which words, is unconfirmed. So is
    the least amount of a currency other than INR.
    """
    least = 100 if currency == "INR" else 1
    if amount < least:
        raise invalid(f"The amount must be at least {_least_text(least, currency)}", field)
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid(f"The last digit of the amount must be 0 for {currency}.", field)
    return amount


def _least_text(least: int, currency: str) -> str:
    return f"{currency} {Decimal(least).scaleb(-decimals(currency)):f}"


def in_paise(amount: int, currency: str, *, seed: int, at: float) -> int:
    """Return what the amount is worth in paise at that moment."""
    if currency == "INR":
        return amount
    worth = _per_dollar(seed, "INR", at) / _per_dollar(seed, currency, at)
    major = Decimal(amount).scaleb(-decimals(currency))
    return max(1, int((major * worth * 100).quantize(_WHOLE, ROUND_HALF_UP)))


def fee_on(paise: int, *, international: bool) -> tuple[int, int]:
    """Return the fee and the tax that is in it, in paise: 2 % (3 % international) and 18 % GST on that."""
    bare = (paise * _FEE[international]).quantize(_WHOLE, ROUND_HALF_UP)
    tax = (bare * _GST).quantize(_WHOLE, ROUND_HALF_UP)
    return int(bare + tax), int(tax)


def _per_dollar(seed: int, currency: str, at: float) -> Decimal:
    rate = rates.dollar_rate(seed, currency, at) if currency in rates.CURRENCIES else _UNLISTED_PER_DOLLAR
    return Decimal(str(round(rate, 6)))
