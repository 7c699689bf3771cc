"""SOAP 1.1 as WCF speaks it: reading a request by the table of types, writing answers and faults."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from integrations.sandbox.aramex.schema import ARAMEX, TYPES, Element, namespace
from integrations.sandbox.envelope import ENVELOPE, NotUnderstood, first_element
from integrations.sandbox.twin import Answer

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"
_XML = (("Content-Type", "text/xml; charset=utf-8"),)

Value = dict[str, Any]


class Fault(Exception):
    """The request is answered with a SOAP fault and HTTP 500. ``code`` is WCF's, ``Client`` or ``Server`` SOAP's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def deserialization(request: str, problem: str) -> Fault:
    """Return WCF's fault for a body its formatter cannot read."""
    return Fault(
        "DeserializationFailed",
        "The formatter threw an exception while trying to deserialize the message: There was an error while trying to "
        f"deserialize parameter {ARAMEX}:{request}. The InnerException message was '{problem}'. "
        "Please see InnerException for more details.",
    )


def parse(body: bytes) -> etree._Element:
    """Return the first element of the SOAP body.

    Raises ``Fault`` for XML that is broken, has a DTD, is no SOAP 1.1 or has a header that must be understood.
    """
    try:
        return first_element(body)
    except NotUnderstood as problem:
        raise Fault(problem.code, str(problem)) from None


def read(element: etree._Element, type_name: str, request: str) -> Value:
    """Return an element of a complex type as a dict; what is missing or nil is None, a repeated element a list.

    Elements stand in the order of the schema. Unknown ones are passed over, as WCF does. Raises ``Fault`` where a known
    one is out of order, a required one is missing, one that cannot be nil is, or a value is of another type.
    """
    wanted = TYPES[type_name]
    names = {f"{{{namespace(type_name)}}}{item.name}": position for position, item in enumerate(wanted)}
    value: Value = {item.name: [] if item.repeated else None for item in wanted}
    reached = 0
    for child in element:
        position = names.get(child.tag) if isinstance(child.tag, str) else None
        if position is None:
            continue
        _expect_none_missing(wanted[reached:position], request, child)
        if position < reached:
            raise deserialization(request, _unexpected(child, wanted, reached))
        item = wanted[position]
        read_value = _read_one(child, item, request)
        if item.repeated:
            value[item.name].append(read_value)
            reached = position
        else:
            value[item.name] = read_value
            reached = position + 1
    _expect_none_missing(wanted[reached:], request, element, at_end=True)
    return value


def answer(type_name: str, value: Value) -> Answer:
    """Return the answer as an envelope with HTTP 200."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"s": ENVELOPE})
    body = etree.SubElement(root, f"{{{ENVELOPE}}}Body")
    message = etree.SubElement(body, f"{{{ARAMEX}}}{type_name}", nsmap={None: ARAMEX, "i": XSI})
    _write(message, type_name, value)
    return Answer(headers=_XML, body=etree.tostring(root))


def fault(problem: Fault) -> Answer:
    """Return the fault as WCF writes it, with HTTP 500."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"s": ENVELOPE})
    body = etree.SubElement(root, f"{{{ENVELOPE}}}Body")
    told = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
    own = problem.code in ("Client", "Server", "VersionMismatch", "MustUnderstand")
    code = etree.SubElement(told, "faultcode", nsmap=None if own else {"a": _DISPATCHER})
    code.text = f"{'s' if own else 'a'}:{problem.code}"
    text = etree.SubElement(told, "faultstring")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
    text.text = str(problem)
    return Answer(status=500, headers=_XML, body=etree.tostring(root))


def _expect_none_missing(
    skipped: tuple[Element, ...], request: str, found: etree._Element, *, at_end: bool = False
) -> None:
    for item in skipped:
        if not (item.optional or item.repeated):
            name = etree.QName(found)
            kind = "EndElement" if at_end else "Element"
            raise deserialization(
                request,
                f"'{kind}' '{name.localname}' from namespace '{name.namespace}' is not expected. "
                f"Expecting element '{item.name}'.",
            )


def _unexpected(child: etree._Element, wanted: tuple[Element, ...], reached: int) -> str:
    name = etree.QName(child)
    expected = " or ".join(item.name for item in wanted[reached:][:3]) or "the end"
    return f"'Element' '{name.localname}' from namespace '{name.namespace}' is not expected. Expecting element '{expected}'."


def _read_one(child: etree._Element, item: Element, request: str) -> Any:
    if child.get(f"{{{XSI}}}nil") in ("true", "1"):
        if not item.nillable:
            raise deserialization(request, f"The element '{item.name}' cannot be nil.")
        return None
    if item.type in TYPES:
        return read(child, item.type, request)
    text = "".join(child.itertext())
    try:
        return _read_simple(text, item.type)
    except (ValueError, InvalidOperation, binascii.Error):
        raise deserialization(
            request, f"The value '{text[:50]}' cannot be parsed as the type '{item.type}' of '{item.name}'."
        ) from None


def _read_simple(text: str, kind: str) -> Any:
    if kind == "string":
        return text
    text = text.strip()
    match kind:
        case "int":
            whole = int(text)
            return whole if -(2**31) <= whole < 2**31 else _bad(text)
        case "double" | "decimal":
            number = Decimal(text)
            if not number.is_finite():
                raise ValueError(text)
            return number
        case "boolean":
            return {"true": True, "1": True, "false": False, "0": False}[text] if text in _BOOLEANS else _bad(text)
        case "dateTime":
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
        case "base64Binary":
            return base64.b64decode(text, validate=True)
        case _:
            return text


_BOOLEANS = frozenset(("true", "1", "false", "0"))


def _bad(text: str) -> Any:
    raise ValueError(text)


def _write(parent: etree._Element, type_name: str, value: Value) -> None:
    for item in TYPES[type_name]:
        found = value.get(item.name)
        if item.repeated:
            for one in found or ():
                _write_one(parent, type_name, item, one)
        elif found is not None or not item.optional or (item.nillable and item.name in value):
            _write_one(parent, type_name, item, found)


def _write_one(parent: etree._Element, type_name: str, item: Element, value: Any) -> None:
    child = etree.SubElement(parent, f"{{{namespace(type_name)}}}{item.name}")
    if value is None:
        child.set(f"{{{XSI}}}nil", "true")
    elif item.type in TYPES:
        _write(child, item.type, value)
    else:
        child.text = _simple_text(value)


def _simple_text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.replace(tzinfo=None).isoformat(timespec="seconds")
        case Decimal():
            return f"{value:f}"
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return str(value)
