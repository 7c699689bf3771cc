"""The currencies version 2 knows, with their numbers and signs."""

from __future__ import annotations

from integrations.sandbox.frankfurter.providers import PEGS, PROVIDERS, active_currencies
from integrations.sandbox.rates import CURRENCIES

DETAILS = {  # ISO 4217 number and sign
    "AED": ("784", "د.إ"),
    "AUD": ("036", "$"),
    "BHD": ("048", "د.ب"),
    "BRL": ("986", "R$"),
    "CAD": ("124", "$"),
    "CHF": ("756", "CHF"),
    "CNY": ("156", "¥"),
    "CZK": ("203", "Kč"),
    "DKK": ("208", "kr."),
    "EGP": ("818", "ج.م"),
    "EUR": ("978", "€"),
    "GBP": ("826", "£"),
    "HKD": ("344", "$"),
    "HUF": ("348", "Ft"),
    "IDR": ("360", "Rp"),
    "ILS": ("376", "₪"),
    "INR": ("356", "₹"),
    "ISK": ("352", "kr."),
    "JOD": ("400", "د.ا"),
    "JPY": ("392", "¥"),
    "KRW": ("410", "₩"),
    "KWD": ("414", "د.ك"),
    "MXN": ("484", "$"),
    "MYR": ("458", "RM"),
    "NOK": ("578", "kr"),
    "NZD": ("554", "$"),
    "OMR": ("512", "ر.ع."),
    "PHP": ("608", "₱"),
    "PLN": ("985", "zł"),
    "QAR": ("634", "ر.ق"),
    "RON": ("946", "Lei"),
    "SAR": ("682", "ر.س"),
    "SEK": ("752", "kr"),
    "SGD": ("702", "$"),
    "THB": ("764", "฿"),
    "TRY": ("949", "₺"),
    "USD": ("840", "$"),
    "ZAR": ("710", "R"),
}
# Named in ISO 4217 and so no mistake to ask for, but the sandbox has no rates of them.
_WITHOUT_RATES = (
    "AFN ALL AMD AOA ARS AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BSD BTN BWP BYN BZD CDF CLF CLP COP CRC CUP "
    "CVE DJF DOP DZD ERN ETB FJD FKP GEL GHS GIP GMD GNF GTQ GYD HNL HTG IQD IRR JMD KES KGS KHR KMF KPW KYD "
    "KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MZN NAD NGN NIO NPR PAB PEN PGK "
    "PKR PYG RSD RUB RWF SBD SCR SDG SHP SLE SOS SRD SSP STN SVC SYP SZL TJS TMT TND TOP TTD TWD TZS UAH UGX "
    "UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZMW "
)


def is_currency(code: str) -> bool:
    """Say whether a code is a currency's at all."""
    return code in DETAILS or (len(code) == 3 and f"{code} " in _WITHOUT_RATES)


def listed(keys: tuple[str, ...]) -> list[str]:
    """Return the currencies these sources cover, without the pegged ones that only the blend knows."""
    return [code for code in active_currencies(keys) if code in DETAILS]


def described(code: str, start: str, end: str) -> dict[str, str | None]:
    """Return a currency as the list has it."""
    number, sign = DETAILS[code]
    return {
        "iso_code": code,
        "iso_numeric": number,
        "name": CURRENCIES[code][0],
        "symbol": sign,
        "start_date": start,
        "end_date": end,
    }


def covered_by(code: str) -> list[str]:
    """Return the sources that publish a currency."""
    return [key for key, provider in PROVIDERS.items() if code == provider.pivot or code in provider.currencies]


def peg_of(code: str) -> dict[str, str | float] | None:
    """Return what a currency is pegged to."""
    peg = PEGS.get(code)
    return None if peg is None else {"base": peg.base, "rate": peg.rate, "authority": peg.authority}
