"""What stores know: their orders that are ours too, and the stock they show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "store_orders",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("order_id", sa.String(length=128), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "order_id", name=op.f("pk_store_orders")),
        sa.UniqueConstraint("reference", name=op.f("uq_store_orders_reference")),
    )
    op.create_index(op.f("ix_store_orders_vendor_state_told_at"), "store_orders", ["vendor", "state", "told_at"])
    op.create_table(
        "store_levels",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Numeric(18, 4), nullable=True),
        sa.Column("agreed_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_quantity", sa.Numeric(18, 4), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("refused_type", sa.String(length=48), nullable=True),
        sa.Column("refused_quantity", sa.Numeric(18, 4), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "sku", name=op.f("pk_store_levels")),
    )
    op.create_index(op.f("ix_store_levels_vendor_seen_at"), "store_levels", ["vendor", "seen_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("store_levels")
    op.drop_table("store_orders")
