from __future__ import annotations

from typing import Any

import pytest

from integrations.error_body import objects, told
from integrations.outcome import Response


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"code": 1}}', {"error": {"code": 1}}),
        (b"<html>502 Bad Gateway</html>", {}),
        (b'["error"]', {}),
        (b"", {}),
    ],
)
def test_what_is_told_is_the_object_of_an_answer_and_nothing_of_a_page(body: bytes, expected: dict[str, Any]) -> None:
    assert told(Response(status=502, headers={}, body=body)) == expected


@pytest.mark.parametrize(("value", "expected"), [([{"a": 1}, "b", None], [{"a": 1}]), ({"a": 1}, []), (None, [])])
def test_the_objects_of_a_list_are_those_that_are_some(value: Any, expected: list[Any]) -> None:
    assert objects(value) == expected
