"""A telephone number in the two parts Tap wants: the country's calling code and the rest.

Source: ITU-T E.164, list of country codes. They are prefix-free: one digit, the two-digit ones below, else three.
"""

from __future__ import annotations

import re

from integrations.errors import InvalidInput

_TWO_DIGITS = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 "
    "81 82 84 86 90 91 92 93 94 95 98"
)
_SIZES = {"1": 1, "7": 1, **dict.fromkeys(_TWO_DIGITS.split(), 2)}
_NUMBER = re.compile(r"[1-9]\d{6,14}")


def parts(phone: str) -> dict[str, str]:
    """Return ``{"country_code", "number"}`` of an international number. Raise InvalidInput when it is not one."""
    bare = re.sub(r"[\s().-]", "", phone)
    digits = bare[1:] if bare.startswith("+") else bare.removeprefix("00") if bare.startswith("00") else ""
    if not _NUMBER.fullmatch(digits):
        raise InvalidInput(
            "Tap needs the telephone number with its country's calling code; write it as +965 5000 0000.",
            field="customer.phone",
        )
    size = _SIZES.get(digits[0]) or _SIZES.get(digits[:2]) or 3
    return {"country_code": digits[:size], "number": digits[size:]}
