"""Pages of a list: ``first``/``after`` and ``last``/``before`` over a sort key, with cursors that outlive new entries.

A cursor is base64 of ``{"last_id": …, "last_value": …}``: it names a place in the order of the sort key, not a number
of entries, so that what comes in while somebody pages neither repeats nor hides anything.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError

MOST = 250
_Key = tuple[Any, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing of a list: its number, its value under the sort key and its view."""

    id: int
    value: Any
    view: Callable[[], Mapping[str, Any]]


def bad_request(message: str) -> GraphQLError:
    """Return a top-level error of code ``BAD_REQUEST``."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def page(entries: Sequence[Entry], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a connection. Raises GraphQLError when the arguments do not tell which page."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise bad_request("you must provide one of first or last")
    if first is not None and last is not None:
        raise bad_request("providing both first and last is not supported")
    size = first if first is not None else last
    if size is None or size < 0:
        raise bad_request(f"{'first' if first is not None else 'last'} must be a positive number")
    if size > MOST:
        raise bad_request(f"{'first' if first is not None else 'last'} cannot exceed {MOST}")
    ordered = sorted(entries, key=_key, reverse=bool(arguments.get("reverse")))
    kept = _between(ordered, arguments)
    shown = kept[:size] if first is not None else kept[max(0, len(kept) - size) :]
    return _connection(shown, ordered)


def listed(things: Sequence[tuple[int, Any]], view: Callable[[Any], Mapping[str, Any]]) -> list[Entry]:
    """Return entries for things with their numbers; sorted by number they are in the order they were made in."""
    return [Entry(id=number, value=number, view=late(view, thing)) for number, thing in things]


def late(view: Callable[..., Mapping[str, Any]], *arguments: Any) -> Callable[[], Mapping[str, Any]]:
    """Return what makes the view when it is asked for."""
    return lambda: view(*arguments)


def _between(ordered: Sequence[Entry], arguments: Mapping[str, Any]) -> Sequence[Entry]:
    after, before = arguments.get("after"), arguments.get("before")
    backwards = bool(arguments.get("reverse"))

    def beyond(entry: Entry, place: _Key) -> bool:
        return _key(entry) < place if backwards else _key(entry) > place

    def short_of(entry: Entry, place: _Key) -> bool:
        return _key(entry) > place if backwards else _key(entry) < place

    kept = ordered
    try:
        if after is not None:
            place = _place(after)
            kept = [entry for entry in kept if beyond(entry, place)]
        if before is not None:
            place = _place(before)
            kept = [entry for entry in kept if short_of(entry, place)]
    except TypeError as problem:  # a cursor of another sort key: a number is not compared with a text
        raise bad_request("Malformed cursor") from problem
    return kept


def _connection(shown: Sequence[Entry], ordered: Sequence[Entry]) -> dict[str, Any]:
    cursors = [_cursor(entry) for entry in shown]
    views = [entry.view() for entry in shown]
    return {
        "nodes": views,
        "edges": [{"cursor": cursor, "node": view} for cursor, view in zip(cursors, views, strict=True)],
        "pageInfo": {
            "hasNextPage": bool(shown) and shown[-1] is not ordered[-1],
            "hasPreviousPage": bool(shown) and shown[0] is not ordered[0],
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _key(entry: Entry) -> _Key:
    return entry.value, entry.id


def _cursor(entry: Entry) -> str:
    return base64.b64encode(orjson.dumps({"last_id": entry.id, "last_value": entry.value})).decode()


def _place(cursor: str) -> _Key:
    try:
        found = orjson.loads(base64.b64decode(cursor, validate=True))
        return found["last_value"], found["last_id"]
    except (binascii.Error, orjson.JSONDecodeError, UnicodeEncodeError, ValueError, KeyError, TypeError) as problem:
        raise bad_request("Malformed cursor") from problem
