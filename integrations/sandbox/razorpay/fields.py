"""How Razorpay reads what it is sent: JSON bodies and query strings, numbers as digits too, no field it does not know.

A body that is no JSON object reads as an empty one, so the first required field is what is found missing (unconfirmed).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from integrations.sandbox.razorpay.errors import Refused, invalid, missing

_DIGITS = re.compile(r"-?\d{1,18}")
_EARLIEST, _LATEST = 946_684_800, 4_765_046_400  # 2000-01-01 and 2121-01-01
_TRUE, _FALSE = (True, 1, "1", "true"), (False, 0, "0", "false")

Params = dict[str, Any]


def names(text: str) -> frozenset[str]:
    """Return the words of a text as a set of field names."""
    return frozenset(text.split())


def decode(body: bytes) -> Params:
    """Return a JSON object; anything else is taken for an empty one."""
    try:
        value = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def allow(params: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise ``Refused`` for the fields that are not known, all of them in one sentence."""
    extra = [name for name in params if name not in known]
    if extra:
        raise Refused(
            400,
            f"{', '.join(extra)} is/are not required and should not be sent",
            source="business",
            step="payment_initiation",
            reason="extra_field_sent",
        )


def integer(params: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number, also when it is sent as digits (samples of the SDKs do); None when it is absent."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not _DIGITS.fullmatch(str(value)):
        raise invalid(f"The {_spoken(name)} must be an integer.", name)
    return int(value)


def needed(params: Mapping[str, Any], name: str) -> int:
    """Return a whole number that must be there."""
    value = integer(params, name)
    if value is None:
        raise missing(name)
    return value


def text(params: Mapping[str, Any], name: str, *, longest: int = 255) -> str | None:
    """Return a text, None when it is absent."""
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(f"The {_spoken(name)} must be a string.", name)
    if len(value) > longest:
        raise invalid(f"The {_spoken(name)} may not be greater than {longest} characters.", name)
    return value


def needed_text(params: Mapping[str, Any], name: str) -> str:
    """Return a text that must be there and not empty."""
    value = text(params, name)
    if not value:
        raise missing(name)
    return value


def choice(params: Mapping[str, Any], name: str, allowed: Collection[str], default: str) -> str:
    """Return one of the allowed words."""
    value = params.get(name, default)
    if value not in allowed:
        raise invalid(f"The selected {_spoken(name)} is invalid.", name)
    return str(value)


def flag(params: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """Return a yes or no, in any of the ways the SDKs write it."""
    value = params.get(name)
    if value is None:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise invalid(f"The {_spoken(name)} field must be true or false.", name)


def nested(params: Mapping[str, Any], name: str) -> Params:
    """Return an object inside the body, {} when it is absent."""
    value = params.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"The {_spoken(name)} must be an array.", name)
    return value


def notes(params: Mapping[str, Any]) -> dict[str, str] | list[Any]:
    """Return the notes as they are shown: an object, but ``[]`` when there are none."""
    value = params.get("notes")
    if not value:
        return []
    if not isinstance(value, dict):
        raise invalid("The notes must be an array.", "notes")
    if len(value) > 15:
        raise invalid("Number of fields in notes should be less than or equal to 15", "notes")
    if any(len(str(item)) > 256 for pair in value.items() for item in pair):
        raise invalid("The notes may not be greater than 256 characters.", "notes")
    return {str(name): item if isinstance(item, str) else str(item) for name, item in value.items()}


def changed_notes(params: Mapping[str, Any]) -> dict[str, str] | list[Any]:
    """Return the notes a PATCH puts in the place of the old ones; they are all it may change."""
    allow(params, ("notes",))
    if "notes" not in params:
        raise missing("notes")
    return notes(params)


def window(params: Mapping[str, Any]) -> tuple[int, int]:
    """Return ``from`` and ``to`` of a list in Unix seconds, both included."""
    bounds = []
    for name, default in (("from", 0), ("to", _LATEST)):
        value = integer(params, name)
        if value is not None and not _EARLIEST <= value <= _LATEST:
            raise invalid(f"{name} must be between {_EARLIEST} and {_LATEST}.", name)
        bounds.append(default if value is None else value)
    return bounds[0], bounds[1]


def _spoken(name: str) -> str:
    return name.replace("_", " ")
