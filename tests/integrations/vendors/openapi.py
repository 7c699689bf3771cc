"""Hold a request or an answer against a vendor's OpenAPI file."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft4Validator

from integrations.outcome import Request


@lru_cache(maxsize=8)
def document(path: Path) -> dict[str, Any]:
    """Return an OpenAPI file written in JSON."""
    loaded: dict[str, Any] = orjson.loads(path.read_bytes())
    return loaded


def problems(contract: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with a value, one line each; references are followed inside the contract."""
    validator = Draft4Validator({"components": contract["components"], "allOf": [schema]})
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(value)]


def unknown_fields(contract: dict[str, Any], schema: dict[str, Any], value: Any, at: str = "") -> list[str]:
    """Return the fields of a value its schema does not name: these contracts do not forbid what they do not know."""
    named = _properties(contract, schema)
    found: list[str] = []
    if isinstance(value, dict) and named:
        for name, inner in value.items():
            if name not in named:
                found.append(f"{at}{name}")
            else:
                found += unknown_fields(contract, named[name], inner, f"{at}{name}.")
    elif isinstance(value, list):
        items = _resolved(contract, schema).get("items", {})
        for item in value:
            found += unknown_fields(contract, items, item, at)
    return found


def unpublished(contract: dict[str, Any], request: Request, *, base: str = "") -> list[str]:
    """Return what a request asks for that the file does not know: its path, or the names of its query.

    ``base`` is the path of the file's server, which its paths leave out.
    """
    found = [f"{request.method} {request.path}"]
    for path, item in contract["paths"].items():
        asked = item.get(request.method.lower())
        pattern = "[^/]+".join(re.escape(part) for part in re.split(r"\{[^{}]*\}", base + path))
        if asked is None or not re.fullmatch(pattern, request.path):
            continue
        listed = [*item.get("parameters", ()), *asked.get("parameters", ())]
        names = {_parameter(contract, one)["name"] for one in listed}
        unknown = [name for name, _ in request.query if name not in names]
        if not unknown:
            return []
        found = unknown
    return found


def _parameter(contract: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = (
        contract["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
    )
    return named


def _resolved(contract: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = contract["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _properties(contract: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    schema = _resolved(contract, schema)
    named = dict(schema.get("properties", {}))
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        for name, inner in _properties(contract, part).items():
            named[name] = {"allOf": [named[name], inner]} if name in named else inner
    return named
