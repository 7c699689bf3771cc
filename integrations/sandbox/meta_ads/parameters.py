"""The parameters of a request: from the query, a form or a JSON body, where lists and objects may be JSON text."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson

from integrations.sandbox.meta_ads.errors import bad_parameter
from integrations.sandbox.twin import Ask


class Parameters:
    """All parameters by name; what the body says goes before what the query says."""

    def __init__(self, ask: Ask) -> None:
        self._values: dict[str, Any] = dict(ask.query.items())
        self._values.update(_body(ask))

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as text."""
        value = self._values.get(name)
        return default if value in (None, "") else str(value)

    def value(self, name: str) -> Any:
        """Return a parameter with JSON text read, None when it is absent; raises ``GraphError`` for text that is none."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            return None if value == "" else value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise bad_parameter(f"param {name} must be JSON text.") from None

    def names(self, name: str) -> list[str]:
        """Return a list of names, written with commas or as a JSON array."""
        value = self._values.get(name)
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = self.value(name)
        if isinstance(value, str):
            return [one.strip() for one in value.split(",") if one.strip()]
        if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            raise bad_parameter(f"param {name} must be an array.")
        return list(value or [])

    def number(self, name: str, default: int) -> int:
        """Return a whole number from 1 on."""
        text = self.text(name, str(default))
        if not text.isdigit() or int(text) < 1:
            raise bad_parameter(f"param {name} must be an integer greater than 0.")
        return int(text)

    def as_query(self, *left_out: str) -> list[tuple[str, str]]:
        """Return the parameters as they go into a link, without those named."""
        return [
            (name, value if isinstance(value, str) else orjson.dumps(value).decode())
            for name, value in self._values.items()
            if name not in left_out
        ]


def _body(ask: Ask) -> dict[str, Any]:
    if not ask.body:
        return {}
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json":
        try:
            value = orjson.loads(ask.body)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise bad_parameter("The body must be a JSON object.")
        return value
    return dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
