"""What a write is about, what its look-up said, and what a person found who settled it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was unknown before has none of it."""
    op.add_column("keys", sa.Column("reference", sa.String(length=128), nullable=True))
    op.add_column("keys", sa.Column("look_up_error", sa.String(length=48), nullable=True))
    op.add_column("keys", sa.Column("look_up_said", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("found", sa.String(length=16), nullable=True))
    op.add_column("keys", sa.Column("reason", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name in ("reason", "found", "look_up_said", "look_up_error", "reference"):
        op.drop_column("keys", name)
