"""Hold a request against WooCommerce's published tables of paths, names and types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from integrations.outcome import Request
from tests.contracts import contract

_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
# Which tables a path's query and body are of; a batch's rows have the body of one.
_QUERIES = {
    "/orders": "List all orders / Available parameters",
    "/orders/<id>/notes": "List all order notes / Available parameters",
    "/orders/<id>/refunds": "List all refunds / Available parameters",
    "/products": "List all products / Available parameters",
    "/products/<id>/variations": "List all product variations / Available parameters",
}
_BODIES = {
    "/orders/<id>": "Order properties",
    "/orders/<id>/notes": "Order note properties",
    "/products/batch": "Product properties",
    "/products/<id>/variations/batch": "Product variation properties",
}


@lru_cache(maxsize=1)
def _published() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(contract("woocommerce/wc_v3_tables.json").read_bytes())
    return loaded


def problems(request: Request) -> list[str]:
    """Return what the tables do not know of a request, or know otherwise."""
    path = request.template.replace("{id}", "<id>").removeprefix("/wp-json/wc/v3")
    found = [] if (request.method, path) in _endpoints() else [f"no end point {request.method} {path}"]
    if not re.fullmatch(re.escape(request.template).replace(r"\{id\}", "[0-9]+"), request.path):
        found.append(f"{request.path} is not of its template")
    asked = _table(_QUERIES[path]) if request.query else {}
    found += [one for name, text in request.query for one in _unfit_query(asked, name, text)]
    if request.json is not None:
        rows = request.json["update"] if path.endswith("/batch") else [request.json]
        found += [one for row in rows for one in _unfit_body(_table(_BODIES[path]), row, path)]
        for entry in request.json.get("meta_data", ()):
            found += _unfit_body(_table("Order - Meta data properties"), entry, "/batch")
    return found


def _endpoints() -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"<\w+>", "<id>", path).removeprefix("/wp-json/wc/v3"))
        for resource in _published()["resources"].values()
        for method, path in resource["endpoints"]
    }


def _table(title: str) -> dict[str, Mapping[str, Any]]:
    rows = next(one["tables"][title] for one in _published()["resources"].values() if title in one["tables"])
    return {row["name"]: row for row in rows}


def _unfit_query(table: Mapping[str, Mapping[str, Any]], name: str, text: str) -> list[str]:
    if name not in table:
        return [f"no parameter {name}"]
    row = table[name]
    if text not in row.get("enum", [text]):
        return [f"{name} is never {text}"]
    fits = {"integer": r"[0-9]+", "boolean": "true|false"}.get(row["type"], ".*")
    return [] if re.fullmatch(fits, text) else [f"{name} is not {row['type']}"]


def _unfit_body(table: Mapping[str, Mapping[str, Any]], body: Mapping[str, Any], path: str) -> list[str]:
    """Return what is wrong with a body; its ``id`` says which one is meant where there are several."""
    found = []
    for name, value in body.items():
        row = table.get(name)
        if row is None:
            found.append(f"no field {name}")
        elif row.get("readonly") and not (name == "id" and path.endswith("/batch")):
            found.append(f"{name} is read only")
        elif type(value) not in _TYPES[row["type"]] or value not in row.get("enum", [value]):
            found.append(f"{name} is not {row['type']}, or none of its values")
    return found
