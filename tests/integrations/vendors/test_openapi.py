"""What holds requests against OpenAPI files finds what they do not know."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.outcome import Request
from tests.integrations.vendors.openapi import unpublished

FILE: dict[str, Any] = {
    "paths": {"/a/{id}.json": {"parameters": [{"$ref": "#/components/parameters/x"}], "get": {"parameters": []}}},
    "components": {"parameters": {"x": {"name": "x"}}},
}


@pytest.mark.parametrize(
    ("method", "path", "query", "found"),
    [
        ("GET", "/v1/a/1.json", [("x", "1")], []),
        ("GET", "/v1/a/1.json", [("x", "1"), ("y", "2")], ["y"]),
        ("POST", "/v1/a/1.json", [], ["POST /v1/a/1.json"]),
        ("GET", "/v1/a/1/b.json", [], ["GET /v1/a/1/b.json"]),
        ("GET", "/a/1.json", [], ["GET /a/1.json"]),
    ],
)
def test_what_a_file_does_not_know_is_found(
    method: str, path: str, query: list[tuple[str, str]], found: list[str]
) -> None:
    assert unpublished(FILE, Request(method=method, path=path, query=query), base="/v1") == found
