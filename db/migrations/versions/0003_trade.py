"""Shipments on their way, processors' movements, spend on advertising."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "shipments",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("tracking_number", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("service_code", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("price", sa.Numeric(20, 4), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_event", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "tracking_number", name=op.f("pk_shipments")),
    )
    op.create_index(op.f("ix_shipments_status_checked_at"), "shipments", ["status", "checked_at"])
    op.create_index(op.f("ix_shipments_reference"), "shipments", ["reference"])
    op.create_index(op.f("ix_shipments_created_at"), "shipments", ["created_at"])
    op.create_table(
        "processor_transactions",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("transaction_id", sa.String(length=128), nullable=False),
        sa.Column("type", sa.String(length=48), nullable=False),
        sa.Column("payment_id", sa.String(length=128), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.Numeric(20, 4), nullable=False),
        sa.Column("fee", sa.Numeric(20, 4), nullable=False),
        sa.Column("net", sa.Numeric(20, 4), nullable=False),
        sa.Column("status", sa.String(length=48), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("order_reference", sa.String(length=64), nullable=True),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "transaction_id", name=op.f("pk_processor_transactions")),
    )
    for columns in (["verdict", "created_at"], ["order_reference"], ["created_at"]):
        name = f"ix_processor_transactions_{'_'.join(columns)}"
        op.create_index(op.f(name), "processor_transactions", columns)
    op.create_table(
        "campaign_spend",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("campaign_name", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("spend", sa.Numeric(20, 6), nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("conversions", sa.Numeric(20, 6), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("vendor", "account_id", "campaign_id", "day", name=op.f("pk_campaign_spend")),
    )
    op.create_index(op.f("ix_campaign_spend_day"), "campaign_spend", ["day"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("campaign_spend", "processor_transactions", "shipments"):
        op.drop_table(table)
