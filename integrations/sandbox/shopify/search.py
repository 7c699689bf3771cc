"""The search text of a connection (``query: "updated_at:>='2026-01-01T00:00:00Z' financial_status:paid"``).

Three things in it are traps. A field the connection does not know, or a value a field does not take, is left out of the
filter, with a warning in ``extensions.search`` and nothing else. A time without quotes ends at its first colon: what is
left is read as a field of its own, and the time as an hour in the shop's zone. Filters are joined by AND unless OR
stands between them. (Recorded exchanges with API version 2026-04.)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

from integrations.sandbox.shopify.connection import bad_request

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<bracket>[()])
      | (?P<minus>-)(?=\S)
      | (?P<field>[A-Za-z0-9_.]+):(?P<compare>>=|<=|>|<)?(?P<value>"(?:\\.|[^"])*"|'(?:\\.|[^'])*'|(?:\\.|[^\s():])+)
      | (?P<word>"(?:\\.|[^"])*"|'(?:\\.|[^'])*'|(?:\\.|[^\s():])+)
      | (?P<colon>:)
    )""",
    re.VERBOSE,
)
_RANGES: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    ">=": ("range_gte", operator.ge),
    "<=": ("range_lte", operator.le),
    ">": ("range_gt", operator.gt),
    "<": ("range_lt", operator.lt),
}
_DEFAULT = "default"

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One field of a search: how its values are compared, and how they are read off a thing."""

    read: Callable[[Any], Sequence[Any]]
    kind: Literal["text", "time", "number", "choice"] = "text"
    choices: frozenset[str] = frozenset()
    negated: bool = False  # tag_not


@dataclass(slots=True)
class Query:
    """A search text understood: the test it makes, how it was read, and what was left out of it."""

    test: Test
    parsed: dict[str, Any]
    warnings: list[dict[str, str]] = field(default_factory=list)


def understand(text: str, filters: Mapping[str, Filter], words: Callable[[Any], str], zone: tzinfo) -> Query:
    """Return the query of a search text. ``words`` is what a term without a field is looked for in."""
    return _Reader(text, filters, words, zone).read()


class _Reader:
    """Reads one text from left to right: OR binds least, then AND (written or not), then NOT."""

    def __init__(self, text: str, filters: Mapping[str, Filter], words: Callable[[Any], str], zone: tzinfo) -> None:
        self._tokens = list(_tokens(text))
        self._filters = filters
        self._words = words
        self._zone = zone
        self._warnings: list[dict[str, str]] = []

    def read(self) -> Query:
        test, parsed = self._either()
        return Query(test, parsed, self._warnings)

    def _either(self) -> tuple[Test, dict[str, Any]]:
        parts = [self._all()]
        while self._takes_word("OR"):
            parts.append(self._all())
        if len(parts) == 1:
            return parts[0]
        return lambda thing: any(test(thing) for test, _ in parts), {"or": [parsed for _, parsed in parts]}

    def _all(self) -> tuple[Test, dict[str, Any]]:
        parts = []
        while self._tokens and not self._is_word("OR") and self._tokens[0].get("bracket") != ")":
            if not self._takes_word("AND"):
                parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        return lambda thing: all(test(thing) for test, _ in parts), {"and": [parsed for _, parsed in parts]}

    def _one(self) -> tuple[Test, dict[str, Any]]:
        if self._takes_word("NOT") or self._takes("minus"):
            if not self._tokens:
                return _anything, {}
            test, parsed = self._one()
            return lambda thing: not test(thing), {"not": parsed}
        token = self._tokens.pop(0)
        if token.get("bracket") == "(":
            inner = self._either()
            if self._tokens and self._tokens[0].get("bracket") == ")":
                self._tokens.pop(0)
            return inner
        if "field" in token:
            return self._term(token["field"], token.get("compare") or "", _bare(token["value"]))
        word = _bare(token.get("word", ""))
        return lambda thing: word.casefold() in self._words(thing).casefold(), {
            "field": _DEFAULT,
            "match_all": word,
        }

    def _term(self, name: str, compare: str, value: str) -> tuple[Test, dict[str, Any]]:
        known = self._filters.get(name)
        how, apply = _RANGES.get(compare, ("match_all", operator.eq))
        parsed: dict[str, Any] = {"field": name, how: value}
        if known is None:
            self._warn(name, "Invalid search field for this query.", "invalid_field")
            return _anything, parsed
        read = known.read
        if known.kind == "time":
            wanted, parsed[how] = self._moment(name, value)
            return lambda thing: any(one is not None and apply(one, wanted) for one in read(thing)), parsed
        if known.kind == "number":
            if not re.fullmatch(r"-?\d+(\.\d+)?", value):
                self._warn(name, f"Expected field to be a positive integer or UUID, received `{value}`.", "")
                return _anything, parsed
            number = float(value)
            return lambda thing: any(apply(float(one), number) for one in read(thing)), parsed
        text = value.casefold()
        if known.kind == "choice" and text not in known.choices:
            self._warn(name, f"Input `{value}` is not an accepted value.", "invalid_value")
            return _anything, parsed
        found = _matcher(text)
        if known.negated:
            return lambda thing: not any(found(str(one).casefold()) for one in read(thing)), parsed
        return lambda thing: any(found(str(one).casefold()) for one in read(thing)), parsed

    def _moment(self, name: str, value: str) -> tuple[float, str]:
        if value == "now":
            return float("inf"), value
        try:
            read = datetime.fromisoformat(value)
        except ValueError as problem:
            raise bad_request(f"Invalid timestamp for query filter `{name}`.") from problem
        at = read if read.tzinfo else read.replace(tzinfo=self._zone)
        text = at.isoformat(timespec="seconds")
        return at.timestamp(), text.replace("+00:00", "Z") if at.tzinfo is UTC else text

    def _warn(self, name: str, message: str, code: str) -> None:
        warning = {"field": name, "message": message}
        self._warnings.append({**warning, "code": code} if code else warning)

    def _is_word(self, word: str) -> bool:
        return bool(self._tokens) and self._tokens[0].get("word") == word

    def _takes_word(self, word: str) -> bool:
        if self._is_word(word):
            self._tokens.pop(0)
            return True
        return False

    def _takes(self, kind: str) -> bool:
        if self._tokens and kind in self._tokens[0]:
            self._tokens.pop(0)
            return True
        return False


def _tokens(text: str) -> Iterator[dict[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:  # blanks at the end, or a quotation mark that is never closed
            at += 1
            continue
        at = found.end()
        token = {name: value for name, value in found.groupdict().items() if value is not None}
        if "colon" not in token:
            yield token


def _bare(value: str) -> str:
    inner = value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value
    return re.sub(r"\\(.)", r"\1", inner)


def _matcher(text: str) -> Callable[[str], bool]:
    """Return the test for a text: ``*`` alone asks whether there is any value, at the end for a beginning."""
    if text == "*":
        return bool
    if text.endswith("*"):
        return lambda value: value.startswith(text[:-1])
    return lambda value: value == text


def _anything(thing: Any) -> bool:
    return True
