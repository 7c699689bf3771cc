"""What stores (Shopify, WooCommerce) know: their orders that are ours too, and the stock they show."""

from __future__ import annotations

from sqlalchemy import Column, Index, Numeric, String, Table, UniqueConstraint

from db.columns import UtcTime
from db.schema.base import metadata

store_orders = Table(
    "store_orders",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("order_id", String(128), primary_key=True),  # the store's own
    Column("reference", String(64), nullable=False),  # ours: vendor and order_id
    Column("number", String(64), nullable=False),  # as people call it
    Column("status", String(16), nullable=False),  # as the store last said
    Column("state", String(8), nullable=False),  # taken | refused | retry | untold
    Column("modified_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("told_at", UtcTime),  # when the store was told that it is on its way
    UniqueConstraint("reference"),
    Index(None, "vendor", "state", "told_at"),
)

store_levels = Table(
    "store_levels",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("sku", String(64), primary_key=True),
    Column("quantity", Numeric(18, 4)),  # what both sides agreed on last; None while the store does not know the SKU
    Column("agreed_at", UtcTime),
    Column("seen_quantity", Numeric(18, 4)),  # what only the store has, until it is sure that no order explains it
    Column("seen_at", UtcTime),
    Column("refused_type", String(48)),  # why the store did not take what it was told
    Column("refused_quantity", Numeric(18, 4)),  # and what that was; another quantity is tried again
    Index(None, "vendor", "seen_at"),
)
