"""The values of UPS's answers: texts all, some with strays, and lists that may be the one thing itself.

Lists of one are lists from v2403 on and a lone object before it and in Label Recovery v1; both are read. The test
environment has been seen to put ``&#xD;`` before values (api-documentation issue 63).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

_STRAY = "&#xD;"


def clean(value: Any) -> Any:
    """Return a text without strays and spaces around it, anything else as it is."""
    return value.replace(_STRAY, "").strip() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    return [value] if value else []


Cleaned = BeforeValidator(clean)
Several = BeforeValidator(_listed)
Text = Annotated[str, Cleaned]
