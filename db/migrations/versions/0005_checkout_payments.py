"""Which processor took a payment that was asked for at the checkout, by its idempotency key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "checkout_payments",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.Numeric(20, 4), nullable=False),
        sa.Column("payment_id", sa.String(length=128), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_checkout_payments")),
    )
    op.create_index(op.f("ix_checkout_payments_payment_id"), "checkout_payments", ["payment_id"])
    op.create_index(op.f("ix_checkout_payments_reference"), "checkout_payments", ["reference"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("checkout_payments")
