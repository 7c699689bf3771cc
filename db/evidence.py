"""What the last minutes say of each vendor: how many calls, how they ended, whose fault it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from db.engine import Database
from db.histogram import quantile
from db.outcomes import is_unknown
from db.schema import keys, rollup_bins, rollup_errors, rollups

_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Sums over calls of one vendor. ``calls`` reached the vendor, ``refused`` did not and are not among them.

    ``failed`` is calls that failed by fault (ours, theirs, network, configuration); ``error_types`` the same by
    error.type.
    """

    vendor: str
    calls: int = 0
    refused: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    error_types: Mapping[str, int] = field(default_factory=dict)


async def recent_evidence(db: Database, *, since: datetime) -> dict[str, Evidence]:
    """Return the evidence of every vendor that was called since then, in whole minutes."""
    r, e = rollups.c, rollup_errors.c
    totals = (
        select(r.vendor, func.sum(r.calls), func.sum(r.calls_refused))
        .where(r.width == _MINUTE, r.started_at >= since)
        .group_by(r.vendor)
    )
    errors = (
        select(e.vendor, e.fault, e.error_type, func.sum(e.calls))
        .where(e.width == _MINUTE, e.started_at >= since, e.fault.in_(("ours", "theirs", "network", "configuration")))
        .group_by(e.vendor, e.fault, e.error_type)
    )
    async with db.read() as connection:
        sums = (await connection.execute(totals)).all()
        found = (await connection.execute(errors)).all()
    failed: dict[str, dict[str, int]] = {}
    types: dict[str, dict[str, int]] = {}
    for vendor, fault, error_type, count in found:
        if count:
            failed.setdefault(vendor, {}).setdefault(fault, 0)
            failed[vendor][fault] += int(count)
            types.setdefault(vendor, {}).setdefault(error_type, 0)
            types[vendor][error_type] += int(count)
    return {
        vendor: Evidence(
            vendor=vendor,
            calls=int(calls) - int(refused),
            refused=int(refused),
            failed=failed.get(vendor, {}),
            error_types=types.get(vendor, {}),
        )
        for vendor, calls, refused in sums
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOutcomes:
    """Writes of one vendor whose outcome nobody knows: how many, and since when the oldest."""

    vendor: str
    count: int
    oldest: datetime


async def old_unknown_outcomes(db: Database, *, before: datetime) -> list[UnknownOutcomes]:
    """Return the vendors with writes that have been unknown since before then.

    Since the first doubt: a sync that tries in vain every two minutes does not make a write any younger.
    """
    k = keys.c
    query = (
        select(k.vendor, func.count(), func.min(k.created_at))
        .where(is_unknown(before), k.created_at <= before)
        .group_by(k.vendor)
        .order_by(k.vendor)
    )
    async with db.read() as connection:
        return [
            UnknownOutcomes(vendor=vendor, count=count, oldest=oldest)
            for vendor, count, oldest in await connection.execute(query)
        ]


async def recent_p95(db: Database, *, since: datetime) -> dict[str, float]:
    """Return the 95th percentile of attempt durations, in seconds, of every vendor that was called since then."""
    b = rollup_bins.c
    query = (
        select(b.vendor, b.bin, func.sum(b.count))
        .where(b.width == _MINUTE, b.started_at >= since)
        .group_by(b.vendor, b.bin)
    )
    bins: dict[str, dict[int, int]] = {}
    async with db.read() as connection:
        for vendor, index, count in await connection.execute(query):
            bins.setdefault(vendor, {})[index] = int(count)
    found = {vendor: quantile(counts, 0.95) for vendor, counts in bins.items()}
    return {vendor: value for vendor, value in found.items() if value is not None}
