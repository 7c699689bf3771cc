"""The platform side: orders and their outbox, stock, exchange rates."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, Numeric, String, Table, Text, UniqueConstraint

from db.columns import Sealed, UtcTime
from db.schema.base import metadata

orders = Table(
    "orders",
    metadata,
    Column("reference", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("placed_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total", Numeric(20, 4), nullable=False),
    Column("country", String(2), nullable=False),  # of the destination
    Column("lines", JSON, nullable=False),
    Column("customer", Sealed, nullable=False),  # name, address, e-mail, phone
    Column("payment_id", String(128)),
    Column("payment_status", String(24)),
    Column("fulfilment_status", String(24), nullable=False),  # new | sent | open | shipped | completed | cancelled
    Column("erp_number", String(64)),
    Column("tracking_number", String(64)),
    Column("checked_at", UtcTime),  # when the ERP was last asked about it
    Index(None, "placed_at"),
    Index(None, "fulfilment_status", "checked_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),  # erp_order …
    Column("reference", String(64), nullable=False),
    Column("state", String(8), nullable=False),  # waiting | done | dead
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("tries", Integer, nullable=False),
    Column("error_type", String(48)),
    Column("message", Text),
    UniqueConstraint("kind", "reference"),
    Index(None, "kind", "state", "due_at"),
)

placements = Table(
    "placements",
    metadata,
    Column("reference", String(64), primary_key=True),  # the order's
    Column("key", String(255), nullable=False, unique=True),  # the caller's Idempotency-Key
    Column("input_hash", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),  # 2 and more: asked for anew after a decline
    Column(
        "state", String(12), nullable=False
    ),  # new | paying | action | review | placed | undoing; see db/placements.py
    Column("steps", JSON, nullable=False),  # name -> state and the vendor's ids; nothing personal
    Column("papers", Sealed, nullable=False),  # the request while it is needed, the tax, the payment
    Column("payment_id", String(128)),
    Column("currency", String(3), nullable=False),
    Column("total", Numeric(20, 4)),
    Column("tries", Integer, nullable=False),  # of the step that is next
    Column("due_at", UtcTime),  # None: nothing is left to do, or a person has to
    Column("held_by", String(32)),
    Column("held_until", UtcTime),
    Column("error_type", String(48)),
    Column("message", Text),
    Column("correlation_id", String(128), nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Index(None, "due_at"),
    Index(None, "payment_id"),
    Index(None, "changed_at"),
    Index(None, "correlation_id"),
)

stock = Table(
    "stock",
    metadata,
    Column("sku", String(64), primary_key=True),
    Column("warehouse", String(32), primary_key=True),
    Column("quantity", Numeric(18, 4), nullable=False),  # on hand, as the ERP counts it
    Column("committed", Numeric(18, 4), nullable=False, server_default="0"),  # placed orders have it, not shipped
    Column("changed_at", UtcTime, nullable=False),  # of the quantity, on whichever side it changed last
    Column("changed_by", String(64), nullable=False),  # a token's or a person's name | erp | demo
    Column("version", Integer, nullable=False),
    Column("base_quantity", Numeric(18, 4)),  # both sides agreed on this at the last sync
    Column("synced_version", Integer),  # the version that was brought to the ERP
    Index(None, "changed_at"),
)

stock_readings = Table(  # what the ERP said during a run, kept until all of it is there and judged
    "stock_readings",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("sku", String(64), primary_key=True),
    Column("warehouse", String(32), primary_key=True),
    Column("quantity", Numeric(18, 4), nullable=False),
    Column("modified_at", UtcTime, nullable=False),
)

rate_snapshots = Table(
    "rate_snapshots",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("base", String(3), nullable=False),
    Column("as_of", UtcTime, nullable=False),
    Column("fetched_at", UtcTime, nullable=False),
    Column("source", String(32), nullable=False),
    Column("rates", JSON, nullable=False),  # code -> decimal as string
    Index(None, "fetched_at"),
)
