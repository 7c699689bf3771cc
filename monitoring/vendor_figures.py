"""The figures of vendors over a chosen time, from the rollups: the error rate over calls, P95 over attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from db import rollups
from db.engine import Database
from db.rollups import Totals
from monitoring.timerange import TimeRange

# Up to which span a line is drawn in buckets of which width, in seconds; minutes are dear: they bring no quantiles along.
_WIDTHS = (
    (timedelta(minutes=15), 60),
    (timedelta(hours=36), 300),
    (timedelta(days=3), 3600),
    (timedelta(days=14), 21_600),
)
_WIDEST = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Sums of a vendor over the chosen time. ``p95`` in seconds over attempts; ``line`` the P95 of each bucket.

    ``calls`` are those that reached the vendor; ``refused`` those we did not send, which are not among them.
    """

    calls: int = 0
    failed: int = 0
    refused: int = 0
    attempts: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    line: Sequence[float | None] = ()

    @property
    def error_rate(self) -> float | None:
        """Failed calls as a share of the calls that reached the vendor; None without any."""
        return self.failed / self.calls if self.calls else None


def figures(totals: Totals, line: Sequence[float | None] = ()) -> Figures:
    """Return the figures of stored totals."""
    return Figures(
        calls=totals.calls - totals.calls_refused,
        failed=totals.calls_failed,
        refused=totals.calls_refused,
        attempts=totals.attempts,
        p50=totals.p50,
        p95=totals.p95,
        p99=totals.p99,
        line=line,
    )


async def figures_of_all(db: Database, view: TimeRange) -> dict[str, Figures]:
    """Return the figures of every vendor that was called, by name."""
    span = view.until - view.since
    width = next((width for longest, width in _WIDTHS if span <= longest), _WIDEST)
    found = await rollups.overview(db, since=view.since, until=view.until, width=width)
    return {one.vendor: figures(one.totals, [bucket.p95 for bucket in one.buckets]) for one in found}


async def figures_of(db: Database, vendor: str, view: TimeRange) -> Figures:
    """Return the figures of one vendor."""
    return figures(await rollups.totals(db, since=view.since, until=view.until, vendor=vendor))


async def operations_of(db: Database, vendor: str, view: TimeRange) -> list[tuple[str, Figures]]:
    """Return the figures of each operation of a vendor, the busiest first; sign-ins and look-ups are among them."""
    found = await rollups.operations(db, vendor, since=view.since, until=view.until)
    return sorted(
        ((name, figures(totals)) for name, totals in found.items()),
        key=lambda pair: (-pair[1].calls, -pair[1].attempts, pair[0]),
    )
