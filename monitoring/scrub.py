"""The last look before something leaves the house: what reads like a secret or a person goes, whatever let it in.

What is recorded is already redacted by allow-list at capture. This looks again, because a file that is sent away cannot
be called back.
"""

from __future__ import annotations

import re

GONE = "[hidden]"
_SECRETS = re.compile(
    r"""
    \bBearer\s+[A-Za-z0-9._~+/=-]+ | \bBasic\s+[A-Za-z0-9+/=]{8,}   # what an Authorization header holds
    | \b[a-z]{2,4}_(?:live|test)_[A-Za-z0-9]+ | \bxox[a-z]-[A-Za-z0-9-]+ | \bqs_[A-Za-z0-9_-]{20,}
    | \beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*           # a signed token
    | (?<=[?&;])(?:api_?key|token|access_token|signature|sig|secret|password)=[^&\s]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"""
    [A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+             # mail
    | (?<![\w.])\+\d[\d\s().-]{7,}\d                                # telephone
    """,
    re.VERBOSE,
)
_DIGITS = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])")


def scrubbed(text: str) -> str:
    """Return a text without what reads like a token, a password, a card, a mail address or a telephone number."""
    text = _PEOPLE.sub(GONE, _SECRETS.sub(GONE, text))
    return _DIGITS.sub(lambda found: GONE if is_card(found[0]) else found[0], text)


def is_card(text: str) -> bool:
    """Tell whether digits add up as a card number does (Luhn)."""
    digits = [int(one) for one in text if one.isdigit()][::-1]
    total = sum(digits[::2]) + sum(sum(divmod(2 * one, 10)) for one in digits[1::2])
    return total % 10 == 0
