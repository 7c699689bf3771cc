"""What can be read of a body that may be anything: a refusal comes from the vendor, or as a page from a proxy before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.errors import SchemaDrift
from integrations.outcome import Response


def told(response: Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer, {} where it is none."""
    try:
        body = response.json()
    except SchemaDrift:
        return {}
    return body if isinstance(body, dict) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list, [] for anything but a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
