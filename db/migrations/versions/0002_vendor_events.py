"""Events that vendors send."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of events."""
    op.create_table(
        "vendor_events",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.String(length=128), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "id", name=op.f("pk_vendor_events")),
    )
    op.create_index(op.f("ix_vendor_events_state_due_at"), "vendor_events", ["state", "due_at"])
    op.create_index(op.f("ix_vendor_events_vendor_reference"), "vendor_events", ["vendor", "reference"])
    op.create_index(op.f("ix_vendor_events_received_at"), "vendor_events", ["received_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("vendor_events")
