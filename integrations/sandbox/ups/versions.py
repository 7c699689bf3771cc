"""The version in a path, and what it changes: before v2403 a list of one thing is that thing itself."""

from __future__ import annotations

import re
from typing import Any

_KNOWN = frozenset((1, 1601, 1607, 1701, 1707, 1801, 1807, 1903, 2108, 2205, 2403, 2409))
_LISTS = 2403
# These the documents promise as lists only from a later version on.
_LATER = {"RatedShipment": 2409}


def read_version(text: str) -> int | None:
    """Return the number of a version (``v2409``, ``v1``; the v may be missing), None when UPS has no such version."""
    found = re.fullmatch(r"v?(\d{1,4})", text)
    number = int(found[1]) if found else 0
    return number if number in _KNOWN else None


def as_version(value: Any, version: int) -> Any:
    """Return an answer as a version writes it; what is in no list is untouched."""
    if isinstance(value, dict):
        return {name: _member(name, member, version) for name, member in value.items()}
    if isinstance(value, list):
        return [as_version(item, version) for item in value]
    return value


def _member(name: str, value: Any, version: int) -> Any:
    made = as_version(value, version)
    if isinstance(made, list) and len(made) == 1 and version < _LATER.get(name, _LISTS):
        return made[0]
    return made
