"""The same answers as XML: what a path without ``.json`` gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree


def document(kind: str, fields: Mapping[str, Any]) -> bytes:
    """Return ``<TwilioResponse><kind>…``; snake_case names become PascalCase, null an empty element."""
    root = etree.Element("TwilioResponse")
    _add(etree.SubElement(root, kind), fields)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _add(parent: Any, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        element = etree.SubElement(parent, "".join(word.capitalize() for word in name.split("_")))
        if isinstance(value, Mapping):
            _add(element, value)
        elif value is not None:
            element.text = str(value)
