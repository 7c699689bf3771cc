"""A trace as CSV: one line a call and one an attempt, in the order they began, with what their time went into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from monitoring.api.access import HasSite, MayRead
from monitoring.csv_text import MEDIA_TYPE, csv_text
from monitoring.problem import unknown
from monitoring.trace_time import Act, Kind
from monitoring.tracing import MOST, Traced, read

router = APIRouter()
_WAITS: tuple[Kind, ...] = ("limit", "retry", "poll", "circuit", "ours")
COLUMNS = (
    *("kind", "started_at", "seconds_after_start", "vendor", "operation", "attempt", "outcome", "status", "error_type"),
    *("fault", "duration", "at_vendor", *(f"{kind}_wait" for kind in _WAITS[:-1]), "own_work", "call_id", "message"),
)


@router.get("/traces.csv", include_in_schema=False)
async def trace_csv(id: Annotated[str, Query(min_length=1, max_length=128)], site: HasSite, _who: MayRead) -> Response:
    """Give the calls and attempts of a trace, at most the first five thousand calls."""
    found = await read(site.db, id, site.now())
    if found is None:
        raise unknown("trace", id, "query.id")
    headers = {
        "Content-Disposition": f'attachment; filename="trace-{re.sub(r"[^A-Za-z0-9]+", "-", id)[:64]}.csv"',
        "X-Row-Limit": str(MOST),
    }
    return Response(csv_text(COLUMNS, _rows(found)), media_type=MEDIA_TYPE, headers=headers)


def _rows(found: Traced) -> Iterator[tuple[Any, ...]]:
    start = found.start
    for one in found.begun:
        took = (one.until - one.at).total_seconds() if one.until else None
        blank = (None,) * (len(COLUMNS) - 13)
        who = (one.name, None, None, one.state, None, None, None, took)
        yield (one.kind, one.at, _after(one.at, start), *who, *blank, one.id, one.why)
    for act in found.acts:
        yield _call(act, start)
        for attempt in act.sent:
            yield (
                "attempt",
                attempt.started_at,
                _after(attempt.started_at, start),
                attempt.vendor,
                attempt.operation,
                attempt.number,
                "error" if attempt.error_type else "success" if attempt.duration is not None else None,
                attempt.status,
                attempt.error_type,
                attempt.fault,
                attempt.duration,
                attempt.duration,
                attempt.throttle_wait,
                *(None,) * 4,
                act.id,
                attempt.message,
            )


def _call(act: Act, start: datetime) -> tuple[Any, ...]:
    return (
        "call",
        act.started_at,
        _after(act.started_at, start),
        act.vendor,
        act.operation,
        len(act.sent),
        act.outcome,
        None,
        act.error_type,
        act.fault,
        act.seconds if act.outcome != "running" else None,
        act.spent("ok") + act.spent("bad"),
        *(act.spent(kind) for kind in _WAITS),
        act.id,
        act.message,
    )


def _after(at: datetime, start: datetime) -> float:
    return (at - start).total_seconds()
