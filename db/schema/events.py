"""Events that vendors send us: one row each, kept once however often they are delivered."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from db.columns import UtcTime
from db.schema.base import metadata

vendor_events = Table(
    "vendor_events",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("id", String(128), primary_key=True),  # the vendor's own: a repeated delivery has the same
    Column("type", String(80), nullable=False),
    Column("occurred_at", UtcTime),  # as the vendor says
    Column("received_at", UtcTime, nullable=False),
    Column("resource", String(128), nullable=False),  # the vendor's id of what changed, "" where it names none
    Column("reference", String(128), nullable=False),  # ours, "" where the event carries none
    Column("data", JSON, nullable=False),  # names and values that are neither personal nor secret
    Column("correlation_id", String(128), nullable=False),
    Column("state", String(8), nullable=False),  # waiting | done | dead
    Column("due_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at", UtcTime),
    Column("note", Text),  # what came of it, or why not
    Index(None, "state", "due_at"),
    Index(None, "vendor", "reference"),
    Index(None, "received_at"),
)
