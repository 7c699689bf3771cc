"""What must never be kept in clear, under whatever name it comes: our credentials and anything shaped like one, card
numbers, e-mail addresses, telephone numbers.

Most values are short and harmless, so each look begins with a cheap question that says so.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "•"
SHORTEST_SECRET = 6  # characters; anything shorter would mask half of every text
SHORTEST = 5  # of anything that is looked for: a@b.c
LONGEST_TOKEN = 320  # characters; where a text is cut, so much of its end could be half of something

_EMAIL = re.compile(r"[\w.+-]{1,64}(?:@|%40|%2540)[\w-]+(?:\.[\w-]+)+")
_DIGITS = r"(?<!\d[.,])(?<!\d)\d(?:[ \t\u00a0-]?\d){12,}"  # not the decimals of a number
_PHONE = (
    r"(?<!\w)(?:\+|%2[Bb])\d(?:[ ().-]{0,2}\d){7,14}(?!\d)"
    r"|(?i:\b(?:phone|telephone|tel|mobile|cell|fax|whatsapp)\b)\W{1,3}\(?\d(?:[ ().-]{0,2}\d){5,14}(?!\d)"
)
_SHAPES = (
    # No plain word: "Basic authentication failed" says nothing secret.
    r"\b(?i:bearer|basic|digest)\s+(?=\S*(?:\d|=|[a-z][A-Z])|\S{16})[\w+/.~=-]{8,}",
    r"(?:\b(?:sk|rk|pk|whsec|shpat|shpss|shpca|ghp)_|(?:sk|rk|pk)_(?:live|test)_)[A-Za-z0-9_]{8,}",
    r"\bxox[abeoprs]-[\w-]{8,}",
    r"\bxapp-[\w-]{8,}",
    r"\bSG\.[\w-]{8,}\.[\w-]{8,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
    r"\bAIza[\w-]{20,}",
    r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?",
    r"-----BEGIN [A-Z ]*KEY-----[\w+/=\s]*",
    r"(?i:\b(?:api[_-]?key|access[_-]?token|client[_-]?secret|password|app_id)\b[\"']?\s*[=:]\s*)[\"']?[^\s\"'&,;}<]{4,}",
)
# What each shape cannot do without, in lower case: a word or a sign.
_HINTS = (
    *("bearer", "basic", "digest", "api", "token", "secret", "password", "app_id", "begin", "sk_", "rk_", "pk_"),
    *("whsec", "shp", "ghp_", "xox", "xapp-", "sg.", "akia", "asia", "aiza", "eyj"),
    *("+", "%2b", "phone", "tel", "mobile", "cell", "fax", "whatsapp"),
)
_THIRTEEN = re.compile(r"\d[\d \t\u00a0-]{12}")
_GROUP = re.compile(r"\d+")


class Guard:
    """Masks. It knows the credentials of this process, also as they look in base64, in a URL, in JSON and in HTML."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
        self._known = tuple(sorted(known, key=lambda form: (len(form), form)))
        self._margin = max(LONGEST_TOKEN, *map(len, self._known)) if known else LONGEST_TOKEN
        patterns = [re.escape(form) for form in reversed(self._known)]  # the longest first: one may begin another
        self._never = re.compile("|".join([*patterns, *_SHAPES, f"(?P<digits>{_DIGITS})", _PHONE]))

    def __repr__(self) -> str:
        return f"<Guard knows {len(self._known)} forms of secrets>"

    def clean(self, text: str, longest: int) -> str:
        """Return the text without anything that must never be kept, at most ``longest`` characters."""
        shown = text[: 2 * longest + self._margin]
        if _has_at(shown):  # at every word the pattern would walk on to find none
            shown = _EMAIL.sub(MASK, shown)
        shown = self._never.sub(_mask, shown)
        if len(text) > 2 * longest + self._margin:
            shown = shown[: -self._margin]  # what was cut in two would not be recognised
        elif len(shown) <= longest:
            return shown
        return shown[: longest - 1] + "…"

    def may_tell(self, value: str) -> bool:
        """Return False when there is nothing to mask in it."""
        size = len(value)
        if size < SHORTEST:
            return False
        if _has_at(value):
            return True
        for form in self._known:
            if len(form) > size:
                break
            if form in value:
                return True
        lower = value.lower()
        for hint in _HINTS:
            if hint in lower:
                break
        else:
            if size < 13 or not _THIRTEEN.search(value):
                return False
        return bool(self._never.search(value))


def _has_at(text: str) -> bool:
    return "@" in text or "%40" in text or "%2540" in text


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is and as others may write it."""
    raw = secret.encode("utf-8", "surrogateescape")
    quoted = quote(raw, safe="")
    yield from (
        secret,
        quoted,
        quoted.lower(),
        quote_plus(raw),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        raw.hex(),
    )
    for before in range(3):  # in base64 of "user:secret" it begins at any of three places of a group
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = encoded[(0, 2, 3)[before] : len(encoded) - (1 if (before + len(raw)) % 3 else 0)]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))


def _mask(match: re.Match[str]) -> str:
    digits = match.group("digits")
    return MASK if digits is None else _without_cards(digits)


def _without_cards(text: str) -> str:
    """Return a run of digit groups with the card numbers in it masked: neighbouring groups that together are one."""
    groups = list(_GROUP.finditer(text))
    shown, position, first = "", 0, 0
    while first < len(groups):
        last = _card_end(groups, first)
        if last is not None:
            shown += text[position : groups[first].start()] + MASK
            position, first = groups[last].end(), last
        first += 1
    return shown + text[position:]


def _card_end(groups: list[re.Match[str]], first: int) -> int | None:
    """Return the last group of the card number that begins with the first one, None when there is none."""
    number, found = "", None
    for last in range(first, len(groups)):
        number += groups[last].group()
        if len(number) > 19:
            break
        if is_card_number(number):
            found = last
    return found


def is_card_number(digits: str) -> bool:
    """Return whether digits can be a card's: 13 to 19 of them, an issuer of cards, and the sum of ISO/IEC 7812-1 annex B."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    plain = [int(digit) for digit in digits]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in plain[-2::-2]]
    return (sum(plain[-1::-2]) + sum(doubled)) % 10 == 0
