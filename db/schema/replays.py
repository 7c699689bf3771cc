"""Replays: calls that are made once more, each an item of the replay it was asked for in."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table, Text

from db.columns import UtcTime
from db.schema.base import metadata

replays = Table(
    "replays",
    metadata,
    Column("id", String(32), primary_key=True),  # the correlation id and the run of the calls it makes
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("wanted", JSON, nullable=False),  # the filter, as the parameters of the call list's URL
    Column("state", String(12), nullable=False),  # running | finished | cancelled
    Column("total", Integer, nullable=False),
    Column("changed_by", String(80)),  # who cancelled it
    Column("finished_at", UtcTime),
    Index(None, "created_at"),
    Index(None, "state"),
)

replay_items = Table(
    "replay_items",
    metadata,
    Column("replay_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),  # 1 is the first to go out of its vendor's
    Column("call_id", String(32), nullable=False),
    Column("started_at", UtcTime, nullable=False),  # of the call
    Column("vendor", String(32), nullable=False),
    Column("operation", String(48), nullable=False),
    Column("idempotency_key", String(255)),
    Column("old_outcome", String(8), nullable=False),
    Column("old_error_type", String(48)),
    Column("old_duration", Float, nullable=False),
    Column("state", String(12), nullable=False),  # waiting | claimed | done | refused | cancelled
    Column("why", Text),  # why it is refused, or waits
    Column("owner", String(64)),
    Column("claimed_until", UtcTime),
    Column("due_at", UtcTime),
    Column("new_call_id", String(32)),  # noted before the call is made
    Column("outcome", String(8)),
    Column("error_type", String(48)),
    Column("message", Text),  # the sentence for people, free of personal data
    Column("duration", Float),  # seconds
    Column("finished_at", UtcTime),
    Index(None, "replay_id", "state", "vendor"),
    Index(None, "call_id"),
)
