"""Asynchronous insights: a report that is started, looked at until it is done, and then read.

It is done when its status is "Job Completed" and it is 100 per cent through; the hundred comes earlier than the status.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.sandbox.meta_ads.access import VENDOR
from integrations.sandbox.meta_ads.errors import GraphError, no_such_object
from integrations.sandbox.meta_ads.insights import Query
from integrations.sandbox.twin import World

COMPLETED, FAILED = "Job Completed", "Job Failed"
_KEPT = 30 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One report. ``at``: Unix seconds when it was started."""

    id: str
    query: Query
    at: float


class Reports:
    """The reports started in the last thirty days.

    Settings: ``report_seconds`` (20; how long one takes), ``report_fails`` (false; whether it ends as failed).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"{VENDOR}.reports:{world.now():.0f}")
        self._runs: dict[str, Run] = {}

    def __repr__(self) -> str:
        return f"<Reports {len(self._runs)} started>"

    def start(self, query: Query) -> str:
        """Start a report and return its id; the same again is a second report."""
        id = str(self._draw.randrange(6_000_000_000_000, 7_000_000_000_000))
        self._runs[id] = Run(id=id, query=query, at=self._world.now())
        return id

    def knows(self, id: str) -> bool:
        """Say whether an id is that of a report that is still kept."""
        return id in self._runs and self._world.now() < self._runs[id].at + _KEPT

    def account(self, id: str) -> str:
        """Return the account of a report, '' when there is no such report."""
        return self._runs[id].query.account.id if self.knows(id) else ""

    def look(self, id: str) -> dict[str, Any]:
        """Return how far a report is; raises ``GraphError`` when there is none."""
        run = self._run(id)
        status, percent = self._progress(run)
        first, last = run.query.periods[0][0], run.query.periods[-1][1]
        shown: dict[str, Any] = {
            "id": run.id,
            "account_id": run.query.account.id,
            "time_ref": int(run.at),
            "async_status": status,
            "async_percent_completion": percent,
            "is_running": status not in (COMPLETED, FAILED),
            "date_start": first.isoformat(),
            "date_stop": last.isoformat(),
        }
        if status == COMPLETED:
            shown["time_completed"] = int(run.at + self._seconds())
        if status == FAILED:
            shown |= {"error_code": 1, "error_message": "The report could not be made."}
        return shown

    def finished(self, id: str) -> Query:
        """Return the report to be read; raises ``GraphError`` when there is none or it is not done (code unconfirmed)."""
        run = self._run(id)
        if self._progress(run)[0] != COMPLETED:
            raise GraphError(
                100,
                "Invalid parameter",
                title="Report not complete",
                advice="Read the report when its status is Job Completed.",
            )
        return run.query

    def _run(self, id: str) -> Run:
        if not self.knows(id):
            raise no_such_object(id, "get")
        return self._runs[id]

    def _seconds(self) -> float:
        return float(self._world.setting(VENDOR, "report_seconds", 20))

    def _progress(self, run: Run) -> tuple[str, int]:
        seconds = self._seconds()
        share = 1.0 if seconds <= 0 else min(1.0, (self._world.now() - run.at) / seconds)
        if share >= 1 and self._world.setting(VENDOR, "report_fails", False):
            return FAILED, 40
        if share >= 1:
            return COMPLETED, 100
        if share < 0.1:
            return "Job Not Started", 0
        return ("Job Started", 0) if share < 0.2 else ("Job Running", min(100, int(share / 0.8 * 100)))
