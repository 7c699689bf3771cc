"""The Google Ads Query Language, as far as its form goes (developers.google.com/google-ads/api/docs/query/grammar).

    SELECT fields FROM resource [WHERE condition AND …] [ORDER BY field [ASC | DESC], …] [LIMIT n] [PARAMETERS name=value, …]

Key words are read in any case, names are not. What the fields mean is report.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.sandbox.google_ads.errors import query_error

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|(?P<sign>!=|<=|>=|[=<>(),])"""
    r"""|(?P<word>-?[A-Za-z0-9_.]+))"""
)
_FIELD = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_CLAUSES = ("SELECT", "FROM", "WHERE", "ORDER", "LIMIT", "PARAMETERS")
_PARAMETERS = ("include_drafts", "omit_unselected_resource_names")
SIGNS = ("=", "!=", ">", ">=", "<", "<=")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a sign or a quoted text, which is kept without its quotes."""

    kind: str
    text: str

    def says(self, *words: str) -> bool:
        """Say whether this is one of the key words or signs."""
        return self.kind != "text" and self.text.upper() in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """``operator`` is a sign or words in capitals (NOT IN, DURING, IS NULL …)."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query's clauses. ``order`` is (field, descending)."""

    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None


def parse(text: str) -> Query:
    """Return the clauses of a query; raises ``AdsRefused`` with a queryError."""
    reader = _Reader(_tokens(text))
    if not reader.rest:
        raise query_error("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
    if not reader.take("SELECT"):
        raise query_error("EXPECTED_SELECT", "Error in query: expected SELECT.", reader.rest[0].text)
    fields = [reader.field()]
    while reader.take(","):
        fields.append(reader.field())
    if not reader.take("FROM"):
        raise query_error("EXPECTED_FROM", "Error in query: expected FROM.")
    resource = reader.word()
    conditions, order, limit = [], [], None
    if reader.take("WHERE"):
        conditions.append(reader.condition())
        while reader.take("AND"):
            conditions.append(reader.condition())
    if reader.take("ORDER"):
        if not reader.take("BY"):
            raise query_error("EXPECTED_BY", "Error in query: expected BY.")
        order.append(reader.ordering())
        while reader.take(","):
            order.append(reader.ordering())
    if reader.take("LIMIT"):
        limit = reader.limit()
    if reader.take("PARAMETERS"):
        reader.parameter()
        while reader.take(","):
            reader.parameter()
    if reader.rest:
        raise query_error("UNEXPECTED_INPUT", f"Error in query: unexpected input {reader.rest[0].text}.")
    return Query(fields=tuple(fields), resource=resource, conditions=tuple(conditions), order=tuple(order), limit=limit)


def _tokens(text: str) -> list[Token]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            sign = text[place:].strip()[0]
            code = "STRING_NOT_TERMINATED" if sign in "'\"" else "BAD_SYMBOL"
            raise query_error(code, f"Error in query: {code.lower().replace('_', ' ')}.", sign)
        kind = match.lastgroup or ""
        raw = match[kind]
        found.append(Token(kind, re.sub(r"\\(.)", r"\1", raw[1:-1]) if kind == "text" else raw))
        place = match.end()
    return found


class _Reader:
    """What of a query is still to be read."""

    def __init__(self, tokens: list[Token]) -> None:
        self.rest = tokens

    def take(self, *words: str) -> bool:
        """Take the next token when it is one of the key words or signs."""
        if not self.rest or not self.rest[0].says(*words):
            return False
        self.rest = self.rest[1:]
        return True

    def next(self) -> Token:
        if not self.rest:
            raise query_error("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        token, self.rest = self.rest[0], self.rest[1:]
        return token

    def word(self) -> str:
        token = self.next()
        if token.kind != "word" or token.says(*_CLAUSES):
            raise query_error("UNEXPECTED_INPUT", f"Error in query: unexpected input {token.text}.", token.text)
        return token.text

    def field(self) -> str:
        name = self.word()
        if not _FIELD.fullmatch(name):
            raise query_error("BAD_FIELD_NAME", f"Error in SELECT clause: invalid field name '{name}'.", name)
        return name

    def condition(self) -> Condition:
        field = self.field()
        token = self.next()
        if token.kind == "sign" and token.text in SIGNS:
            return Condition(field=field, operator=token.text, values=(self.value(),))
        operator = token.text.upper()
        if operator == "NOT":
            operator = f"NOT {self.next().text.upper()}"
        match operator:
            case "IN" | "NOT IN":
                return Condition(field=field, operator=operator, values=self.list())
            case "LIKE" | "NOT LIKE":
                return Condition(field=field, operator=operator, values=(self.value(),))
            case "DURING":
                return Condition(field=field, operator=operator, values=(self.word(),))
            case "BETWEEN":
                first = self.value()
                if not self.take("AND"):
                    raise query_error("EXPECTED_AND", "Error in WHERE clause: expected AND.")
                return Condition(field=field, operator=operator, values=(first, self.value()))
            case "IS":
                wanted = "IS NOT NULL" if self.take("NOT") else "IS NULL"
                if self.take("NULL"):
                    return Condition(field=field, operator=wanted, values=())
        raise query_error("BAD_OPERATOR", f"Error in WHERE clause: invalid operator '{token.text}'.", token.text)

    def value(self) -> str:
        token = self.next()
        if token.kind == "sign":
            raise query_error("BAD_VALUE", f"Error in WHERE clause: invalid value '{token.text}'.", token.text)
        return token.text

    def list(self) -> tuple[str, ...]:
        if not self.take("("):
            raise query_error("EXPECTED_LIST", "Error in WHERE clause: expected a list.")
        if self.take(")"):
            raise query_error("PROHIBITED_EMPTY_LIST_IN_CONDITION", "Error in WHERE clause: the list is empty.")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        if not self.take(")"):
            raise query_error("UNEXPECTED_INPUT", "Error in WHERE clause: the list does not end.")
        return tuple(values)

    def ordering(self) -> tuple[str, bool]:
        field = self.field()
        descending = self.take("DESC")
        if not descending:
            self.take("ASC")
        return field, descending

    def limit(self) -> int:
        token = self.next()
        if not re.fullmatch(r"-?\d+", token.text) or token.kind == "text":
            raise query_error("BAD_LIMIT_VALUE", f"Error in LIMIT clause: invalid value '{token.text}'.", token.text)
        if int(token.text) < 1:
            raise query_error("LIMIT_VALUE_TOO_LOW", "Error in LIMIT clause: the value must be above 0.", token.text)
        return int(token.text)

    def parameter(self) -> None:
        name = self.word()
        if name not in _PARAMETERS:
            raise query_error("BAD_PARAMETER_NAME", f"Error in PARAMETERS clause: invalid name '{name}'.", name)
        if not self.take("=") or self.next().text.lower() not in ("true", "false"):
            raise query_error("BAD_PARAMETER_VALUE", f"Error in PARAMETERS clause: invalid value of '{name}'.", name)
