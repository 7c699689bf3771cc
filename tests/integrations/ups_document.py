"""UPS's own OpenAPI files as far as they can be trusted: names, kinds and what is required, never lengths.

The files contradict the vendor's own samples in lengths (``Service.Code`` of four characters) and in some of what they
require, and one has TABs where YAML allows none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml

from tests.contracts import contract

_KINDS: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list}


@lru_cache(maxsize=4)
def document(name: str) -> dict[str, Any]:
    """Return one file, ``Rating``, ``Shipping`` or ``Tracking``."""
    text = contract(f"ups/openapi/{name}.yaml").read_text(encoding="utf-8").replace("\t", "  ")
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return loaded


def misshapen(name: str, schema: str, value: Any, *, excused: frozenset[str] = frozenset()) -> list[str]:
    """Return what is wrong with a value: a field the schema does not name, another kind, a required one absent.

    ``excused`` are paths (without list positions) whose absence is no fault.
    """
    return _problems(document(name), {"$ref": f"#/{schema}"}, value, "", excused)


def _problems(
    loaded: dict[str, Any], schema: dict[str, Any], value: Any, at: str, excused: frozenset[str]
) -> list[str]:
    while "$ref" in schema:
        schema = loaded["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict):
        named = schema.get("properties")
        if named is None:
            return [f"{at}: an object, and the document has {schema.get('type')}"]
        found = [f"{at}.{field}: unknown" for field in value if field not in named]
        required = schema.get("required") or ()
        found += [
            f"{at}.{field}: missing" for field in required if field not in value and f"{at}.{field}" not in excused
        ]
        for field, inner in value.items():
            if field in named:
                found += _problems(loaded, named[field], inner, f"{at}.{field}", excused)
        return found
    kind = _KINDS.get(schema.get("type", ""), object)
    if not isinstance(value, kind):
        return [f"{at}: {type(value).__name__}, and the document has {schema.get('type')}"]
    if isinstance(value, list):
        return [problem for item in value for problem in _problems(loaded, schema["items"], item, at, excused)]
    return []
