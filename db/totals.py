"""Totals over a stretch of whole hours, per vendor and operation: what counters for /metrics are made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from db.engine import Database
from db.histogram import bin_of, value_of
from db.schema import rollup_bins, rollup_errors, rollups

_HOUR = 3600
Key = tuple[str, str]  # vendor, operation


@dataclass(slots=True, kw_only=True)
class Totals:
    """Sums that only grow. ``bins`` counts attempts per histogram bin, ``seconds`` sums their durations."""

    calls: Counter[Key] = field(default_factory=Counter)
    failed: Counter[Key] = field(default_factory=Counter)
    refused: Counter[Key] = field(default_factory=Counter)
    attempts: Counter[Key] = field(default_factory=Counter)
    retries: Counter[Key] = field(default_factory=Counter)
    seconds: dict[Key, float] = field(default_factory=dict)
    throttle_wait: dict[Key, float] = field(default_factory=dict)
    errors: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)  # and error.type, fault
    bins: dict[Key, Counter[int]] = field(default_factory=dict)

    def add(self, other: Totals) -> None:
        """Add the sums of another stretch."""
        for name in ("calls", "failed", "refused", "attempts", "retries", "errors"):
            getattr(self, name).update(getattr(other, name))
        for name in ("seconds", "throttle_wait"):
            own = getattr(self, name)
            for key, value in getattr(other, name).items():
                own[key] = own.get(key, 0.0) + value
        for key, bins in other.bins.items():
            self.bins.setdefault(key, Counter()).update(bins)

    def at_most(self, key: Key, seconds: float) -> int:
        """Return how many attempts took at most that long, as exactly as the bins are (1 %)."""
        last = bin_of(seconds)
        while value_of(last) > seconds:
            last -= 1
        return sum(count for index, count in self.bins.get(key, {}).items() if index <= last)


async def totals(db: Database, *, since: datetime, until: datetime) -> Totals:
    """Return the totals of the hours that begin in a stretch of time."""
    r, e, b = rollups.c, rollup_errors.c, rollup_bins.c
    sums = (
        select(
            r.vendor,
            r.operation,
            func.sum(r.calls),
            func.sum(r.calls_failed),
            func.sum(r.calls_refused),
            func.sum(r.attempts),
            func.sum(r.retries),
            func.sum(r.duration),
            func.sum(r.throttle_wait),
        )
        .where(r.width == _HOUR, r.started_at >= since, r.started_at < until, r.operation != "")
        .group_by(r.vendor, r.operation)
    )
    errors = (
        select(e.vendor, e.operation, e.error_type, e.fault, func.sum(e.calls))
        .where(e.width == _HOUR, e.started_at >= since, e.started_at < until, e.operation != "")
        .group_by(e.vendor, e.operation, e.error_type, e.fault)
    )
    bins = (
        select(b.vendor, b.operation, b.bin, func.sum(b.count))
        .where(b.width == _HOUR, b.started_at >= since, b.started_at < until, b.operation != "")
        .group_by(b.vendor, b.operation, b.bin)
    )
    found = Totals()
    async with db.read() as connection:
        for vendor, operation, calls, failed, refused, attempts, retries, seconds, wait in await connection.execute(
            sums
        ):
            key = (vendor, operation)
            found.calls[key], found.failed[key], found.refused[key] = int(calls), int(failed), int(refused)
            found.attempts[key], found.retries[key] = int(attempts), int(retries)
            found.seconds[key], found.throttle_wait[key] = float(seconds), float(wait)
        for vendor, operation, error_type, fault, count in await connection.execute(errors):
            if count:
                found.errors[vendor, operation, error_type, fault] = int(count)
        for vendor, operation, index, count in await connection.execute(bins):
            found.bins.setdefault((vendor, operation), Counter())[index] = int(count)
    return found
