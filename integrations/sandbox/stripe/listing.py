"""Lists with cursors, the search query, and expansion of ids into objects."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from integrations.sandbox.stripe import form
from integrations.sandbox.stripe.account import Account, Object
from integrations.sandbox.stripe.errors import Refused, no_such

PAGING = frozenset({"limit", "starting_after", "ending_before", "expand", "created"})

_CLAUSE = re.compile(
    r"""\s*(?P<field>[a-z_]+)(?:\[(?P<quote>["'])(?P<key>.+?)(?P=quote)\])?\s*(?P<operator>:|>=|<=|>|<)\s*
    (?:(?P<wrap>["'])(?P<text>.*?)(?P=wrap)|(?P<number>-?\d+))\s*""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
_OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


def page(items: list[Object], params: dict[str, Any], *, url: str) -> Object:
    """Return one page of ``items`` (newest first) by ``limit``, ``starting_after``, ``ending_before`` and ``created``."""
    limit = _limit(params)
    after, before = form.text(params, "starting_after"), form.text(params, "ending_before")
    if after and before:
        raise Refused(400, "You may only specify one of these parameters: starting_after, ending_before.")
    kept = [item for item in items if _created_matches(item, params)]
    ids = [item["id"] for item in kept]
    if after:
        found = kept[_position(ids, after, "starting_after") + 1 :]
        chosen, more = found[:limit], len(found) > limit
    elif before:
        found = kept[: _position(ids, before, "ending_before")]
        chosen, more = found[-limit:], len(found) > limit
    else:
        chosen, more = kept[:limit], len(kept) > limit
    return {"object": "list", "data": chosen, "has_more": more, "url": url}


def search(items: list[Object], params: dict[str, Any], *, url: str) -> Object:
    """Return the search result of ``query``; ``page`` is the opaque ``next_page`` of the answer before."""
    query = form.text(params, "query")
    if query is None:
        raise Refused(400, "Missing required param: query.", code="parameter_missing", param="query")
    limit = _limit(params)
    offset = int(form.text(params, "page") or 0) if str(params.get("page") or "0").isdecimal() else -1
    if offset < 0:
        raise Refused(400, "Invalid page.", param="page")
    wanted = [item for item in items if all(matches(item) for matches in _clauses(query))]
    more = len(wanted) > offset + limit
    return {
        "object": "search_result",
        "data": wanted[offset : offset + limit],
        "has_more": more,
        "next_page": str(offset + limit) if more else None,
        "url": url,
    }


def expand(account: Account, answer: Object, paths: Any) -> Object:
    """Return the answer with the ids at ``paths`` (``latest_charge``, ``data.source``) replaced by their objects."""
    if not paths:
        return answer
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise Refused(400, "Invalid array", param="expand")
    expanded = copy.deepcopy(answer)
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4:
            raise Refused(400, "You cannot expand more than 4 levels of a property.", param="expand")
        _expand_at(account, expanded, steps, path)
    return expanded


def _expand_at(account: Account, node: Any, steps: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _expand_at(account, item, steps, path)
        return
    name, rest = steps[0], steps[1:]
    if not isinstance(node, dict) or name not in node:
        raise Refused(400, f"This property cannot be expanded ({path}).", param="expand")
    value = node[name]
    if isinstance(value, str):
        found = account.look_up(value)
        if found is None:
            raise Refused(400, f"This property cannot be expanded ({path}).", param="expand")
        value = node[name] = copy.deepcopy(found)
    if rest and value is not None:
        _expand_at(account, value, rest, path)


def _limit(params: dict[str, Any]) -> int:
    limit = form.integer(params, "limit")
    if limit is None:
        return 10
    if not 1 <= limit <= 100:
        bound = "less than or equal to 100" if limit > 100 else "greater than or equal to 1"
        raise Refused(400, f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")
    return limit


def _position(ids: list[str], id: str, param: str) -> int:
    try:
        return ids.index(id)
    except ValueError:
        raise no_such("object", id, param=param, status=400) from None


def _created_matches(item: Object, params: dict[str, Any]) -> bool:
    created = params.get("created")
    if created is None or created == "":
        return True
    if isinstance(created, str):
        return bool(item["created"] == form.integer(params, "created"))
    bounds = form.hash_of(params, "created")
    for name in bounds:
        bound = form.integer(bounds, name)
        if name not in _COMPARE or bound is None:
            raise Refused(
                400, f"Received unknown parameter: created[{name}]", code="parameter_unknown", param="created"
            )
        if not _COMPARE[name](item["created"], bound):
            return False
    return True


def _clauses(query: str) -> list[Callable[[Object], bool]]:
    """Return one test per clause of ``status:'succeeded' AND metadata['order_id']:'A-1'``; OR is not taken."""
    tests: list[Callable[[Object], bool]] = []
    for part in re.split(r"\s+AND\s+", query.strip()):
        matched = _CLAUSE.fullmatch(part)
        if matched is None:
            raise Refused(400, f"We were unable to parse your search query near: {part}", param="query")
        tests.append(_clause(matched))
    return tests


def _clause(matched: re.Match[str]) -> Callable[[Object], bool]:
    name, key, operator = matched["field"], matched["key"], matched["operator"]
    wanted = matched["text"] if matched["text"] is not None else matched["number"]
    if (key is None) != (name != "metadata"):
        raise Refused(400, f"Field `{name}` is an unsupported search field.", param="query")
    if operator == ":":
        return lambda item: str(item[name].get(key) if key else item.get(name)) == wanted
    if name not in ("amount", "created") or not wanted.lstrip("-").isdecimal():
        raise Refused(400, f"Field `{name}` cannot be compared with `{operator}`.", param="query")
    compare, bound = _COMPARE[_OPERATORS[operator]], int(wanted)
    return lambda item: compare(item[name], bound)
