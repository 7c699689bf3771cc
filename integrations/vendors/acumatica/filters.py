"""The language of ``$filter``: OData version 3, as far as we speak it.

Filters on detail lines are not supported by the ERP (the result is unpredictable), so none is made here. Source:
Integration Development Guide, "$filter Parameter".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from integrations.errors import InvalidInput
from integrations.vendors.acumatica.zone import erp_time

# A web server in front of the ERP commonly refuses a query string above 2,048 characters; encoded, each quote and
# space takes three, so a filter is kept well below.
LONGEST_FILTER = 900


def equal(field: str, text: str) -> str:
    """Return ``Field eq 'text'``; a quote in the text is doubled. Raise InvalidInput for control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise InvalidInput(f"A filter on {field} cannot hold control characters.", field=field)
    quoted = text.replace("'", "''")
    return f"{field} eq '{quoted}'"


def after(field: str, at: datetime, zone: ZoneInfo) -> str:
    """Return ``Field gt datetimeoffset'…'`` in the ERP's own zone: a foreign offset may not be honoured exactly."""
    return f"{field} gt datetimeoffset'{erp_time(at, zone)}'"


def every(conditions: Iterable[str]) -> str:
    """Return the conditions joined with ``and``, '' for none."""
    return " and ".join(condition for condition in conditions if condition)


def one_of(field: str, texts: Sequence[str]) -> str:
    """Return ``(Field eq 'a' or Field eq 'b')``."""
    return "(" + " or ".join(equal(field, text) for text in texts) + ")"


def in_portions(field: str, texts: Sequence[str]) -> list[list[str]]:
    """Return the texts in as few portions as keep each ``one_of`` short enough for a query string."""
    portions: list[list[str]] = []
    room = 0
    for text in texts:
        size = len(equal(field, text)) + len(" or ")
        if not portions or size > room:
            portions.append([])
            room = LONGEST_FILTER
        portions[-1].append(text)
        room -= size
    return portions
