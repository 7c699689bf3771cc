"""Reads a JSON request the way UPS does: texts only, never numbers, and one thing where a list may stand.

The vendor's document asks for lists; its own examples have an object for a single package or charge, and are served.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from integrations.sandbox.ups.errors import Refused, missing, wrong


class Node:
    """An object of the request with its path, so that a refusal can say where."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise wrong(path, value)
        self._value = value
        self.path = path

    def __repr__(self) -> str:
        return f"<Node {self.path}>"

    def __contains__(self, name: str) -> bool:
        """Say whether the field is there; an empty tag is (``"NegotiatedRatesIndicator": ""``)."""
        return self._value.get(name) is not None

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}".lstrip(".")

    def node(self, name: str) -> Node:
        """Return a required object."""
        if name not in self:
            raise missing(self.at(name))
        return Node(self._value[name], self.at(name))

    def maybe(self, name: str) -> Node | None:
        """Return an object, None when absent or an empty text, which some clients send for it."""
        return None if self._value.get(name) in (None, "") else self.node(name)

    def nodes(self, name: str) -> list[Node]:
        """Return the objects of a list, or the one that stands there by itself; none when absent."""
        value = self._value.get(name)
        if value in (None, ""):
            return []
        items = value if isinstance(value, list) else [value]
        return [Node(item, f"{self.at(name)}[{place}]") for place, item in enumerate(items)]

    def text(self, name: str, refused: Refused | None = None) -> str:
        """Return a required text that is not blank; ``refused`` is raised instead of the general refusal."""
        value = self._value.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise refused or missing(self.at(name))
        if not isinstance(value, str):
            raise refused or wrong(self.at(name), value)
        return value.strip()

    def optional(self, name: str, default: str = "") -> str:
        """Return a text, the default when it is absent or blank."""
        value = self._value.get(name)
        return default if value is None or value == "" else self.text(name)

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list, or the one that stands there by itself."""
        value = self._value.get(name)
        items = value if isinstance(value, list) else [] if value in (None, "") else [value]
        if not all(isinstance(item, str) for item in items):
            raise wrong(self.at(name), value)
        return [item for item in items if item.strip()]

    def number(self, name: str, refused: Refused | None = None) -> Decimal:
        """Return a required number, which is written as text; 0 and more."""
        text = self.text(name, refused)
        if not text.replace(".", "", 1).isdecimal():
            raise refused or wrong(self.at(name), text)
        return Decimal(text)

    def day(self, name: str) -> date:
        """Return a required day, ``YYYYMMDD``."""
        text = self.text(name)
        try:
            return read_day(text)
        except ValueError:
            raise wrong(self.at(name), text) from None


def read_day(text: str) -> date:
    """Return the day of ``YYYYMMDD``; raises ValueError for another form."""
    if len(text) != len("20261001") or not text.isdecimal():
        raise ValueError(text)
    return date.fromisoformat(text)
