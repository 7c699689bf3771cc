"""An index by which the answers of an order under way are found, so that they are kept until it is at its end."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index(op.f("ix_placements_correlation_id"), "placements", ["correlation_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index(op.f("ix_placements_correlation_id"), table_name="placements")
