"""What may be kept of a body, a path or a sentence: by allow-list, at the moment it is captured.

A body keeps its structure and its names; a value stays only under a name the vendor's file lists, and even there the
guard looks for what must never stand in a record. Whatever cannot be understood is kept as its size. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from lxml import etree

from integrations.guard import MASK, Guard

LONGEST_BODY = 4096  # characters kept
LARGEST_BODY = 256 * 1024  # bytes looked into
LONGEST_PATH = 1024
LONGEST_TEXT = 1000
LONGEST_VALUE = 500
LONGEST_NAME = 64
LONGEST_LIST = 20
LONGEST_OBJECT = 200
MOST_ELEMENTS = 800
DEEPEST = 24
REMEMBERED = 4096  # names, and values
LONGEST_REMEMBERED = 24
QUERY_NAMES = frozenset(
    {"page", "limit", "per_page", "page_size", "pagesize", "offset", "$top", "$skip", "$select", "$expand", "$orderby"}
    | {"base", "symbols", "from", "to", "date", "currency", "start_date", "end_date", "status", "fields", "expand"}
)

_NESTED = (dict, list)
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,80}")


class Redactor:
    """Redacts with the credentials of this process in mind: none of them ever leaves it, wherever a vendor echoes it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._guard = Guard(secrets)
        self._names: dict[str, str] = {}  # names come again and again,
        self._harmless: set[str] = set()  # and so do short values: currencies, states, codes

    def __repr__(self) -> str:
        return f"<Redactor with {self._guard!r}>"

    def body(self, body: bytes | None, content_type: str, kept: frozenset[str]) -> str | None:
        """Return what may be kept of a body, at most 4096 characters; None when there is none."""
        if not body:
            return None
        try:
            text = self._understood(body, content_type.lower(), kept)
        except Exception:  # a body is foreign: whatever it breaks, the call must not break with it
            text = None
        if text is None:
            return _size(body, content_type)
        return text if len(text) <= LONGEST_BODY else text[: LONGEST_BODY - 1] + "…"

    def path(self, path: str, kept: frozenset[str] = QUERY_NAMES) -> str:
        """Return a path with its query, at most 1024 characters; a query's value stays only under a kept name."""
        path, mark, query = path.partition("?")
        path = self._value(path, LONGEST_PATH)
        return f"{path}?{self._form(query, kept)}"[:LONGEST_PATH] if mark else path

    def text(self, text: str) -> str:
        """Return a sentence without anything that must never be kept, at most 1000 characters."""
        return self._value(text, LONGEST_TEXT)

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
        kind = type(value)
        if depth >= DEEPEST and kind in _NESTED:
            return "…"
        if kind is dict:
            return self._object(value, kept, listed, depth)
        if kind is list:
            items = [self._json(part, kept, listed=listed, depth=depth + 1) for part in value[:LONGEST_LIST]]
            return [*items, f"… {len(value) - LONGEST_LIST} more"] if len(value) > LONGEST_LIST else items
        if not listed:
            return MASK
        if kind is str:
            return self._value(value)
        if kind is bool or (kind is int and -(10**11) < value < 10**11):
            return value
        clean = self._value(str(value))
        return value if clean == str(value) else clean

    def _object(self, value: dict[str, Any], kept: frozenset[str], listed: bool, depth: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        known = self._names
        for name, part in value.items():
            if len(shown) == LONGEST_OBJECT:
                shown["…"] = f"{len(value) - LONGEST_OBJECT} more"
                break
            clean = known.get(name) or self._name(name)
            keeps = name in kept or (listed and name == "value")  # {"InventoryID": {"value": "A-1"}}
            if keeps or type(part) in _NESTED:
                shown[clean] = self._json(part, kept, listed=keeps, depth=depth + 1)
            else:
                shown[clean] = None if part is None else MASK
        return shown

    def _form(self, text: str, kept: frozenset[str]) -> str:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=None)
        return "&".join(
            f"{self._name(name)}={self._value(value) if _is_kept(name, kept) else MASK if value else ''}"
            for name, value in pairs[:LONGEST_OBJECT]
        )

    def _xml(self, body: bytes, kept: frozenset[str]) -> str | None:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        root = etree.fromstring(body, parser)
        if root.getroottree().docinfo.doctype:
            return None  # entities of its own
        for count, element in enumerate(root.iter(etree.Element)):
            if count >= MOST_ELEMENTS:
                return None
            text, tail = element.text, element.tail  # each look at lxml's tree costs: one is enough
            if text and not text.isspace():
                element.text = self._value(text) if _local(element.tag) in kept else MASK
            if tail and not tail.isspace():
                element.tail = MASK
            for attribute, value in element.items():
                keeps = _local(attribute) in kept or attribute.startswith(_XSI)
                element.set(attribute, self._value(value) if keeps else MASK)
        return str(etree.tostring(root, encoding="unicode"))

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            known = self._value(name) if len(name) <= LONGEST_NAME else MASK
            if len(self._names) < REMEMBERED:
                self._names[name] = known
        return known

    def _value(self, value: str, longest: int = LONGEST_VALUE) -> str:
        if value in self._harmless:
            return value
        if len(value) > longest or self._guard.may_tell(value):
            return self._guard.clean(value, longest)
        if len(value) <= LONGEST_REMEMBERED:
            if len(self._harmless) >= REMEMBERED:
                self._harmless.clear()
            self._harmless.add(value)
        return value


def _local(name: str) -> str:
    """Return a name of XML without its namespace."""
    return name.rpartition("}")[2]


def _size(body: bytes, content_type: str) -> str:
    kind = _MEDIA_TYPE.match(content_type.lower())
    return f"({len(body)} bytes of {kind.group()})" if kind else f"({len(body)} bytes)"


def _is_kept(name: str, kept: frozenset[str]) -> bool:
    """Return whether a form's field is kept: by its whole name, or by the innermost of ``a[b][c]``."""
    if name in kept:
        return True
    parts = [part for part in re.split(r"[\[\]]+", name) if part and not part.isdigit()]
    return bool(parts) and parts[-1] in kept
