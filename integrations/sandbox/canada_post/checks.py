"""Reading a request by the table of types: a dict of texts, dicts and lists, or the schema error of the vendor's gateway.

A request that breaks the schema is answered with status 500 and the code ``Server``, its description naming the element
(vendor's table of messages: "Correct the XML").
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from integrations.sandbox.canada_post.errors import Refused
from integrations.sandbox.canada_post.schema import TYPES, Member, Type
from integrations.sandbox.canada_post.xml import Malformed, Value, parse

_LENGTH = re.compile(r"(\d+)\.\.(\d+)")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_WHOLE = re.compile(r"[+-]?\d+")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_EMAIL = r"(['_A-Za-z0-9\-\+]+)(\.['_A-Za-z0-9\-\+]+)*@([A-Za-z0-9-]+)(\.[A-Za-z0-9-]+)*(\.[A-Za-z]{2,%s})"
_POSTAL = r"[A-Z]\d[A-Z]\d[A-Z]\d"
_ZIP = r"\d{5}(-\d{4})?"

# Kinds that are a pattern, as the XSDs name them.
NAMED = {
    "postal": _POSTAL,
    "zip": _ZIP,
    "postal-or-zip": f"({_POSTAL})|({_ZIP})",
    "country": "[a-zA-Z][a-zA-Z]",
    "number": r"\d{1,10}",
    "tariff": r"\d{4}(\.\d{2}(\.\d{2}(\.\d{2})?)?)?",
    "email": _EMAIL % "",
    "short-email": _EMAIL % "5",
}
_PATTERNS = {name: re.compile(pattern, re.ASCII) for name, pattern in NAMED.items()}
_LONGEST_EMAIL = 60


def read(body: bytes, namespace: str, name: str, path: str) -> Value:
    """Return the request of the root element ``name``; raises Refused, status 500, where the schema is broken.

    Absent elements are absent from the dict. Texts are as they were written, but for the blanks the schema drops.
    """
    try:
        root = parse(body)
    except Malformed as problem:
        raise Refused(500, "Server", f"{path}: {problem}") from None
    if root.tag != f"{{{namespace}}}{name}":
        found = etree.QName(root)
        raise _broken(path, f"cvc-elt 1: found {{{found.namespace}}}{found.localname}, not {{{namespace}}}{name}")
    return _Reader(namespace, path).complex(root, name)


def _broken(path: str, problem: str) -> Refused:
    return Refused(500, "Server", f"{path}: {problem}")


class _Reader:
    """Reads elements of one namespace."""

    def __init__(self, namespace: str, path: str) -> None:
        self._namespace = namespace
        self._path = path

    def complex(self, element: etree._Element, type_name: str) -> Value:
        """Return an element of a complex type."""
        wanted = TYPES[self._namespace][type_name]
        if element.attrib:
            raise self._unexpected(element, f"@{element.attrib.keys()[0]}", wanted)
        texts = [element.text, *(child.tail for child in element)]
        if any((text or "").strip() for text in texts):
            raise self._unexpected(element, "character data", wanted)
        members = {f"{{{self._namespace}}}{member.name}": member for member in wanted.members}
        value: Value = {}
        for child in element:
            if not isinstance(child.tag, str):
                continue  # a comment
            member = members.get(child.tag)
            if member is None or not self._has_room(member, wanted, value):
                raise self._unexpected(element, f"<{etree.QName(child).localname}>", wanted)
            found = self._one(child, member)
            if member.repeated:
                value.setdefault(member.name, []).append(found)
            else:
                value[member.name] = found
        if self._lacks(wanted, value):
            raise self._unexpected(element, f"</{etree.QName(element).localname}>", wanted)
        return value

    @staticmethod
    def _has_room(member: Member, wanted: Type, value: Value) -> bool:
        if wanted.choice:
            return not value
        if member.exclusive:
            return not any(other.name in value for other in wanted.members if other.exclusive)
        there = value.get(member.name, [])
        return len(there) < member.most if member.repeated else member.name not in value

    @staticmethod
    def _lacks(wanted: Type, value: Value) -> bool:
        if wanted.choice:
            return not value
        exclusive = [member.name for member in wanted.members if member.exclusive]
        if exclusive and not any(name in value for name in exclusive):
            return True
        return any(
            member.name not in value for member in wanted.members if not member.optional and not member.exclusive
        )

    def _one(self, element: etree._Element, member: Member) -> Value | str:
        if member.kind.startswith("@"):
            return self.complex(element, member.kind[1:])
        text = "".join(element.itertext()) if not len(element) else None
        found = None if text is None or element.attrib else _simple(text, member.kind)
        if found is None:
            raise _broken(
                self._path,
                f"cvc-simple-type 1: element {{{self._namespace}}}{member.name} value '{text or ''}' is not a valid "
                "instance of the element type",
            )
        return found

    def _unexpected(self, element: etree._Element, found: str, wanted: Type) -> Refused:
        names = ", ".join(f"{{{self._namespace}}}{member.name}" for member in wanted.members)
        return _broken(
            self._path,
            f"cvc-particle 3.1: in element {{{self._namespace}}}{etree.QName(element).localname} with anonymous type, "
            f"found {found} (in namespace {self._namespace}), but next item should be any of [{names}]",
        )


def _simple(text: str, kind: str) -> str | None:
    """Return the text as the kind reads it, None when it is no instance."""
    collapsed = " ".join(text.split())
    pattern = _PATTERNS.get(kind)
    if pattern is not None:
        whole = re.sub(r"[\t\r\n]", " ", text) if kind.endswith("email") else text
        fits = pattern.fullmatch(whole) and not (kind.endswith("email") and len(whole) > _LONGEST_EMAIL)
        return whole if fits else None
    match kind:
        case "bool":
            return {"true": "true", "1": "true", "false": "false", "0": "false"}.get(collapsed)
        case "true":  # a fixed value may be left out
            return "true" if collapsed == "true" or not text else None
        case "word":
            return collapsed if collapsed in ("true", "false") else None
        case "word-or-nothing":
            return collapsed if collapsed in ("true", "false") else "false" if not text else None
        case "date":
            return _date(collapsed)
        case "moment":
            return _moment(collapsed)
    length = _LENGTH.fullmatch(kind)
    if length is not None:
        normal = re.sub(r"[\t\r\n]", " ", text)
        return normal if int(length[1]) <= len(normal) <= int(length[2]) else None
    if kind.startswith("n"):
        return _decimal(collapsed, kind)
    if kind.startswith("i"):
        return collapsed if _WHOLE.fullmatch(collapsed) and 1 <= int(collapsed) <= int(kind[1:]) else None
    return text if text in kind.split("/") else None


def _decimal(text: str, kind: str) -> str | None:
    if not _DECIMAL.fullmatch(text):
        return None
    most, _, digits = kind[1:].partition(":")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    exponent = number.normalize().as_tuple().exponent
    too_fine = isinstance(exponent, int) and -exponent > int(digits)
    return text if 0 < number <= Decimal(most) and not too_fine else None


def _date(text: str) -> str | None:
    match = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1]).isoformat() if match else None
    except ValueError:
        return None


def _moment(text: str) -> str | None:
    try:
        return text if _MOMENT.fullmatch(text) and datetime.fromisoformat(text) else None
    except ValueError:
        return None
