"""Lists: filters by id and date, the order, the page, and the headers that tell of the others.

Bounds of dates are exclusive and to the second. Without ``dates_are_gmt`` they are read in the store's zone; with it
they are compared with the GMT column as written, but a bound that names a zone is brought into the *store's* zone
first, so that ``…Z`` together with ``dates_are_gmt`` misses by the store's offset (WP_Date_Query; whether a store with
its orders in tables of their own does the same is unconfirmed).

The links to other pages repeat the whole query, keys and signatures too, and a ``+`` in it becomes a blank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode

from integrations.sandbox.woocommerce import php
from integrations.sandbox.woocommerce.call import Call


class Listed(Protocol):
    """What can stand in a list."""

    @property
    def id(self) -> int:
        """Return its number."""

    @property
    def title(self) -> str:
        """Return its title."""

    @property
    def created_at(self) -> float:
        """Return when it was made."""

    @property
    def updated_at(self) -> float:
        """Return when it last changed."""


Thing = TypeVar("Thing", bound=Listed)
Headers = list[tuple[str, str]]


def page(
    call: Call,
    path: str,
    things: Sequence[Thing],
    zone: tzinfo,
    sort_keys: Mapping[str, Callable[[Thing], Any]] | None = None,
) -> tuple[list[Thing], Headers]:
    """Return one page and its headers; a page past the end is empty."""
    found = _sorted(call, _filtered(call, things, zone), sort_keys or {})
    size, number = call.params["per_page"], max(1, call.params["page"])
    start = call.params["offset"] if call.params.get("offset") else (number - 1) * size
    pages = math.ceil(len(found) / size)
    return found[start : start + size], headers(call, path, number, len(found), pages)


def headers(call: Call, path: str, number: int, total: int, pages: int) -> Headers:
    """Return the totals and the links to the pages before and after."""
    links = []
    if number > 1:
        links.append(f'<{_address(call, path, min(number - 1, pages))}>; rel="prev"')
    if pages > number:
        links.append(f'<{_address(call, path, number + 1)}>; rel="next"')
    found = [("X-WP-Total", str(total)), ("X-WP-TotalPages", str(pages))]
    return [*found, ("Link", ", ".join(links))] if links else found


def moment(at: float | None, zone: tzinfo) -> str | None:
    """Return a time as answers have it: to the second, without a zone."""
    return None if at is None else _naive(at, zone).isoformat()


def _filtered(call: Call, things: Sequence[Thing], zone: tzinfo) -> list[Thing]:
    params = call.params
    column = UTC if params.get("dates_are_gmt") else zone
    include = {php.integer(text) for text in php.texts(params.get("include", []))}
    exclude = {php.integer(text) for text in php.texts(params.get("exclude", []))}
    after, before = _bound(params.get("after"), zone), _bound(params.get("before"), zone)
    changed_after, changed_before = (
        _bound(params.get("modified_after"), zone),
        _bound(params.get("modified_before"), zone),
    )
    return [
        thing
        for thing in things
        if (not include or thing.id in include)
        and thing.id not in exclude
        and _between(_naive(thing.created_at, column), after, before)
        and _between(_naive(thing.updated_at, column), changed_after, changed_before)
    ]


def _sorted(call: Call, things: Sequence[Thing], more: Mapping[str, Callable[[Thing], Any]]) -> list[Thing]:
    by, backwards = call.params["orderby"], call.params["order"] == "desc"
    if by == "include":
        wanted = [php.integer(text) for text in php.texts(call.params.get("include", []))]
        return sorted(things, key=lambda thing: wanted.index(thing.id) if thing.id in wanted else -1)
    keys: dict[str, Callable[[Thing], Any]] = {
        "date": lambda thing: int(thing.created_at),
        "modified": lambda thing: int(thing.updated_at),
        "title": lambda thing: thing.title,
        "slug": lambda thing: thing.title,
        "id": lambda thing: 0,
        **more,
    }
    return sorted(things, key=lambda thing: (keys[by](thing), thing.id), reverse=backwards)


def _between(value: datetime, after: datetime | None, before: datetime | None) -> bool:
    return (after is None or value > after) and (before is None or value < before)


def _bound(text: str | None, zone: tzinfo) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        found = found.astimezone(zone).replace(tzinfo=None)
    return found.replace(microsecond=0)


def _naive(at: float, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(int(at), zone).replace(tzinfo=None)


def _address(call: Call, path: str, number: int) -> str:
    # The query is put together unescaped, taken apart again and only then escaped.
    raw = "&".join(f"{name}={value}" for name, value in _flat(call.query))
    again = php.query(parse_qsl(raw, keep_blank_values=True))
    return f"{call.link(path)}?{urlencode([*_flat({**again, 'page': str(number)})])}"


def _flat(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    flat = []
    for name, value in query.items():
        inner = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(inner, Mapping):
            flat += [(f"{name}[{key}]", str(item)) for key, item in inner.items()]
        else:
            flat.append((name, str(inner)))
    return flat
