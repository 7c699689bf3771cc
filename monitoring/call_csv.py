"""The calls of a filter as CSV: the address of the call list with ``.csv``, streamed, at most a hundred thousand rows."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from db.call_search import FOREVER, Place, find
from monitoring.api.access import HasSite, MayRead
from monitoring.call_filters import Asked, asked_of
from monitoring.problem import Problem
from monitoring.site import Site
from monitoring.timerange import TimeRange, time_range

router = APIRouter()
MOST = 100_000  # rows
PAGE = 2_000
COLUMNS = (
    *("started_at", "vendor", "operation", "outcome", "error_type", "fault", "duration", "attempts", "throttle_wait"),
    *("priority", "trigger", "run_id", "user_name", "idempotency_key", "stale", "answered_by", "correlation_id", "id"),
    "message",
)


@router.get("/calls.csv", include_in_schema=False)
async def calls_csv(request: Request, site: HasSite, _who: MayRead) -> StreamingResponse:
    """Stream the calls that the parameters of the call list ask for, in its order."""
    parameters = dict(request.query_params)
    asked = asked_of(parameters)
    view = time_range("?" + urlencode(parameters), None, site.now())
    problems = dict(asked.problems) | ({"range": view.problem} if view.problem else {})
    if problems:
        errors = [(f"query.{name}", sentence) for name, sentence in problems.items()]
        raise Problem(422, "invalid_input", errors[0][1], errors=errors)
    name = f"calls-{view.since:%Y%m%dT%H%M}-{view.until:%Y%m%dT%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Row-Limit": str(MOST)}
    return StreamingResponse(_lines(site, asked, view), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(site: Site, asked: Asked, view: TimeRange) -> AsyncIterator[str]:
    yield _csv([COLUMNS])
    after: Place | None = None
    written = 0
    while written < MOST:
        found = await find(
            site.db,
            asked.filter,
            since=view.since,
            until=view.until,
            order=asked.order,
            limit=min(PAGE, MOST - written),
            after=after,
            patience=FOREVER,
        )
        yield _csv([[_cell(getattr(row, name)) for name in COLUMNS] for row in found.rows])
        written += len(found.rows)
        after = found.next
        if after is None:
            return
    yield _csv([[f"The first {MOST} calls; there are more. Narrow the filter or the time."]])


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as a spreadsheet may safely take it: what would be a formula is text."""
    if value is None:
        return ""
    if hasattr(value, "astimezone"):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
