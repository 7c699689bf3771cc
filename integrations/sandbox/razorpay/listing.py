"""Lists: ``count`` and ``skip``, newest first, and no word about whether there is more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations.sandbox.razorpay import fields
from integrations.sandbox.razorpay.account import Call, Object
from integrations.sandbox.razorpay.errors import invalid

PAGING = fields.names("count skip from to")
EXPAND = fields.names("expand[] expand")
_DEFAULT, _LONGEST = 10, 100


def page(call: Call, found: Sequence[Object], *, longest: int = _LONGEST) -> Object:
    """Return one page of those in the window; ``count`` is how many are on it, not how many there are."""
    count, skip = _bounds(call, longest)
    since, until = fields.window(query(call))
    within = [item for item in found if since <= item["created_at"] <= until]
    return collection(within[skip : skip + count])


def slice_of(call: Call, found: Sequence[Object], *, default: int, longest: int) -> Object:
    """Return one page of rows that are picked by something other than their ``created_at``."""
    count, skip = _bounds(call, longest, default)
    return collection(found[skip : skip + count])


def collection(items: Sequence[Object]) -> Object:
    """Return items as every list has them."""
    return {"entity": "collection", "count": len(items), "items": list(items)}


def query(call: Call) -> dict[str, Any]:
    """Return the query as single values; the last one counts when a name is repeated."""
    return dict(call.query.items())


def expansions(call: Call) -> frozenset[str]:
    """Return what is to be expanded: ``expand[]`` repeated, or one ``expand``."""
    return frozenset(value for name in EXPAND for value in call.query.getall(name, ()))


def _bounds(call: Call, longest: int, default: int = _DEFAULT) -> tuple[int, int]:
    asked = query(call)
    count = fields.integer(asked, "count")
    skip = fields.integer(asked, "skip") or 0
    if count is not None and count < 1:
        raise invalid("The count must be at least 1.", "count")
    if count is not None and count > longest:
        raise invalid(f"The count may not be greater than {longest}.", "count")
    if skip < 0:
        raise invalid("The skip must be at least 0.", "skip")
    return default if count is None else count, skip
