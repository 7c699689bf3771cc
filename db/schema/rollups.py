"""Sums over calls and attempts. Width 60 is per operation, 300 s the whole vendor (operation ""), 3600 s both."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, text

from db.columns import UtcTime
from db.schema.base import metadata

_OPEN = text("p95 IS NULL AND width > 60 AND duration > 0")  # what close_buckets looks for

rollups = Table(
    "rollups",
    metadata,
    Column("width", Integer, primary_key=True),
    Column("started_at", UtcTime, primary_key=True),
    Column("vendor", String(32), primary_key=True),
    Column("operation", String(48), primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("calls_failed", Integer, nullable=False),  # outcome error or unknown
    Column("calls_refused", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempts_failed", Integer, nullable=False),
    Column("retries", Integer, nullable=False),  # attempts with number > 1
    Column("throttle_wait", Float, nullable=False),
    Column("duration", Float, nullable=False),  # sum over attempts
    Column("p50", Float),  # seconds over attempts; once the bucket is closed, NULL again when something late arrives
    Column("p95", Float),
    Column("p99", Float),
    Index("ix_rollups_open", "width", "started_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

rollup_errors = Table(
    "rollup_errors",
    metadata,
    Column("width", Integer, primary_key=True),
    Column("started_at", UtcTime, primary_key=True),
    Column("vendor", String(32), primary_key=True),
    Column("operation", String(48), primary_key=True),
    Column("error_type", String(48), primary_key=True),
    Column("fault", String(16), primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
)

rollup_bins = Table(  # the mergeable histogram of attempt durations: bin index -> count
    "rollup_bins",
    metadata,
    Column("width", Integer, primary_key=True),
    Column("started_at", UtcTime, primary_key=True),
    Column("vendor", String(32), primary_key=True),
    Column("operation", String(48), primary_key=True),
    Column("bin", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
)

spend = Table(  # who spent the quota, width 60 and 3600; retries apart
    "spend",
    metadata,
    Column("width", Integer, primary_key=True),
    Column("started_at", UtcTime, primary_key=True),
    Column("vendor", String(32), primary_key=True),
    Column("trigger", String(8), primary_key=True),
    Column("priority", String(12), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
)

wait_bins = Table(  # how long attempts waited for their permit in each lane, width 60 and 3600: bin index -> count
    "wait_bins",
    metadata,
    Column("width", Integer, primary_key=True),
    Column("started_at", UtcTime, primary_key=True),
    Column("vendor", String(32), primary_key=True),
    Column("priority", String(12), primary_key=True),
    Column("bin", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
)
