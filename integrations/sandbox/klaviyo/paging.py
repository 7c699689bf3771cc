"""JSON:API documents: links, pages behind a cursor, and the fields asked for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from integrations.sandbox.klaviyo.errors import wrong_parameter
from integrations.sandbox.twin import Ask

_CURSOR = "page[cursor]"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some of the items, and the links to this page and those beside it; None where there is none."""

    items: Sequence[Item]
    links: Mapping[str, str | None]


def page(ask: Ask, items: Sequence[Item], name: Callable[[Item], str], *, usual: int, most: int) -> Page[Item]:
    """Return the page asked for; raises ``Refused`` 400 for a size or cursor that is none.

    A cursor names the last item of the page before it, so that what is new meanwhile is neither lost nor seen twice.
    """
    size = _size(ask, usual, most)
    ids = [name(item) for item in items]
    cursor = ask.query.get(_CURSOR)
    start = 0 if not cursor else _place(cursor, ids)
    end = start + size
    return Page(
        items=items[start:end],
        links={
            "self": _url(ask, cursor),
            "next": _url(ask, _cursor(ids[end - 1])) if end < len(items) else None,
            "prev": None if start == 0 else _url(ask, _cursor(ids[start - size - 1]) if start > size else None),
        },
    )


def collection(ask: Ask, found: Page[Item], view: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
    """Return a page as the document it is answered with."""
    return {"data": [view(item) for item in found.items], "links": dict(found.links)}


def single(ask: Ask, resource: dict[str, Any]) -> dict[str, Any]:
    """Return one resource as the document it is answered with."""
    return {"data": resource, "links": {"self": _url(ask, None)}}


def resource(ask: Ask, kind: str, id: str, attributes: dict[str, Any], *related: str) -> dict[str, Any]:
    """Return a resource object with the attributes asked for and the links of its relationships."""
    at = f"{ask.base_url}/api/{kind}s/{id}/"
    found: dict[str, Any] = {"type": kind, "id": id, "attributes": sparse(ask, kind, attributes)}
    if related:
        found["relationships"] = {
            name: {"links": {"self": f"{at}relationships/{name}/", "related": f"{at}{name}/"}} for name in related
        }
    return found | {"links": {"self": at}}


def sparse(ask: Ask, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that ``fields[kind]`` names, all without it; raises ``Refused`` 400 for an unknown one."""
    parameter = f"fields[{kind}]"
    if parameter not in ask.query:
        return attributes
    kept: dict[str, Any] = {}
    for name in asked(ask, parameter):
        if name == "id":
            continue
        _keep(attributes, name.split("."), kept, parameter, kind, name)
    return kept


def asked(ask: Ask, parameter: str) -> list[str]:
    """Return the names a query parameter lists, with commas between them."""
    return [name for name in ask.query.get(parameter, "").split(",") if name]


def iso(moment: float) -> str:
    """Return a time as the resources have it: to the second, with the offset."""
    return datetime.fromtimestamp(int(moment), UTC).isoformat()


def _keep(
    source: Mapping[str, Any], path: Sequence[str], kept: dict[str, Any], parameter: str, kind: str, name: str
) -> None:
    head, rest = path[0], path[1:]
    if head not in source:
        # subscriptions and predictive_analytics are there only when additional-fields brought them.
        if kind == "profile" and head in ("subscriptions", "predictive_analytics"):
            return
        raise wrong_parameter(f"'{name}' is not a valid field for the resource '{kind}'.", parameter)
    if not rest:
        kept[head] = source[head]
        return
    inner = source[head] if isinstance(source[head], Mapping) else {}
    _keep(inner, rest, kept.setdefault(head, {}), parameter, kind, name)


def _size(ask: Ask, usual: int, most: int) -> int:
    given = ask.query.get("page[size]")
    if given is None:
        return usual
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise wrong_parameter(f"Page size must be an integer between 1 and {most}.", "page[size]")
    return int(given)


def _place(cursor: str, ids: Sequence[str]) -> int:
    try:
        way, _, id = base64.b64decode(cursor, validate=True).decode().partition("::")
        return ids.index(id) + 1 if way == "next" else len(ids)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise wrong_parameter("Invalid cursor provided.", _CURSOR) from None


def _cursor(id: str) -> str:
    return base64.b64encode(f"next::{id}".encode()).decode()


def _url(ask: Ask, cursor: str | None) -> str:
    query = [(name, value) for name, value in ask.query.items() if name != _CURSOR]
    if cursor:
        query.append((_CURSOR, cursor))
    return f"{ask.base_url}{ask.path}" + (f"?{urlencode(query)}" if query else "")
