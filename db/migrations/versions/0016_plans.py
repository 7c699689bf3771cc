"""Plans of runs, field by field, what people decided about them, and conflicts that were undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the columns."""
    op.create_table(
        "plans",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("sync", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.Column("act", sa.String(length=12), nullable=True),
        sa.Column("acting_run_id", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_sync_state"), "plans", ["sync", "state"])
    op.create_index(op.f("ix_plans_state"), "plans", ["state"])
    op.create_index(op.f("ix_plans_acting_run_id"), "plans", ["acting_run_id"])
    op.create_index(op.f("ix_plans_made_at"), "plans", ["made_at"])
    op.create_table(
        "plan_rows",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("entity", sa.String(length=128), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("before", sa.String(length=128), nullable=True),
        sa.Column("after", sa.String(length=128), nullable=True),
        sa.Column("rule", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("observed", sa.String(length=128), nullable=True),
        sa.Column("observed_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("found", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_plan_rows")),
    )
    op.create_index(op.f("ix_plan_rows_run_id_entity"), "plan_rows", ["run_id", "entity"])
    op.create_index(op.f("ix_plan_rows_at"), "plan_rows", ["at"])
    op.add_column("conflicts", sa.Column("undone_at", sa.BigInteger(), nullable=True))
    op.add_column("conflicts", sa.Column("undone_by", sa.String(length=64), nullable=True))
    op.add_column("conflicts", sa.Column("undone_reason", sa.Text(), nullable=True))
    op.create_index(op.f("ix_conflicts_at_id"), "conflicts", ["at", "id"])
    op.create_index(op.f("ix_conflicts_run_id"), "conflicts", ["run_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index(op.f("ix_conflicts_run_id"), "conflicts")
    op.drop_index(op.f("ix_conflicts_at_id"), "conflicts")
    for name in ("undone_reason", "undone_by", "undone_at"):
        op.drop_column("conflicts", name)
    op.drop_table("plan_rows")
    op.drop_table("plans")
