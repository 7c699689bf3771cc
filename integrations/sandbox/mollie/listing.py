"""Lists: ``limit`` of 1 to 250 (50), and ``from``, the id of the first item shown, itself included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from integrations.sandbox.mollie.account import Body, Call
from integrations.sandbox.mollie.errors import Refused
from integrations.sandbox.mollie.shapes import DOCS, HTML, link

_MOST, _USUAL = 250, 50

Item = TypeVar("Item")


def page(
    call: Call,
    name: str,
    items: Sequence[Item],
    id_of: Callable[[Item], str],
    show: Callable[[Item], Body],
) -> Body:
    """Return one page of the items, which come newest first; ``sort=asc`` turns them round.

    Raises ``Refused`` 400 for a limit or a first item that cannot be.
    """
    limit = _limit(call.query.get("limit"))
    order = call.query.get("sort", "desc")
    if order not in ("asc", "desc"):
        raise Refused(400, "Invalid sort value", "sort")
    if order == "asc":
        items = list(reversed(items))
    start = 0
    first = call.query.get("from")
    if first is not None:
        found = [index for index, item in enumerate(items) if id_of(item) == first]
        if not found:
            raise Refused(400, "Invalid cursor value", "from")
        start = found[0]
    shown = items[start : start + limit]
    after = items[start + limit : start + limit + 1]
    before = items[max(0, start - limit) : start][:1]
    return {
        "count": len(shown),
        "_embedded": {name: [_inside(show(item)) for item in shown]},
        "_links": {
            "self": link(_address(call, call.query)),
            "previous": _beside(call, before, id_of, limit),
            "next": _beside(call, after, id_of, limit),
            "documentation": link(f"{DOCS}/pagination", HTML),
        },
    }


def _inside(body: Body) -> Body:
    """Return an object as it is shown inside a list: without the link to the documentation."""
    links = body.get("_links", {})
    links.pop("documentation", None)
    return body


def _limit(text: str | None) -> int:
    if text is None:
        return _USUAL
    if not text.isdigit() or not 1 <= int(text) <= _MOST:
        raise Refused(400, f"The limit must be a number from 1 to {_MOST}", "limit")
    return int(text)


def _beside(call: Call, items: Sequence[Item], id_of: Callable[[Item], str], limit: int) -> Any:
    if not items:
        return None
    kept = {name: value for name, value in call.query.items() if name not in ("from", "limit")}
    return link(_address(call, {"from": id_of(items[0]), "limit": str(limit), **kept}))


def _address(call: Call, query: dict[str, str]) -> str:
    url = f"{call.base_url}{call.path}"
    return f"{url}?{urlencode(query)}" if query else url
