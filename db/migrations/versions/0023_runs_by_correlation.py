"""An index by which a trace finds the run its calls began with."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index(op.f("ix_sync_runs_correlation_id"), "sync_runs", ["correlation_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index(op.f("ix_sync_runs_correlation_id"), table_name="sync_runs")
