"""The runs of a stretch of time as CSV: what the page of the syncs shows as lanes and pages through as a list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from db import run_times
from db.run_times import RunFilter
from db.runs import RunRow
from monitoring.api.access import HasSite, MayRead, UtcDatetime, problems
from monitoring.csv_text import csv_text
from monitoring.problem import Problem
from monitoring.site import Site

router = APIRouter(prefix="/syncs", tags=["syncs"])
NAMES = (
    *("run", "sync", "trigger", "requested_by", "slot", "began", "ended", "seconds", "outcome", "error_type"),
    *("pages", "read", "written", "unchanged", "conflicted", "failed", "takeovers", "dry_run", "message"),
)
LONGEST = timedelta(days=400)
_PAGE = 1000
Outcome = Literal["success", "error", "missed", "cancelled", "abandoned", "running", "queued"]


@router.get("/runs.csv", responses={200: {"content": {"text/csv": {}}}, **problems()})
async def runs_csv(
    site: HasSite,
    _who: MayRead,
    since: Annotated[UtcDatetime, Query(description="the first moment", examples=["2026-10-01T00:00:00Z"])],
    until: Annotated[UtcDatetime | None, Query(description="the first moment after it; now when left out")] = None,
    sync: Annotated[str | None, Query(max_length=64, description="only runs of this sync")] = None,
    outcome: Annotated[Outcome | None, Query(description="only runs that ended so, or are so")] = None,
) -> StreamingResponse:
    """Give the runs of a stretch of time as CSV, newest slot first, missed ones too."""
    end = until or site.now()
    if not since < end or end - since > LONGEST:
        reason = "must lie before `until`, by 400 days at most"
        raise Problem(422, "invalid_input", f"query.since {reason}.", errors=[("query.since", reason)])
    which = RunFilter(since=since, until=end, sync=sync, outcome=outcome)
    named = {"Content-Disposition": 'attachment; filename="runs.csv"'}
    return StreamingResponse(_lines(site, which), media_type="text/csv", headers=named)


async def _lines(site: Site, which: RunFilter) -> AsyncIterator[str]:
    yield csv_text(NAMES, ())
    before = None
    while rows := await run_times.listed(site.db, which, before=before, limit=_PAGE):
        before = (rows[-1].scheduled_at, rows[-1].id)
        yield csv_text((), [_cells(row) for row in rows]).split("\r\n", 1)[1]


def _cells(run: RunRow) -> list[object]:
    began, ended = run.started_at, run.finished_at
    seconds = (ended - began).total_seconds() if began is not None and ended is not None else None
    return [
        *(run.id, run.sync, run.trigger, run.requested_by, run.scheduled_at, began, ended, seconds),
        *(run.outcome or run.state, run.error_type, run.pages, run.read, run.written, run.unchanged, run.conflicted),
        *(run.failed, run.takeovers, run.dry_run, run.message),
    ]
