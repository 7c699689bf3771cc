"""Checks a JSON body against a shape as MyDHL does: every problem with its JSON pointer, unknown keys among them.

The sentences are those of the vendor's samples (``required key [..] not found``, ``extraneous key [..] is not
permitted``, ``expected maxLength: 80, actual: 85``), which are the everit json-schema library's; the rest of that
library's sentences are used where the samples show none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

_KINDS = {str: "String", bool: "Boolean", int: "Integer", float: "BigDecimal", dict: "JSONObject", list: "JSONArray"}


class Shape(Protocol):
    """What a value must be."""

    def problems(self, value: Any, at: str) -> Iterator[str]:
        """Yield what is wrong with a value, naming where it stands (``#/content/packages/0``)."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string of ``low`` to ``high`` characters, one of ``values`` where there are some."""

    low: int = 0
    high: int | None = None
    values: Sequence[str] = ()
    pattern: str = ""

    def problems(self, value: Any, at: str) -> Iterator[str]:
        """Yield what is wrong."""
        if not isinstance(value, str):
            yield _expected("String", value, at)
            return
        if len(value) < self.low:
            yield f"{at}: expected minLength: {self.low}, actual: {len(value)}"
        if self.high is not None and len(value) > self.high:
            yield f"{at}: expected maxLength: {self.high}, actual: {len(value)}"
        if self.pattern and not re.search(self.pattern, value):
            yield f"{at}: string [{value}] does not match pattern {self.pattern}"
        if self.values and value not in self.values:
            yield f"{at}: {value} is not a valid enum value"


@dataclass(frozen=True, slots=True)
class Number:
    """A number from ``low`` to ``high`` in whole multiples of ``step``; ``whole`` refuses fractions by their type."""

    low: str | None = None
    high: str | None = None
    step: str | None = None
    values: Sequence[int] = ()
    whole: bool = False

    def problems(self, value: Any, at: str) -> Iterator[str]:
        """Yield what is wrong."""
        allowed = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed):
            yield _expected("Integer" if self.whole else "Number", value, at)
            return
        number = Decimal(str(value))
        if self.low is not None and number < Decimal(self.low):
            yield f"{at}: {value} is not greater or equal to {self.low}"
        if self.high is not None and number > Decimal(self.high):
            yield f"{at}: {value} is not less or equal to {self.high}"
        if self.step is not None and number % Decimal(self.step):
            yield f"{at}: {value} is not a multiple of {self.step}"
        if self.values and value not in self.values:
            yield f"{at}: {value} is not a valid enum value"


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def problems(self, value: Any, at: str) -> Iterator[str]:
        """Yield what is wrong."""
        if not isinstance(value, bool):
            yield _expected("Boolean", value, at)


@dataclass(frozen=True, slots=True)
class Many:
    """A list of ``low`` to ``high`` of one shape, no two alike where ``unique``."""

    of: Shape
    low: int = 0
    high: int | None = None
    unique: bool = False

    def problems(self, value: Any, at: str) -> Iterator[str]:
        """Yield what is wrong."""
        if not isinstance(value, list):
            yield _expected("JSONArray", value, at)
            return
        if len(value) < self.low:
            yield f"{at}: expected minimum item count: {self.low}, found: {len(value)}"
        if self.high is not None and len(value) > self.high:
            yield f"{at}: expected maximum item count: {self.high}, found: {len(value)}"
        if self.unique and any(item in value[:index] for index, item in enumerate(value)):
            yield f"{at}: array items are not unique"
        for index, item in enumerate(value):
            yield from self.of.problems(item, f"{at}/{index}")


class Fields:
    """An object of known keys; those written with a ``*`` are required. No other key is permitted unless ``loose``."""

    def __init__(self, fields: Mapping[str, Shape], *, loose: bool = False, exactly_one: Sequence[str] = ()) -> None:
        self.shapes = {name.rstrip("*"): shape for name, shape in fields.items()}
        self.required = [name.rstrip("*") for name in fields if name.endswith("*")]
        self.loose = loose
        self.exactly_one = exactly_one

    def __repr__(self) -> str:
        return f"<Fields {', '.join(self.shapes)}>"

    def problems(self, value: Any, at: str) -> Iterator[str]:
        """Yield what is wrong."""
        if not isinstance(value, dict):
            yield _expected("JSONObject", value, at)
            return
        yield from (f"{at}: required key [{name}] not found" for name in self.required if name not in value)
        if not self.loose:
            yield from (f"{at}: extraneous key [{name}] is not permitted" for name in value if name not in self.shapes)
        if self.exactly_one and sum(name in value for name in self.exactly_one) != 1:
            yield f"{at}: #: no subschema matched out of the total 1 subschemas"
        for name, shape in self.shapes.items():
            if name in value:
                yield from shape.problems(value[name], f"{at}/{name}")


def _expected(kind: str, value: Any, at: str) -> str:
    return f"{at}: expected type: {kind}, found: {_KINDS.get(type(value), 'Null')}"
