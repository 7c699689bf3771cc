"""What a figure tells the browser so that a click on a point leads to the calls behind it (``assets/points.js``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def buckets(start: datetime, width: int, **filters: str) -> Mapping[str, Any]:
    """Return the ``meta`` of a layout: when its buckets begin (Unix seconds), how wide they are (seconds), and the
    filters of the call list that hold for every point."""
    return {"start": start.timestamp(), "width": width, "filters": {k: v for k, v in filters.items() if v}}


def trace_filters(**filters: str) -> Mapping[str, str]:
    """Return the ``meta`` of a trace: the filters that hold for its points only."""
    return {name: value for name, value in filters.items() if value}


def faint(values: Sequence[float | None], length: int) -> list[float | None]:
    """Return the line of the period before, cut or filled to the length of the present one."""
    known = list(values[:length])
    return known + [None] * (length - len(known))
