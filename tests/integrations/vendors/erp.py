"""The ERP's endpoint for the tests of its adapter: answers, and its contract turned into JSON Schema."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import Any

from integrations.outcome import Request
from tests.contracts import contract

PREFIX = "/entity/Default/24.200.001"
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float, Decimal),
}


@lru_cache(maxsize=1)
def spec() -> dict[str, Any]:
    """Return the contract of the endpoint."""
    found: dict[str, Any] = json.loads(contract("acumatica/Default_24.200.001.openapi.json").read_text())
    return found


@lru_cache(maxsize=64)
def fields_of(schema: str) -> dict[str, Any]:
    """Return the fields of a record type, the inherited ones included."""
    node = spec()["components"]["schemas"][schema]
    fields: dict[str, Any] = dict(node.get("properties", {}))
    for part in node.get("allOf", ()):
        if "$ref" in part:
            fields |= fields_of(part["$ref"].rsplit("/", 1)[1])
        else:
            fields |= part.get("properties", {})
    return fields


def problems(record: Any, schema: str, path: str = "") -> list[str]:
    """Return what a record sends that its contract does not have, or has in another type: the ERP would ignore it."""
    found = []
    fields = fields_of(schema)
    for name, value in record.items():
        node = fields.get(name)
        where = f"{path}{name}"
        if node is None:
            found.append(f"{where} is not in {schema}")
        elif "$ref" in node:
            found += problems(value, node["$ref"].rsplit("/", 1)[1], f"{where}.")
        elif node.get("type") == "array":
            for index, item in enumerate(value):
                found += problems(item, node["items"]["$ref"].rsplit("/", 1)[1], f"{where}[{index}].")
        else:
            fits = isinstance(value, _TYPES[node["type"]]) and (
                node["type"] == "boolean" or not isinstance(value, bool)
            )
            found += [] if fits else [f"{where} is not a {node['type']}"]
    return found


def violations(request: Request) -> list[str]:
    """Return what is wrong with a request by the contract: its path, query, selected fields and body."""
    path = request.path.removeprefix(PREFIX)
    entity = path.split("/")[1]
    operation = spec()["paths"].get(path, {}).get(request.method.lower())
    if operation is None:
        return [f"{request.method} {path} is not in the contract"]
    known = {
        spec()["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]]["name"] for p in operation.get("parameters", ())
    }
    found = [f"{name} is no parameter" for name, _ in request.query if name not in known]
    query = dict(request.query)
    for selected in query.get("$select", "").split(",") if "$select" in query else ():
        schema = entity
        for part in selected.split("/"):
            node = fields_of(schema).get(part)
            if node is None:
                found.append(f"{selected} is not in {schema}")
                break
            reference = node.get("$ref") or node.get("items", {}).get("$ref", "")
            schema = reference.rsplit("/", 1)[-1]
    if "$expand" in query and query["$expand"] not in fields_of(entity):
        found.append(f"{query['$expand']} cannot be expanded")
    if request.json is not None:
        body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        found += problems(request.json, body)
    return found


def wrap(**fields: Any) -> dict[str, Any]:
    """Return the fields as the ERP answers them."""
    return {name: value if isinstance(value, list) else {"value": value} for name, value in fields.items()}
