"""Rows as CSV (RFC 4180) that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from monitoring.timerange import stamp

MEDIA_TYPE = "text/csv; charset=utf-8"
_RUN = re.compile(r"[=+@\t\r]|-(?![\d.]+$)")  # what a spreadsheet takes for a formula; a negative number is none


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a head and rows as CSV; times are RFC 3339 in UTC, None is empty."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and _RUN.match(value):
        return f"'{value}"
    return value
