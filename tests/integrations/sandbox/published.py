"""Hold what a twin answers, and what clients send it, against a vendor's published OpenAPI 3 file."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema
import orjson

from tests.contracts import contract
from tests.integrations.vendors.openapi import unknown_fields


class Published:
    """One OpenAPI file, its schemas turned into plain JSON schema as far as they are needed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._plain: dict[str, Any] = {}

    def check_answer(self, method: str, path: str, status: int, value: Any) -> None:
        """Raise AssertionError unless the value is a good body for that answer of an operation."""
        responses = self._operation(method, path)["responses"]
        described = self._followed(responses.get(str(status)) or responses[f"{status // 100}XX"])
        self._check(next(iter(described["content"].values()))["schema"], value)

    def check_request(self, method: str, path: str, value: Any) -> None:
        """Raise AssertionError unless the value is a good body for a request of an operation."""
        content = self._followed(self._operation(method, path)["requestBody"])["content"]
        self._check(next(iter(content.values()))["schema"], value)

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._document["paths"][path][method.lower()]
        return found

    def _followed(self, part: dict[str, Any]) -> dict[str, Any]:
        """Return an answer or a request body itself where the operation only refers to it."""
        found: Any = self._document
        for name in part.get("$ref", "").split("/")[1:]:
            found = found[name]
        return found if "$ref" in part else part

    def _check(self, schema: dict[str, Any], value: Any) -> None:
        plain = {**self._without_nullable(schema), "$defs": self._plain}
        problems = [error.message for error in jsonschema.Draft202012Validator(plain).iter_errors(value)]
        assert problems == []
        assert unknown_fields(self._document, schema, value) == []

    def _without_nullable(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._without_nullable(item) for item in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$ref"), str):
            name = value["$ref"].rpartition("/")[2]
            if name not in self._plain:
                self._plain[name] = {}
                self._plain[name] = self._without_nullable(self._document["components"]["schemas"][name])
            return {"$ref": f"#/$defs/{name}"}
        plain = {key: self._without_nullable(item) for key, item in value.items() if key not in ("nullable", "example")}
        return {"anyOf": [plain, {"type": "null"}]} if value.get("nullable") is True else plain


@lru_cache(maxsize=8)
def published(path: str) -> Published:
    """Return a contract such as ``twilio/twilio_api_v2010.json``; skips the test where it is absent."""
    return Published(orjson.loads(contract(path).read_bytes()))
