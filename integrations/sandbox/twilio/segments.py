"""How many segments a text takes and what one costs: GSM 7-bit up to 160 characters, else UCS-2 up to 70."""

from __future__ import annotations

from decimal import Decimal

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_ESCAPED = frozenset("^{}\\[~]|€\f")  # an escape and a character: two places
# Dollars a segment; believable, not a price list.
_PRICES = {
    "+1": "0.00790",
    "+44": "0.04630",
    "+33": "0.07980",
    "+49": "0.11120",
    "+61": "0.05150",
    "+91": "0.08320",
    "+966": "0.15840",
    "+971": "0.12390",
}
_ELSEWHERE = "0.07500"


def count(text: str) -> int:
    """Return the number of segments, 1 for an empty text."""
    if all(sign in _GSM or sign in _GSM_ESCAPED for sign in text):
        length, single, each = sum(2 if sign in _GSM_ESCAPED else 1 for sign in text), 160, 153
    else:
        length, single, each = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else -(-length // each)


def price(to: str, segments: int) -> str:
    """Return what so many segments to a number cost, as Twilio writes it: negative, five decimals, text."""
    prefix = max((prefix for prefix in _PRICES if to.startswith(prefix)), key=len, default="")
    return str(-Decimal(_PRICES.get(prefix, _ELSEWHERE)) * segments)
