"""Currencies, minor units, the fee and the settlement of a charge.

Whole minor units everywhere, as Stripe has it; ``decimal_text`` makes the ledger's "12.34 USD" of them.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from integrations.sandbox.stripe.errors import Refused
from integrations.sandbox.stripe.form import names

ZERO_DECIMAL = names("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf")
THREE_DECIMAL = names("bhd jod kwd omr tnd")
CURRENCIES = names(
    """usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
    clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils
    inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk
    mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rwf sar sbd scr sek sgd shp sos
    srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw"""
)

# US dollars for one unit. Frozen on purpose: a sandbox whose money moves by itself cannot be checked to the cent.
_US_DOLLARS = {
    "usd": "1", "eur": "1.09", "gbp": "1.27", "chf": "1.13", "sek": "0.095", "nok": "0.094", "dkk": "0.146",
    "pln": "0.25", "czk": "0.043", "huf": "0.0027", "ron": "0.22", "cad": "0.73", "aud": "0.66", "nzd": "0.61",
    "jpy": "0.0066", "cny": "0.138", "hkd": "0.128", "sgd": "0.74", "inr": "0.012", "krw": "0.00073", "twd": "0.031",
    "thb": "0.028", "myr": "0.22", "idr": "0.000062", "php": "0.0175", "vnd": "0.00004", "aed": "0.2723",
    "sar": "0.2667", "qar": "0.2747", "kwd": "3.26", "bhd": "2.65", "omr": "2.60", "jod": "1.41", "tnd": "0.32",
    "egp": "0.0205", "try": "0.03", "ils": "0.27", "mad": "0.1", "zar": "0.054", "ngn": "0.00063", "kes": "0.0077",
    "brl": "0.18", "mxn": "0.053", "clp": "0.00107", "cop": "0.00025", "ars": "0.001", "pkr": "0.0036",
}  # fmt: skip

_WHOLE = Decimal(1)


def decimals(currency: str) -> int:
    """Return how many digits the minor unit stands for."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def decimal_text(amount: int, currency: str) -> str:
    """Return minor units as a person writes them: ``1099, "usd"`` is ``10.99 USD``."""
    return f"{Decimal(amount).scaleb(-decimals(currency)):f} {currency.upper()}"


def check_currency(currency: str | None) -> str:
    """Return the currency in lower case; raises ``Refused`` for one that Stripe does not take."""
    lowered = (currency or "").lower()
    if lowered not in CURRENCIES:
        raise Refused(400, f"Invalid currency: {lowered}. Stripe does not support it.", param="currency")
    return lowered


def check_amount(amount: int, currency: str, *, param: str = "amount") -> None:
    """Raise ``Refused`` for an amount no charge may have: none, too small, too large, or a third decimal that is not 0."""
    if amount < 1:
        raise Refused(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=param,
        )
    if amount > 99_999_999:
        raise Refused(
            400,
            f"Amount must be no more than {decimal_text(99_999_999, currency)}",
            code="amount_too_large",
            param=param,
        )
    if currency in THREE_DECIMAL and amount % 10:
        raise Refused(
            400,
            f"Invalid amount: {amount}; the last digit of an amount in {currency.upper()} must be 0.",
            code="parameter_invalid_integer",
            param=param,
        )
    rate = exchange_rate(currency, "usd")
    if rate is not None and rate * Decimal(amount).scaleb(-decimals(currency)) < Decimal("0.50"):
        raise Refused(400, "Amount must convert to at least 50 cents.", code="amount_too_small", param=param)


def exchange_rate(source: str, target: str) -> Decimal | None:
    """Return units of ``target`` for one unit of ``source``, None where no rate is kept."""
    if source == target:
        return Decimal(1)
    if source not in _US_DOLLARS or target not in _US_DOLLARS:
        return None
    rate = Decimal(_US_DOLLARS[source]) / Decimal(_US_DOLLARS[target])
    return rate.quantize(Decimal("0.000001"))


def settle(amount: int, currency: str, settlement: str) -> tuple[int, str, Decimal | None]:
    """Return amount, currency and rate after conversion; a currency without a rate settles in itself, rate None."""
    rate = exchange_rate(currency, settlement)
    if rate is None or currency == settlement:
        return amount, currency, None
    units = Decimal(amount).scaleb(-decimals(currency)) * rate
    converted = units.scaleb(decimals(settlement)).quantize(_WHOLE, rounding=ROUND_HALF_UP)
    return int(converted), settlement, rate


def fee_on(settled: int, currency: str, *, converted: bool) -> int:
    """Return the fee in the settlement currency: 2.9 % and 30 cents, one per cent more where money was converted."""
    fixed_units = Decimal("0.30") * (exchange_rate("usd", currency) or Decimal(1))
    fixed = fixed_units.scaleb(decimals(currency))
    share = Decimal("0.039") if converted else Decimal("0.029")
    return int((settled * share + fixed).quantize(_WHOLE, rounding=ROUND_HALF_UP))
