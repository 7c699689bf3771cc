"""What the vendors say of money and parcels: shipments on their way, processors' movements, spend on advertising."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Numeric, String, Table, Text

from db.columns import UtcTime
from db.schema.base import metadata

shipments = Table(
    "shipments",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("tracking_number", String(64), primary_key=True),
    Column("reference", String(64), nullable=False),  # ours: the order's, or the shipment's own
    Column("service_code", String(64), nullable=False),
    Column("status", String(20), nullable=False),  # created | in_transit | out_for_delivery | delivered | exception …
    Column("price", Numeric(20, 4)),
    Column("currency", String(3)),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("checked_at", UtcTime),  # when the vendor was last asked about it
    Column("delivered_at", UtcTime),
    Column("last_event", JSON),  # at, status, place: never a name, a signature or a note
    Index(None, "status", "checked_at"),
    Index(None, "reference"),
    Index(None, "created_at"),
)

processor_transactions = Table(
    "processor_transactions",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("transaction_id", String(128), primary_key=True),
    Column("type", String(48), nullable=False),
    Column("payment_id", String(128), nullable=False),
    Column("reference", String(128), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", Numeric(20, 4), nullable=False),
    Column("fee", Numeric(20, 4), nullable=False),
    Column("net", Numeric(20, 4), nullable=False),
    Column("status", String(48), nullable=False),
    Column("created_at", UtcTime, nullable=False),  # as the processor says
    Column("seen_at", UtcTime, nullable=False),
    Column("order_reference", String(64)),
    Column("verdict", String(20), nullable=False),  # matches | no_order | amount_differs | other_currency | unrelated
    Column("note", Text),
    Index(None, "verdict", "created_at"),
    Index(None, "order_reference"),
    Index(None, "created_at"),
)

checkout_payments = Table(
    "checkout_payments",
    metadata,
    Column("key", String(255), primary_key=True),  # the caller's Idempotency-Key
    Column("vendor", String(32), nullable=False),  # chosen once; a second request with the key goes there as well
    Column("reference", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", Numeric(20, 4), nullable=False),
    Column("payment_id", String(128)),
    Column("status", String(24), nullable=False),  # asked, unknown, or as the processor last said
    Column("asked_by", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Index(None, "payment_id"),
    Index(None, "reference"),
    Index(None, "changed_at"),
)

campaign_spend = Table(
    "campaign_spend",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("account_id", String(64), primary_key=True),
    Column("campaign_id", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),  # of the ad account's own time zone, 2026-10-01
    Column("campaign_name", String(255), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("spend", Numeric(20, 6), nullable=False),
    Column("impressions", BigInteger, nullable=False),
    Column("clicks", BigInteger, nullable=False),
    Column("conversions", Numeric(20, 6), nullable=False),
    Column("fetched_at", UtcTime, nullable=False),
    Index(None, "day"),
)
