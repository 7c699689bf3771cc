"""Reading a request's body: its media type, its JSON, its shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from integrations.sandbox.klaviyo.errors import Problem, Refused, of_status
from integrations.sandbox.klaviyo.shapes import misfits
from integrations.sandbox.twin import Ask

MEDIA_TYPE = "application/vnd.api+json"


def read(ask: Ask, shape: Any) -> dict[str, Any]:
    """Return what is under "data", a number with its digits kept; raises ``Refused`` 400 or 415."""
    media = ask.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media not in (MEDIA_TYPE, "application/json"):
        raise of_status(415, f'Unsupported media type "{media}" in request.')
    try:
        body = json.loads(ask.body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Refused(
            400, Problem(code="parse_error", title="Malformed request.", detail=f"JSON parse error - {error}")
        ) from None
    found = list(misfits(body, shape))
    if found:
        raise Refused(400, *found)
    data: dict[str, Any] = body
    return data


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
