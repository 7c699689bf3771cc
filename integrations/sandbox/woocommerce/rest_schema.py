"""WordPress's check of parameters against their schema, with its codes and sentences.

A schema is a mapping of names to ``{"type", "enum", "format", "minimum", "maximum", "items", "properties", "required",
"default"}``. A parameter that is null, or that the schema does not name, is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.sandbox.woocommerce.errors import Refused, refused
from integrations.sandbox.woocommerce.php import boolean, integer, texts

Schema = Mapping[str, Mapping[str, Any]]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}(:\d{2})?)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
_NUMERIC = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")


class _Unfit(Exception):
    def __init__(self, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def checked(params: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the parameters with defaults, numbers and booleans cast. Raises Refused naming each that does not fit."""
    missing = [name for name, rule in schema.items() if rule.get("required") and params.get(name) is None]
    if missing:
        raise refused(
            "rest_missing_callback_param", f"Missing parameter(s): {', '.join(missing)}", 400, params=list(missing)
        )
    unfit: dict[str, _Unfit] = {}
    found = dict(params)
    for name, rule in schema.items():
        value = params.get(name)
        if value is None:
            if "default" in rule:
                found[name] = rule["default"]
            continue
        try:
            _check(name, value, rule)
        except _Unfit as problem:
            unfit[name] = problem
        else:
            found[name] = _cast(value, rule)
    if unfit:
        raise _invalid(unfit)
    return found


def _invalid(unfit: Mapping[str, _Unfit]) -> Refused:
    return refused(
        "rest_invalid_param",
        f"Invalid parameter(s): {', '.join(unfit)}",
        400,
        params={name: one.message for name, one in unfit.items()},
        details={name: {"code": one.code, "message": one.message, "data": one.data} for name, one in unfit.items()},
    )


def _check(name: str, value: Any, rule: Mapping[str, Any]) -> None:
    types = _types(rule)
    if types and not any(_fits(value, kind) for kind in types):
        raise _Unfit("rest_invalid_type", f"{name} is not of type {','.join(types)}.", {"param": name})
    if "array" in types and "items" in rule:
        for place, item in enumerate(value if isinstance(value, list) else texts(value)):
            _check(f"{name}[{place}]", item, rule["items"])
    if "object" in types and isinstance(value, Mapping):
        for key, inner in rule.get("properties", {}).items():
            if key in value:
                _check(f"{name}[{key}]", value[key], inner)
    if value is None:
        return
    if "enum" in rule and value not in rule["enum"]:
        raise _Unfit("rest_not_in_enum", f"{name} is not one of {_listed(rule['enum'])}.")
    _check_range(name, value, rule)
    if rule.get("format") == "date-time" and not _DATE.fullmatch(str(value)):
        raise _Unfit("rest_invalid_date", "Invalid date.")
    if rule.get("format") == "email" and not _EMAIL.fullmatch(str(value)):
        raise _Unfit("rest_invalid_email", "Invalid email address.")


def _check_range(name: str, value: Any, rule: Mapping[str, Any]) -> None:
    low, high = rule.get("minimum"), rule.get("maximum")
    if low is None:
        return
    given = integer(value)
    if high is not None and not low <= given <= high:
        raise _Unfit("rest_out_of_bounds", f"{name} must be between {low} (inclusive) and {high} (inclusive)")
    if given < low:
        raise _Unfit("rest_out_of_bounds", f"{name} must be greater than or equal to {low}")


def _types(rule: Mapping[str, Any]) -> Sequence[str]:
    kind = rule.get("type", ())
    return (kind,) if isinstance(kind, str) else kind


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            numeric = isinstance(value, int | float) and not isinstance(value, bool)
            return (numeric and value == int(value)) or (isinstance(value, str) and bool(_WHOLE.fullmatch(value)))
        case "number":
            numeric = isinstance(value, int | float) and not isinstance(value, bool)
            return numeric or (isinstance(value, str) and bool(_NUMERIC.fullmatch(value)))
        case "boolean":
            if isinstance(value, str):
                return value.lower() in ("true", "false", "0", "1")
            return value in (True, False)
        case "array":
            return isinstance(value, list | str | int | float)
        case "object":
            return isinstance(value, Mapping) or value in ("", [])
        case "null":
            return value is None
        case _:
            return isinstance(value, str)


def _cast(value: Any, rule: Mapping[str, Any]) -> Any:
    match rule.get("type"):
        case "integer":
            return integer(value)
        case "boolean":
            return boolean(value)
        case "array":
            return value if isinstance(value, list) else texts(value)
        case _:
            return value


def _listed(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])}, and {values[-1]}"
