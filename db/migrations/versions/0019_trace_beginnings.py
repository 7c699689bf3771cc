"""Indexes for what a trace began with: orders and runs by their correlation id."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.create_index(op.f("ix_placements_correlation_id"), "placements", ["correlation_id"])
    op.create_index(op.f("ix_sync_runs_correlation_id"), "sync_runs", ["correlation_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index(op.f("ix_sync_runs_correlation_id"), "sync_runs")
    op.drop_index(op.f("ix_placements_correlation_id"), "placements")
