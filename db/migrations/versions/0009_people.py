"""Who may start runs, how a session came to be, whose password a link sets, how often a token may ask; audit by anything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_AUDITED = ("user_name", "subject", "act")


def upgrade() -> None:
    """Add the columns and indexes; whoever was there keeps the rights of the role."""
    op.add_column("users", sa.Column("may_trigger", sa.Boolean(), nullable=True))
    op.add_column("user_sessions", sa.Column("method", sa.String(length=8), nullable=False, server_default="password"))
    op.add_column("login_links", sa.Column("user_name", sa.String(length=64), nullable=True))
    op.add_column("api_tokens", sa.Column("requests_per_minute", sa.Integer(), nullable=True))
    op.add_column("api_tokens", sa.Column("last_used_at", sa.BigInteger(), nullable=True))
    op.add_column("api_tokens", sa.Column("made_by", sa.String(length=64), nullable=True))
    for name in _AUDITED:
        op.create_index(op.f(f"ix_audit_{name}_at"), "audit", [name, "at"])


def downgrade() -> None:
    """Drop them."""
    for name in _AUDITED:
        op.drop_index(op.f(f"ix_audit_{name}_at"), table_name="audit")
    for table, name in (
        ("api_tokens", "made_by"),
        ("api_tokens", "last_used_at"),
        ("api_tokens", "requests_per_minute"),
        ("login_links", "user_name"),
        ("user_sessions", "method"),
        ("users", "may_trigger"),
    ):
        op.drop_column(table, name)
