"""Indexes by which what the checkout no longer needs is found, oldest first."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    for table in ("placements", "checkout_payments"):
        op.create_index(op.f(f"ix_{table}_changed_at"), table, ["changed_at"])


def downgrade() -> None:
    """Drop them."""
    for table in ("placements", "checkout_payments"):
        op.drop_index(op.f(f"ix_{table}_changed_at"), table_name=table)
