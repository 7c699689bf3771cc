"""XML on the wire: one version of a service is one namespace and one media type; answers are written from plain values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from integrations.sandbox.twin import Answer

RATE = "http://www.canadapost.ca/ws/ship/rate-v4"
SHIPMENT = "http://www.canadapost.ca/ws/shipment-v8"
NCSHIPMENT = "http://www.canadapost.ca/ws/ncshipment-v4"
MANIFEST = "http://www.canadapost.ca/ws/manifest-v8"
TRACK = "http://www.canadapost.ca/ws/track"
MESSAGES = "http://www.canadapost.ca/ws/messages"

MEDIA_TYPES = {
    RATE: "application/vnd.cpc.ship.rate-v4+xml",
    SHIPMENT: "application/vnd.cpc.shipment-v8+xml",
    NCSHIPMENT: "application/vnd.cpc.ncshipment-v4+xml",
    MANIFEST: "application/vnd.cpc.manifest-v8+xml",
    TRACK: "application/vnd.cpc.track-v2+xml",
}

Value = dict[str, Any]


class Malformed(ValueError):
    """The body is no XML that is read here; the message says why."""


def parse(body: bytes) -> etree._Element:
    """Return the root of a body; raises Malformed for XML that is broken or brings a DTD."""
    # No entity is ever expanded and nothing is fetched: a DTD alone is reason enough to refuse.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as problem:
        raise Malformed(str(problem)) from None
    if root.getroottree().docinfo.doctype:
        raise Malformed("document type declarations are not allowed")
    return root


def document(namespace: str, name: str, value: Value, status: int = 200) -> Answer:
    """Return an answer of the namespace's media type.

    A dict is an element with children, a list one element after the other, None is left out. In a dict ``@name`` is an
    attribute and ``#`` the text beside attributes.
    """
    root = etree.Element(f"{{{namespace}}}{name}", nsmap={None: namespace})
    _fill(root, namespace, value)
    return Answer(
        status=status,
        headers=(("Content-Type", MEDIA_TYPES.get(namespace, "application/xml")),),
        body=etree.tostring(root, xml_declaration=True, encoding="UTF-8"),
    )


def _fill(parent: etree._Element, namespace: str, value: Any) -> None:
    if not isinstance(value, dict):
        parent.text = _text(value)
        return
    for name, item in value.items():
        if item is None:
            continue
        if name == "#":
            parent.text = _text(item)
        elif name.startswith("@"):
            parent.set(name[1:], _text(item))
        else:
            for one in item if isinstance(item, list) else [item]:
                _fill(etree.SubElement(parent, f"{{{namespace}}}{name}"), namespace, one)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case _:
            return str(value)
