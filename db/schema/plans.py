"""What a run would change, field by field, and what a person decided about it."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from db.columns import UtcTime
from db.schema.base import metadata

plans = Table(
    "plans",
    metadata,
    Column("run_id", String(32), primary_key=True),  # the run that made it
    Column("sync", String(32), nullable=False),
    Column("source", String(8), nullable=False),  # dry_run | guard
    Column("state", String(12), nullable=False),  # see db/plans.py
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),  # not to be applied, or let go on, after that
    Column("counts", JSON, nullable=False),  # target -> kind -> changes, exact
    Column("figures", JSON, nullable=False),  # target -> what the blast guard counted
    Column("total", Integer, nullable=False),  # changes
    Column("kept", Integer, nullable=False),  # of them that are rows in plan_rows
    Column("stopped", Text),  # why the blast guard stopped the run
    Column("act", String(12)),  # apply | unmoved | go_on | throw_away
    Column("acting_run_id", String(32)),
    Column("decided_by", String(64)),
    Column("decided_at", UtcTime),
    Column("reason", Text),
    Index(None, "sync", "state"),
    Index(None, "state"),
    Index(None, "acting_run_id"),
    Index(None, "made_at"),
)

plan_rows = Table(
    "plan_rows",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("target", String(32), nullable=False),  # erp | platform | a store
    Column("kind", String(16), nullable=False),  # take | post | conflict | tell | send | fetch | status …
    Column("entity", String(128), nullable=False),  # SKU@warehouse, SKU, or an order's reference
    Column("field", String(32), nullable=False),
    Column("before", String(128)),
    Column("after", String(128)),
    Column("rule", String(128), nullable=False),
    Column("version", Integer),  # of our row, as it was seen
    Column("observed", String(128)),  # what the other side had
    Column("observed_at", UtcTime),  # when that had last changed there
    Column("state", String(8), nullable=False),  # planned | unmoved | moved | applied | refused
    Column("found", String(128)),  # of a moved one: what stands there now
    Index(None, "run_id", "entity"),
    Index(None, "at"),
)
