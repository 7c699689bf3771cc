"""Readers of a JSON request: each returns a value of the right kind or refuses, naming the field by JSON pointer.

Members PayPal does not know are passed over, as it does. An amount that is a number and no string is refused, because
the contract says so; some users report that the sandbox takes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from integrations.sandbox.paypal.errors import malformed


class Reader:
    """A JSON object with its pointer, so that a refusal can say where."""

    def __init__(self, value: Any, pointer: str = "") -> None:
        if not isinstance(value, dict):
            raise malformed("INVALID_PARAMETER_SYNTAX", pointer or "/")
        self.raw: dict[str, Any] = value
        self.pointer = pointer

    def __contains__(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def at(self, name: str) -> str:
        """Return the pointer of a member."""
        return f"{self.pointer}/{name}"

    def object(self, name: str) -> Reader | None:
        """Return an object, None when absent."""
        return Reader(self.raw[name], self.at(name)) if name in self else None

    def required_object(self, name: str) -> Reader:
        """Return an object that must be there."""
        return self.object(name) or self._missing(name)

    def objects(self, name: str, *, low: int = 0, high: int = 10_000) -> list[Reader]:
        """Return a list of objects, empty when absent."""
        value = self.raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise malformed("INVALID_PARAMETER_SYNTAX", self.at(name))
        if len(value) < low:
            raise malformed("INVALID_ARRAY_MIN_ITEMS", self.at(name), len(value))
        if len(value) > high:
            raise malformed("INVALID_ARRAY_MAX_ITEMS", self.at(name), len(value))
        return [Reader(item, f"{self.at(name)}/{index}") for index, item in enumerate(value)]

    def text(self, name: str, *, low: int = 1, high: int = 2048, pattern: str | None = None) -> str | None:
        """Return a string, None when absent; its length must be within ``low`` and ``high``."""
        value = self.raw.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise malformed("INVALID_PARAMETER_SYNTAX", self.at(name), value)
        if not low <= len(value) <= high:
            raise malformed("INVALID_STRING_LENGTH", self.at(name), value)
        if pattern is not None and not re.fullmatch(pattern, value):
            raise malformed("INVALID_PARAMETER_SYNTAX", self.at(name), value)
        return value

    def required_text(self, name: str, *, low: int = 1, high: int = 2048, pattern: str | None = None) -> str:
        """Return a string that must be there."""
        value = self.text(name, low=low, high=high, pattern=pattern)
        return value if value is not None else self._missing(name)

    def choice(self, name: str, values: Sequence[str]) -> str | None:
        """Return one of the values, None when absent."""
        value = self.text(name)
        if value is not None and value not in values:
            raise malformed("INVALID_PARAMETER_VALUE", self.at(name), value)
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean, False when absent."""
        value = self.raw.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise malformed("INVALID_PARAMETER_SYNTAX", self.at(name), value)
        return value

    def _missing(self, name: str) -> Any:
        raise malformed("MISSING_REQUIRED_PARAMETER", self.at(name))
