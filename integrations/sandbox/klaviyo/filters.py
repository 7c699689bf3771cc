"""Filters: ``equals(email,"a@b.co"),greater-than(updated,2026-01-01T00:00:00Z)``, all of which must hold.

Each resource says which operators a field may be asked with; everything else is refused (the words are unconfirmed).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.sandbox.klaviyo.errors import Refused, wrong_parameter
from integrations.sandbox.klaviyo.shapes import moment

_CLAUSE = re.compile(
    r"""\s*(?P<operator>[a-z-]+)\(\s*(?P<field>[\w.$]+)\s*,\s*(?P<value>"[^"]*"|'[^']*'|\[[^\]]*\]|[^,()\[\]"']+)\s*\)"""
)
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*""")
_WRAPPED = re.compile(r"\s*and\((.*)\)\s*", re.DOTALL)
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "greater-than": lambda held, given: held > given,
    "greater-or-equal": lambda held, given: held >= given,
    "less-than": lambda held, given: held < given,
    "less-or-equal": lambda held, given: held <= given,
}

Allowed = Mapping[str, tuple[str, ...]]
Holds = Callable[[Callable[[str], Any]], bool]


def read(text: str | None, allowed: Allowed) -> Holds:
    """Return what tells whether an object passes, asked with what reads its fields; raises ``Refused`` 400."""
    if text is None:
        return lambda held: True
    wrapped = _WRAPPED.fullmatch(text)
    rest = wrapped[1] if wrapped else text
    clauses: list[Holds] = []
    while True:
        found = _CLAUSE.match(rest)
        if found is None:
            raise _bad("Invalid filter provided.")
        clauses.append(_clause(found["operator"], found["field"], found["value"].strip(), allowed))
        rest = rest[found.end() :].lstrip()
        if not rest:
            return lambda held: all(clause(held) for clause in clauses)
        if not rest.startswith(","):
            raise _bad("Invalid filter provided.")
        rest = rest[1:]


def _clause(operator: str, field: str, value: str, allowed: Allowed) -> Holds:
    if field not in allowed:
        raise _bad(f"'{field}' is not a filterable field. Filterable fields are: {', '.join(sorted(allowed))}.")
    operators = allowed[field]
    if operator not in operators:
        names = ", ".join(f"'{name}'" for name in operators)
        raise _bad(f"The only operators supported on {field} are {names}")
    if operator in _COMPARED:
        compare, given = _COMPARED[operator], _instant(value)
        return lambda held: held(field) is not None and compare(float(held(field)), given)
    if operator == "any":
        wanted = _texts(value)
        return lambda held: _text(held(field)) in wanted
    only = _quoted(value).lower()
    return lambda held: _text(held(field)) == only


def _text(value: Any) -> str | None:
    return None if value is None else str(value).lower()


def _texts(value: str) -> set[str]:
    if not (value.startswith("[") and value.endswith("]")):
        raise _bad("Invalid filter provided. The operator 'any' takes an array.")
    return {_quoted(part).lower() for part in value[1:-1].split(",")}


def _quoted(value: str) -> str:
    found = _QUOTED.fullmatch(value)
    if found is None:
        raise _bad("Invalid filter provided. Strings must be wrapped in quotes.")
    return found[1] if found[1] is not None else found[2]


def _instant(value: str) -> float:
    at = moment(value)
    if at is not None:
        return at
    try:
        return float(Decimal(value))  # an event's timestamp is a number of seconds
    except InvalidOperation:
        raise _bad("Invalid filter provided. Datetimes must be ISO 8601.") from None


def _bad(detail: str) -> Refused:
    return wrong_parameter(detail, "filter")
