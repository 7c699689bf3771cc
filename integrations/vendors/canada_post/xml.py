"""Canada Post's XML: written from plain trees, read into models, every element in the namespace of its version.

An answer's elements are looked up in the namespace of its own root, and errors by their local names: tracking puts its
errors into a namespace of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from pydantic import ConfigDict

from integrations.errors import SchemaDrift
from integrations.outcome import Response
from integrations.reading import Answer, Read, read
from integrations.soap_fault import parse_xml

_PATH = re.compile(r"/e?rs/.+")  # where a link's path begins, whatever stands before it


class XmlAnswer(Answer):
    """Fields are elements ``named-like-this``; an alias such as ``price-details/due`` is a path."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One error of a ``messages`` document."""

    code: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where something else can be had: the path below the base URL, and the media type to ask for."""

    rel: str
    href: str
    media_type: str

    @property
    def path(self) -> str:
        """Return the path without its host: our credential goes to the base URL only. Raise SchemaDrift for another."""
        parts = urlsplit(self.href)
        found = _PATH.search(parts.path)
        if found is None:
            raise SchemaDrift("A link in Canada Post's answer leads to none of its services.", field="link.href")
        return f"{found[0]}?{parts.query}" if parts.query else found[0]


def written(namespace: str, name: str, tree: Mapping[str, Any]) -> bytes:
    """Return a document. A value is a text, a tree, or a list of either for a repeated element; None is left out."""
    root = etree.Element(f"{{{namespace}}}{name}", nsmap={None: namespace})
    _fill(root, namespace, tree)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def document(response: Response, name: str) -> etree._Element:
    """Return the root of an answer. Raise SchemaDrift when it is not the document of that name."""
    root = parse_xml(response.body)
    if root is None or etree.QName(root).localname != name:
        raise SchemaDrift(f'Canada Post\'s answer is no "{name}" document.', field=name, status=response.status)
    return root


def fields(kind: type[Read], element: etree._Element) -> Read:
    """Return the texts below an element as a model; an empty element counts as absent. Raise SchemaDrift."""
    texts = {}
    for name, declared in kind.model_fields.items():
        path = declared.alias or name
        text = " ".join((element.findtext(_path(element, path)) or "").split())
        if text:
            texts[path] = text
    return read(kind, texts)


def each(element: etree._Element, path: str) -> Iterator[etree._Element]:
    """Yield the elements at a path."""
    yield from element.iterfind(_path(element, path))


def links(element: etree._Element, path: str) -> Sequence[Link]:
    """Return the links at a path, in their order."""
    return [
        Link(rel=found.get("rel") or "", href=found.get("href") or "", media_type=found.get("media-type") or "")
        for found in each(element, path)
    ]


def messages(body: bytes) -> Sequence[Message] | None:
    """Return the errors a body holds, [] when it holds an empty list of them, None when it is something else."""
    root = parse_xml(body)
    if root is None or etree.QName(root).localname != "messages":
        return None
    return [
        Message(code=_text(message, "code"), description=_text(message, "description"))
        for message in each(root, "message")
    ]


def _fill(parent: etree._Element, namespace: str, tree: Mapping[str, Any]) -> None:
    for name, value in tree.items():
        for one in value if isinstance(value, list) else [value]:
            if one is None:
                continue
            element = etree.SubElement(parent, f"{{{namespace}}}{name}")
            if isinstance(one, Mapping):
                _fill(element, namespace, one)
            else:
                element.text = one


def _text(element: etree._Element, name: str) -> str:
    return " ".join((element.findtext(_path(element, name)) or "").split())


def _path(element: etree._Element, path: str) -> str:
    namespace = etree.QName(element).namespace
    return "/".join(f"{{{namespace}}}{part}" for part in path.split("/")) if namespace else path
