"""UPS's tracking numbers: 1Z, six characters of the account, two of the service, seven digits and a check digit."""

from __future__ import annotations

import re

_FORM = re.compile(r"1Z[0-9A-Z]{6}[0-9A-Z]{2}\d{8}")


def tracking_number(account: str, service: str, serial: int) -> str:
    """Return the number of a package of an account (six letters or digits)."""
    body = f"{account}{service:0>2}{serial:07}"
    return f"1Z{body}{check_digit(body)}"


def is_tracking_number(text: str) -> bool:
    """Return True for eighteen characters of the right form whose check digit is right."""
    return bool(_FORM.fullmatch(text)) and text[-1] == str(check_digit(text[2:-1]))


def check_digit(body: str) -> int:
    """Return the check digit of the fifteen characters between 1Z and it: every second one counts twice.

    A letter counts as the last digit of its place in the alphabet and two more: A is 2, H is 9, I is 0.
    """
    values = [int(sign) if sign.isdecimal() else (ord(sign) - 63) % 10 for sign in body]
    return -(sum(values[::2]) + 2 * sum(values[1::2])) % 10
