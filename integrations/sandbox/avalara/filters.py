"""``$filter`` and ``$orderBy`` (developer.avalara.com/avatax/filtering-in-rest).

``eq ne gt ge lt le`` or their signs, ``between a and b`` (the second one excluded), ``in (a, b)``, ``contains``,
``startswith``, ``endswith``, ``is null``, ``is not null``, joined by ``and``, ``or`` and parentheses. Texts compare without
regard to case (unconfirmed; the page compares ``status eq committed``), fields are named in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.sandbox.avalara.errors import Refused

_TOKEN = re.compile(r"""\s*(?:('(?:[^']|'')*'|"(?:[^"]|"")*")|(<=|>=|<>|!=|[=<>(),])|([^\s=<>!(),'"]+))""")
_SIGNS = {"=": "eq", "<>": "ne", "!=": "ne", ">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}
_TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda one, other: other in one,
    "startswith": str.startswith,
    "endswith": str.endswith,
}

Record = Mapping[str, Any]
Test = Callable[[Record], bool]


class Filter:
    """One filter, read; ``fields`` are those it names."""

    def __init__(self, text: str, known: Sequence[str]) -> None:
        """Read a filter; raises ``Refused`` for what cannot be read and for a field there is not."""
        self._text = text
        self._known = {name.lower(): name for name in known}
        self._tokens = self._split(text)
        self._at = 0
        self.fields: set[str] = set()
        self.matches = self._any_of()
        if self._at < len(self._tokens):
            raise self._no_conjunction() if self._tokens[self._at] != ")" else self._malformed()

    def __repr__(self) -> str:
        return f"<Filter {self._text!r}>"

    def _split(self, text: str) -> list[str]:
        tokens, end = [], 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if found is None:
                raise self._malformed()
            tokens.append(found[0].strip())
            end = found.end()
        return tokens

    # or, and, one criterion

    def _any_of(self) -> Test:
        tests = [self._all_of()]
        while self._next_is("or"):
            self._at += 1
            tests.append(self._all_of())
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._criterion()]
        while self._next_is("and"):
            self._at += 1
            tests.append(self._criterion())
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def _criterion(self) -> Test:
        if self._next_is("("):
            self._at += 1
            inner = self._any_of()
            self._expect(")")
            return inner
        name = self._field()
        operator = self._take().lower()
        operator = _SIGNS.get(operator, operator)
        if operator == "is":
            wanted = not self._next_is("not")
            self._at += 0 if wanted else 1
            self._expect("null")
            return lambda record: (record.get(name) in (None, "")) is wanted
        if operator == "between":
            low = self._value()
            self._expect("and")
            high = self._value()
            return lambda record: _holds("ge", record.get(name), low) and _holds("lt", record.get(name), high)
        if operator == "in":
            values = self._list()
            return lambda record: any(_holds("eq", record.get(name), value) for value in values)
        if operator not in _COMPARISONS and operator not in _TEXTUAL:
            raise self._malformed()
        value = self._value()
        return lambda record: _holds(operator, record.get(name), value)

    def _field(self) -> str:
        given = self._take()
        name = self._known.get(given.lower())
        if name is None:
            message = f"The field '{given}' in the query '{self._text}' is not queryable."
            raise Refused("FieldNotQueryableError", message, message, target="HttpRequest")
        self.fields.add(name)
        return name

    def _list(self) -> list[str]:
        self._expect("(")
        values = [self._value()]
        while self._next_is(","):
            self._at += 1
            values.append(self._value())
        self._expect(")")
        return values

    def _value(self) -> str:
        word = self._take()
        if word in "(),":
            raise self._malformed()
        quote = word[0]
        return word[1:-1].replace(quote * 2, quote) if quote in "'\"" else word

    # Tokens

    def _next_is(self, token: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].lower() == token

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise self._malformed()
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, token: str) -> None:
        if not self._next_is(token):
            raise self._malformed()
        self._at += 1

    def _malformed(self) -> Refused:
        return Refused(
            "MalformedFilterException",
            "Filter is malformed.",
            f"The filter is invalid: {self._text}",
            target="HttpRequest",
        )

    @staticmethod
    def _no_conjunction() -> Refused:
        return Refused(
            "ExpectedConjunctionError",
            "The filter was missing a conjunction",
            "Use one of the conjunctions 'AND', 'OR' to join filter clauses",
            target="HttpRequest",
        )


def ordered(records: Sequence[Record], text: str, known: Sequence[str]) -> list[Record]:
    """Return the records by ``$orderBy``; raises ``Refused`` for a field there is not."""
    names = {name.lower(): name for name in known}
    found = list(records)
    for part in reversed([part.split() for part in text.split(",") if part.strip()]):
        name = names.get(part[0].lower())
        if name is None or len(part) > 2 or (len(part) == 2 and part[1].lower() not in ("asc", "desc")):
            message = f"The field '{' '.join(part)}' in the query '{text}' is not orderable."
            raise Refused("FieldNotOrderableError", message, message, target="HttpRequest")
        found.sort(key=lambda record: record[name], reverse=len(part) == 2 and part[1].lower() == "desc")
    return found


def _holds(operator: str, value: Any, text: str) -> bool:
    """Compare a member with a text of the filter, as a number, a truth or a text, whichever the member is."""
    if value is None:
        return operator == "ne"
    if operator in _TEXTUAL:
        return _TEXTUAL[operator](str(value).lower(), text.lower())
    compare = _COMPARISONS[operator]
    if isinstance(value, bool):
        return compare(value, text.lower() in ("true", "1"))
    if isinstance(value, int | Decimal):
        try:
            return compare(Decimal(value), Decimal(text))
        except InvalidOperation:
            return operator == "ne"
    shown = str(value).lower()
    # A moment is compared with a day as the midnight it begins with, a day with a moment as a day.
    if len(shown) == 10 and re.fullmatch(r"\d{4}-\d\d-\d\dt.*", text.lower()):
        return compare(shown, text[:10])
    return compare(shown, text.lower())
