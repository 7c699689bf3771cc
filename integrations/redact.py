"""What may be kept of a body, a path or a sentence: by allow-list, at the moment it is captured.

A body keeps its structure and its names; a value stays only under a name the vendor's file lists. Even there the guards
below look for what must never stand in a record: our credentials, anything shaped like one, card numbers, e-mail
addresses and telephone numbers. Whatever cannot be understood is kept as its size. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson
from lxml import etree

MASK = "•"
LONGEST_BODY = 4096  # characters kept
LARGEST_BODY = 256 * 1024  # bytes looked into
LONGEST_VALUE = 500
LONGEST_LIST = 20
LONGEST_OBJECT = 200
DEEPEST = 24
SHORTEST_SHAPE = 8
REMEMBERED_NAMES = 4096
SHORTEST_SECRET = 4  # characters; anything shorter would mask half of every text
QUERY_NAMES = frozenset(
    {"page", "limit", "per_page", "page_size", "pagesize", "offset", "$top", "$skip", "$select", "$expand", "$orderby"}
    | {"base", "symbols", "from", "to", "date", "currency", "start_date", "end_date", "status", "fields", "expand"}
)

_EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_CARD = r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])"
_PHONE = r"(?<!\w)(?:\+|%2[Bb])\d(?:[ ().-]?\d){7,14}(?!\d)"
_SHAPES = (
    r"\b(?i:bearer|basic|digest)\s+[\w+/.~=-]{8,}",
    r"\b(?:sk|rk|pk|whsec|shpat|shpss|shpca|ghp|re)_[A-Za-z0-9_]{8,}",
    r"\bxox[abeoprs]-[\w-]{8,}",
    r"\bxapp-[\w-]{8,}",
    r"\bSG\.[\w-]{8,}\.[\w-]{8,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
    r"\bAIza[\w-]{20,}",
    r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?",
    r"-----BEGIN [A-Z ]*KEY-----",
    r"(?i:\b(?:api[_-]?key|access[_-]?token|client[_-]?secret|password|app_id)\b[\"']?\s*[=:]\s*)[\"']?[^\s\"'&,;}<]{4,}",
)
# What each pattern above cannot do without: a sign, digits in a row, or how a key begins.
_HINT = re.compile(
    r"[=%:]|\d[\d ().-]{6}|\b(?:sk|rk|pk|whsec|shp[a-z]{2}|ghp|re)_|xox|xapp-|SG\.|AKIA|ASIA|AIza|eyJ|(?i:bearer|basic|digest|password|BEGIN)"
)
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


class Redactor:
    """Redacts with the credentials of this process in mind: none of them ever leaves it, wherever a vendor echoes it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {
            form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in (secret, quote(secret, safe=""))
        }
        longest_first = sorted(known, key=lambda form: (-len(form), form))
        self._secrets = tuple(longest_first)
        patterns = [re.escape(form) for form in longest_first]
        self._never = re.compile("|".join([*patterns, *_SHAPES, f"(?P<card>{_CARD})", _PHONE]))
        self._names: dict[str, str] = {}  # names come again and again

    def __repr__(self) -> str:
        return f"<Redactor knows {len(self._secrets)} forms of secrets>"

    def body(self, body: bytes | None, content_type: str, kept: frozenset[str]) -> str | None:
        """Return what may be kept of a body, at most 4096 characters; None when there is none."""
        if not body:
            return None
        try:
            text = self._understood(body, content_type.lower(), kept)
        except Exception:  # a body is foreign: whatever it breaks, the call must not break with it
            text = None
        if text is None:
            return f"‹{len(body)} bytes›"
        return text if len(text) <= LONGEST_BODY else text[: LONGEST_BODY - 1] + "…"

    def path(self, path: str, kept: frozenset[str] = QUERY_NAMES) -> str:
        """Return a path with its query; a query's value stays only under a kept name."""
        path, mark, query = path[:4096].partition("?")
        path = self.text(path, 1024) if self._may_tell(path) else path[:1024]
        return f"{path}?{self._form(query, kept)}"[:1024] if mark else path

    def text(self, text: str, longest: int = 1000) -> str:
        """Return a sentence without anything that must never be kept."""
        shown = text[: 2 * longest]
        if "@" in shown or "%40" in shown:  # at every word the pattern would walk to its end to find none
            shown = _EMAIL.sub(MASK, shown)
        shown = self._never.sub(_mask, shown)
        return shown if len(shown) <= longest else shown[: longest - 1] + "…"

    def _understood(self, body: bytes, content_type: str, kept: frozenset[str]) -> str | None:
        if len(body) > LARGEST_BODY:
            return None
        first = body.lstrip()[:1]
        if "json" in content_type or (first in (b"{", b"[") and "html" not in content_type):
            return orjson.dumps(self._json(orjson.loads(body), kept, listed=False, depth=0)).decode()
        if "x-www-form-urlencoded" in content_type:
            return self._form(body.decode(), kept)
        if "xml" in content_type or (first == b"<" and "html" not in content_type):
            return self._xml(body, kept)
        return None

    def _json(self, value: Any, kept: frozenset[str], *, listed: bool, depth: int) -> Any:
        if value is None:
            return None
        if isinstance(value, dict):
            if depth >= DEEPEST:
                return "…"
            shown: dict[str, Any] = {}
            for name, part in value.items():
                if len(shown) == LONGEST_OBJECT:
                    shown["…"] = f"{len(value) - LONGEST_OBJECT} more"
                    break
                keeps = name in kept or (listed and name == "value")  # {"InventoryID": {"value": "A-1"}}
                if keeps or isinstance(part, dict | list):
                    shown[self._name(name)] = self._json(part, kept, listed=keeps, depth=depth + 1)
                else:
                    shown[self._name(name)] = None if part is None else MASK
            return shown
        if isinstance(value, list):
            if depth >= DEEPEST:
                return "…"
            items = [self._json(part, kept, listed=listed, depth=depth + 1) for part in value[:LONGEST_LIST]]
            return [*items, f"… {len(value) - LONGEST_LIST} more"] if len(value) > LONGEST_LIST else items
        if not listed:
            return MASK
        if isinstance(value, str):
            return self._value(value)
        if isinstance(value, bool) or (isinstance(value, int) and -(10**11) < value < 10**11):
            return value
        clean = self._value(str(value))
        return value if clean == str(value) else clean

    def _form(self, text: str, kept: frozenset[str]) -> str:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=None)
        return "&".join(
            f"{self._name(name)}={self._value(value) if _is_kept(name, kept) else MASK if value else ''}"
            for name, value in pairs[:LONGEST_OBJECT]
        )

    def _xml(self, body: bytes, kept: frozenset[str]) -> str | None:
        if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        root = etree.fromstring(body, parser)
        for count, element in enumerate(root.iter(etree.Element)):
            if count >= LONGEST_OBJECT * 4:
                return None if count == 0 else f"‹xml, {len(body)} bytes, more than {count} elements›"
            name = etree.QName(element).localname
            if element.text and not element.text.isspace():
                element.text = self._value(element.text) if name in kept else MASK
            if element.tail and not element.tail.isspace():
                element.tail = MASK
            for attribute, value in element.attrib.items():
                local = etree.QName(attribute).localname
                if local in kept or attribute.startswith(_XSI):
                    element.set(attribute, self._value(value))
                else:
                    element.set(attribute, MASK)
        return etree.tostring(root, encoding="unicode")

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            known = self._value(name)
            if len(self._names) < REMEMBERED_NAMES:
                self._names[name] = known
        return known

    def _value(self, value: str) -> str:
        if len(value) <= LONGEST_VALUE and not self._may_tell(value):
            return value
        return self.text(value, LONGEST_VALUE)

    def _may_tell(self, value: str) -> bool:
        """Return False when none of the patterns can be in it: cheap, for the many short and harmless values."""
        if "@" in value or "%40" in value or any(secret in value for secret in self._secrets):
            return True
        return len(value) >= SHORTEST_SHAPE and bool(_HINT.search(value)) and bool(self._never.search(value))


def _mask(match: re.Match[str]) -> str:
    card = match.group("card")
    return match.group() if card is not None and not _is_card_number(card) else MASK


def _is_card_number(text: str) -> bool:
    """Return whether the Luhn sum fits (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_kept(name: str, kept: frozenset[str]) -> bool:
    """Return whether a form's field is kept: by its whole name, or by the innermost of ``a[b][c]``."""
    if name in kept:
        return True
    parts = [part for part in re.split(r"[\[\]]+", name) if part and not part.isdigit()]
    return bool(parts) and parts[-1] in kept
