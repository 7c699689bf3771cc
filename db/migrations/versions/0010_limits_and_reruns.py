"""Edited limits that end by themselves; of each attempt what its circuit was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TOLD = (
    ("circuit", sa.String(length=64)),
    ("counted", sa.Boolean()),
    ("retry_after", sa.Float()),
    ("message", sa.Text()),
)


def upgrade() -> None:
    """Add the columns; they stay empty for what was recorded before."""
    op.add_column("overrides", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    for name, kind in _TOLD:
        op.add_column("attempts", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name, _ in _TOLD:
        op.drop_column("attempts", name)
    op.drop_column("overrides", "expires_at")
