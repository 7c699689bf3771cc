"""What PHP does to values on their way in and out: casts that never fail, JSON with escaped slashes, nested queries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

_LEADING_INTEGER = re.compile(r"\s*([+-]?\d+)")
_SUBSCRIPTS = re.compile(r"\[([^\]]*)\]")
_SEPARATORS = re.compile(r"[\s,]+")


def php_json(value: Any) -> bytes:
    """Return JSON as ``json_encode`` writes it: nothing but ASCII, and every slash escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def integer(value: Any) -> int:
    """Cast as ``intval`` does: the digits a text begins with, 0 for what is no number."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return int(value)
    found = _LEADING_INTEGER.match(value) if isinstance(value, str) else None
    return int(found[1]) if found else 0


def boolean(value: Any) -> bool:
    """Cast as WordPress does to a boolean: ``"false"`` and ``"0"`` are false, any other text is true."""
    if isinstance(value, str):
        return value.lower() not in ("", "0", "false", "no")
    return bool(value)


def number(value: Decimal) -> int | float:
    """Return an amount as a JSON number, the way it comes: without a fraction when there is none."""
    return int(value) if value == value.to_integral_value() else float(value)


def amount(value: Any) -> Decimal | None:
    """Return a decimal text as a number; None when it is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def texts(value: Any) -> list[str]:
    """Return a list parameter, given as a list or as one text with commas or blanks between."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return [str(item) for item in value]
    return [part for part in _SEPARATORS.split(str(value)) if part]


def query(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return a query as ``$_GET`` has it: the last of a name counts, ``a[]`` and ``a[b]`` make lists and objects."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        base, _, rest = name.partition("[")
        subscripts = _SUBSCRIPTS.findall(f"[{rest}") if rest else []
        if not subscripts:
            found[name] = value
            continue
        inner = found.get(base)
        if not isinstance(inner, dict):
            inner = found[base] = {}
        key = subscripts[0] or str(len(inner))
        inner[key] = value
    return {name: _list(value) for name, value in found.items()}


def _list(value: Any) -> Any:
    if isinstance(value, dict) and list(value) == [str(place) for place in range(len(value))]:
        return list(value.values())
    return value
