"""Who a shopper is, as advertising is told it: e-mail address and telephone number put into one form, and hashed.

The hash is SHA-256 in hexadecimal of UTF-8 (FIPS 180-4). What is such a hash already is left as it is, in lower case.
"""

from __future__ import annotations

import hashlib
import re

from integrations.errors import InvalidInput

_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9]\d{6,14}")  # ITU-T E.164: country code first, 15 digits at most


def is_hash(plain: str) -> bool:
    """Return whether a text in lower case is a hash already."""
    return bool(_HASH.fullmatch(plain))


def hashed(plain: str) -> str:
    """Return the hash of a text, or the hash it is already."""
    return plain if is_hash(plain) else hashlib.sha256(plain.encode()).hexdigest()


def email(text: str) -> str:
    """Return an address trimmed and in lower case, a hash, or ''. Raise InvalidInput for what is neither."""
    plain = text.strip().lower()
    if plain and not is_hash(plain) and not re.fullmatch(r"[^@\s]+@[^@\s]+", plain):
        raise InvalidInput("This is no e-mail address.", field="email")
    return plain


def phone_digits(text: str) -> str:
    """Return a number's digits from the country code on, a hash, or ''. Raise InvalidInput when it has no country code.

    ``+`` and ``00`` before the country code are the same; a number that begins with one 0 lacks it.
    """
    plain = text.strip().lower()
    if not plain or is_hash(plain):
        return plain
    digits = re.sub(r"^(?:\+|00)", "", re.sub(r"[\s().\-/]", "", plain))
    if not _NUMBER.fullmatch(digits):
        raise InvalidInput("A telephone number needs its country code, such as +14155550123.", field="phone")
    return digits
