"""Processes, leases, schedules, runs, backfills, and what a run could not or would not write."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from db.columns import Sealed, UtcTime
from db.schema.base import metadata

processes = Table(
    "processes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(12), nullable=False),  # web | scheduler | worker | cli
    Column("started_at", UtcTime, nullable=False),
    Column("heartbeat_at", UtcTime, nullable=False),
    Column("stopped_at", UtcTime),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("acquired_by", String(64), nullable=False),
    Column("acquired_until", UtcTime, nullable=False),
)

schedules = Table(  # an edit in the browser; it wins over the file
    "schedules",
    metadata,
    Column("sync", String(32), primary_key=True),
    Column("schedule", String(64)),
    Column("pause_after", Integer),  # failed runs in a row until it is paused; 0 never, NULL as the file says
    Column("reason", Text),  # of the edit
    Column("by", String(64), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("pause_reason", Text),
    Column("paused_by", String(64)),
    Column("paused_at", UtcTime),
    Column("paused_until", UtcTime),
    Column("paused_run", String(32)),  # the last of the failed runs that paused it; NULL: a person did
    Column("resumed_at", UtcTime),  # failures before this count no more
)

sync_runs = Table(
    "sync_runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sync", String(32), nullable=False),
    Column("state", String(8), nullable=False),  # queued | running | finished
    Column("outcome", String(12)),  # success | error | missed | cancelled | abandoned
    Column("trigger", String(8), nullable=False),  # schedule | user | api | start | event | backfill
    Column("requested_by", String(64)),
    Column("scheduled_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("heartbeat_at", UtcTime),
    Column("owner", String(64)),
    Column("correlation_id", String(128), nullable=False),
    Column("cursor", JSON),
    Column("pages", Integer, nullable=False, default=0),
    Column("read", Integer, nullable=False, default=0),
    Column("written", Integer, nullable=False, default=0),
    Column("unchanged", Integer, nullable=False, default=0),
    Column("conflicted", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
    Column("total", Integer),
    Column("cancel_requested_by", String(64)),
    Column("takeovers", Integer, nullable=False, default=0),
    Column("dry_run", Boolean, nullable=False, default=False),
    Column("plan", Sealed),  # of a dry run
    Column("error_type", String(48)),
    Column("message", Text),
    Column("passing", Boolean),  # of an error: it passes by itself, such as a vendor's outage
    Column("options", JSON(none_as_null=True)),  # what whoever asked for it chose
    Column("backfill_id", String(32)),  # it is a slice of this backfill
    Column("waiting_for", Text),  # what it waits for, as of its last heartbeat
    UniqueConstraint("sync", "trigger", "scheduled_at"),
    Index(None, "sync", "scheduled_at"),
    Index(None, "scheduled_at"),
    Index(None, "state"),
    Index(None, "correlation_id"),
    Index(
        "ix_sync_runs_backfill_id",
        "backfill_id",
        sqlite_where=text("backfill_id IS NOT NULL"),
        postgresql_where=text("backfill_id IS NOT NULL"),
    ),
)

run_notes = Table(  # what happened in a run, in words
    "run_notes",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("tone", String(8), nullable=False),  # info | warn | bad
    Column("text", Text, nullable=False),
    Index(None, "at"),
)

backfills = Table(  # a range of the past, worked off slice by slice beside the schedule
    "backfills",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sync", String(32), nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("slice_seconds", Integer, nullable=False),
    Column("pause_seconds", Integer, nullable=False),  # between two slices
    Column("state", String(10), nullable=False),  # open | done | failed | cancelled
    Column("by", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("ended_by", String(64)),
    Index(None, "state"),
    Index(None, "sync", "created_at"),
    Index(
        "ix_backfills_open",  # one at a time of a sync, so never two over the same range
        "sync",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

backfill_slices = Table(
    "backfill_slices",
    metadata,
    Column("backfill_id", String(32), ForeignKey("backfills.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("state", String(10), nullable=False),  # waiting | running | done | failed | cancelled
    Column("run_id", String(32)),
    Column("tries", Integer, nullable=False),
    Column("message", Text),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("sync", String(32), nullable=False),
    Column("item", String(128), nullable=False),  # SKU or order reference
    Column("error_type", String(48), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("retries", Integer, nullable=False, default=0),
    Column("resolved_at", UtcTime),
    Column("resolved_by", String(64)),
    Column("verdict", String(8)),  # retried | given_up
    Column("verdict_reason", Text),
    Index(None, "sync", "resolved_at"),
    Index(None, "run_id"),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("sync", String(32), nullable=False),
    Column("item", String(128), nullable=False),
    Column("field", String(32), nullable=False),
    Column("erp_value", String(64), nullable=False),
    Column("erp_at", UtcTime),
    Column("platform_value", String(64), nullable=False),
    Column("platform_at", UtcTime),
    Column("rule", String(64), nullable=False),
    Column("winner", String(16), nullable=False),  # erp | platform
    Column("at", UtcTime, nullable=False),
    Column("undone_at", UtcTime),  # when a person gave the loser its value back
    Column("undone_by", String(64)),
    Column("undone_reason", Text),
    Index(None, "sync", "at"),
    Index(None, "at", "id"),
    Index(None, "run_id"),
)
