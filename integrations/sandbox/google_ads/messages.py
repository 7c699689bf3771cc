"""Bodies read as the JSON form of a protobuf message, as strictly as Google reads them.

Names may be lowerCamelCase or the proto's own; int64 may be text; an unknown name, a value of another type or an unknown
word of an enum refuses the whole body with a sentence each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from integrations.sandbox.google_ads.errors import Malformed

STRING, BOOL, INT32, INT64, DOUBLE, BYTES = "STRING", "BOOL", "INT32", "INT64", "DOUBLE", "BYTES"
TIMESTAMP = "google.protobuf.Timestamp"


@dataclass(frozen=True, slots=True)
class Enum:
    """The words an enum has; ``name`` is its type."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A repeated field."""

    item: Any  # a kind: one of the words above, an Enum, a ListOf or a Message


Message = Mapping[str, Any]


def read(body: bytes, message: Message) -> dict[str, Any]:
    """Return the body with lowerCamelCase names, absent members left out; raises ``Malformed``."""
    try:
        value = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise Malformed(["Invalid JSON payload received. Unexpected token."]) from None
    if not isinstance(value, dict):
        raise Malformed(['Invalid JSON payload received. Unknown name "": Root element must be a message.'])
    problems: list[str] = []
    found: dict[str, Any] = _message(value, message, "", problems)
    if problems:
        raise Malformed(problems)
    return found


def proto_name(name: str) -> str:
    """Return the proto's own name of a field."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def moment(text: Any) -> datetime | None:
    """Return an RFC 3339 time with its offset, None when the text is none."""
    if not isinstance(text, str) or not re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", text
    ):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None


def _message(value: dict[str, Any], message: Message, at: str, problems: list[str]) -> dict[str, Any]:
    found = {}
    names = {proto_name(name): name for name in message}
    for key, item in value.items():
        name = key if key in message else names.get(key)
        if name is None:
            where = f" at '{at}'" if at else ""
            problems.append(f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.')
        elif item is not None:
            path = f"{at}.{proto_name(name)}" if at else proto_name(name)
            found[name] = _value(item, message[name], path, problems)
    return found


def _value(value: Any, kind: Any, at: str, problems: list[str]) -> Any:
    match kind:
        case ListOf(item):
            values = value if isinstance(value, list) else [value]
            return [_value(one, item, f"{at}[{place}]", problems) for place, one in enumerate(values)]
        case Enum(name, words):
            if value not in words:
                problems.append(f"Invalid value at '{at}' (type.googleapis.com/{name}), {_shown(value)}")
            return value
        case str():
            if not _fits(value, kind):
                word = f"type.googleapis.com/{kind}" if "." in kind else f"TYPE_{kind}"
                problems.append(f"Invalid value at '{at}' ({word}), {_shown(value)}")
            return value
    if not isinstance(value, dict):
        problems.append(f"Invalid value at '{at}', {_shown(value)}")
        return {}
    return _message(value, kind, at, problems)


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "BOOL":
            return isinstance(value, bool)
        case "INT32" | "INT64":
            bits = 31 if kind == "INT32" else 63
            whole = isinstance(value, int) and not isinstance(value, bool)
            text = isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value) is not None
            return (whole or text) and -(2**bits) <= int(value) < 2**bits
        case "DOUBLE":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "google.protobuf.Timestamp":
            return moment(value) is not None
    return isinstance(value, str)


def _shown(value: Any) -> str:
    return orjson.dumps(value).decode()
