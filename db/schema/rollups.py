"""Sums over calls and attempts. Width 60 is per operation, 300 s and 21600 s the whole vendor (operation ""), 3600 s and
86400 s both."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, text

from db.columns import UtcTime
from db.schema.base import metadata

# What close_buckets looks for. Five minutes that were closed before histograms were kept do without.
OPEN = text("width > 60 AND duration > 0 AND (p95 IS NULL OR (histogram IS NULL AND width > 300))")

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
    Column("histogram", LargeBinary),  # as histogram.py packs it; there and gone with the quantiles
    Index("ix_rollups_open", "width", "started_at", sqlite_where=OPEN, postgresql_where=OPEN),
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

rollup_bins = Table(  # the mergeable histogram of attempt durations, up to width 3600: bin index -> count
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
