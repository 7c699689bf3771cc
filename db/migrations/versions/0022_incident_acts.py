"""Incidents resolved and kept open by hand, and messages that are repeated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_BY_HAND = (
    ("resolved_by", sa.String(length=64)),
    ("resolved_reason", sa.Text()),
    ("kept_open_by", sa.String(length=64)),
)


def upgrade() -> None:
    """Add the columns."""
    for name, kind in _BY_HAND:
        op.add_column("incidents", sa.Column(name, kind, nullable=True))
    op.add_column("notices", sa.Column("remind_at", sa.BigInteger(), nullable=True))
    op.add_column("notices", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop them."""
    for name in ("reminders", "remind_at"):
        op.drop_column("notices", name)
    for name, _kind in _BY_HAND:
        op.drop_column("incidents", name)
