"""Versions, deprecations and certificates, as the vendors' answers name them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "headers_seen",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("header", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column("caller", sa.String(length=8), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("vendor", "operation", "header", "value", "caller", name=op.f("pk_headers_seen")),
    )
    op.create_table(
        "certificates",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("vendor", "host", name=op.f("pk_certificates")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("certificates")
    op.drop_table("headers_seen")
