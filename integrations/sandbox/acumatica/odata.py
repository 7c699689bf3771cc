"""The part of OData v3's ``$filter`` that Acumatica's guide shows.

``or`` binds weaker than ``and``, ``and`` weaker than ``not``; texts compare without regard to case, as the ERP's
database does. A filter over the fields of detail lines is refused: the guide calls its result unpredictable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<moment>datetime(?:offset)?'(?P<at>[^']*)')
      | (?P<guid>guid'(?P<guid_text>[^']*)')
      | (?P<text>'(?:[^']|'')*')
      | (?P<number>-?\d+(?:\.\d+)?[MmDdFfLl]?)(?![\w-])
      | (?P<name>[A-Za-z_][\w/.]*)
      | (?P<sign>[(),])
    )""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "substringof": lambda part, whole: part in whole,
    "startswith": lambda whole, part: whole.startswith(part),
    "endswith": lambda whole, part: whole.endswith(part),
}


class BadFilter(ValueError):
    """A filter that cannot be read; the message says where."""


class Fields(Protocol):
    """What a filter looks at: text, float, bool, or None."""

    def get(self, name: str) -> Any:
        """Return the value of a field; moments are Unix seconds."""


Test = Callable[[Fields], bool]
Value = Callable[[Fields], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter ready for use. ``floors`` are the fields that must be above a value for any record to pass."""

    test: Test
    floors: Sequence[tuple[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    test: Test
    floors: tuple[tuple[str, Any], ...] = ()


class _Reader:
    def __init__(self, text: str, knows: Callable[[str], bool], moment: Callable[[str], float]) -> None:
        self._tokens = _tokens(text)
        self._position = 0
        self._knows = knows
        self._moment = moment

    def whole(self) -> Filter:
        clause = self._any()
        if self._position < len(self._tokens):
            raise BadFilter(f"Syntax error near {self._tokens[self._position][1]!r} in $filter.")
        return Filter(test=clause.test, floors=clause.floors)

    def _any(self) -> _Clause:
        clause = self._all()
        while self._skip("name", "or"):
            clause = _Clause(test=_either(clause.test, self._all().test))
        return clause

    def _all(self) -> _Clause:
        clause = self._not()
        while self._skip("name", "and"):
            other = self._not()
            clause = _Clause(test=_both(clause.test, other.test), floors=clause.floors + other.floors)
        return clause

    def _not(self) -> _Clause:
        if self._skip("name", "not"):
            test = self._not().test
            return _Clause(test=lambda record: not test(record))
        if self._skip("sign", "("):
            clause = self._any()
            self._expect(")")
            return clause
        return self._comparison()

    def _comparison(self) -> _Clause:
        kind, text = self._peek()
        if kind == "name" and text in _FUNCTIONS:
            test = self._function()
            if self._skip("name", "eq"):
                wanted = self._next()[1] == "true"
                return _Clause(test=lambda record: test(record) is wanted)
            return _Clause(test=test)
        left, field = self._value()
        kind, sign = self._next()
        if kind != "name" or sign not in _COMPARE:
            raise BadFilter(f"Expected a comparison but found {sign!r} in $filter.")
        right, other = self._value()
        floors = ((field, right(_NOTHING)),) if field and not other and sign in ("gt", "ge") else ()
        return _Clause(test=_comparing(left, sign, right), floors=floors)

    def _function(self) -> Test:
        name = self._next()[1]
        self._expect("(")
        first, _ = self._value()
        self._expect(",")
        second, _ = self._value()
        self._expect(")")
        holds = _FUNCTIONS[name]
        return lambda record: holds(str(first(record) or ""), str(second(record) or ""))

    def _value(self) -> tuple[Value, str | None]:
        """Return what reads the value and, for a field, its name."""
        kind, text = self._next()
        literal: Any
        if kind == "name" and text not in ("true", "false", "null"):
            if not self._knows(text):
                raise BadFilter(f"The field {text} is not known or cannot be used in $filter.")
            return (lambda record: _plain(record.get(text))), text
        if kind == "name":
            literal = {"true": True, "false": False, "null": None}[text]
        elif kind == "moment":
            try:
                literal = self._moment(text)
            except ValueError as problem:
                raise BadFilter(f"{text!r} is no date and time in $filter.") from problem
        elif kind == "number":
            literal = float(text.rstrip("MmDdFfLl"))
        elif kind in ("text", "guid"):
            literal = text.casefold()
        else:
            raise BadFilter(f"Expected a value but found {text!r} in $filter.")
        return (lambda record: literal), None

    def _peek(self) -> tuple[str, str]:
        if self._position >= len(self._tokens):
            raise BadFilter("The $filter ends too early.")
        return self._tokens[self._position]

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _skip(self, kind: str, text: str) -> bool:
        if self._position < len(self._tokens) and self._tokens[self._position] == (kind, text):
            self._position += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._skip("sign", sign):
            raise BadFilter(f"Expected {sign!r} in $filter.")


class _Nothing:
    def get(self, name: str) -> Any:
        return None


_NOTHING = _Nothing()


def parse(text: str, knows: Callable[[str], bool], moment: Callable[[str], float]) -> Filter:
    """Return the filter a text stands for.

    ``knows`` says whether a field may be filtered on; ``moment`` reads a date. Raises BadFilter.
    """
    return _Reader(text, knows, moment).whole()


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise BadFilter(f"Syntax error near {stripped[position : position + 20]!r} in $filter.")
        position = match.end()
        if match["moment"]:
            tokens.append(("moment", match["at"]))
        elif match["guid"]:
            tokens.append(("guid", match["guid_text"]))
        elif match["text"]:
            tokens.append(("text", match["text"][1:-1].replace("''", "'")))
        else:
            kind = "number" if match["number"] else "name" if match["name"] else "sign"
            tokens.append((kind, match[kind]))
    return tokens


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, bool) or value is None:
        return value
    return float(value)


def _comparing(left: Value, sign: str, right: Value) -> Test:
    compare = _COMPARE[sign]
    ordered = sign not in ("eq", "ne")

    def test(record: Fields) -> bool:
        one, other = left(record), right(record)
        if ordered and (one is None or other is None or isinstance(one, str) is not isinstance(other, str)):
            return False  # as SQL: nothing is above or below NULL
        return compare(one, other)

    return test


def _both(one: Test, other: Test) -> Test:
    return lambda record: one(record) and other(record)


def _either(one: Test, other: Test) -> Test:
    return lambda record: one(record) or other(record)
